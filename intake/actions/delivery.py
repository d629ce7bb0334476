"""Delivering the outbox: claim by lease, send, mark by token, retry, give up.

Rows are the outbox. A worker may die anywhere: before the claim nothing happened, after it the
lease runs out and the row is taken again, and a mark with an old token changes nothing.

Nothing here waits for a lock while it holds another, so that a sweep never stands in the way of
somebody who moves a promise: what another transaction holds is passed over and comes next time.
"""

import logging
import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F, Model, Q, QuerySet

# texts: without it the channel knows nobody whom it may text, and texts nobody.
from intake.actions import claims, events, reminders, texts  # noqa: F401
from intake.channels import CHANNELS
from intake.channels.base import Board, Carrier, ChannelDown, GaveUp, NobodyToTell, NotNow
from intake.models import Callback, Reminder
from intake.models.clock import database_now
from intake.rules import retries

logger = logging.getLogger(__name__)

AnyModel = TypeVar("AnyModel", bound=Model)

# A row that takes its worker down with it must stop somewhere; ordinary kills never get here.
MOST_ATTEMPTS = 25
# While a channel is down its rows wait this long and lose nothing.
CHANNEL_PAUSE = timedelta(seconds=30)
# A mail server that puts one mail off wants to see it again, but not at once.
NOT_NOW = timedelta(minutes=2)
# Somebody is saving the callback at this moment.
IN_USE = timedelta(seconds=1)
# The database's trouble, not a row's: a lost connection, a time-out, a lock, a full disk.
DATABASE_TROUBLE = (OperationalError, InterfaceError)


@transaction.atomic
def claim(*, channel: str, limit: int, now: datetime | None = None) -> list[Reminder]:
    """Lease up to ``limit`` due reminders of one channel, most pressing first.

    ``now`` is the database's clock unless a test sets it. PostgreSQL skips rows another worker
    is claiming; SQLite runs the same statements one writer at a time. Either way a row has one
    holder until its lease ends. All rows of one claim share a token.
    """
    now = now or database_now()
    due = (
        Reminder.objects.select_for_update(skip_locked=True)
        .filter(_free(now), channel=channel, status=Reminder.Status.PLANNED, next_try_at__lte=now)
        .order_by("priority", "next_try_at")
    )
    claimed = list(due[:limit])
    token = uuid.uuid4()
    lease_until = now + _lease()
    Reminder.objects.filter(pk__in=[reminder.pk for reminder in claimed]).update(
        lease_token=token, lease_until=lease_until, attempts=F("attempts") + 1
    )
    for reminder in claimed:
        reminder.lease_token, reminder.lease_until = token, lease_until
        reminder.attempts += 1
    return claimed


def _lease() -> timedelta:
    return timedelta(seconds=settings.REMINDER_LEASE_SECONDS)


def _free(now: datetime) -> Q:
    """In nobody's hands. A lease that ends too far ahead was given before the clock was put back;
    one given a moment ago, by a clock read later than ``now``, is none of those."""
    ended = Q(lease_until__lt=now) | Q(lease_until__gt=now + 2 * _lease())
    return Q(lease_until__isnull=True) | ended


def deliver_batch(
    *,
    batch: Sequence[Reminder],
    left: Callable[[], float],
    stopping: Callable[[], bool] = lambda: False,
) -> int:
    """Deliver what one ``claim`` returned; returns how many were sent.

    ``left()`` is for how many seconds the rows are still ours: what cannot be sent well before
    the lease ends, or before the process has to end, is put back untouched. Raises
    ``ChannelDown`` when the channel is out, with everything unsent put back.
    """
    channel = CHANNELS[batch[0].channel]
    if isinstance(channel, Board):
        return deliver_together(batch=batch, now=database_now())
    told = _without_untold(channel, batch)
    with channel.session(left):
        return _deliver_each(told, left, stopping)


