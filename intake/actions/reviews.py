"""A human looks at what the form's limits held back: let it through, or turn it down.

Letting through asks what admission asks of the number itself, whether it is blocked and whether it
was tried too often; the limits are what the human decides against.
"""

import contextlib
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import F

from intake.actions import admission, callbacks, calling_hours, doorbell, events
from intake.actions.admission import NotWaiting
from intake.actions.base import Refused, move
from intake.actions.delivery import DATABASE_TROUBLE
from intake.crypto import DecryptionError
from intake.models import Callback, Person, PersonNameWord, Reminder, ReviewOrder
from intake.rules import hours

logger = logging.getLogger(__name__)

WAITING = (Callback.Status.HELD, Callback.Status.RECEIVED)
# What may be decided for all at once. The other reasons are about one request, or one number.
AT_ONCE = (Callback.HeldBecause.CEILING, Callback.HeldBecause.UNPROVEN)
# What is turned down in one go of those for one number; who played a trick does not send more.
MOST_FOR_A_NUMBER = 200
# A second or so: the desk's own reminders are delivered between two of them.
BATCH = 25


class Unreadable(Refused):
    default_message = "This request cannot be read. Tell whoever looks after the keys."


class AlreadyOrdered(Refused):
    default_message = "That was ordered already, and is under way."


class NotAtOnce(Refused):
    default_message = "These have to be looked at one by one."


class OnlySupervisors(Refused):
    default_message = "Only a supervisor may turn down what nobody has looked at."


# --- One request ---------------------------------------------------------------------------------


def release(*, callback: Callback, by: User, now: datetime, is_patient: bool = True) -> Callback:
    """Let a request through that was held back, or that no sweep has looked at: now it is open.

    It is rung as its time says; a time that has passed becomes the next at which they may be
    called. A number that asked not to be called ends it as cancelled, one that was tried as often
    as it may be as not reached. Whoever changes it at this moment is waited for, unless not
    ``is_patient``. Raises ``NotWaiting`` and ``Unreadable``.
    """
    try:
        return _release(callback, by=by, now=now, is_patient=is_patient)
    except DecryptionError as error:
        raise Unreadable from error


@transaction.atomic
def _release(callback: Callback, *, by: User, now: datetime, is_patient: bool) -> Callback:
    current = _locked(callback, is_patient)
    if current.status == Callback.Status.RECEIVED or _was_never_read(current):
        # Else it was done as it was admitted.
        PersonNameWord.keep(current.person, is_new=False)
    times = _in_time(current, now)
    for field, value in times.items():
        setattr(current, field, value)
    verdict = admission.decide_reviewed(current)
    changes = {} if verdict.is_end else times
    admission.settle(callback=current, verdict=verdict, by=by, now=now, **changes)
    return current


def _was_never_read(callback: Callback) -> bool:
    return callback.held_because == Callback.HeldBecause.FAILED


def turn_down(*, callback: Callback, reason: str, by: User, now: datetime) -> Callback:
    """End a request that waits: nobody rings. ``reason`` is a ``TurnedDownBecause``.

    Raises ``NotWaiting``.
    """
    return _turn_down(callback, {"status__in": WAITING}, reason=reason, by=by, now=now)


def _turn_down_unseen(callback: Callback, *, reason: str, by: User, now: datetime) -> Callback:
    """As ``turn_down``, but never of somebody in danger: such a request is ended by who saw it."""
    expected = {"status__in": WAITING, "in_danger": False}
    return _turn_down(callback, expected, reason=reason, by=by, now=now)


@transaction.atomic
def _turn_down(
    callback: Callback, expected: dict[str, Any], *, reason: str, by: User, now: datetime
) -> Callback:
    because = Callback.TurnedDownBecause(reason)
    move(
        callback,
        refusal=NotWaiting,
        expected=expected,
        status=Callback.Status.CANCELLED,
        closed_at=now,
        turned_down_because=because,
    )
    detail = {"reason": because}
    events.write("callback.turned_down", by=by, now=now, subject=callback, detail=detail)
    return callback


def turn_down_others(*, callback: Callback, reason: str, by: User, now: datetime) -> int:
    """As ``turn_down``, for the others that wait for the number of this one; returns how many.

    Those in danger stay. ``MOST_FOR_A_NUMBER`` at most, so that it takes a moment.
    """
    number = Person.objects.filter(pk=callback.person_id, phone_index__isnull=False)
    others = Callback.objects.filter(
        status__in=WAITING, in_danger=False, person__phone_index__in=number.values("phone_index")
    ).exclude(pk=callback.pk)
    turned_down = 0
    for one in others.only("status").order_by("id")[:MOST_FOR_A_NUMBER]:
        with contextlib.suppress(NotWaiting):
            _turn_down_unseen(one, reason=reason, by=by, now=now)
            turned_down += 1
    return turned_down


def _locked(callback: Callback, is_patient: bool) -> Callback:
    waiting = Callback.objects.filter(pk=callback.pk, status__in=WAITING)
    rows = waiting.select_for_update(of=("self",), skip_locked=not is_patient)
    current = rows.select_related("person").first()
    if current is None:
        raise NotWaiting
    return current


