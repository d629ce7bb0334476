"""Celery shells: read the clock, call one action, return nothing.

A task carries no more than an id and may be lost, late or repeated without harm: the rows are
the queue. The schedule is in ``helpline/celery.py``.
"""

import time

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from intake.actions import events, insurance, reminders, searches

# Inside the soft time limit of a task, with room for the last batch.
SWEEP_SECONDS = 40.0


@shared_task
def sweep_reminders() -> None:
    """Deliver every reminder that is due."""
    reminders.sweep(seconds=SWEEP_SECONDS, monotonic=time.monotonic)


@shared_task
def heartbeat() -> None:
    """Arrived, so beat, broker and worker are alive."""
    reminders.beat(names=("beat", "worker"), now=timezone.now())


@shared_task
def seal_events() -> None:
    """Chain the events written since the last run."""
    while events.seal(now=timezone.now()) == events.SEAL_BATCH:
        pass


@shared_task
def publish_audit_head() -> None:
    """Write the newest seal to a file outside the database."""
    events.publish_head(folder=settings.HELPLINE_DATA, now=timezone.now())


@shared_task
def expire_insurance_checks() -> None:
    """Stop old insurance answers from being believed."""
    insurance.expire_due(now=timezone.now())


@shared_task
def forget_searches() -> None:
    """Delete staff searches older than a shift."""
    searches.forget_old(now=timezone.now())
