"""A blocked number is not rung again: by anyone, for anyone, after anything but a slip."""

import re
import threading
import time
from datetime import timedelta

import pytest
from django.core.management import CommandError
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from intake.actions import admission, blocks, callbacks, dialing, people, web_requests
from intake.crypto import get_keyring
from intake.crypto.checks import verify_keyring
from intake.crypto.keyring import (
    INDEX,
    KeyringError,
    edit_keyring_file,
)
from intake.models import Attempt, BlockedNumber, Call, Callback, Event, Person, Reminder
from tests import callers
from tests.casting import JOHN, MARIA, maria, open_call, open_callback, rung
from tests.crypto.rows import rotate
from tests.racing import at_once
from tests.telling import tells

pytestmark = pytest.mark.django_db


def block(by, now, number=MARIA, reason="asked"):
    return blocks.block(number=number, reason=reason, by=by, now=now)


def requested(now, **fields):
    """A stranger's form, with its own token, taken and let in."""
    made = web_requests.WebRequest(
        person=maria(**fields),
        due_at=now + timedelta(hours=1),
        form_digest=f"{Callback.objects.count():032x}",
        content_digest="c" * 32,
        consent_wording="1",
    )
    callback = web_requests.take(request=made, now=now)
    admission.admit_received(limit=1, now=now)
    callback.refresh_from_db()
    return callback


# --- At once -------------------------------------------------------------------------------------


def test_blocking_ends_every_open_callback_to_the_number_of_whomever(
    agent, other_agent, supervisor, now
):
    """Claimed, ringing, from the web, of a son in the same house: all of them, and no other."""
    his = open_callback(due_at=now, now=now, person=maria(alias="Her son"), owner=other_agent)
    hers = open_callback(due_at=now + timedelta(hours=3), now=now, source="web")
    ringing = open_callback(due_at=now, now=now)
    johns = open_callback(due_at=now, now=now, person=maria(phone=JOHN))
    callbacks.claim(callback=ringing, by=agent, now=now)
    dialing.show_number(callback=ringing, by=agent, now=now)
    planned = callbacks.promise(
        person=his.person, due_at=now + timedelta(hours=1), urgency="routine", by=agent, now=now
    )
    row = block(other_agent, now, reason="declined")
    for callback in (his, hers, ringing, planned):
        callback.refresh_from_db()
        assert (callback.status, callback.closed_at) == ("cancelled", now)
        assert (callback.closed_by_block, callback.claimed_by) == (row, None)
    assert set(planned.reminders.values_list("status", flat=True)) == {Reminder.Status.VOID}
    assert ringing.attempts.get().outcome == Attempt.Outcome.NOT_RECORDED
    johns.refresh_from_db()
    assert johns.is_open
    closed = Event.objects.filter(verb="callback.closed")
    assert closed.count() == 4
    assert {event.detail["block"] for event in closed} == {str(row.pk)}
    assert set(Person.objects.at(MARIA).values_list("do_not_call", flat=True)) == {True}


@pytest.mark.parametrize(
    ("outcome", "others"), [("wrong_number", "wrong_number"), ("declined", "cancelled")]
)
def test_an_outcome_that_blocks_ends_the_other_callbacks_too(agent, now, outcome, others):
    callback, other = (
        open_callback(due_at=now, now=now, person=maria(alias=name)) for name in ("Maria", "Ria")
    )
    callbacks.claim(callback=callback, by=agent, now=now)
    made = rung(callback, outcome, by=agent, now=now)
    other.refresh_from_db()
    assert (callback.status, other.status) == (outcome, others)
    # The try that said so is the one on record; nothing else was.
    assert list(callback.attempts.all()) == [made]
    row = BlockedNumber.objects.get()
    assert (row.reason, row.user) == (outcome, agent)
    assert {callback.closed_by_block, other.closed_by_block} == {row}


def test_nothing_is_promised_moved_or_shown_to_a_blocked_number(agent, now):
    call = open_call(agent=agent, now=now)
    due = now + timedelta(hours=1)
    args = {"due_at": due, "by": agent, "now": now}
    johns = open_callback(due_at=now, now=now, person=maria(phone=JOHN))
    callbacks.claim(callback=johns, by=agent, now=now)
    for number in (MARIA, JOHN):
        BlockedNumber.objects.create(**digest_of(number), reason="asked", blocked_at=now)
    with pytest.raises(callbacks.NumberBlocked):
        callbacks.promise(person=call.caller, urgency="routine", **args)
    with pytest.raises(callbacks.NumberBlocked):
        callbacks.reschedule(callback=johns, **args)
    with pytest.raises(callbacks.NumberBlocked):
        dialing.show_number(callback=johns, by=agent, now=now)


