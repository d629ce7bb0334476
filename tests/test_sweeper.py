"""`manage.py sweep`: promises are kept by its clock alone, through whatever happens round it."""

import signal
import sqlite3
import subprocess
import sys
import time
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import OperationalError, connection

from intake.actions import delivery, one_writer, reminders, sweeping
from intake.management.commands.sweep import Sweeper
from intake.models import Heartbeat, Notice, Reminder
from tests.casting import maria, open_callback
from tests.servers import ROOT, child_environment, database_url, free_port

# Far more than it takes; a busy machine is no failure.
WITHIN_SECONDS = 120


class Process:
    """A running `manage.py sweep`, with no broker anywhere."""

    def __init__(self, folder, **environment):
        self.log = folder / "sweeper.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "django", "sweep"],
                cwd=ROOT,
                env=child_environment(
                    DATABASE_URL=database_url(connection),
                    HELPLINE_DATA=folder,
                    HELPLINE_STAFF_EMAIL="desk@example.org",
                    REDIS_URL=f"redis://127.0.0.1:{free_port()}/0",
                    REMINDER_SWEEP_SECONDS=1,
                    PYTHONPATH=ROOT,
                    **environment,
                ),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_for(self, condition):
        deadline = time.monotonic() + WITHIN_SECONDS
        while not condition():
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            assert time.monotonic() < deadline, self.log.read_text()[-3000:]
            time.sleep(0.1)

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(WITHIN_SECONDS)


@pytest.fixture
def sweeper(tmp_path, transactional_db):
    one = Process(tmp_path)
    yield one
    if one.process.poll() is None:
        one.process.kill()
        one.process.wait()


def promised(number=0, due_in=timedelta()):
    clock = delivery.database_now()
    callback = open_callback(
        due_at=clock + due_in, now=clock, person=maria(phone=f"+1202555015{number}")
    )
    reminders.plan(callback=callback, now=clock)
    return callback


def is_sent(callback):
    return callback.reminders.filter(stage="due", status="sent").count() == 2


@pytest.mark.slow
def test_it_delivers_without_any_broker_gives_signs_of_life_and_ends_when_told(sweeper):
    callback = promised()
    sweeper.wait_for(lambda: is_sent(callback))
    ahead = promised(1, due_in=timedelta(seconds=3))
    sweeper.wait_for(lambda: is_sent(ahead))
    sweeper.wait_for(lambda: Heartbeat.objects.filter(name__in=["sweep", "sweeper"]).count() == 2)
    assert sweeper.stop() == 0, sweeper.log.read_text()
    assert "Traceback" not in sweeper.log.read_text()


@pytest.mark.slow
@pytest.mark.postgresql
def test_it_outlives_its_connections_to_the_database(sweeper):
    """What a restart of PostgreSQL does to it; the restart itself is in tests/crash."""
    sweeper.wait_for(lambda: Heartbeat.objects.filter(name="sweeper").exists())
    with connection.cursor() as cursor:
        for _time in range(3):
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            time.sleep(0.3)
    callback = promised()
    sweeper.wait_for(lambda: is_sent(callback))
    assert sweeper.stop() == 0


@pytest.mark.slow
@pytest.mark.once
def test_it_waits_for_a_database_that_is_locked(sweeper):
    sweeper.wait_for(lambda: Heartbeat.objects.filter(name="sweeper").exists())
    writer = sqlite3.connect(
        connection.settings_dict["NAME"], timeout=WITHIN_SECONDS, isolation_level=None
    )
    writer.execute("BEGIN IMMEDIATE")
    time.sleep(3)
    writer.execute("COMMIT")
    writer.close()
    callback = promised()
    sweeper.wait_for(lambda: is_sent(callback))
    assert sweeper.stop() == 0


@pytest.mark.slow
@pytest.mark.postgresql
def test_started_before_the_database_it_waits_and_can_be_told_to_stop(tmp_path, monkeypatch):
    nobody = f"postgres://helpline:x@127.0.0.1:{free_port()}/helpline"
    monkeypatch.setattr("tests.test_sweeper.database_url", lambda connection: nobody)
    early = Process(tmp_path)
    early.wait_for(lambda: early.log.read_text().count("does not answer yet") >= 2)
    assert early.stop() == 0, early.log.read_text()


# --- In this process -----------------------------------------------------------------------------


@pytest.fixture
def running(monkeypatch):
    """A Sweeper whose sweeps are `sweeps[channel]`, until the test stops it."""
    monkeypatch.setattr("intake.management.commands.sweep.AFTER_TROUBLE_SECONDS", 0.01)
    monkeypatch.setattr("intake.management.commands.sweep.GLANCE_SECONDS", 0.01)
    monkeypatch.setattr(sweeping, "rest_before_the_next", lambda **options: 0.01)
    return Sweeper()


def test_a_sweep_that_fails_is_not_the_last(running, monkeypatch):
    rounds = []

    def sweep(*, channels, **options):
        rounds.append(channels[0])
        if rounds.count("in_app") >= 4 and rounds.count("email") >= 4:
            running.stop()
        raise OperationalError

    monkeypatch.setattr(sweeping, "sweep", sweep)
    assert running.run() is True


def test_it_begins_when_the_database_answers(running, monkeypatch):
    answers = iter([OperationalError, OperationalError, None])

    def answer():
        if error := next(answers):
            raise error

    monkeypatch.setattr(connection, "ensure_connection", answer)
    monkeypatch.setattr(connection, "close", lambda: None)
    running.wait_for_the_database()
    assert list(answers) == []


