"""Letting in what the public form took: each request is looked at once, after it was stored.

The form itself asks nothing about the number, so that one we know, one that is blocked and one we
never met are answered alike and in the same time. Here each request becomes a promise, ends
because nobody may ring its number, or is held until a human has looked at it.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet

from intake.actions import blocks, calling_hours, doorbell, events, online_stops, reminders
from intake.actions.base import Refused, move
from intake.actions.delivery import DATABASE_TROUBLE
from intake.models import BlockedNumber, Callback, Person, PersonNameWord

logger = logging.getLogger(__name__)

# At most so long is rested after one, before the next.
MOST_COURTESY_SECONDS = 0.5
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

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


# --- One after the other --------------------------------------------------------------------------


def admit_received(*, limit: int, now: datetime) -> int:
    """Decide up to ``limit`` received requests, those in danger first; returns how many.

    Each in a transaction of its own, so that one that cannot be decided stands in nobody's way: it
    is held for a human as "failed". Any number of processes may do this at once.
    """
    received = Callback.objects.filter(status=Status.RECEIVED).order_by("-in_danger", "id")
    waiting: Sequence[UUID] = list(received.values_list("pk", flat=True)[:limit])
    with doorbell.one_ring_for_all():
        return sum(_admit(pk, now) for pk in waiting)


def _admit(pk: UUID, now: datetime) -> bool:
    began = time.monotonic()
    try:
        return _admit_one(pk, now)
    except DATABASE_TROUBLE:
        raise
    except Exception:
        logger.exception("a received request could not be let in")
    finally:
        _let_others_write(time.monotonic() - began)
    try:
        return _hold_failed(pk, now)
    except DATABASE_TROUBLE:
        raise
    except Exception:
        logger.exception("a received request could not be held")
        return False


def _let_others_write(seconds: float) -> None:
    """SQLite has one writer, and lets it go first who asks all the time: a backlog that is let in
    must not keep those waiting who are asking for a call just now."""
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        time.sleep(min(2 * seconds, MOST_COURTESY_SECONDS))


def _admit_one(pk: UUID, now: datetime) -> bool:
    """False where another process has it, or had it.

    Decided before anything is locked. Whoever blocks its number meanwhile ends it, whatever was
    decided, because a block ends all that is pending.
    """
    waiting = Callback.objects.select_related("person").filter(pk=pk, status=Status.RECEIVED)
    callback = waiting.first()
    if callback is None:
        return False
    verdict = decide(callback)
    try:
        with transaction.atomic():
            settle(callback=callback, verdict=verdict, by=events.SYSTEM, now=now)
            PersonNameWord.keep(callback.person, is_new=True)
    except NotWaiting:
        return False
    return True


@transaction.atomic
def _hold_failed(pk: UUID, now: datetime) -> bool:
    """Without a look at anything the row holds: that is what failed."""
    held = {"status": Status.HELD, "held_because": Because.FAILED}
    if not Callback.objects.filter(pk=pk, status=Status.RECEIVED).update(**held):
        return False
    events.write(
        "callback.held",
        by=events.SYSTEM,
        now=now,
        subject=Callback(pk=pk),
        detail={"because": Because.FAILED},
    )
    return True


# --- The decision ---------------------------------------------------------------------------------


def decide(callback: Callback) -> Verdict:
    """What becomes of a received request. An end comes before a doubt: it needs no human."""
    end = decide_reviewed(callback)
    if end.is_end:
        return end
    because = _doubt(callback)
    return Verdict(Status.HELD, because) if because else OPEN


def decide_reviewed(callback: Callback) -> Verdict:
    """What becomes of a request a human let in: only what nobody may overrule still counts."""
    block = blocks.find(callback.person.number)
    if block is not None:
        return Verdict(Status.CANCELLED, block=block)
    if calling_hours.is_tried_out(callback):
        return Verdict(Status.EXHAUSTED)
    return OPEN


def _doubt(callback: Callback) -> str:
    # Whoever stopped the number may be the one they fear; who rings is warned before it is shown.
    if not callback.in_danger and online_stops.is_stopped(callback.person.number):
        return Because.STOPPED
    if same_number_lately(callback, most=settings.HELPLINE_REQUESTS_PER_NUMBER) is None:
        return Because.NUMBER
    if _is_above_ceiling(callback):
        return Because.CEILING
    return callback.held_because


def same_number_lately(callback: Callback, *, most: int) -> int | None:
    """How many other requests for its number the form took in the 24 hours before; None from
    ``most`` on. What the same form sent before and took back does not count."""
    form = (callback.request_token or "")[:FORM_DIGITS]
    corrected = Q(status=Status.CANCELLED, request_token__gte=form, request_token__lt=f"{form}g")
    others = (
        _lately(callback, DAY)
        # Before it, or after it and let in already.
        .filter(Q(pk__lt=callback.pk) | ~Q(status__in=[Status.RECEIVED, Status.HELD]))
        .filter(person__in=Person.objects.at(callback.person.number))
        .exclude(corrected)
    )
    found = others[:most].count()
    return None if found >= most else found


def _is_above_ceiling(callback: Callback) -> bool:
    ceiling = settings.HELPLINE_REQUESTS_PER_HOUR
    return _lately(callback, HOUR).filter(pk__lt=callback.pk)[:ceiling].count() >= ceiling


def _lately(callback: Callback, span: timedelta) -> QuerySet[Callback]:
    """The others the form took in the ``span`` before this one. Ids are in the order they came in,
    so that two processes that look at two of them at once agree on which was too much."""
    return Callback.objects.filter(
        source=Callback.Source.WEB, requested_at__gt=callback.requested_at - span
    ).exclude(pk=callback.pk)


# The digits of a request's token that say which form it came from.
FORM_DIGITS = 32


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
    somebody else decided it.
    """
    # Met again, a block moves to the current index key.
    block = blocks.recognize(callback.person.number) if verdict.block else None
    move(
        callback,
        refusal=NotWaiting,
        # Moved by its private link meanwhile: it is decided anew, at its new time.
        expected={"status": callback.status, "plan": callback.plan},
        **changes,
        status=verdict.status,
        held_because=verdict.held_because or callback.held_because,
        closed_at=now if verdict.is_end else None,
        closed_by_block=block,
    )
    if block is not None:
        Person.objects.filter(pk=callback.person_id).update(do_not_call=True)
    if callback.is_open:
        reminders.plan(callback=callback, now=now)
    events.write(VERBS[verdict.status], by=by, now=now, subject=callback, detail=_detail(verdict))


VERBS: Mapping[str, str] = {
    Status.OPEN: "callback.admitted",
    Status.HELD: "callback.held",
    Status.CANCELLED: "callback.closed",
    Status.EXHAUSTED: "callback.closed",
}


def _detail(verdict: Verdict) -> dict[str, Any]:
    if verdict.held_because:
        return {"because": verdict.held_because}
    if verdict.block is not None:
        return {"as": verdict.status, "block": str(verdict.block.pk)}
    return {"as": verdict.status} if verdict.is_end else {}
