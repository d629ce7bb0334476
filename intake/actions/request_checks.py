"""What the database says about the numbers of web requests, asked for many requests at once.

Every answer about one request is the one it would get alone, whatever others are asked about with
it: it depends on what came in before it, not on how the sweep groups them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from intake.actions import blocks, calling_hours, online_stops
from intake.actions.ceiling import taken_since
from intake.crypto import blind_index_candidates
from intake.models import BlockedNumber, Callback, OnlineStop

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
# The digits of a request's token that say which form it came from.
FORM_DIGITS = 32

Status = Callback.Status


@dataclass(frozen=True)
class Findings:
    """By id of the request. ``blocks``: nobody rings its number; ``tried_out``: it was tried as
    often as it may be; ``stopped``: somebody asked online that it not be called; ``too_many``: it
    was asked for too often within a day; ``above_ceiling``: it came when an hour was full."""

    blocks: Mapping[UUID, BlockedNumber]
    tried_out: AbstractSet[UUID]
    stopped: AbstractSet[UUID]
    too_many: AbstractSet[UUID]
    above_ceiling: AbstractSet[UUID]


def look_up(callbacks: Sequence[Callback]) -> Findings:
    """What counts for and against these received requests, in as many queries as for one of them.

    More are needed for those at a number that was stopped, and where the ceiling was reached in
    their midst.
    """
    if not callbacks:
        return Findings({}, set(), set(), set(), set())
    at: dict[str, list[Callback]] = defaultdict(list)
    for callback in callbacks:
        at[callback.person.number].append(callback)
    return Findings(
        blocks=_blocks(at),
        tried_out=calling_hours.tried_out(callbacks),
        stopped=_stopped(at),
        too_many=_too_many(at, most=settings.HELPLINE_REQUESTS_PER_NUMBER),
        above_ceiling=_above_ceiling(callbacks, settings.HELPLINE_REQUESTS_PER_HOUR),
    )


AtNumber = Mapping[str, Sequence[Callback]]


def _by_digest(purpose: str, numbers: Iterable[str]) -> dict[bytes, str]:
    """The number of each digest, under every index key."""
    return {
        digest: number for number in numbers for digest in blind_index_candidates(purpose, number)
    }


def _blocks(at: AtNumber) -> dict[UUID, BlockedNumber]:
    numbers = _by_digest(blocks.PURPOSE, at)
    rows = BlockedNumber.objects.in_bulk(list(numbers), field_name="number_digest")
    return {callback.pk: row for digest, row in rows.items() for callback in at[numbers[digest]]}


def _stopped(at: AtNumber) -> set[UUID]:
    numbers = _by_digest(online_stops.PURPOSE, at)
    found = OnlineStop.objects.in_bulk(list(numbers), field_name="number_digest")
    # The stop may be over.
    at_stops = {numbers[digest] for digest in found}
    stopped = {number for number in at_stops if online_stops.is_stopped(number)}
    return {callback.pk for number in stopped for callback in at[number]}


# --- The limit of a number ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request the form took for a number."""

    pk: UUID
    status: str
    at: datetime
    token: str | None

    def counts_against(self, callback: Callback) -> bool:
        """Whether it used up one of those within a day. Not what the same form sent before and took
        back; nor what came later, unless it was let in already."""
        if self.pk == callback.pk or self.at <= callback.requested_at - DAY:
            return False
        if self.status == Status.CANCELLED and self._is_from_form_of(callback):
            return False
        return self.pk < callback.pk or self.status not in {Status.RECEIVED, Status.HELD}

    def _is_from_form_of(self, callback: Callback) -> bool:
        # One without a form of its own was promised anew in place of what a block had ended.
        form = (callback.request_token or "")[:FORM_DIGITS]
        return self.token is not None and self.token.startswith(form)


def _too_many(at: AtNumber, *, most: int) -> set[UUID]:
    """Those at whose number the form took ``most`` others in the 24 hours before."""
    asked = _asked(at)
    return {
        callback.pk
        for number, callbacks in at.items()
        for callback in callbacks
        if _is_one_of(asked[number], callback, most)
    }


def _is_one_of(asked: Sequence[_Asked], callback: Callback, most: int) -> bool:
    found = 0
    for one in asked:
        if found >= most:
            break
        found += one.counts_against(callback)
    return found >= most


def _asked(at: AtNumber) -> Mapping[str, Sequence[_Asked]]:
    """All the form took for each number, but for what came later and waits. Whether by the form,
    and when, is not asked of the database: it would rather read everybody's of a whole day."""
    numbers = _by_digest("person.phone", at)
    last = max(callback.pk for callbacks in at.values() for callback in callbacks)
    rows = (
        Callback.objects.filter(person__phone_index__in=list(numbers))
        .filter(Q(pk__lt=last) | ~Q(status__in=[Status.RECEIVED, Status.HELD]))
        .order_by("pk")
        .values_list(
            "person__phone_index", "pk", "source", "status", "requested_at", "request_token"
        )
    )
    asked: dict[str, list[_Asked]] = defaultdict(list)
    for digest, pk, source, status, requested_at, token in rows:
        if source == Callback.Source.WEB:
            asked[numbers[digest or b""]].append(_Asked(pk, status, requested_at, token))
    return asked


# --- The ceiling ----------------------------------------------------------------------------------


def _above_ceiling(callbacks: Sequence[Callback], ceiling: int) -> set[UUID]:
    """Those before which the form took ``ceiling`` others within an hour."""

    def is_reached(moment: datetime, before: UUID) -> bool:
        # By the order they came in, so that two processes agree on which was too much.
        return taken_since(moment - HOUR, most=ceiling, before=before) >= ceiling

    ids = [callback.pk for callback in callbacks]
    moments = [callback.requested_at for callback in callbacks]
    # What is true of the most that any of them can count is true of none of the others, and so on.
    if not is_reached(min(moments), max(ids)):
        return set()
    if is_reached(max(moments), min(ids)):
        return set(ids)
    return {one.pk for one in callbacks if is_reached(one.requested_at, one.pk)}
