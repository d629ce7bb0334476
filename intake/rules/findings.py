"""What a screen concludes: level, route, placement, and the findings behind them.

There is no level that reassures. The lowest two are "low but possible" and "unknown", and unknown
ranks above low: what was not asked may not make anyone calmer.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self


class _Ranked(StrEnum):
    """Members are declared from the mildest to the gravest; ``rank`` grows with gravity.

    Compare ``rank``, never the members: as strings they compare by spelling.
    """

    @property
    def rank(self) -> int:
        return list(type(self)).index(self)

    @property
    def label(self) -> str:
        return self.value.replace("_", " ").capitalize()


class Level(_Ranked):
    LOW_BUT_POSSIBLE = "low_but_possible"
    UNKNOWN = "unknown"
    MODERATE = "moderate"
    HIGH = "high"
    URGENT = "urgent"
    EMERGENCY = "emergency"

    def raised(self) -> "Level":
        """One tier up (rules R14, R15).

        Urgent is the top a tier can reach: an emergency is a sign present now, not an age.
        """
        return {
            Level.LOW_BUT_POSSIBLE: Level.MODERATE,
            Level.UNKNOWN: Level.MODERATE,
            Level.MODERATE: Level.HIGH,
            Level.HIGH: Level.URGENT,
        }.get(self, self)


class Route(_Ranked):
    """The next step, and how soon."""

    NO_URGENT_SIGN = "no_urgent_sign"
    FINISH_SCREEN = "finish_screen"
    ASK_PRESCRIBER = "ask_prescriber"
    MEDICAL_EVALUATION_72H = "medical_evaluation_72h"
    SUPERVISOR_NOW = "supervisor_now"
    SAME_DAY_MEDICAL = "same_day_medical"
    POISON_HELP = "poison_help"
    TRANSFER_988 = "transfer_988"
    ED_NOW = "ed_now"
    CALL_911 = "call_911"

    @property
    def label(self) -> str:
        return {
            Route.NO_URGENT_SIGN: "No urgent sign recorded",
            Route.FINISH_SCREEN: "Finish the screen: questions are unanswered",
            Route.ASK_PRESCRIBER: "Ask the prescriber or a pharmacist",
            Route.MEDICAL_EVALUATION_72H: "Medical evaluation within 24 to 72 hours",
            Route.SUPERVISOR_NOW: "Tell the supervisor now",
            Route.SAME_DAY_MEDICAL: "Medical evaluation today; emergency department if not seen",
            Route.POISON_HELP: "Poison Help, 1-800-222-1222, on the line now",
            Route.TRANSFER_988: "Warm transfer to 988 now",
            Route.ED_NOW: "Emergency department now",
            Route.CALL_911: "Call 911 now",
        }[self]


# Ways to be seen by somebody medical, the soonest first: who is seen sooner is not sent later too.
SEEN_BY = (
    Route.CALL_911,
    Route.ED_NOW,
    Route.SAME_DAY_MEDICAL,
    Route.MEDICAL_EVALUATION_72H,
    Route.ASK_PRESCRIBER,
)
# Steps taken together with the caller, before anything else is asked.
ON_THE_LINE = frozenset({Route.POISON_HELP, Route.TRANSFER_988, Route.CALL_911})


class Placement(_Ranked):
    """Which setting a detox referral may use."""

    UNDECIDED = "undecided"
    OUTPATIENT_POSSIBLE = "outpatient_possible"
    MEDICAL_EVALUATION_FIRST = "medical_evaluation_first"
    MEDICAL_STAFF_ONLY = "medical_staff_only"
    NEVER_OUTPATIENT_ONLY = "never_outpatient_only"
    INPATIENT_ONLY = "inpatient_only"
    EMERGENCY_CARE_FIRST = "emergency_care_first"

    @property
    def label(self) -> str:
        return {
            Placement.UNDECIDED: "Not decided by this screen",
            Placement.OUTPATIENT_POSSIBLE: "Outpatient care is possible; the clinician decides",
            Placement.MEDICAL_EVALUATION_FIRST: "Medical evaluation before any program",
            Placement.MEDICAL_STAFF_ONLY: "Detox with medical staff only",
            Placement.NEVER_OUTPATIENT_ONLY: "Never an outpatient-only program",
            Placement.INPATIENT_ONLY: "Inpatient only",
            Placement.EMERGENCY_CARE_FIRST: "Emergency care first",
        }[self]


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that fired.

    ``advice`` is for staff. ``say`` is what the agent may say to the caller word for word; it never
    holds a dose, a taper or a conversion.
    """

    rule_id: str
    level: Level
    title: str
    advice: str
    say: str
    source: str
    route: Route = Route.NO_URGENT_SIGN
    placement: Placement = Placement.UNDECIDED

    def to_dict(self) -> dict[str, str]:
        return {
            "rule_id": self.rule_id,
            "level": self.level.value,
            "title": self.title,
            "advice": self.advice,
            "say": self.say,
            "source": self.source,
            "route": self.route.value,
            "placement": self.placement.value,
        }

    @classmethod
    def from_dict(cls, data: dict[str, str]) -> Self:
        return cls(
            rule_id=data["rule_id"],
            level=Level(data["level"]),
            title=data["title"],
            advice=data["advice"],
            say=data["say"],
            source=data["source"],
            route=Route(data["route"]),
            placement=Placement(data["placement"]),
        )


