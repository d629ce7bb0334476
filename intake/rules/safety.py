"""The safety screen: answers and exposures in, findings and a route out.

It routes. It does not diagnose, never doses, and has no outcome that reassures. The highest rule
wins; an unanswered item counts as unknown, is reported, and can lower nothing. A clinician signs
the rule set off before live use, and staff may override a result with a reason.

Rules R1-R19 are the helpline's rule table; R20-R22 close gaps it leaves for callers who use no
benzodiazepine or are in danger from a person, and R23-R25 hear what withdrawal, dependence and
mental illness look like. Each finding names its source.
"""

from collections.abc import Iterable, Iterator

from intake.rules.answers import Answer, Answers, Exposure, Source
from intake.rules.case import Case
from intake.rules.exposures import ExposureRisk, benzodiazepine_risk, is_sedative
from intake.rules.feature_rules import FEATURE_RULES
from intake.rules.findings import (
    Assessment,
    Finding,
    Level,
    Placement,
    Route,
    highest_level,
)
from intake.rules.questions import QUESTION, QUESTIONS, SCRIPTS, Group, Question, Script
from intake.rules.safety_rules import ADULT_AGE, RULES, finding
from intake.rules.substances import SUBSTANCES, Substance, SubstanceClass
from intake.rules.withdrawal import BEYOND_PRESCRIPTION

__all__ = [
    "QUESTION",
    "QUESTIONS",
    "RULE_SET_VERSION",
    "SCRIPTS",
    "SUBSTANCES",
    "Answer",
    "Answers",
    "Assessment",
    "Exposure",
    "ExposureRisk",
    "Finding",
    "Group",
    "Level",
    "Placement",
    "Question",
    "Route",
    "Script",
    "Source",
    "Substance",
    "SubstanceClass",
    "assess",
    "benzodiazepine_risk",
    "risk_of",
    "unanswered",
]

RULE_SET_VERSION = "2026.2"

SENIOR_AGE = 65
INPATIENT_CODES = ("HID", "RD")
PREGNANCY_CODE = "PW"
MINOR_CODE = "CHLD"


def assess(answers: Answers, exposures: Iterable[Exposure] = ()) -> Assessment:
    """Screens one person and returns level, route, placement and the findings, gravest first.

    Promises: the level is the highest of all findings; turning any answer to yes never lowers it;
    an unknown answer never gives a lower level than a no.
    """
    taken = tuple(exposures)
    case = Case(answers, taken, risk_of(answers, taken))
    unknowns = unanswered(answers, taken)
    findings = [found for rule in (*RULES, *FEATURE_RULES) for found in rule(case)]
    # Read before R14 and R15 raise it: each raises what the other rules found by one tier.
    level = highest_level((found.level for found in findings), _floor(answers, taken))
    for raising in _raised_by(answers, level, findings):
        findings.append(raising)
        level = highest_level([level], raising.level)
    if not findings:
        findings.append(finding("R19", level, _resting_route(level)))
    findings.sort(key=lambda found: (-found.level.rank, int(found.rule_id[1:])))
    return Assessment(
        rule_set=RULE_SET_VERSION,
        level=level,
        route=_gravest_route(findings, level),
        placement=max((f.placement for f in findings), key=lambda placement: placement.rank),
        findings=tuple(findings),
        unknowns=unknowns,
        required_codes=_required_codes(case),
        setting_codes=_setting_codes(findings),
        hospital_first=any(found.rule_id == "R15" for found in findings),
    )


def risk_of(answers: Answers, exposures: Iterable[Exposure]) -> ExposureRisk | None:
    """Table 2 for this person: their exposures, and what they say of keeping to a prescription."""
    beyond = not BEYOND_PRESCRIPTION.isdisjoint(answers.signs)
    return benzodiazepine_risk(exposures, beyond_prescription=beyond)