def digest_of(number):
    digest, key_id = blocks.lone_digest(blocks.PURPOSE, number)
    return {"number_digest": digest, "key_id": key_id}


def test_a_request_from_a_blocked_number_is_kept_as_ended_and_never_rung(agent, now):
    row = block(agent, now)
    callback = requested(now)
    assert (callback.status, callback.closed_by_block) == ("cancelled", row)
    assert not callback.reminders.exists()
    assert Person.objects.get(pk=callback.person_id).do_not_call
    assert requested(now, phone=JOHN).is_open


def test_the_public_form_answers_the_same_to_a_blocked_number(agent, now, client, frozen):
    block(agent, now, number="+12025550101")
    page = callers.Page(client, frozen)
    told = [page.receipt(phone=phone) for phone in (callers.ANA, "(202) 555-0177")]
    assert len({re.sub(r"B-[0-9A-Z]{8}|manage/\S+", "", receipt) for receipt in told}) == 1
    assert sorted(Callback.objects.values_list("status", flat=True)) == ["cancelled", "open"]


def test_blocking_twice_adds_no_row_and_is_no_news_to_the_one_who_asks(agent, now):
    assert block(agent, now) == block(agent, now, reason="declined")
    assert BlockedNumber.objects.count() == 1
    person = maria()
    person.created_at, person.do_not_call = now, True
    person.save()
    with pytest.raises(people.AlreadyDoNotCall):
        people.block_number(person=person, reason="asked", by=agent, now=now)


def test_a_person_without_a_number_is_marked_alone(agent, now):
    person = maria(phone=None)
    person.created_at = now
    person.save()
    people.block_number(person=person, reason="asked", by=agent, now=now)
    assert person.do_not_call
    assert not BlockedNumber.objects.exists()


def test_the_mark_of_a_person_goes_with_the_number(agent, now):
    block(agent, now)
    person = maria()
    people.save(person=person, by=agent, now=now)
    assert Person.objects.get().do_not_call
    person.phone = JOHN
    people.save(person=person, by=agent, now=now)
    assert not Person.objects.get().do_not_call
    person.phone = MARIA
    people.save(person=person, by=agent, now=now)
    assert Person.objects.get().do_not_call


def test_the_call_sheet_blocks_the_number_it_was_told_on(agent, client_for, now, frozen):
    from tests.sheets import ADD, posted

    callback = open_callback(due_at=now, now=now)
    answer = client_for(agent).post(ADD, posted(caller__do_not_call="on"))
    assert answer.status_code == 302, answer.content.decode()[:500]
    assert blocks.is_blocked(MARIA)
    callback.refresh_from_db()
    assert callback.status == "cancelled"


@pytest.mark.django_db(transaction=True)
def test_blocked_twenty_times_at_once_it_is_one_block(agent, now):
    open_callback(due_at=now, now=now)
    assert at_once(*[lambda: block(agent, now)] * 20) == ["done"] * 20
    assert BlockedNumber.objects.count() == 1
    assert Event.objects.filter(verb="number.blocked").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_promise_that_crosses_the_block_is_ended_by_it(agent, now, monkeypatch):
    """It is written by a transaction that did not see the block, and seen by the second look."""
    person = maria()
    people.save(person=person, by=agent, now=now)

    first = blocks._end_open

    def late(row, number, **args):
        first(row, number, **args)
        if not Callback.objects.exists():
            open_callback(due_at=now, now=now, person=person)

    monkeypatch.setattr(blocks, "_end_open", late)
    block(agent, now)
    assert Callback.objects.get().status == "cancelled"


@pytest.mark.django_db(transaction=True)
def test_wrong_number_pressed_for_two_people_at_once_ends_both_without_a_deadlock(
    agent, other_agent, now
):
    both = []
    for name, by in (("Maria", agent), ("Ria", other_agent)):
        callback = open_callback(due_at=now, now=now, person=maria(alias=name))
        callbacks.claim(callback=callback, by=by, now=now)
        # As if each had been shown it before the other.
        Callback.objects.filter(pk=callback.pk).update(number_shown_at=now)
        both.append((callback, by))

    def end(callback, by):
        from intake.actions import attempts

        own = Callback.objects.get(pk=callback.pk)
        attempts.record(callback=own, outcome="wrong_number", by=by, now=now)

    answers = at_once(*(lambda one=one: end(*one) for one in both))
    assert sorted(answers) == ["CallbackAlreadyClosed", "done"]
    assert not Callback.objects.filter(status="open").exists()
    # Both had seen the number, so both are on record as a try.
    assert Attempt.objects.count() == 2


