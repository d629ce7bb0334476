"""The Celery app and the beat schedule.

The database rows are the queue (docs/decisions/0001-rows-are-the-queue.md). Celery is the clock
that rings: any message may be lost, late or doubled without harm.
"""

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, setup_logging, worker_init
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "helpline.settings")

HOUR = 3600.0

app = Celery("helpline")


def every(seconds: float, task: str) -> dict[str, Any]:
    """A tick that nobody took before the next one is due is thrown away: ticks never pile up."""
    return {
        "task": f"intake.tasks.{task}",
        "schedule": seconds,
        "options": {"expires": seconds},
    }


def configuration() -> dict[str, Any]:
    return {
        "broker_url": settings.BROKER_URL,
        # State lives in rows, never in a result backend.
        "result_backend": None,
        "task_ignore_result": True,
        "accept_content": ["json"],
        "task_serializer": "json",
        "enable_utc": True,
        "timezone": "UTC",
        # A killed worker's messages come back: late ack, one at a time, short visibility, quick
        # restore. (Without the last two options a restore takes about 100 s.)
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "worker_prefetch_multiplier": 1,
        "task_soft_time_limit": 60,
        "task_time_limit": 90,
        "broker_transport_options": {
            "visibility_timeout": 120,
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            "socket_timeout": 10,
            "socket_connect_timeout": 2,
            "socket_keepalive": True,
            "health_check_interval": 25,
        },
        "broker_connection_timeout": 2,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        # With late ack a task whose connection is gone is redelivered; the row decides who wins.
        "worker_cancel_long_running_tasks_on_connection_loss": True,
        "worker_max_tasks_per_child": 1000,
        "worker_send_task_events": False,
        "worker_redirect_stdouts": False,
        # A broker that is down costs a caller a tenth of a second, not a minute.
        "task_publish_retry_policy": {"max_retries": 1, "interval_start": 0, "interval_step": 0.1},
        "beat_schedule_filename": str(settings.HELPLINE_DATA / "beat-schedule"),
        "beat_schedule": {
            # A bell for each way of reaching people: a slow mail server never holds up the desk.
            "sweep-desk": every(settings.REMINDER_SWEEP_SECONDS, "sweep_desk"),
            "sweep-mail": every(settings.REMINDER_SWEEP_SECONDS, "sweep_mail"),
            "sweep-texts": every(settings.REMINDER_SWEEP_SECONDS, "sweep_texts"),
            "seal-events": every(5.0, "seal_events"),
            "publish-audit-head": every(HOUR, "publish_audit_head"),
            "expire-insurance-checks": every(HOUR / 4, "expire_insurance_checks"),
            "forget-searches": every(HOUR, "forget_searches"),
            "beat-heartbeat": every(5.0, "heartbeat"),
        },
    }


app.add_defaults(configuration)
app.autodiscover_tasks(["intake"])


@setup_logging.connect
def use_django_logging(**kwargs: Any) -> None:
    """Having a receiver keeps Celery from setting up its own log, which prints exception texts."""


@worker_init.connect
@beat_init.connect
def refuse_a_broken_set_up(**kwargs: Any) -> None:
    from helpline.reporting import install_hooks
    from helpline.startup import stop_on_errors

    install_hooks()
    stop_on_errors()
