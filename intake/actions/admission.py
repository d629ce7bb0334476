"""Letting in what the public form took: each request is looked at once, after it was stored.

The form itself asks nothing about the number, so that one we know, one that is blocked and one we
never met are answered alike and in the same time. Here each request becomes a promise, ends
because nobody may ring its number, or is held until a human has looked at it.

Those in danger go first, one by one. The others are decided by the hundred, each as it would be
alone (``request_checks``), and those with one verdict are written together.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from django.db import transaction

from intake.actions import (
    blocks,
    calling_hours,
    doorbell,
    events,
    one_writer,
    reminders,
    request_checks,
)
from intake.actions.base import Refused, move
from intake.actions.delivery import DATABASE_TROUBLE
from intake.models import BlockedNumber, Callback, Event, Person, PersonNameWord, Reminder
from intake.models.inserting import Insertion, insert_many

logger = logging.getLogger(__name__)

Row = TypeVar("Row", UUID, Callback)

# Decided together; a flood beyond the ceiling is held so many at a time.
BATCH = 500
# On SQLite, which has one writer, so many are written between two breaths of the others.
WRITTEN_AT_ONCE = 50

Because = Callback.HeldBecause
Status = Callback.Status


class NotWaiting(Refused):
    default_message = "This request was decided already."


@dataclass(frozen=True)
class Verdict:
    """What becomes of a request. ``held_because`` goes with HELD, ``block`` with CANCELLED."""

    status: str
    held_because: str = ""
    block: BlockedNumber | None = None

    @property
    def is_end(self) -> bool:
        return self.status in {Status.CANCELLED, Status.EXHAUSTED}


OPEN = Verdict(Status.OPEN)


# --- Many at once ---------------------------------------------------------------------------------


def admit_received(*, limit: int, now: datetime) -> int:
    """Decide up to ``limit`` received requests, those in danger first; returns how many.

    One that cannot be decided stands in nobody's way: it is held for a human as "failed". One that
    somebody else is changing is passed over and comes next time. Any number of processes may do
    this at once.
    """
    received = Callback.objects.filter(status=Status.RECEIVED).order_by("-in_danger", "id")
    waiting = list(received.values_list("pk", "in_danger")[:limit])
    urgent = [[pk] for pk, in_danger in waiting if in_danger]
    others = [pk for pk, in_danger in waiting if not in_danger]
    with doorbell.one_ring_for_all():
        return sum(
            _each_or_all(some, partial(_admit, now=now), now)
            for some in [*urgent, *_parts(others, BATCH)]
        )


def is_any_received() -> bool:
    """Whether requests wait to be decided: those that were passed over, or came meanwhile."""
    return Callback.objects.filter(status=Status.RECEIVED).exists()


def _parts(rows: Sequence[Row], size: int) -> Iterable[Sequence[Row]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))


def _each_or_all(rows: Sequence[Row], act: Callable[[Sequence[Row]], int], now: datetime) -> int:
    """Act on all of them, or, where that fails, on each half: until the one at fault stands alone,
    and is held. Returns how many were decided."""
    try:
        return act(rows) if rows else 0
    except DATABASE_TROUBLE:
        raise
    except Exception:
        if len(rows) == 1:
            logger.exception("a received request could not be let in")
            return _hold_failed(rows[0], now)
    middle = len(rows) // 2
    return _each_or_all(rows[:middle], act, now) + _each_or_all(rows[middle:], act, now)


def _admit(some: Sequence[UUID], *, now: datetime) -> int:
    """Decided before anything is locked. Whoever blocks or stops a number meanwhile ends or holds
    what waits for it, and that is then decided no more."""
    waiting = Callback.objects.select_related("person").filter(pk__in=some, status=Status.RECEIVED)
    callbacks = list(waiting.order_by("pk"))
    findings = request_checks.look_up(callbacks)
    alike: dict[Verdict, list[Callback]] = defaultdict(list)
    for callback in callbacks:
        alike[decide(callback, findings)].append(callback)
    return sum(
        _each_or_all(part, partial(_settle_some, verdict=verdict, now=now), now)
        for verdict, group in alike.items()
        for part in _parts(group, _written_at_once(verdict))
    )


def _written_at_once(verdict: Verdict) -> int:
    if verdict.block is not None:
        return 1
    return one_writer.part_of(BATCH, on_sqlite=WRITTEN_AT_ONCE)


def _settle_some(callbacks: Sequence[Callback], *, verdict: Verdict, now: datetime) -> int:
    """One transaction for all that get this verdict; returns how many got it."""
    # Composed, signed and sealed before any lock is held.
    rows = {callback.pk: _rows(callback, verdict, now) for callback in callbacks}
    with transaction.atomic():
        began = time.monotonic()
        ours = _lock(callbacks)
        try:
            _write(ours, verdict, now)
        except NotWaiting:
            return 0
        added = [row for callback in ours for row in rows[callback.pk]]
        insert_many(added)
        reminders.wake([row.record for row in added if isinstance(row.record, Reminder)], now=now)
    one_writer.let_others_write(2 * (time.monotonic() - began))
    return len(ours)


def _rows(callback: Callback, verdict: Verdict, now: datetime) -> list[Insertion]:
    """What is added with the verdict: reminders, the event, and the words they are found by."""
    planned = reminders.compose(callback=callback, now=now) if verdict == OPEN else []
    words = [Insertion.of(word).unless_there() for word in PersonNameWord.of(callback.person)]
    rows = [Insertion.of(row) for row in planned]
    if verdict.block is None:
        rows.append(Insertion.of(_event(callback, verdict, by=events.SYSTEM, now=now)))
    return [*rows, *words]


def _lock(callbacks: Sequence[Callback]) -> list[Callback]:
    """Those nobody decided, or moved by their private link, meanwhile. What another transaction
    holds is passed over."""
    waiting = Callback.objects.filter(
        pk__in=[callback.pk for callback in callbacks], status=Status.RECEIVED
    )
    locked = waiting.order_by("pk").select_for_update(skip_locked=True, no_key=True)
    plans = dict(locked.values_list("pk", "plan"))
    return [callback for callback in callbacks if plans.get(callback.pk) == callback.plan]


def _write(callbacks: Sequence[Callback], verdict: Verdict, now: datetime) -> None:
    if verdict.block is not None:
        for callback in callbacks:
            settle(callback=callback, verdict=verdict, by=events.SYSTEM, now=now)
    elif callbacks:
        because = {"held_because": verdict.held_because} if verdict.held_because else {}
        Callback.objects.filter(pk__in=[callback.pk for callback in callbacks]).update(
            status=verdict.status, closed_at=now if verdict.is_end else None, **because
        )


def _hold_failed(row: UUID | Callback, now: datetime) -> int:
    """Without a look at anything the row holds: that is what failed."""
    pk = row.pk if isinstance(row, Callback) else row
    try:
        with transaction.atomic():
            held = {"status": Status.HELD, "held_because": Because.FAILED}
            if not Callback.objects.filter(pk=pk, status=Status.RECEIVED).update(**held):
                return 0
            failed = Verdict(Status.HELD, Because.FAILED)
            Insertion.of(_event(Callback(pk=pk), failed, by=events.SYSTEM, now=now)).run()
    except DATABASE_TROUBLE:
        raise
    except Exception:
        logger.exception("a received request could not be held")
        return 0
    return 1


# --- The decision ---------------------------------------------------------------------------------


def decide(callback: Callback, findings: request_checks.Findings) -> Verdict:
    """What becomes of a received request. An end comes before a doubt: it needs no human."""
    block = findings.blocks.get(callback.pk)
    if block is not None:
        return Verdict(Status.CANCELLED, block=block)
    if callback.pk in findings.tried_out:
        return Verdict(Status.EXHAUSTED)
    because = _doubt(callback, findings)
    return Verdict(Status.HELD, because) if because else OPEN


def decide_reviewed(callback: Callback) -> Verdict:
    """What becomes of a request a human let in: only what nobody may overrule still counts."""
    block = blocks.find(callback.person.number)
    if block is not None:
        return Verdict(Status.CANCELLED, block=block)
    if calling_hours.is_tried_out(callback):
        return Verdict(Status.EXHAUSTED)
    return OPEN


def _doubt(callback: Callback, findings: request_checks.Findings) -> str:
    # Whoever stopped the number may be the one they fear; who rings is warned before it is shown.
    if not callback.in_danger and callback.pk in findings.stopped:
        return Because.STOPPED
    if callback.pk in findings.too_many:
        return Because.NUMBER
    if callback.pk in findings.above_ceiling:
        return Because.CEILING
    return callback.held_because


# --- What follows ---------------------------------------------------------------------------------


@transaction.atomic
def settle(
    *,
    callback: Callback,
    verdict: Verdict,
    by: events.By,
    now: datetime,
    **changes: Any,
) -> None:
    """Have a RECEIVED or HELD request become what the verdict says; reminders are planned with it.

    ``changes``: further fields set with it, such as another ``due_at``. Raises ``NotWaiting`` when
    somebody else decided it, or lifts its block at this moment.
    """
    move(
        callback,
        refusal=NotWaiting,
        # Moved by its private link meanwhile: it is decided anew, at its new time.
        expected={"status": callback.status, "plan": callback.plan},
        **changes,
        status=verdict.status,
        held_because=verdict.held_because or callback.held_because,
        closed_at=now if verdict.is_end else None,
    )
    if verdict.block is not None:
        verdict = replace(verdict, block=_end_by_block(callback))
    if callback.is_open:
        reminders.plan(callback=callback, now=now)
    Insertion.of(_event(callback, verdict, by=by, now=now)).run()


def _end_by_block(callback: Callback) -> BlockedNumber:
    """By the block as it stands now: met again, it moves to the current index key."""
    block = blocks.stands(callback.person.number)
    if block is None:
        raise NotWaiting
    Callback.objects.filter(pk=callback.pk).update(closed_by_block=block)
    Person.objects.filter(pk=callback.person_id).update(do_not_call=True)
    callback.closed_by_block = block
    return block


VERBS: Mapping[str, str] = {
    Status.OPEN: "callback.admitted",
    Status.HELD: "callback.held",
    Status.CANCELLED: "callback.closed",
    Status.EXHAUSTED: "callback.closed",
}


def _event(callback: Callback, verdict: Verdict, *, by: events.By, now: datetime) -> Event:
    verb, detail = VERBS[verdict.status], _detail(verdict)
    return events.compose(verb, by=by, now=now, subject=callback, detail=detail)


def _detail(verdict: Verdict) -> dict[str, Any]:
    if verdict.held_because:
        return {"because": verdict.held_because}
    if verdict.block is not None:
        return {"as": verdict.status, "block": str(verdict.block.pk)}
    return {"as": verdict.status} if verdict.is_end else {}
