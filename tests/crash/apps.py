"""What distinguishes a process under test from one in use; read from the settings."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import time_machine
from django.apps import AppConfig
from django.conf import settings


class CrashConfig(AppConfig):
    name = "tests.crash"
    label = "crash"

    def ready(self):
        if settings.CRASH_BATCH_SIZE:
            lease_few_at_once(settings.CRASH_BATCH_SIZE)
        if settings.CRASH_TOKENS:
            from tests.crash import fail_points

            fail_points.arm(Path(settings.CRASH_TOKENS))
        if settings.CRASH_CLOCK_SHIFT:
            shift_the_clock(settings.CRASH_CLOCK_SHIFT)


def lease_few_at_once(number):
    """So that one kill takes few reminders with it, and the next kill finds others."""
    from intake.channels import CHANNELS

    for channel in CHANNELS.values():
        assert channel.batch_size > 0
        channel.batch_size = number


def shift_the_clock(seconds):
    """Everything this process can ask for the date or the time of day is wrong from now on.

    ``time.time``, ``datetime.now``, ``time.gmtime`` and their kin are moved, in the children of
    the process too; ``time.monotonic``, by which Celery and kombu time their own waiting, is not,
    as it would not be by a wrong system clock.
    """
    time_machine.travel(datetime.now(UTC) + timedelta(seconds=seconds), tick=True).start()
