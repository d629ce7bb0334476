"""The safety screen's rules: one labeled case per row and per threshold edge, then what always holds."""

import json
import re
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intake.rules import rule_texts, substances
from intake.rules.exposures import (
    WithdrawalRisk,
    benzodiazepine_risk,
    is_benzodiazepine_type,
    stopped_or_cut_fast,
    table_2,
)
from intake.rules.safety import (
    QUESTIONS,
    RULE_SET_VERSION,
    SCRIPTS,
    SUBSTANCES,
    Answer,
    Answers,
    Assessment,
    Exposure,
    Level,
    Placement,
    Route,
    Source,
    SubstanceClass,
    assess,
    unanswered,
)
from intake.rules.substances import Band, diazepam_equivalents, dose_band
from intake.rules.withdrawal import SIGNS, SYMPTOMS, Severity, told_signs, told_symptoms

pytestmark = pytest.mark.once

YES, NO, UNKNOWN = Answer.YES, Answer.NO, Answer.UNKNOWN
D = Decimal


NO_SYMPTOM = (("tremor", Severity.NONE),)


def having(**symptoms):
    """Symptoms by name, as the screen keeps them: ``having(tremor="severe")``."""
    return told_symptoms(symptoms)


def all_no(**changed):
    """Everything asked and denied, aged 40, except what the case is about."""
    answers = {question.code: NO for question in QUESTIONS}
    return Answers(**{**answers, "age": 40, "symptoms": NO_SYMPTOM, **changed})


def taking(substance="clonazepam", daily_mg="1", **changed):
    """Daily for two years, as prescribed, and still taking it."""
    settled = {
        "dose_mg": None if daily_mg is None else D(daily_mg),
        "times_per_day": D(1),
        "days_per_week": 7,
        "weeks_of_use": D(104),
        "last_used_hours_ago": D(8),
        "stopped_abruptly": NO,
        "recent_cut_percent": D(0),
        "source": Source.OWN_PRESCRIPTION,
        "above_prescribed": NO,
    }
    return Exposure(substance, **{**settled, **changed})


CANNABIS = taking("cannabis", None)
LOW = taking(daily_mg="0.5", weeks_of_use=D(2))
STOPPED = {"stopped_abruptly": YES, "last_used_hours_ago": D(48)}


# --- The story this helpline grew from ------------------------------------------------------------


def test_daily_clonazepam_stopped_two_days_ago_with_a_past_seizure_is_inpatient_only():
    result = assess(all_no(withdrawal_seizure=YES), [taking(**STOPPED)])

    assert set(result.rule_ids) == {"R9", "R10"}
    assert result.level is Level.URGENT
    assert result.placement is Placement.INPATIENT_ONLY
    assert result.inpatient_only
    assert result.route is Route.SAME_DAY_MEDICAL
    assert result.setting_codes == ("HID", "RD")
    assert "Inpatient only" in result.summary


# --- One case per rule ----------------------------------------------------------------------------

