"""Where a request stands, as far as the holder of its private link is told.

Whoever holds it may be a stranger who typed in the number. So they see what they chose themselves,
and that it is over; never that the number is known, was rung, or answered.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import Q

from intake.crypto import mac
from intake.models import Attempt, Call, Callback, Event

# How long a link still says that its request is closed.
CLOSED_LIFE = timedelta(days=7)

WITHDRAWN, MOVED = "callback.withdrawn", "callback.rescheduled"
STOPPED = "callback.stopped_online"


class Stage(StrEnum):
    """Where a request stands, as far as the holder of its link is told."""

    AHEAD = "ahead"  # the time they chose is still to come
    UNDER_WAY = "under_way"  # it has come; whether anybody tried is not told
    WITHDRAWN = "withdrawn"  # by this very link
    CLOSED = "closed"
    GONE = "gone"  # closed long ago

    @property
    def is_pending(self) -> bool:
        return self in (Stage.AHEAD, Stage.UNDER_WAY)


def stage(callback: Callback, now: datetime) -> Stage:
    """Where a web request stands for the holder of its link.

    One that ended because of its number alone, before anybody rang, looks like one that waits:
    otherwise the page would tell whoever typed a number that we know it.
    """
    told = told_by_link(callback)
    withdrawn_at = max((event.at for event in told if event.verb == WITHDRAWN), default=None)
    if withdrawn_at is not None:
        return Stage.WITHDRAWN if now < withdrawn_at + CLOSED_LIFE else Stage.GONE
    attempts = list(callback.attempts.all())
    if not callback.is_pending:
        ended_at = _seems_ended_at(callback, attempts)
        if ended_at <= now:
            return Stage.CLOSED if now < ended_at + CLOSED_LIFE else Stage.GONE
    if is_with_staff(callback, attempts):
        return Stage.CLOSED
    chosen_at = max((event.at for event in told), default=callback.requested_at)
    is_tried = any(attempt.made_at >= chosen_at for attempt in attempts)
    return Stage.UNDER_WAY if is_tried or callback.due_at <= now else Stage.AHEAD


def told_by_link(callback: Callback) -> list[Event]:
    """What was done by this link before."""
    return list(
        Event.objects.filter(
            subject_type="callback",
            subject_id=str(callback.pk),
            verb__in=[WITHDRAWN, MOVED, STOPPED],
            actor_kind=Event.ActorKind.PUBLIC,
        )
    )


def is_taken_back(callback: Callback) -> bool:
    """Whether the holder of its link took it back, whatever came of it since."""
    return any(event.verb == WITHDRAWN for event in told_by_link(callback))


def _seems_ended_at(callback: Callback, attempts: Sequence[Attempt]) -> datetime:
    closed_at = callback.closed_at or callback.requested_at
    is_for_number = (
        callback.closed_by_block_id is not None or callback.status == Callback.Status.EXHAUSTED
    )
    if attempts or not is_for_number:
        return closed_at
    return max(closed_at, callback.due_at + _as_if_rung(callback))


def _as_if_rung(callback: Callback) -> timedelta:
    """How long after it fell due a call might have been over: 10 to 40 minutes, no two alike."""
    drawn = mac("callback.closing", f"{callback.pk}/{callback.plan}".encode())
    return timedelta(minutes=10, seconds=int.from_bytes(drawn[:2], "big") % 1800)


def is_with_staff(callback: Callback, attempts: Sequence[Attempt]) -> bool:
    """Whether it is no longer the wish of whoever filled in the form.

    They said who they are on a call, or a member of staff fears for them, moved the call, or
    recorded something with this person: what holds now may have been told us in confidence.
    """
    if any(
        attempt.identity_confirmed or attempt.outcome == Attempt.Outcome.DANGER_SUSPECTED
        for attempt in attempts
    ):
        return True
    person = callback.person_id
    by_staff = Event.objects.filter(
        subject_type__in=["callback", "person"],
        subject_id__in=[str(callback.pk), str(person)],
        verb__in=[MOVED, "person.changed"],
        actor_kind=Event.ActorKind.USER,
    )
    return (
        by_staff.exists()
        or Callback.objects.filter(person=person).exclude(pk=callback.pk).exists()
        or Call.objects.filter(Q(caller=person) | Q(person_in_need=person)).exists()
    )
