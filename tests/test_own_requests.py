"""What the holder of a private link may do, and what they must not learn or break by it."""

from datetime import time, timedelta

import pytest

from intake.actions import (
    admission,
    attempts,
    blocks,
    callbacks,
    dialing,
    own_requests,
    people,
    reviews,
)
from intake.actions.own_requests import Stage
from intake.models import Attempt, Callback, Event, Person, Reminder
from tests.casting import JOHN, MARIA, maria, open_call, rung, tried
from tests.link_holder import (
    DAY,
    HOUR,
    asked,
    change,
    claimed,
    fresh,
    ringing,
    stage,
    stop,
    withdraw,
)

pytestmark = pytest.mark.django_db

NOON, EVENING = time(12), time(17)

# --- Another time --------------------------------------------------------------------------------


def test_another_time_moves_the_promise_with_its_reminders_and_its_part_of_the_day(now):
    callback = asked(now)
    change(
        callback,
        now,
        begins=now + 3 * HOUR,
        ends=now + 7 * HOUR,
        safe_from=NOON,
        safe_until=EVENING,
    )
    moved = fresh(callback)
    assert (moved.due_at, moved.window_ends_at) == (now + 3 * HOUR, now + 7 * HOUR)
    assert (moved.plan, moved.status) == (2, "open")
    assert moved.person.safe_from.hour == 12
    planned = moved.reminders.filter(status=Reminder.Status.PLANNED, stage="due")
    assert set(planned.values_list("due_at", flat=True)) == {now + 3 * HOUR}
    told = Event.objects.get(verb="callback.rescheduled")
    assert (told.actor_kind, told.detail) == ("public", {"by_link": True})


@pytest.mark.parametrize("status", ["received", "held"])
def test_a_request_nobody_let_in_yet_is_moved_and_plans_no_reminders(now, status):
    because = "number" if status == "held" else ""
    callback = asked(now, status=status, held_because=because)
    change(callback, now)
    moved = fresh(callback)
    assert (moved.status, moved.due_at) == (status, now + 4 * HOUR)
    assert not moved.reminders.exists()


def test_a_received_request_is_let_in_at_the_time_it_was_moved_to(now):
    callback = asked(now, status="received")
    change(callback, now)
    admission.admit_received(limit=10, now=now)
    assert fresh(callback).status == "open"
    due = fresh(callback).reminders.filter(stage="due").values_list("due_at", flat=True)
    assert set(due) == {now + 4 * HOUR}


@pytest.mark.parametrize(
    ("begins", "refusal"),
    [
        # It is 10:00 there; 02:00 is night.
        pytest.param(16 * HOUR, callbacks.OutsideCallingHours, id="at night"),
        pytest.param(-HOUR, callbacks.DueInThePast, id="in the past"),
    ],
)
def test_no_time_is_taken_in_which_nobody_may_be_rung(now, begins, refusal):
    callback = asked(now)
    with pytest.raises(refusal):
        change(callback, now, begins=now + begins)
    assert fresh(callback).plan == 1


def test_right_away_is_theirs_to_ask_even_at_night(now):
    night = now + 16 * HOUR
    callback = asked(now, due_in=20 * HOUR)
    change(callback, night, begins=night, outside=True)
    moved = fresh(callback)
    assert (moved.due_at, moved.asked_outside_hours) == (night, True)


def test_another_zone_moves_the_hours_in_which_they_are_rung(now):
    callback = asked(now)
    with pytest.raises(callbacks.OutsideCallingHours):
        change(callback, now, begins=now + HOUR, stated_zone="Pacific/Honolulu")
    change(callback, now, begins=now + 5 * HOUR, stated_zone="Pacific/Honolulu")
    moved = fresh(callback)
    assert moved.time_zone == moved.person.time_zone == "Pacific/Honolulu"
    assert moved.person.time_zone_source == Person.ZoneSource.STATED


def test_what_we_tried_at_the_number_does_not_change_the_answer(agent, now):
    """Or whoever typed a number could learn from a refusal that it is rung by us."""
    for _ in range(3):
        other = asked(now, due_in=timedelta(0), person=maria(alias="Another"))
        rung(claimed(other, agent, now), "no_answer", by=agent, now=now)
        Callback.objects.filter(pk=other.pk).update(status="exhausted", closed_at=now)
        if Attempt.objects.count() == 2:
            break
    callback = asked(now)
    change(callback, now, begins=now + HOUR)
    assert fresh(callback).due_at == now + HOUR


def test_the_same_wish_pressed_twice_moves_it_once(now):
    callback = asked(now)
    change(callback, now)
    change(callback, now)
    assert fresh(callback).plan == 2
    # "As soon as possible" is another moment at each press.
    change(callback, now, begins=now)
    change(callback, now + timedelta(seconds=1), begins=now + timedelta(seconds=1))
    assert fresh(callback).plan == 3
    assert Event.objects.filter(verb="callback.rescheduled").count() == 2


