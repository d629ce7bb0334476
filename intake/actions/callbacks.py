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


class CallbackNotYours(Refused):
    default_message = "Claim this callback first."


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
    """Take an open callback to ring it now: one winner, the others get ``CallbackTaken``.

    A claim older than half an hour counts as given back.
    """
    changed = (
        Callback.objects.filter(pk=callback.pk, status=Callback.Status.OPEN)
        .exclude(claimed_at__gt=now - CLAIM_LIFE)
        .update(claimed_at=now, claimed_by=by)
    )
    if not changed:
        callback.refresh_from_db()
        raise CallbackTaken if callback.is_open else CallbackAlreadyClosed
    callback.claimed_at, callback.claimed_by = now, by
    events.write("callback.claimed", by=by, now=now, subject=callback)
    return callback


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


class NoticeAlreadySeen(Refused):
    default_message = "This notice was already marked as seen."


@transaction.atomic
def mark_seen(*, notice: Notice, by: User, now: datetime) -> Notice:
    """Take a notice off their desk, and with it the earlier ones of the same promise there.

    Raises ``NoticeAlreadySeen``.
    """
    move(
        notice,
        refusal=NoticeAlreadySeen,
        expected={"seen_at": None},
        seen_at=now,
        seen_by=by,
    )
    Notice.objects.shown_to(by).filter(
        reminder__callback=notice.reminder.callback_id,
        shown_from__lte=notice.shown_from,
        seen_at=None,
    ).update(seen_at=now, seen_by=by)
    events.write("notice.seen", by=by, now=now, subject=notice)
    return notice
