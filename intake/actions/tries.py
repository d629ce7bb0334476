"""What was tried at a phone number: the count that the caps on calling are held against.

It belongs to the number, not to one promise or one record of a person: every call, every text, and
every number somebody was shown.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from intake.crypto import blind_index_candidates
from intake.models import Attempt, Callback, TextMessage


@dataclass(slots=True)
class Tries:
    """What counts at one number. Moments are UTC, in no order.

    ``rung``: when the number was shown for an attempt on record. ``shown``: numbers on a dial
    screen whose attempt is not recorded yet, by callback. ``texts``: sent, for all that is known.
    ``is_confirmed``: somebody gave this number on a call with us, or was reached on it.
    ``in_danger``: callbacks on which danger was suspected.
    """

    rung: list[datetime] = field(default_factory=list)
    shown: dict[UUID, datetime] = field(default_factory=dict)
    texts: list[datetime] = field(default_factory=list)
    is_confirmed: bool = False
    in_danger: set[UUID] = field(default_factory=set)

    @property
    def calls(self) -> list[datetime]:
        return [*self.rung, *self.shown.values()]

    @property
    def all(self) -> list[datetime]:
        """Oldest first. Texts count as calls."""
        return sorted([*self.calls, *self.texts])

    def besides(self, callback: Callback) -> "Tries":
        """Without the number on this callback's own screen: it is not held against itself."""
        others = {pk: at for pk, at in self.shown.items() if pk != callback.pk}
        return replace(self, shown=others)


def tries_at(numbers: Iterable[str]) -> dict[str, Tries]:
    """What was ever tried at each number (E.164), in two queries for all of them."""
    tries = {number: Tries() for number in numbers}
    if of := _by_digest(tries):
        _add_calls(of)
        _add_texts(of)
    return tries


def calls_at(numbers: Iterable[str]) -> dict[str, Tries]:
    """As ``tries_at``, but for the texts, in one query."""
    tries = {number: Tries() for number in numbers}
    if of := _by_digest(tries):
        _add_calls(of)
    return tries


def _by_digest(tries: dict[str, Tries]) -> dict[bytes, Tries]:
    return {
        digest: tried
        for number, tried in tries.items()
        if number
        for digest in blind_index_candidates("person.phone", number)
    }


def _add_calls(tries: dict[bytes, Tries]) -> None:
    """From every callback at the numbers, once for each of its attempts, or once without."""
    rows = Callback.objects.filter(person__phone_index__in=list(tries)).values_list(
        "person__phone_index",
        "pk",
        "source",
        "number_shown_at",
        "attempts__number_shown_at",
        "attempts__identity_confirmed",
        "attempts__outcome",
    )
    for digest, pk, source, shown_at, rung_at, is_confirmed, outcome in rows:
        tried = tries[digest or b""]
        # Without the number, nobody rang: the attempt only says what was heard of them.
        if rung_at is not None:
            tried.rung.append(rung_at)
        if shown_at is not None:
            tried.shown[pk] = shown_at
        # A number typed into the web form may be anyone's, and a caller ID can be forged.
        if source == Callback.Source.AGENT or is_confirmed:
            tried.is_confirmed = True
        if outcome == Attempt.Outcome.DANGER_SUSPECTED:
            tried.in_danger.add(pk)


def _add_texts(tries: dict[bytes, Tries]) -> None:
    sent = TextMessage.objects.counted().filter(
        reminder__callback__person__phone_index__in=list(tries)
    )
    rows = sent.values_list("reminder__callback__person__phone_index", "tried_at")
    for digest, tried_at in rows:
        tries[digest or b""].texts.append(tried_at)
