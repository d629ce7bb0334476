"""Texts to callers: at most once, with consent, in their hours, and saying nothing."""

import contextlib
import ipaddress
import ssl
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.contrib.auth.models import User
from django.db import connection, transaction

from intake.actions import (
    blocks,
    callbacks,
    calling_hours,
    delivery,
    events,
    people,
    sweeping,
    texts,
)
from intake.channels import CHANNELS
from intake.channels.base import ChannelDown
from intake.channels.gateways import http
from intake.channels.gateways.base import LONGEST, Text, TextUnknown
from intake.channels.text import TextChannel, nobody_decided
from intake.models import Callback, Event, Person, Reminder, TextMessage, TextStop
from intake.rules import opt_out, text_wordings
from intake.rules.opt_out import Wish
from intake.rules.zones import STATE_ZONES
from tests import servers, text_gateway
from tests.casting import MARIA, maria
from tests.racing import at_once
from tests.test_settings import PRODUCTION, settings_with
from tests.walk import log_lines

pytestmark = pytest.mark.django_db

# Promised at 14:00 UTC for 16:00, 12:00 in Washington; the text is due a quarter before.
DUE_IN = timedelta(hours=2)
BEFORE = timedelta(minutes=15)


@pytest.fixture
def gateway(settings):
    with text_gateway.running() as gateway:
        use(settings, f"http://127.0.0.1:{gateway.port}/send")
        yield gateway


def use(settings, url):
    settings.TEXT_GATEWAY = "http"
    settings.TEXT_GATEWAY_URL = url
    settings.TEXT_GATEWAY_SECRETS = (text_gateway.SECRET,)


def texter(**changes):
    return maria(**{"text_ok": True, **changes})


def promised(agent, now, *, due_in=DUE_IN, **fields):
    person = people.save(person=texter(**fields), by=agent, now=now)
    return callbacks.promise(
        person=person,
        due_at=now + due_in,
        urgency=Callback.Urgency.ROUTINE,
        by=agent,
        now=now,
    )


def send(at):
    """What a sweep does with the texts that are due."""
    batch = delivery.claim(channel="text", limit=10, now=at)
    return [delivery.deliver(reminder=reminder, now=at) for reminder in batch]


def the_reminder():
    return Reminder.objects.get(channel="text")


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


@pytest.mark.parametrize(
    ("zone", "language", "said"),
    [
        ("America/New_York", "en", "10:00 PM (Eastern time)"),
        ("America/Detroit", "en", "10:00 PM (Eastern time)"),
        ("America/Chicago", "es", "9:00 PM (hora del Centro)"),
        ("America/Denver", "en", "8:00 PM (Mountain time)"),
        ("America/Phoenix", "en", "7:00 PM (Mountain time)"),
        ("America/Los_Angeles", "es", "7:00 PM (hora del Pacifico)"),
        ("America/Anchorage", "en", "6:00 PM (Alaska time)"),
        ("Pacific/Honolulu", "en", "4:00 PM (Hawaii time)"),
        ("America/Puerto_Rico", "es", "10:00 PM (hora del Atlantico)"),
        ("Pacific/Guam", "en", "12:00 PM (ChST time)"),
        ("Asia/Shanghai", "en", "10:00 AM (CST time)"),
        ("America/New_York", "vi", "10:00 PM (Eastern time)"),
    ],
)
def test_the_hour_is_theirs_and_its_zone_is_named(zone, language, said):
    due = datetime(2026, 7, 5, 2, 0, tzinfo=UTC)
    wording = text_wordings.before_a_call(due_at=due, zone=zone, language=language)
    assert said in wording.body


