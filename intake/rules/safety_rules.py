"""The rules themselves, R1 to R22: one function each, a case in, findings out.

``safety`` applies them and holds R14 and R15, which raise what the others found, and R19, which
speaks when none of them did. R23 to R25 stand in ``feature_rules``.
"""

from collections.abc import Callable, Iterator

from intake.rules.case import Case
from intake.rules.exposures import (
    WithdrawalRisk,
    is_benzodiazepine_type,
    is_regular,
    is_sedative,
    outside_prescription,
)
from intake.rules.findings import Finding, Level, Placement, Route
from intake.rules.rule_texts import TEXTS
from intake.rules.substances import Band, SubstanceClass
from intake.rules.withdrawal import Severity

SEIZURE_WINDOW_HOURS = 24
ADULT_AGE = 18
# Taken regularly, these bring a dangerous withdrawal of their own.
_DEPENDENCE_BESIDE = frozenset(
    {SubstanceClass.ALCOHOL, SubstanceClass.BARBITURATE, SubstanceClass.GHB}
)


def finding(
    rule_id: str,
    level: Level,
    route: Route = Route.NO_URGENT_SIGN,
    placement: Placement = Placement.UNDECIDED,
    *,
    text: str = "",
    note: str = "",
) -> Finding:
    """A finding with the words of ``rule_texts``; ``text`` picks a variant, ``note`` is added."""
    words = TEXTS[text or rule_id]
    return Finding(
        rule_id=rule_id,
        level=level,
        title=words.title,
        advice=f"{words.advice} {note}".strip(),
        say=words.say,
        source=words.source,
        route=route,
        placement=placement,
    )


def _emergency(rule_id: str, *, text: str = "") -> Finding:
    return finding(
        rule_id, Level.EMERGENCY, Route.CALL_911, Placement.EMERGENCY_CARE_FIRST, text=text
    )


def _r1_seizure(case: Case) -> Iterator[Finding]:
    hours = case.answers.seizure_hours_ago
    if case.yes("seizure_now") or (hours is not None and hours <= SEIZURE_WINDOW_HOURS):
        yield _emergency("R1")


def _r2_breathing(case: Case) -> Iterator[Finding]:
    if case.yes("cannot_be_woken", "breathing_trouble", "blue_or_gray"):
        yield _emergency("R2")


def _r3_psychosis(case: Case) -> Iterator[Finding]:
    if case.yes("hallucinations", "confusion"):
        yield _emergency("R3")


def _r4_heart(case: Case) -> Iterator[Finding]:
    racing = case.answers.severity("fast_heartbeat") is Severity.SEVERE
    if racing or case.yes("chest_pain", "fainting", "overheating"):
        yield _emergency("R4")


def _r5_suicide(case: Case) -> Iterator[Finding]:
    given = case.answers
    # Intent with plan is the emergency; where one of the two is open, the other is enough.
    acting = (given.suicide_intent.is_yes and given.suicide_plan.possible) or (
        given.suicide_plan.is_yes and given.suicide_intent.possible
    )
    if given.suicide_act.is_yes or acting:
        yield _emergency("R5")
        yield finding("R5", Level.EMERGENCY, Route.TRANSFER_988, text="R5.lifeline")
    elif case.yes("suicide_thoughts", "suicide_plan", "suicide_intent"):
        yield finding("R5", Level.URGENT, Route.TRANSFER_988, text="R5.thoughts")
    if given.suicide_behavior_3_months.is_yes:
        yield finding("R5", Level.HIGH, Route.SUPERVISOR_NOW, text="R5.recent")


def _r6_overdose(case: Case) -> Iterator[Finding]:
    if not case.yes("overdose"):
        return
    signs = ("cannot_be_woken", "breathing_trouble", "blue_or_gray", "seizure_now")
    # Poison Help is for a person known to be awake and stable. Not known is not stable.
    if all(case.answers.get(code).is_no for code in signs):
        yield finding("R6", Level.URGENT, Route.POISON_HELP)
    else:
        yield _emergency("R6", text="R6.not_stable")


def _r7_with_opioid(case: Case) -> Iterator[Finding]:
    if case.takes_opioid and case.takes_sedative:
        yield finding("R7", Level.URGENT, Route.SAME_DAY_MEDICAL, Placement.MEDICAL_STAFF_ONLY)


def _r8_with_downers(case: Case) -> Iterator[Finding]:
    if case.takes_benzodiazepine and (case.drinks_daily or _mixes_downer(case)):
        yield finding("R8", Level.HIGH, Route.MEDICAL_EVALUATION_72H, Placement.INPATIENT_ONLY)


def _mixes_downer(case: Case) -> bool:
    """Another downer besides the benzodiazepine; a z-drug that itself stands in for one is not."""
    if not case.takes_other_downer:
        return False
    counted = [exposure for exposure in case.exposures if is_sedative(exposure)]
    return case.answers.other_sedatives.is_yes or len(counted) > 1


def _r9_seizure_history(case: Case) -> Iterator[Finding]:
    hours = case.answers.seizure_hours_ago
    earlier_seizure = hours is not None and hours > SEIZURE_WINDOW_HOURS
    if earlier_seizure or case.yes("withdrawal_seizure", "withdrawal_delirium", "epilepsy"):
        yield finding("R9", Level.HIGH, Route.MEDICAL_EVALUATION_72H, Placement.INPATIENT_ONLY)


