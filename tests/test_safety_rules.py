"""The safety screen's rules: one labeled case per row and per threshold edge."""

from dataclasses import replace

import pytest

from intake.rules.safety import (
    QUESTIONS,
    Answers,
    Exposure,
    Level,
    Placement,
    Route,
    Source,
    assess,
    unanswered,
)
from tests.screens import CANNABIS, LOW, NO, STOPPED, UNKNOWN, YES, D, all_no, having, taking

pytestmark = pytest.mark.once


# --- The story this helpline grew from -----------------------------------------------------------


def test_daily_clonazepam_stopped_two_days_ago_with_a_past_seizure_is_inpatient_only():
    result = assess(all_no(withdrawal_seizure=YES), [taking(**STOPPED)])

    assert set(result.rule_ids) == {"R9", "R10"}
    assert result.level is Level.URGENT
    assert result.placement is Placement.INPATIENT_ONLY
    assert result.inpatient_only
    assert result.route is Route.SAME_DAY_MEDICAL
    assert result.setting_codes == ("HID", "RD")
    assert "Inpatient only" in result.summary


# --- One case per rule ---------------------------------------------------------------------------

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


# --- Raising, placement, codes -------------------------------------------------------------------


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


# --- Unknown -------------------------------------------------------------------------------------


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


# --- Questions and substances --------------------------------------------------------------------


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
