"""Whose callback it is: taken to ring it now, given back, handed to somebody else."""

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet

from intake.actions import events
from intake.actions.base import Refused, move
from intake.models import Attempt, Callback, Notice
from intake.rules import retries

# A claim nobody finished is released: the agent's browser or shift ended. It counts from the claim,
# and anew from showing the number.
CLAIM_LIFE = timedelta(minutes=30)
# From the moment they said who they are: nobody rings them a second time while they are talking.
CONVERSATION_LIFE = timedelta(hours=2)
# The steps of the dial screen end with the claim (rules.dialing).
ENDED = {
    "claimed_at": None,
    "claimed_by": None,
    "number_shown_at": None,
    "identity_confirmed_at": None,
}


class CallbackAlreadyClosed(Refused):
    default_message = "This callback is already closed."


class RequestNotReviewed(CallbackAlreadyClosed):
    default_message = "This request waits for review. Let it through first."


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


@transaction.atomic
def claim(*, callback: Callback, by: User, now: datetime) -> Callback:
    """Take an open callback to ring it now: one winner, the others are told who has it.

    A claim older than half an hour counts as given back, but for a conversation under way. If the
    number was shown under it, that stays on record as a try. Raises ``CallbackTaken``, or its kind
    ``CallbackAlreadyYours`` for a second press, and ``CallbackAlreadyClosed``.
    """
    waiting = Callback.objects.filter(free(now), pk=callback.pk, status=Callback.Status.OPEN)
    if waiting.filter(number_shown_at__isnull=False).exists():
        settle(callback=callback, by=by, now=now, only=waiting)
    taking = {**ENDED, "claimed_at": now, "claimed_by": by}
    if not waiting.update(**taking):
        raise _why_not_claimed(callback, by)
    for field, value in taking.items():
        setattr(callback, field, value)
    events.write("callback.claimed", by=by, now=now, subject=callback)
    return callback


def held(now: datetime) -> Q:
    """Callbacks somebody is ringing. After half an hour nobody believes it any more; but whoever
    said who they are may talk for two hours."""
    talking = Q(claimed_at__isnull=False, identity_confirmed_at__gt=now - CONVERSATION_LIFE)
    return Q(claimed_at__gt=now - CLAIM_LIFE) | talking


def free(now: datetime) -> Q:
    """Callbacks nobody is ringing: the others."""
    silent = Q(identity_confirmed_at=None) | Q(identity_confirmed_at__lte=now - CONVERSATION_LIFE)
    return Q(claimed_at=None) | (Q(claimed_at__lte=now - CLAIM_LIFE) & silent)


def is_claimed(callback: Callback, now: datetime) -> bool:
    """As ``held``, of one row."""
    if callback.claimed_at is None:
        return False
    said = callback.identity_confirmed_at
    is_talking = said is not None and said > now - CONVERSATION_LIFE
    return is_talking or callback.claimed_at > now - CLAIM_LIFE


def require_free(*, callback: Callback, by: User, now: datetime) -> None:
    """Raise ``CallbackTaken`` while a colleague of ``by`` is ringing.

    Else none begins to before the transaction ends.
    """
    rows = Callback.objects.select_for_update(of=("self",)).select_related("claimed_by")
    current = rows.get(pk=callback.pk)
    if is_claimed(current, now) and current.claimed_by_id != by.pk:
        raise taken(current)


