"""Figures for a monitoring system: behind a token, true, and about nobody."""

import base64
import itertools
import math
import re
import time
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.sessions.models import Session
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from intake.actions import events
from intake.models import Callback, Heartbeat, Reminder
from intake.models.clock import database_now
from intake.rules import retries
from tests.casting import open_callback, tried

pytestmark = pytest.mark.django_db

METRICS = "/metrics"
TOKEN = "a-token-of-the-tests-" + "0" * 20
CHANNELS, STAGES = set(Reminder.Channel.values), set(Reminder.Stage.values)
LABELS = {
    "channel": CHANNELS,
    "stage": STAGES,
    "urgency": set(Callback.Urgency.values),
    "process": {"worker", "beat", "sweeper"},
    "because": set(Callback.HeldBecause.values),
}


@pytest.fixture
def token(settings):
    settings.METRICS_TOKEN = TOKEN


@pytest.fixture
def scrape(client, token):
    """What Prometheus gets, as {(name, label values…): value}."""

    def get():
        response = client.get(METRICS, headers={"Authorization": f"Bearer {TOKEN}"})
        assert response.status_code == 200
        families = text_string_to_metric_families(response.content.decode())
        return {
            (sample.name.removeprefix("helpline_"), *sample.labels.values()): sample.value
            for family in families
            for sample in family.samples
        }

    return get


@pytest.fixture
def clock(db):
    """The database's own time, which the figures go by."""
    return database_now()


def reminder(due_at, **changes):
    given = {"channel": "in_app", "stage": "due", "due_at": due_at, "next_try_at": due_at}
    callback = changes.pop("callback", None) or open_callback(due_at=due_at, now=due_at)
    return Reminder.objects.create(callback=callback, **{**given, **changes})


def about(seconds):
    return pytest.approx(seconds, abs=20)


# --- Who may read them ---------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["get", "head", "post"])
def test_without_a_token_set_there_is_no_such_page(client, settings, method):
    settings.METRICS_TOKEN = ""
    for header in ({}, {"Authorization": "Bearer "}, {"Authorization": f"Bearer {TOKEN}"}):
        response = getattr(client, method)(METRICS, headers=header)
        assert response.status_code in {404, 405}
        assert b"helpline_" not in response.content


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}0",
        TOKEN,
        f"Token {TOKEN}",
        "Basic " + base64.b64encode(f"prometheus:{TOKEN}".encode()).decode(),
        "Bearer caf\u00e9",
        f"Bearer {TOKEN} {TOKEN}",
    ],
)
def test_without_the_right_token_nothing_is_told_and_nothing_looked_up(
    client, token, django_assert_num_queries, authorization
):
    headers = {} if authorization is None else {"Authorization": authorization}
    with django_assert_num_queries(0):
        response = client.get(METRICS, headers=headers)
    assert (response.status_code, response.content) == (401, b"")
    assert response["WWW-Authenticate"] == "Bearer"


def test_a_signed_in_supervisor_is_no_monitoring_system(client_for, supervisor, token):
    assert client_for(supervisor).get(METRICS).status_code == 401