EMERGENCY = (Level.EMERGENCY, Route.CALL_911)
RULES = [
    ("R1 seizure now", {"seizure_now": YES}, [], "R1", *EMERGENCY),
    ("R1 seizure 24 hours ago", {"seizure_hours_ago": 24}, [], "R1", *EMERGENCY),
    ("R2 cannot be woken", {"cannot_be_woken": YES}, [], "R2", *EMERGENCY),
    ("R2 breathing", {"breathing_trouble": YES}, [], "R2", *EMERGENCY),
    ("R2 blue lips", {"blue_or_gray": YES}, [], "R2", *EMERGENCY),
    ("R3 hallucinations", {"hallucinations": YES}, [], "R3", *EMERGENCY),
    ("R3 confusion", {"confusion": YES}, [], "R3", *EMERGENCY),
    ("R4 chest pain", {"chest_pain": YES}, [], "R4", *EMERGENCY),
    ("R4 fainting", {"fainting": YES}, [], "R4", *EMERGENCY),
    ("R4 overheating", {"overheating": YES}, [], "R4", *EMERGENCY),
    ("R5 act under way", {"suicide_act": YES}, [], "R5", *EMERGENCY),
    ("R5 plan and intent", {"suicide_plan": YES, "suicide_intent": YES}, [], "R5", *EMERGENCY),
    ("R5 plan, intent open", {"suicide_plan": YES, "suicide_intent": UNKNOWN}, [], "R5", *EMERGENCY),
    ("R5 intent, plan open", {"suicide_intent": YES, "suicide_plan": UNKNOWN}, [], "R5", *EMERGENCY),
    ("R5 thoughts", {"suicide_thoughts": YES}, [], "R5", Level.URGENT, Route.TRANSFER_988),
    ("R5 plan without intent", {"suicide_plan": YES}, [], "R5", Level.URGENT, Route.TRANSFER_988),
    ("R5 recent behavior", {"suicide_behavior_3_months": YES}, [], "R5", Level.HIGH, Route.SUPERVISOR_NOW),
    ("R6 awake and stable", {"overdose": YES}, [], "R6", Level.URGENT, Route.POISON_HELP),
    ("R6 with an R2 sign", {"overdose": YES, "blue_or_gray": YES}, [], "R6", *EMERGENCY),
    ("R6 waking not asked", {"overdose": YES, "cannot_be_woken": UNKNOWN}, [], "R6", *EMERGENCY),
    ("R7 with an opioid taken", {}, [LOW, taking("oxycodone", None)], "R7", Level.URGENT, Route.SAME_DAY_MEDICAL),
    ("R7 with an opioid told", {"opioid_use": YES}, [LOW], "R7", Level.URGENT, Route.SAME_DAY_MEDICAL),
    ("R8 with daily alcohol", {"alcohol_daily": YES}, [LOW], "R8", Level.HIGH, Route.MEDICAL_EVALUATION_72H),
    ("R8 with alcohol taken daily", {}, [LOW, taking("alcohol", None)], "R8", Level.HIGH, Route.MEDICAL_EVALUATION_72H),
    ("R8 with a barbiturate", {}, [LOW, taking("phenobarbital", "60")], "R8", Level.HIGH, Route.MEDICAL_EVALUATION_72H),
    ("R8 with GHB", {}, [LOW, taking("ghb", None)], "R8", Level.HIGH, Route.MEDICAL_EVALUATION_72H),
    ("R8 with a z-drug", {}, [LOW, taking("zolpidem", "5", weeks_of_use=D(1))], "R8", Level.HIGH, Route.MEDICAL_EVALUATION_72H),
    ("R9 seizure in withdrawal", {"withdrawal_seizure": YES}, [], "R9", Level.HIGH, Route.MEDICAL_EVALUATION_72H),
    ("R9 delirium", {"withdrawal_delirium": YES}, [], "R9", Level.HIGH, Route.MEDICAL_EVALUATION_72H),
    ("R9 epilepsy", {"epilepsy": YES}, [], "R9", Level.HIGH, Route.MEDICAL_EVALUATION_72H),
    ("R9 seizure 25 hours ago", {"seizure_hours_ago": 25}, [], "R9", Level.HIGH, Route.MEDICAL_EVALUATION_72H),
    ("R10 stopped", {}, [taking(**STOPPED)], "R10", Level.URGENT, Route.SAME_DAY_MEDICAL),
    ("R10 cut by 26 %", {}, [taking(recent_cut_percent=D(26))], "R10", Level.URGENT, Route.SAME_DAY_MEDICAL),
    ("R10 last used 48 h ago", {}, [taking(stopped_abruptly=UNKNOWN, last_used_hours_ago=D(48))], "R10", Level.URGENT, Route.SAME_DAY_MEDICAL),
    ("R11 cut by 25 %", {}, [taking(recent_cut_percent=D(25))], "R11", Level.MODERATE, Route.MEDICAL_EVALUATION_72H),
    ("R11 still taking", {}, [taking()], "R11", Level.MODERATE, Route.MEDICAL_EVALUATION_72H),
    ("R11 last used 47 h ago", {}, [taking(stopped_abruptly=UNKNOWN, last_used_hours_ago=D(47))], "R11", Level.MODERATE, Route.MEDICAL_EVALUATION_72H),
    ("R11 high dose", {}, [taking(daily_mg="2")], "R11", Level.HIGH, Route.MEDICAL_EVALUATION_72H),
    ("R12 above prescribed", {}, [taking(above_prescribed=YES)], "R12", Level.HIGH, Route.MEDICAL_EVALUATION_72H),
    ("R12 street", {}, [taking(source=Source.STREET)], "R12", Level.HIGH, Route.MEDICAL_EVALUATION_72H),
    ("R12 somebody else's", {}, [taking(source=Source.OTHER)], "R12", Level.HIGH, Route.MEDICAL_EVALUATION_72H),
    ("R12 unknown dose", {}, [taking(daily_mg=None)], "R12", Level.HIGH, Route.MEDICAL_EVALUATION_72H),
    ("R12 unlabeled pills", {}, [taking("unknown_pills", "1")], "R12", Level.HIGH, Route.MEDICAL_EVALUATION_72H),
    ("R13 pregnant", {"pregnant": YES}, [], "R13", Level.HIGH, Route.MEDICAL_EVALUATION_72H),
    ("R13 after birth", {"postpartum_6_weeks": YES}, [], "R13", Level.HIGH, Route.MEDICAL_EVALUATION_72H),
    ("R13 bleeding", {"pregnant": YES, "pregnancy_bleeding": YES}, [], "R13", *EMERGENCY),
    ("R14 aged 65", {"age": 65}, [], "R14", Level.MODERATE, Route.MEDICAL_EVALUATION_72H),
    ("R15 liver", {"liver_disease": YES}, [], "R15", Level.MODERATE, Route.MEDICAL_EVALUATION_72H),
    ("R15 lung", {"lung_disease": YES}, [], "R15", Level.MODERATE, Route.MEDICAL_EVALUATION_72H),
    ("R15 sleep apnea", {"sleep_apnea": YES}, [], "R15", Level.MODERATE, Route.MEDICAL_EVALUATION_72H),
    ("R15 other illness", {"other_severe_illness": YES}, [], "R15", Level.MODERATE, Route.MEDICAL_EVALUATION_72H),
    ("R16 aged 17", {"age": 17}, [], "R16", Level.MODERATE, Route.SUPERVISOR_NOW),
    ("R17 under a month", {}, [LOW], "R17", Level.LOW_BUT_POSSIBLE, Route.ASK_PRESCRIBER),
    ("R17 three days a week", {}, [taking(days_per_week=3)], "R17", Level.LOW_BUT_POSSIBLE, Route.ASK_PRESCRIBER),
    ("R18 stimulant noted", {}, [taking("cocaine", None)], "R18", Level.LOW_BUT_POSSIBLE, Route.NO_URGENT_SIGN),
    ("R18 stimulant, chest pain", {"chest_pain": YES}, [taking("cocaine", None)], "R18", *EMERGENCY),
    ("R18 stimulant, overheating", {"overheating": YES}, [taking("cocaine", None)], "R18", *EMERGENCY),
    ("R19 nothing fired", {}, [CANNABIS], "R19", Level.LOW_BUT_POSSIBLE, Route.NO_URGENT_SIGN),
    ("R20 daily alcohol alone", {"alcohol_daily": YES}, [], "R20", Level.MODERATE, Route.MEDICAL_EVALUATION_72H),
    ("R20 alcohol stopped", {}, [taking("alcohol", None, stopped_abruptly=YES)], "R20", Level.URGENT, Route.SAME_DAY_MEDICAL),
    ("R20 alcohol stopped beside a benzodiazepine", {}, [LOW, taking("alcohol", None, stopped_abruptly=YES)], "R20", Level.URGENT, Route.SAME_DAY_MEDICAL),
    ("R20 barbiturate alone", {}, [taking("phenobarbital", "60")], "R20", Level.MODERATE, Route.MEDICAL_EVALUATION_72H),
    ("R21 opioid", {}, [taking("heroin", None)], "R21", Level.MODERATE, Route.MEDICAL_EVALUATION_72H),
    ("R22 others in danger", {"danger_to_others": YES}, [], "R22", *EMERGENCY),
    ("R22 threatened", {"danger_from_others": YES}, [], "R22", *EMERGENCY),
    ("R22 child", {"child_at_risk": YES}, [], "R22", Level.URGENT, Route.SUPERVISOR_NOW),
    ("R4 fast heartbeat, severe", {"symptoms": having(fast_heartbeat="severe")}, [], "R4", *EMERGENCY),
    ("R12 told of the person", {"signs": ("runs_out_early",)}, [taking()], "R12", Level.HIGH, Route.MEDICAL_EVALUATION_72H),
    ("R18 stimulant told", {"stimulant_use": YES}, [], "R18", Level.LOW_BUT_POSSIBLE, Route.NO_URGENT_SIGN),
    ("R23 severe, stopped", {"symptoms": having(tremor="severe")}, [taking(**STOPPED)], "R23", Level.URGENT, Route.SAME_DAY_MEDICAL),
    ("R23 severe, cut fast", {"symptoms": having(insomnia="severe")}, [taking(recent_cut_percent=D(50))], "R23", Level.URGENT, Route.SAME_DAY_MEDICAL),
    ("R23 severe, stopping not asked", {"symptoms": having(panic="severe")}, [taking(stopped_abruptly=UNKNOWN, recent_cut_percent=None)], "R23", Level.URGENT, Route.SAME_DAY_MEDICAL),
    ("R23 severe, alcohol stopped", {"symptoms": having(sweating="severe")}, [taking("alcohol", None, stopped_abruptly=YES)], "R23", Level.URGENT, Route.SAME_DAY_MEDICAL),
    ("R23 severe, still taking", {"symptoms": having(anxiety="severe")}, [taking()], "R23", Level.HIGH, Route.MEDICAL_EVALUATION_72H),
    ("R23 moderate, stopped", {"symptoms": having(anxiety="moderate")}, [taking(**STOPPED)], "R23", Level.HIGH, Route.MEDICAL_EVALUATION_72H),
    ("R23 moderate, still taking", {"symptoms": having(anxiety="moderate")}, [LOW], "R23", Level.MODERATE, Route.MEDICAL_EVALUATION_72H),
    ("R23 mild, stopped", {"symptoms": having(nausea="mild")}, [taking(weeks_of_use=D(2), **STOPPED)], "R23", Level.MODERATE, Route.MEDICAL_EVALUATION_72H),
    ("R23 severe, cannabis only", {"symptoms": having(irritability="severe")}, [], "R23", Level.MODERATE, Route.MEDICAL_EVALUATION_72H),
    ("R24 tolerance after two weeks", {"signs": ("tolerance",)}, [LOW], "R24", Level.MODERATE, Route.MEDICAL_EVALUATION_72H),
    ("R24 with an opioid", {"signs": ("craving",)}, [taking("heroin", None)], "R24", Level.MODERATE, Route.MEDICAL_EVALUATION_72H),
    ("R25 depression", {"depression": YES}, [], "R25", Level.LOW_BUT_POSSIBLE, Route.NO_URGENT_SIGN),
    ("R25 trauma", {"ptsd": YES}, [], "R25", Level.LOW_BUT_POSSIBLE, Route.NO_URGENT_SIGN),
    ("R25 bipolar disorder", {"bipolar": YES}, [], "R25", Level.LOW_BUT_POSSIBLE, Route.NO_URGENT_SIGN),
]  # fmt: skip


