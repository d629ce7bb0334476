"""Start-up checks: a set-up that would break a promise does not start."""

import logging
from datetime import UTC, datetime, timedelta

import pytest
from django.core import checks
from django.db import DatabaseError

from helpline import startup
from intake.models import Heartbeat, Reminder
from intake.models.clock import database_now
from intake.reports import watch
from tests.casting import open_callback

pytestmark = [pytest.mark.once, pytest.mark.django_db]


def ids():
    return {found.id for found in checks.run_checks()}


def test_the_tests_own_set_up_is_sound():
    assert {found.id for found in startup.errors()} == set()


def test_a_batch_of_mails_and_of_texts_fits_into_the_lease_as_it_comes(settings):
    settings.TEXT_GATEWAY = "console"
    assert {"helpline.E005", "helpline.W004"} & ids() == set()


def test_the_check_of_the_lease_knows_what_the_engine_leaves_for_the_last(settings, monkeypatch):
    from intake import checks as ours
    from intake.actions import delivery
    from intake.channels import email

    begun, patience = [], []
    monkeypatch.setattr(delivery, "deliver", lambda **given: bool(begun.append(given)))
    monkeypatch.setattr(delivery, "put_back", lambda **given: None)
    for share in (ours.LAST_SHARE + 0.01, ours.LAST_SHARE - 0.01):
        left = share * settings.REMINDER_LEASE_SECONDS
        delivery._deliver_each([Reminder()], lambda left=left: left, lambda: False)
    assert len(begun) == 1
    monkeypatch.setattr(email, "_open", patience.append)
    email.Mailer(lambda: 0)._opened()
    assert patience == [ours.LEAST_TIMEOUT]


@pytest.mark.parametrize(
    ("found", "wrong"),
    [
        ("helpline.E001", {"EMAIL_TIMEOUT": None}),
        ("helpline.E001", {"EMAIL_TIMEOUT": 300}),
        ("helpline.E002", {"SESSION_IDLE_SECONDS": 7200}),
        ("helpline.E003", {"SESSION_COOKIE_AGE": 14 * 24 * 3600}),
        ("helpline.E004", {"PRODUCTION": True, "DEBUG": True}),
        ("helpline.E005", {"REMINDER_LEASE_SECONDS": 2}),
        ("helpline.E005", {"REMINDER_LEASE_SECONDS": 59, "TEXT_GATEWAY": "console"}),
        ("helpline.W004", {"REMINDER_LEASE_SECONDS": 39}),
        ("helpline.W001", {"PRODUCTION": True, "EMAIL_BACKEND": "x.filebased.EmailBackend"}),
        ("helpline.W005", {"PRODUCTION": True, "TRUSTED_PROXIES": 0}),
    ],
)
def test_a_set_up_that_breaks_a_promise_is_found(settings, found, wrong):
    assert found not in ids()
    for name, value in wrong.items():
        setattr(settings, name, value)
    assert found in ids()


# --- Late promises: said at every start, and never a reason not to start --------------------------


@pytest.fixture
def swept(db):
    """The last sweep was so long ago."""

    def ago(age):
        Heartbeat.objects.update_or_create(name="sweep", defaults={"seen_at": database_now() - age})

    return ago


def plan_due(due_at):
    callback = open_callback(due_at=due_at, now=due_at)
    return Reminder.objects.create(
        callback=callback, channel="in_app", stage="due", due_at=due_at, next_try_at=due_at
    )


def warnings():
    found = checks.run_checks(tags=[checks.Tags.database], databases=["default"])
    assert [one for one in found if one.level >= checks.ERROR] == []
    return {one.id: one.msg for one in found}


def test_a_first_start_has_nothing_to_warn_of(db):
    assert warnings() == {}


def test_a_sweep_that_stood_still_is_said_with_its_time(swept):
    swept(timedelta(seconds=100))
    assert warnings() == {}
    swept(timedelta(minutes=3))
    since = f"{watch.swept_at():%Y-%m-%d %H:%M} UTC"
    assert warnings() == {"helpline.W002": f"Nobody has looked for due reminders since {since}."}


def test_late_reminders_are_counted_and_the_oldest_dated(swept):
    swept(timedelta())
    plan_due(datetime(2026, 3, 10, 9, 30, tzinfo=UTC))
    assert warnings() == {
        "helpline.W003": "1 reminder is late: it was due at 2026-03-10 09:30 UTC."
    }
    plan_due(datetime(2026, 3, 10, 9, 15, tzinfo=UTC))
    plan_due(database_now() - timedelta(minutes=4))
    assert warnings() == {
        "helpline.W003": "2 reminders are late: the oldest was due at 2026-03-10 09:15 UTC."
    }


def test_a_database_that_is_not_migrated_yet_is_no_reason_to_warn(monkeypatch):
    def fail():
        raise DatabaseError("relation intake_heartbeat does not exist")

    monkeypatch.setattr(watch, "swept_at", fail)
    assert warnings() == {}


def test_without_a_database_asked_for_nothing_is_looked_up(django_assert_num_queries):
    with django_assert_num_queries(0):
        checks.run_checks(tags=[checks.Tags.database])


def test_what_serves_logs_it_and_starts(swept, monkeypatch, caplog):
    # Closing the connection would end the transaction of the test.
    monkeypatch.setattr(startup.connections, "close_all", lambda: None)
    swept(timedelta(hours=3))
    plan_due(database_now() - timedelta(hours=2))
    with caplog.at_level(logging.WARNING):
        startup.stop_on_errors()
    ids = [record.getMessage().partition(":")[0] for record in caplog.records]
    assert ids == ["helpline.W002", "helpline.W003"]


def test_check_shows_it_and_ends_well(swept, capsys):
    from django.core.management import call_command

    swept(timedelta(hours=3))
    call_command("check", databases=["default"])
    assert "helpline.W002" in capsys.readouterr().err


# --- Errors --------------------------------------------------------------------------------------


def test_serving_stops_with_a_line_per_error(settings, capsys):
    settings.EMAIL_TIMEOUT = None
    settings.SECRET_KEY_IS_TEMPORARY = True
    with pytest.raises(SystemExit) as stopped:
        startup.stop_on_errors()
    assert stopped.value.code == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "The helpline does not start:"
    assert any(line.startswith("helpline.E001") for line in lines)
    assert any("SECRET_KEY" in line for line in lines)


def test_serving_stops_with_a_key_ring_of_another_database(settings, capsys, monkeypatch):
    from intake.crypto.keyring import forget_keyring

    # Closing the connection would end the transaction of the test.
    monkeypatch.setattr(startup.connections, "close_all", lambda: None)
    startup.stop_on_errors()
    settings.HELPLINE_KEYS = settings.HELPLINE_KEYS.replace("LS0t", "LS0u")
    forget_keyring()
    with pytest.raises(SystemExit):
        startup.stop_on_errors()
    forget_keyring()
    assert "not the" in capsys.readouterr().err


def test_djangos_own_deployment_checks_are_content_in_production(tmp_path):
    import subprocess
    import sys

    from tests.servers import ROOT, child_environment

    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env=child_environment(
            PRODUCTION="1",
            BASE_URL="https://help.example.org",
            EMAIL_URL="smtp://mail.example.org:25",
            REDIS_URL="redis://redis:6379/0",
            TRUSTED_PROXIES="1",
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
