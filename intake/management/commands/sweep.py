"""`manage.py sweep`: due reminders go out by this clock, whatever becomes of Celery and its broker."""

import logging
import signal
import threading
import time
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError, close_old_connections, connection

from helpline.reporting import install_hooks
from helpline.startup import stop_on_errors
from intake.actions import sweeping
from intake.channels import CHANNELS
from intake.models import Reminder

logger = logging.getLogger(__name__)

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# How long a request to stop may go unnoticed.
GLANCE_SECONDS = 0.2
# After trouble with the database: it may be back in a moment.
AFTER_TROUBLE_SECONDS = 1.0
SLICE_SECONDS = 5.0


class Command(BaseCommand):
    help = (
        "Delivers due reminders every REMINDER_SWEEP_SECONDS, without Celery or its broker, until"
        " it is told to stop. Any number of these may run beside any number of workers."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        install_hooks()
        sweeper = Sweeper()
        for number in STOP_SIGNALS:
            signal.signal(number, sweeper.stop)
        sweeper.wait_for_the_database()
        if sweeper.is_stopped:
            return
        stop_on_errors()
        if not sweeper.run():
            raise CommandError("A sweep ended by itself.")


class Sweeper:
    """One thread a channel, so that a slow mail server holds up nothing but mail."""

    def __init__(self) -> None:
        # A plain value: an Event has a lock, which a signal handler may find taken.
        self.is_stopped = False

    def stop(self, number: int = signal.SIGTERM, frame: FrameType | None = None) -> None:
        """A signal handler: batches that were begun are finished, then `run` returns."""
        self.is_stopped = True

    def wait_for_the_database(self) -> None:
        """Returns once it answers, or after `stop`: it may be restarting just when we are."""
        while not self.is_stopped:
            try:
                connection.ensure_connection()
            except (OperationalError, InterfaceError) as error:
                logger.warning("the database does not answer yet: %s", type(error).__name__)
                self.rest(AFTER_TROUBLE_SECONDS)
            else:
                connection.close()
                return

    def run(self) -> bool:
        """Returns True when `stop` was called and every thread has ended; False is a defect."""
        threads = [
            threading.Thread(target=self.keep_sweeping, args=[name], name=name, daemon=True)
            for name in CHANNELS
        ]
        for thread in threads:
            thread.start()
        while all(thread.is_alive() for thread in threads):
            time.sleep(GLANCE_SECONDS)
        went_well = self.is_stopped
        self.is_stopped = True
        for thread in threads:
            thread.join()
        return went_well

    def keep_sweeping(self, channel: str) -> None:
        """Sweep this channel until `stop`; no trouble of the database or a row ends it."""
        while not self.is_stopped:
            close_old_connections()
            try:
                self.rest(self.sweep(channel))
            except (OperationalError, InterfaceError) as error:
                logger.warning("the sweep of %s met %s", channel, type(error).__name__)
                self.rest(AFTER_TROUBLE_SECONDS)
            except Exception:
                logger.exception("the sweep of %s failed", channel)
                self.rest(AFTER_TROUBLE_SECONDS)
        connection.close()

    def sweep(self, channel: str) -> float:
        """One sweep; returns for how many seconds there is nothing to do then."""
        is_more = sweeping.sweep(
            channels=[channel],
            seconds=SLICE_SECONDS,
            monotonic=time.monotonic,
            stopping=lambda: self.is_stopped,
            names=self.names(channel),
        )
        if is_more or self.is_stopped:
            return 0
        most = settings.REMINDER_SWEEP_SECONDS
        return max(GLANCE_SECONDS, sweeping.rest_before_the_next(channel=channel, most=most))

    def names(self, channel: str) -> tuple[str, ...]:
        """Whose sign of life a sweep is; this process is alive if its desk is swept."""
        return ("sweep", "sweeper") if channel == Reminder.Channel.IN_APP else ("sweep",)

    def rest(self, seconds: float) -> None:
        ends_at = time.monotonic() + seconds
        while not self.is_stopped and (left := ends_at - time.monotonic()) > 0:
            time.sleep(min(left, GLANCE_SECONDS))
