"""Letting requests in: what the form stored becomes a promise, ends, or waits for a human."""

import itertools
import logging
import time
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from intake.actions import (
    admission,
    allowances,
    blocks,
    branding,
    callbacks,
    doorbell,
    events,
    online_stops,
    sweeping,
    web_requests,
)
from intake.actions.dialable import NotDialable
from intake.admin import briefing
from intake.models import Allowance, Callback, Event, Person, PersonNameWord, Reminder
from tests.casting import JOHN, MARIA, maria, open_callback
from tests.racing import at_once

pytestmark = pytest.mark.django_db

Status, Because = Callback.Status, Callback.HeldBecause
HERE, THERE = "203.0.113.7", "203.0.113.8"
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
numbers = itertools.count()


def wish(now, number=None, *, form=None, typed=None, **fields):
    """A form nobody sent yet; a number of its own unless one is named."""
    count = next(numbers)
    person = maria(
        phone=number or f"+1202555{100 + count % 100:04d}", alias=fields.pop("alias", "")
    )
    return web_requests.WebRequest(
        person=person,
        due_at=now,
        form_digest=f"{count if form is None else form:032x}",
        content_digest=f"{count if typed is None else typed:032x}",
        consent_wording="callback-2026.1",
        **fields,
    )


def take(now, number=None, **fields):
    return web_requests.take(request=wish(now, number, **fields), now=now)


def admit(now):
    return admission.admit_received(limit=100, now=now)


def fate(callback):
    callback.refresh_from_db()
    return (callback.status, callback.held_because)


# --- Received -------------------------------------------------------------------------------------


def test_a_request_is_only_received_at_first(now):
    callback = take(now, MARIA)
    assert fate(callback) == (Status.RECEIVED, "")
    assert callback.is_pending
    assert not callback.is_open
    assert not Reminder.objects.exists()


def test_nobody_can_take_or_ring_what_is_only_received_or_held(agent, now):
    for status in (Status.RECEIVED, Status.HELD):
        callback = take(now)
        Callback.objects.filter(pk=callback.pk).update(status=status, held_because=Because.CEILING)
        with pytest.raises(callbacks.CallbackAlreadyClosed):
            callbacks.claim(callback=callback, by=agent, now=now)


def test_let_in_it_is_a_promise_like_any_other(now):
    callback = take(now, MARIA, alias="Maria")
    assert admit(now) == 1
    assert fate(callback) == (Status.OPEN, "")
    assert callback.reminders.filter(stage=Reminder.Stage.DUE).exists()
    event = Event.objects.get(verb="callback.admitted")
    assert (event.actor_kind, event.subject_id) == (events.SYSTEM.value, str(callback.pk))
    # The words under which they are found: of the name, and of what they want to be called.
    assert PersonNameWord.objects.filter(person=callback.person).count() == 2
    assert admit(now) == 0


def test_those_in_danger_are_let_in_first(now):
    later = take(now)
    urgent = take(now, in_danger=True)
    assert admission.admit_received(limit=1, now=now) == 1
    assert fate(urgent)[0] == Status.OPEN
    assert fate(later)[0] == Status.RECEIVED


def test_the_database_wants_a_reason_for_what_is_held(now):
    callback = take(now)
    held = Callback.objects.filter(pk=callback.pk)
    with pytest.raises(IntegrityError), transaction.atomic():
        held.update(status=Status.HELD)


# --- Ends -----------------------------------------------------------------------------------------


def test_a_blocked_number_is_ended_and_marked_and_never_rung(agent, now):
    row = blocks.block(number=MARIA, reason="asked", by=agent, now=now)
    callback = take(now, MARIA)
    admit(now)
    assert fate(callback) == (Status.CANCELLED, "")
    assert (callback.closed_at, callback.closed_by_block) == (now, row)
    assert Person.objects.get(pk=callback.person_id).do_not_call
    assert not callback.reminders.exists()
    event = Event.objects.get(verb="callback.closed", subject_id=str(callback.pk))
    assert event.detail == {"as": "cancelled", "block": str(row.pk)}


def test_a_number_blocked_while_its_requests_wait_ends_them_at_once(agent, now):
    held, received = take(now, MARIA, is_proven=False), take(now, MARIA)
    admission.admit_received(limit=1, now=now)
    row = blocks.block(number=MARIA, reason="asked", by=agent, now=now)
    for callback in (held, received):
        assert fate(callback)[0] == Status.CANCELLED
        assert callback.closed_by_block == row
    assert admit(now) == 0


# --- Held -----------------------------------------------------------------------------------------


