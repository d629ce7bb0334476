"""Two who act on one caller at the same moment: what either of them did stands.

PostgreSQL alone lets two write at once; on SQLite the second begins when the first is done.
"""

import contextlib
import uuid
from datetime import timedelta

import pytest

from intake.actions import (
    admission,
    attempts,
    blocks,
    callbacks,
    claims,
    delivery,
    dialing,
    drafts,
    events,
    own_requests,
    people,
    phone_events,
    reviews,
    texts,
)
from intake.models import (
    Attempt,
    BlockedNumber,
    Callback,
    Notice,
    Person,
    Reminder,
    SheetDraft,
    TextStop,
)
from tests import texting
from tests.casting import MARIA, maria, open_call, open_callback
from tests.crossing import crossed_by
from tests.sheets import posted

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


def block(by, now, reason="asked"):
    return blocks.block(number=MARIA, reason=reason, by=by, now=now)


def lift(row, by, now):
    return blocks.lift(block=row, slip="wrong_button", by=by, now=now)


# --- A block, and whatever crosses it -------------------------------------------------------------


def test_whoever_asks_not_to_be_called_while_a_slip_is_lifted_is_not_called(agent, supervisor, now):
    people.save(person=maria(), by=agent, now=now)
    slip = block(agent, now)
    with crossed_by(lambda other: lift(slip, supervisor, now)):
        block(agent, now)
    assert blocks.is_blocked(MARIA)
    assert BlockedNumber.objects.filter(number_digest__isnull=False).get() != slip
    assert Person.objects.get().do_not_call


def test_nobody_is_told_it_was_asked_already_while_that_is_being_taken_back(agent, supervisor, now):
    person = people.save(person=maria(), by=agent, now=now)
    slip = block(agent, now)
    with crossed_by(lambda other: lift(slip, supervisor, now)):
        people.block_number(person=person, reason="asked", by=agent, now=now)
    assert blocks.is_blocked(MARIA)


def test_what_a_block_ends_while_it_is_lifted_as_a_slip_is_promised_anew_or_stays_ended(
    agent, supervisor, now
):
    """Never ended by a block that is no more: nobody would ring, and nobody would know."""
    slip = block(agent, now)
    open_callback(due_at=now, now=now)
    with crossed_by(lambda other: lift(slip, supervisor, now)):
        block(agent, now)
    ended = Callback.objects.get()
    assert ended.status == "cancelled"
    assert ended.closed_by_block.lifted_at is None


def test_a_promise_whose_transaction_outlasts_a_block_is_ended_all_the_same(agent, now):
    person = people.save(person=maria(), by=agent, now=now)

    def promise(other):
        callbacks.promise(
            person=person, due_at=now + timedelta(hours=1), urgency="routine", by=agent, now=now
        )

    with crossed_by(promise):
        row = block(agent, now)
    callback = Callback.objects.get()
    assert (callback.status, callback.closed_by_block) == ("cancelled", row)
    assert not Reminder.objects.exclude(status="void").exists()


def test_a_missed_call_whose_transaction_outlasts_a_block_is_ended_all_the_same(agent, now):
    told = phone_events.Told(event_id="1", kind="missed_call", occurred_at=now, number=MARIA)
    with crossed_by(lambda other: phone_events.take(told=told, now=now)):
        row = block(agent, now)
    callback = Callback.objects.get()
    assert (callback.status, callback.closed_by_block) == ("cancelled", row)


def test_blocked_on_the_dial_screen_and_on_their_call_sheet_at_once_is_no_deadlock(
    agent, client_for, now, frozen
):
    person = people.save(person=maria(), by=agent, now=now)
    call = open_call(agent=agent, now=now, person=person)
    callback = open_callback(person=person, due_at=now, now=now)

    def on_the_dial_screen(other):
        blocks.hold(MARIA)
        other.stand_still()
        block(agent, now, reason="declined")

    with crossed_by(on_the_dial_screen):
        answer = client_for(agent).post(
            f"/admin/intake/call/{call.pk}/change/",
            posted(version="1", caller__do_not_call="on"),
        )
    assert answer.status_code in (302, 422), answer.content.decode()[:500]
    callback.refresh_from_db()
    assert callback.status == "cancelled"