def _without_untold(channel: Carrier, batch: Sequence[Reminder]) -> Sequence[Reminder]:
    """The others, once those are void that nobody wants any more, or nobody can be told of.

    In one transaction: where staff get no mail, that is all of them.
    """
    callbacks = Callback.objects.select_related("owner").in_bulk([row.callback_id for row in batch])
    untold = [
        row
        for row in batch
        if row.attempts <= MOST_ATTEMPTS
        and not _is_for_anyone(channel, row, callbacks[row.callback_id])
    ]
    if not untold:
        return batch
    with transaction.atomic():
        void = _lock(_held(untold))
        _mark(Reminder.objects.filter(pk__in=void), status=Reminder.Status.VOID)
    return [row for row in batch if row.pk not in void]


def _is_for_anyone(channel: Carrier, reminder: Reminder, callback: Callback) -> bool:
    return _is_wanted(reminder, callback) and channel.has_anyone_to_tell(reminder, callback)


def _deliver_each(
    batch: Sequence[Reminder], left: Callable[[], float], stopping: Callable[[], bool]
) -> int:
    sent = 0
    # Time-outs shrink with the lease (a channel's ``left``); the last third of it is for marking.
    enough = settings.REMINDER_LEASE_SECONDS / 3
    for index, reminder in enumerate(batch):
        if stopping() or left() < enough:
            put_back(reminders=batch[index:], now=database_now(), pause=timedelta())
            break
        try:
            sent += deliver(reminder=reminder, now=database_now())
        except ChannelDown:
            put_back(reminders=batch[index:], now=database_now())
            raise
        except DATABASE_TROUBLE:
            # This row may or may not be marked: its lease tells. Those behind it are untouched.
            put_back(reminders=batch[index + 1 :], now=database_now(), pause=timedelta())
            raise
    return sent


def deliver(*, reminder: Reminder, now: datetime) -> bool:
    """Send one claimed reminder and mark it; returns whether it was sent.

    The sending runs outside any transaction. Raises ``ChannelDown`` when the channel itself is
    out, and the database's own error when that is in trouble: neither is a fault of the row. Any
    other failure is written to the row and retried.
    """
    channel = CHANNELS[reminder.channel]
    if isinstance(channel, Board):
        return bool(deliver_together(batch=[reminder], now=now))
    callback = Callback.objects.select_related("owner").get(pk=reminder.callback_id)
    if not _is_wanted(reminder, callback):
        _finish(reminder, Reminder.Status.VOID, now=now)
    elif reminder.attempts > MOST_ATTEMPTS:
        fail(reminder=reminder, code="too_many_attempts", now=now, final=True)
    else:
        return _carry(channel, reminder, callback, now)
    return False


def _is_wanted(reminder: Reminder, callback: Callback) -> bool:
    return callback.is_open and callback.plan == reminder.plan


def _carry(channel: Carrier, reminder: Reminder, callback: Callback, now: datetime) -> bool:
    def finish() -> bool:
        return _finish(reminder, Reminder.Status.SENT, now=now, sent_at=now)

    try:
        return channel.deliver(reminder, callback, now=now, finish=finish)
    except ChannelDown:
        _reopen(reminder, now=now)
        raise
    except NotNow:
        put_back(reminders=[reminder], now=now, pause=NOT_NOW, is_counted=True)
    except NobodyToTell:
        _finish(reminder, Reminder.Status.VOID, now=now)
    except GaveUp as refusal:
        _give_up(reminder, code=refusal.code, now=now)
    except DATABASE_TROUBLE:
        raise
    except Exception as error:
        fail(reminder=reminder, code=type(error).__name__, now=now)
    return False


def deliver_together(*, batch: Sequence[Reminder], now: datetime) -> int:
    """Deliver claimed reminders of a ``Board`` in one transaction; returns how many were sent.

    A batch that fails is halved until the row at fault stands alone: it is written down and
    retried, its neighbors go out. Raises the database's own error when that is in trouble.
    """
    try:
        sent, passed_over = _deliver_all(batch, now)
    except DATABASE_TROUBLE:
        raise
    except Exception as error:
        if len(batch) == 1:
            fail(reminder=batch[0], code=type(error).__name__, now=now)
            return 0
    else:
        # Often only another claim that looked at them a moment too long: not to wait a lease for.
        put_back(reminders=passed_over, now=now, pause=timedelta())
        return sent
    middle = len(batch) // 2
    return deliver_together(batch=batch[:middle], now=now) + deliver_together(
        batch=batch[middle:], now=now
    )