@transaction.atomic
def settle(
    *,
    callback: Callback,
    by: events.By,
    now: datetime,
    only: QuerySet[Callback] | None = None,
) -> None:
    """A number that was shown, and of which nothing was recorded, counts as a try.

    Part of whatever ends a claim without an outcome; does nothing where no number was shown.
    ``only``: the rows it may be, asked again under the lock.
    """
    rows = Callback.objects.filter(pk=callback.pk) if only is None else only
    # Locked whether it was shown or not: it may be shown at this moment.
    shown = rows.select_for_update().first()
    if shown is None or shown.number_shown_at is None or shown.claimed_by is None:
        return
    Attempt(
        callback=shown,
        number=shown.attempts.count() + 1,
        outcome=Attempt.Outcome.NOT_RECORDED,
        number_shown_at=shown.number_shown_at,
        made_at=shown.number_shown_at,
        made_by=shown.claimed_by,
    ).save(force_insert=True)
    Callback.objects.filter(pk=shown.pk).update(number_shown_at=None, identity_confirmed_at=None)
    events.write(
        "callback.attempted",
        by=by,
        now=now,
        subject=callback,
        detail={"outcome": Attempt.Outcome.NOT_RECORDED},
    )


def _why_not_claimed(callback: Callback, by: User) -> Refused:
    callback.refresh_from_db()
    if not callback.is_open:
        return not_open(callback)
    return CallbackAlreadyYours() if callback.claimed_by_id == by.pk else taken(callback)


def not_open(callback: Callback) -> CallbackAlreadyClosed:
    """The refusal for a callback that is not open: it has ended, or nobody has looked at it yet."""
    return RequestNotReviewed() if callback.is_pending else CallbackAlreadyClosed()


def taken(callback: Callback) -> CallbackTaken:
    """The refusal that names who has it; a name of staff, never of a caller."""
    if callback.claimed_by is None:
        return CallbackTaken()
    return CallbackTaken(f"{callback.claimed_by.get_username()} has claimed this callback.")


@transaction.atomic
def release(*, callback: Callback, by: User, now: datetime) -> Callback:
    """Give a claimed callback back; a number that was shown stays on record as a try.

    One that fell overdue meanwhile goes to the pool: the reminder that would have taken it there
    passed it over while it was being rung. Raises ``CallbackNotYours``.
    """
    settle(callback=callback, by=by, now=now)
    move(
        callback,
        refusal=CallbackNotYours,
        expected={"status": Callback.Status.OPEN, "claimed_by": by},
        **ENDED,
    )
    events.write("callback.released", by=by, now=now, subject=callback)
    _pool_if_overdue(callback, by=by, now=now)
    return callback


def _pool_if_overdue(callback: Callback, *, by: User, now: datetime) -> None:
    current = Callback.objects.only("owner_id", "due_at", "urgency", "window_ends_at").get(
        pk=callback.pk
    )
    passed = retries.stages(current.due_at, current.urgency, current.window_ends_at)
    if current.owner_id is None or dict(passed)[retries.Stage.OVERDUE] > now:
        return
    move(
        callback,
        refusal=CallbackTaken,
        expected={"status": Callback.Status.OPEN, "owner": current.owner_id},
        owner=None,
    )
    events.write(
        "callback.pooled", by=by, now=now, subject=callback, detail={"from": current.owner_id}
    )


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
    settle(callback=callback, by=by, now=now)
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
        **ENDED,
    )
    _pass_on_notices(callback, to)
    events.write(
        "callback.handed_over",
        by=by,
        now=now,
        subject=callback,
        detail={"to": to.pk if to else None, "reason": Callback.HandOverReason(reason)},
    )
    return callback


def _pass_on_notices(callback: Callback, to: User | None) -> None:
    # What is being told the old owner at this moment is waited for, to be seen here.
    list(callback.reminders.select_for_update().order_by("pk").values_list("pk"))
    told = Notice.objects.filter(reminder__callback=callback.pk, for_supervisors=False)
    told.filter(seen_at=None).update(recipient=to)


def _may_hand_over(callback: Callback, by: User, *, now: datetime) -> None:
    if not callback.is_open:
        raise not_open(callback)
    if callback.claimed_by_id == by.pk:
        return
    if is_claimed(callback, now):
        raise taken(callback)
    if callback.owner_id != by.pk and not by.has_perm("intake.view_reports"):
        raise CallbackNotYours
