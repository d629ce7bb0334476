"""Alive, and ready: what a machine may ask."""

from datetime import timedelta

import pytest
from django.utils import timezone

from helpline import health
from intake.models import Heartbeat

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
    """Worker and beat were seen this long ago."""

    def stamp(**ages):
        for name in ("worker", "beat"):
            seen_at = timezone.now() - ages.get(name, timedelta())
            Heartbeat.objects.update_or_create(name=name, defaults={"seen_at": seen_at})

    stamp()
    return stamp


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


def test_a_broker_that_does_not_answer_is_named(client, settings, seen):
    from tests.servers import free_port

    settings.BROKER_URL = f"redis://127.0.0.1:{free_port()}/0"
    response = client.get(READY)
    assert (response.status_code, response.json()) == (503, {"not_ready": ["broker"]})


def test_a_migration_not_run_is_named(client, broker, seen, monkeypatch):
    monkeypatch.setattr(health.MigrationExecutor, "migration_plan", lambda self, targets: ["one"])
    assert client.get(READY).json() == {"not_ready": ["database"]}


def test_a_database_that_does_not_answer_is_named_with_no_details(client, broker, monkeypatch):
    from django.db import OperationalError, connection

    def fail(*args, **kwargs):
        raise OperationalError("password authentication failed for user helpline at 10.0.0.7")

    monkeypatch.setattr(connection, "cursor", fail)
    response = client.get(READY)
    assert response.status_code == 503
    assert response.json() == {"not_ready": ["database", "worker", "beat"]}


@pytest.mark.parametrize("address", [LIVE, READY])
def test_only_reading_is_allowed(client, address):
    assert client.post(address).status_code == 405


def test_a_unix_socket_is_spelled_as_the_client_library_wants_it(settings):
    settings.BROKER_URL = "redis+socket:///srv/helpline/valkey.sock"
    assert health.broker_url() == "unix:///srv/helpline/valkey.sock"
