"""One try at a promise: what came of it, and what follows from that."""

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction

from intake.actions import callbacks, events, people, reminders
from intake.models import Attempt, Callback
from intake.rules import hours, retries


@transaction.atomic
def record(
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
        raise callbacks.CallbackAlreadyClosed
    if locked.claimed_by_id != by.pk:
        raise callbacks.CallbackNotYours
    if outcome == Attempt.Outcome.REACHED and not identity_confirmed:
        raise callbacks.IdentityNotConfirmed
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
    rule = callbacks.calling_rule(callback.person, asked_outside_hours=callback.asked_outside_hours)
    made = list(callback.attempts.order_by("made_at").values_list("made_at", flat=True))
    if asked is None:
        earliest = retries.earliest_by_cap(
            made, earliest, number_confirmed=_is_number_confirmed(callback)
        )
        openings = hours.next_allowed(earliest, rule, attempts=made, n=1)
        if not openings:
            raise callbacks.NoTimeLeft
        return openings[0].at
    if asked < now - callbacks.LATE_TYPING:
        raise callbacks.DueInThePast
    decision = hours.allowed(asked, rule, attempts=made)
    if not decision.ok:
        raise callbacks.OutsideCallingHours(decision.reason)
    return asked