@pytest.mark.parametrize(
    ("answers", "exposures", "rule_id", "level", "route"),
    [pytest.param(*case[1:], id=case[0]) for case in RULES],
)
def test_each_rule_fires_with_its_level_and_route(answers, exposures, rule_id, level, route):
    result = assess(all_no(**answers), exposures or [CANNABIS])

    found = [finding for finding in result.findings if finding.rule_id == rule_id]
    assert (level, route) in {(finding.level, finding.route) for finding in found}
    assert result.level.rank >= level.rank
    assert route in result.routes


def test_every_rule_has_a_case():
    cased = {case[3] for case in RULES}

    assert cased == {f"R{number}" for number in range(1, 26)}


def test_a_case_with_nothing_to_find_fires_nothing_else():
    assert assess(all_no(), [CANNABIS]).rule_ids == ("R19",)


NOT_FIRING = [
    ("R1 after 25 hours", {"seizure_hours_ago": 25}, [CANNABIS], "R1"),
    ("R10 Table 2 says lower", {}, [taking(daily_mg="0.5", weeks_of_use=D(11), **STOPPED)], "R10"),
    ("R10 three days a week", {}, [taking(days_per_week=3, **STOPPED)], "R10"),
    ("R12 as prescribed", {}, [taking()], "R12"),
    ("R14 aged 64", {"age": 64}, [CANNABIS], "R14"),
    ("R16 aged 18", {"age": 18}, [CANNABIS], "R16"),
    ("R17 once Table 2 says yes", {}, [taking()], "R17"),
    ("R8 with alcohol at weekends", {}, [LOW, taking("alcohol", None, days_per_week=2)], "R8"),
    ("R20 with alcohol at weekends", {}, [taking("alcohol", None, days_per_week=2)], "R20"),
    ("R8 from one z-drug alone", {}, [taking("zolpidem", "10")], "R8"),
    ("R4 fast heartbeat, moderate", {"symptoms": having(fast_heartbeat="moderate")}, [LOW], "R4"),
    ("R12 runs out early of cannabis", {"signs": ("runs_out_early",)}, [CANNABIS], "R12"),
    ("R12 craves what is prescribed", {"signs": ("craving",)}, [taking()], "R12"),
    ("R23 mild, still taking", {"symptoms": having(nausea="mild")}, [taking()], "R23"),
    ("R23 mild, cannabis only", {"symptoms": having(nausea="mild")}, [CANNABIS], "R23"),
    ("R24 with cannabis only", {"signs": ("tolerance",)}, [CANNABIS], "R24"),
]