def test_a_slow_channel_holds_up_no_other(running, monkeypatch):
    rounds = []

    def sweep(*, channels, stopping, **options):
        rounds.append(channels[0])
        if rounds.count("in_app") >= 5:
            running.stop()
        while channels == ["email"] and not stopping():
            time.sleep(0.01)
        return False

    monkeypatch.setattr(sweeping, "sweep", sweep)
    assert running.run() is True
    assert rounds.count("email") == 1


def test_a_thread_that_ends_by_itself_ends_the_process_so_that_it_is_started_anew(
    running, monkeypatch
):
    monkeypatch.setattr(sweeping, "sweep", lambda **options: False)
    monkeypatch.setattr(running, "rest", lambda seconds: time.sleep(0.01))
    keep = running.keep_sweeping
    monkeypatch.setattr(
        running, "keep_sweeping", lambda channel: channel == "email" or keep(channel)
    )
    assert running.run() is False


@pytest.mark.django_db
def test_it_rests_until_the_next_reminder_falls_due(agent):
    clock = delivery.database_now()
    rests = sweeping.rest_before_the_next
    assert rests(channel="in_app", most=10) == 10
    callback = open_callback(due_at=clock, now=clock)
    row = callback.reminders.create(
        stage="due",
        channel="in_app",
        due_at=clock + timedelta(seconds=600),
        next_try_at=clock + timedelta(seconds=600),
    )
    assert rests(channel="in_app", most=10) == 10
    assert 0 < rests(channel="in_app", most=1000) <= 600
    assert rests(channel="in_app", most=0.001) == 0.001
    assert rests(channel="email", most=10) == 10
    row.delete()
    assert rests(channel="in_app", most=10) == 10


@pytest.mark.django_db
def test_mails_nobody_can_be_told_of_are_put_away_together_and_the_others_go_out(
    agent, settings, mailoutbox, django_assert_max_num_queries
):
    """On a desk without mail that is every one of them: each alone would keep a writer busy."""
    settings.HELPLINE_STAFF_EMAIL = ""
    agent.email = "agent@example.org"
    agent.save()
    clock = delivery.database_now()
    person = maria()
    for number in range(21):
        open_callback(
            due_at=clock, now=clock, person=person, owner=agent if number == 7 else None
        ).reminders.create(stage="due", channel="email", due_at=clock, next_try_at=clock)
    batch = delivery.claim(channel="email", limit=25)
    with django_assert_max_num_queries(16):
        delivery.deliver_batch(batch=batch, left=lambda: 60)
    told = Reminder.objects.filter(callback__owner=agent)
    assert [one.to for one in mailoutbox] == [["agent@example.org"]]
    assert set(told.values_list("status", flat=True)) == {"sent"}
    others = Reminder.objects.exclude(callback__owner=agent)
    assert set(others.values_list("status", "lease_token")) == {("void", None)}


@pytest.mark.parametrize(("vendor", "parts"), [("sqlite", [50, 50, 20]), ("postgresql", [120])])
@pytest.mark.django_db
def test_on_sqlite_the_sweep_writes_in_parts_and_rests_between_them(monkeypatch, vendor, parts):
    database = SimpleNamespace(vendor=vendor, in_atomic_block=False)
    monkeypatch.setattr(one_writer, "connection", database)
    rests, claimed, left = [], [], [120]

    def claim(*, channel, limit):
        claimed.append(min(limit, left[0]))
        left[0] -= claimed[-1]
        return [None] * claimed[-1]

    monkeypatch.setattr(one_writer.time, "sleep", rests.append)
    monkeypatch.setattr(delivery, "claim", claim)
    monkeypatch.setattr(delivery, "deliver_batch", lambda **options: None)
    turn = sweeping.Turn(60, lambda: 0.0, lambda: False)
    while sweeping._deliver_some(sweeping.CHANNELS["in_app"], turn):
        pass
    assert [one for one in claimed if one] == parts
    assert len(rests) == (len(parts) if vendor == "sqlite" else 0)
    assert all(0 <= one <= one_writer.MOST_COURTESY_SECONDS for one in rests)


@pytest.mark.django_db
def test_only_the_sweep_of_the_desk_speaks_for_the_process(running):
    assert running.names("in_app") == ("sweep", "sweeper")
    assert running.names("email") == ("sweep",)
    sweeping.sweep(
        channels=["email"], seconds=1, monotonic=time.monotonic, names=running.names("email")
    )
    assert list(Heartbeat.objects.values_list("name", flat=True)) == ["sweep"]


@pytest.mark.django_db(transaction=True)
def test_two_sweepers_at_once_double_nothing():
    clock = delivery.database_now()
    person = maria()
    for number in range(30):
        open_callback(
            due_at=clock - timedelta(seconds=number), now=clock, person=person
        ).reminders.create(stage="due", channel="in_app", due_at=clock, next_try_at=clock)
    two = Sweeper(), Sweeper()

    def done(*, channels, **options):
        answer = sweep(channels=channels, **options)
        if Notice.objects.count() == 30:
            for one in two:
                one.stop()
        return answer

    sweep = sweeping.sweep
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweeping, "sweep", done)
        from tests.racing import at_once

        assert at_once(two[0].run, two[1].run) == ["done", "done"]
    assert Notice.objects.count() == 30
