"""What the holder of a private link may do, and what they must not learn or break by it."""

from datetime import time, timedelta

import pytest
from django.core.management import CommandError
from django.db import connection

from intake.actions import (
    admission,
    attempts,
    blocks,
    callbacks,
    dialing,
    online_stops,
    own_requests,
    people,
    reminders,
    reviews,
)
from intake.actions.events import PUBLIC
from intake.actions.own_requests import OwnHours, Stage
from intake.admin import briefing
from intake.crypto import get_keyring
from intake.models import Attempt, Callback, Event, OnlineStop, Person, Reminder
from intake.rules.callback_times import Slot
from tests.casting import JOHN, MARIA, maria, open_call, open_callback, rung
from tests.crypto.rows import rotate
from tests.racing import at_once

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOON, EVENING = time(12), time(17)


def asked(now, *, due_in=2 * HOUR, status="open", person=None, **fields):
    """A web request as the form and admission leave it."""
    callback = open_callback(
        due_at=now + due_in, now=now, person=person, source="web", status=status, **fields
    )
    if status == "open":
        reminders.plan(callback=callback, now=now)
    if status == "received":
        # The form leaves them to admission.
        callback.person.name_words.all().delete()
    return callback


def change(callback, now, *, begins=None, ends=None, outside=False, **own):
    slot = Slot(begins or now + 4 * HOUR, ends, outside)
    return own_requests.change_time(
        callback=callback, slot=slot, own_hours=OwnHours(**own), by=PUBLIC, now=now
    )


def withdraw(callback, now):
    return own_requests.withdraw(callback=callback, by=PUBLIC, now=now)


def stop(callback, now):
    return own_requests.stop_calls(callback=callback, by=PUBLIC, now=now)


def stage(callback, now):
    return own_requests.stage(Callback.objects.get(pk=callback.pk), now)


def claimed(callback, agent, now):
    callbacks.claim(callback=callback, by=agent, now=now)
    return callback


def ringing(callback, agent, now):
    return dialing.show_number(callback=claimed(callback, agent, now), by=agent, now=now)


def fresh(callback):
    return Callback.objects.select_related("person").get(pk=callback.pk)


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


# --- What the link tells --------------------------------------------------------------------------


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
        for number in range(3):
            Attempt.objects.create(
                callback=earlier,
                number=number + 1,
                outcome="no_answer",
                number_shown_at=now - number * DAY,
                made_at=now - number * DAY,
                made_by=agent,
            )
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


# --- Do not call me again ------------------------------------------------------------------------


def test_a_stop_takes_its_request_back_and_holds_the_others_for_a_human(agent, other_agent, now):
    """Whoever holds a link may be the one they hide from; their own request must not vanish."""
    callback = asked(now)
    hers = asked(now, person=maria(alias="Herself"))
    begun = claimed(asked(now, due_in=timedelta(0), person=maria(alias="Begun")), agent, now)
    received = asked(now, status="received", person=maria(alias="Just sent"))
    promised = open_callback(due_at=now, now=now - DAY, person=maria(alias="On a call"))
    johns = asked(now, person=maria(phone=JOHN))
    stop(callback, now)
    assert fresh(callback).status == "cancelled"
    for one in (hers, begun):
        assert (fresh(one).status, fresh(one).held_because) == ("held", "stopped")
        assert fresh(one).claimed_by is None
        assert not one.reminders.exclude(status=Reminder.Status.VOID).exists()
        assert stage(one, now).is_pending
    assert fresh(promised).is_open
    assert fresh(johns).is_open
    admission.admit_received(limit=10, now=now)
    assert (fresh(received).status, fresh(received).held_because) == ("held", "stopped")
    reviews.release(callback=fresh(hers), by=other_agent, now=now)
    assert fresh(hers).is_open


def test_a_request_staff_let_through_is_not_held_again_by_the_next_stop(agent, now):
    """Or a stranger could keep somebody waiting for ever."""
    hers = asked(now, person=maria(alias="Herself"))
    stop(asked(now), now)
    reviews.release(callback=fresh(hers), by=agent, now=now)
    stop(asked(now, person=maria(alias="Again")), now)
    assert fresh(hers).is_open
    # To herself it is as before.
    assert stage(hers, now) is Stage.AHEAD
    withdraw(hers, now)


def test_a_strangers_stop_holds_up_no_call_for_somebody_in_danger(now):
    """But whoever rings is warned before the number is shown."""
    hers = asked(now, person=maria(alias="Herself"), in_danger=True, urgency="urgent")
    stop(asked(now), now)
    assert fresh(hers).is_open
    assert any("asked online" in line.lead for line in briefing.briefing(fresh(hers)))


def test_one_that_is_being_rung_goes_on(agent, now):
    callback = asked(now)
    rings = ringing(asked(now, due_in=timedelta(0), person=maria(alias="Rings")), agent, now)
    stop(callback, now)
    assert (fresh(rings).status, fresh(rings).claimed_by) == ("open", agent)


