"""A phone system tells us that somebody rang in vain, spoke to a machine, or wrote a text.

A number that rang is all we know. So the promise made of it carries the most careful rules: no
voicemail, nothing said of who we are, no text, and nobody's record is touched but its own.
"""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction

from intake.actions import blocks, calling_hours, dialable, events, people, reminders, texts
from intake.actions.base import Refused, move
from intake.crypto import get_keyring, mac
from intake.crypto.cipher import keyed_digest
from intake.models import Attempt, Call, Callback, Person, PhoneEvent
from intake.rules import hours, opt_out, phones

EVENT_PURPOSE = "phone.event"
LOCK_PURPOSE = "phone.event.number"

# Ringing once may be a wrong number or a machine that tries numbers, and many of them must not
# stand before promises that were made. Whoever spoke after the tone asked for us, as whoever fills
# in the web form does. Both are due at once; this only decides who goes first, and how soon a
# supervisor is told.
URGENCY = {
    PhoneEvent.Kind.MISSED_CALL: Callback.Urgency.ROUTINE,
    PhoneEvent.Kind.VOICEMAIL: Callback.Urgency.HIGH,
}


class NothingToDecide(Refused):
    default_message = "Somebody has looked at this already, or there is nothing to decide."


Result = tuple[PhoneEvent.Result, Callback | None]


@dataclass(frozen=True, slots=True, repr=False)
class Told:
    """What the phone system said. ``number`` and ``text`` as they came; neither is kept.

    ``event_id`` is the same for every copy of one event; ``occurred_at`` in UTC.
    """

    event_id: str
    kind: str
    occurred_at: datetime
    number: str = ""
    text: str = ""


@transaction.atomic
def take(*, told: Told, now: datetime) -> PhoneEvent:
    """Take one event; a copy of it returns the first row and changes nothing.

    A missed call or a voicemail becomes one open callback of its number, unless there is one, or
    somebody talked with them since, or the number is withheld, blocked or not to be called. A text
    that asks for no more texts ends them at once. What we know nothing of is recorded and left.
    """
    known = PhoneEvent.objects.filter(event_digest__in=_digests(told.event_id)).first()
    if known is not None:
        return known
    event = PhoneEvent(
        event_digest=mac(EVENT_PURPOSE, told.event_id.encode()).hex(),
        kind=_kind(told.kind),
        # A clock that is ahead must not make an event younger than everything after it.
        occurred_at=min(told.occurred_at, now),
        received_at=now,
        result=PhoneEvent.Result.IGNORED,
    )
    try:
        with transaction.atomic():
            event.save(force_insert=True)
    except IntegrityError:
        # Another copy arrived at the same moment, and was waited for.
        return PhoneEvent.objects.get(event_digest=event.event_digest)
    event.result, event.callback = _follow(event, told, now)
    event.save(update_fields=["result", "callback"])
    _write(event, now)
    return event


def _digests(event_id: str) -> list[str]:
    """Under every key of the ring: a copy may arrive after the key was changed."""
    keys = get_keyring().audit.keys.values()
    return [keyed_digest(key, EVENT_PURPOSE, event_id.encode()).hex() for key in keys]


def _kind(word: str) -> PhoneEvent.Kind:
    known = {kind.value for kind in PhoneEvent.Kind}
    return PhoneEvent.Kind(word) if word in known else PhoneEvent.Kind.OTHER


def _write(event: PhoneEvent, now: datetime) -> None:
    detail = {"kind": event.kind, "result": event.result}
    events.write("phone_event.taken", by=events.PUBLIC, now=now, subject=event, detail=detail)
    if event.callback is not None:
        events.write(
            "callback.phone_event", by=events.PUBLIC, now=now, subject=event.callback, detail=detail
        )


def _follow(event: PhoneEvent, told: Told, now: datetime) -> Result:
    if event.kind == PhoneEvent.Kind.OTHER:
        return PhoneEvent.Result.IGNORED, None
    if not any(sign.isdecimal() for sign in told.number):
        # "anonymous", "restricted", or nothing at all.
        return PhoneEvent.Result.NUMBER_WITHHELD, None
    number = phones.normalise(told.number)
    if not number:
        return PhoneEvent.Result.NOT_DIALABLE, None
    if event.kind == PhoneEvent.Kind.TEXT_RECEIVED:
        return _wrote(event, number, told.text, now)
    return _rang(event, number, now)


