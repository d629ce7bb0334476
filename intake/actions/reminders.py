"""The reminder engine: plan, claim by lease, deliver, finish by token, retry, give up.

Rows are the outbox. A worker may die anywhere: before the claim nothing happened, after it
the lease runs out and the row is taken again, and a finish with an old token changes nothing.
"""

import logging
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q

from intake.actions import events
from intake.actions.base import Refused
from intake.channels import CHANNELS
from intake.channels.base import ChannelDown, NobodyToTell
from intake.models import Callback, Heartbeat, Reminder
from intake.rules import retries

logger = logging.getLogger(__name__)

PRIORITY = {Callback.Urgency.URGENT: 0, Callback.Urgency.HIGH: 1, Callback.Urgency.ROUTINE: 2}
# A row that takes its worker down with it must stop somewhere; ordinary kills never get here.
MOST_ATTEMPTS = 25
# While a channel is down its rows wait this long and lose nothing.
CHANNEL_PAUSE = timedelta(seconds=30)


class ReminderNotDead(Refused):
    default_message = "Only a reminder that was given up can be tried again."


def database_now() -> datetime:
    """The database's clock (UTC): the one clock all workers agree on."""
    if connection.vendor == "postgresql":
        query = "SELECT clock_timestamp()"
    else:
        query = "SELECT strftime('%Y-%m-%d %H:%M:%f+00:00', 'now')"
    with connection.cursor() as cursor:
        cursor.execute(query)
        (moment,) = cursor.fetchone()
    return moment if isinstance(moment, datetime) else datetime.fromisoformat(moment)


def plan(*, callback: Callback, now: datetime) -> None:
    """Write, or move, one reminder for each stage and channel of an open callback.

    Part of the transaction that schedules the callback. A moved reminder starts afresh under
    the callback's new plan number; whoever still holds its lease can no longer finish it.
    A stage already past when the promise is made is skipped, except that it is due.
    """
    for stage, at in retries.stages(callback.due_at, callback.urgency):
        if at < now and stage == Reminder.Stage.DUE_SOON:
            continue
        for channel in CHANNELS.values():
            if stage in channel.stages:
                _plan_one(callback, stage, channel.name, at)


def _plan_one(callback: Callback, stage: str, channel: str, at: datetime) -> None:
    Reminder.objects.update_or_create(
        callback=callback,
        stage=stage,
        channel=channel,
        defaults={
            "plan": callback.plan,
            "priority": PRIORITY[Callback.Urgency(callback.urgency)],
            "due_at": at,
            "next_try_at": at,
            "status": Reminder.Status.PLANNED,
            "lease_until": None,
            "lease_token": None,
            "attempts": 0,
            "failures": 0,
            "last_error": "",
            "sent_at": None,
        },
    )


def void(*, callback: Callback) -> int:
    """No reminder of this callback is needed any more; returns how many were planned."""
    return Reminder.objects.filter(
        callback=callback, status__in=[Reminder.Status.PLANNED, Reminder.Status.DEAD]
    ).update(status=Reminder.Status.VOID, lease_until=None, lease_token=None)


@transaction.atomic
def claim(*, channel: str, limit: int, now: datetime | None = None) -> list[Reminder]:
    """Lease up to ``limit`` due reminders of one channel, most pressing first.

    ``now`` is the database's clock unless a test sets it. PostgreSQL skips rows another worker
    is claiming; SQLite runs the same statements one writer at a time. Either way a row has one
    holder until its lease ends.
    """
    now = now or database_now()
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    due = (
        Reminder.objects.select_for_update(skip_locked=True)
        .filter(free, channel=channel, status=Reminder.Status.PLANNED, next_try_at__lte=now)
        .order_by("priority", "next_try_at")
    )
    claimed = list(due[:limit])
    token = uuid.uuid4()
    lease_until = now + timedelta(seconds=settings.REMINDER_LEASE_SECONDS)
    for reminder in claimed:
        reminder.lease_token, reminder.lease_until = token, lease_until
        reminder.attempts += 1
    Reminder.objects.bulk_update(claimed, ["lease_token", "lease_until", "attempts"])
    return claimed


def deliver(*, reminder: Reminder, now: datetime) -> bool:
    """Send one claimed reminder and finish it; returns whether it was sent.

    The sending runs outside any transaction. Raises ``ChannelDown`` when the channel itself is
    out, which is no fault of the row; any other failure is written to the row and retried.
    """
    callback = Callback.objects.select_related("owner").get(pk=reminder.callback_id)
    if not callback.is_open or callback.plan != reminder.plan:
        _finish(reminder, Reminder.Status.VOID, now=now)
        return False
    if reminder.attempts > MOST_ATTEMPTS:
        fail(reminder=reminder, code="too_many_attempts", now=now, final=True)
        return False
    try:
        return CHANNELS[reminder.channel].deliver(
            reminder, callback, now=now, finish=lambda: _finish_sent(reminder, now=now)
        )
    except ChannelDown:
        raise
    except NobodyToTell:
        # No address is configured: the notice on the desk carries the promise alone.
        _finish(reminder, Reminder.Status.VOID, now=now)
    except Exception as error:
        fail(reminder=reminder, code=type(error).__name__, now=now)
    return False


