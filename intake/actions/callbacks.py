"""The promise: make it, claim it, try it, move it, end it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from intake.actions import events, people, reminders
from intake.actions.base import Refused, move
from intake.models import Attempt, Call, Callback, Notice, Person
from intake.rules import hours, retries

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


@dataclass(frozen=True)
class WebRequest:
    """What the public form holds, checked by it: an unsaved person and their wishes.

    ``form_digest`` and ``content_digest`` are 32 hex digits each, keyed: which rendered form it
    came from, and what was typed into it. ``consent_wording`` is the version of the text the
    person agreed to be called under. ``asked_outside_hours``: they asked to be rung at this very
    time, even at night.
    """

    person: Person
    due_at: datetime
    form_digest: str
    content_digest: str
    consent_wording: str
    who_for: str = Callback.WhoFor.ME
    topic: str = ""
    in_danger: bool = False
    window_ends_at: datetime | None = None
    asked_outside_hours: bool = False

    @property
    def token(self) -> str:
        return self.form_digest + self.content_digest


@transaction.atomic
def request_from_web(*, request: WebRequest, now: datetime) -> Callback:
    """Take a stranger's request; the same form sent again returns the first callback.

    Sent again with changes, it replaces what it sent before: a number corrected after "back" must
    not leave the wrong one to be rung. The number is never looked up for the answer, so a known
    and an unknown number get the same one. A number that asked not to be called is stored as
    cancelled and never rung.
    """
    existing = Callback.objects.filter(request_token=request.token).first()
    if existing is not None:
        return existing
    try:
        with transaction.atomic():
            callback = _store_web_request(request, now)
    except IntegrityError:
        # The other half of a double click won the unique token; its row is ours too.
        return Callback.objects.get(request_token=request.token)
    _replace_earlier(callback, request.form_digest, now)
    return callback


def _replace_earlier(callback: Callback, form_digest: str, now: datetime) -> None:
    """Cancel what the same form sent before, unless somebody has begun to act on it.

    A range, not LIKE: SQLite has no index for the latter. "g" follows every hex digit.
    """
    earlier = Callback.objects.filter(
        request_token__gte=form_digest,
        request_token__lt=f"{form_digest}g",
        status=Callback.Status.OPEN,
        claimed_at__isnull=True,
        first_attempt_at__isnull=True,
    ).exclude(pk=callback.pk)
    for one in earlier:
        cancel(callback=one, by=events.PUBLIC, now=now)


def _store_web_request(request: WebRequest, now: datetime) -> Callback:
    person = people.save(person=request.person, by=events.PUBLIC, now=now)
    is_blocked = people.is_blocked(str(person.phone))
    callback = Callback(
        person=person,
        source=Callback.Source.WEB,
        who_for=request.who_for,
        reason=request.topic,
        due_at=request.due_at,
        window_ends_at=request.window_ends_at,
        time_zone=person.time_zone or hours.UNKNOWN_PLACE_ZONE,
        urgency=Callback.Urgency.URGENT if request.in_danger else Callback.Urgency.HIGH,
        in_danger=request.in_danger,
        asked_outside_hours=request.asked_outside_hours,
        requested_at=now,
        request_token=request.token,
        status=Callback.Status.CANCELLED if is_blocked else Callback.Status.OPEN,
        closed_at=now if is_blocked else None,
    )
    callback.save(force_insert=True)
    if callback.is_open:
        reminders.plan(callback=callback, now=now)
    events.write(
        "callback.requested",
        by=events.PUBLIC,
        now=now,
        subject=callback,
        detail={
            "blocked": is_blocked,
            "consent": request.consent_wording,
            "outside_hours": request.asked_outside_hours,
        },
    )
    return callback


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
def record_attempt(
    *,
    callback: Callback,
    outcome: str,
    by: User,
    now: datetime,
    identity_confirmed: bool = False,
    note: str = "",
    again_at: datetime | None = None,
    asked_outside_hours: bool = False,
) -> Attempt:
    """Write down one try and what follows from it: done, tried again, or given up.

    ``again_at`` (UTC) is the time the person asked for; without it the ladder of
    ``rules.retries`` proposes one inside their calling hours. ``asked_outside_hours`` stores
    that they named a time outside those hours themselves. Raises ``CallbackAlreadyClosed``,
    ``CallbackNotYours`` unless claimed by ``by``, ``IdentityNotConfirmed``, ``DueInThePast``,
    ``OutsideCallingHours``, ``NoTimeLeft``.
    """
    locked = Callback.objects.select_for_update().get(pk=callback.pk)
    if not locked.is_open:
        raise CallbackAlreadyClosed
    if locked.claimed_by_id != by.pk:
        raise CallbackNotYours
    if outcome == Attempt.Outcome.REACHED and not identity_confirmed:
        raise IdentityNotConfirmed
    attempt = Attempt(
        callback=locked,
        number=locked.attempts.count() + 1,
        outcome=outcome,
        identity_confirmed=identity_confirmed,
        note=note,
        made_at=now,
        made_by=by,
    )
    attempt.save(force_insert=True)
    events.write("callback.attempted", by=by, now=now, subject=locked, detail={"outcome": outcome})
    _follow(
        locked,
        attempt,
        by=by,
        now=now,
        again_at=again_at,
        asked_outside_hours=asked_outside_hours,
    )
    callback.refresh_from_db()
    return attempt


def _follow(
    callback: Callback,
    attempt: Attempt,
    *,
    by: User,
    now: datetime,
    again_at: datetime | None,
    asked_outside_hours: bool,
) -> None:
    # Before the promise moves on: the first attempt is measured against what held until now.
    callback.first_deadline_at = callback.deadline_at
    callback.first_attempt_at = callback.first_attempt_at or now
    callback.claimed_at = callback.claimed_by = None
    step = retries.next_step(
        attempt.outcome, attempt.number, number_confirmed=_is_number_confirmed(callback)
    )
    if step.blocks_number and not callback.person.do_not_call:
        people.block_number(person=callback.person, reason=attempt.outcome, by=by, now=now)
    if step.closes_as:
        callback.status, callback.closed_at = step.closes_as, now
        reminders.void(callback=callback)
    else:
        callback.asked_outside_hours = asked_outside_hours
        earliest = now + (step.delay or timedelta())
        callback.due_at = _again_at(callback, again_at, earliest, now)
        callback.window_ends_at = None
        callback.plan += 1
        if step.raises_urgency:
            callback.urgency = Callback.Urgency.URGENT
        reminders.plan(callback=callback, now=now)
    callback.save()
    if step.closes_as:
        events.write(
            "callback.closed", by=by, now=now, subject=callback, detail={"as": step.closes_as}
        )


def _is_number_confirmed(callback: Callback) -> bool:
    """The person rang us, or was reached before; a number typed on the web may be anyone's."""
    return (
        callback.source == Callback.Source.AGENT
        or callback.attempts.filter(identity_confirmed=True).exists()
    )


