"""The steps of a call to somebody who was promised one: show the number, then make sure who it is.

Open, claimed, number shown, identity confirmed, outcome (``rules.dialing``). Each step is taken by
whoever holds the claim, compare-and-set on the row, and the database holds their order too. How it
ended is ``attempts``.
"""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from intake.actions import blocks, callbacks, calling_hours, claims, dialable, events
from intake.actions.base import Refused, move
from intake.models import Callback
from intake.rules.dialing import Step


class NumberNotShown(Refused):
    default_message = "Show the number first: only a call that was made can have ended."


class ClaimLapsed(Refused):
    default_message = (
        "Your claim ran out, so somebody else may be ringing by now. Claim this callback again."
    )


class NumberInUse(Refused):
    default_message = "A colleague is ringing this number now."


@transaction.atomic
def show_number(*, callback: Callback, by: User, now: datetime) -> Callback:
    """Show the number to whoever has claimed the callback. From now on it counts as a try.

    A second press changes nothing. Raises ``CallbackAlreadyClosed``, ``CallbackNotYours``,
    ``ClaimLapsed``, and whatever ``require_ringable`` raises.
    """
    if callback.person.phone:
        blocks.hold(str(callback.person.phone))
    locked = _locked(callback, by=by, now=now)
    if locked.step is Step.BRIEFING:
        require_ringable(locked, now=now)
        # Claimed anew: nobody else takes it while it rings.
        _step(callback, locked, number_shown_at=now, claimed_at=now)
        events.write("callback.number_shown", by=by, now=now, subject=callback)
    return callback


def require_ringable(callback: Callback, *, now: datetime) -> None:
    """Return if this callback's number may be rung at this moment.

    Raises ``NoNumber``, ``NotDialable``, ``NumberBlocked``, ``NumberInUse`` while somebody rings it
    for another callback, and ``OutsideCallingHours``, with the next allowed times: outside their
    hours, or with the tries of this day used up.
    """
    person = callback.person
    if not person.phone:
        raise callbacks.NoNumber
    number = str(person.phone)
    dialable.require(number)
    if blocks.is_blocked(number):
        raise callbacks.NumberBlocked
    ringing = (
        blocks.open_at(number).filter(claims.held(now), number_shown_at__isnull=False)
    ).exclude(pk=callback.pk)
    if ringing.exists():
        raise NumberInUse
    decision = calling_hours.decide_for(callback, now)
    if not decision.ok:
        offers = calling_hours.offers_for(callback, now)
        raise callbacks.OutsideCallingHours(decision.reason, offers)


def number_on_screen(callback: Callback) -> str:
    """The number (E.164) that was shown; "" when it may not be rung any more.

    Somebody may have corrected it on the call sheet since, to one that is blocked or not dialed.
    """
    number = str(callback.person.phone or "")
    if callback.step is Step.BRIEFING or not number:
        return ""
    is_fit = dialable.decide(number).ok and not blocks.is_blocked(number)
    return number if is_fit else ""


@transaction.atomic
def confirm_identity(*, callback: Callback, by: User, now: datetime) -> Callback:
    """They said who they are, without having been told. A second press changes nothing.

    Raises ``CallbackAlreadyClosed``, ``CallbackNotYours``, ``ClaimLapsed``, ``NumberNotShown``.
    """
    locked = _locked(callback, by=by, now=now)
    if locked.step is Step.BRIEFING:
        raise NumberNotShown
    if locked.step is Step.RINGING:
        _step(callback, locked, identity_confirmed_at=now)
        events.write("callback.identity_confirmed", by=by, now=now, subject=callback)
    return callback


@transaction.atomic
def withdraw_identity(*, callback: Callback, by: User, now: datetime) -> Callback:
    """They had not said who they are after all; a second press changes nothing.

    Raises as ``confirm_identity``.
    """
    locked = _locked(callback, by=by, now=now)
    if locked.step is Step.BRIEFING:
        raise NumberNotShown
    if locked.step is Step.TALKING:
        # Nobody takes it from under whoever is still on the line.
        _step(callback, locked, identity_confirmed_at=None, claimed_at=now)
        events.write("callback.identity_withdrawn", by=by, now=now, subject=callback)
    return callback


def _locked(callback: Callback, *, by: User, now: datetime) -> Callback:
    """The row, locked, if ``by`` holds it now."""
    locked = Callback.objects.select_for_update(of=("self",)).get(pk=callback.pk)
    if not locked.is_open:
        raise callbacks.CallbackAlreadyClosed
    if locked.claimed_by_id != by.pk:
        raise callbacks.CallbackNotYours
    if not claims.is_claimed(locked, now):
        raise ClaimLapsed
    return locked


def _step(callback: Callback, was: Callback, **changes: datetime | None) -> None:
    move(
        callback,
        refusal=callbacks.CallbackNotYours,
        expected={
            "status": Callback.Status.OPEN,
            "claimed_by": was.claimed_by_id,
            "number_shown_at": was.number_shown_at,
            "identity_confirmed_at": was.identity_confirmed_at,
        },
        **changes,
    )