@transaction.atomic
def mark_looked_at(*, event: PhoneEvent, by: User, now: datetime) -> None:
    """A person has read the text, or decided what follows from it. Raises ``NothingToDecide``."""
    if event.result not in PhoneEvent.TO_DECIDE:
        raise NothingToDecide
    move(
        event,
        refusal=NothingToDecide,
        expected={"looked_at": None},
        looked_at=now,
        looked_by=by,
    )
    events.write("phone_event.looked_at", by=by, now=now, subject=event)


def asked_for_no_calls(callback: Callback) -> PhoneEvent | None:
    """The latest text from the number of this callback that asked for no calls, if one did.

    It blocks nothing by itself: whoever is about to ring decides with a supervisor.
    """
    asked = PhoneEvent.objects.filter(callback=callback, result=PhoneEvent.Result.WANTS_NO_CALLS)
    return asked.order_by("-received_at").first()


# --- Somebody rang -------------------------------------------------------------------------------


def _rang(event: PhoneEvent, number: str, now: datetime) -> Result:
    if not dialable.decide(number).ok:
        return PhoneEvent.Result.NOT_DIALABLE, None
    if blocks.is_blocked(number):
        return PhoneEvent.Result.BLOCKED, None
    _one_at_a_time(number)
    waiting = _open_at(number)
    if waiting is not None:
        return PhoneEvent.Result.ALREADY_OPEN, waiting
    if _talked_since(number, event.occurred_at):
        return PhoneEvent.Result.ALREADY_TALKED, None
    return PhoneEvent.Result.OPENED, _open(event, number, now)


def _one_at_a_time(number: str) -> None:
    """Whoever else handles this number waits until we are done: two calls make one promise.

    SQLite has one writer at a time anyway.
    """
    if connection.vendor != "postgresql":
        return
    key = int.from_bytes(mac(LOCK_PURPOSE, number.encode())[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [key])


def _open_at(number: str) -> Callback | None:
    """The next promise to anybody at this number."""
    waiting = Callback.objects.filter(
        status=Callback.Status.OPEN, person__in=Person.objects.at(number)
    )
    return waiting.order_by("due_at").first()


def _talked_since(number: str, occurred_at: datetime) -> bool:
    """Whether somebody there was reached, or got through to us, after they rang in vain."""
    there = Person.objects.at(number)
    reached = Attempt.objects.filter(
        callback__person__in=there,
        outcome=Attempt.Outcome.REACHED,
        made_at__gte=occurred_at,
    )
    return (
        reached.exists()
        or Call.objects.filter(caller__in=there, started_at__gte=occurred_at).exists()
    )


def _open(event: PhoneEvent, number: str, now: datetime) -> Callback:
    person = people.save(person=Person(phone=number), by=events.PUBLIC, now=now)
    callback = Callback(
        person=person,
        source=Callback.Source.PHONE,
        due_at=now,
        time_zone=person.time_zone or hours.UNKNOWN_PLACE_ZONE,
        urgency=URGENCY[PhoneEvent.Kind(event.kind)],
        requested_at=now,
    )
    callback.due_at = _due_at(callback, now)
    callback.save(force_insert=True)
    reminders.plan(callback=callback, now=now)
    events.write(
        "callback.requested",
        by=events.PUBLIC,
        now=now,
        subject=callback,
        detail={"phone_event": event.kind},
    )
    blocks.end_if_blocked(callback=callback, now=now)
    return callback


def _due_at(callback: Callback, now: datetime) -> datetime:
    """Now, or the next moment at which they may be rung.

    Where the number was tried too often for that, the calling hours alone: the promise is made,
    and what may be dialed is decided again on the dial screen.
    """
    offers = calling_hours.offers_for(callback, now, 1)
    if offers:
        return offers[0].at
    openings = hours.next_allowed(now, calling_hours.rule_for(callback.person), n=1)
    return openings[0].at if openings else now


# --- Somebody wrote ------------------------------------------------------------------------------


def _wrote(event: PhoneEvent, number: str, text: str, now: datetime) -> Result:
    """Act on what can be acted on; whatever else it says is read where texts are kept."""
    wish = opt_out.wish(text)
    if wish is opt_out.Wish.NONE:
        return PhoneEvent.Result.TEXT_TO_READ, _open_at(number)
    if wish is opt_out.Wish.TEXTS_AGAIN:
        texts.lift_stop(number=number, written_at=event.occurred_at, by=events.PUBLIC, now=now)
        return PhoneEvent.Result.TEXTS_AGAIN, None
    texts.stop(number=number, written_at=event.occurred_at, by=events.PUBLIC, now=now)
    if wish is opt_out.Wish.NO_CALLS:
        return PhoneEvent.Result.WANTS_NO_CALLS, _open_at(number)
    return PhoneEvent.Result.TEXTS_STOPPED, None