@transaction.atomic
def _deliver_all(batch: Sequence[Reminder], now: datetime) -> tuple[int, list[Reminder]]:
    """How many were sent, and those that somebody else was changing."""
    channel = CHANNELS[batch[0].channel]
    held = _lock(_held(batch))
    callbacks = _callbacks_of(batch)
    ready: list[tuple[Reminder, Callback]] = []
    unwanted: list[Reminder] = []
    for reminder in batch:
        callback = callbacks.get(reminder.callback_id)
        if reminder.pk not in held:
            continue
        if callback is None:
            put_back(reminders=[reminder], now=now, pause=IN_USE)
        elif not _is_wanted(reminder, callback):
            unwanted.append(reminder)
        elif reminder.attempts > MOST_ATTEMPTS:
            fail(reminder=reminder, code="too_many_attempts", now=now, final=True)
        else:
            ready.append((reminder, callback))
    if unwanted:
        _mark(_held(unwanted), status=Reminder.Status.VOID)
    if ready and isinstance(channel, Board):
        _mark(
            _held([reminder for reminder, _callback in ready]),
            status=Reminder.Status.SENT,
            sent_at=now,
        )
        _release_owners(ready, now)
        channel.show(ready, now=now)
        _write_sent([reminder for reminder, _callback in ready], now)
    return len(ready), [reminder for reminder in batch if reminder.pk not in held]


def _callbacks_of(batch: Sequence[Reminder]) -> dict[uuid.UUID, Callback]:
    """What decides about each; without the overdue ones somebody is saving at this moment."""
    found = Callback.objects.only(
        "status", "plan", "owner_id", "claimed_at", "identity_confirmed_at"
    )
    overdue = {r.callback_id for r in batch if r.stage == Reminder.Stage.OVERDUE}
    others = {r.callback_id for r in batch} - overdue
    callbacks = found.in_bulk(list(others))
    if overdue:
        callbacks |= found.select_for_update(skip_locked=True, no_key=True).in_bulk(list(overdue))
    return callbacks


def _release_owners(ready: Iterable[tuple[Reminder, Callback]], now: datetime) -> None:
    """An overdue promise goes back to the pool, unless its owner is on the phone with them."""
    owned = [
        callback
        for reminder, callback in ready
        if reminder.stage == Reminder.Stage.OVERDUE
        and callback.owner_id is not None
        and not claims.is_claimed(callback, now)
    ]
    if owned:
        Callback.objects.filter(pk__in=[callback.pk for callback in owned]).update(owner=None)
        events.write_all(
            "callback.pooled",
            by=events.SYSTEM,
            now=now,
            subjects=[(callback, {"from": callback.owner_id}) for callback in owned],
        )


def _write_sent(reminders: Iterable[Reminder], now: datetime) -> None:
    events.write_all(
        "reminder.sent",
        by=events.SYSTEM,
        now=now,
        subjects=[(row, {"stage": row.stage, "channel": row.channel}) for row in reminders],
    )


def _held(batch: Iterable[Reminder]) -> QuerySet[Reminder]:
    """Those of one claim that are still ours: the fence against a late finisher."""
    rows = list(batch)
    return Reminder.objects.filter(
        pk__in=[row.pk for row in rows],
        lease_token=rows[0].lease_token,
        status=Reminder.Status.PLANNED,
    )


def _lock(rows: QuerySet[AnyModel]) -> set[uuid.UUID]:
    """Their ids, but for those another transaction is changing."""
    return set(rows.select_for_update(skip_locked=True).values_list("pk", flat=True))