# --- For good ------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_blocked_on_the_dial_screen_and_on_the_persons_page_at_once_is_no_deadlock(agent, now):
    person = people.save(person=maria(), by=agent, now=now)
    open_callback(person=person, due_at=now, now=now)
    is_held = threading.Event()

    def on_the_dial_screen():
        """As recording "wrong number" does: the callbacks of the number first."""
        with transaction.atomic():
            blocks.hold(MARIA)
            is_held.set()
            time.sleep(0.5)
            blocks.block(number=MARIA, reason="declined", by=agent, now=now)

    def on_their_page():
        is_held.wait()
        blocks.block(number=MARIA, reason="declined", by=agent, now=now)

    assert at_once(on_the_dial_screen, on_their_page) == ["done", "done"]
    assert BlockedNumber.objects.count() == 1


def test_a_block_outlives_everybody_it_was_about(agent, now):
    callback = open_callback(due_at=now, now=now)
    callbacks.claim(callback=callback, by=agent, now=now)
    rung(callback, "wrong_number", by=agent, now=now)
    Attempt.objects.all().delete()
    Reminder.objects.all().delete()
    Callback.objects.all().delete()
    Call.objects.all().delete()
    Person.objects.all().delete()
    assert blocks.is_blocked(MARIA)
    assert requested(now).status == "cancelled"


def test_nothing_of_the_number_is_stored(agent, now):
    block(agent, now)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM intake_blockednumber")
        stored = str(cursor.fetchall())
    for part in ("2025550143", "5550143", "0143"):
        assert part not in stored
    people_digest = maria()
    people_digest.created_at = now
    people_digest.save()
    # Another purpose: the two tables cannot be joined on it.
    assert bytes(BlockedNumber.objects.get().number_digest) != people_digest.phone_index


def test_a_block_holds_under_every_key_of_the_ring(keys, agent, now):
    block(agent, now)
    rotate("--new-index-key")
    assert get_keyring().index.current == "i2"
    assert blocks.is_blocked(MARIA)
    assert not blocks.is_blocked(JOHN)


def test_a_key_that_alone_recognizes_a_block_is_never_retired(keys, agent, now):
    block(agent, now)
    rotate("--new-index-key")
    with pytest.raises(
        CommandError, match="1 numbers not to be called are recognized with i1 alone"
    ):
        rotate("--retire", "i1")
    assert "i1" in get_keyring().index.keys
    assert blocks.is_blocked(MARIA)


def test_a_ring_without_the_key_of_a_block_is_refused_though_the_key_was_retired(keys, agent, now):
    from intake.models import KeyCheck

    block(agent, now)
    rotate("--new-index-key")
    KeyCheck.objects.filter(key_id="i1").update(retired_at=now)
    edit_keyring_file(lambda ring: ring.without_key(INDEX, "i1"))
    with pytest.raises(KeyringError, match="lacks key i1"):
        verify_keyring()


def test_a_block_moves_to_the_new_key_with_the_record_of_its_number(keys, agent, now):
    callback = open_callback(due_at=now, now=now)
    callbacks.claim(callback=callback, by=agent, now=now)
    rung(callback, "declined", by=agent, now=now)
    rotate("--new-index-key")
    rotate("--retire", "i1")
    assert set(get_keyring().index.keys) == {"i2"}
    assert blocks.is_blocked(MARIA)
    assert BlockedNumber.objects.get().key_id == "i2"


def test_a_block_moves_to_the_new_key_when_its_number_turns_up_again(keys, agent, now):
    block(agent, now)
    rotate("--new-index-key")
    assert requested(now).status == "cancelled"
    assert BlockedNumber.objects.get().key_id == "i2"
    rotate("--retire", "i1")
    assert blocks.is_blocked(MARIA)


def test_a_number_blocked_under_both_keys_becomes_one_block(keys, agent, now):
    old = block(agent, now)
    callback = requested(now)
    rotate("--new-index-key")
    BlockedNumber.objects.filter(pk=old.pk).update(**{**digest_of(JOHN), "key_id": "i1"})
    new = block(agent, now)
    stored = blocks.blind_index_candidates(blocks.PURPOSE, MARIA)[1]
    BlockedNumber.objects.filter(pk=old.pk).update(number_digest=stored)
    assert blocks.recognize(MARIA) in (old, new)
    blocks.rekey()
    assert blocks.is_blocked(MARIA)
    callback.refresh_from_db()
    assert callback.closed_by_block is not None