def test_a_zone_put_right_counts_though_the_wish_is_the_same(now):
    callback = asked(now, due_in=timedelta(0))
    change(callback, now, begins=now, outside=False)
    assert fresh(callback).plan == 1
    change(callback, now, begins=now, stated_zone="America/Chicago")
    assert (fresh(callback).plan, fresh(callback).time_zone) == (2, "America/Chicago")


def test_a_promise_that_is_broken_stays_broken_when_it_is_moved(now):
    callback = asked(now, due_in=-3 * HOUR, window_ends_at=now - HOUR)
    change(callback, now)
    assert fresh(callback).first_deadline_at == now - HOUR


def test_a_link_does_not_move_a_call_for_ever(now):
    callback = asked(now)
    for number in range(own_requests.MOST_MOVES):
        change(callback, now, begins=now + timedelta(minutes=30 + number))
    with pytest.raises(own_requests.MovedTooOften):
        change(callback, now)


def test_a_call_for_somebody_in_danger_is_not_put_off(now):
    callback = asked(now, in_danger=True, urgency="urgent")
    with pytest.raises(own_requests.NotMovedInDanger):
        change(callback, now)
    assert fresh(callback).plan == 1


# --- Taken back ----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["open", "received", "held"])
def test_taken_back_nobody_is_rung_for_it(now, status):
    because = "number" if status == "held" else ""
    callback = asked(now, status=status, held_because=because)
    withdraw(callback, now)
    ended = fresh(callback)
    assert (ended.status, ended.closed_at) == ("cancelled", now)
    assert not ended.reminders.exclude(status=Reminder.Status.VOID).exists()
    assert stage(callback, now) is Stage.WITHDRAWN
    told = Event.objects.get(verb="callback.withdrawn")
    assert (told.actor_kind, told.subject_id) == ("public", str(callback.pk))
    admission.admit_received(limit=10, now=now)
    assert fresh(callback).status == "cancelled"


def test_taken_back_twice_is_taken_back_once(now):
    callback = asked(now)
    withdraw(callback, now)
    with pytest.raises(own_requests.RequestClosed):
        withdraw(callback, now)
    with pytest.raises(own_requests.RequestClosed):
        change(callback, now)
    assert Event.objects.filter(verb="callback.withdrawn").count() == 1


@pytest.mark.parametrize("status", ["open", "received", "held"])
@pytest.mark.parametrize("act", [withdraw, stop])
def test_one_that_spoke_of_danger_waits_for_a_human_instead(now, status, act):
    """The hand that takes it back may be the one they fear."""
    because = "number" if status == "held" else ""
    callback = asked(now, status=status, in_danger=True, urgency="urgent", held_because=because)
    act(callback, now)
    assert stage(callback, now) is Stage.WITHDRAWN
    admission.admit_received(limit=10, now=now)
    held = fresh(callback)
    assert (held.status, held.held_because, held.claimed_by) == ("held", "stopped", None)
    assert not held.reminders.exclude(status=Reminder.Status.VOID).exists()


def test_somebody_may_still_ring_one_in_danger_and_its_link_goes_on_saying_taken_back(agent, now):
    callback = asked(now, in_danger=True, urgency="urgent")
    withdraw(callback, now)
    reviews.release(callback=fresh(callback), by=agent, now=now)
    assert fresh(callback).is_open
    assert stage(callback, now) is Stage.WITHDRAWN


# --- While somebody is on it ---------------------------------------------------------------------


def test_while_the_number_is_on_somebodys_screen_nothing_is_changed(agent, now):
    callback = ringing(asked(now, due_in=timedelta(0)), agent, now)
    for act in (change, withdraw, stop):
        with pytest.raises(own_requests.BeingRung):
            act(callback, now)
    assert fresh(callback).claimed_by == agent
    dialing.confirm_identity(callback=callback, by=agent, now=now)
    later = now + HOUR  # they talk for long
    with pytest.raises(own_requests.BeingRung):
        withdraw(callback, later)


@pytest.mark.parametrize("act", [change, withdraw, stop])
def test_before_the_number_is_shown_the_wish_of_the_person_goes_first(agent, now, act):
    """ "He has come home, do not ring": there may be no other moment to say it."""
    callback = claimed(asked(now, due_in=timedelta(0)), agent, now)
    act(callback, now)
    assert fresh(callback).claimed_by is None
    with pytest.raises((callbacks.CallbackAlreadyClosed, callbacks.CallbackNotYours)):
        dialing.show_number(callback=fresh(callback), by=agent, now=now)


@pytest.mark.parametrize("act", [change, withdraw, stop])
def test_a_try_nobody_wrote_down_is_kept_when_its_claim_has_run_out(agent, now, act):
    callback = ringing(asked(now, due_in=timedelta(0)), agent, now)
    act(callback, now + HOUR)
    assert callback.attempts.get().outcome == Attempt.Outcome.NOT_RECORDED


# --- What the link tells -------------------------------------------------------------------------


