"""Celery shells: read the clock, call one action, return nothing.

A task carries no more than an id and may be lost, late or repeated without harm: the rows are
the queue. The schedule is in ``helpline/celery.py``.
"""

import time

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from intake.actions import doorbell, events, insurance, searches, sweeping
from intake.models import Reminder

# One turn at a worker: then others are let in, and the bell is rung again. With every process of
# the worker busy with mail, an urgent notice waits no longer than this and a batch.
SLICE_SECONDS = 1.0


@shared_task
def sweep_desk() -> None:
    """Put every notice that is due on the desk."""
    _sweep(Reminder.Channel.IN_APP)


@shared_task
def sweep_mail() -> None:
    """Send every mail to staff that is due."""
    _sweep(Reminder.Channel.EMAIL)


@shared_task
def sweep_texts() -> None:
    """Send every text to a caller that is due."""
    _sweep(Reminder.Channel.TEXT)


def _sweep(channel: str) -> None:
    if sweeping.sweep(channels=[channel], seconds=SLICE_SECONDS, monotonic=time.monotonic):
        doorbell.ring(doorbell.BELLS[channel])


@shared_task
def heartbeat() -> None:
    """Arrived, so beat, broker and worker are alive."""
    sweeping.beat(names=("beat", "worker"), now=timezone.now())


@shared_task
def seal_events() -> None:
    """Chain the events written since the last run, or as many as one turn allows."""
    give_up_at = time.monotonic() + SLICE_SECONDS
    while events.seal(now=timezone.now()) == events.SEAL_BATCH:
        if time.monotonic() > give_up_at:
            return


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
