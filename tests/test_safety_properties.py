"""What always holds of the safety screen, whatever is answered."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intake.rules.safety import (
    QUESTIONS,
    RULE_SET_VERSION,
    SUBSTANCES,
    Answer,
    Answers,
    Assessment,
    Exposure,
    Level,
    Source,
    assess,
)
from intake.rules.withdrawal import SIGNS, SYMPTOMS, Severity, told_signs, told_symptoms
from tests.screens import NO, UNKNOWN, YES, D, having, taking

pytestmark = pytest.mark.once


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
