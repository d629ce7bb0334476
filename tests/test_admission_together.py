"""Many requests let in together: each as it would be alone, in few statements, none in the way."""

import logging
import time
from datetime import timedelta

import pytest
from django.conf import settings as configured
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intake.actions import (
    admission,
    blocks,
    calling_hours,
    ceiling,
    events,
    online_stops,
    people,
    reminders,
    sweeping,
    web_requests,
)
from intake.models import Attempt, Callback, Event, Person, PersonNameWord, Reminder
from tests.casting import JOHN, MARIA, maria, open_callback
from tests.crossing import crossed_by
from tests.racing import at_once

pytestmark = pytest.mark.django_db

Status, Because = Callback.Status, Callback.HeldBecause
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
NUMBERS = [f"+120255501{number:02d}" for number in range(100)]


def take(now, number, form, *, typed=0, **fields):
    """A request of a form; each form is another browser's."""
    request = web_requests.WebRequest(
        person=maria(phone=number, alias=f"Caller {form}", name=""),
        due_at=now,
        form_digest=f"{form:032x}",
        content_digest=f"{typed:032x}",
        consent_wording="callback-2026.1",
        **fields,
    )
    return web_requests.take(request=request, now=now)


def flood(now, count):
    return [take(now, NUMBERS[form % 100], form) for form in range(count)]


def admit(now, limit=500):
    return admission.admit_received(limit=limit, now=now)


def fates(callbacks):
    found = Callback.objects.in_bulk([callback.pk for callback in callbacks])
    return [(found[one.pk].status, found[one.pk].held_because) for one in callbacks]


# --- As it would be alone -------------------------------------------------------------------------


def alone(callback):
    """The rule as a sentence for each request, asked of one at a time."""
    number = callback.person.number
    if blocks.is_blocked(number):
        return (Status.CANCELLED, callback.held_because)
    if calling_hours.is_tried_out(callback):
        return (Status.EXHAUSTED, callback.held_because)
    others = [one for one in Callback.objects.select_related("person") if one.pk != callback.pk]
    web = [one for one in others if one.source == Callback.Source.WEB]
    since = callback.requested_at
    at_number = [
        one
        for one in web
        if one.person.number == number and one.requested_at > since - timedelta(days=1)
    ]
    form = callback.request_token[:32]
    counted = [
        one
        for one in at_number
        if not (one.status == Status.CANCELLED and one.request_token[:32] == form)
        and (one.pk < callback.pk or one.status not in (Status.RECEIVED, Status.HELD))
    ]
    before = [one for one in web if one.pk < callback.pk and one.requested_at > since - HOUR]
    if online_stops.is_stopped(number) and not callback.in_danger:
        return (Status.HELD, Because.STOPPED)
    if len(counted) >= configured.HELPLINE_REQUESTS_PER_NUMBER:
        return (Status.HELD, Because.NUMBER)
    if len(before) >= configured.HELPLINE_REQUESTS_PER_HOUR:
        return (Status.HELD, Because.CEILING)
    return (Status.HELD if callback.held_because else Status.OPEN, callback.held_because)


asked = st.fixed_dictionaries(
    {
        "number": st.integers(0, 3),
        "minutes": st.integers(0, 45),
        "form": st.integers(0, 12),
        "in_danger": st.sampled_from([False, False, False, True]),
        "is_proven": st.sampled_from([True, True, False]),
    }
)
happened = st.sets(
    st.tuples(
        st.sampled_from(["blocked", "stopped", "tried", "confirmed", "promised"]),
        st.integers(0, 3),
    ),
    max_size=4,
)


def rung_three_times(number, now, agent, *, confirmed=False):
    """As often as a number may be that nobody confirmed."""
    callback = open_callback(due_at=now, now=now, source="web", person=maria(phone=number))
    for count in range(1, 4):
        Attempt.objects.create(
            callback=callback,
            number=count,
            outcome="call_later" if confirmed else "no_answer",
            number_shown_at=now + count * MINUTE,
            made_at=now + count * MINUTE,
            made_by=agent,
            identity_confirmed=confirmed,
        )


def happen(what, number, now, agent):
    if what == "blocked":
        blocks.block(number=number, reason="asked", by=agent, now=now)
    elif what == "stopped":
        online_stops.stop(number=number, by=events.PUBLIC, now=now)
    elif what == "promised":
        open_callback(due_at=now, now=now, person=maria(phone=number))
    else:
        rung_three_times(number, now, agent, confirmed=what == "confirmed")