def test_the_fourth_request_for_a_number_in_a_day_waits_for_a_human(now):
    taken = [take(now + hour * HOUR, MARIA) for hour in range(4)]
    other = take(now + 3 * HOUR, JOHN)
    admit(now + 4 * HOUR)
    assert [fate(one) for one in taken] == [(Status.OPEN, "")] * 3 + [(Status.HELD, "number")]
    assert fate(other) == (Status.OPEN, "")
    event = Event.objects.get(verb="callback.held")
    assert event.detail == {"because": "number"}
    assert not taken[3].reminders.exists()


def test_a_day_later_the_number_may_be_asked_for_again(now):
    for hour in range(3):
        take(now + hour * HOUR, MARIA)
    late, later = take(now + DAY - MINUTE, MARIA), take(now + DAY, MARIA)
    admit(now + DAY)
    assert fate(late) == (Status.HELD, "number")
    # The first is a day old; the second and third, and the held one, are not.
    assert fate(later) == (Status.HELD, "number")
    latest = take(now + 2 * DAY + HOUR, MARIA)
    admit(now + 2 * DAY + HOUR)
    assert fate(latest) == (Status.OPEN, "")


def test_promises_made_on_calls_use_up_nothing(now):
    for _ in range(5):
        open_callback(due_at=now, now=now, person=maria())
    callback = take(now, MARIA)
    admit(now)
    assert fate(callback) == (Status.OPEN, "")


def test_who_corrects_one_form_again_and_again_asked_once(now):
    taken = [take(now, MARIA, form=7, typed=number) for number in range(6)]
    admit(now)
    assert [fate(one)[0] for one in taken] == [Status.CANCELLED] * 5 + [Status.OPEN]


@pytest.mark.parametrize("status", [Status.RECEIVED, Status.HELD, Status.OPEN])
def test_a_form_sent_again_replaces_what_it_sent_whatever_became_of_it(now, status):
    first = take(now, MARIA, form=7, typed=1)
    Callback.objects.filter(pk=first.pk).update(status=status, held_because=Because.CEILING)
    take(now, JOHN, form=7, typed=2)
    assert fate(first)[0] == Status.CANCELLED


def test_above_the_ceiling_requests_wait_and_none_is_refused(now, settings):
    settings.HELPLINE_REQUESTS_PER_HOUR = 3
    taken = [take(now + number * MINUTE) for number in range(5)]
    admit(now + 5 * MINUTE)
    assert [fate(one) for one in taken] == [(Status.OPEN, "")] * 3 + [(Status.HELD, "ceiling")] * 2
    next_hour = take(now + 2 * HOUR)
    admit(now + 2 * HOUR)
    assert fate(next_hour) == (Status.OPEN, "")


def test_promises_made_on_calls_do_not_fill_the_ceiling(now, settings):
    settings.HELPLINE_REQUESTS_PER_HOUR = 1
    for _ in range(5):
        open_callback(due_at=now, now=now, person=maria())
    callback = take(now)
    admit(now)
    assert fate(callback) == (Status.OPEN, "")


def test_a_request_without_the_proof_it_was_asked_for_waits_and_is_not_lost(now):
    callback = take(now, is_proven=False)
    assert fate(callback) == (Status.RECEIVED, "unproven")
    admit(now)
    assert fate(callback) == (Status.HELD, "unproven")


def test_a_blocked_number_troubles_nobody_even_without_a_proof(agent, now):
    blocks.block(number=MARIA, reason="asked", by=agent, now=now)
    callback = take(now, MARIA, is_proven=False)
    admit(now)
    assert fate(callback)[0] == Status.CANCELLED


def test_a_number_stopped_online_waits_for_a_human(now):
    online_stops.stop(number=MARIA, by=events.PUBLIC, now=now)
    callback, other = take(now + MINUTE, MARIA), take(now + MINUTE, JOHN)
    admit(now + MINUTE)
    assert fate(callback) == (Status.HELD, "stopped")
    assert fate(other) == (Status.OPEN, "")


def test_a_stop_does_not_hold_up_a_request_that_speaks_of_danger(now):
    """Another hand may have stopped the number. Every other doubt counts for it all the same."""
    online_stops.stop(number=MARIA, by=events.PUBLIC, now=now)
    urgent = take(now + MINUTE, MARIA, in_danger=True)
    unproven = take(now + MINUTE, MARIA, in_danger=True, is_proven=False)
    admit(now + MINUTE)
    assert fate(urgent) == (Status.OPEN, "")
    assert any("asked online" in line.lead for line in briefing.briefing(urgent))
    assert fate(unproven) == (Status.HELD, "unproven")