def test_only_reading_is_allowed(client, token):
    assert client.post(METRICS, headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 405


def test_the_answer_is_kept_by_nobody_and_begins_no_session(client, token):
    response = client.get(METRICS, headers={"Authorization": f"bearer {TOKEN}"})
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    assert response["Content-Type"].startswith("text/plain; version=")
    assert not response.cookies
    assert not Session.objects.exists()


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_database_that_does_not_answer_is_said_with_no_details(client, token, monkeypatch, error):
    def fail(*args, **kwargs):
        raise error("password authentication failed for user helpline at 10.0.0.7")

    monkeypatch.setattr(connection, "cursor", fail)
    response = client.get(METRICS, headers={"Authorization": f"Bearer {TOKEN}"})
    assert (response.status_code, response.content) == (503, b"")


# --- What they tell ------------------------------------------------------------------------------


def test_an_empty_helpline_names_every_figure(scrape):
    """A series that is missing raises no alarm, so each is there from the first day."""
    found = scrape()
    counted = {key: value for key, value in found.items() if not key[0].endswith("_seconds")}
    assert set(counted.values()) == {0}
    assert found["sweep_age_seconds",] == math.inf
    assert found["heartbeat_age_seconds", "worker"] == math.inf
    assert found["reminders_lag_seconds",] == 0
    assert found["audit_seal_lag_seconds",] == 0
    by_channel = ("reminders_due", "reminders_late", "reminders_dead", "channel_paused")
    assert {(name, channel) for name in by_channel for channel in CHANNELS} <= found.keys()
    sent = itertools.product(["reminders_sent_last_hour"], CHANNELS, STAGES)
    assert set(sent) <= found.keys()


def test_no_label_can_hold_anything_but_a_code_of_ours(client, token, clock):
    reminder(clock - timedelta(hours=1), status="dead", last_error="SMTPDataError")
    response = client.get(METRICS, headers={"Authorization": f"Bearer {TOKEN}"})
    for family in text_string_to_metric_families(response.content.decode()):
        # None of the library's own, which tell about the process and its files.
        assert family.name.startswith("helpline_")
        assert family.type == "gauge"
        for sample in family.samples:
            for label, value in sample.labels.items():
                assert value in LABELS[label], sample


def test_reminders_due_late_dead_and_their_lag(scrape, clock):
    minutes = {name: clock - timedelta(minutes=name) for name in (-5, 1, 7, 9, 30, 600)}
    reminder(minutes[-5])
    reminder(minutes[1])
    reminder(minutes[7], channel="email", next_try_at=clock + timedelta(minutes=1))
    held = {"lease_until": clock + timedelta(minutes=1), "lease_token": uuid.uuid4()}
    reminder(minutes[9], **held)
    reminder(minutes[30], status="dead")
    reminder(minutes[600], status="void")
    reminder(minutes[600], channel="text", stage="due_soon")
    found = scrape()
    assert found["reminders_due", "in_app"] == 2
    assert found["reminders_due", "email"] == 1
    assert found["reminders_due", "text"] == 1
    assert found["reminders_late", "in_app"] == 0
    assert found["reminders_late", "email"] == 1
    assert found["reminders_late", "text"] == 0
    assert found["reminders_dead", "in_app"] == 1
    # The one in a worker's hands is not with anybody yet; the text nobody waits for.
    assert found["reminders_lag_seconds",] == about(9 * 60)


@pytest.mark.parametrize("ahead", [timedelta(days=-1), timedelta(), timedelta(days=1)])
def test_requests_are_as_old_as_the_clock_says_that_took_them(scrape, clock, frozen, ahead):
    """The web server's, which the database's may differ from."""
    now = clock + ahead

    def asked(minutes, **fields):
        # Ids are in the order of time too.
        frozen.move_to(now - timedelta(minutes=minutes))
        due_at = now + timedelta(hours=3)
        open_callback(source="web", due_at=due_at, now=timezone.now(), **fields)

    for minutes, because in ((40, "number"), (5, "ceiling"), (2, "ceiling")):
        asked(minutes, status="held", held_because=because)
    for minutes in (3, 1):
        asked(minutes, status="received")
    frozen.move_to(now)
    found = scrape()
    assert found["requests_held", "ceiling"] == 2
    assert found["requests_held", "number"] == 1
    assert found["requests_held_lag_seconds",] == pytest.approx(40 * 60)
    assert found["requests_received_lag_seconds",] == pytest.approx(3 * 60)


def test_what_was_sent_is_counted_for_an_hour(scrape, clock):
    for minute, stage in ((1, "due"), (59, "due"), (30, "breach"), (61, "due")):
        sent_at = clock - timedelta(minutes=minute)
        reminder(sent_at, stage=stage, status="sent", sent_at=sent_at)
    reminder(clock, channel="email", status="sent", sent_at=clock)
    found = scrape()
    assert found["reminders_sent_last_hour", "in_app", "due"] == 2
    assert found["reminders_sent_last_hour", "in_app", "breach"] == 1
    assert found["reminders_sent_last_hour", "email", "due"] == 1
    assert found["reminders_sent_last_hour", "text", "due_soon"] == 0


def test_open_callbacks_are_overdue_and_breached_when_their_notices_go_out(scrape, clock):
    """Against the rule itself, around each of its moments, with windows and without."""
    expected = dict.fromkeys(itertools.product(["overdue", "breached"], Callback.Urgency.values), 0)
    open_ones = dict.fromkeys(Callback.Urgency.values, 0)
    ages = [timedelta(minutes=age) for age in (-30, 0, 4, 6, 9, 11, 14, 16, 29, 31, 59, 61, 300)]
    windows = [None, *(timedelta(minutes=length) for length in (3, 20, 70, 400))]
    for urgency, age, window in itertools.product(Callback.Urgency.values, ages, windows):
        due_at = clock - age
        ends_at = due_at + window if window else None
        open_callback(due_at=due_at, now=due_at, urgency=urgency, window_ends_at=ends_at)
        moments = dict(retries.stages(due_at, urgency, ends_at))
        open_ones[urgency] += 1
        expected["overdue", urgency] += moments["overdue"] <= clock
        expected["breached", urgency] += moments["breach"] <= clock
    closed = {"status": "cancelled", "closed_at": clock}
    open_callback(due_at=clock - timedelta(days=1), now=clock, **closed)
    found = scrape()
    for (name, urgency), number in expected.items():
        assert 0 < number < open_ones[urgency]
        assert found[f"callbacks_{name}", urgency] == number, (name, urgency)
    for urgency, number in open_ones.items():
        assert found["callbacks_open", urgency] == number


def test_uncontacted_means_open_with_fewer_than_three_attempts(scrape, clock, agent):
    for attempts, status in ((0, "open"), (2, "open"), (3, "open"), (1, "declined")):
        ended = {} if status == "open" else {"status": status, "closed_at": clock}
        first = {"first_attempt_at": clock, "first_deadline_at": clock} if attempts else {}
        callback = open_callback(due_at=clock, now=clock, **ended, **first)
        tried(callback, *(clock - timedelta(hours=ago) for ago in range(attempts, 0, -1)), by=agent)
    assert scrape()["callbacks_uncontacted",] == 2


def test_signs_of_life_of_the_sweep_and_the_processes(scrape, clock):
    for name, seconds in (("sweep", 45), ("worker", 5), ("beat", 900), ("sweeper", 3)):
        Heartbeat.objects.create(name=name, seen_at=clock - timedelta(seconds=seconds))
    found = scrape()
    assert found["sweep_age_seconds",] == about(45)
    assert found["heartbeat_age_seconds", "worker"] == about(5)
    assert found["heartbeat_age_seconds", "beat"] == about(900)
    assert found["heartbeat_age_seconds", "sweeper"] == about(3)


def test_a_sign_of_life_from_the_future_raises_the_alarm(scrape, clock):
    Heartbeat.objects.create(name="sweep", seen_at=clock + timedelta(minutes=5))
    assert scrape()["sweep_age_seconds",] == about(300)


def test_a_channel_that_rests_is_shown_until_it_is_tried_again(scrape, clock):
    Heartbeat.objects.create(
        name="email", seen_at=clock, paused_until=clock + timedelta(seconds=25)
    )
    found = scrape()
    assert (found["channel_paused", "email"], found["channel_paused", "in_app"]) == (1, 0)
    Heartbeat.objects.update(paused_until=clock - timedelta(seconds=5))
    assert scrape()["channel_paused", "email"] == 0


def test_the_lag_of_the_seal_is_the_age_of_the_oldest_unsealed_event(scrape, clock):
    for minutes in (12, 2):
        then = clock - timedelta(minutes=minutes)
        events.write("reminder.sent", by=events.SYSTEM, now=then)
        # Their order is that of their ids, which tell milliseconds apart.
        time.sleep(0.002)
    assert scrape()["audit_seal_lag_seconds",] == about(12 * 60)
    events.seal(now=clock)
    assert scrape()["audit_seal_lag_seconds",] == 0


def test_a_scrape_is_a_dozen_queries_however_much_there_is(
    scrape, clock, django_assert_max_num_queries
):
    for minute in range(20):
        reminder(clock - timedelta(minutes=minute))
    with django_assert_max_num_queries(14):
        scrape()


@pytest.mark.once
def test_the_manual_explains_every_figure_and_invents_none(scrape):
    manual = (Path(__file__).parent.parent / "docs" / "monitoring.md").read_text(encoding="utf-8")
    figures = {f"helpline_{key[0]}" for key in scrape()}
    assert set(re.findall(r"helpline_[a-z_]+[a-z]", manual)) == figures


@pytest.mark.once
def test_a_token_that_can_be_guessed_is_refused(tmp_path):
    from tests.test_settings import settings_with

    assert "at least 32" in settings_with(tmp_path, METRICS_TOKEN="hunter2")[1]
    assert "hunter2" not in settings_with(tmp_path, METRICS_TOKEN="hunter2")[1]
    printed, _ = settings_with(tmp_path, "s.METRICS_TOKEN == 'x' * 32", METRICS_TOKEN="x" * 32)
    assert printed == "True"