@dataclass(frozen=True, slots=True)
class Assessment:
    """The result of one screen under one version of the rules.

    ``findings`` gravest first. ``unknowns``: codes of the items nobody answered.
    ``required_codes``: SAMHSA codes a facility must carry (all of them). ``setting_codes``: any one
    of them must be carried. ``hospital_first``: offer hospital-capable places before others (R15).
    """

    rule_set: str
    level: Level
    route: Route
    placement: Placement
    findings: tuple[Finding, ...]
    unknowns: tuple[str, ...]
    required_codes: tuple[str, ...] = ()
    setting_codes: tuple[str, ...] = ()
    hospital_first: bool = False

    @property
    def rule_ids(self) -> tuple[str, ...]:
        """Each rule that fired, once, gravest first."""
        return tuple(dict.fromkeys(finding.rule_id for finding in self.findings))

    @property
    def routes(self) -> tuple[Route, ...]:
        """Every step asked for, the gravest first, once each."""
        found = {self.route, *(finding.route for finding in self.findings)}
        return tuple(sorted(found, key=lambda route: -route.rank))

    @property
    def steps(self) -> tuple[Route, ...]:
        """What to do, the gravest first: the routes without the later ways to be seen."""
        soonest = next((route for route in SEEN_BY if route in self.routes), None)
        return tuple(route for route in self.routes if route not in SEEN_BY or route is soonest)

    @property
    def is_emergency(self) -> bool:
        return self.level is Level.EMERGENCY

    @property
    def red_flags(self) -> tuple[Finding, ...]:
        """What needs somebody on the line at once, whatever the level; gravest first."""
        return tuple(
            finding
            for finding in self.findings
            if finding.level is Level.EMERGENCY or finding.route in ON_THE_LINE
        )

    @property
    def inpatient_only(self) -> bool:
        """True if any rule asks for inpatient detox, even while emergency care comes first."""
        return any(finding.placement is Placement.INPATIENT_ONLY for finding in self.findings)

    @property
    def never_outpatient_only(self) -> bool:
        """True if a referral list may not hold outpatient-only programs."""
        excluded = {Placement.INPATIENT_ONLY, Placement.NEVER_OUTPATIENT_ONLY}
        return any(finding.placement in excluded for finding in self.findings)

    @property
    def summary(self) -> str:
        """One line for staff: level, where, next step."""
        where = Placement.INPATIENT_ONLY if self.inpatient_only else self.placement
        return f"{self.level.label} · {where.label} · {self.route.label}"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "rule_set": self.rule_set,
            "level": self.level.value,
            "route": self.route.value,
            "placement": self.placement.value,
            "findings": [finding.to_dict() for finding in self.findings],
            "unknowns": list(self.unknowns),
            "required_codes": list(self.required_codes),
            "setting_codes": list(self.setting_codes),
            "hospital_first": self.hospital_first,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Reads ``to_dict``; the stored findings stand as they were, under their own rule set."""
        return cls(
            rule_set=data["rule_set"],
            level=Level(data["level"]),
            route=Route(data["route"]),
            placement=Placement(data["placement"]),
            findings=tuple(Finding.from_dict(finding) for finding in data["findings"]),
            unknowns=tuple(data["unknowns"]),
            required_codes=tuple(data.get("required_codes", ())),
            setting_codes=tuple(data.get("setting_codes", ())),
            hospital_first=bool(data.get("hospital_first", False)),
        )


def highest_level(levels: Iterable[Level], default: Level) -> Level:
    """The gravest of them, never below ``default``."""
    return max([default, *levels], key=lambda level: level.rank)
