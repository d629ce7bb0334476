"""What follows an attempt, what "uncontacted" means, and the course of a promise."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.rules import retries
from intake.rules.retries import (
    LADDER,
    Outcome,
    Stage,
    Urgency,
    earliest_by_cap,
    is_uncontacted,
    next_step,
    reminder_backoff,
    stages,
    urgency_after,
)

pytestmark = pytest.mark.once

NOON = datetime(2026, 6, 16, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)

STEPS = [
    ("no answer once", "no_answer", 1, "", HOUR),
    ("no answer twice", "no_answer", 2, "", 4 * HOUR),
    ("no answer three times", "no_answer", 3, "exhausted", None),
    ("busy once", "busy", 1, "", 15 * MINUTE),
    ("busy twice", "busy", 2, "", 30 * MINUTE),
    ("voicemail", "voicemail_left", 1, "", 24 * HOUR),
    ("somebody else", "wrong_person", 1, "", 4 * HOUR),
    ("somebody else again", "wrong_person", 2, "", 24 * HOUR),
    ("asked for later", "call_later", 1, "", 4 * HOUR),
    ("danger", "danger_suspected", 1, "", 15 * MINUTE),
    ("danger after many tries", "danger_suspected", 9, "", 15 * MINUTE),
    ("reached", "reached", 1, "reached", None),
    ("declined", "declined", 1, "declined", None),
    ("wrong number", "wrong_number", 1, "wrong_number", None),
]


@pytest.mark.parametrize(
    ("outcome", "number", "closes_as", "delay"),
    [pytest.param(*case[1:], id=case[0]) for case in STEPS],
)
def test_each_outcome_has_its_next_step(outcome, number, closes_as, delay):
    step = next_step(outcome, number)

    assert step.closes_as == closes_as
    assert step.delay == delay
    assert step.reason
    assert step.ladder == "2026.1"


@pytest.mark.parametrize(
    ("outcome", "number", "closes_as"),
    [
        ("no_answer", 3, ""),
        ("no_answer", 5, ""),
        ("no_answer", 6, "exhausted"),
        ("voicemail_left", 3, ""),
        ("voicemail_left", 4, "exhausted"),
        ("wrong_person", 3, "exhausted"),
    ],
)
def test_a_confirmed_number_is_tried_longer_but_not_forever(outcome, number, closes_as):
    assert next_step(outcome, number, number_confirmed=True).closes_as == closes_as


def test_wrong_number_and_do_not_call_block_the_number_at_once():
    assert {outcome for outcome in Outcome if next_step(outcome, 1).blocks_number} == {
        Outcome.WRONG_NUMBER,
        Outcome.DECLINED,
    }


def test_suspected_danger_raises_the_urgency_and_tells_the_supervisor():
    step = next_step("danger_suspected", 1)

    assert step.raises_urgency
    assert step.tells_supervisor
    assert not next_step("no_answer", 1).raises_urgency


def test_nobody_disappears_by_counting():
    assert next_step("no_answer", 3).tells_supervisor
    assert not next_step("reached", 1).tells_supervisor


@given(st.sampled_from(list(Outcome)), st.integers(1, 50), st.booleans())
def test_a_step_either_ends_or_waits(outcome, number, confirmed):
    step = next_step(outcome, number, number_confirmed=confirmed)

    assert (step.delay is None) == bool(step.closes_as)
    assert step.delay is None or step.delay > timedelta()


@given(st.sampled_from(sorted(set(Outcome) - {Outcome.DANGER_SUSPECTED})))
def test_every_ladder_but_danger_ends(outcome):
    assert next_step(outcome, retries.CONFIRMED_IN_ALL, number_confirmed=True).closes_as
    assert next_step(outcome, retries.UNCONFIRMED_IN_ALL).closes_as


def test_every_outcome_is_on_the_ladder():
    assert set(LADDER) == set(Outcome)


@pytest.mark.parametrize(("outcome", "number"), [("vanished", 1), ("no_answer", 0)])
def test_an_impossible_attempt_is_refused(outcome, number):
    with pytest.raises(ValueError, match=r"vanished|counted from 1"):
        next_step(outcome, number)


# --- Caps -----------------------------------------------------------------------------------------


def test_a_strangers_number_gets_two_attempts_in_24_hours():
    made = [NOON - HOUR, NOON - 5 * HOUR]

    assert earliest_by_cap(made[:1], NOON) == NOON
    assert earliest_by_cap(made, NOON) == NOON + 19 * HOUR
    assert earliest_by_cap(made, NOON, number_confirmed=True) == NOON


def test_a_confirmed_number_gets_three_attempts_in_24_hours():
    made = [NOON - HOUR, NOON - 2 * HOUR, NOON - 3 * HOUR]

    assert earliest_by_cap(made, NOON, number_confirmed=True) == NOON + 21 * HOUR


def test_old_attempts_do_not_hold_back_new_ones():
    made = [NOON - 24 * HOUR, NOON - 30 * HOUR]

    assert earliest_by_cap(made, NOON) == NOON


@pytest.mark.parametrize(
    ("is_open", "attempts", "expected"),
    [(True, 0, True), (True, 2, True), (True, 3, False), (False, 0, False)],
)
def test_uncontacted_is_open_with_fewer_than_three_attempts(is_open, attempts, expected):
    assert is_uncontacted(is_open=is_open, attempts=attempts) is expected


# --- Stages ---------------------------------------------------------------------------------------

COURSES = [
    ("emergency", -2, 2, 5),
    ("urgent", -5, 5, 15),
    ("high", -10, 10, 30),
    ("routine", -15, 15, 60),
]


@pytest.mark.parametrize(("urgency", "soon", "overdue", "breach"), COURSES)
def test_a_promise_is_warned_due_released_and_shown(urgency, soon, overdue, breach):
    assert stages(NOON, urgency) == [
        ("due_soon", NOON + soon * MINUTE),
        ("due", NOON),
        ("overdue", NOON + overdue * MINUTE),
        ("breach", NOON + breach * MINUTE),
    ]


def test_the_more_urgent_the_sooner_it_is_late():
    breaches = [dict(stages(NOON, urgency))["breach"] for urgency in Urgency]

    assert breaches == sorted(breaches)
    assert len(set(breaches)) == len(breaches)


def test_every_urgency_runs_through_every_stage_in_order():
    for urgency in Urgency:
        course = stages(NOON, urgency)
        assert [stage for stage, _ in course] == [stage.value for stage in Stage]
        assert [moment for _, moment in course] == sorted(moment for _, moment in course)


def test_an_unknown_urgency_is_refused():
    with pytest.raises(ValueError, match="whenever"):
        stages(NOON, "whenever")


def test_a_promise_is_as_urgent_as_what_the_screen_found():
    levels = ("emergency", "urgent", "high", "moderate", "low_but_possible", "unknown", "")
    assert [urgency_after(level) for level in levels] == [
        *("urgent", "urgent", "high"),
        *["routine"] * 4,
    ]


# --- Failed reminders -----------------------------------------------------------------------------


def test_a_failed_reminder_is_tried_three_times_then_dead():
    assert [reminder_backoff(failures) for failures in (1, 2, 3, 4)] == [
        timedelta(seconds=30),
        timedelta(minutes=2),
        None,
        None,
    ]


def test_failures_are_counted_from_one():
    with pytest.raises(ValueError, match="from 1"):
        reminder_backoff(0)
