"""A stranger's request from the public form, stored at once; ``admission`` looks at it afterwards.

Nothing here depends on the number: one we know, one that is blocked and one we never met take the
same statements.
"""

import math
import secrets
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection, transaction

from intake.actions import allowances, dialable, doorbell, events, people, reminders
from intake.actions.base import Refused, move
from intake.actions.ceiling import taken_since
from intake.models import PENDING, Callback, Person
from intake.models.inserting import Insertion, insert_all, insert_if
from intake.models.trips import Statement, in_one_trip
from intake.models.unsaved import unsaved
from intake.rules import hours


class TooManyFromHere(Refused):
    """``retry_at`` (UTC): when this address may ask again."""

    default_message = "Too many requests came from this address."

    def __init__(self, retry_at: datetime) -> None:
        super().__init__()
        self.retry_at = retry_at


class ProofWanted(Refused):
    """A limit is near: the browser is to do some work first."""

    default_message = "Many requests come in right now."


@dataclass(frozen=True)
class WebRequest:
    """What the public form holds, checked by it: an unsaved person and their wishes.

    ``form_digest`` and ``content_digest`` are 32 hex digits each, keyed: which rendered form it
    came from, and what was typed into it. ``consent_wording`` is the version of the text the
    person agreed to be called under. ``asked_outside_hours``: they asked to be rung at this very
    time, even at night. ``address``: where it came from, for the limit alone; "" is not limited.
    ``is_proven``: the browser did the work it was asked for, if any was; ``may_be_asked``: it was
    not, and can be. ``guess``: where they are, if the form has found that out already.
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
    address: str = ""
    is_proven: bool = True
    may_be_asked: bool = False
    guess: hours.ZoneGuess | None = None

    @property
    def token(self) -> str:
        return self.form_digest + self.content_digest


# --- Near a limit ---------------------------------------------------------------------------------

# So many before an address has used its share, a proof of work is asked for.
LAST_OF_A_SHARE = 2
# And from this part of the ceiling on from everybody.
NEAR_THE_CEILING = 0.8
# Nobody counts the whole last hour for every page.
COUNT_HOLDS_SECONDS = 10.0


@dataclass(frozen=True)
class _Count:
    """Whether the ceiling was near, under which setting, and until when that is believed."""

    ceiling: int
    is_near: bool
    holds_until: float


_count = _Count(0, False, 0.0)


def is_near_limit(address: str, now: datetime) -> bool:
    """Whether the next request from this address should come with a proof of work."""
    if _is_near_ceiling(now):
        return True
    return allowances.used_by(address=address, now=now) >= _unasked_share()


def _unasked_share() -> int:
    """So many from one address come without a proof of work."""
    share: int = settings.HELPLINE_REQUESTS_PER_ADDRESS
    return share - LAST_OF_A_SHARE


def _is_near_ceiling(now: datetime) -> bool:
    """By the clock that is never set back, at most ten seconds old."""
    global _count
    ceiling, at = settings.HELPLINE_REQUESTS_PER_HOUR, time.monotonic()
    if _count.ceiling != ceiling or _count.holds_until <= at:
        near = math.ceil(ceiling * NEAR_THE_CEILING)
        lately = taken_since(now - timedelta(hours=1), most=near)
        _count = _Count(ceiling, lately >= near, at + COUNT_HOLDS_SECONDS)
    return _count.is_near


# --- Taking one -----------------------------------------------------------------------------------

TRIES = 3


def take(*, request: WebRequest, now: datetime) -> Callback:
    """Take a stranger's request; the same form sent again returns the first callback.

    Sent again with changes, it replaces what it sent before: a number corrected after "back" must
    not leave the wrong one to be rung, nor a correction taken back the corrected one. It is
    RECEIVED, and nobody is rung, until ``admission`` has let it in. Raises ``NotDialable``,
    ``TooManyFromHere`` when its address has used its share, and ``ProofWanted`` when a limit is
    near and the browser may be asked for work.
    """
    dialable.require(request.person.number)
    if request.may_be_asked and _is_near_ceiling(now) and not _sent_before(request):
        raise ProofWanted
    for _try in range(TRIES):
        callback = _callback(request, now)
        rows = _rows(callback, request, now)
        try:
            if _take_new(request, callback, rows, now):
                return callback
            with _in_turn():
                return _take(request, callback, rows, now)
        except IntegrityError as clash:
            # The other half of a double click won the unique token; its row is ours too. Or the
            # reference was given before: once in a million among a million.
            if twin := Callback.objects.filter(request_token=request.token).first():
                return twin
            last = clash
    raise last


def _take_new(
    request: WebRequest, callback: Callback, rows: Sequence[Insertion], now: datetime
) -> bool:
    """The ordinary case in one trip: nothing came from this form before, and its address has some
    of its share left. False: nothing was written, look closer."""
    if connection.vendor != "postgresql" or not allowances.is_limited(request.address):
        return False
    looking, looked_for = _from_form(request)
    most = (
        f"CASE WHEN EXISTS ({looking}) THEN 0 ELSE %s END",
        [*looked_for, _share_of_new(request)],
    )
    counting = allowances.use(address=request.address, most=most, now=now)
    # By itself one message is a transaction; within another it must not spoil that one.
    with transaction.atomic() if connection.in_atomic_block else nullcontext():
        if not insert_if(counting, rows, after=_queues(request)):
            return False
        doorbell.let_in(is_urgent=callback.in_danger)
    return True


@transaction.atomic
def _take(
    request: WebRequest, callback: Callback, rows: Sequence[Insertion], now: datetime
) -> Callback:
    earlier, is_counted = _look_and_count(request, now)
    for one in earlier:
        if one.request_token == request.token:
            return one
    if not is_counted:
        raise _refusal(request, now, is_new=not earlier)
    insert_all(rows)
    _replace(earlier, now)
    doorbell.let_in(is_urgent=callback.in_danger)
    return callback


def _refusal(request: WebRequest, now: datetime, *, is_new: bool) -> Refused:
    """What the form sent before is never asked for work: in a new form it would be a second one."""
    if request.may_be_asked and is_new:
        return ProofWanted()
    address, most = request.address, settings.HELPLINE_REQUESTS_PER_ADDRESS
    return TooManyFromHere(allowances.free_again_at(address=address, most=most, now=now))


def _rows(callback: Callback, request: WebRequest, now: datetime) -> list[Insertion]:
    """All that is written of it: the person, the callback, the event."""
    event = events.compose(
        "callback.requested",
        by=events.PUBLIC,
        now=now,
        subject=callback,
        detail={
            "person": str(callback.person_id),
            "consent": request.consent_wording,
            "outside_hours": request.asked_outside_hours,
            "proven": request.is_proven,
        },
    )
    return [Insertion.of(row) for row in (callback.person, callback, event)]


# SQLite has one writer at a time and lets the others nap, up to a tenth of a second, whoever came
# first. Here the threads of a process stand in line instead.
_line = threading.Lock()
# Longer than any transaction of ours; then it is tried without.
LONGEST_TURN_SECONDS = 5.0


@contextmanager
def _in_turn() -> Iterator[None]:
    # Whoever is in a transaction already may hold what the first in the line is waiting for.
    stands = connection.vendor == "sqlite" and not connection.in_atomic_block
    is_first = stands and _line.acquire(timeout=LONGEST_TURN_SECONDS)
    try:
        yield
    finally:
        if is_first:
            _line.release()


# Every request asks this, and hardly one finds anything. A range, not LIKE: SQLite has no index for
# the latter. "g" follows every hex digit.
FROM_FORM = "SELECT id FROM intake_callback WHERE request_token >= %s AND request_token < %s"


def _look_and_count(request: WebRequest, now: datetime) -> tuple[list[Callback], bool]:
    """What the same form sent before, and whether its address had one left of its share.

    Once nobody else of this address is being counted. The very same request is not counted again.
    """
    rows = in_one_trip(*_queues(request), _from_form(request))
    found = [to_id(row[0]) for row in rows]
    earlier = list(Callback.objects.filter(pk__in=found)) if found else []
    if any(one.request_token == request.token for one in earlier):
        return earlier, False
    most = _share(request) if earlier else _share_of_new(request)
    return earlier, allowances.use_one(address=request.address, most=most, now=now)


def _share(request: WebRequest) -> int:
    share: int = settings.HELPLINE_REQUESTS_PER_ADDRESS
    return share


def _share_of_new(request: WebRequest) -> int:
    """What a form that sent nothing before may use without work that its browser can do."""
    return _unasked_share() if request.may_be_asked else _share(request)


def _sent_before(request: WebRequest) -> bool:
    return bool(in_one_trip(_from_form(request)))


def _from_form(request: WebRequest) -> Statement:
    return FROM_FORM, [request.form_digest, f"{request.form_digest}g"]


# With 32 bits of the form's digest.
FORM_LOCK = 0x0F03


def _queues(request: WebRequest) -> list[Statement]:
    """Those of an address stand in line, and then those of a form: sent from two addresses at once
    it is one request, too."""
    if connection.vendor != "postgresql":
        return []
    number = int.from_bytes(bytes.fromhex(request.form_digest[:8]), "big", signed=True)
    return [
        *allowances.queue(address=request.address),
        ("SELECT pg_advisory_xact_lock(%s, %s)", [FORM_LOCK, number]),
    ]


def to_id(value: Any) -> UUID:
    """SQLite keeps ids as text."""
    return value if isinstance(value, UUID) else UUID(value)


def _callback(request: WebRequest, now: datetime) -> Callback:
    person = request.person
    person.created_at = now
    people.place(person, request.guess)
    return unsaved(
        Callback,
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
        status=Callback.Status.RECEIVED,
        held_because="" if request.is_proven else Callback.HeldBecause.UNPROVEN,
        requested_at=now,
        request_token=request.token,
    )


def _replace(earlier: Iterable[Callback], now: datetime) -> None:
    """Cancel what the same form sent before, unless somebody has begun to act on it."""
    for one in earlier:
        if one.is_pending and one.claimed_at is None and one.first_attempt_at is None:
            _cancel(one, now)


class _BegunMeanwhile(Refused):
    """Somebody claimed or ended it between our look and our hand."""


def _cancel(callback: Callback, now: datetime) -> None:
    try:
        move(
            callback,
            refusal=_BegunMeanwhile,
            expected={"status__in": PENDING, "claimed_at": None, "first_attempt_at": None},
            status=Callback.Status.CANCELLED,
            closed_at=now,
            # It stays of its form, and leaves its words to a request that says them once more.
            request_token=(callback.request_token or "")[:32] + secrets.token_hex(16),
        )
    except _BegunMeanwhile:
        return
    reminders.void(callback=callback)
    events.write("callback.cancelled", by=events.PUBLIC, now=now, subject=callback)
