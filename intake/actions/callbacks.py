"""The promise: make it, move it, end it. Whose it is: ``claims``; each try: ``attempts``."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from intake.actions import blocks, calling_hours, claims, dialable, events, people, reminders
from intake.actions.base import Refused, move
from intake.actions.blocks import NumberBlocked
from intake.actions.calling_hours import (
    LATE_TYPING,
    DueInThePast,
    NoTimeLeft,
    OutsideCallingHours,
)
from intake.actions.claims import (
    CLAIM_LIFE,
    AlreadyTheirs,
    CallbackAlreadyClosed,
    CallbackAlreadyYours,
    CallbackNotYours,
    CallbackTaken,
    TakesNoCalls,
    claim,
    hand_over,
    is_claimed,
    release,
    taken,
)
from intake.models import Call, Callback, Person
from intake.rules import hours

__all__ = [
    "CLAIM_LIFE",
    "LATE_TYPING",
    "AlreadyTheirs",
    "CallbackAlreadyClosed",
    "CallbackAlreadyOpen",
    "CallbackAlreadyYours",
    "CallbackNotYours",
    "CallbackTaken",
    "DueInThePast",
    "IdentityNotConfirmed",
    "NoNumber",
    "NoTimeLeft",
    "NumberBlocked",
    "OutsideCallingHours",
    "TakesNoCalls",
    "cancel",
    "claim",
    "hand_over",
    "is_claimed",
    "promise",
    "release",
    "reschedule",
    "taken",
]


class CallbackAlreadyOpen(Refused):
    default_message = "There is already an open callback for this call."


class NoNumber(Refused):
    default_message = "Record a phone number before promising a callback."


class IdentityNotConfirmed(Refused):
    default_message = "Confirm whom you are talking to before anything is told."


@transaction.atomic
def promise(
    *,
    person: Person,
    due_at: datetime,
    urgency: str,
    by: User,
    now: datetime,
    call: Call | None = None,
    owner: User | None = None,
    window_ends_at: datetime | None = None,
    reason: str = "",
    asked_outside_hours: bool = False,
) -> Callback:
    """Promise to ring ``person`` at ``due_at`` (UTC); ``owner`` None means the pool.

    The time must lie inside the hours the person may be called, unless they asked for it
    themselves (``asked_outside_hours``, stored). Raises ``NoNumber``, ``NotDialable``,
    ``NumberBlocked``, ``DueInThePast``, ``OutsideCallingHours`` with the next allowed times,
    ``CallbackAlreadyOpen``.
    """
    _may_promise(person, due_at, now=now)
    calling_hours.require(person, due_at, asked_outside_hours=asked_outside_hours)
    callback = Callback(
        person=person,
        call=call,
        source=Callback.Source.AGENT,
        due_at=due_at,
        window_ends_at=window_ends_at,
        time_zone=person.time_zone or hours.UNKNOWN_PLACE_ZONE,
        urgency=urgency,
        owner=owner,
        reason=reason,
        requested_at=now,
        asked_outside_hours=asked_outside_hours,
    )
    try:
        with transaction.atomic():
            callback.save(force_insert=True)
    except IntegrityError as error:
        raise CallbackAlreadyOpen from error
    reminders.plan(callback=callback, now=now)
    events.write("callback.promised", by=by, now=now, subject=callback)
    blocks.end_if_blocked(callback=callback, now=now)
    return callback


def _may_promise(person: Person, due_at: datetime, *, now: datetime) -> None:
    """The person has a number that may be rung, and the time lies ahead."""
    if not person.phone:
        raise NoNumber
    dialable.require(str(person.phone))
    if people.is_blocked(str(person.phone)):
        raise NumberBlocked
    if due_at < now - LATE_TYPING:
        raise DueInThePast


@transaction.atomic
def reschedule(
    *,
    callback: Callback,
    due_at: datetime,
    by: User,
    now: datetime,
    asked_outside_hours: bool = False,
) -> Callback:
    """Move an open promise; its reminders move with it in the same transaction, its claim ends.

    Raises what ``promise`` raises, ``CallbackAlreadyClosed``, and ``CallbackTaken`` while a
    colleague is ringing.
    """
    claims.require_free(callback=callback, by=by, now=now)
    claims.settle(callback=callback, by=by, now=now)
    _may_promise(callback.person, due_at, now=now)
    calling_hours.require_for(callback, due_at, asked_outside_hours=asked_outside_hours)
    move(
        callback,
        refusal=CallbackAlreadyClosed,
        expected={"status": Callback.Status.OPEN, "plan": callback.plan},
        due_at=due_at,
        window_ends_at=None,
        first_deadline_at=broken_deadline(callback, now),
        plan=callback.plan + 1,
        asked_outside_hours=asked_outside_hours,
        **claims.ENDED,
    )
    reminders.plan(callback=callback, now=now)
    events.write("callback.rescheduled", by=by, now=now, subject=callback)
    return callback


def broken_deadline(callback: Callback, now: datetime) -> datetime | None:
    """The deadline to remember: moving a promise that is already broken does not mend it."""
    return callback.deadline_at if callback.deadline_at < now else callback.first_deadline_at


@transaction.atomic
def cancel(*, callback: Callback, by: events.By, now: datetime) -> Callback:
    """End the promise because the person wants it ended; raises ``CallbackAlreadyClosed``."""
    claims.settle(callback=callback, by=by, now=now)
    move(
        callback,
        refusal=CallbackAlreadyClosed,
        expected={"status": Callback.Status.OPEN},
        status=Callback.Status.CANCELLED,
        closed_at=now,
        **claims.ENDED,
    )
    reminders.void(callback=callback)
    events.write("callback.cancelled", by=by, now=now, subject=callback)
    return callback
