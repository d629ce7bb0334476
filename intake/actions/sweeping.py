"""The sweep: look for what is due, deliver it, and say that somebody looked.

Workers sweep when a bell rings, the process ``manage.py sweep`` by the clock. Any number may do so
at once.
"""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Min

from intake.actions import (
    admission,
    allowances,
    delivery,
    one_writer,
    review_mail,
    reviews,
    texts,
)
from intake.channels import CHANNELS
from intake.channels.base import Board, Carrier, ChannelDown
from intake.models import Heartbeat, Reminder
from intake.models.clock import database_now

logger = logging.getLogger(__name__)

# One batch that failed says little; three in a row, that this is not the moment.
MOST_TROUBLES = 3
# Every ``reminders.PRIORITY`` there is.
PRIORITIES = (0, 1, 2)
# Requests let in between two looks at the clock, and for those in danger that came meanwhile.
ADMITTED_AT_ONCE = 500
# What somebody else is changing is looked for again so often, so long after.
MOST_LOOKS = 3
LOOK_SECONDS = 0.1
# Delivered on SQLite between two breaths of the others.
WRITTEN_AT_ONCE = 50


@dataclass(frozen=True)
class Turn:
    """How long one sweep of one channel may go on, by the clock that is never set back."""

    ends_at: float
    monotonic: Callable[[], float]
    stopping: Callable[[], bool]

    def is_over(self) -> bool:
        return self.stopping() or self.monotonic() >= self.ends_at


def sweep(
    *,
    seconds: float,
    monotonic: Callable[[], float],
    channels: Iterable[str] | None = None,
    stopping: Callable[[], bool] = lambda: False,
    names: Sequence[str] = ("sweep",),
) -> bool:
    """Deliver what is due on each of the channels (all, unless named) for up to ``seconds`` each.

    Before the desk is swept, what the public form took is let in, in as much time again.
    ``monotonic`` is the clock that is never set back, in seconds. A batch that was begun is
    finished; one that fails is logged and the sweep goes on. ``names`` are stamped as alive.
    Returns whether time ran out before the work did.
    """
    is_more = False
    for name in CHANNELS if channels is None else channels:
        if name == Reminder.Channel.IN_APP:
            is_more |= _admit_received(Turn(monotonic() + seconds, monotonic, stopping))
            is_more |= _carry_out_orders(Turn(monotonic() + seconds, monotonic, stopping))
        if name in CHANNELS:
            turn = Turn(monotonic() + seconds, monotonic, stopping)
            is_more |= _sweep_channel(CHANNELS[name], turn)
    beat(names=names, now=database_now())
    return is_more and not stopping()


def _admit_received(turn: Turn) -> bool:
    """Whatever befalls the requests, the notices behind them go out."""
    try:
        is_more = _let_in(turn)
        allowances.forget(now=database_now())
    except Exception as error:
        _log_trouble("received requests", error)
        _recover()
        return False
    return is_more


def _let_in(turn: Turn) -> bool:
    """Returns whether time ran out before the work did."""
    looks = 0
    while not turn.is_over():
        if admission.admit_received(limit=ADMITTED_AT_ONCE, now=database_now()):
            looks = 0
        elif looks == MOST_LOOKS or not admission.is_any_received():
            return False
        else:
            looks += 1
            time.sleep(LOOK_SECONDS)
    return True


def _carry_out_orders(turn: Turn) -> bool:
    """What staff ordered for many held requests at once; the notices behind it go out as well."""
    try:
        while not turn.is_over():
            if not reviews.carry_out(now=database_now()):
                return False
    except Exception as error:
        _log_trouble("held requests", error)
        _recover()
        return False
    return True


def _sweep_channel(channel: Board | Carrier, turn: Turn) -> bool:
    troubles = 0
    while not turn.is_over():
        try:
            if not _deliver_some(channel, turn):
                return False
            troubles = 0
        except ChannelDown:
            logger.warning("channel %s is down", channel.name)
            _pause(channel, database_now())
            return False
        except Exception as error:
            # What was claimed is claimed again when its lease ends.
            _log_trouble(channel.name, error)
            _recover()
            troubles += 1
            if troubles == MOST_TROUBLES:
                return False
    return True


def _deliver_some(channel: Board | Carrier, turn: Turn) -> bool:
    """One batch; returns whether there was one."""
    if channel.name == Reminder.Channel.TEXT:
        texts.settle_lost(now=database_now())
    if not _may_use(channel, database_now()):
        return False
    if channel.name == Reminder.Channel.EMAIL:
        review_mail.tell_supervisors(now=database_now())
    lease_ends = turn.monotonic() + settings.REMINDER_LEASE_SECONDS
    began = time.monotonic()
    limit = one_writer.part_of(channel.batch_size, on_sqlite=WRITTEN_AT_ONCE)
    batch = delivery.claim(channel=channel.name, limit=limit)
    if not batch:
        _resume(channel)
        return False
    delivery.deliver_batch(
        batch=batch, left=lambda: lease_ends - turn.monotonic(), stopping=turn.stopping
    )
    _resume(channel)
    one_writer.let_others_write(time.monotonic() - began)
    return True


def _log_trouble(what: str, error: Exception) -> None:
    """A database that is away says so often; where a defect is has to be told."""
    if isinstance(error, delivery.DATABASE_TROUBLE):
        logger.warning("a batch of %s met %s", what, type(error).__name__)
    else:
        logger.error("a batch of %s could not be delivered", what, exc_info=error)


def _recover() -> None:
    """A connection that broke is dropped; the next statement opens a new one."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()


def rest_before_the_next(*, channel: str, most: float) -> float:
    """Seconds until the next reminder of this channel falls due, or ``most`` if none does by then.

    So what was planned ahead goes out on time, not up to a sweep late.
    """
    now = database_now()
    upcoming = Reminder.objects.filter(
        channel=channel,
        status=Reminder.Status.PLANNED,
        # Named, so that the index is read from the moment on for each of them.
        priority__in=PRIORITIES,
        next_try_at__gt=now,
        next_try_at__lte=now + timedelta(seconds=most),
    )
    first = upcoming.aggregate(first=Min("next_try_at"))["first"]
    return most if first is None else (first - now).total_seconds()


# --- A channel that is out -----------------------------------------------------------------------


def _may_use(channel: Board | Carrier, now: datetime) -> bool:
    """Not while it rests; and when it has rested, one process tries it first."""
    resting = Heartbeat.objects.filter(name=channel.name, paused_until__isnull=False)
    until = resting.values_list("paused_until", flat=True).first()
    if until is None:
        return True
    # A rest that ends later than that was begun before the clock was put back.
    if now < until <= now + 2 * delivery.CHANNEL_PAUSE:
        return False
    return bool(
        resting.filter(paused_until=until).update(
            paused_until=now + delivery.CHANNEL_PAUSE, seen_at=now
        )
    )


def _pause(channel: Board | Carrier, now: datetime) -> None:
    """For everybody: no process has to wait for its own time-out to learn of it."""
    Heartbeat.objects.update_or_create(
        name=channel.name,
        defaults={"paused_until": now + delivery.CHANNEL_PAUSE, "seen_at": now},
    )


def _resume(channel: Board | Carrier) -> None:
    Heartbeat.objects.filter(name=channel.name, paused_until__isnull=False).update(
        paused_until=None
    )


# --- Signs of life -------------------------------------------------------------------------------


def beat(*, names: Sequence[str], now: datetime) -> None:
    """Stamp the sign of life of each named process."""
    Heartbeat.objects.bulk_create(
        [Heartbeat(name=name, seen_at=now) for name in sorted(names)],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["seen_at"],
    )