def told():
    """What became of every request, and what was written of it."""
    return (
        list(
            Callback.objects.order_by("pk").values_list(
                "pk", "status", "held_because", "closed_at", "closed_by_block"
            )
        ),
        sorted(
            Event.objects.values_list(
                "subject_id", "verb", "detail__because", "detail__as", "actor_kind"
            ).filter(subject_type="callback"),
            key=str,
        ),
        sorted(
            Reminder.objects.values_list(
                "callback",
                "stage",
                "channel",
                "due_at",
                "next_try_at",
                "priority",
                "plan",
                "status",
            ),
            key=str,
        ),
        sorted(PersonNameWord.objects.values_list("person", "word_index"), key=str),
        sorted(Person.objects.values_list("pk", "do_not_call"), key=str),
    )


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(requests=st.lists(asked, min_size=1, max_size=12), before=happened)
def test_each_of_many_gets_the_verdict_it_would_get_alone(now, agent, requests, before):
    with transaction.atomic(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(configured, "HELPLINE_REQUESTS_PER_NUMBER", 2)
        patch.setattr(configured, "HELPLINE_REQUESTS_PER_HOUR", 6)
        for what, number in sorted(before):
            happen(what, NUMBERS[number], now - 2 * HOUR, agent)
        for typed, request in enumerate(requests):
            minutes, number = request.pop("minutes"), NUMBERS[request.pop("number")]
            take(now + minutes * MINUTE, number, typed=typed, **request)
        later = now + HOUR
        with transaction.atomic():
            one_by_one(later)
            apart = told()
            transaction.set_rollback(True)
        admit(later)
        together = told()
        assert [*map(str, together)] == [*map(str, apart)]
        transaction.set_rollback(True)


def one_by_one(now):
    waiting = Callback.objects.filter(status=Status.RECEIVED).select_related("person")
    for callback in waiting.order_by("-in_danger", "pk"):
        expected = alone(callback)
        assert admit(now, limit=1) == 1
        assert fates([callback]) == [expected]
    assert admit(now) == 0


def test_ends_among_others_are_written_as_ends(now, agent):
    row = blocks.block(number=MARIA, reason="asked", by=agent, now=now - HOUR)
    rung_three_times(JOHN, now - HOUR, agent)
    blocked = [take(now, MARIA, form, is_proven=form == 1) for form in (1, 2)]
    tried = [take(now, JOHN, form) for form in (3, 4)]
    others = [take(now, NUMBERS[form], form) for form in (5, 6)]
    assert admit(now) == 6
    assert fates(blocked) == [(Status.CANCELLED, ""), (Status.CANCELLED, Because.UNPROVEN)]
    assert fates(tried) == [(Status.EXHAUSTED, "")] * 2
    assert fates(others) == [(Status.OPEN, "")] * 2
    ended = Callback.objects.filter(pk__in=[one.pk for one in blocked])
    assert set(ended.values_list("closed_at", "closed_by_block", "person__do_not_call")) == {
        (now, row.pk, True)
    }
    told = Event.objects.filter(verb="callback.closed").values_list("subject_id", "detail")
    assert dict(told) == {
        **{str(one.pk): {"as": "cancelled", "block": str(row.pk)} for one in blocked},
        **{str(one.pk): {"as": "exhausted"} for one in tried},
    }
    promised = Reminder.objects.values_list("callback", flat=True)
    assert set(promised) == {one.pk for one in others}


# --- A flood --------------------------------------------------------------------------------------


def statements(now):
    with CaptureQueriesContext(connection) as queries:
        admit(now)
    return len(queries)


def test_a_flood_above_the_ceiling_is_held_in_as_many_statements_as_one_request(now, settings):
    settings.HELPLINE_REQUESTS_PER_HOUR = 0
    counts = []
    for start, count in ((0, 1), (1, 40)):
        taken = [take(now, NUMBERS[start + one], start + one) for one in range(count)]
        counts.append(statements(now))
        assert set(fates(taken)) == {(Status.HELD, Because.CEILING)}
    assert counts[1] == counts[0]
    assert Event.objects.filter(verb="callback.held").count() == 41


def test_many_promises_take_as_many_statements_as_one(now):
    counts = []
    for start, count in ((0, 1), (1, 40)):
        taken = [take(now, NUMBERS[start + one], start + one) for one in range(count)]
        counts.append(statements(now))
        assert set(fates(taken)) == {(Status.OPEN, "")}
    assert counts[1] == counts[0]
    assert counts[0] <= 16


def test_the_first_of_a_flood_are_let_in_and_the_rest_is_held(now, settings, monkeypatch):
    settings.HELPLINE_REQUESTS_PER_HOUR = 10
    monkeypatch.setattr(admission, "BATCH", 7)
    taken = flood(now, 30)
    assert admit(now) == 30
    assert fates(taken) == [(Status.OPEN, "")] * 10 + [(Status.HELD, Because.CEILING)] * 20


def test_what_is_held_in_a_flood_is_found_by_name(now, settings):
    settings.HELPLINE_REQUESTS_PER_HOUR = 0
    taken = flood(now, 3)
    admit(now)
    for callback in taken:
        words = callback.person.name_words.all()
        assert {one.word for one in words} == {"caller", str(taken.index(callback))}


def test_those_in_danger_are_decided_one_by_one_before_any_of_a_flood(now, settings, monkeypatch):
    settings.HELPLINE_REQUESTS_PER_HOUR = 1000
    calm = flood(now, 5)
    urgent = [take(now, MARIA, 50 + number, in_danger=True) for number in range(2)]
    parts, decided = [], admission._admit

    def admitted(some, *, now):
        parts.append(list(some))
        return decided(some, now=now)

    monkeypatch.setattr(admission, "_admit", admitted)
    assert admit(now) == 7
    first, second = urgent
    assert parts == [[first.pk], [second.pk], [one.pk for one in calm]]


def test_the_ceiling_is_counted_in_the_hour_alone_whatever_came_before(now):
    """By the index made for it: the whole history of the form is not read for each request."""
    flood(now - 2 * HOUR, 3)
    taken = [take(now, NUMBERS[50 + one], 50 + one) for one in range(3)]
    promised = open_callback(due_at=now, now=now)
    assert ceiling.taken_since(now - HOUR, most=10) == 3
    assert ceiling.taken_since(now - HOUR, most=2) == 2
    assert ceiling.taken_since(now - HOUR, most=10, before=taken[2].pk) == 2
    assert ceiling.taken_since(now - 3 * HOUR, most=10, before=promised.pk) == 6
    assert ceiling.taken_since(now - HOUR, most=0) == 0
    if connection.vendor == "sqlite":
        assert "callback_asked_online" in plan_of(lambda: ceiling.taken_since(now, most=10))


def plan_of(ask):
    with CaptureQueriesContext(connection) as queries:
        ask()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {queries[-1]['sql']}")
        return str(cursor.fetchall())


# --- One at fault ---------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["read", "composed", "decided"])
@pytest.mark.parametrize("at_fault", [{0}, {6}, {2, 3}, set(range(7))])
def test_whoever_is_at_fault_stands_alone_and_the_others_go_on(
    now, monkeypatch, caplog, where, at_fault
):
    taken = flood(now, 7)
    faulty = {taken[number].pk for number in at_fault}
    break_down(where, faulty, monkeypatch)
    with caplog.at_level(logging.ERROR):
        assert admit(now) == 7
    for number, fate in enumerate(fates(taken)):
        expected = (Status.HELD, Because.FAILED) if number in at_fault else (Status.OPEN, "")
        assert fate == expected
    assert caplog.text.count("could not be let in") == len(at_fault)
    assert "+1202555" not in caplog.text
    assert Event.objects.filter(verb="callback.held").count() == len(at_fault)
    assert Event.objects.filter(verb="callback.admitted").count() == 7 - len(at_fault)
    # Of the ones at fault nothing is left half done, and of the others nothing is doubled.
    reminded = Reminder.objects.filter(stage="due", channel="in_app")
    assert reminded.filter(callback__in=faulty).count() == 0
    assert reminded.count() == 7 - len(at_fault)


def break_down(where, faulty, monkeypatch):
    if where == "read":
        people_of = Callback.objects.filter(pk__in=faulty).values_list("person", flat=True)
        with connection.cursor() as cursor:
            for person in people_of:
                key = Person._meta.pk.get_db_prep_value(person, connection)
                cursor.execute("UPDATE intake_person SET phone = %s WHERE id = %s", [b"-", key])
        return
    module, name = {
        "composed": (reminders, "compose"),
        "decided": (admission, "decide"),
    }[where]
    usual = getattr(module, name)

    def breaks(*args, **kwargs):
        if (kwargs.get("callback") or args[0]).pk in faulty:
            raise ZeroDivisionError
        return usual(*args, **kwargs)

    monkeypatch.setattr(module, name, breaks)


def test_one_the_database_refuses_is_held_and_its_neighbors_are_let_in(now, monkeypatch):
    taken = flood(now, 4)
    compose = reminders.compose

    def doubled(*, callback, now):
        planned = compose(callback=callback, now=now)
        return planned * 2 if callback.pk == taken[1].pk else planned

    monkeypatch.setattr(reminders, "compose", doubled)
    assert admit(now) == 4
    assert fates(taken) == [
        (Status.OPEN, ""),
        (Status.HELD, Because.FAILED),
        (Status.OPEN, ""),
        (Status.OPEN, ""),
    ]


def test_a_person_staff_wrote_down_meanwhile_is_let_in_like_any_other(now, agent):
    """Their words are kept already, and are no reason to hold the request as broken."""
    callback = take(now, MARIA, 1)
    people.save(person=Person.objects.get(pk=callback.person_id), by=agent, now=now)
    admit(now)
    assert fates([callback]) == [(Status.OPEN, "")]
    assert callback.person.name_words.count() == 2


# --- At once --------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_many_sweeps_at_once_decide_each_of_a_flood_once(now, settings, monkeypatch):
    settings.HELPLINE_REQUESTS_PER_HOUR = 20
    monkeypatch.setattr(admission, "BATCH", 9)
    taken = flood(now, 50)
    assert set(at_once(*[lambda: sweep_until_none_is_left(now)] * 4)) == {"done"}
    assert fates(taken) == [(Status.OPEN, "")] * 20 + [(Status.HELD, Because.CEILING)] * 30
    assert Event.objects.filter(verb="callback.admitted").count() == 20
    assert Event.objects.filter(verb="callback.held").count() == 30


def sweep_until_none_is_left(now):
    while admission.is_any_received():
        admit(now)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("in_danger", [False, True])
def test_one_that_somebody_holds_is_passed_over_and_comes_later(now, in_danger):
    """As a change of keys does, or a session that hangs: it stops nobody else."""
    held = take(now, MARIA, 1, in_danger=in_danger)
    other = take(now, JOHN, 2)

    def hold(_other):
        list(Callback.objects.filter(pk=held.pk).select_for_update().values_list("pk"))

    with crossed_by(hold):
        assert admit(now) == 1
        assert fates([held, other]) == [(Status.RECEIVED, ""), (Status.OPEN, "")]
    assert admit(now) == 1
    assert fates([held]) == [(Status.OPEN, "")]


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_request_is_not_ended_by_a_block_that_is_lifted_at_this_moment(now, agent, supervisor):
    """Nobody would ring, and nobody would know."""
    slip = blocks.block(number=MARIA, reason="asked", by=agent, now=now)
    callback = take(now, MARIA, 1)
    with crossed_by(
        lambda other: blocks.lift(block=slip, slip="wrong_button", by=supervisor, now=now)
    ):
        admit(now)
    admit(now)
    assert fates([callback]) == [(Status.OPEN, "")]
    assert not Person.objects.get().do_not_call


def test_what_was_passed_over_is_looked_for_again_in_the_same_sweep(now, monkeypatch):
    callback = take(now, MARIA, 1)
    monkeypatch.setattr(sweeping, "LOOK_SECONDS", 0)
    usual, calls = admission.admit_received, []

    def held_at_first(**options):
        calls.append(options)
        return 0 if len(calls) < 3 else usual(**options)

    monkeypatch.setattr(admission, "admit_received", held_at_first)
    sweeping.sweep(channels=["in_app"], seconds=60, monotonic=time.monotonic)
    assert fates([callback]) == [(Status.OPEN, "")]


def test_what_stays_in_other_hands_does_not_keep_the_sweep_from_its_notices(now, monkeypatch):
    take(now, MARIA, 1)
    monkeypatch.setattr(sweeping, "LOOK_SECONDS", 0)
    calls = []
    monkeypatch.setattr(admission, "admit_received", lambda **options: calls.append(options) or 0)
    assert not sweeping.sweep(channels=["in_app"], seconds=60, monotonic=time.monotonic)
    assert len(calls) == sweeping.MOST_LOOKS + 1
