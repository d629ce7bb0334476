"""Texts to callers go out at most once, whatever the gateway answers and whoever dies."""

import subprocess
import sys
import threading
import time
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction

from intake.actions import callbacks, delivery, sweeping, texts
from intake.channels.base import ChannelDown
from intake.channels.gateways import http
from intake.channels.gateways.base import Text, TextUnknown
from intake.models import Event, Person, Reminder, TextMessage
from tests import patience, servers, text_gateway, texting
from tests.casting import MARIA
from tests.racing import at_once
from tests.texting import BEFORE, DUE_IN, promised, send, the_reminder, use

pytestmark = pytest.mark.django_db


@pytest.fixture
def gateway(settings):
    with texting.gateway(settings) as gateway:
        yield gateway


# --- At most once --------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_text_the_gateway_took_is_sent_and_its_mark_was_there_first(agent, now, gateway, status):
    gateway.manner = status
    promised(agent, now)
    at = now + DUE_IN - BEFORE
    assert send(at) == [True]
    assert the_reminder().status == Reminder.Status.SENT
    assert TextMessage.objects.get().outcome == TextMessage.Outcome.ACCEPTED
    assert gateway.keys == [f"{the_reminder().pk}.1"]
    assert send(at + timedelta(minutes=5)) == []


@pytest.mark.parametrize(
    ("manner", "code", "outcome"),
    [
        (400, "text_refused_400", "refused"),
        (410, "text_refused_410", "refused"),
        (422, "text_refused_422", "refused"),
        (302, "text_unknown_302", "unknown"),
        ("redirect", "text_unknown_307", "unknown"),
        (500, "text_unknown_500", "unknown"),
        (502, "text_unknown_502", "unknown"),
        (503, "text_unknown_503", "unknown"),
        (504, "text_unknown_504", "unknown"),
        ("drop", "text_unknown_broken_off", "unknown"),
        ("stall", "text_unknown_time_out", "unknown"),
        ("trickle", "text_unknown_time_out", "unknown"),
    ],
)
def test_what_was_refused_or_may_have_gone_out_is_never_sent_again(
    agent, now, gateway, monkeypatch, manner, code, outcome
):
    if code == "text_unknown_time_out":
        # Neither of these ever ends; the others answer, on a busy machine late.
        monkeypatch.setattr(http, "EXCHANGE_SECONDS", 0.5)
    gateway.manner = manner
    promised(agent, now)
    at = now + DUE_IN - BEFORE
    assert send(at) == [False]
    # We may have given up before it so much as looked.
    patience.until(lambda: gateway.paths)
    reminder = the_reminder()
    assert (reminder.status, reminder.last_error) == (Reminder.Status.DEAD, code)
    assert TextMessage.objects.get().outcome == outcome
    assert Event.objects.filter(verb="reminder.dead", subject_id=str(reminder.pk)).count() == 1
    # Nor by whoever comes after, whatever the gateway is like by then.
    gateway.manner = 202
    assert send(at + timedelta(minutes=2)) == []
    assert gateway.paths == ["/send"]


@pytest.mark.parametrize("status", [401, 403, 404, 429])
def test_a_gateway_that_wants_nothing_from_us_now_gets_it_later(agent, now, gateway, status):
    gateway.manner = status
    promised(agent, now)
    at = now + DUE_IN - BEFORE
    with pytest.raises(ChannelDown):
        send(at)
    assert the_reminder().status == Reminder.Status.PLANNED
    assert TextMessage.objects.get().outcome == TextMessage.Outcome.NOT_SENT
    gateway.manner = 202
    assert send(at + timedelta(minutes=2)) == [True]
    assert len(gateway.texts) == 1
    assert set(TextMessage.objects.values_list("outcome", flat=True)) == {"not_sent", "accepted"}


def test_a_gateway_that_cannot_be_reached_costs_the_text_nothing(agent, now, gateway, settings):
    use(settings, f"http://127.0.0.1:{servers.free_port()}/send")
    promised(agent, now)
    at = now + DUE_IN - BEFORE
    with pytest.raises(ChannelDown):
        send(at)
    assert not TextMessage.objects.exists()
    assert not Event.objects.filter(verb="reminder.sent").exists()


def test_an_address_that_never_answers_gives_up_in_time(monkeypatch):
    monkeypatch.setattr(http, "CONNECT_SECONDS", 0.3)
    monkeypatch.setattr(http.HttpGateway, "_connection", lambda self: Silent())
    with (
        pytest.raises(http.GatewayDown),
        http.HttpGateway("https://texts.example.org/", ()).reached(),
    ):
        pass