def test_a_stop_that_is_written_while_they_decline_on_the_phone_is_no_deadlock(
    agent, now, settings, monkeypatch
):
    with texting.gateway(settings):
        callback = texting.promised(agent, now)
    claims.claim(callback=callback, by=agent, now=now)
    dialing.show_number(callback=callback, by=agent, now=now)
    dialing.confirm_identity(callback=callback, by=agent, now=now)
    callback = Callback.objects.get()

    def write_stop(other):
        written = texts._write_stop

        def and_wait(*args):
            try:
                return written(*args)
            finally:
                other.stand_still()

        monkeypatch.setattr(texts, "_write_stop", and_wait)
        texts.stop(number=MARIA, written_at=now, by=agent, now=now)

    with crossed_by(write_stop):
        attempts.record(callback=callback, outcome="declined", by=agent, now=now)
    assert blocks.is_blocked(MARIA)
    assert texting.the_reminder().status == "void"
    assert Person.objects.get().text_stops.exists()


def test_who_takes_a_request_back_while_its_block_is_lifted_is_promised_nothing_anew(
    agent, supervisor, now
):
    request = open_callback(due_at=now + timedelta(hours=1), now=now, source="web")
    slip = block(agent, now)
    taken_back = Callback.objects.get(pk=request.pk)

    def take_back(other):
        own_requests.withdraw(callback=taken_back, by=events.PUBLIC, now=now)

    with crossed_by(take_back):
        assert lift(slip, supervisor, now) == []
    assert not Callback.objects.filter(status="open").exists()


# --- Texts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", ["START", "STOP"])
def test_a_stop_that_arrives_with_an_earlier_word_of_theirs_holds(agent, now, before):
    """A START, or a STOP, written a minute before it and taken at the same moment."""
    person = people.save(person=maria(), by=agent, now=now)
    earlier, later = now - timedelta(minutes=1), now
    if before == "START":
        TextStop.objects.create(person=person, stopped_at=now - timedelta(days=1))

    def say_before(other):
        say = texts.lift_stop if before == "START" else texts.stop
        say(number=MARIA, written_at=earlier, by=events.PUBLIC, now=now)

    with crossed_by(say_before):
        texts.stop(number=MARIA, written_at=later, by=events.PUBLIC, now=now)
    assert TextStop.objects.get(lifted_at=None).stopped_at == later


# --- Whoever is ringing ---------------------------------------------------------------------------


def test_a_number_that_is_shown_while_the_promise_ends_is_on_record_as_a_try(
    agent, supervisor, now
):
    callback = open_callback(due_at=now, now=now)
    claims.claim(callback=callback, by=agent, now=now)

    def show(other):
        dialing.show_number(callback=Callback.objects.get(), by=agent, now=now)

    with crossed_by(show):
        callbacks.cancel(callback=callback, by=supervisor, now=now)
    assert Attempt.objects.get().outcome == Attempt.Outcome.NOT_RECORDED


def test_nobody_moves_a_promise_from_under_whoever_claims_it_at_this_moment(
    agent, other_agent, now
):
    callback = open_callback(due_at=now, now=now)

    def take(other):
        claims.claim(callback=Callback.objects.get(), by=other_agent, now=now)

    with crossed_by(take), pytest.raises(callbacks.CallbackTaken):
        callbacks.reschedule(callback=callback, due_at=now + timedelta(hours=2), by=agent, now=now)
    assert Callback.objects.get().claimed_by == other_agent


# --- A promise and its reminders ------------------------------------------------------------------


def test_what_is_told_the_old_owner_at_this_moment_is_told_the_new_one(agent, other_agent, now):
    callback = open_callback(due_at=now, now=now, owner=agent)
    callback.reminders.create(stage="due", channel="in_app", due_at=now, next_try_at=now)
    batch = delivery.claim(channel="in_app", limit=10, now=now)
    with crossed_by(lambda other: delivery.deliver_together(batch=batch, now=now)):
        callbacks.hand_over(
            callback=callback, to=other_agent, reason="shift_ends", by=agent, now=now
        )
    assert Notice.objects.get().recipient == other_agent