def _r10_stopped(case: Case) -> Iterator[Finding]:
    if case.withdrawal_risk_is_yes and case.benzodiazepine_stopped:
        yield finding(
            "R10",
            Level.URGENT,
            Route.SAME_DAY_MEDICAL,
            Placement.MEDICAL_EVALUATION_FIRST,
            note=case.onset,
        )


def _r11_still_taking(case: Case) -> Iterator[Finding]:
    if not case.withdrawal_risk_is_yes or case.benzodiazepine_stopped or case.risk is None:
        return
    # Table 2: the risk rises with the dose.
    level = Level.HIGH if case.risk.band is Band.HIGH else Level.MODERATE
    yield finding(
        "R11",
        level,
        Route.MEDICAL_EVALUATION_72H,
        Placement.MEDICAL_EVALUATION_FIRST,
        text="R11.beyond_prescription" if case.is_beyond_prescription else "R11",
    )


def _r12_beyond_prescription(case: Case) -> Iterator[Finding]:
    sedatives = [exposure for exposure in case.exposures if is_sedative(exposure)]
    dose_unknown = any(
        is_benzodiazepine_type(exposure) and exposure.daily_mg is None for exposure in sedatives
    )
    beyond = bool(sedatives) and case.says_beyond_prescription
    if beyond or dose_unknown or any(outside_prescription(item) for item in sedatives):
        reasons = case.risk.counted_as_high_because if case.risk else ()
        yield finding(
            "R12",
            Level.HIGH,
            Route.MEDICAL_EVALUATION_72H,
            Placement.MEDICAL_EVALUATION_FIRST,
            note=f"Counted as high: {', '.join(reasons)}." if reasons else "",
        )


def _r13_pregnancy(case: Case) -> Iterator[Finding]:
    if case.yes("pregnancy_bleeding"):
        yield _emergency("R13", text="R13.emergency")
    if case.yes("pregnant", "postpartum_6_weeks", "pregnancy_bleeding"):
        yield finding(
            "R13", Level.HIGH, Route.MEDICAL_EVALUATION_72H, Placement.NEVER_OUTPATIENT_ONLY
        )


def _r16_minor(case: Case) -> Iterator[Finding]:
    if case.answers.age is not None and case.answers.age < ADULT_AGE:
        yield finding("R16", Level.MODERATE, Route.SUPERVISOR_NOW)


def _r17_short_or_rare(case: Case) -> Iterator[Finding]:
    benzodiazepine_like = case.has(SubstanceClass.BENZODIAZEPINE, SubstanceClass.Z_DRUG)
    if not benzodiazepine_like or case.withdrawal_risk_is_yes:
        return
    rare = case.risk is not None and case.risk.risk is WithdrawalRisk.RARE
    yield finding(
        "R17",
        Level.LOW_BUT_POSSIBLE,
        Route.ASK_PRESCRIBER,
        Placement.OUTPATIENT_POSSIBLE,
        text="R17.rare" if rare else "R17",
        note=case.onset,
    )


def _r18_stimulants(case: Case) -> Iterator[Finding]:
    if not case.takes_stimulant:
        return
    if case.yes("chest_pain", "overheating"):
        yield _emergency("R18", text="R18.emergency")
    else:
        yield finding("R18", Level.LOW_BUT_POSSIBLE)


def _r20_other_sedative(case: Case) -> Iterator[Finding]:
    """Alcohol, barbiturate or GHB: their withdrawal can kill as well, benzodiazepine or not."""
    regular = [
        exposure
        for exposure in case.exposures
        if is_regular(exposure) and exposure.substance_class in _DEPENDENCE_BESIDE
    ]
    if any(exposure.stopped_abruptly.is_yes for exposure in regular):
        yield finding(
            "R20",
            Level.URGENT,
            Route.SAME_DAY_MEDICAL,
            Placement.MEDICAL_STAFF_ONLY,
            text="R20.stopped",
        )
    elif case.takes_benzodiazepine:
        return  # R8 speaks for both together, and more strongly.
    elif case.drinks_daily or regular or case.answers.other_sedatives.is_yes:
        yield finding(
            "R20", Level.MODERATE, Route.MEDICAL_EVALUATION_72H, Placement.MEDICAL_STAFF_ONLY
        )


def _r21_opioid(case: Case) -> Iterator[Finding]:
    if case.takes_opioid:
        yield finding(
            "R21",
            Level.MODERATE,
            Route.MEDICAL_EVALUATION_72H,
            Placement.MEDICAL_EVALUATION_FIRST,
        )


def _r22_people_in_danger(case: Case) -> Iterator[Finding]:
    if case.yes("danger_to_others"):
        yield finding("R22", Level.EMERGENCY, Route.CALL_911, text="R22.to_others")
    if case.yes("danger_from_others"):
        yield finding("R22", Level.EMERGENCY, Route.CALL_911, text="R22.from_others")
    if case.yes("child_at_risk"):
        yield finding("R22", Level.URGENT, Route.SUPERVISOR_NOW, text="R22.child")


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    _r1_seizure,
    _r2_breathing,
    _r3_psychosis,
    _r4_heart,
    _r5_suicide,
    _r6_overdose,
    _r7_with_opioid,
    _r8_with_downers,
    _r9_seizure_history,
    _r10_stopped,
    _r11_still_taking,
    _r12_beyond_prescription,
    _r13_pregnancy,
    _r16_minor,
    _r17_short_or_rare,
    _r18_stimulants,
    _r20_other_sedative,
    _r21_opioid,
    _r22_people_in_danger,
)
