"""What follows an attempt, what "uncontacted" means, and the course of a promise."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.models import Attempt, Callback
from intake.rules import hours, retries
from intake.rules.retries import (
    LADDER,
    Outcome,
    Stage,
    Urgency,
    earliest_in_all,
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
    ("shown, nothing recorded", "not_recorded", 1, "", 0 * HOUR),
    ("shown three times, nothing recorded", "not_recorded", 3, "exhausted", None),
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
    assert step.ladder == retries.LADDER_VERSION


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


@pytest.mark.parametrize(
    ("at_number", "confirmed", "closes_as"),
    [(1, False, ""), (2, False, ""), (3, False, "exhausted"), (9, True, "")],
)
def test_a_strangers_number_is_tried_three_times_in_all_whatever_the_request(
    at_number, confirmed, closes_as
):
    step = next_step("no_answer", 1, number_confirmed=confirmed, at_number=at_number)

    assert step.closes_as == closes_as
    if closes_as:
        assert step.reason == "Tried 3 times without reaching them; 3 is the most."
        assert step.tells_supervisor


def test_danger_is_not_given_up_for_other_requests_either():
    assert next_step("danger_suspected", 1, at_number=9).closes_as == ""


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
    stays_due = outcome == Outcome.NOT_RECORDED
    assert step.delay is None or (step.delay > timedelta()) != stays_due


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


def test_the_ladder_and_the_record_know_the_same_words():
    assert set(Urgency) == set(Callback.Urgency.values)
    assert set(Outcome) == set(Attempt.Outcome.values)
    assert set(retries.Closing) < set(Callback.Status.values)


# --- Caps -----------------------------------------------------------------------------------------


def test_no_cap_of_policy_is_wider_than_the_law():
    assert retries.UNCONFIRMED_PER_DAY < retries.CONFIRMED_PER_DAY == hours.ATTEMPTS_PER_DAY


def test_a_strangers_number_rests_for_a_month_after_three_tries():
    made = [NOON - 2 * HOUR, NOON - 26 * HOUR, NOON - 50 * HOUR]

    assert earliest_in_all(made[:2], NOON) == NOON
    assert earliest_in_all(made, NOON) == NOON - 50 * HOUR + timedelta(days=30)
    assert earliest_in_all([moment - timedelta(days=30) for moment in made], NOON) == NOON


@pytest.mark.parametrize(
    ("is_open", "attempts", "expected"),
    [(True, 0, True), (True, 2, True), (True, 3, False), (False, 0, False)],
)
def test_uncontacted_is_open_with_fewer_than_three_attempts(is_open, attempts, expected):
    assert is_uncontacted(is_open=is_open, attempts=attempts) is expected


# --- Stages ---------------------------------------------------------------------------------------

COURSES = [
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


# The window's length in minutes after due, and when the promise is overdue and broken.
WINDOWS = [
    ("urgent, four hours", "urgent", 240, 235, 240),
    ("high, two hours", "high", 120, 110, 120),
    ("routine, a morning", "routine", 240, 225, 240),
    ("routine, no longer than the course without one", "routine", 60, 45, 60),
    ("routine, shorter than that: the course goes on past its end", "routine", 20, 15, 60),
    ("high, a quarter of an hour", "high", 15, 10, 30),
]


@pytest.mark.parametrize(
    ("urgency", "length", "overdue", "breach"),
    [pytest.param(*case[1:], id=case[0]) for case in WINDOWS],
)
def test_a_promise_with_a_window_may_be_kept_until_it_ends(urgency, length, overdue, breach):
    found = dict(stages(NOON, urgency, NOON + length * MINUTE))
    without = dict(stages(NOON, urgency))

    assert found["due_soon"] == without["due_soon"]
    assert found["due"] == NOON
    assert found["overdue"] == NOON + overdue * MINUTE
    assert found["breach"] == NOON + breach * MINUTE


@given(st.sampled_from(list(Urgency)), st.none() | st.integers(1, 48 * 60))
def test_the_stages_come_in_order_and_never_before_the_deadline(urgency, length):
    ends_at = None if length is None else NOON + length * MINUTE
    course = stages(NOON, urgency, ends_at)

    assert [stage for stage, _ in course] == [stage.value for stage in Stage]
    moments = [moment for _, moment in course]
    assert moments == sorted(set(moments))
    # The report calls it broken at the end of the window; no notice does so earlier.
    assert moments[-1] >= (ends_at or NOON)


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