@pytest.mark.parametrize(
    ("answers", "exposures", "rule_id"),
    [pytest.param(*case[1:], id=case[0]) for case in NOT_FIRING],
)
def test_a_rule_stays_quiet_just_short_of_its_threshold(answers, exposures, rule_id):
    assert rule_id not in assess(all_no(**answers), exposures).rule_ids


# --- Table 2 and its bands ------------------------------------------------------------------------

BANDS = [
    ("clonazepam", "0.5", Band.LOW),
    ("clonazepam", "0.51", Band.MODERATE),
    ("clonazepam", "1.5", Band.MODERATE),
    ("clonazepam", "1.51", Band.HIGH),
    ("lorazepam", "2", Band.LOW),
    ("lorazepam", "2.01", Band.MODERATE),
    ("lorazepam", "3", Band.MODERATE),
    ("lorazepam", "3.01", Band.HIGH),
    ("alprazolam", "1", Band.LOW),
    ("alprazolam", "1.01", Band.MODERATE),
    ("alprazolam", "2", Band.MODERATE),
    ("alprazolam", "2.01", Band.HIGH),
    ("diazepam", "10", Band.LOW),
    ("diazepam", "10.1", Band.MODERATE),
    ("diazepam", "15", Band.MODERATE),
    ("diazepam", "15.1", Band.HIGH),
    # The smaller of the two conversions counts, so the dose counts for more.
    ("oxazepam", "20", Band.LOW),
    ("oxazepam", "30", Band.MODERATE),
    ("oxazepam", "30.1", Band.HIGH),
    ("temazepam", "15", Band.LOW),
    ("temazepam", "22.5", Band.MODERATE),
    ("temazepam", "23", Band.HIGH),
    ("triazolam", "0.25", Band.LOW),
    ("triazolam", "0.375", Band.MODERATE),
    ("triazolam", "0.5", Band.HIGH),
    ("chlordiazepoxide", "25", Band.LOW),
    ("chlordiazepoxide", "37.5", Band.MODERATE),
    ("chlordiazepoxide", "38", Band.HIGH),
    ("clorazepate", "22.5", Band.MODERATE),
    ("estazolam", "1.5", Band.MODERATE),
    ("flurazepam", "22.5", Band.MODERATE),
    ("quazepam", "15", Band.MODERATE),
    ("quazepam", "15.1", Band.HIGH),
    ("zolpidem", "20", Band.LOW),
    ("zolpidem", "30", Band.MODERATE),
    ("zolpidem", "30.1", Band.HIGH),
    ("zopiclone", "15", Band.LOW),
    # No source gives an equivalent: any dose is high.
    ("clobazam", "10", Band.HIGH),
    ("eszopiclone", "1", Band.HIGH),
    ("unknown_pills", "1", Band.HIGH),
    ("a code of a later list", "1", Band.HIGH),
    ("clonazepam", None, Band.HIGH),
]


@pytest.mark.parametrize(("code", "daily_mg", "band"), BANDS)
def test_the_dose_band_follows_table_2(code, daily_mg, band):
    assert dose_band(code, None if daily_mg is None else D(daily_mg)) is band


RARE, LOWER, SURE = WithdrawalRisk.RARE, WithdrawalRisk.LOWER_BUT_POSSIBLE, WithdrawalRisk.YES
TABLE_2 = [
    ("any duration, 3 days", "104", 3, Band.HIGH, RARE),
    ("4 days", "104", 4, Band.LOW, SURE),
    ("under a month, high dose", "3.9", 7, Band.HIGH, LOWER),
    ("a month, low dose", "4", 7, Band.LOW, LOWER),
    ("a month, moderate dose", "4", 7, Band.MODERATE, SURE),
    ("a month, high dose, 4 days", "4", 4, Band.HIGH, SURE),
    ("just under 3 months, low dose", "11.9", 7, Band.LOW, LOWER),
    ("3 months, low dose", "12", 4, Band.LOW, SURE),
    ("duration unknown", None, 7, Band.LOW, SURE),
    ("days unknown", "104", None, Band.LOW, SURE),
    ("nothing known", None, None, Band.HIGH, SURE),
    ("under a month, days unknown", "3", None, Band.HIGH, LOWER),
]