class Silent:
    """A name that is looked up for so long that nobody may wait for it."""

    def connect(self):
        threading.Event().wait(patience.HELD_SECONDS)

    def close(self):
        pass


def test_a_line_that_was_hung_up_is_never_opened_again_by_itself(gateway, now):
    """Python's client would: for a text nobody waits for any more."""

    class HungUpMeanwhile:
        def settimeout(self, seconds):
            line.connection.close()

        def close(self):
            """As a socket's."""

    with http.configured().reached() as line:
        line.connection.sock.close()
        line.connection.sock = HungUpMeanwhile()
        with pytest.raises(TextUnknown):
            line.send(Text(to=MARIA, body="…", key="k.1", at=now))
    assert gateway.paths == []


def test_a_second_text_for_the_same_time_is_refused_by_the_database(agent, now, gateway):
    promised(agent, now)
    at = now + DUE_IN - BEFORE
    assert send(at) == [True]
    # Somebody, somehow, puts it back into the queue.
    Reminder.objects.filter(channel="text").update(
        status="planned", sent_at=None, next_try_at=at, lease_token=None
    )
    assert send(at + timedelta(seconds=90)) == [False]
    assert (the_reminder().status, the_reminder().last_error) == ("dead", "text_tried_before")
    assert len(gateway.texts) == 1


def test_a_promise_that_was_moved_may_bring_a_text_for_its_new_time(agent, now, gateway):
    callback = promised(agent, now)
    assert send(now + DUE_IN - BEFORE) == [True]
    later = now + timedelta(hours=6)
    callbacks.reschedule(callback=callback, due_at=later, by=agent, now=now + DUE_IN)
    assert send(later - BEFORE) == [True]
    assert ["12:00 PM" in text["text"] for text in gateway.texts] == [True, False]
    assert "4:00 PM" in gateway.texts[1]["text"]
    assert TextMessage.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_many_workers_send_one_text(agent, now, gateway):
    promised(agent, now)
    at = now + DUE_IN - BEFORE
    assert set(at_once(*[lambda: send(at)] * 6)) <= {"done"}
    assert len(gateway.texts) == 1
    assert TextMessage.objects.count() == 1


# --- A worker that dies --------------------------------------------------------------------------

DYING = """
import os, signal, sys, time
import django
django.setup()
from intake.actions import sweeping
from intake.channels import text
from intake.channels.gateways import http

def die(*arguments, **named):
    os.kill(os.getpid(), signal.SIGKILL)

moment = sys.argv[1]
if moment == "before the mark":
    text._marked = die
elif moment == "between mark and sending":
    http.HttpLine.send = die
elif moment == "after sending":
    send = http.HttpLine.send
    http.HttpLine.send = lambda self, text: (send(self, text), die())
sweeping.sweep(channels=["text"], seconds=60, monotonic=time.monotonic)
"""


@pytest.fixture
def due_now(agent, transactional_db, gateway):
    """A text that is due on the database's own clock, where it is daytime."""
    now = delivery.database_now()
    callback = promised(
        agent, now, due_in=timedelta(minutes=30), zip_code="", time_zone=daytime(now),
        time_zone_source=Person.ZoneSource.STATED,
    )  # fmt: skip
    Reminder.objects.filter(channel="text").update(next_try_at=now)
    environment = servers.child_environment(
        DATABASE_URL=servers.database_url(connection),
        TEXT_GATEWAY="http",
        TEXT_GATEWAY_URL=f"http://127.0.0.1:{gateway.port}/send",
        TEXT_GATEWAY_SECRET=text_gateway.SECRET_WORD,
        LOG_LEVEL="DEBUG",
    )
    return callback, environment


def daytime(now):
    """One of three zones round the world; it is between nine and seven in at least one."""
    zones = ("America/New_York", "Pacific/Auckland", "Asia/Dubai")
    return next(zone for zone in zones if 9 <= now.astimezone(ZoneInfo(zone)).hour < 18)


def sweep_and_die(moment, environment):
    return subprocess.run(
        [sys.executable, "-c", DYING, moment],
        cwd=servers.ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=patience.SECONDS,
        check=False,
    )


