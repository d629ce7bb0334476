"""R23 to R25: what withdrawal, dependence and mental illness look like, as far as it was told.

They read features with their severity and give them no name; see ``withdrawal``.
"""

from collections.abc import Callable, Iterator

from intake.rules.case import Case
from intake.rules.findings import Finding, Level, Placement, Route
from intake.rules.safety_rules import finding
from intake.rules.withdrawal import SIGNS, Severity


def _r23_symptoms(case: Case) -> Iterator[Finding]:
    """Symptoms that are there, read against whether anything was stopped; by severity."""
    worst = case.worst_symptom
    if not worst.is_present:
        return
    note = f"Told: {case.symptoms_told}."
    if case.answers.severity("low_mood").rank >= Severity.MODERATE.rank:
        note += " With a low mood, ask about suicide plainly."
    if not case.may_be_dangerous_to_stop:
        if worst is not Severity.MILD:
            yield finding(
                "R23", Level.MODERATE, Route.MEDICAL_EVALUATION_72H, text="R23.other", note=note
            )
    elif worst is Severity.SEVERE and case.stop_is_possible:
        yield finding(
            "R23",
            Level.URGENT,
            Route.SAME_DAY_MEDICAL,
            Placement.NEVER_OUTPATIENT_ONLY,
            note=note,
        )
    elif worst is Severity.SEVERE or (worst is Severity.MODERATE and case.stop_is_possible):
        yield _symptoms_to_be_seen(Level.HIGH, note)
    elif worst is Severity.MODERATE or case.stop_is_possible:
        yield _symptoms_to_be_seen(Level.MODERATE, note)


def _symptoms_to_be_seen(level: Level, note: str) -> Finding:
    return finding(
        "R23",
        level,
        Route.MEDICAL_EVALUATION_72H,
        Placement.MEDICAL_EVALUATION_FIRST,
        text="R23.growing",
        note=note,
    )


def _r24_dependence(case: Case) -> Iterator[Finding]:
    """Loss of control or tolerance, however short the use: Table 2 counts weeks, not these."""
    if case.answers.signs and (case.may_be_dangerous_to_stop or case.takes_opioid):
        told = ", ".join(SIGNS[code].lower() for code in case.answers.signs)
        yield finding(
            "R24",
            Level.MODERATE,
            Route.MEDICAL_EVALUATION_72H,
            Placement.MEDICAL_EVALUATION_FIRST,
            note=f"Told: {told}.",
        )


def _r25_mental_illness(case: Case) -> Iterator[Finding]:
    """A note, and dual-diagnosis care in the referral; the guideline raises no level for it."""
    if case.yes("bipolar"):
        yield finding("R25", Level.LOW_BUT_POSSIBLE, text="R25.mania")
    if case.yes("depression", "ptsd"):
        yield finding("R25", Level.LOW_BUT_POSSIBLE)


FEATURE_RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    _r23_symptoms,
    _r24_dependence,
    _r25_mental_illness,
)
