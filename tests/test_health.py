"""Alive, and ready: what a machine may ask."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from helpline import health
from intake.models import Callback, Heartbeat, Reminder
from intake.models.clock import database_now
from tests.casting import open_callback

pytestmark = pytest.mark.django_db

LIVE, READY = "/health/live", "/health/ready"


@pytest.fixture(autouse=True)
def forgotten():
    """No answer of one test is remembered in the next."""
    health.broker.cache_clear()
    health._migrated.clear()
    yield
    health.broker.cache_clear()
    health._migrated.clear()


@pytest.fixture
def broker(settings, broker_url):
    settings.BROKER_URL = broker_url


@pytest.fixture
def seen(frozen):
    """Worker and beat gave a sign of life this long ago, and the sweep by the database's clock."""

    def stamp(**ages):
        clocks = {"worker": timezone.now(), "beat": timezone.now(), "sweep": database_now()}
        for name, now in clocks.items():
            seen_at = now - ages.get(name, timedelta())
            Heartbeat.objects.update_or_create(name=name, defaults={"seen_at": seen_at})

    stamp()
    return stamp


@pytest.fixture
def reminder(db):
    """One reminder that was due so long ago, by the database's clock; changed as named."""

    def due_ago(age, **changes):
        due_at = database_now() - age
        given = {"channel": "in_app", "stage": "due", "due_at": due_at, "next_try_at": due_at}
        callback = open_callback(due_at=due_at, now=due_at)
        return Reminder.objects.create(callback=callback, **{**given, **changes})

    return due_ago


def leased(until):
    return {"lease_until": database_now() + until, "lease_token": uuid.uuid4()}


def test_alive_needs_nothing_but_the_process(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert client.get(LIVE).status_code == 200


def test_ready_when_every_part_works(client, broker, seen):
    response = client.get(READY)
    assert (response.status_code, response.json()) == (200, {"not_ready": []})


@pytest.mark.parametrize("name", ["worker", "beat"])
def test_a_part_unseen_for_a_minute_is_named(client, broker, seen, name):
    seen(**{name: timedelta(seconds=59)})
    assert client.get(READY).status_code == 200
    seen(**{name: timedelta(seconds=60)})
    response = client.get(READY)
    assert (response.status_code, response.json()) == (503, {"not_ready": [name]})


# --- The dead-man switch -------------------------------------------------------------------------


def test_a_sweep_older_than_two_minutes_is_named(client, broker, seen):
    seen(sweep=timedelta(seconds=90))
    assert client.get(READY).status_code == 200
    seen(sweep=timedelta(seconds=120))
    response = client.get(READY)
    assert (response.status_code, response.json()) == (503, {"not_ready": ["sweep"]})


def test_a_helpline_that_has_never_swept_is_not_ready(client, broker, seen):
    Heartbeat.objects.filter(name="sweep").delete()
    assert client.get(READY).json() == {"not_ready": ["sweep"]}


def test_a_sweep_from_the_future_is_no_sign_of_life(client, broker, seen):
    """The clock was an hour ahead, was put back, and then the sweep died."""
    seen(sweep=-timedelta(hours=1))
    assert client.get(READY).json() == {"not_ready": ["sweep"]}


def test_a_reminder_due_for_over_five_minutes_is_named(client, broker, seen, reminder):
    late = reminder(timedelta(minutes=4))
    assert client.get(READY).status_code == 200
    Reminder.objects.update(due_at=late.due_at - timedelta(minutes=1))
    response = client.get(READY)
    assert (response.status_code, response.json()) == (503, {"not_ready": ["reminders"]})


@pytest.mark.parametrize(
    "fields",
    [
        {"next_try_at": lambda: database_now() + timedelta(minutes=2)},
        {"channel": "email"},
        {"failures": 2},
    ],
    ids=["put back because its channel is down", "by mail", "failed twice"],
)
def test_whatever_keeps_a_reminder_from_going_out_it_is_late(
    client, broker, seen, reminder, fields
):
    given = {name: value() if callable(value) else value for name, value in fields.items()}
    reminder(timedelta(minutes=6), **given)
    assert client.get(READY).json() == {"not_ready": ["reminders"]}


def test_one_in_a_workers_hands_is_not_late_until_its_lease_ends(client, broker, seen, reminder):
    held = reminder(timedelta(minutes=6), **leased(timedelta(seconds=30)))
    assert client.get(READY).status_code == 200
    Reminder.objects.filter(pk=held.pk).update(**leased(timedelta(seconds=-1)))
    assert client.get(READY).json() == {"not_ready": ["reminders"]}


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "void"},
        {"status": "dead"},
        # Never sent after its time, so nobody waits for it.
        {"channel": "text"},
    ],
)
def test_what_nobody_waits_for_is_not_late(client, broker, seen, reminder, fields):
    reminder(timedelta(hours=3), **fields)
    assert client.get(READY).status_code == 200


