"""The promise: make it, claim it, try it, move it, end it."""

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from intake.actions import events, people, reminders
from intake.actions.base import Refused, move
from intake.models import Call, Callback, Notice, Person
from intake.rules import hours

# A claim nobody finished is released: the agent's browser or shift ended.
CLAIM_LIFE = timedelta(minutes=30)
# "Now" chosen on a form is a little past by the time it arrives.
LATE_TYPING = timedelta(minutes=5)


class CallbackAlreadyOpen(Refused):
    default_message = "There is already an open callback for this call."


class CallbackAlreadyClosed(Refused):
    default_message = "This callback is already closed."


class CallbackTaken(Refused):
    default_message = "Somebody else has claimed this callback."


class CallbackAlreadyYours(CallbackTaken):
    default_message = "You have claimed this callback already."


class CallbackNotYours(Refused):
    default_message = "Claim this callback first."


class AlreadyTheirs(Refused):
    default_message = "This callback is with them already."


class TakesNoCalls(Refused):
    default_message = "A callback can only be given to somebody who takes calls."


class NoNumber(Refused):
    default_message = "Record a phone number before promising a callback."


class NumberBlocked(Refused):
    default_message = "This number asked not to be called again."


class OutsideCallingHours(Refused):
    default_message = "That time is outside the hours in which this person may be called."


class IdentityNotConfirmed(Refused):
    default_message = "Confirm whom you are talking to before anything is told."


class DueInThePast(Refused):
    default_message = "A callback can only be promised for a time ahead."