def test_one_that_cannot_be_decided_is_held_and_its_neighbors_go_on(now, monkeypatch, caplog):
    poisoned, other = take(now, MARIA), take(now, JOHN)
    decide = admission.decide

    def break_down(callback, findings):
        if callback.pk == poisoned.pk:
            raise ZeroDivisionError
        return decide(callback, findings)

    monkeypatch.setattr(admission, "decide", break_down)
    with caplog.at_level(logging.ERROR):
        assert admit(now) == 2
    assert fate(poisoned) == (Status.HELD, "failed")
    assert fate(other) == (Status.OPEN, "")
    assert MARIA not in caplog.text
    # Nothing of the half-finished look is left.
    assert not PersonNameWord.objects.filter(person=poisoned.person).exists()


def test_a_person_who_cannot_be_read_is_held_too(now):
    poisoned, other = take(now, MARIA), take(now, JOHN)
    with connection.cursor() as cursor:
        key = Person._meta.pk.get_db_prep_value(poisoned.person_id, connection)
        cursor.execute("UPDATE intake_person SET phone = %s WHERE id = %s", [b"broken", key])
    admit(now)
    assert Callback.objects.values_list("status", "held_because").get(pk=poisoned.pk) == (
        Status.HELD,
        Because.FAILED,
    )
    assert fate(other) == (Status.OPEN, "")


# --- A human's word -------------------------------------------------------------------------------


def test_a_human_overrules_every_doubt(agent, now):
    online_stops.stop(number=MARIA, by=events.PUBLIC, now=now)
    callback = take(now, MARIA, is_proven=False)
    admit(now)
    callback.refresh_from_db()
    verdict = admission.decide_reviewed(callback)
    admission.settle(
        callback=callback, verdict=verdict, by=agent, now=now + HOUR, due_at=now + HOUR
    )
    # Why it waited stays on record.
    assert fate(callback) == (Status.OPEN, "stopped")
    assert callback.due_at == now + HOUR
    assert callback.reminders.exists()


def test_a_human_cannot_overrule_a_block(agent, now):
    """Such as one whose number was blocked while the page with it stood open."""
    blocks.block(number=MARIA, reason="asked", by=agent, now=now)
    callback = take(now, MARIA)
    Callback.objects.filter(pk=callback.pk).update(status="held", held_because="number")
    callback.refresh_from_db()
    verdict = admission.decide_reviewed(callback)
    admission.settle(callback=callback, verdict=verdict, by=agent, now=now)
    assert fate(callback)[0] == Status.CANCELLED
    assert not callback.reminders.exists()


def test_what_somebody_else_decided_is_not_decided_again(agent, now):
    callback = take(now, is_proven=False)
    admit(now)
    callback.refresh_from_db()
    stale = Callback.objects.get(pk=callback.pk)
    admission.settle(callback=callback, verdict=admission.OPEN, by=agent, now=now)
    with pytest.raises(admission.NotWaiting):
        admission.settle(callback=stale, verdict=admission.OPEN, by=agent, now=now)
    assert Event.objects.filter(verb="callback.admitted").count() == 1


# --- The sweep, and the bell ----------------------------------------------------------------------


def test_the_sweep_of_the_desk_lets_in_and_tells_the_desk_at_once(now):
    callback = take(now)
    sweeping.sweep(channels=["email"], seconds=5, monotonic=time.monotonic)
    assert fate(callback)[0] == Status.RECEIVED
    sweeping.sweep(channels=["in_app"], seconds=5, monotonic=time.monotonic)
    assert fate(callback)[0] == Status.OPEN
    due = callback.reminders.get(channel="in_app", stage="due")
    assert due.status == Reminder.Status.SENT


def test_more_than_one_look_at_the_clock_is_let_in_in_one_sweep(now, monkeypatch):
    monkeypatch.setattr(sweeping, "ADMITTED_AT_ONCE", 2)
    for _ in range(5):
        take(now)
    sweeping.sweep(channels=["in_app"], seconds=20, monotonic=time.monotonic)
    assert not Callback.objects.filter(status=Status.RECEIVED).exists()


def test_a_defect_of_admission_keeps_no_notice_from_the_desk(now, monkeypatch):
    callback = take(now)
    admit(now)

    def break_down(**_options):
        raise ZeroDivisionError

    monkeypatch.setattr(admission, "admit_received", break_down)
    sweeping.sweep(channels=["in_app"], seconds=5, monotonic=time.monotonic)
    assert callback.reminders.filter(channel="in_app", status=Reminder.Status.SENT).exists()


