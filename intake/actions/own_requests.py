"""What the holder of a private link may do about the request it belongs to.

They may be whoever is to be called, somebody who typed in another's number, or somebody who found
the link. So nothing here tells by its answer, or by the time it takes, what we know of the number.
What they do can hold a call back, never shut anybody out. And once a member of staff has spoken
with the person, or fears for them, the request is out of their hands (``request_stages``).
"""

from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from django.db import transaction

from intake.actions import (
    callbacks,
    calling_hours,
    claims,
    doorbell,
    events,
    people,
    reminders,
)
from intake.actions.base import Refused, move
from intake.actions.request_stages import (
    MOVED,
    WITHDRAWN,
    Stage,
    stage,
    told_by_link,
)
from intake.channels import CHANNELS
from intake.models import Callback, Person, PersonNameWord, Reminder
from intake.rules import hours
from intake.rules.callback_times import Slot

# Everybody on the desk hears of each move, and a found link must not put a call off for ever.
MOST_MOVES = 8

__all__ = [
    "BeingRung",
    "MovedTooOften",
    "NotMovedInDanger",
    "OwnHours",
    "RequestClosed",
    "Stage",
    "change_time",
    "stage",
    "withdraw",
]


class RequestClosed(Refused):
    default_message = "This request is closed."


class BeingRung(Refused):
    default_message = "Somebody is ringing them now."


class MovedTooOften(Refused):
    default_message = "This request was moved too often."


class NotMovedInDanger(Refused):
    default_message = "A request that speaks of danger is not put off without a talk."


# --- What its holder may do -----------------------------------------------------------------------


@dataclass(frozen=True)
class OwnHours:
    """The part of the day they choose now, None for any. ``stated_zone``: an IANA name, "" to leave
    their zone as it is."""

    safe_from: time | None = None
    safe_until: time | None = None
    stated_zone: str = ""

    def apply(self, person: Person) -> None:
        """Set it on a person. Does not save."""
        person.safe_from, person.safe_until = self.safe_from, self.safe_until
        if self.stated_zone:
            person.time_zone = self.stated_zone
            person.time_zone_source = Person.ZoneSource.STATED
            people.place(person)


@transaction.atomic
def change_time(
    *, callback: Callback, slot: Slot, own_hours: OwnHours, by: events.By, now: datetime
) -> Callback:
    """Have the request kept at another time; the same wish pressed twice moves it once.

    Looks nothing up about the number: the answer must not tell what we know of it. One that has
    ended because of its number is moved as well, and nobody is rung. Raises ``RequestClosed``,
    ``BeingRung``, ``NotMovedInDanger``, ``MovedTooOften``, ``DueInThePast``,
    ``OutsideCallingHours``.
    """
    own = own_row(callback, now)
    if own.in_danger:
        raise NotMovedInDanger
    before = _hours_of(own.person)
    own_hours.apply(own.person)
    _require_allowed(own.person, slot, now)
    if before == _hours_of(own.person) and _is_kept_already(own, slot, now):
        return own
    if sum(event.verb == MOVED for event in told_by_link(own)) >= MOST_MOVES:
        raise MovedTooOften
    Person.objects.filter(pk=own.person_id).update(**_hours_of(own.person))
    claims.settle(callback=own, by=by, now=now)
    move(
        own,
        refusal=RequestClosed,
        expected={"status": own.status, "plan": own.plan},
        due_at=slot.begins,
        window_ends_at=slot.ends,
        first_deadline_at=callbacks.broken_deadline(own, now),
        time_zone=own.person.time_zone or hours.UNKNOWN_PLACE_ZONE,
        plan=own.plan + 1,
        asked_outside_hours=slot.asked_outside_hours,
        **claims.ENDED,
    )
    _plan(own, now)
    events.write(MOVED, by=by, now=now, subject=own, detail={"by_link": True})
    return own


