"""Texts to callers: what they say, and who gets one: with consent, in their hours."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from intake.actions import blocks, callbacks, calling_hours, events, people
from intake.channels.text import TextChannel, nobody_decided
from intake.models import Callback, Person, Reminder, TextMessage, TextStop
from tests import texting
from tests.casting import MARIA, tried
from tests.texting import BEFORE, DUE_IN, promised, send, texter, the_reminder

pytestmark = pytest.mark.django_db


@pytest.fixture
def gateway(settings):
    with texting.gateway(settings) as gateway:
        yield gateway


# --- What it says --------------------------------------------------------------------------------


def test_the_text_says_the_hour_and_how_to_end_it_and_nothing_else(agent, now, gateway):
    promised(agent, now)
    assert send(now + DUE_IN - BEFORE) == [True]
    assert gateway.texts == [
        {
            "to": MARIA,
            "text": "Reminder: your call is at 12:00 PM (Eastern time). Reply STOP to end texts.",
        }
    ]
    assert TextMessage.objects.get().wording == "2026.1.en"


def test_a_text_in_spanish_is_kept_under_its_own_wording(agent, now, gateway):
    promised(agent, now)
    Person.objects.update(language="es")
    assert send(now + DUE_IN - BEFORE) == [True]
    assert gateway.texts[0]["text"] == (
        "Recordatorio: su llamada es a las 12:00 p. m. (hora del Este)."
        " Responda STOP para no recibir mensajes."
    )
    assert TextMessage.objects.get().wording == "2026.2.es"


# --- Who gets one --------------------------------------------------------------------------------


def test_no_text_is_planned_where_texts_are_off(agent, now, settings):
    assert settings.TEXT_GATEWAY == "off"
    promised(agent, now)
    assert not Reminder.objects.filter(channel="text").exists()


@pytest.mark.parametrize("changes", [{"text_ok": False}, {"safe_to_call": False}])
def test_no_text_is_planned_for_whom_did_not_ask_for_it(agent, now, gateway, changes):
    promised(agent, now, **changes)
    assert not Reminder.objects.filter(channel="text").exists()


def test_one_text_is_planned_shortly_before_the_call_and_none_after(agent, now, gateway):
    promised(agent, now)
    assert the_reminder().stage == Reminder.Stage.DUE_SOON
    assert the_reminder().due_at == now + DUE_IN - BEFORE


def consent_taken_back(callback, now):
    Person.objects.update(text_ok=False)


def no_longer_safe(callback, now):
    Person.objects.update(safe_to_call=False)


def said_stop(callback, now):
    TextStop.objects.create(person=callback.person, stopped_at=now)


def marked_do_not_call(callback, now):
    Person.objects.update(do_not_call=True)


def blocked_by_digest(callback, now):
    """Without the end of the callback that comes with a block: the channel asks for itself."""
    with transaction.atomic():
        blocks.block(number=MARIA, reason="declined", by=events.SYSTEM, now=now)
        Person.objects.update(do_not_call=False)
    Callback.objects.update(status="open", closed_at=None, closed_by_block=None)
    Reminder.objects.filter(channel="text").update(status="planned")


def claimed(callback, now):
    Callback.objects.update(claimed_at=now, claimed_by=User.objects.get(username="ava"))


def closed(callback, now):
    Callback.objects.update(status="reached", closed_at=now)


def moved(callback, now):
    Callback.objects.update(plan=2)


def night(callback, now):
    Person.objects.update(time_zone="Pacific/Guam", time_zone_source="stated")


@pytest.mark.parametrize(
    "happens",
    [
        consent_taken_back,
        no_longer_safe,
        said_stop,
        marked_do_not_call,
        blocked_by_digest,
        claimed,
        closed,
        moved,
        night,
    ],
    ids=lambda happens: happens.__name__,
)
def test_what_happened_since_it_was_planned_holds_it_back(agent, now, gateway, happens):
    callback = promised(agent, now)
    happens(callback, now)
    assert send(now + DUE_IN - BEFORE) == [False]
    assert gateway.paths == []
    assert the_reminder().status == Reminder.Status.VOID
    assert not TextMessage.objects.exists()


def test_our_own_lines_are_never_texted(agent, now, gateway, settings):
    promised(agent, now)
    settings.HELPLINE_NUMBER = MARIA
    assert send(now + DUE_IN - BEFORE) == [False]
    assert gateway.paths == []


@pytest.mark.parametrize("late_by", [-10, 0, 60])
def test_a_text_that_would_come_when_the_call_is_due_is_left_out(agent, now, gateway, late_by):
    promised(agent, now)
    assert send(now + DUE_IN + timedelta(seconds=late_by)) == [False]
    assert gateway.paths == []


def test_a_call_asked_for_at_night_brings_no_text_at_night(agent, now, gateway):
    """22:00 in Washington, asked for; the text would come at 21:45."""
    person = people.save(person=texter(), by=agent, now=now)
    due = datetime(2026, 3, 11, 2, 0, tzinfo=UTC)
    callbacks.promise(
        person=person,
        due_at=due,
        urgency=Callback.Urgency.ROUTINE,
        by=agent,
        now=now,
        asked_outside_hours=True,
    )
    assert send(due - BEFORE) == [False]
    assert gateway.paths == []


def test_a_text_never_takes_the_last_try_from_the_call(agent, now, gateway):
    """Three tries in 24 hours: two were made, so the third is the promised call itself."""
    callback = promised(agent, now)
    tried(callback, now - timedelta(hours=2), now - timedelta(hours=1), by=agent)
    assert send(now + DUE_IN - BEFORE) == [False]
    assert gateway.paths == []


def test_a_text_counts_as_a_try(agent, now, gateway):
    callback = promised(agent, now)
    assert send(now + DUE_IN - BEFORE) == [True]
    assert calling_hours.attempts_at(callback.person) == [now + DUE_IN - BEFORE]


def test_without_the_policy_nobody_is_texted(agent, now, gateway, monkeypatch):
    monkeypatch.setattr(TextChannel, "why_not", staticmethod(nobody_decided))
    promised(agent, now)
    assert send(now + DUE_IN - BEFORE) == [False]
    assert gateway.paths == []