def test_every_text_is_one_text_of_neutral_words():
    zones = {zone for found in STATE_ZONES.values() for zone in found}
    forbidden = {"help", "line", "recovery", "treatment", "detox", "rehab", "drug", "ayuda"}
    for zone in zones:
        for language in ("en", "es"):
            for month in (1, 7):
                due = datetime(2026, month, 5, 17, 59, tzinfo=UTC)
                body = text_wordings.before_a_call(due_at=due, zone=zone, language=language).body
                assert len(body) <= text_wordings.LONGEST
                assert set(body) <= text_wordings.GSM
                assert "STOP" in body
                assert not any(word in body.lower() for word in forbidden)


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
    for hours_ago in (1, 2):
        callback.attempts.create(
            number=hours_ago,
            outcome="no_answer",
            made_at=now - timedelta(hours=hours_ago),
            made_by=agent,
            number_shown_at=now - timedelta(hours=hours_ago),
        )
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
    monkeypatch.setattr(http, "EXCHANGE_SECONDS", 0.5)
    gateway.manner = manner
    promised(agent, now)
    at = now + DUE_IN - BEFORE
    started = time.monotonic()
    assert send(at) == [False]
    assert time.monotonic() - started < 3
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
    started = time.monotonic()
    with (
        pytest.raises(http.GatewayDown),
        http.HttpGateway("https://texts.example.org/", ()).reached(),
    ):
        pass
    assert time.monotonic() - started < 2


class Silent:
    """A name that is looked up for ever."""

    def connect(self):
        threading.Event().wait(3)

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
sweeping.sweep(channels=["text"], seconds=5, monotonic=time.monotonic)
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
        timeout=60,
        check=False,
    )


def sweep_after_the_lease():
    """Another worker, later: what the dead one held is free again, and no text went twice."""
    Reminder.objects.filter(lease_until__isnull=False).update(
        lease_until=delivery.database_now() - timedelta(seconds=1)
    )
    sweeping.sweep(channels=["text"], seconds=5, monotonic=time.monotonic)


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
    sweeping.sweep(channels=["text"], seconds=5, monotonic=time.monotonic)
    assert the_reminder().status == Reminder.Status.DEAD


@pytest.mark.slow
def test_a_worker_left_alone_sends_one_and_its_log_tells_nothing(due_now, gateway):
    _callback, environment = due_now
    done = sweep_and_die("never", environment)
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(gateway.texts) == 1
    for secret in ("5550143", "555-0143", "Reminder:", "Maria"):
        assert secret not in done.stderr + done.stdout


# --- The line is safe ----------------------------------------------------------------------------