def _plan(own: Callback, now: datetime) -> None:
    """For one that nobody is rung for, the same is done and undone: the time of the answer must not
    tell which it is."""
    with transaction.atomic():
        reminders.plan(callback=own, now=now)
        if not own.is_open:
            transaction.set_rollback(True)
    if own.due_at <= now:
        due = (one.name for one in CHANNELS.values() if one.wants(own, Reminder.Stage.DUE))
        doorbell.wake(channels=due)


def own_row(callback: Callback, now: datetime, *, also_withdrawn: bool = False) -> Callback:
    """The row, locked, if its holder may still do something about it.

    ``also_withdrawn``: one that was taken back by the link, too. Raises ``RequestClosed``,
    ``BeingRung``.
    """
    rows = Callback.objects.select_for_update(of=("self",)).select_related("person")
    own = rows.get(pk=callback.pk)
    stands = stage(own, now)
    if not (stands.is_pending or (also_withdrawn and stands is Stage.WITHDRAWN)):
        raise RequestClosed
    if is_ringing(own, now):
        raise BeingRung
    return own


def is_ringing(callback: Callback, now: datetime) -> bool:
    """The number is on somebody's screen. Before that, the wish of the person goes first: whoever
    must not be rung now may have only this moment to say so."""
    return callback.number_shown_at is not None and claims.is_claimed(callback, now)


def _require_allowed(person: Person, slot: Slot, now: datetime) -> None:
    if slot.begins < now - calling_hours.LATE_TYPING:
        raise callbacks.DueInThePast
    rule = calling_hours.rule_for(person, asked_outside_hours=slot.asked_outside_hours)
    decision = hours.allowed(slot.begins, rule)
    if not decision.ok:
        raise callbacks.OutsideCallingHours(decision.reason)


def _is_kept_already(callback: Callback, slot: Slot, now: datetime) -> bool:
    """To ask twice for a call as soon as possible names two moments and is one wish."""
    held = Slot(callback.due_at, callback.window_ends_at, callback.asked_outside_hours)
    if callback.attempts.exists():
        return False
    if held.ends != slot.ends or held.asked_outside_hours != slot.asked_outside_hours:
        return False
    is_at_once = held.begins <= now and slot.begins <= now
    return held.begins == slot.begins or is_at_once


def _hours_of(person: Person) -> dict[str, Any]:
    fields = ("safe_from", "safe_until", "state", "time_zone", "time_zone_source")
    return {name: getattr(person, name) for name in fields}


@transaction.atomic
def withdraw(*, callback: Callback, by: events.By, now: datetime) -> Callback:
    """Take the request back: nobody is rung for it.

    One that said somebody is in danger waits for a human instead, because it may be another hand
    that takes it back. Raises ``RequestClosed``, ``BeingRung``.
    """
    own = own_row(callback, now)
    put_away(own, by=by, now=now)
    return own


def put_away(own: Callback, *, by: events.By, now: datetime) -> None:
    """End the request, or hold it if somebody is in danger; a try nobody wrote down is kept."""
    claims.settle(callback=own, by=by, now=now)
    if not own.is_pending:
        # If its block turns out to be a slip, nobody is promised a call they took back.
        Callback.objects.filter(pk=own.pk).update(closed_by_block=None)
    elif own.in_danger:
        hold(own)
    else:
        _cancel(own, now)
    reminders.void(callback=own)
    events.write(WITHDRAWN, by=by, now=now, subject=own, detail={"as": own.status})


def _cancel(callback: Callback, now: datetime) -> None:
    move(
        callback,
        refusal=RequestClosed,
        expected={"status": callback.status},
        status=Callback.Status.CANCELLED,
        closed_at=now,
        **claims.ENDED,
    )


def hold(callback: Callback) -> None:
    """Nobody is rung until a human has looked at it, who finds it by its name, too."""
    if callback.status == Callback.Status.RECEIVED:
        PersonNameWord.keep(callback.person, is_new=True)
    move(
        callback,
        refusal=RequestClosed,
        expected={"status": callback.status},
        status=Callback.Status.HELD,
        held_because=Callback.HeldBecause.STOPPED,
        **claims.ENDED,
    )