@pytest.mark.parametrize(
    ("weeks", "days", "band", "risk"), [pytest.param(*case[1:], id=case[0]) for case in TABLE_2]
)
def test_the_risk_follows_table_2(weeks, days, band, risk):
    assert table_2(None if weeks is None else D(weeks), days, band) is risk


def test_two_low_doses_together_are_counted_together():
    both = [
        taking("clonazepam", "0.5", weeks_of_use=D(8)),
        taking("lorazepam", "1", weeks_of_use=D(8)),
    ]

    assert benzodiazepine_risk(both[:1]).band is Band.LOW
    assert benzodiazepine_risk(both).band is Band.MODERATE
    assert benzodiazepine_risk(both).risk is SURE


def test_two_drugs_on_alternating_days_are_one_daily_habit():
    days = {"days_per_week": 3}
    both = [taking("clonazepam", "1", **days), taking("alprazolam", "1", **days)]

    assert benzodiazepine_risk(both[:1]).risk is RARE
    assert benzodiazepine_risk(both).days_per_week == 6
    assert benzodiazepine_risk(both).risk is SURE


def test_a_street_dose_counts_as_high_whatever_is_said_and_says_why():
    risk = benzodiazepine_risk([taking("alprazolam", "0.25", source=Source.STREET)])

    assert risk.band is Band.HIGH
    assert risk.counted_as_high_because == ("not from a prescription of their own",)


@pytest.mark.parametrize(
    ("weeks", "days", "counts"),
    [
        ("3.9", 7, False),
        ("4", 7, True),
        ("4", 4, True),
        ("4", 3, False),
        (None, 7, True),
        ("4", None, True),
    ],
)
def test_a_nightly_z_drug_counts_as_a_benzodiazepine_from_four_weeks_on(weeks, days, counts):
    exposure = taking(
        "zolpidem", "10", weeks_of_use=None if weeks is None else D(weeks), days_per_week=days
    )

    assert is_benzodiazepine_type(exposure) is counts


@pytest.mark.parametrize(
    ("changed", "answer"),
    [
        ({"stopped_abruptly": YES}, YES),
        ({"recent_cut_percent": D("25.1")}, YES),
        ({"recent_cut_percent": D(25)}, NO),
        ({"recent_cut_percent": None}, UNKNOWN),
        ({"stopped_abruptly": UNKNOWN}, UNKNOWN),
        ({"stopped_abruptly": UNKNOWN, "last_used_hours_ago": D("47.9")}, UNKNOWN),
        ({"stopped_abruptly": UNKNOWN, "last_used_hours_ago": D(48)}, YES),
        ({"last_used_hours_ago": D(900)}, NO),
    ],
)  # fmt: skip
def test_stopping_is_told_or_seen_from_the_last_use(changed, answer):
    assert stopped_or_cut_fast(taking(**changed)) is answer


def test_an_exposure_of_which_only_the_name_is_known_is_taken_at_its_worst():
    result = assess(all_no(), [Exposure("clonazepam")])

    assert set(result.rule_ids) == {"R11", "R12"}
    assert result.level is Level.HIGH


# --- Raising, placement, codes --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exposures", "before", "after"),
    [
        ([LOW], Level.LOW_BUT_POSSIBLE, Level.MODERATE),
        ([taking()], Level.MODERATE, Level.HIGH),
        ([taking(daily_mg="2")], Level.HIGH, Level.URGENT),
        ([taking(**STOPPED)], Level.URGENT, Level.URGENT),
    ],
)
@pytest.mark.parametrize("raising", [{"age": 65}, {"lung_disease": YES}], ids=["R14", "R15"])
def test_age_and_illness_raise_one_tier(exposures, before, after, raising):
    assert assess(all_no(), exposures).level is before
    assert assess(all_no(**raising), exposures).level is after


def test_age_and_illness_together_raise_two_tiers():
    assert assess(all_no(age=70, liver_disease=YES), [taking()]).level is Level.URGENT


def test_what_is_urgent_already_goes_to_an_emergency_department_with_age_but_is_no_emergency():
    result = assess(all_no(age=70), [taking(**STOPPED)])

    assert result.route is Route.ED_NOW
    assert result.level is Level.URGENT


def test_an_emergency_stays_the_emergency_of_its_own_rule():
    result = assess(all_no(age=70, chest_pain=YES), [taking()])

    assert result.findings[0].rule_id == "R4"
    assert next(f for f in result.findings if f.rule_id == "R14").level is Level.URGENT


def test_pregnancy_is_never_outpatient_only_and_asks_for_its_program():
    result = assess(all_no(pregnant=YES), [LOW])

    assert result.never_outpatient_only
    assert result.placement is Placement.NEVER_OUTPATIENT_ONLY
    assert result.required_codes == ("PW",)
    assert result.setting_codes == ("HID", "RD")


def test_a_minor_needs_a_facility_that_takes_minors():
    assert assess(all_no(age=17), [LOW]).required_codes == ("CHLD",)
    assert assess(all_no(age=18), [LOW]).required_codes == ()


