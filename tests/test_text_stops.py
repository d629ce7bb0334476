"""Who says stop gets no more texts, and loses no promised call by it."""

from datetime import timedelta

import pytest

from intake.actions import callbacks, events, people, texts
from intake.channels import CHANNELS
from intake.channels.gateways import http
from intake.channels.gateways.base import LONGEST
from intake.models import Person, Reminder, TextStop
from intake.rules import opt_out
from intake.rules.opt_out import Wish
from tests import texting
from tests.casting import MARIA
from tests.texting import BEFORE, promised, send, texter, the_reminder

pytestmark = pytest.mark.django_db


@pytest.fixture
def gateway(settings):
    with texting.gateway(settings) as gateway:
        yield gateway


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("STOP", Wish.NO_TEXTS),
        ("stop.", Wish.NO_TEXTS),
        ("Stop please!", Wish.NO_TEXTS),
        ("please stop", Wish.NO_TEXTS),
        ("STOPALL", Wish.NO_TEXTS),
        ("Quit", Wish.NO_TEXTS),
        ("revoke", Wish.NO_TEXTS),
        ("Opt-Out", Wish.NO_TEXTS),
        ("opt out", Wish.NO_TEXTS),
        ("Cancel", Wish.NO_TEXTS),
        ("UNSUBSCRIBE me", Wish.NO_TEXTS),
        ("end", Wish.NO_TEXTS),
        ("don\u2019t text me", Wish.NO_TEXTS),
        ("I want you to stop texting me, thanks", Wish.NO_TEXTS),
        ("No more messages", Wish.NO_TEXTS),
        ("wrong number", Wish.NO_TEXTS),
        ("Alto", Wish.NO_TEXTS),
        ("PARAR", Wish.NO_TEXTS),
        ("cancelar", Wish.NO_TEXTS),
        ("Basta ya", Wish.NO_TEXTS),
        ("Darme de baja", Wish.NO_TEXTS),
        ("no m\u00e1s mensajes", Wish.NO_TEXTS),
        ("No me escriban", Wish.NO_TEXTS),
        ("dejen de escribirme por favor", Wish.NO_TEXTS),
        ("stop calling me", Wish.NO_CALLS),
        ("DO NOT CALL", Wish.NO_CALLS),
        ("Don't ever call this phone", Wish.NO_CALLS),
        ("cancel my call", Wish.NO_CALLS),
        ("do not text or call me", Wish.NO_CALLS),
        ("no me llamen", Wish.NO_CALLS),
        ("cancelar la llamada", Wish.NO_CALLS),
        ("START", Wish.TEXTS_AGAIN),
        ("unstop", Wish.TEXTS_AGAIN),
        ("", Wish.NONE),
        ("ok thanks", Wish.NONE),
        ("I can't stop drinking", Wish.NONE),
        ("how do I quit benzos safely", Wish.NONE),
        ("I want to end it all tonight", Wish.NONE),
        ("no puedo parar de beber", Wish.NONE),
        ("can you start earlier", Wish.NONE),
        ("\ud800\x00" + "a " * 9000, Wish.NONE),
    ],
)
def test_any_reasonable_way_of_saying_it_counts(text, wish):
    assert opt_out.wish(text) is wish


def test_stop_ends_the_texts_of_everybody_at_the_number_and_no_promised_call(agent, now, gateway):
    callback = promised(agent, now)
    other = people.save(person=texter(alias="Her brother"), by=agent, now=now)
    stopped = texts.stop(number=MARIA, written_at=now, by=events.PUBLIC, now=now)
    assert stopped == 2
    assert not Person.objects.filter(text_ok=True).exists()
    assert the_reminder().status == Reminder.Status.VOID
    callback.refresh_from_db()
    assert callback.is_open
    assert callback.reminders.filter(channel="in_app", status="planned").exists()
    assert not Person.objects.filter(do_not_call=True).exists()
    assert set(TextStop.objects.values_list("person", flat=True)) == {callback.person_id, other.pk}
    # Again: nothing more to stop.
    assert texts.stop(number=MARIA, written_at=now, by=events.PUBLIC, now=now) == 0


def test_stop_holds_against_a_form_that_was_open_meanwhile(agent, now, gateway):
    callback = promised(agent, now)
    stale = Person.objects.get(pk=callback.person_id)
    texts.stop(number=MARIA, written_at=now, by=events.PUBLIC, now=now)
    people.save(person=stale, by=agent, now=now)
    assert Person.objects.get(pk=stale.pk).text_ok
    later = now + timedelta(hours=4)
    callbacks.reschedule(callback=callback, due_at=later, by=agent, now=now)
    assert send(later - BEFORE) == [False]
    assert gateway.paths == []


def test_start_lets_staff_ask_again_and_is_no_consent(agent, now, gateway):
    callback = promised(agent, now)
    texts.stop(number=MARIA, written_at=now, by=events.PUBLIC, now=now)
    assert texts.lift_stop(
        number=MARIA, written_at=now + timedelta(hours=1), by=events.PUBLIC, now=now
    )
    assert not TextStop.objects.filter(lifted_at=None).exists()
    assert not Person.objects.get(pk=callback.person_id).text_ok


def test_a_start_that_was_written_before_the_stop_lifts_nothing(agent, now, gateway):
    promised(agent, now)
    texts.stop(number=MARIA, written_at=now, by=events.PUBLIC, now=now)
    earlier = now - timedelta(minutes=1)
    assert not texts.lift_stop(number=MARIA, written_at=earlier, by=events.PUBLIC, now=now)


def test_somebody_recorded_later_was_asked_anew(agent, now, gateway):
    promised(agent, now)
    texts.stop(number=MARIA, written_at=now, by=events.PUBLIC, now=now)
    due = now + timedelta(hours=3)
    promised(agent, now, due_in=timedelta(hours=3), alias="A new request")
    assert send(due - BEFORE) == [True]


def test_the_channel_leaves_room_in_a_lease(settings):
    channel = CHANNELS["text"]
    longest = channel.batch_size * LONGEST.total_seconds()
    assert longest <= settings.REMINDER_LEASE_SECONDS * 2 / 3
    assert LONGEST.total_seconds() > http.CONNECT_SECONDS + http.EXCHANGE_SECONDS
