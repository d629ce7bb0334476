"""What the agent was told: tri-state answers and one exposure per substance.

Everything starts as "unknown". An unanswered item stays unknown; it is never read as "no".
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Self

from intake.rules.substances import Substance, SubstanceClass, find_substance
from intake.rules.withdrawal import Severity, Symptoms, told_signs, told_symptoms


class Answer(StrEnum):
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"

    @property
    def is_yes(self) -> bool:
        return self is Answer.YES

    @property
    def is_no(self) -> bool:
        return self is Answer.NO

    @property
    def possible(self) -> bool:
        """Yes, or not ruled out."""
        return self is not Answer.NO


class Source(StrEnum):
    """Where the substance comes from."""

    OWN_PRESCRIPTION = "own_prescription"
    OTHER = "other"
    STREET = "street"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answers:
    """One field per question of ``questions.QUESTIONS``, the same code; plus figures and features.

    ``age`` in years. ``seizure_hours_ago``: hours since the latest seizure, if one is known.
    ``symptoms`` of withdrawal with their severity, and ``signs`` of dependence: what was told,
    by the codes of ``withdrawal``.
    """

    # Danger now
    seizure_now: Answer = Answer.UNKNOWN
    cannot_be_woken: Answer = Answer.UNKNOWN
    breathing_trouble: Answer = Answer.UNKNOWN
    blue_or_gray: Answer = Answer.UNKNOWN
    overdose: Answer = Answer.UNKNOWN
    hallucinations: Answer = Answer.UNKNOWN
    confusion: Answer = Answer.UNKNOWN
    chest_pain: Answer = Answer.UNKNOWN
    fainting: Answer = Answer.UNKNOWN
    overheating: Answer = Answer.UNKNOWN
    suicide_act: Answer = Answer.UNKNOWN
    suicide_thoughts: Answer = Answer.UNKNOWN
    suicide_plan: Answer = Answer.UNKNOWN
    suicide_intent: Answer = Answer.UNKNOWN
    danger_to_others: Answer = Answer.UNKNOWN
    danger_from_others: Answer = Answer.UNKNOWN
    pregnancy_bleeding: Answer = Answer.UNKNOWN
    # Around the person
    child_at_risk: Answer = Answer.UNKNOWN
    alone: Answer = Answer.UNKNOWN
    # History
    withdrawal_seizure: Answer = Answer.UNKNOWN
    withdrawal_delirium: Answer = Answer.UNKNOWN
    epilepsy: Answer = Answer.UNKNOWN
    suicide_behavior_3_months: Answer = Answer.UNKNOWN
    # Use beside the main substance
    opioid_use: Answer = Answer.UNKNOWN
    alcohol_daily: Answer = Answer.UNKNOWN
    other_sedatives: Answer = Answer.UNKNOWN
    stimulant_use: Answer = Answer.UNKNOWN
    # Health
    pregnant: Answer = Answer.UNKNOWN
    postpartum_6_weeks: Answer = Answer.UNKNOWN
    liver_disease: Answer = Answer.UNKNOWN
    lung_disease: Answer = Answer.UNKNOWN
    sleep_apnea: Answer = Answer.UNKNOWN
    other_severe_illness: Answer = Answer.UNKNOWN
    # Mental illness beside the use
    depression: Answer = Answer.UNKNOWN
    bipolar: Answer = Answer.UNKNOWN
    ptsd: Answer = Answer.UNKNOWN
    # Figures
    age: int | None = None
    seizure_hours_ago: int | None = None
    # Features
    symptoms: Symptoms = ()
    signs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check("age", self.age, 0, 130)
        _check("seizure_hours_ago", self.seizure_hours_ago, 0, None)

    def get(self, code: str) -> Answer:
        """The answer to one question; ``KeyError`` for a code that is no question."""
        value = getattr(self, code, None)
        if not isinstance(value, Answer):
            raise KeyError(code)
        return value

    def severity(self, symptom: str) -> Severity:
        """How bad this symptom was told to be."""
        return dict(self.symptoms).get(symptom, Severity.UNKNOWN)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; every item is written, the unknown ones too."""
        plain: dict[str, Any] = {
            field.name: _plain(getattr(self, field.name)) for field in fields(self)
        }
        plain["symptoms"] = {code: str(severity) for code, severity in self.symptoms}
        plain["signs"] = list(self.signs)
        return plain

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Reads ``to_dict``; items a newer or older rule set does not share stay unknown.

        Raises ``ValueError`` for a value that is no answer.
        """
        known: dict[str, Any] = {}
        for field in fields(cls):
            value = data.get(field.name)
            if value is None:
                continue
            read = _READERS.get(field.name, Answer)
            known[field.name] = read(value)
        return cls(**known)


# How everything that is no answer to a question is read back.
_READERS: dict[str, Callable[[Any], Any]] = {
    "age": int,
    "seizure_hours_ago": int,
    "symptoms": told_symptoms,
    "signs": told_signs,
}


@dataclass(frozen=True, slots=True)
class Exposure:
    """How one substance is taken. Every figure may be ``None``: not known, and counted as such.

    ``dose_mg`` is what is taken each time; ``times_per_day`` how often on a day of use;
    ``days_per_week`` 0-7; ``weeks_of_use`` since use began; ``last_used_hours_ago`` hours;
    ``recent_cut_percent`` how much the dose fell within two weeks, 0-100.
    Raises ``ValueError`` for a figure outside its range.
    """

    substance: str
    dose_mg: Decimal | None = None
    times_per_day: Decimal | None = None
    days_per_week: int | None = None
    weeks_of_use: Decimal | None = None
    last_used_hours_ago: Decimal | None = None
    stopped_abruptly: Answer = Answer.UNKNOWN
    recent_cut_percent: Decimal | None = None
    source: Source = Source.UNKNOWN
    above_prescribed: Answer = Answer.UNKNOWN

    def __post_init__(self) -> None:
        _check("dose_mg", self.dose_mg, 0, None)
        _check("times_per_day", self.times_per_day, 0, None)
        _check("days_per_week", self.days_per_week, 0, 7)
        _check("weeks_of_use", self.weeks_of_use, 0, None)
        _check("last_used_hours_ago", self.last_used_hours_ago, 0, None)
        _check("recent_cut_percent", self.recent_cut_percent, 0, 100)

    @property
    def known_substance(self) -> Substance:
        return find_substance(self.substance)

    @property
    def substance_class(self) -> SubstanceClass:
        return self.known_substance.substance_class

    @property
    def daily_mg(self) -> Decimal | None:
        """Mg on a day of use, or ``None`` when either factor is unknown."""
        if self.dose_mg is None or self.times_per_day is None:
            return None
        return self.dose_mg * self.times_per_day

    def to_dict(self) -> dict[str, Any]:
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Reads ``to_dict``. Raises ``ValueError`` for figures that are none."""
        return cls(
            substance=str(data["substance"]),
            dose_mg=_decimal(data.get("dose_mg")),
            times_per_day=_decimal(data.get("times_per_day")),
            days_per_week=None if data.get("days_per_week") is None else int(data["days_per_week"]),
            weeks_of_use=_decimal(data.get("weeks_of_use")),
            last_used_hours_ago=_decimal(data.get("last_used_hours_ago")),
            stopped_abruptly=Answer(data.get("stopped_abruptly") or "unknown"),
            recent_cut_percent=_decimal(data.get("recent_cut_percent")),
            source=Source(data.get("source") or "unknown"),
            above_prescribed=Answer(data.get("above_prescribed") or "unknown"),
        )


def _check(name: str, value: Decimal | int | None, low: int, high: int | None) -> None:
    """Refuses a figure outside low..high, and NaN or infinity; the value itself is not repeated."""
    if value is None:
        return
    if isinstance(value, Decimal) and not value.is_finite():
        raise ValueError(f"{name} must be a number.")
    if value < low or (high is not None and value > high):
        upper = "" if high is None else f" and at most {high}"
        raise ValueError(f"{name} must be at least {low}{upper}.")


def _plain(value: object) -> str | int | None:
    if value is None or isinstance(value, int):
        return value
    return str(value)


def _decimal(value: object) -> Decimal | None:
    if value is None or value == "":
        return None
    try:
        return Decimal(str(value))
    except InvalidOperation as error:
        raise ValueError("Not a number.") from error
