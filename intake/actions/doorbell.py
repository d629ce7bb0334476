"""The doorbell: what is due already goes out at once, not with the next sweep.

A bell is a Celery message without content, sent after the commit. It may be lost, late or doubled
without harm: the rows are the queue, and the next sweep finds them. So a broker that is down costs
whoever rings a moment, once, and nothing else.
"""

import logging
import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from celery import current_app
from django.conf import settings
from django.db import transaction
from kombu import Connection, Producer

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

# How often at most one process rings for requests that are in no hurry. The sweep finds the others.
NO_HURRY_SECONDS = 1.0

# By the clock that is never set back. Each process finds out for itself.
_silent_until = 0.0
_rung_lately_until = 0.0


@dataclass(frozen=True)
class Bell:
    """One ring of one bell; two of them are equal, so that a transaction rings each once."""

    task: str

    def __call__(self) -> None:
        if _gathering.bells is None:
            ring(self.task)
        else:
            _gathering.bells.add(self.task)


class _Gathering(threading.local):
    """The bells of ``one_ring_for_all``, for each thread its own; None where nobody gathers."""

    bells: set[str] | None = None


_gathering = _Gathering()


@contextmanager
def one_ring_for_all() -> Iterator[None]:
    """Of many transactions, ring each bell once at the end: a backlog must not become a peal."""
    if _gathering.bells is not None:
        yield
        return
    _gathering.bells = bells = set[str]()
    try:
        yield
    finally:
        _gathering.bells = None
        for task in sorted(bells):
            ring(task)


def wake(*, channels: Iterable[str]) -> None:
    """Have these channels swept as soon as this transaction commits. Never raises."""
    connection = transaction.get_connection()
    for channel in channels:
        bell = Bell(BELLS[channel])
        if all(hook != bell for _savepoints, hook, _robust in connection.run_on_commit):
            transaction.on_commit(bell, robust=True)


def let_in(*, is_urgent: bool) -> None:
    """Have a request of the public form let in as soon as this transaction commits. Never raises.

    At once if it is urgent; else about once a second for all of them, because each ring costs the
    one who asks a moment.
    """
    transaction.on_commit(_ring_now if is_urgent else _ring_now_and_then, robust=True)


def _ring_now() -> None:
    ring(BELLS[Reminder.Channel.IN_APP])


def _ring_now_and_then() -> None:
    global _rung_lately_until
    if time.monotonic() >= _rung_lately_until:
        _rung_lately_until = time.monotonic() + NO_HURRY_SECONDS
        _ring_now()


def ring(task: str) -> None:
    """Ring one bell now, if the broker answers. Never raises."""
    global _silent_until
    with _rope:
        if time.monotonic() < _silent_until:
            return
        try:
            _ring(task)
        except Exception as error:
            # Whatever keeps a bell from ringing, the promise is in the database.
            _silent_until = time.monotonic() + SILENCE_SECONDS
            logger.warning("the doorbell is silent: %s", type(error).__name__)


# --- The line to the broker ----------------------------------------------------------------------


@dataclass(frozen=True)
class _Line:
    """A connection kept open, for opening one costs five times what a ring does."""

    connection: Connection
    producer: Producer
    broker: str
    process: int

    def is_ours(self) -> bool:
        """Not inherited by a fork, and not to a broker of before."""
        return (self.broker, self.process) == (current_app.conf.broker_url, os.getpid())


# One thread rings at a time: the connection is no place for two.
_rope = threading.Lock()
_line: _Line | None = None


def _ring(task: str) -> None:
    global _line
    line, _line = _line, None
    if line is not None and line.is_ours():
        try:
            _send(task, line)
        except Exception:
            # Its other end may be gone since the last ring; a new line will tell.
            _hang_up(line)
        else:
            _line = line
            return
    line = _open_line()
    try:
        _send(task, line)
    except Exception:
        _hang_up(line)
        raise
    _line = line


def _open_line() -> _Line:
    quick = {
        "socket_timeout": PATIENCE_SECONDS,
        "socket_connect_timeout": PATIENCE_SECONDS,
        "max_retries": 0,
    }
    connection = current_app.connection_for_write(transport_options=quick)
    try:
        producer = connection.Producer()
    except Exception:
        connection.release()
        raise
    return _Line(connection, producer, current_app.conf.broker_url, os.getpid())


def _send(task: str, line: _Line) -> None:
    expires = settings.REMINDER_SWEEP_SECONDS
    current_app.send_task(task, producer=line.producer, retry=False, expires=expires)


def _hang_up(line: _Line) -> None:
    with suppress(Exception):
        line.connection.release()
