"""The doorbell: what is due already goes out at once, not with the next sweep.

A bell is a Celery message without content, sent after the commit. It may be lost, late or doubled
without harm: the rows are the queue, and the next sweep finds them. So a broker that is down costs
whoever rings a moment, once, and nothing else.
"""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass

from celery import current_app
from django.conf import settings
from django.db import transaction

from intake.models import Reminder

logger = logging.getLogger(__name__)

BELLS: dict[str, str] = {
    Reminder.Channel.IN_APP: "intake.tasks.sweep_desk",
    Reminder.Channel.EMAIL: "intake.tasks.sweep_mail",
    Reminder.Channel.TEXT: "intake.tasks.sweep_texts",
}
# For the way to the broker, and for its answer.
PATIENCE_SECONDS = 0.1
# A broker that did not answer is left alone for so long.
SILENCE_SECONDS = 10.0

# By the clock that is never set back. Each process finds out for itself.
_silent_until = 0.0


@dataclass(frozen=True)
class Bell:
    """One ring of one bell; two of them are equal, so that a transaction rings each once."""

    task: str

    def __call__(self) -> None:
        ring(self.task)


def wake(*, channels: Iterable[str]) -> None:
    """Have these channels swept as soon as this transaction commits. Never raises."""
    connection = transaction.get_connection()
    for channel in channels:
        bell = Bell(BELLS[channel])
        if all(hook != bell for _savepoints, hook, _robust in connection.run_on_commit):
            transaction.on_commit(bell, robust=True)


def ring(task: str) -> None:
    """Ring one bell now, if the broker answers. Never raises."""
    global _silent_until
    if time.monotonic() < _silent_until:
        return
    try:
        _ring(task)
    except Exception as error:
        # Whatever keeps a bell from ringing, the promise is in the database.
        _silent_until = time.monotonic() + SILENCE_SECONDS
        logger.warning("the doorbell is silent: %s", type(error).__name__)


def _ring(task: str) -> None:
    quick = {
        "socket_timeout": PATIENCE_SECONDS,
        "socket_connect_timeout": PATIENCE_SECONDS,
        "max_retries": 0,
    }
    with current_app.connection_for_write(transport_options=quick) as connection:
        current_app.send_task(
            task, connection=connection, retry=False, expires=settings.REMINDER_SWEEP_SECONDS
        )
