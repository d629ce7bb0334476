"""Recording people and how they may be reached."""

from datetime import datetime

from django.db import models, transaction
from django.db.models import QuerySet

from intake.actions import blocks, events
from intake.actions.base import Refused
from intake.crypto import blind_index_candidates
from intake.models import Person
from intake.rules import hours


class AlreadyDoNotCall(Refused):
    default_message = "This person already asked not to be called."


class PersonInUse(Refused):
    default_message = (
        "A consent, a policy or a callback was already recorded for the caller on this sheet, so"
        " they keep a record of their own. Save with “Somebody else”."
    )


def place(person: Person, guess: hours.ZoneGuess | None = None) -> None:
    """Fill state, time zone and where the zone came from; what the person stated stays.

    The ZIP code names state and zone; without it the stated state does, then the number for the
    zone alone. ``guess``: of the calling rule of just this person, if somebody has it at hand.
    Does not save.
    """
    stated = person.time_zone_source == Person.ZoneSource.STATED
    guess = guess or hours.guess_zones(
        zip_code=person.zip_code,
        state=person.state,
        number=person.number,
        stated_zone=person.time_zone if stated else "",
    )
    person.state = guess.states[0] if guess.states else ""
    person.time_zone = guess.zones[0] if guess.zones else ""
    person.time_zone_source = guess.source if guess.zones else Person.ZoneSource.UNKNOWN


@transaction.atomic
def save(*, person: Person, by: events.By, now: datetime) -> Person:
    """Store a new or changed person, placed in a time zone."""
    is_new = person._state.adding
    if is_new:
        person.created_at = now
    place(person)
    had = None if is_new else Person.objects.values_list("phone_index", flat=True).get(pk=person.pk)
    if is_new:
        person.save(force_insert=True)
    else:
        # Not the block: it may have been set since this row was read.
        kept = {"id", "created_at", "do_not_call"}
        person.save(update_fields=[f.name for f in person._meta.fields if f.name not in kept])
    _mark(person, had=had)
    events.write("person.recorded" if is_new else "person.changed", by=by, now=now, subject=person)
    return person


def _mark(person: Person, *, had: bytes | None) -> None:
    """The mark goes with the number: with one that is blocked, and away with one that was."""
    if not person.phone:
        return
    number = str(person.phone)
    is_blocked = blocks.recognize(number) is not None
    is_another = had is not None and had not in blind_index_candidates("person.phone", number)
    if is_blocked or is_another:
        person.do_not_call = is_blocked
        Person.objects.filter(pk=person.pk).update(do_not_call=is_blocked)


@transaction.atomic
def block_number(*, person: Person, reason: str, by: events.By, now: datetime) -> None:
    """No promise, by anyone, to this number again; ``reason`` is a ``BlockedNumber.Reason`` code.

    Ends every open callback to the number and marks everyone recorded under it (see ``blocks``).
    A person without a number is marked alone. Raises ``AlreadyDoNotCall`` when nothing is left to
    block.
    """
    number = str(person.phone) if person.phone else ""
    if number:
        blocks.hold(number)
    same_number = Person.objects.filter(pk=person.pk)
    if number:
        same_number = same_number | Person.objects.at(number)
    unmarked = same_number.filter(do_not_call=False)
    if not unmarked.exists() and (not number or blocks.stands(number)):
        raise AlreadyDoNotCall
    if number:
        blocks.block(number=number, reason=reason, by=by, now=now)
    unmarked.update(do_not_call=True)
    person.do_not_call = True
    events.write("person.do_not_call", by=by, now=now, subject=person, detail={"reason": reason})


def is_at(person: Person, number: str) -> bool:
    """Whether this person is recorded under this number (E.164)."""
    return person.phone_index in blind_index_candidates("person.phone", number)


@transaction.atomic
def drop_replaced(*, person: Person, known: Person, by: events.By, now: datetime) -> None:
    """Delete the record begun for a caller who turned out to be ``known``.

    Otherwise their number would stay under a record that no call leads to. Raises ``PersonInUse``
    when something else hangs on it by now.
    """
    events.write("person.recognized", by=by, now=now, subject=person, detail={"as": str(known.pk)})
    try:
        person.delete()
    except models.ProtectedError as error:
        raise PersonInUse from error


def known_at(number: str) -> QuerySet[Person]:
    """Everyone recorded under this number (E.164): perhaps one person, perhaps a household."""
    return Person.objects.at(number)


def is_blocked(number: str) -> bool:
    """Whether nobody may ring this number (E.164); see ``blocks``."""
    return blocks.is_blocked(number)
