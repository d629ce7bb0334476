"""Numbers nobody rings again: blocked at once and for good, recognized by a keyed digest alone.

The digest outlives every person and callback. Two transactions may cross: one promises a call while
the other blocks its number. So either looks once more after its commit, when the later of the two
sees the other (``_end_late``, ``end_if_blocked``), and the dial screen asks again before it shows a
number. Who needs more than one lock takes them in this order: the callbacks to the number (``hold``),
its block (``stands``), people, reminders.
"""

from datetime import datetime
from functools import partial
from uuid import UUID

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from intake.actions import calling_hours, claims, events, reminders
from intake.actions.base import Refused, move
from intake.crypto import blind_index_candidates, get_keyring, lone_digest
from intake.models import PENDING, BlockedNumber, Callback, Person

PURPOSE = "blocked.number"
# How a block ends the promises to its number, beside the one it was said on.
ENDS_AS = {BlockedNumber.Reason.WRONG_NUMBER: Callback.Status.WRONG_NUMBER}


class NumberBlocked(Refused):
    default_message = "This number asked not to be called again."


class NotBlocked(Refused):
    default_message = "This block was lifted already."


class NotASlip(Refused):
    default_message = "Say what the slip was."


def is_blocked(number: str) -> bool:
    """Whether nobody may ring this number (E.164), under whatever index key it was blocked."""
    return find(number) is not None


def find(number: str) -> BlockedNumber | None:
    """The block of this number (E.164), if any, under whatever index key; changes nothing."""
    digests = blind_index_candidates(PURPOSE, number)
    return BlockedNumber.objects.filter(number_digest__in=digests).first()


def hold(number: str) -> None:
    """Lock every callback to this number (E.164) that has not ended till the end of the transaction.

    In one order, so that two who act on one number for two people wait and do not deadlock. Also
    what is only received: it may be let in at this very moment.
    """
    at_number = pending_at(number).select_for_update(of=("self",)).order_by("pk")
    list(at_number.values_list("pk"))


def stands(number: str) -> BlockedNumber | None:
    """The block of this number (E.164), if any, which nobody lifts before the transaction ends."""
    row = recognize(number)
    if row is None:
        return None
    # Whoever lifts it at this moment is waited for: then it stands no more.
    standing = BlockedNumber.objects.filter(pk=row.pk, number_digest__isnull=False)
    return standing.select_for_update(no_key=True).first()


def open_at(number: str) -> QuerySet[Callback]:
    return Callback.objects.filter(
        status=Callback.Status.OPEN, person__in=Person.objects.at(number)
    )


def pending_at(number: str) -> QuerySet[Callback]:
    """What is open, and what waits to be let in."""
    return Callback.objects.filter(status__in=PENDING, person__in=Person.objects.at(number))


@transaction.atomic
def block(*, number: str, reason: str, by: events.By, now: datetime) -> BlockedNumber:
    """Nobody rings this number (E.164) again, for whomever; ``reason`` is a ``Reason`` code.

    Ends every open callback to it at once, with its reminders and its claim, and marks everyone
    recorded under it. Blocking a number that is blocked does all that again and adds no row.
    """
    hold(number)
    row = stands(number) or _add(number, reason, by=by, now=now)
    Person.objects.at(number).filter(do_not_call=False).update(do_not_call=True)
    _end_open(row, number, by=by, now=now)
    transaction.on_commit(partial(_end_late, number, by=by, now=now), robust=True)
    return row