def test_a_stop_shuts_nobody_out(agent, now):
    """The number is not blocked: calls we promise are made, and requests reach a human."""
    stop(asked(now), now)
    assert not blocks.is_blocked(MARIA)
    assert not Person.objects.filter(do_not_call=True).exists()
    call = open_call(agent=agent, now=now + HOUR)
    promised = callbacks.promise(
        person=call.caller, due_at=now + 2 * HOUR, urgency="routine", by=agent, now=now + HOUR
    )
    assert promised.is_open


def test_later_requests_wait_for_a_human_and_those_of_others_do_not(now):
    stop(asked(now), now)
    again = asked(now + DAY, status="received")
    johns = asked(now + DAY, status="received", person=maria(phone=JOHN))
    admission.admit_received(limit=10, now=now + DAY)
    assert (fresh(again).status, fresh(again).held_because) == ("held", "stopped")
    assert fresh(johns).is_open


def test_whoever_is_about_to_ring_is_told(now):
    promised = open_callback(due_at=now, now=now - DAY, person=maria(alias="On a call"))

    def told():
        return [line for line in briefing.briefing(promised) if "asked online" in line.lead]

    assert not told()
    stop(asked(now), now)
    assert len(told()) == 1


def test_a_stop_is_over_once_somebody_there_has_spoken_with_us(agent, now):
    stop(asked(now), now)
    held = asked(now + DAY, status="received")
    admission.admit_received(limit=10, now=now + DAY)
    reviews.release(callback=fresh(held), by=agent, now=now + DAY)
    when = max(fresh(held).due_at, now + DAY)
    rung(claimed(fresh(held), agent, when), "reached", by=agent, now=when)
    assert not online_stops.is_stopped(MARIA)
    again = asked(when + DAY, status="received")
    admission.admit_received(limit=10, now=when + DAY)
    assert fresh(again).is_open
    # The next who asks for a stop begins anew.
    assert online_stops.recognize(MARIA, now=when) is None
    assert not OnlineStop.objects.exists()
    assert Event.objects.filter(verb="number.online_stop_over").count() == 1


def test_asked_twice_it_is_one_stop_and_a_request_taken_back_before_may_ask_for_it(now):
    callback = asked(now)
    withdraw(callback, now)
    stop(callback, now)
    stop(callback, now + HOUR)
    assert OnlineStop.objects.get().stopped_at == now
    assert Event.objects.filter(verb="callback.withdrawn").count() == 1
    assert Event.objects.filter(verb="number.stopped_online").count() == 1


def test_nothing_of_the_number_is_stored_and_no_other_table_has_its_digest(now):
    stop(asked(now), now)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM intake_onlinestop")
        stored = str(cursor.fetchall())
    for part in ("2025550143", "5550143", "0143"):
        assert part not in stored
    digest = bytes(OnlineStop.objects.get().number_digest)
    assert digest != Person.objects.at(MARIA).first().phone_index
    assert digest != blocks.lone_digest(blocks.PURPOSE, MARIA)[0]


# --- Keys ----------------------------------------------------------------------------------------


def purge():
    for model in (Attempt, Reminder, Callback, Person):
        model.objects.all().delete()


def test_a_stop_outlives_everybody_and_holds_under_every_key_of_the_ring(keys, now):
    stop(asked(now), now)
    purge()
    rotate("--new-index-key")
    assert get_keyring().index.current == "i2"
    assert online_stops.is_stopped(MARIA)
    with pytest.raises(CommandError, match="recognized with i1 alone"):
        rotate("--retire", "i1")
    again = asked(now, status="received")
    admission.admit_received(limit=10, now=now)
    assert fresh(again).held_because == "stopped"
    rotate("--retire", "i1")
    assert set(get_keyring().index.keys) == {"i2"}
    assert online_stops.is_stopped(MARIA)


def test_a_stop_moves_to_the_new_key_with_the_record_of_its_number(keys, now):
    stop(asked(now), now)
    rotate("--new-index-key")
    rotate("--retire", "i1")
    assert OnlineStop.objects.get().key_id == "i2"
    assert online_stops.is_stopped(MARIA)


def test_asked_under_both_keys_it_becomes_one_stop(keys, now):
    stop(asked(now), now)
    rotate("--new-index-key")
    purge()
    OnlineStop.objects.update(stopped_at=now - DAY)
    digest, key_id = online_stops.lone_digest(online_stops.PURPOSE, MARIA)
    OnlineStop.objects.filter(number_digest=digest).delete()
    old = online_stops.blind_index_candidates(online_stops.PURPOSE, MARIA)[1]
    OnlineStop.objects.all().delete()
    OnlineStop.objects.create(number_digest=old, key_id="i1", stopped_at=now - DAY)
    OnlineStop.objects.create(number_digest=digest, key_id=key_id, stopped_at=now)
    assert online_stops.recognize(MARIA, now=now).stopped_at == now
    assert OnlineStop.objects.get().key_id == "i2"


# --- At the same moment --------------------------------------------------------------------------

racing = pytest.mark.django_db(transaction=True)