def test_illness_puts_hospital_capable_places_first():
    assert assess(all_no(lung_disease=YES), [LOW]).hospital_first
    assert not assess(all_no(), [LOW]).hospital_first


def test_short_use_leaves_outpatient_care_open():
    result = assess(all_no(), [LOW])

    assert result.placement is Placement.OUTPATIENT_POSSIBLE
    assert result.setting_codes == ()


def test_inpatient_only_is_still_said_while_emergency_care_comes_first():
    result = assess(all_no(seizure_now=YES, withdrawal_seizure=YES), [taking()])

    assert result.placement is Placement.EMERGENCY_CARE_FIRST
    assert result.inpatient_only
    assert "Inpatient only" in result.summary


def test_an_act_of_suicide_calls_911_and_988():
    routes = assess(all_no(suicide_act=YES), [CANNABIS]).routes

    assert routes[0] is Route.CALL_911
    assert Route.TRANSFER_988 in routes


def test_who_is_seen_sooner_is_not_sent_later_as_well():
    result = assess(all_no(suicide_act=YES, pregnant=YES), [taking()])

    assert Route.MEDICAL_EVALUATION_72H in result.routes
    assert result.steps[0] is Route.CALL_911
    assert Route.TRANSFER_988 in result.steps
    assert Route.MEDICAL_EVALUATION_72H not in result.steps
    assert set(assess(all_no(), [LOW]).steps) == set(assess(all_no(), [LOW]).routes)


def test_findings_come_gravest_first():
    result = assess(all_no(chest_pain=YES, pregnant=YES, opioid_use=YES), [LOW])

    ranks = [finding.level.rank for finding in result.findings]
    assert ranks == sorted(ranks, reverse=True)
    assert result.level is result.findings[0].level


# --- Unknown --------------------------------------------------------------------------------------


def test_an_empty_screen_is_unknown_and_lists_everything():
    result = assess(Answers())

    assert result.level is Level.UNKNOWN
    assert result.route is Route.FINISH_SCREEN
    asked = {question.code for question in QUESTIONS}
    assert set(result.unknowns) == asked | {"age", "substances", "symptoms"}


@pytest.mark.parametrize(
    "question", [q for q in QUESTIONS if q.counts and not q.only_if], ids=lambda q: q.code
)
def test_one_open_question_keeps_the_level_at_unknown(question):
    result = assess(all_no(**{question.code: UNKNOWN}), [LOW])

    assert result.level is Level.UNKNOWN
    assert question.code in result.unknowns


def test_an_unknown_age_keeps_the_level_at_unknown():
    assert assess(all_no(age=None), [LOW]).level is Level.UNKNOWN


def test_follow_up_questions_are_open_only_when_the_first_one_is_not_denied():
    asked = all_no(suicide_thoughts=YES, suicide_plan=UNKNOWN, suicide_intent=UNKNOWN)

    assert {"suicide_plan", "suicide_intent"} <= set(unanswered(asked, [LOW]))
    assert "suicide_plan" not in unanswered(replace(asked, suicide_thoughts=NO), [LOW])


def test_open_items_of_a_substance_are_named_with_its_number():
    open_items = unanswered(all_no(), [LOW, Exposure("clonazepam", stopped_abruptly=YES)])

    assert open_items == (
        "exposure.2.dose_mg",
        "exposure.2.times_per_day",
        "exposure.2.days_per_week",
        "exposure.2.weeks_of_use",
        "exposure.2.last_used_hours_ago",
        "exposure.2.source",
        "exposure.2.above_prescribed",
    )


# --- What always holds ----------------------------------------------------------------------------

answer = st.sampled_from(list(Answer))
severities = st.sampled_from([str(severity) for severity in Severity])
figures = st.decimals(min_value=0, max_value=200, places=1, allow_nan=False)
answers_strategy = st.builds(
    Answers,
    **{question.code: answer for question in QUESTIONS},
    age=st.none() | st.integers(0, 110),
    seizure_hours_ago=st.none() | st.integers(0, 72),
    symptoms=st.builds(
        told_symptoms, st.dictionaries(st.sampled_from(list(SYMPTOMS)), severities, max_size=3)
    ),
    signs=st.builds(told_signs, st.lists(st.sampled_from(list(SIGNS)), max_size=2)),
)
exposures_strategy = st.lists(
    st.builds(
        Exposure,
        substance=st.sampled_from([*SUBSTANCES, "unheard of"]),
        dose_mg=st.none() | figures,
        times_per_day=st.none() | figures,
        days_per_week=st.none() | st.integers(0, 7),
        weeks_of_use=st.none() | figures,
        last_used_hours_ago=st.none() | figures,
        stopped_abruptly=answer,
        recent_cut_percent=st.none() | st.decimals(min_value=0, max_value=100, places=1),
        source=st.sampled_from(list(Source)),
        above_prescribed=answer,
    ),
    max_size=3,
)
codes = st.sampled_from([question.code for question in QUESTIONS])


@settings(max_examples=400)
@given(answers_strategy, exposures_strategy, codes)
def test_yes_never_lowers_the_level_and_unknown_is_never_below_no(answers, exposures, code):
    levels = [
        assess(replace(answers, **{code: value}), exposures).level.rank
        for value in (NO, UNKNOWN, YES)
    ]

    assert levels == sorted(levels)