def test_the_stages_of_a_request_nobody_acted_on(now):
    callback = asked(now)
    assert stage(callback, now) is Stage.AHEAD
    assert stage(callback, now + 2 * HOUR) is Stage.UNDER_WAY
    assert stage(callback, now + 3 * DAY) is Stage.UNDER_WAY


def test_a_try_in_vain_shows_no_new_time(agent, now):
    """How soon we try again tells whether it was busy, or somebody else who answered."""
    callback = asked(now, due_in=timedelta(0))
    rung(claimed(callback, agent, now), "wrong_person", by=agent, now=now)
    assert fresh(callback).due_at > now
    assert stage(callback, now) is Stage.UNDER_WAY
    # Their own new time is theirs to see.
    later = now + timedelta(minutes=5)
    change(callback, later)
    assert stage(callback, later) is Stage.AHEAD


def test_a_closed_request_says_so_for_a_week_and_then_nothing(agent, now):
    callback = asked(now, due_in=timedelta(0))
    rung(claimed(callback, agent, now), "reached", by=agent, now=now)
    assert stage(callback, now) is Stage.CLOSED
    assert stage(callback, now + 6 * DAY) is Stage.CLOSED
    assert stage(callback, now + 8 * DAY) is Stage.GONE
    for act in (change, withdraw, stop):
        with pytest.raises(own_requests.RequestClosed):
            act(callback, now)


@pytest.mark.parametrize("known", ["blocked", "tried out", "blocked meanwhile"])
def test_a_request_that_ended_because_of_its_number_looks_like_one_that_waits(agent, now, known):
    if known == "blocked":
        blocks.block(number=MARIA, reason="asked", by=agent, now=now)
    if known == "tried out":
        earlier = asked(now, due_in=timedelta(0), person=maria(alias="Earlier"))
        tried(earlier, now - 2 * DAY, now - DAY, now, by=agent)
    callback = asked(now, status="received")
    strangers = asked(now, status="received", person=maria(phone=JOHN))
    admission.admit_received(limit=10, now=now)
    if known == "blocked meanwhile":
        blocks.block(number=MARIA, reason="asked", by=agent, now=now)
    assert not fresh(callback).is_pending
    assert fresh(strangers).is_open
    both = (callback, strangers)
    assert {stage(one, now) for one in both} == {Stage.AHEAD}
    for one in both:
        change(one, now, begins=now + HOUR)
    assert {fresh(one).due_at for one in both} == {now + HOUR}
    assert {stage(one, now) for one in both} == {Stage.AHEAD}
    assert {stage(one, now + HOUR) for one in both} == {Stage.UNDER_WAY}
    # As if somebody had rung when it was due.
    assert stage(callback, now + 2 * HOUR) is Stage.CLOSED
    assert not fresh(callback).reminders.exclude(status=Reminder.Status.VOID).exists()
    for one in both:
        withdraw(one, now)
    assert {stage(one, now) for one in both} == {Stage.WITHDRAWN}


def test_a_call_taken_back_is_not_promised_anew_when_its_block_was_a_slip(agent, supervisor, now):
    row = blocks.block(number=MARIA, reason="asked", by=agent, now=now)
    callback = asked(now, status="received")
    kept = asked(now, status="received", person=maria(alias="Her son"))
    admission.admit_received(limit=10, now=now)
    withdraw(callback, now)
    again = blocks.lift(block=row, slip="wrong_button", by=supervisor, now=now)
    assert [one.person for one in again] == [kept.person]


# --- Out of their hands --------------------------------------------------------------------------


def call_later(callback, agent, now):
    rung(claimed(callback, agent, now), "call_later", by=agent, now=now, again_at=now + 3 * HOUR)


def danger(callback, agent, now):
    attempts.record(
        callback=claimed(callback, agent, now), outcome="danger_suspected", by=agent, now=now
    )


def moved_by_staff(callback, agent, now):
    callbacks.reschedule(callback=callback, due_at=now + 3 * HOUR, by=agent, now=now)


def person_changed(callback, agent, now):
    callback.person.approach_note = "Ask for Ria"
    people.save(person=callback.person, by=agent, now=now)


def on_a_call(callback, agent, now):
    open_call(agent=agent, now=now, person=callback.person)


@pytest.mark.parametrize("happens", [call_later, danger, moved_by_staff, person_changed, on_a_call])
def test_what_was_said_to_us_in_person_is_neither_shown_nor_changed_by_the_link(
    agent, now, happens
):
    callback = asked(now, due_in=timedelta(0))
    happens(callback, agent, now)
    kept = fresh(callback)
    assert kept.is_open
    assert stage(callback, now) is Stage.CLOSED
    for act in (change, withdraw, stop):
        with pytest.raises(own_requests.RequestClosed):
            act(callback, now)
    other = asked(now, person=maria(alias="Somebody at this number"))
    stop(other, now)
    after = fresh(callback)
    assert (after.status, after.due_at, after.plan) == ("open", kept.due_at, kept.plan)
