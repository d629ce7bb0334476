"""The doorbell: what is due now goes out at once, and a broker that is down costs next to nothing."""

import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import connection, transaction

from helpline.celery import app
from intake import tasks
from intake.actions import delivery, doorbell, reminders, sweeping
from intake.models import Callback, Heartbeat, Notice, Reminder
from tests import patience
from tests.casting import maria, open_callback
from tests.servers import ROOT, child_environment, database_url, free_port

DESK, MAIL = "intake.tasks.sweep_desk", "intake.tasks.sweep_mail"
WITHIN_SECONDS = 2
# Of so many tries one has to be quick: a busy machine makes some of them slow, a defect makes all.
TRIES = 9
# Far more than it takes; a busy machine is no failure.
READY_WITHIN_SECONDS = 180


@pytest.fixture(autouse=True)
def _no_silence(monkeypatch):
    monkeypatch.setattr(doorbell, "_silent_until", 0.0)


@pytest.fixture
def rung(monkeypatch):
    """What was rung, instead of ringing."""
    heard = []
    monkeypatch.setattr(doorbell, "_ring", heard.append)
    return heard


@pytest.fixture
def patient(monkeypatch):
    """A broker that is there may take its time: this machine may be busy."""
    monkeypatch.setattr(doorbell, "PATIENCE_SECONDS", patience.SECONDS)


@pytest.fixture
def clock(db):
    return delivery.database_now()


def promised(clock, *, due_in=timedelta(), **fields):
    callback = open_callback(due_at=clock + due_in, now=clock, **fields)
    reminders.plan(callback=callback, now=clock)
    return callback


# --- When it rings -------------------------------------------------------------------------------