def _finish_sent(reminder: Reminder, *, now: datetime) -> bool:
    return _finish(reminder, Reminder.Status.SENT, now=now, sent_at=now)


def _finish(
    reminder: Reminder, status: str, *, now: datetime, sent_at: datetime | None = None
) -> bool:
    """Close the row if the lease is still ours; a late finisher changes nothing."""
    with transaction.atomic():
        finished = Reminder.objects.filter(
            pk=reminder.pk, lease_token=reminder.lease_token, status=Reminder.Status.PLANNED
        ).update(status=status, sent_at=sent_at, lease_token=None, lease_until=None)
        if finished and status == Reminder.Status.SENT:
            events.write(
                "reminder.sent",
                by=events.SYSTEM,
                now=now,
                subject=reminder,
                detail={"stage": reminder.stage, "channel": reminder.channel},
            )
    return bool(finished)


@transaction.atomic
def fail(*, reminder: Reminder, code: str, now: datetime, final: bool = False) -> None:
    """Put the row back with a delay, or mark it dead for a supervisor after too many failures.

    ``code`` is an exception's class name or a fixed word, never its text. Without the lease
    nothing changes: somebody else has the row now.
    """
    failures = reminder.failures + 1
    delay = None if final else retries.reminder_backoff(failures)
    held = Reminder.objects.filter(
        pk=reminder.pk, lease_token=reminder.lease_token, status=Reminder.Status.PLANNED
    )
    common = {
        "failures": failures,
        "last_error": code[:80],
        "lease_token": None,
        "lease_until": None,
    }
    if delay is None:
        changed = held.update(status=Reminder.Status.DEAD, **common)
    else:
        changed = held.update(next_try_at=now + delay, **common)
    if changed:
        logger.warning("reminder %s failed: %s", reminder.pk, code[:80])
        events.write(
            "reminder.dead" if delay is None else "reminder.failed",
            by=events.SYSTEM,
            now=now,
            subject=reminder,
            detail={"code": code[:80], "failures": failures},
        )


def put_back(*, reminders: Sequence[Reminder], now: datetime) -> None:
    """Return rows whose channel is down: no failure counted, tried again after a pause."""
    for reminder in reminders:
        Reminder.objects.filter(pk=reminder.pk, lease_token=reminder.lease_token).update(
            lease_token=None, lease_until=None, next_try_at=now + CHANNEL_PAUSE
        )


@transaction.atomic
def revive(*, reminder: Reminder, by: events.By, now: datetime) -> None:
    """A supervisor has a dead reminder tried again at once; raises ``ReminderNotDead``."""
    revived = Reminder.objects.filter(pk=reminder.pk, status=Reminder.Status.DEAD).update(
        status=Reminder.Status.PLANNED, next_try_at=now, failures=0, attempts=0, last_error=""
    )
    if not revived:
        raise ReminderNotDead
    events.write("reminder.revived", by=by, now=now, subject=reminder)


def sweep(*, seconds: float, monotonic: Callable[[], float]) -> int:
    """Deliver everything that is due, channel by channel, for at most ``seconds``.

    ``monotonic`` is the clock that is never set back, in seconds. In-app first: a slow mail server never holds up the desk. Returns how many were sent.
    """
    sent = 0
    give_up_at = monotonic() + seconds
    for channel in CHANNELS.values():
        while monotonic() < give_up_at:
            batch = claim(channel=channel.name, limit=channel.batch_size)
            if not batch:
                break
            sent_now, is_up = _deliver_batch(batch)
            sent += sent_now
            if not is_up:
                break
    return sent


def _deliver_batch(batch: Sequence[Reminder]) -> tuple[int, bool]:
    sent = 0
    for index, reminder in enumerate(batch):
        try:
            sent += deliver(reminder=reminder, now=database_now())
        except ChannelDown:
            logger.warning("channel %s is down", reminder.channel)
            put_back(reminders=batch[index:], now=database_now())
            return sent, False
    return sent, True


def beat(*, names: Sequence[str], now: datetime) -> None:
    """Stamp the sign of life of each named process."""
    for name in names:
        Heartbeat.objects.update_or_create(name=name, defaults={"seen_at": now})
