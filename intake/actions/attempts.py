"""One try at a promise: what came of it, and what follows from that."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction

from intake.actions import (
    blocks,
    callbacks,
    calling_hours,
    claims,
    dialing,
    events,
    people,
    reminders,
)
from intake.actions.base import Refused
from intake.models import Attempt, Callback, Person
from intake.rules import retries
from intake.rules.dialing import NEEDS_IDENTITY, Step, may_end


class NotAnOutcome(Refused):
    default_message = "Choose how it ended."


class IdentityWasConfirmed(Refused):
    default_message = (
        "They said who they are, so the call cannot have ended like that. Take the confirmation"
        " back first if it was a slip."
    )


class AlreadyRecorded(Refused):
    default_message = "How this call ended is recorded already, in another way."


class VoicemailNotAllowed(Refused):
    default_message = (
        "They want no message, or have one already. If a machine recorded something by mistake,"
        " record that."
    )


@dataclass(frozen=True)
class Ending:
    """How a try ended, as somebody said it.

    ``again_at`` (UTC): the time the person asked for, or the agent thinks better than the ladder's.
    ``asked_outside_hours``: the person named a time outside their calling hours themselves.
    ``by_mistake``: a machine recorded something although no message was to be left.
    ``shown_at``: which try it is the end of; None for the one under way.
    """

    outcome: str
    note: str = ""
    again_at: datetime | None = None
    asked_outside_hours: bool = False
    by_mistake: bool = False
    shown_at: datetime | None = None


@transaction.atomic
def record(
    *,
    callback: Callback,
    outcome: str,
    by: User,
    now: datetime,
    note: str = "",
    again_at: datetime | None = None,
    asked_outside_hours: bool = False,
    by_mistake: bool = False,
    shown_at: datetime | None = None,
) -> Attempt:
    """Write down how one try ended and what follows from it: done, tried again, or given up.

    The rest of the arguments: see ``Ending``. Whose identity was confirmed is read from the row;
    nobody can say so here. The same end of the same try sent twice is written once. Raises
    ``CallbackAlreadyClosed``, ``CallbackNotYours`` unless claimed by ``by``, ``NumberNotShown``,
    ``IdentityNotConfirmed``, ``IdentityWasConfirmed``, ``AlreadyRecorded``,
    ``VoicemailNotAllowed``, ``DueInThePast``, ``OutsideCallingHours``, and ``NoTimeLeft`` while
    they are on the line.
    """
    ending = Ending(
        outcome,
        note=note,
        again_at=again_at,
        asked_outside_hours=asked_outside_hours,
        by_mistake=by_mistake,
        shown_at=shown_at,
    )
    if outcome in (Attempt.Outcome.WRONG_NUMBER, Attempt.Outcome.DECLINED) and _number(callback):
        blocks.hold(_number(callback))
    locked = Callback.objects.select_for_update(of=("self",)).get(pk=callback.pk)
    earlier = _recorded(locked, ending, by)
    if earlier is not None:
        return earlier
    _check(locked, ending, by)
    attempt = _write(locked, ending, by=by, now=now)
    _follow(locked, attempt, ending, by=by, now=now)
    callback.refresh_from_db()
    return attempt


def _number(callback: Callback) -> str:
    return str(callback.person.phone) if callback.person.phone else ""


def _recorded(callback: Callback, ending: Ending, by: User) -> Attempt | None:
    """The second half of a double click finds what the first one wrote."""
    if ending.shown_at is None or callback.number_shown_at == ending.shown_at:
        return None
    earlier = callback.attempts.filter(number_shown_at=ending.shown_at, made_by=by).first()
    if earlier is None or earlier.outcome == Attempt.Outcome.NOT_RECORDED:
        return None
    if earlier.outcome != ending.outcome:
        raise AlreadyRecorded
    return earlier


def _check(callback: Callback, ending: Ending, by: User) -> None:
    """Whether ``by`` may say so at this step. A claim that ran out is theirs until it is taken."""
    if not callback.is_open:
        raise callbacks.CallbackAlreadyClosed
    if callback.claimed_by_id != by.pk:
        raise callbacks.CallbackNotYours
    if ending.shown_at is not None and callback.number_shown_at != ending.shown_at:
        raise dialing.NumberNotShown
    if not may_end(ending.outcome, callback.step):
        raise _why_not(ending.outcome, callback.step)
    is_meant = ending.outcome == Attempt.Outcome.VOICEMAIL_LEFT and not ending.by_mistake
    if is_meant and not may_leave_message(callback):
        raise VoicemailNotAllowed


def _why_not(outcome: str, step: Step) -> Refused:
    if step is Step.BRIEFING:
        return dialing.NumberNotShown()
    if outcome in NEEDS_IDENTITY:
        return callbacks.IdentityNotConfirmed()
    known = any(may_end(outcome, each) for each in Step)
    return IdentityWasConfirmed() if known else NotAnOutcome()


def may_leave_message(callback: Callback) -> bool:
    """Whether a voicemail may be left: only if they want one, and a second one never."""
    if callback.person.voicemail_rule == Person.VoicemailRule.NONE:
        return False
    return not callback.attempts.filter(outcome=Attempt.Outcome.VOICEMAIL_LEFT).exists()


def _write(callback: Callback, ending: Ending, *, by: User, now: datetime) -> Attempt:
    is_message = ending.outcome == Attempt.Outcome.VOICEMAIL_LEFT
    attempt = Attempt(
        callback=callback,
        number=callback.attempts.count() + 1,
        outcome=ending.outcome,
        identity_confirmed=callback.step is Step.TALKING,
        number_shown_at=callback.number_shown_at,
        against_their_wish=is_message and not may_leave_message(callback),
        note=ending.note,
        made_at=now,
        made_by=by,
    )
    attempt.save(force_insert=True)
    detail = {"outcome": ending.outcome, "against_their_wish": attempt.against_their_wish}
    events.write("callback.attempted", by=by, now=now, subject=callback, detail=detail)
    return attempt


def _follow(
    callback: Callback, attempt: Attempt, ending: Ending, *, by: User, now: datetime
) -> None:
    if attempt.number_shown_at is not None:
        # Before the promise moves on: the first attempt is measured against what held until now.
        callback.first_deadline_at = callback.deadline_at
        callback.first_attempt_at = callback.first_attempt_at or now
    for field, value in claims.ENDED.items():
        setattr(callback, field, value)
    callback.save(update_fields=list(claims.ENDED))
    step = calling_hours.step_after(callback, attempt.outcome, attempt.number, now=now)
    if step.closes_as:
        _close(callback, attempt, step, by=by, now=now)
    else:
        _move_on(callback, step, ending, now=now)


def _close(
    callback: Callback, attempt: Attempt, step: retries.NextStep, *, by: User, now: datetime
) -> None:
    callback.status, callback.closed_at = step.closes_as, now
    callback.save()
    events.write("callback.closed", by=by, now=now, subject=callback, detail={"as": step.closes_as})
    if step.blocks_number:
        _block(callback, attempt, by=by, now=now)
    # After the people a block marks, as whoever stops texts does: two orders would deadlock.
    reminders.void(callback=callback)


def _block(callback: Callback, attempt: Attempt, *, by: User, now: datetime) -> None:
    person, number = callback.person, _number(callback)
    if not person.do_not_call or not blocks.is_blocked(number):
        people.block_number(person=person, reason=attempt.outcome, by=by, now=now)
    Callback.objects.filter(pk=callback.pk).update(closed_by_block=blocks.recognize(number))


def _move_on(callback: Callback, step: retries.NextStep, ending: Ending, *, now: datetime) -> None:
    # A time outside their hours is theirs to ask for: nobody else can have asked.
    asked_outside_hours = ending.asked_outside_hours and ending.outcome in NEEDS_IDENTITY
    try:
        callback.due_at = calling_hours.next_try(
            callback, step, ending.again_at, now=now, asked_outside_hours=asked_outside_hours
        )
    except calling_hours.NoTimeLeft:
        if ending.outcome in NEEDS_IDENTITY:
            # They are on the line, and can be asked for a time.
            raise
        # Their safe hours leave no time for another try. What happened is recorded all the same,
        # danger above all: the promise stays open and falls due, and the dial screen rings nobody.
        callback.due_at = now + (step.delay or timedelta())
    callback.asked_outside_hours = asked_outside_hours
    callback.window_ends_at = None
    callback.plan += 1
    if step.raises_urgency:
        callback.urgency = Callback.Urgency.URGENT
    callback.save()
    reminders.plan(callback=callback, now=now)


def what_follows(callback: Callback, *, now: datetime) -> retries.NextStep | None:
    """What the ladder says after the latest attempt, in words; None before the first."""
    latest = callback.attempts.order_by("-number").first()
    if latest is None:
        return None
    return calling_hours.step_after(callback, latest.outcome, latest.number, now=now)