@racing
@pytest.mark.parametrize("round_", range(5))
def test_claimed_and_taken_back_at_once_nobody_is_rung_after_it(agent, now, round_):
    callback = asked(now, due_in=timedelta(0))

    def rings():
        own = Callback.objects.select_related("person").get(pk=callback.pk)
        callbacks.claim(callback=own, by=agent, now=now)
        dialing.show_number(callback=own, by=agent, now=now)

    told = at_once(rings, lambda: withdraw(callback, now))
    after = fresh(callback)
    if after.status == "cancelled":
        assert after.number_shown_at is None
        assert {"CallbackAlreadyClosed", "CallbackNotYours"} & set(told)
    else:
        assert sorted(told) == ["BeingRung", "done"]
        assert after.number_shown_at == now


@racing
@pytest.mark.parametrize("act", [withdraw, change])
def test_pressed_ten_times_at_once_it_happens_once(now, act):
    callback = asked(now)
    told = at_once(*[lambda: act(callback, now)] * 10)
    assert set(told) <= {"done", "RequestClosed"}
    verb = "callback.withdrawn" if act is withdraw else "callback.rescheduled"
    assert Event.objects.filter(verb=verb).count() == 1


@racing
def test_stopped_ten_times_at_once_it_is_one_stop(now):
    callback = asked(now)
    asked(now, person=maria(alias="Another"))
    assert at_once(*[lambda: stop(callback, now)] * 10) == ["done"] * 10
    assert OnlineStop.objects.count() == 1
    assert Event.objects.filter(verb="number.stopped_online").count() == 1
    assert sorted(Callback.objects.values_list("status", flat=True)) == ["cancelled", "held"]


@racing
def test_two_links_of_one_number_stopped_at_once_is_no_deadlock(now):
    one, other = asked(now), asked(now, person=maria(alias="Another"))
    told = at_once(*[lambda: stop(one, now), lambda: stop(other, now)] * 3)
    assert told == ["done"] * 6
    assert OnlineStop.objects.count() == 1
    assert not Callback.objects.filter(status="open").exists()


@racing
@pytest.mark.parametrize("round_", range(3))
def test_moved_in_one_tab_and_taken_back_in_the_other_it_is_taken_back(now, round_):
    callback = asked(now)
    told = at_once(lambda: change(callback, now), lambda: withdraw(callback, now))
    assert set(told) <= {"done", "RequestClosed"}
    after = fresh(callback)
    assert after.status == "cancelled"
    assert not after.reminders.exclude(status=Reminder.Status.VOID).exists()


@racing
@pytest.mark.parametrize("act", [change, withdraw, stop])
def test_let_in_at_the_same_moment_it_is_rung_as_they_said_last(now, act):
    callback = asked(now, status="received")
    told = at_once(lambda: act(callback, now), lambda: admission.admit_received(limit=10, now=now))
    assert told == ["done", "done"]
    after = fresh(callback)
    if after.status == "received":
        admission.admit_received(limit=10, now=now)
        after = fresh(callback)
    planned = after.reminders.exclude(status=Reminder.Status.VOID)
    if act is change:
        assert (after.status, after.due_at) == ("open", now + 4 * HOUR)
        assert set(planned.filter(stage="due").values_list("due_at", flat=True)) == {after.due_at}
    else:
        assert after.status == "cancelled"
        assert not planned.exists()


def meanwhile(monkeypatch, happens):
    """Something that happens once, when admission has decided and has not written it down."""
    decide = admission.decide
    left = [happens]

    def decided(callback, *args, **kwargs):
        verdict = decide(callback, *args, **kwargs)
        if left:
            left.pop()()
        return verdict

    monkeypatch.setattr(admission, "decide", decided)


@racing
@pytest.mark.parametrize("danger", [False, True])
def test_a_request_let_in_while_its_number_is_stopped_is_held_all_the_same(
    now, monkeypatch, danger
):
    callback = asked(now)
    crossing = asked(now, status="received", person=maria(alias="Crossing"))
    mine = asked(now, status="received", in_danger=True, person=maria(alias="Mine"))
    meanwhile(monkeypatch, lambda: stop(mine if danger else callback, now))
    for _ in range(2):
        admission.admit_received(limit=10, now=now)
    assert (fresh(crossing).status, fresh(crossing).held_because) == ("held", "stopped")
    if danger:
        assert (fresh(mine).status, fresh(mine).held_because) == ("held", "stopped")
    assert crossing.person.name_words.exists()


@racing
@pytest.mark.parametrize("act", [change, withdraw])
def test_what_is_changed_while_it_is_let_in_is_what_counts(now, monkeypatch, act):
    callback = asked(now, status="received")
    meanwhile(monkeypatch, lambda: act(callback, now))
    for _ in range(2):
        admission.admit_received(limit=10, now=now)
    after = fresh(callback)
    planned = after.reminders.exclude(status=Reminder.Status.VOID)
    if act is withdraw:
        assert after.status == "cancelled"
        assert not planned.exists()
    else:
        assert (after.status, after.due_at) == ("open", now + 4 * HOUR)
        due = planned.filter(stage="due").values_list("due_at", "plan")
        assert set(due) == {(now + 4 * HOUR, after.plan)}