def _again_at(
    callback: Callback, asked: datetime | None, earliest: datetime, now: datetime
) -> datetime:
    rule = calling_rule(callback.person, asked_outside_hours=callback.asked_outside_hours)
    made = list(callback.attempts.order_by("made_at").values_list("made_at", flat=True))
    if asked is None:
        earliest = retries.earliest_by_cap(
            made, earliest, number_confirmed=_is_number_confirmed(callback)
        )
        openings = hours.next_allowed(earliest, rule, attempts=made, n=1)
        if not openings:
            raise NoTimeLeft
        return openings[0].at
    if asked < now - LATE_TYPING:
        raise DueInThePast
    decision = hours.allowed(asked, rule, attempts=made)
    if not decision.ok:
        raise OutsideCallingHours(decision.reason)
    return asked


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
    """Take a notice off the desk, and with it the earlier ones of the same promise.

    Raises ``NoticeAlreadySeen``.
    """
    move(
        notice,
        refusal=NoticeAlreadySeen,
        expected={"seen_at": None},
        seen_at=now,
        seen_by=by,
    )
    Notice.objects.filter(
        reminder__callback=notice.reminder.callback_id,
        shown_from__lte=notice.shown_from,
        seen_at=None,
    ).update(seen_at=now, seen_by=by)
    events.write("notice.seen", by=by, now=now, subject=notice)
    return notice