def _add(number: str, reason: str, *, by: events.By, now: datetime) -> BlockedNumber:
    digest, key_id = lone_digest(PURPOSE, number)
    row = BlockedNumber(
        number_digest=digest,
        key_id=key_id,
        reason=BlockedNumber.Reason(reason),
        blocked_at=now,
        user=by if isinstance(by, User) else None,
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        # Somebody else blocked it at this very moment.
        return BlockedNumber.objects.get(number_digest=digest)
    events.write("number.blocked", by=by, now=now, subject=row, detail={"reason": reason})
    return row


def _end_open(row: BlockedNumber, number: str, *, by: events.By, now: datetime) -> None:
    for callback in pending_at(number).select_for_update(of=("self",)).order_by("pk"):
        end(callback, row, by=by, now=now)


def _end_late(number: str, *, by: events.By, now: datetime) -> None:
    """What was promised by a transaction that could not see the block yet."""
    with transaction.atomic():
        hold(number)
        row = stands(number)
        if row is not None:
            _end_open(row, number, by=by, now=now)


def end_if_blocked(*, callback: Callback, now: datetime) -> None:
    """Part of promising a call: have it ended after all if its number is being blocked meanwhile."""
    number = callback.person.number
    transaction.on_commit(partial(_end_promised, number, now=now), robust=True)


def _end_promised(number: str, *, now: datetime) -> None:
    if is_blocked(number):
        _end_late(number, by=events.SYSTEM, now=now)


def end(callback: Callback, row: BlockedNumber, *, by: events.By, now: datetime) -> None:
    """Close what has not ended because its number is blocked. A try that began is written down."""
    claims.settle(callback=callback, by=by, now=now)
    ends_as = ENDS_AS.get(BlockedNumber.Reason(row.reason), Callback.Status.CANCELLED)
    move(
        callback,
        refusal=claims.CallbackAlreadyClosed,
        expected={"status__in": PENDING},
        status=ends_as,
        closed_at=now,
        closed_by_block=row,
        **claims.ENDED,
    )
    reminders.void(callback=callback)
    events.write(
        "callback.closed",
        by=by,
        now=now,
        subject=callback,
        detail={"as": ends_as, "block": str(row.pk)},
    )


# --- Keys ----------------------------------------------------------------------------------------


@transaction.atomic
def recognize(number: str) -> BlockedNumber | None:
    """The block of this number (E.164), if any, moved to the current index key as it is met."""
    row = find(number)
    digest, key_id = lone_digest(PURPOSE, number)
    if row is None or row.key_id == key_id:
        return row
    twin = BlockedNumber.objects.filter(number_digest=digest).first()
    if twin is not None:
        # Blocked twice at the moment the key changed: one row is enough.
        row.ended_callbacks.update(closed_by_block=twin)
        row.delete()
        return twin
    row.number_digest, row.key_id = digest, key_id
    row.save(update_fields=["number_digest", "key_id"])
    return row


def rekey() -> int:
    """Move every block whose number is still recorded with a person to the current index key.

    Returns how many were moved. What is left can only be recognized with the key it was made with,
    so `rotate_keys` never retires that one.
    """
    key_id = get_keyring().index.current
    old = BlockedNumber.objects.filter(number_digest__isnull=False).exclude(key_id=key_id)
    waiting = set(old.values_list("number_digest", flat=True))
    moved = 0
    recorded = Person.objects.filter(do_not_call=True, phone_index__isnull=False)
    for person in recorded.only("phone").iterator() if waiting else ():
        digests = set(blind_index_candidates(PURPOSE, str(person.phone)))
        if waiting & digests:
            recognize(str(person.phone))
            waiting -= digests
            moved += 1
    return moved


# --- A slip --------------------------------------------------------------------------------------


@transaction.atomic
def lift(*, block: BlockedNumber, slip: str, by: User, now: datetime) -> list[Callback]:
    """Take back a block that was a slip (``BlockedNumber.Slip``); returns the new promises.

    Only a slip is corrected so: what somebody wanted holds for good. A finished callback is never
    reopened; each that the block ended is promised anew, at the next allowed time. Raises
    ``NotBlocked`` when it was lifted before, ``NotASlip`` without a reason.
    """
    if slip not in BlockedNumber.Slip.values:
        raise NotASlip
    current = BlockedNumber.objects.select_for_update().get(pk=block.pk)
    if current.number_digest is None:
        raise NotBlocked
    marked = _marked_at(current.number_digest)
    move(
        block,
        refusal=NotBlocked,
        expected={"lifted_at": None},
        number_digest=None,
        lifted_at=now,
        lifted_by=by,
        lifted_because=slip,
    )
    Person.objects.filter(pk__in=marked).update(do_not_call=False)
    events.write("number.block_lifted", by=by, now=now, subject=block, detail={"slip": slip})
    # Who takes their request back at this moment is waited for: it is promised no more.
    ended = block.ended_callbacks.select_for_update(of=("self",)).order_by("id")
    ended = ended.select_related("person", "call", "owner")
    return [again for callback in ended if (again := _promised_anew(callback, by=by, now=now))]


def _marked_at(digest: bytes) -> list[UUID]:
    """Whoever is recorded under the number of this digest. It is not readable: each is tried."""
    marked = Person.objects.filter(do_not_call=True, phone_index__isnull=False).only("phone")
    return [
        person.pk
        for person in marked.iterator()
        if digest in blind_index_candidates(PURPOSE, str(person.phone))
    ]


def _promised_anew(callback: Callback, *, by: User, now: datetime) -> Callback | None:
    """The same promise as a new row, unless its call has another by now."""
    of_call = Callback.objects.filter(call=callback.call_id, status=Callback.Status.OPEN)
    if callback.call_id and of_call.exists():
        return None
    after = max(now, callback.due_at)
    offers = calling_hours.offers(callback.person, after, 1)
    again = Callback(
        person=callback.person,
        call=callback.call,
        source=callback.source,
        who_for=callback.who_for,
        reason=callback.reason,
        due_at=offers[0].at if offers else after,
        time_zone=callback.time_zone,
        urgency=callback.urgency,
        in_danger=callback.in_danger,
        owner=callback.owner,
        requested_at=now,
    )
    if _waited_to_be_let_in(callback):
        again.status, again.held_because = Callback.Status.RECEIVED, callback.held_because
    again.save(force_insert=True)
    if again.is_open:
        reminders.plan(callback=again, now=now)
    detail = {"instead_of": str(callback.pk)}
    events.write("callback.promised", by=by, now=now, subject=again, detail=detail)
    return again


def _waited_to_be_let_in(callback: Callback) -> bool:
    """A web request that was no promise yet: what is promised is planned with it."""
    return callback.source == Callback.Source.WEB and not callback.reminders.exists()