@settings(max_examples=200)
@given(
    answers_strategy,
    exposures_strategy.filter(bool),
    st.sampled_from(["stopped_abruptly", "above_prescribed"]),
)
def test_the_same_holds_for_the_questions_about_a_substance(answers, exposures, name):
    levels = [
        assess(answers, [replace(exposures[0], **{name: value}), *exposures[1:]]).level.rank
        for value in (NO, UNKNOWN, YES)
    ]

    assert levels == sorted(levels)


@settings(max_examples=300)
@given(answers_strategy, exposures_strategy.filter(bool), exposures_strategy.filter(bool))
def test_one_substance_more_never_lowers_the_level(answers, exposures, more):
    before = assess(answers, exposures).level

    assert assess(answers, [*exposures, more[0]]).level.rank >= before.rank


@settings(max_examples=300)
@given(answers_strategy, exposures_strategy, st.sampled_from(list(SYMPTOMS)))
def test_a_worse_symptom_never_lowers_the_level_and_unknown_is_never_below_none(
    answers, exposures, code
):
    others = {name: str(how) for name, how in answers.symptoms if name != code}
    levels = [
        assess(replace(answers, symptoms=having(**others, **{code: how})), exposures).level.rank
        for how in ("none", "unknown", "mild", "moderate", "severe")
    ]

    assert levels == sorted(levels)


@settings(max_examples=300)
@given(answers_strategy, exposures_strategy, st.sampled_from(list(SIGNS)))
def test_one_sign_of_dependence_more_never_lowers_the_level(answers, exposures, code):
    before = assess(answers, exposures).level
    more = replace(answers, signs=told_signs([*answers.signs, code]))

    assert assess(more, exposures).level.rank >= before.rank


FIGURES = ["dose_mg", "times_per_day", "days_per_week", "weeks_of_use"]


@settings(max_examples=200)
@given(answers_strategy, exposures_strategy.filter(bool), st.sampled_from(FIGURES))
def test_forgetting_a_figure_never_lowers_the_level(answers, exposures, name):
    forgotten = [replace(exposures[0], **{name: None}), *exposures[1:]]

    assert assess(answers, forgotten).level.rank >= assess(answers, exposures).level.rank


@settings(max_examples=200)
@given(answers_strategy, exposures_strategy)
def test_the_level_is_the_highest_finding_and_no_result_is_empty(answers, exposures):
    result = assess(answers, exposures)

    assert result.findings
    assert result.level.rank >= max(finding.level.rank for finding in result.findings)
    assert result.level in {*(finding.level for finding in result.findings), Level.UNKNOWN}


@settings(max_examples=200)
@given(answers_strategy, exposures_strategy)
def test_everything_survives_storage_as_json(answers, exposures):
    result = assess(answers, exposures)

    assert Assessment.from_dict(json.loads(json.dumps(result.to_dict()))) == result
    assert Answers.from_dict(json.loads(json.dumps(answers.to_dict()))) == answers
    stored = [json.loads(json.dumps(exposure.to_dict())) for exposure in exposures]
    assert [Exposure.from_dict(row) for row in stored] == exposures
    assert result.rule_set == RULE_SET_VERSION


def test_a_screen_of_an_older_rule_set_leaves_new_questions_open():
    assert Answers.from_dict({"chest_pain": "yes", "no_longer_asked": "yes"}) == Answers(
        chest_pain=YES
    )
    with pytest.raises(ValueError, match="maybe"):
        Answers.from_dict({"chest_pain": "maybe"})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("dose_mg", D(-1)),
        ("dose_mg", D("NaN")),
        ("times_per_day", D("Infinity")),
        ("days_per_week", 8),
        ("recent_cut_percent", D(101)),
        ("weeks_of_use", D(-1)),
    ],
)
def test_an_impossible_figure_is_refused_without_being_repeated(field, value):
    with pytest.raises(ValueError, match=field) as refused:
        taking(**{field: value})
    assert "NaN" not in str(refused.value)


# --- The words ------------------------------------------------------------------------------------

SPOKEN = [text.say for text in rule_texts.TEXTS.values()] + [
    line for script in SCRIPTS.values() for line in script.say
]
ADVICE = [f"{text.title} {text.advice}" for text in rule_texts.TEXTS.values()] + [
    line for script in SCRIPTS.values() for line in (*script.do, script.title)
]
LABELS = [member.label for ranked in (Level, Route, Placement) for member in ranked]


def test_nothing_ever_says_safe():
    for text in [*SPOKEN, *ADVICE, *LABELS, *(q.text + q.help for q in QUESTIONS)]:
        assert not re.search(r"\bsafe(ly)?\b|harmless|no risk|nothing to worry", text, re.I), text


def test_the_words_to_the_caller_hold_no_dose_no_taper_and_no_conversion():
    numbers_to_call = ("911", "988", "1-800-222-1222")
    for text in SPOKEN:
        bare = text
        for number in numbers_to_call:
            bare = bare.replace(number, "")
        bare = bare.replace("press 1", "")
        assert not re.search(
            r"\d|%|\bmg\b|milligram|taper|reduce by|equivalent|half a", bare, re.I
        ), text


def test_every_text_has_words_advice_and_a_source():
    for text in rule_texts.TEXTS.values():
        assert text.title
        assert text.advice
        assert text.say
        assert text.source


def test_the_do_not_stop_sentence_is_said_while_still_taking():
    said = next(f.say for f in assess(all_no(), [taking()]).findings if f.rule_id == "R11")

    assert "do not stop suddenly" in said
    assert "as it was prescribed" in said


