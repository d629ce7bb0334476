"""The words of the safety screen: no dose, no taper, and nothing is ever called safe."""

import re

import pytest

from intake.rules import rule_texts
from intake.rules.safety import QUESTIONS, SCRIPTS, Level, Placement, Route, Source, assess
from intake.rules.withdrawal import told_symptoms
from tests.screens import CANNABIS, STOPPED, YES, D, all_no, having, taking

pytestmark = pytest.mark.once


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