# --- A slip --------------------------------------------------------------------------------------


def test_lifting_a_slip_promises_anew_what_it_ended_and_reopens_nothing(agent, supervisor, now):
    callback = open_callback(due_at=now, now=now, owner=agent, reason="Detox", urgency="high")
    son = open_callback(due_at=now + timedelta(hours=2), now=now, person=maria(alias="Her son"))
    callbacks.claim(callback=callback, by=agent, now=now)
    rung(callback, "wrong_number", by=agent, now=now)
    row = BlockedNumber.objects.get()
    again = blocks.lift(block=row, slip="wrong_button", by=supervisor, now=now)
    assert not blocks.is_blocked(MARIA)
    assert not Person.objects.filter(do_not_call=True).exists()
    callback.refresh_from_db()
    assert callback.status == "wrong_number"
    assert {one.person for one in again} == {callback.person, son.person}
    hers = next(one for one in again if one.person == callback.person)
    assert (hers.reason, hers.urgency, hers.owner) == ("Detox", "high", agent)
    assert hers.is_open
    assert hers.due_at >= now
    assert hers.reminders.exists()
    told = Event.objects.get(verb="number.block_lifted")
    assert (told.actor, told.detail) == (supervisor, {"slip": "wrong_button"})
    with pytest.raises(blocks.NotBlocked):
        blocks.lift(block=row, slip="wrong_button", by=supervisor, now=now)
    # It can be blocked again, as anybody's number can.
    block(agent, now)
    assert blocks.is_blocked(MARIA)


def test_only_a_slip_is_lifted_and_it_needs_its_reason(agent, supervisor, now):
    row = block(agent, now)
    for slip in ("", "changed_their_mind"):
        with pytest.raises(blocks.NotASlip):
            blocks.lift(block=row, slip=slip, by=supervisor, now=now)
    assert blocks.is_blocked(MARIA)


def test_the_database_keeps_a_block_until_it_is_lifted_by_somebody_for_a_reason(
    agent, supervisor, now
):
    row = block(agent, now)
    for changes in (
        {"number_digest": None},
        {"lifted_at": now, "lifted_by": supervisor, "number_digest": None},
        {"lifted_at": now, "lifted_by": supervisor, "lifted_because": "wrong_button"},
        {"lifted_at": now, "number_digest": None, "lifted_because": "wrong_button"},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            BlockedNumber.objects.filter(pk=row.pk).update(**changes)


def test_a_supervisor_sees_the_blocks_without_a_number_and_lifts_a_slip(
    agent, supervisor, client_for, now, frozen
):
    callback = open_callback(due_at=now, now=now)
    callbacks.claim(callback=callback, by=agent, now=now)
    rung(callback, "wrong_number", by=agent, now=now)
    row = BlockedNumber.objects.get()
    listing = reverse("admin:intake_blockednumber_changelist")
    change = reverse("admin:intake_blockednumber_change", args=[row.pk])
    lift = reverse("admin:intake_blockednumber_lift", args=[row.pk])
    client = client_for(supervisor)
    for address in (listing, change, lift):
        text = client.get(address).text
        assert not tells(text, "0143")
        assert "Wrong number" in text
    assert "ava" in client.get(listing).text
    assert change in client.get(reverse("admin:intake_callback_change", args=[callback.pk])).text
    assert client.post(lift, {}).status_code == 422
    assert blocks.is_blocked(MARIA)
    assert client.post(lift, {"slip": "wrong_button"}, follow=True).status_code == 200
    assert not blocks.is_blocked(MARIA)
    assert Callback.objects.filter(status="open").count() == 1
    assert client.post(lift, {"slip": "wrong_button"}).status_code == 422


@pytest.mark.parametrize("role", ["agent", "privacy_officer", "administrator"])
def test_nobody_else_sees_or_lifts_a_block(role, agent, client_for, now, request):
    row = block(agent, now)
    client = client_for(request.getfixturevalue(role))
    for name in ("changelist", "change", "lift"):
        args = [] if name == "changelist" else [row.pk]
        address = reverse(f"admin:intake_blockednumber_{name}", args=args)
        assert client.get(address).status_code == 403
        assert client.post(address, {"slip": "wrong_button"}).status_code in (403, 405)
    assert blocks.is_blocked(MARIA)