@pytest.mark.parametrize(
    "changed", [{"above_prescribed": YES}, {"source": Source.STREET}, {"source": Source.OTHER}]
)
def test_nobody_taking_more_than_prescribed_is_told_to_take_it_as_prescribed(changed):
    findings = assess(all_no(), [taking(**changed)]).findings
    said = next(f.say for f in findings if f.rule_id == "R11")

    assert "prescribed" not in said
    assert "do not stop or cut down suddenly" in said


@pytest.mark.parametrize("sign", ["more_than_prescribed", "runs_out_early"])
def test_a_sign_of_the_person_counts_like_the_same_answer_about_the_substance(sign):
    told = assess(all_no(signs=(sign,)), [taking(daily_mg="0.5", weeks_of_use=D(8), **STOPPED)])
    said = assess(
        all_no(), [taking(daily_mg="0.5", weeks_of_use=D(8), above_prescribed=YES, **STOPPED)]
    )
    assert told.level is said.level is Level.URGENT
    going_on = assess(all_no(signs=(sign,)), [taking()])
    assert "prescribed" not in next(f.say for f in going_on.findings if f.rule_id == "R11")


def test_symptoms_are_told_to_staff_as_features_the_worst_first_and_never_as_a_label():
    symptoms = having(nausea="mild", tremor="severe", low_mood="moderate", headache="none")
    found = assess(all_no(symptoms=symptoms), [taking(**STOPPED)]).findings
    advice = next(f.advice for f in found if f.rule_id == "R23")

    assert "Told: shaking (severe), low mood (moderate), nausea" in advice
    assert "headache" not in advice
    assert "ask about suicide" in advice
    assert "severe withdrawal" not in advice.lower()


def test_severe_symptoms_rule_out_an_outpatient_list_and_ask_for_a_place_with_beds():
    result = assess(all_no(symptoms=having(tremor="severe")), [taking(**STOPPED)])

    assert result.never_outpatient_only
    assert result.setting_codes == ("HID", "RD")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"tremor": "severe", "nausea": "none"}, (("tremor", "severe"), ("nausea", "none"))),
        ({"tremor": "unknown", "nausea": ""}, ()),
        ({"no longer asked": "severe"}, ()),
    ],
)
def test_only_symptoms_that_were_answered_are_kept(given, kept):
    assert told_symptoms(given) == kept
    with pytest.raises(ValueError, match="dreadful"):
        told_symptoms({"tremor": "dreadful"})


@pytest.mark.parametrize(
    ("route", "number"),
    [
        (Route.CALL_911, "911"),
        (Route.TRANSFER_988, "988"),
        (Route.POISON_HELP, "1-800-222-1222"),
        (Route.ED_NOW, "911"),
        (Route.SAME_DAY_MEDICAL, "911"),
    ],
)
def test_each_grave_route_has_a_script_with_its_number(route, number):
    assert any(number in line for line in SCRIPTS[route].say)


def test_a_screen_without_a_finding_speaks_of_no_urgent_sign():
    assert assess(all_no(), [CANNABIS]).findings[0].title == "No urgent sign recorded"


# --- Questions and substances ---------------------------------------------------------------------


def test_each_question_is_a_field_of_the_answers_and_the_other_way_round():
    asked = {question.code for question in QUESTIONS}

    assert len(asked) == len(QUESTIONS)
    others = {"age", "seizure_hours_ago", "symptoms", "signs"}
    assert asked | others == set(Answers().to_dict())


def test_danger_is_asked_first():
    groups = [question.group for question in QUESTIONS]

    assert groups[0].value == "danger_now"
    assert groups == sorted(groups, key=list(dict.fromkeys(groups)).index)
    assert all(q.red_flag == (q.group.value == "danger_now") for q in QUESTIONS)


@pytest.mark.parametrize("question", [q for q in QUESTIONS if q.red_flag], ids=lambda q: q.code)
def test_every_red_flag_is_urgent_or_an_emergency(question):
    assert assess(Answers(**{question.code: YES})).level.rank >= Level.URGENT.rank


def test_an_unknown_question_is_refused():
    for code in ("age", "no such question"):
        with pytest.raises(KeyError):
            Answers(age=40).get(code)


def test_the_drugs_of_the_guideline_are_all_listed():
    listed = {
        code for code, drug in SUBSTANCES.items() if drug.equivalence and drug.equivalence.va_dod
    }

    assert len(listed) == 12
    assert {drug.substance_class for drug in SUBSTANCES.values()} == set(SubstanceClass)
    assert "Klonopin" in SUBSTANCES["clonazepam"].label


def test_both_conversions_are_given_to_staff():
    converted = diazepam_equivalents("clonazepam", D(1))

    assert converted.va_dod == (D(10), D(10))
    assert converted.ashton == (D(20), D(20))
    assert converted.staff_only
    assert diazepam_equivalents("flurazepam", D(30)).ashton == (D(10), D(20))
    assert diazepam_equivalents("zolpidem", D(10)).nhs_scotland == (D(5), D(5))
    assert diazepam_equivalents("zopiclone", D("7.5")).nhs_scotland == (D(5), D(5))
    assert diazepam_equivalents("clobazam", D(10)) is None


def test_a_long_half_life_is_told_to_staff():
    assert "three weeks" in substances.onset_note("clonazepam")
    assert "two days" in substances.onset_note("alprazolam")
    finding = next(f for f in assess(all_no(), [taking(**STOPPED)]).findings if f.rule_id == "R10")
    assert "three weeks" in finding.advice