def sweep_after_the_lease():
    """Another worker, later: what the dead one held is free again, and no text went twice."""
    Reminder.objects.filter(lease_until__isnull=False).update(
        lease_until=delivery.database_now() - timedelta(seconds=1)
    )
    sweeping.sweep(channels=["text"], seconds=60, monotonic=time.monotonic)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("moment", "sent", "in_the_end", "outcome"),
    [
        ("before the mark", 0, 1, "accepted"),
        ("between mark and sending", 0, 0, "trying"),
        ("after sending", 1, 1, "trying"),
    ],
)
def test_a_worker_killed_at_any_moment_never_sends_twice(
    due_now, gateway, moment, sent, in_the_end, outcome
):
    _callback, environment = due_now
    died = sweep_and_die(moment, environment)
    assert died.returncode == -9, died.stderr[-2000:]
    assert len(gateway.texts) == sent
    sweep_after_the_lease()
    sweep_after_the_lease()
    assert len(gateway.texts) == in_the_end
    assert TextMessage.objects.get().outcome == outcome
    assert the_reminder().status == Reminder.Status.SENT


def test_a_text_whose_worker_died_is_shown_to_a_supervisor_and_not_sent(
    agent, now, gateway, monkeypatch
):
    promised(agent, now)
    at = now + DUE_IN - BEFORE
    # As SIGKILL leaves it: marked, and nothing after that.
    (reminder,) = delivery.claim(channel="text", limit=1, now=at)
    with transaction.atomic():
        delivery._finish(reminder, Reminder.Status.SENT, now=at, sent_at=at)
        TextMessage.objects.create(reminder=reminder, plan=1, wording="2026.1.en", tried_at=at)
    assert texts.settle_lost(now=at + timedelta(minutes=4)) == 0
    later = at + timedelta(minutes=6)
    assert texts.settle_lost(now=later) == 1
    assert texts.settle_lost(now=later) == 0
    assert (the_reminder().status, the_reminder().last_error) == (
        Reminder.Status.DEAD,
        "text_unknown_worker_died",
    )
    assert TextMessage.objects.get().outcome == TextMessage.Outcome.UNKNOWN
    assert send(later) == []
    assert gateway.paths == []


def test_a_text_of_unknown_fate_is_on_nobodys_desk_once_its_callback_has_ended(agent, now, gateway):
    """Nobody could take it off again: a text is never tried a second time."""
    callback = promised(agent, now)
    at = now + DUE_IN - BEFORE
    (reminder,) = delivery.claim(channel="text", limit=1, now=at)
    with transaction.atomic():
        delivery._finish(reminder, Reminder.Status.SENT, now=at, sent_at=at)
        TextMessage.objects.create(reminder=reminder, plan=1, wording="2026.1.en", tried_at=at)
    callbacks.cancel(callback=callback, by=agent, now=at)
    assert texts.settle_lost(now=at + timedelta(minutes=6)) == 1
    assert TextMessage.objects.get().outcome == TextMessage.Outcome.UNKNOWN
    assert the_reminder().status == Reminder.Status.VOID
    assert not Event.objects.filter(verb="reminder.dead").exists()


def test_a_callback_that_ended_while_its_text_was_refused_leaves_nothing_to_a_supervisor(
    agent, now, gateway, monkeypatch
):
    gateway.manner = 400
    callback = promised(agent, now)
    marked = delivery._finish

    def ended_meanwhile(reminder, status, **fields):
        is_marked = marked(reminder, status, **fields)
        callbacks.cancel(callback=callback, by=agent, now=now)
        return is_marked

    monkeypatch.setattr(delivery, "_finish", ended_meanwhile)
    assert send(now + DUE_IN - BEFORE) == [False]
    assert (the_reminder().status, the_reminder().last_error) == (
        Reminder.Status.VOID,
        "text_refused_400",
    )


@pytest.mark.django_db(transaction=True)
def test_the_sweep_looks_for_texts_whose_worker_died(agent, now, gateway):
    promised(agent, now)
    reminder = the_reminder()
    Reminder.objects.filter(pk=reminder.pk).update(status="sent", sent_at=now)
    TextMessage.objects.create(
        reminder=reminder,
        plan=1,
        wording="x",
        tried_at=delivery.database_now() - timedelta(hours=1),
    )
    sweeping.sweep(channels=["text"], seconds=60, monotonic=time.monotonic)
    assert the_reminder().status == Reminder.Status.DEAD


@pytest.mark.slow
def test_a_worker_left_alone_sends_one_and_its_log_tells_nothing(due_now, gateway):
    _callback, environment = due_now
    done = sweep_and_die("never", environment)
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(gateway.texts) == 1
    for secret in ("5550143", "555-0143", "Reminder:", "Maria"):
        assert secret not in done.stderr + done.stdout
