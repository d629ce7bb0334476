"""Answer cards: writing, confirming and retiring them."""

import calendar
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from intake.actions import events
from intake.actions.base import Refused, move
from intake.models import AnswerCard
from intake.rules import clocks
from intake.rules.card_text import dose_words

# Labels, state rules and health plans change within a year. Reading a card twice a year finds a
# change before it is a year old, and is one card a week for a helpline with two dozen of them.
REVIEW_MONTHS = 6
REVIEW_MONTHS_CHOICES = (1, 3, 6, 12)

KEY_LENGTH = 60
CODE = re.compile(r"[a-z0-9_]{1,60}|R\d{1,3}")


class CardChanged(Refused):
    default_message = (
        "Somebody changed this card while it was open here. Look at what stands there now, then"
        " save again."
    )


class CardRetired(Refused):
    default_message = "This card is retired. Bring it back into use first."


class CardNotRetired(Refused):
    default_message = "This card is in use already."


class CardIncomplete(Refused):
    default_message = "A card needs a title, words to read aloud, a text and a topic."


class NoSource(Refused):
    default_message = "A card needs at least one source: what it is, and where to find it."


class NamesADose(Refused):
    default_message = (
        "Cards are read to callers, so they hold no amount, no pace and no conversion. Take this"
        " out"
    )


class KeyTaken(Refused):
    default_message = "There is a card of that name already."


class UnknownCode(Refused):
    default_message = "That choice does not exist."


@dataclass(frozen=True)
class CardText:
    """What an editor writes. ``sources`` are pairs of title and where to find it."""

    title: str
    say: str
    text: str
    topic: str
    sources: Sequence[Mapping[str, str]]
    for_substances: Sequence[str] = ()
    for_signs: Sequence[str] = ()
    is_public: bool = False
    position: int = field(default=100)

    def check(self) -> None:
        """Raises what is wrong with it: ``CardIncomplete``, ``NoSource``, ``NamesADose``,
        ``UnknownCode``."""
        if not (self.title.strip() and self.say.strip() and self.text.strip() and self.topic):
            raise CardIncomplete
        if self.topic not in AnswerCard.Topic:
            raise UnknownCode
        if not self.sources or any(
            set(source) != {"title", "where"} or not all(source.values()) for source in self.sources
        ):
            raise NoSource
        if not all(CODE.fullmatch(code) for code in (*self.for_substances, *self.for_signs)):
            raise UnknownCode
        if found := dose_words("\n".join((self.title, self.say, self.text))):
            raise NamesADose(f"{NamesADose.default_message}: “{found[0]}”.")

    def columns(self) -> dict[str, object]:
        """The same as the card's own fields."""
        given = {item.name: getattr(self, item.name) for item in fields(self)}
        return given | {
            "sources": [dict(source) for source in self.sources],
            "for_substances": list(self.for_substances),
            "for_signs": list(self.for_signs),
        }


@transaction.atomic
def write(
    *, given: CardText, by: User, now: datetime, key: str = "", language: str = "en"
) -> AnswerCard:
    """Add a card; nobody has reviewed it yet. Its key is made of the title where none is given.

    Raises ``KeyTaken``, and what ``CardText.check`` raises.
    """
    given.check()
    if language not in AnswerCard.Language:
        raise UnknownCode
    card = AnswerCard(
        key=key or key_of(given.title),
        language=language,
        changed_at=now,
        changed_by=by,
        **given.columns(),
    )
    try:
        with transaction.atomic():
            card.save(force_insert=True)
    except IntegrityError as error:
        raise KeyTaken from error
    events.write("answer.written", by=by, now=now, subject=card, detail={"topic": card.topic})
    return card


def key_of(title: str) -> str:
    """The stable name made of a title: ``Why not stop?`` gives ``why-not-stop``."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:KEY_LENGTH].strip("-") or "card"


@transaction.atomic
def change(*, card: AnswerCard, given: CardText, version: int, by: User, now: datetime) -> None:
    """Put a new text in the place of ``version``, the one the editor had before them.

    The card is not reviewed any more, and what staff said of the old text is counted no more.
    Raises ``CardChanged`` if another version stands there, ``CardRetired``, and what
    ``CardText.check`` raises.
    """
    given.check()
    _check_in_use(card)
    before = {name: getattr(card, name) for name in given.columns()}
    changed = sorted(name for name, value in given.columns().items() if before[name] != value)
    counted = {"helped": card.helped_count, "not_helped": card.not_helped_count}
    move(
        card,
        refusal=CardChanged,
        expected={"version": version, "retired_at": None},
        version=version + 1,
        shipped_digest="",
        changed_at=now,
        changed_by=by,
        **_NOT_REVIEWED,
        **_UNCOUNTED,
        **given.columns(),
    )
    events.write(
        "answer.changed",
        by=by,
        now=now,
        subject=card,
        detail={"version": version + 1, "fields": changed, **counted},
    )


_NOT_REVIEWED: dict[str, object] = {
    "reviewed_at": None,
    "reviewed_by": None,
    "review_due_at": None,
}
_UNCOUNTED: dict[str, object] = {"helped_count": 0, "not_helped_count": 0}


@transaction.atomic
def review(
    *,
    card: AnswerCard,
    version: int,
    by: User,
    now: datetime,
    months: int = REVIEW_MONTHS,
) -> None:
    """Confirm that ``version``, the text the reviewer read, is right and fit for this helpline.

    It is due again after ``months`` calendar months. Raises ``CardChanged``, ``CardRetired`` and
    ``UnknownCode`` for a period that is not offered.
    """
    if months not in REVIEW_MONTHS_CHOICES:
        raise UnknownCode
    _check_in_use(card)
    move(
        card,
        refusal=CardChanged,
        expected={"version": version, "retired_at": None},
        reviewed_at=now,
        reviewed_by=by,
        review_due_at=months_after(now, months),
    )
    events.write(
        "answer.reviewed",
        by=by,
        now=now,
        subject=card,
        detail={"version": version, "months": months},
    )


def months_after(at: datetime, months: int) -> datetime:
    """The same day and time of the month, on the helpline's calendar; Aug 31 + 6 is Feb 28 or 29."""
    local = at.astimezone(clocks.zone_of(settings.HELPLINE_TIME_ZONE))
    year, month = divmod(local.month - 1 + months, 12)
    year, month = local.year + year, month + 1
    day = min(local.day, calendar.monthrange(year, month)[1])
    return clocks.local_due(date(year, month, day), local.time(), settings.HELPLINE_TIME_ZONE)


@transaction.atomic
def retire(*, card: AnswerCard, by: User, now: datetime) -> None:
    """Take a card out of use; it stays readable in the audit. Raises ``CardRetired``."""
    move(
        card,
        refusal=CardRetired,
        expected={"retired_at": None},
        retired_at=now,
        retired_by=by,
    )
    events.write("answer.retired", by=by, now=now, subject=card)


@transaction.atomic
def restore(*, card: AnswerCard, by: User, now: datetime) -> None:
    """Bring a retired card back, to be reviewed again. Raises ``CardNotRetired``."""
    move(
        card,
        refusal=CardNotRetired,
        expected={"retired_at__isnull": False},
        retired_at=None,
        retired_by=None,
        **_NOT_REVIEWED,
    )
    events.write("answer.restored", by=by, now=now, subject=card)


def _check_in_use(card: AnswerCard) -> None:
    if AnswerCard.objects.filter(pk=card.pk, retired_at__isnull=False).exists():
        raise CardRetired