def test_the_switch_goes_by_the_databases_clock(client, broker, seen, reminder, frozen):
    """A web server whose own clock is a day off neither cries wolf nor sleeps."""
    reminder(timedelta(minutes=4))
    frozen.shift(timedelta(days=1))
    assert set(client.get(READY).json()["not_ready"]) == {"worker", "beat"}


@pytest.mark.parametrize("ahead", [timedelta(days=-1), timedelta(), timedelta(days=1)])
def test_a_request_nobody_let_in_for_two_minutes_is_named_by_the_clock_that_took_it(
    client, broker, seen, frozen, ahead
):
    """Whatever the database's clock says: the web server noted when the request came."""
    frozen.move_to(database_now() + ahead)
    seen()
    taken = {"source": "web", "status": "received", "due_at": timezone.now() + timedelta(hours=3)}
    request = open_callback(now=timezone.now() - timedelta(seconds=119), **taken)
    assert client.get(READY).json() == {"not_ready": []}
    frozen.shift(timedelta(seconds=1))
    assert client.get(READY).json() == {"not_ready": ["requests"]}
    Callback.objects.filter(pk=request.pk).update(status="held", held_because="ceiling")
    assert client.get(READY).json() == {"not_ready": []}


def test_a_request_from_the_future_is_not_taken_for_a_fresh_one(client, broker, seen):
    """It came while the clock was an hour ahead, and nobody has let it in."""
    taken = {"source": "web", "status": "received", "due_at": timezone.now() + timedelta(hours=3)}
    open_callback(now=timezone.now() + timedelta(hours=1), **taken)
    assert client.get(READY).json() == {"not_ready": ["requests"]}


def test_a_dead_database_is_asked_once(client, broker, monkeypatch):
    """Each question would cost the time-out of a connection."""
    from django.db import OperationalError, connection

    asked = []

    def fail(*args, **kwargs):
        asked.append(1)
        raise OperationalError

    monkeypatch.setattr(connection, "cursor", fail)
    client.get(READY)
    assert len(asked) == 1


# --- The other parts -----------------------------------------------------------------------------


def test_a_broker_that_does_not_answer_is_named(client, settings, seen):
    from tests.servers import free_port

    settings.BROKER_URL = f"redis://127.0.0.1:{free_port()}/0"
    response = client.get(READY)
    assert (response.status_code, response.json()) == (503, {"not_ready": ["broker"]})


def test_a_migration_not_run_is_named(client, broker, seen, monkeypatch):
    monkeypatch.setattr(health.MigrationExecutor, "migration_plan", lambda self, targets: ["one"])
    assert client.get(READY).json() == {"not_ready": ["database"]}


@pytest.mark.parametrize("error", ["OperationalError", "InterfaceError"])
def test_a_database_that_does_not_answer_is_named_with_no_details(
    client, broker, monkeypatch, error
):
    from django import db
    from django.db import connection

    def fail(*args, **kwargs):
        raise getattr(db, error)("password authentication failed for user helpline at 10.0.0.7")

    monkeypatch.setattr(connection, "cursor", fail)
    response = client.get(READY)
    assert response.status_code == 503
    assert response.json() == {
        "not_ready": ["database", "worker", "beat", "sweep", "reminders", "requests"],
    }


@pytest.mark.parametrize("address", [LIVE, READY])
def test_only_reading_is_allowed(client, address):
    assert client.post(address).status_code == 405


def test_a_unix_socket_is_spelled_as_the_client_library_wants_it(settings):
    settings.BROKER_URL = "redis+socket:///srv/helpline/valkey.sock"
    assert health.broker_url() == "unix:///srv/helpline/valkey.sock"
