"""The clock: which bell rings when, and how a message travels."""

import inspect

import pytest

from helpline.celery import app

pytestmark = pytest.mark.once

SCHEDULE = app.conf.beat_schedule


@pytest.fixture(scope="module", autouse=True)
def tasks():
    app.loader.import_default_modules()


def ours():
    return {name: task for name, task in app.tasks.items() if name.startswith("intake.")}


def test_every_bell_rings_a_task_and_every_task_has_a_bell(tasks):
    assert {entry["task"] for entry in SCHEDULE.values()} == set(ours())


@pytest.mark.parametrize("name", SCHEDULE)
def test_a_tick_expires_when_the_next_is_due(name):
    entry = SCHEDULE[name]
    assert entry["options"]["expires"] == entry["schedule"]
    assert "countdown" not in entry["options"]
    assert "eta" not in entry["options"]


def test_a_task_takes_an_id_at_most_and_returns_nothing(tasks):
    for name, task in ours().items():
        signature = inspect.signature(task.run)
        assert len(signature.parameters) <= 1, name
        assert signature.return_annotation in (None, "None"), name


def test_messages_survive_a_killed_worker():
    """Each of these was measured; see docs/decisions/0001-rows-are-the-queue.md."""
    conf = app.conf
    assert conf.task_acks_late
    assert conf.task_reject_on_worker_lost
    assert conf.worker_prefetch_multiplier == 1
    options = conf.broker_transport_options
    assert options["visibility_timeout"] > conf.task_time_limit
    assert (options["unacked_restore_interval"], options["unacked_restore_throttle"]) == (5, 1)


def test_nothing_but_json_and_no_results():
    assert app.conf.accept_content == ["json"]
    assert app.conf.result_backend is None
    assert app.conf.task_ignore_result


def test_a_reminder_taken_before_a_hard_stop_is_free_again_soon_after(settings):
    assert app.conf.task_soft_time_limit < app.conf.task_time_limit
    assert app.conf.task_soft_time_limit >= settings.REMINDER_LEASE_SECONDS


def test_a_broker_that_is_down_is_noticed_at_once():
    import time

    from kombu.exceptions import OperationalError

    from tests.servers import free_port

    def seconds_lost():
        began = time.monotonic()
        with (
            app.connection_for_write(url=f"redis://127.0.0.1:{free_port()}/0") as connection,
            pytest.raises(OperationalError),
        ):
            app.send_task("intake.tasks.heartbeat", connection=connection)
        return time.monotonic() - began

    # The first imports its transport; and on a busy machine not each is quick.
    assert any(seconds_lost() < 3 for _try in range(5))


def test_celery_leaves_the_log_to_django():
    from celery.signals import setup_logging

    assert setup_logging.receivers