def test_what_is_due_now_rings_each_bell_once_after_the_commit(
    clock, rung, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        for number in range(3):
            promised(clock, person=maria(phone=f"+1202555015{number}"))
        assert rung == []
    assert sorted(rung) == [DESK, MAIL]


def test_what_is_due_later_waits_for_the_sweep(clock, rung, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        promised(clock, due_in=timedelta(hours=1))
    assert rung == []


@pytest.mark.django_db(transaction=True)
def test_what_was_rolled_back_rings_nothing(rung):
    clock = delivery.database_now()

    def promise_and_fail():
        with transaction.atomic():
            promised(clock)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        promise_and_fail()
    with transaction.atomic():
        with pytest.raises(ZeroDivisionError):
            promise_and_fail()
        open_callback(due_at=clock, now=clock)
    assert rung == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("depth", [1, 2])
def test_a_bell_that_was_rolled_back_silences_no_later_one(rung, depth):
    """Each bell rings once a transaction; which of them rings must not hang on one undone."""
    clock = delivery.database_now()

    def promise_and_fail(deeper):
        with transaction.atomic():
            if deeper:
                with transaction.atomic():
                    promised(clock)
            else:
                promised(clock)
            raise ZeroDivisionError

    with transaction.atomic():
        with pytest.raises(ZeroDivisionError):
            promise_and_fail(depth == 2)
        promised(clock)
    assert sorted(rung) == [DESK, MAIL]


def test_a_revived_reminder_rings(clock, rung, supervisor, django_capture_on_commit_callbacks):
    callback = promised(clock, due_in=timedelta(hours=1))
    row = callback.reminders.get(stage="due", channel="email")
    Reminder.objects.filter(pk=row.pk).update(status="dead")
    with django_capture_on_commit_callbacks(execute=True):
        reminders.revive(reminder=row, by=supervisor, now=clock)
    assert rung == [MAIL]


@pytest.mark.parametrize(("is_more", "bells"), [(True, [DESK]), (False, [])])
def test_a_sweep_that_ran_out_of_time_rings_for_the_next(rung, monkeypatch, is_more, bells):
    monkeypatch.setattr(sweeping, "sweep", lambda **options: is_more)
    tasks.sweep_desk()
    assert rung == bells


def test_every_bell_has_its_task():
    app.loader.import_default_modules()
    assert set(doorbell.BELLS) == set(Reminder.Channel.values)
    assert set(doorbell.BELLS.values()) <= set(app.tasks)


# --- The broker is down --------------------------------------------------------------------------


@contextmanager
def deaf_broker():
    """It takes the connection and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@contextmanager
def dead_broker():
    yield free_port()


@pytest.mark.parametrize("broker", [dead_broker, deaf_broker])
def test_a_broker_that_is_down_costs_a_moment_once_and_no_error(monkeypatch, broker):
    with broker() as port:
        monkeypatch.setattr(app.conf, "broker_url", f"redis://127.0.0.1:{port}/0")
        doorbell.ring(DESK)  # Celery imports its transport the first time.
        # Twice what it promises.
        assert any(cost_of_a_ring(monkeypatch) < 0.4 for _try in range(TRIES))
        tried = []
        monkeypatch.setattr(doorbell, "_ring", tried.append)
        for _each in range(50):
            doorbell.ring(MAIL)
    assert tried == []


def cost_of_a_ring(monkeypatch):
    """While nobody knows yet that the broker is down."""
    monkeypatch.setattr(doorbell, "_silent_until", 0.0)
    began = time.monotonic()
    doorbell.ring(MAIL)
    assert doorbell._silent_until > began
    return time.monotonic() - began


@pytest.mark.usefixtures("patient")
def test_a_broker_that_was_restarted_hears_the_next_ring(monkeypatch, valkey, broker_url):
    """The line is kept open between two rings, and its other end may be gone."""
    monkeypatch.setattr(app.conf, "broker_url", broker_url)
    queue = valkey.client(int(broker_url.rpartition("/")[2]))
    for rings in (1, 2):
        doorbell.ring(DESK)
        assert queue.llen("celery") == rings
    # Those of this test alone: others share the server.
    lines = [one["id"] for one in queue.client_list() if one["db"] == broker_url.rpartition("/")[2]]
    for line in set(lines) - {str(queue.client_id())}:
        queue.client_kill_filter(_id=line)
    doorbell.ring(DESK)
    assert queue.llen("celery") == 3
    assert doorbell._silent_until == 0.0


@pytest.mark.usefixtures("patient")
def test_a_line_that_broke_is_replaced_before_anybody_calls_the_broker_down(
    monkeypatch, valkey, broker_url
):
    monkeypatch.setattr(app.conf, "broker_url", broker_url)
    doorbell.ring(DESK)
    broken, send = doorbell._line, doorbell._send

    def fails_on_the_old_one(task, line):
        if line is broken:
            raise ConnectionError
        send(task, line)

    monkeypatch.setattr(doorbell, "_send", fails_on_the_old_one)
    doorbell.ring(DESK)
    assert valkey.client(int(broker_url.rpartition("/")[2])).llen("celery") == 2
    assert doorbell._line is not broken
    assert doorbell._silent_until == 0.0


@pytest.mark.usefixtures("patient")
def test_a_line_of_another_process_or_to_another_broker_is_not_used(monkeypatch, broker_url):
    monkeypatch.setattr(app.conf, "broker_url", broker_url)
    doorbell.ring(DESK)
    line = doorbell._line
    assert line.is_ours()
    assert not replace(line, process=1).is_ours()
    monkeypatch.setattr(app.conf, "broker_url", "redis://127.0.0.1:1/0")
    assert not line.is_ours()


def test_after_a_while_of_silence_it_is_tried_again(rung, monkeypatch):
    at = time.monotonic()
    monkeypatch.setattr(doorbell, "_silent_until", at + doorbell.SILENCE_SECONDS)
    monkeypatch.setattr(doorbell, "time", SimpleNamespace(monotonic=lambda: at))
    doorbell.ring(DESK)
    assert rung == []
    at += doorbell.SILENCE_SECONDS
    doorbell.ring(DESK)
    assert rung == [DESK]


@pytest.mark.django_db(transaction=True)
def test_a_promise_is_kept_though_no_bell_can_ring(monkeypatch):
    monkeypatch.setattr(app.conf, "broker_url", f"redis://127.0.0.1:{free_port()}/0")
    clock = delivery.database_now()
    with transaction.atomic():
        callback = promised(clock, urgency=Callback.Urgency.URGENT)
    assert callback.reminders.filter(status="planned").exists()
    sweeping.sweep(seconds=20, monotonic=time.monotonic)
    assert Notice.objects.count() == 1


# --- With a real worker --------------------------------------------------------------------------


@pytest.fixture
def worker(broker_url, tmp_path, transactional_db, monkeypatch, patient):
    """A worker alone: no beat and no sweeper, so that only a bell moves anything."""
    monkeypatch.setattr(app.conf, "broker_url", broker_url)
    command = [sys.executable, "-m", "celery", "--quiet", "--app", "helpline", "worker"]
    with (tmp_path / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--concurrency", "2", "--without-gossip", "--without-mingle"],
            cwd=ROOT,
            env=child_environment(
                DATABASE_URL=database_url(connection),
                REDIS_URL=broker_url,
                HELPLINE_DATA=tmp_path,
                HELPLINE_STAFF_EMAIL="desk@example.org",
            ),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    began = time.monotonic()
    while not Heartbeat.objects.filter(name="sweep").exists():
        assert time.monotonic() - began < READY_WITHIN_SECONDS, "the worker did not start"
        doorbell.ring(DESK)
        time.sleep(0.5)
    yield process
    process.terminate()
    try:
        process.wait(patience.SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def sent_within(callback, seconds):
    """How long until notice and mail of a promise due now were sent."""
    began = time.monotonic()
    sent = callback.reminders.filter(stage="due", status="sent")
    while sent.count() < 2:
        if time.monotonic() - began > seconds:
            return seconds
        time.sleep(0.02)
    return time.monotonic() - began


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_an_urgent_reminder_goes_out_within_two_seconds(worker):
    def promise(number):
        with transaction.atomic():
            person = maria(phone=f"+1202555015{number}")
            return promised(delivery.database_now(), person=person, urgency="urgent")

    # No clock but the bell runs here.
    assert any(sent_within(promise(number), 10) < WITHIN_SECONDS for number in range(TRIES))