class NoTimeLeft(Refused):
    default_message = (
        "Their own safe hours leave no time inside the calling hours. Enter the time they asked"
        " for."
    )


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
    themselves (``asked_outside_hours``, stored). Raises ``NoNumber``, ``NumberBlocked``,
    ``DueInThePast``, ``OutsideCallingHours``, ``CallbackAlreadyOpen``.
    """
    _may_promise(person, due_at, now=now, asked_outside_hours=asked_outside_hours)
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
    return callback


def _may_promise(
    person: Person, due_at: datetime, *, now: datetime, asked_outside_hours: bool
) -> None:
    if not person.phone:
        raise NoNumber
    if people.is_blocked(str(person.phone)):
        raise NumberBlocked
    if due_at < now - LATE_TYPING:
        raise DueInThePast
    decision = calling_decision(person, due_at, asked_outside_hours=asked_outside_hours)
    if not decision.ok:
        raise OutsideCallingHours(decision.reason)


def calling_decision(
    person: Person, at: datetime, *, asked_outside_hours: bool = False
) -> hours.Decision:
    """Whether this person may be rung at ``at`` (UTC), with the reason in words."""
    return hours.allowed(at, calling_rule(person, asked_outside_hours=asked_outside_hours))


def calling_rule(person: Person, *, asked_outside_hours: bool = False) -> hours.CallingRule:
    """The hours that hold for this person: place, number and their own safe hours."""
    return hours.calling_rule(
        zip_code=person.zip_code,
        state=person.state,
        number=str(person.phone) if person.phone else "",
        stated_zone=person.time_zone if person.time_zone_source == Person.ZoneSource.STATED else "",
        safe_from=person.safe_from,
        safe_until=person.safe_until,
        asked_outside_hours=asked_outside_hours,
    )


@transaction.atomic
def claim(*, callback: Callback, by: User, now: datetime) -> Callback:
    """Take an open callback to ring it now: one winner, the others are told who has it.

    A claim older than half an hour counts as given back. Raises ``CallbackTaken``, or its kind
    ``CallbackAlreadyYours`` for a second press, and ``CallbackAlreadyClosed``.
    """
    changed = (
        Callback.objects.filter(pk=callback.pk, status=Callback.Status.OPEN)
        .exclude(claimed_at__gt=now - CLAIM_LIFE)
        .update(claimed_at=now, claimed_by=by)
    )
    if not changed:
        raise _why_not_claimed(callback, by)
    callback.claimed_at, callback.claimed_by = now, by
    events.write("callback.claimed", by=by, now=now, subject=callback)
    return callback


def is_claimed(callback: Callback, now: datetime) -> bool:
    """Somebody is ringing; after half an hour nobody believes it any more."""
    return callback.claimed_at is not None and callback.claimed_at > now - CLAIM_LIFE


def _why_not_claimed(callback: Callback, by: User) -> Refused:
    callback.refresh_from_db()
    if not callback.is_open:
        return CallbackAlreadyClosed()
    return CallbackAlreadyYours() if callback.claimed_by_id == by.pk else taken(callback)


def taken(callback: Callback) -> CallbackTaken:
    """The refusal that names who has it; a name of staff, never of a caller."""
    if callback.claimed_by is None:
        return CallbackTaken()
    return CallbackTaken(f"{callback.claimed_by.get_username()} has claimed this callback.")


@transaction.atomic
def release(*, callback: Callback, by: User, now: datetime) -> Callback:
    """Give a claimed callback back; raises ``CallbackNotYours``."""
    move(
        callback,
        refusal=CallbackNotYours,
        expected={"status": Callback.Status.OPEN, "claimed_by": by},
        claimed_at=None,
        claimed_by=None,
    )
    events.write("callback.released", by=by, now=now, subject=callback)
    return callback


@transaction.atomic
def hand_over(
    *, callback: Callback, to: User | None, reason: str, by: User, now: datetime
) -> Callback:
    """Make it somebody else's to ring, or the pool's (``to`` None); the claim ends with it.

    Whoever has claimed it may, its owner, and a supervisor; but nobody while a colleague is
    ringing the person. ``reason`` is one of ``Callback.HandOverReason``, kept in the audit. What
    its reminders told the old owner is on the new one's desk from now on. Raises
    ``CallbackAlreadyClosed``, ``CallbackTaken``, ``CallbackNotYours``, ``AlreadyTheirs``,
    ``TakesNoCalls``.
    """
    current = Callback.objects.select_related("owner", "claimed_by").get(pk=callback.pk)
    _may_hand_over(current, by, now=now)
    if to is not None and not to.has_perm("intake.change_callback"):
        raise TakesNoCalls
    if to == current.owner and current.claimed_by is None:
        raise AlreadyTheirs
    move(
        callback,
        refusal=CallbackTaken,
        # Whoever claimed it since then has it.
        expected={
            "status": Callback.Status.OPEN,
            "owner": current.owner,
            "claimed_by": current.claimed_by,
        },
        owner=to,
        claimed_at=None,
        claimed_by=None,
    )
    Notice.objects.filter(
        reminder__callback=callback.pk, seen_at=None, for_supervisors=False
    ).update(recipient=to)
    events.write(
        "callback.handed_over",
        by=by,
        now=now,
        subject=callback,
        detail={"to": to.pk if to else None, "reason": Callback.HandOverReason(reason)},
    )
    return callback


def _may_hand_over(callback: Callback, by: User, *, now: datetime) -> None:
    if not callback.is_open:
        raise CallbackAlreadyClosed
    if callback.claimed_by_id == by.pk:
        return
    if is_claimed(callback, now):
        raise taken(callback)
    if callback.owner_id != by.pk and not by.has_perm("intake.view_reports"):
        raise CallbackNotYours


@transaction.atomic
def reschedule(
    *,
    callback: Callback,
    due_at: datetime,
    by: User,
    now: datetime,
    asked_outside_hours: bool = False,
) -> Callback:
    """Move an open promise; its reminders move with it in the same transaction."""
    _may_promise(callback.person, due_at, now=now, asked_outside_hours=asked_outside_hours)
    move(
        callback,
        refusal=CallbackAlreadyClosed,
        expected={"status": Callback.Status.OPEN, "plan": callback.plan},
        due_at=due_at,
        window_ends_at=None,
        first_deadline_at=_broken_deadline(callback, now),
        plan=callback.plan + 1,
        asked_outside_hours=asked_outside_hours,
    )
    reminders.plan(callback=callback, now=now)
    events.write("callback.rescheduled", by=by, now=now, subject=callback)
    return callback


def _broken_deadline(callback: Callback, now: datetime) -> datetime | None:
    """The deadline to remember: moving a promise that is already broken does not mend it."""
    return callback.deadline_at if callback.deadline_at < now else callback.first_deadline_at


@transaction.atomic
def cancel(*, callback: Callback, by: events.By, now: datetime) -> Callback:
    """End the promise because the person wants it ended; raises ``CallbackAlreadyClosed``."""
    move(
        callback,
        refusal=CallbackAlreadyClosed,
        expected={"status": Callback.Status.OPEN},
        status=Callback.Status.CANCELLED,
        closed_at=now,
        claimed_at=None,
        claimed_by=None,
    )
    reminders.void(callback=callback)
    events.write("callback.cancelled", by=by, now=now, subject=callback)
    return callback