def self_signed(folder):
    """A server's certificate for 127.0.0.1 that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    begins = datetime.now(UTC) - timedelta(days=1)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=30))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return path, context


def hand_over(url, now):
    text = Text(to=MARIA, body="Reminder", key="k.1", at=now)
    with http.HttpGateway(url, (text_gateway.SECRET,)).reached() as line:
        line.send(text)


def test_a_gateway_without_a_good_certificate_is_told_nothing(tmp_path, now, monkeypatch):
    path, context = self_signed(tmp_path)
    with text_gateway.running(context) as gateway:
        with pytest.raises(http.GatewayDown):
            hand_over(f"https://127.0.0.1:{gateway.port}/", now)
        # The name has to fit as well.
        trusting = ssl.create_default_context(cafile=path)
        monkeypatch.setattr(http, "trusted", lambda: trusting)
        with pytest.raises(http.GatewayDown):
            hand_over(f"https://localhost:{gateway.port}/", now)
        assert gateway.paths == []
        hand_over(f"https://127.0.0.1:{gateway.port}/", now)
        assert len(gateway.texts) == 1


def test_a_gateway_is_asked_straight_not_through_a_proxy(agent, now, gateway, monkeypatch):
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    promised(agent, now)
    assert send(now + DUE_IN - BEFORE) == [True]


def test_a_wrong_secret_sends_nothing(agent, now, gateway, settings):
    settings.TEXT_GATEWAY_SECRETS = (b"x" * 32,)
    promised(agent, now)
    with pytest.raises(ChannelDown):
        send(now + DUE_IN - BEFORE)
    assert gateway.texts == []


def test_while_the_secret_is_changed_both_sign(agent, now, gateway, settings):
    settings.TEXT_GATEWAY_SECRETS = (b"x" * 32, text_gateway.SECRET)
    promised(agent, now)
    assert send(now + DUE_IN - BEFORE) == [True]


@pytest.mark.parametrize("manner", [202, 422, 429, 500, "drop"])
def test_the_log_holds_neither_number_nor_words(agent, now, gateway, manner):
    gateway.manner = manner
    with log_lines() as log:
        promised(agent, now)
        with contextlib.suppress(ChannelDown):
            send(now + DUE_IN - BEFORE)
    for secret in (MARIA, MARIA[2:], MARIA[-7:], "Reminder:", "Maria"):
        assert secret not in log.getvalue()


def test_the_console_shows_that_a_text_would_go_and_no_number(agent, now, settings):
    settings.TEXT_GATEWAY = "console"
    with log_lines() as log:
        promised(agent, now)
        assert send(now + DUE_IN - BEFORE) == [True]
    line = next(line for line in log.getvalue().splitlines() if "gateways.console" in line)
    assert "text of 75 characters" in line
    assert MARIA[-7:-2] not in line
    assert "12:00" not in line


def test_a_text_is_never_printed():
    text = Text(to=MARIA, body="Reminder", key="k", at=datetime(2026, 3, 10, tzinfo=UTC))
    assert MARIA not in repr(text)
    assert "Reminder" not in repr([text])


# --- Saying stop ---------------------------------------------------------------------------------


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


# --- Settings ------------------------------------------------------------------------------------

HTTP = {
    "TEXT_GATEWAY": "http",
    "TEXT_GATEWAY_URL": "https://texts.example.org/send",
    "TEXT_GATEWAY_SECRET": text_gateway.SECRET_WORD,
}
WEAK = "whsec_aHVudGVyMg=="


@pytest.mark.once
@pytest.mark.parametrize(
    ("variables", "hint"),
    [
        ({"TEXT_GATEWAY": "sms"}, "TEXT_GATEWAY must be off, console or http"),
        ({**PRODUCTION, "TEXT_GATEWAY": "console"}, "console sends nothing"),
        ({**HTTP, "TEXT_GATEWAY_URL": ""}, "TEXT_GATEWAY_URL must look like"),
        ({**HTTP, "TEXT_GATEWAY_URL": "texts.example.org"}, "TEXT_GATEWAY_URL must look like"),
        ({**HTTP, "TEXT_GATEWAY_URL": "http://texts.example.org/"}, "(http only for 127.0.0.1"),
        ({**HTTP, "TEXT_GATEWAY_URL": "https://u:hunter2@example.org"}, "name or password"),
        ({**HTTP, "TEXT_GATEWAY_URL": "https://example.org:99999/"}, "must look like"),
        ({**HTTP, "TEXT_GATEWAY_URL": "ftp://localhost/"}, "must look like"),
        ({**HTTP, "TEXT_GATEWAY_SECRET": ""}, "Set TEXT_GATEWAY_SECRET or"),
        ({**HTTP, "TEXT_GATEWAY_SECRET": "hunter2"}, "TEXT_GATEWAY_SECRET: A secret is whsec_"),
        ({**HTTP, "TEXT_GATEWAY_SECRET_FILE": "x"}, "not both"),
        ({"PHONE_WEBHOOK_SECRET": WEAK}, "PHONE_WEBHOOK_SECRET: A secret is whsec_"),
        ({"PHONE_WEBHOOK_SECRET_FILE": "absent"}, "the file cannot be read"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_a_hint_that_quotes_no_value(
    tmp_path, variables, hint
):
    printed, error = settings_with(tmp_path, **variables)
    assert printed == ""
    assert hint in error
    assert "hunter2" not in error
    assert WEAK not in error


@pytest.mark.once
def test_nothing_set_texts_nobody_and_listens_to_no_phone_system(tmp_path):
    show = "s.TEXT_GATEWAY, s.TEXT_GATEWAY_SECRETS, s.PHONE_WEBHOOK_SECRETS"
    assert settings_with(tmp_path, show)[0] == "off () ()"


@pytest.mark.once
def test_good_settings_are_taken(tmp_path):
    secrets = f"{text_gateway.SECRET_WORD}, {text_gateway.SECRET_WORD}"
    for url in (HTTP["TEXT_GATEWAY_URL"], "http://127.0.0.1:8080/", "http://[::1]/x?y=1"):
        variables = {**HTTP, "TEXT_GATEWAY_URL": url, "PHONE_WEBHOOK_SECRET": secrets}
        show = "s.TEXT_GATEWAY_SECRETS[0].decode(), len(s.PHONE_WEBHOOK_SECRETS)"
        assert settings_with(tmp_path, show, **variables) == (
            f"{text_gateway.SECRET.decode()} 2",
            "",
        )