def _in_time(callback: Callback, now: datetime) -> dict[str, Any]:
    """Its times anew, if nobody can be in time any more. The deadline that was missed stays on
    record: moving a promise that is already broken does not mend it.
    """
    if (callback.window_ends_at or callback.due_at) > now:
        return {}
    offers = calling_hours.offers_for(callback, now, 1)
    at = offers[0].at if offers else now
    is_usual = hours.allowed(at, calling_hours.rule_for(callback.person)).ok
    return {
        "due_at": at,
        "window_ends_at": None,
        "first_deadline_at": callbacks.broken_deadline(callback, now),
        # The hour they asked for is over, unless that is what allows this one.
        "asked_outside_hours": callback.asked_outside_hours and not is_usual,
    }


# --- Many at once --------------------------------------------------------------------------------


@transaction.atomic
def order(*, because: str, by: User, now: datetime, turned_down_because: str = "") -> ReviewOrder:
    """Have everything let through that is held ``because`` of this by now, or turned down.

    Nobody in danger is turned down by it: they wait on for a look at each. The sweep does it
    (``carry_out``), so this takes no longer for a hundred thousand. Raises ``NotAtOnce``,
    ``OnlySupervisors``, and ``AlreadyOrdered`` while one for the reason is under way.
    """
    if because not in AT_ONCE:
        raise NotAtOnce
    if turned_down_because and not by.has_perm("intake.view_reports"):
        raise OnlySupervisors
    made = ReviewOrder(
        because=because,
        turned_down_because=turned_down_because,
        ordered_at=now,
        ordered_by=by,
    )
    try:
        with transaction.atomic():
            made.save(force_insert=True)
    except IntegrityError as error:
        raise AlreadyOrdered from error
    events.write(
        "review.ordered",
        by=by,
        now=now,
        subject=made,
        detail={"because": because, "reason": turned_down_because},
    )
    doorbell.wake(channels=[Reminder.Channel.IN_APP])
    return made


def carry_out(*, now: datetime, limit: int = BATCH) -> int:
    """Decide up to ``limit`` requests of the oldest order; returns how far it came, 0 when all is
    done or in other hands.

    Each in a transaction of its own, so that nobody waits for long, and any number of processes may
    do it at once. A request that cannot be decided is set aside for a human and stands in nobody's
    way.
    """
    waiting = ReviewOrder.objects.filter(done_at=None).order_by("id")
    for current in waiting.select_related("ordered_by"):
        batch = list(_ordered(current)[:limit])
        if batch:
            return _carry_out(current, batch, now)
        _finish(current, now)
    return 0


def _carry_out(current: ReviewOrder, batch: Sequence[Callback], now: datetime) -> int:
    decided = set_aside = 0
    for one in batch:
        with contextlib.suppress(NotWaiting):
            if _decide(one, current, now):
                decided += 1
            else:
                set_aside += 1
    ReviewOrder.objects.filter(pk=current.pk).update(decided=F("decided") + decided)
    return decided + set_aside


@transaction.atomic
def _finish(current: ReviewOrder, now: datetime) -> None:
    if ReviewOrder.objects.filter(pk=current.pk, done_at=None).update(done_at=now):
        current.refresh_from_db(fields=["decided"])
        detail = {"decided": current.decided}
        events.write("review.done", by=events.SYSTEM, now=now, subject=current, detail=detail)


def _ordered(current: ReviewOrder) -> Any:
    """What came before the order was given, in danger first, or but for them where it turns down.

    Nothing encrypted is read for it.
    """
    waiting = Callback.objects.filter(
        status=Callback.Status.HELD,
        held_because=current.because,
        requested_at__lte=current.ordered_at,
    )
    if current.turned_down_because:
        waiting = waiting.filter(in_danger=False)
    return waiting.only("status", "held_because").order_by("-in_danger", "id")


def _decide(callback: Callback, current: ReviewOrder, now: datetime) -> bool:
    """False: it was set aside. Raises ``NotWaiting`` where somebody else has it, or had it."""
    by, reason = current.ordered_by, current.turned_down_because
    try:
        if reason:
            _turn_down_unseen(callback, reason=reason, by=by, now=now)
        else:
            # Other processes do the same: nobody stands in line for one request.
            release(callback=callback, by=by, now=now, is_patient=False)
    except (NotWaiting, *DATABASE_TROUBLE):
        raise
    except Exception as error:
        logger.error("held request %s could not be decided", callback.pk, exc_info=error)
        _set_aside(callback, now)
        return False
    return True


@transaction.atomic
def _set_aside(callback: Callback, now: datetime) -> None:
    failed = Callback.HeldBecause.FAILED
    waiting = Callback.objects.filter(pk=callback.pk, status=Callback.Status.HELD)
    if waiting.update(held_because=failed):
        detail = {"because": failed}
        events.write("callback.held", by=events.SYSTEM, now=now, subject=callback, detail=detail)
