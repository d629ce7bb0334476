"""The cards that come with the software: read from their files, and never over our own work.

A shipped card is nobody's word yet: it counts as not reviewed until somebody of this helpline has
confirmed it, in each language for itself.
"""

import hashlib
import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction

from intake.actions import events
from intake.actions.answers import CardText
from intake.models import AnswerCard

FOLDER = Path(__file__).resolve().parent.parent / "answer_cards"
ORIGINAL = "en"
# What a translation says anew; its topic, its sources and what it fits are those of the original.
WORDS = {"title", "say", "text"}


class NotATranslation(Exception):
    """A file that translates no card, or says more than words anew."""


@dataclass(frozen=True)
class ShippedCard:
    """One file: ``07-mixing-alcohol.toml`` is the card ``mixing-alcohol``, seventh among equals,
    and ``07-mixing-alcohol.es.toml`` the same in Spanish."""

    key: str
    given: CardText
    language: str = ORIGINAL

    @property
    def name(self) -> str:
        """As it is told to who loads it."""
        return self.key if self.language == ORIGINAL else f"{self.key} ({self.language})"

    @property
    def digest(self) -> str:
        """Of what it says, not of how the file is written."""
        said = json.dumps(self.given.columns(), sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(said.encode()).hexdigest()


def shipped(folder: Path = FOLDER) -> Iterator[ShippedCard]:
    """Every card of the folder in order, each original before its translations.

    Raises what ``CardText.check`` raises for a bad one, and ``NotATranslation``.
    """
    originals = {path.stem: _said(path) for path in folder.glob("*.toml") if "." not in path.stem}
    for path in sorted(folder.glob("*.toml"), key=lambda path: path.stem):
        stem, _dot, language = path.stem.partition(".")
        said = _translated(path, originals.get(stem)) if language else originals[stem]
        number, _dash, key = stem.partition("-")
        given = CardText(**said, position=10 * int(number))
        given.check()
        yield ShippedCard(key=key, given=given, language=language or ORIGINAL)


def _said(path: Path) -> dict[str, Any]:
    said = tomllib.loads(path.read_text(encoding="utf-8"))
    return said | {"text": said["text"].strip()}


def _translated(path: Path, original: dict[str, Any] | None) -> dict[str, Any]:
    said = _said(path)
    if original is None or set(said) != WORDS:
        raise NotATranslation(path.name)
    return original | said


@dataclass(frozen=True)
class Loaded:
    """How many cards were new, brought up to date, the same as before, and left as they are."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    kept: tuple[str, ...] = ()


@transaction.atomic
def load(*, by: events.By, now: datetime, folder: Path = FOLDER) -> Loaded:
    """Bring in the shipped cards; may be run again, and after every new version of the software.

    A card that somebody here wrote, reviewed or retired is left as it is, and named in ``kept``
    where the shipped text differs from it: what a reviewer confirmed must not change under them.
    """
    known = {(card.key, card.language): card for card in AnswerCard.objects.select_for_update()}
    added, updated, unchanged, kept = 0, 0, 0, []
    for card in shipped(folder):
        stored = known.get((card.key, card.language))
        if stored is None:
            _add(card)
            added += 1
        elif stored.shipped_digest == card.digest:
            unchanged += 1
        elif _is_ours(stored):
            kept.append(card.name)
        else:
            _update(stored, card)
            updated += 1
    if added or updated:
        detail = {"added": added, "updated": updated, "kept": len(kept)}
        events.write("answers.loaded", by=by, now=now, detail=detail)
    return Loaded(added, updated, unchanged, tuple(kept))


def _is_ours(stored: AnswerCard) -> bool:
    is_written_here = not stored.shipped_digest
    return is_written_here or stored.reviewed_at is not None or stored.retired_at is not None


def _add(card: ShippedCard) -> None:
    made = AnswerCard(
        key=card.key, language=card.language, shipped_digest=card.digest, **card.given.columns()
    )
    made.save(force_insert=True)


def _update(stored: AnswerCard, card: ShippedCard) -> None:
    AnswerCard.objects.filter(pk=stored.pk).update(
        version=stored.version + 1,
        shipped_digest=card.digest,
        helped_count=0,
        not_helped_count=0,
        **card.given.columns(),
    )