def unanswered(answers: Answers, exposures: Iterable[Exposure] = ()) -> tuple[str, ...]:
    """Codes of every item without an answer, in the order they are asked.

    ``symptoms`` stands for a screen without any symptom of withdrawal, present or denied. An
    exposure's item reads ``exposure.<number from 1>.<field>``; ``substances`` stands for a
    screen without any substance.
    """
    taken = tuple(exposures)
    codes = [question.code for question in QUESTIONS if _is_open(question, answers)]
    if not answers.symptoms:
        codes.append("symptoms")
    if answers.age is None:
        codes.append("age")
    if not taken:
        codes.append("substances")
    for number, exposure in enumerate(taken, start=1):
        codes += [f"exposure.{number}.{name}" for name in _open_items(exposure)]
    return tuple(codes)


def _is_open(question: Question, answers: Answers) -> bool:
    if answers.get(question.code) is not Answer.UNKNOWN:
        return False
    return not question.only_if or any(answers.get(code).possible for code in question.only_if)


def _open_items(exposure: Exposure) -> list[str]:
    figures = ["days_per_week", "weeks_of_use", "last_used_hours_ago"]
    if is_sedative(exposure):
        figures = ["dose_mg", "times_per_day", *figures]
    names = [name for name in figures if getattr(exposure, name) is None]
    if exposure.stopped_abruptly is Answer.UNKNOWN:
        names.append("stopped_abruptly")
    if is_sedative(exposure):
        if not exposure.stopped_abruptly.is_yes and exposure.recent_cut_percent is None:
            names.append("recent_cut_percent")
        if exposure.source is Source.UNKNOWN:
            names.append("source")
        if exposure.above_prescribed is Answer.UNKNOWN:
            names.append("above_prescribed")
    return names


def _floor(answers: Answers, exposures: tuple[Exposure, ...]) -> Level:
    """The level when nothing fires: unknown while a counting question is open."""
    open_questions = any(question.counts and _is_open(question, answers) for question in QUESTIONS)
    if open_questions or answers.age is None or not exposures:
        return Level.UNKNOWN
    return Level.LOW_BUT_POSSIBLE


def _raised_by(answers: Answers, level: Level, findings: list[Finding]) -> Iterator[Finding]:
    """R14 and R15, each one tier. What already asks for today goes to an emergency department."""
    today = any(found.route is Route.SAME_DAY_MEDICAL for found in findings)
    if answers.age is not None and answers.age >= SENIOR_AGE:
        level = level.raised()
        yield finding("R14", _capped(level), _raised_route(level, today=today))
    ill = (
        answers.liver_disease,
        answers.lung_disease,
        answers.sleep_apnea,
        answers.other_severe_illness,
    )
    if any(answer.is_yes for answer in ill):
        level = level.raised()
        yield finding(
            "R15",
            _capped(level),
            _raised_route(level, today=today),
            Placement.MEDICAL_EVALUATION_FIRST,
        )


def _capped(level: Level) -> Level:
    """A tier raised by age or illness ends at urgent; the emergency belongs to its own rule."""
    return Level.URGENT if level is Level.EMERGENCY else level


def _raised_route(level: Level, *, today: bool) -> Route:
    if today:
        return Route.ED_NOW
    if level.rank >= Level.URGENT.rank:
        return Route.SAME_DAY_MEDICAL
    return Route.MEDICAL_EVALUATION_72H


def _resting_route(level: Level) -> Route:
    return Route.FINISH_SCREEN if level is Level.UNKNOWN else Route.NO_URGENT_SIGN


def _gravest_route(findings: list[Finding], level: Level) -> Route:
    routes = [*(found.route for found in findings), _resting_route(level)]
    return max(routes, key=lambda route: route.rank)


def _required_codes(case: Case) -> tuple[str, ...]:
    codes = []
    if case.yes("pregnant", "postpartum_6_weeks", "pregnancy_bleeding"):
        codes.append(PREGNANCY_CODE)
    if case.answers.age is not None and case.answers.age < ADULT_AGE:
        codes.append(MINOR_CODE)
    return tuple(codes)


def _setting_codes(findings: list[Finding]) -> tuple[str, ...]:
    """Inpatient settings when a rule excludes outpatient detox; empty leaves it open."""
    bound = {
        Placement.INPATIENT_ONLY,
        Placement.NEVER_OUTPATIENT_ONLY,
        Placement.MEDICAL_STAFF_ONLY,
    }
    return INPATIENT_CODES if any(f.placement in bound for f in findings) else ()