def test_a_reminder_met_while_its_callback_is_handed_over_tells_the_new_owner(
    agent, other_agent, now
):
    callback = open_callback(due_at=now, now=now, owner=agent)
    callback.reminders.create(stage="due", channel="in_app", due_at=now, next_try_at=now)
    batch = delivery.claim(channel="in_app", limit=10, now=now)

    def hand_over(other):
        callbacks.hand_over(
            callback=callback, to=other_agent, reason="shift_ends", by=agent, now=now
        )

    with crossed_by(hand_over):
        delivery.deliver_together(batch=batch, now=now)
    again = delivery.claim(channel="in_app", limit=10, now=now)
    delivery.deliver_together(batch=again, now=now)
    assert Notice.objects.get().recipient == other_agent


# --- A request that waits -------------------------------------------------------------------------


def received(now, **fields):
    return open_callback(
        due_at=now + timedelta(hours=1), now=now, source="web", status="received", **fields
    )


@pytest.mark.parametrize("how", ["let in", "let through"])
def test_a_request_is_not_ended_by_a_block_that_is_lifted_at_this_moment(
    agent, supervisor, now, how
):
    """Nobody would promise it anew, because its block did not end it when it was lifted."""
    slip = block(agent, now)
    request = received(now)

    def decide():
        if how == "let in":
            admission.admit_received(limit=1, now=now)
        else:
            with contextlib.suppress(reviews.NotWaiting):
                reviews.release(callback=request, by=agent, now=now)

    with crossed_by(lambda other: lift(slip, supervisor, now)):
        decide()
    decide()
    request.refresh_from_db()
    assert request.status == "open"


def test_a_request_somebody_changes_at_this_moment_keeps_no_other_waiting(now):
    changed, other_one = received(now), received(now)

    def change(other):
        Callback.objects.filter(pk=changed.pk).update(reason="")

    with crossed_by(change):
        admission.admit_received(limit=5, now=now)
        other_one.refresh_from_db()
        changed.refresh_from_db()
        assert (changed.status, other_one.status) == ("received", "open")
    admission.admit_received(limit=5, now=now)
    changed.refresh_from_db()
    assert changed.status == "open"


def test_a_request_somebody_holds_for_a_moment_is_let_through_after_it(agent, now):
    """As a change of keys does, batch by batch. It is not "decided already"."""
    callback = open_callback(
        due_at=now + timedelta(hours=1),
        now=now,
        source="web",
        status="held",
        held_because="ceiling",
    )

    def change_keys(other):
        list(Callback.objects.select_for_update(no_key=True).values_list("pk"))

    with crossed_by(change_keys):
        reviews.release(callback=callback, by=agent, now=now)
    callback.refresh_from_db()
    assert callback.status == "open"


def test_a_request_let_through_twice_at_once_is_let_through_once(agent, other_agent, now):
    callback = open_callback(
        due_at=now + timedelta(hours=1),
        now=now,
        source="web",
        status="held",
        held_because="ceiling",
    )
    with (
        crossed_by(lambda other: reviews.release(callback=callback, by=agent, now=now)),
        pytest.raises(reviews.NotWaiting),
    ):
        reviews.release(callback=callback, by=other_agent, now=now)
    callback.refresh_from_db()
    assert callback.status == "open"


# --- A draft --------------------------------------------------------------------------------------


def test_a_draft_kept_while_its_sheet_is_saved_goes_with_it(agent, now):
    """The page keeps it every few seconds, also in the moment somebody presses "Save"."""
    key = uuid.uuid4()

    def keep(words):
        drafts.keep(call_key=key, typed=[("call-narrative", words)], version=0, by=agent, now=now)

    keep("Takes it")
    with crossed_by(lambda other: drafts.was_saved(call_key=key, by=agent)):
        keep("Takes it at night")
    assert not SheetDraft.objects.exists()