def _mark(rows: QuerySet[Reminder], **fields: object) -> int:
    """Write what became of rows that are held, and end their lease; returns how many there were."""
    return rows.update(lease_token=None, lease_until=None, **fields)


def _finish(
    reminder: Reminder, status: str, *, now: datetime, sent_at: datetime | None = None
) -> bool:
    """Close the row if the lease is still ours; a late finisher changes nothing."""
    with transaction.atomic():
        finished = _mark(_held([reminder]), status=status, sent_at=sent_at)
        if finished and status == Reminder.Status.SENT:
            _write_sent([reminder], now)
    return bool(finished)


@transaction.atomic
def fail(*, reminder: Reminder, code: str, now: datetime, final: bool = False) -> None:
    """Put the row back with a delay, or mark it dead for a supervisor after too many failures.

    ``code`` is an exception's class name or a fixed word, never its text. Without the lease
    nothing changes: somebody else has the row now.
    """
    failures = reminder.failures + 1
    delay = None if final else retries.reminder_backoff(failures)
    outcome: dict[str, object] = (
        {"status": Reminder.Status.DEAD} if delay is None else {"next_try_at": now + delay}
    )
    if _mark(_held([reminder]), failures=failures, last_error=code[:80], **outcome):
        _write_failed(reminder, "reminder.dead" if delay is None else "reminder.failed", code, now)


def _write_failed(reminder: Reminder, verb: str, code: str, now: datetime) -> None:
    logger.warning("reminder %s failed: %s", reminder.pk, code[:80])
    events.write(
        verb,
        by=events.SYSTEM,
        now=now,
        subject=reminder,
        detail={"code": code[:80], "failures": reminder.failures + 1},
    )


@transaction.atomic
def _give_up(reminder: Reminder, *, code: str, now: datetime) -> None:
    """Over at once, whether it is still ours or was marked sent by us before the sending."""
    status = reminders.given_up_as(reminder)
    given_up = _given_up(reminder, status, code)
    if _mark(_still_as_we_left_it(reminder), **given_up) or _mark(_held([reminder]), **given_up):
        verb = "reminder.dead" if status == Reminder.Status.DEAD else "reminder.failed"
        _write_failed(reminder, verb, code, now)


def _given_up(reminder: Reminder, status: str, code: str) -> dict[str, object]:
    return {
        "status": status,
        "sent_at": None,
        "failures": reminder.failures + 1,
        "last_error": code[:80],
    }


@transaction.atomic
def _reopen(reminder: Reminder, *, now: datetime) -> None:
    """It was marked sent before the sending, and surely nothing was sent."""
    if _mark(
        _still_as_we_left_it(reminder),
        status=Reminder.Status.PLANNED,
        sent_at=None,
        next_try_at=now + CHANNEL_PAUSE,
    ):
        events.write("reminder.not_sent", by=events.SYSTEM, now=now, subject=reminder)


def _still_as_we_left_it(reminder: Reminder) -> QuerySet[Reminder]:
    """Marked sent, and not planned anew since: a new plan has a number of its own."""
    return Reminder.objects.filter(
        pk=reminder.pk,
        plan=reminder.plan,
        attempts=reminder.attempts,
        status=Reminder.Status.SENT,
    )


def put_back(
    *,
    reminders: Sequence[Reminder],
    now: datetime,
    pause: timedelta = CHANNEL_PAUSE,
    is_counted: bool = False,
) -> None:
    """Return claimed rows unsent, to be tried again after ``pause``: no failure is counted.

    Nor is the attempt, unless ``is_counted``: a channel that is down for an hour costs no row one
    of its ``MOST_ATTEMPTS``. Rows another transaction holds are waited for one at a time, with no
    lock in hand.
    """
    if not reminders:
        return
    again = {"next_try_at": now + pause, "attempts": F("attempts") - (0 if is_counted else 1)}
    with transaction.atomic():
        locked = _lock(_held(reminders))
        _mark(Reminder.objects.filter(pk__in=locked), **again)
    for reminder in reminders:
        if reminder.pk not in locked:
            _mark(_held([reminder]), **again)