@pytest.fixture
def rung(monkeypatch):
    """What was rung, instead of ringing; nothing was rung before."""
    heard = []
    monkeypatch.setattr(doorbell, "_ring", heard.append)
    monkeypatch.setattr(doorbell, "_silent_until", 0.0)
    monkeypatch.setattr(doorbell, "_rung_lately_until", 0.0)
    return heard


def test_requests_in_no_hurry_ring_once_a_second_for_all_and_urgent_ones_at_once(
    now, rung, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(5):
            take(now)
    assert len(rung) == 1
    with django_capture_on_commit_callbacks(execute=True):
        take(now, in_danger=True)
    assert len(rung) == 2


@pytest.mark.django_db(transaction=True)
def test_a_backlog_that_is_let_in_rings_each_bell_once(now, rung):
    for _ in range(5):
        take(now)
    rung.clear()
    assert admit(now) == 5
    assert sorted(rung) == sorted([doorbell.BELLS["in_app"], doorbell.BELLS["email"]])


def test_a_broker_that_is_down_costs_the_one_who_asks_next_to_nothing(
    now, monkeypatch, django_capture_on_commit_callbacks
):
    monkeypatch.setattr(doorbell, "_silent_until", 0.0)
    monkeypatch.setattr(doorbell, "_rung_lately_until", 0.0)

    def nobody_there(_task):
        raise ConnectionError

    monkeypatch.setattr(doorbell, "_ring", nobody_there)
    with django_capture_on_commit_callbacks(execute=True):
        callback = take(now, in_danger=True)
    # The process that sweeps by its clock lets it in.
    sweeping.sweep(seconds=5, monotonic=time.monotonic)
    assert fate(callback)[0] == Status.OPEN


# --- From one address -----------------------------------------------------------------------------


def test_the_sixth_request_from_one_address_is_refused_until_the_hour_is_over(now):
    for _ in range(5):
        take(now, address=HERE)
    with pytest.raises(web_requests.TooManyFromHere) as refused:
        take(now + MINUTE, address=HERE)
    assert refused.value.retry_at == now + 65 * MINUTE
    take(now + MINUTE, address=THERE)
    assert Callback.objects.count() == 6
    assert Person.objects.count() == 6


def test_the_same_form_sent_again_uses_nothing_and_is_never_refused(now):
    request = wish(now, MARIA, address=HERE)
    first = web_requests.take(request=request, now=now)
    for _ in range(10):
        assert web_requests.take(request=request, now=now).pk == first.pk
    assert allowances.used_by(address=HERE, now=now) == 1
    for _ in range(4):
        take(now, address=HERE)
    assert web_requests.take(request=request, now=now).pk == first.pk


def test_a_number_we_may_not_ring_uses_nothing(now):
    with pytest.raises(NotDialable):
        take(now, "+18005550199", address=HERE)
    assert not Allowance.objects.exists()


def test_a_proof_is_asked_for_before_the_share_is_used_up(now):
    near = []
    for _ in range(5):
        near.append(web_requests.is_near_limit(HERE, now))
        take(now, address=HERE)
    assert near == [False, False, False, True, True]
    assert not web_requests.is_near_limit(THERE, now)
    assert not web_requests.is_near_limit(HERE, now + 65 * MINUTE)


@pytest.mark.parametrize(("share", "unasked"), [(5, 3), (2, 0), (1, 0)])
def test_what_comes_without_a_proof_leaves_the_last_of_a_share(now, settings, share, unasked):
    settings.HELPLINE_REQUESTS_PER_ADDRESS = share
    for _ in range(unasked):
        take(now, address=HERE, may_be_asked=True)
    with pytest.raises(web_requests.ProofWanted):
        take(now, address=HERE, may_be_asked=True)
    for _ in range(share - unasked):
        take(now, address=HERE)
    with pytest.raises(web_requests.TooManyFromHere):
        take(now, address=HERE)
    assert allowances.used_by(address=HERE, now=now) == share


def test_the_second_half_of_a_double_click_is_asked_for_nothing(now, settings):
    settings.HELPLINE_REQUESTS_PER_ADDRESS = 3
    request = wish(now, MARIA, address=HERE, may_be_asked=True)
    first = web_requests.take(request=request, now=now)
    assert web_requests.take(request=request, now=now).pk == first.pk


def test_a_proof_is_asked_of_everybody_when_the_ceiling_is_near(now, settings, monkeypatch):
    settings.HELPLINE_REQUESTS_PER_HOUR = 5
    for number in range(4):
        assert not web_requests.is_near_limit(THERE, now), number
        take(now)
        forget_count(monkeypatch)
    assert web_requests.is_near_limit(THERE, now)
    forget_count(monkeypatch)
    assert not web_requests.is_near_limit(THERE, now + HOUR)


def test_the_ceiling_is_counted_once_in_ten_seconds(now, monkeypatch, django_assert_num_queries):
    forget_count(monkeypatch)
    web_requests.is_near_limit(HERE, now)
    with django_assert_num_queries(1):
        web_requests.is_near_limit(HERE, now)


def forget_count(monkeypatch):
    monkeypatch.setattr(web_requests, "_count", web_requests._Count(0, False, 0.0))


# --- What it costs --------------------------------------------------------------------------------


def test_a_request_costs_few_statements_whatever_the_number(
    agent, now, settings, django_assert_max_num_queries
):
    """Inside a test the transaction itself is a savepoint: two statements of these."""
    settings.BRAND_KEPT_SECONDS = 10
    branding.current()
    most = 8 if connection.vendor == "postgresql" else 7
    blocks.block(number=JOHN, reason="asked", by=agent, now=now)
    open_callback(due_at=now, now=now, person=maria())
    for number in (MARIA, JOHN, "+12025550199"):
        with django_assert_max_num_queries(most):
            take(now, number, alias="Ana Maria", address=HERE)


# --- At once --------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_let_each_request_in_once(now):
    taken = [take(now) for _ in range(12)]
    ended = at_once(*[lambda: admit(now)] * 4)
    assert set(ended) == {"done"}
    assert {fate(one) for one in taken} == {(Status.OPEN, "")}
    assert Event.objects.filter(verb="callback.admitted").count() == 12


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_leave_nothing_behind(now, monkeypatch):
    monkeypatch.setattr(sweeping, "ADMITTED_AT_ONCE", 3)
    for _ in range(15):
        take(now)
    desk = {"channels": ["in_app"], "seconds": 60, "monotonic": time.monotonic}
    assert set(at_once(*[lambda: sweeping.sweep(**desk)] * 2)) == {"done"}
    assert not Callback.objects.filter(status=Status.RECEIVED).exists()


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_agree_on_which_request_was_too_much(now):
    taken = [take(now, MARIA) for _ in range(8)]
    at_once(*[lambda: admit(now)] * 4)
    assert [fate(one)[0] for one in taken] == [Status.OPEN] * 3 + [Status.HELD] * 5


@pytest.mark.django_db(transaction=True)
def test_a_block_and_the_admission_of_its_number_at_once_leave_nothing_to_ring(agent, now):
    callback = take(now, MARIA)
    ended = at_once(
        lambda: admit(now),
        lambda: blocks.block(number=MARIA, reason="asked", by=agent, now=now),
    )
    assert set(ended) == {"done"}
    # What the block held at that moment was passed over; the next sweep finds it ended.
    admit(now)
    assert fate(callback)[0] == Status.CANCELLED
    assert not callback.reminders.filter(status=Reminder.Status.PLANNED).exists()


# --- One form -------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_one_form_sent_from_many_addresses_at_once_is_one_request(now):
    """Or one proof of work would buy as many as somebody has addresses."""
    wishes = [wish(now, form=7, address=f"203.0.113.{count}") for count in range(1, 9)]
    at_once(*[lambda one=one: web_requests.take(request=one, now=now) for one in wishes])
    assert Callback.objects.count() == 8
    assert Callback.objects.filter(status=Status.RECEIVED).count() == 1


@pytest.mark.parametrize("typed", [1, 2], ids=["the same", "corrected"])
@pytest.mark.parametrize("near", ["share", "ceiling"])
def test_what_was_taken_is_not_asked_for_work_when_it_is_sent_again(now, settings, typed, near):
    """The new form it would get could not tell that it is the same request: two would be rung."""
    first = take(now, MARIA, form=7, typed=1, address=HERE)
    if near == "ceiling":
        settings.HELPLINE_REQUESTS_PER_HOUR = 1
    else:
        settings.HELPLINE_REQUESTS_PER_ADDRESS = web_requests.LAST_OF_A_SHARE + 1
    again = take(now, JOHN, form=7, typed=typed, address=HERE, may_be_asked=True)
    assert (again.pk == first.pk) == (typed == 1)
    assert Callback.objects.filter(status=Status.RECEIVED).count() == 1
    with pytest.raises(web_requests.ProofWanted):
        take(now, JOHN, form=8, address=HERE, may_be_asked=True)
