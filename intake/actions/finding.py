"""Finding a caller: by number, last four digits, name or reference; through keyed indexes alone.

Every answer is bounded, so that none takes longer as the years add up: the newest people first,
and a count that stops. docs/decisions/0006-finding-a-caller.md says what the indexes give away.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db.models import Exists, F, Model, OuterRef, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from intake.crypto import blind_index_candidates, normalise_name
from intake.models import PENDING, Call, Callback, Person, PersonNameWord
from intake.models.base import REFERENCE_ALPHABET
from intake.rules import phones

SHOWN = 50
# Whoever has more namesakes than this is looked for by more than a name.
COUNTED = 1000
CALLS_EACH = 3
# Two words this common are no longer told apart in rarity.
COMMON = 5000
# What people write around four digits: "…0143", "ends 0143", "x0143".
LAST_FOUR = re.compile(r"(?:ends|ending|last|x|#|[^\w])*(\d{4})", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class FoundPerson:
    """One person, the last calls they made or that were about them, and what they were promised."""

    person: Person
    calls: list[Call]
    callbacks: list[Callback]


@dataclass(frozen=True)
class Found:
    """The newest people found, and how many there are besides; ``counted_all`` or at least."""

    people: list[FoundPerson]
    more: int
    counted_all: bool


# --- By reference -------------------------------------------------------------------------------


def reference(text: str) -> str:
    """What was typed as a reference, such as ``C-7K4M2QXD``; "" when it cannot be one.

    Read out over a bad line, an O is a zero and an I or L a one: the alphabet has neither.
    """
    plain = re.sub(r"[\s-]", "", text).upper()
    prefix, code = plain[:1], plain[1:].translate(str.maketrans("OIL", "011"))
    is_marked = "-" in text or " " in text.strip() or any(sign.isdigit() for sign in plain)
    is_one = is_marked and len(code) == 8 and prefix.isascii() and prefix.isalpha()
    return f"{prefix}-{code}" if is_one and set(code) <= set(REFERENCE_ALPHABET) else ""


@cache
def _referenced() -> dict[str, type[Model]]:
    """The model of each prefix, as its own references begin."""
    prefixes = {}
    for model in apps.get_app_config("intake").get_models():
        for field in model._meta.concrete_fields:
            if field.name == "reference" and callable(field.default):
                prefixes[field.default()[0]] = model
    return prefixes


def record_of(text: str) -> Model | None:
    """The record whose reference this is, of whatever kind; None when there is none."""
    model = _referenced().get((code := reference(text))[:1])
    return model._default_manager.filter(reference=code).first() if model and code else None


# --- By number and name -------------------------------------------------------------------------


def people_ids(text: str) -> QuerySet[Any, UUID]:
    """The ids of everyone this number, these last four digits or these words belong to.

    Newest first. A name is found by any of its words, whatever their order, case and accents.
    """
    if number := phones.normalise(text):
        return _by_number("phone_index", "person.phone", number)
    if four := LAST_FOUR.fullmatch(text.strip()):
        return _by_number("phone_last_four", "person.phone_last_four", four[1])
    return _by_name(normalise_name(text).split()[: PersonNameWord.MOST])


def _by_number(column: str, purpose: str, value: str) -> QuerySet[Any, UUID]:
    digests = blind_index_candidates(purpose, value)
    found = Person.objects.filter(**{f"{column}__in": digests})
    return found.order_by("-id").values_list("id", flat=True)


def _by_name(words: Iterable[str]) -> QuerySet[Any, UUID]:
    try:
        digests = [blind_index_candidates("person.name_word", word) for word in words]
    except ValueError:
        digests = []
    rows = PersonNameWord.objects.order_by("-person_id").values_list("person_id", flat=True)
    if not digests:
        # Nothing is left of it, such as "!!!": found by nobody, which is the right answer.
        return rows.none()
    # The rarest word leads; each person it finds is asked for the others.
    rarest, *others = sorted(digests, key=_how_common) if len(digests) > 1 else digests
    rows = rows.filter(word_index__in=rarest)
    for digest in others:
        same = PersonNameWord.objects.filter(person=OuterRef("person"), word_index__in=digest)
        rows = rows.filter(Exists(same))
    return rows


def _how_common(digests: list[bytes]) -> int:
    # The person, which stands in the index, where the id would have to be fetched.
    rows = PersonNameWord.objects.filter(word_index__in=digests).values("person_id")
    return rows[:COMMON].count()


def matching(rows: QuerySet[Any], text: str, *paths: str) -> QuerySet[Any]:
    """The rows with this reference; else those that lead to somebody found, as by ``"caller"``.

    Of a very common name, the newest thousand people are looked at.
    """
    if code := reference(text):
        referenced = rows.filter(reference=code)
        # Not both conditions in one query: an OR over two tables reads all of both.
        if referenced.exists():
            return referenced
    ids = list(people_ids(text)[:COUNTED])
    condition = Q(pk__in=[])
    for path in paths:
        condition |= Q(**{f"{path}__in": ids})
    return rows.filter(condition)


# --- The answer ---------------------------------------------------------------------------------


def find(text: str, most: int = SHOWN) -> Found:
    """The newest people found, ``most`` of them with their last calls and open callbacks."""
    # One walk for both: counting anew would ask each namesake for the other words again.
    found = list(people_ids(text)[: COUNTED + 1])
    shown, counted = found[:most], len(found)
    people = Person.objects.in_bulk(shown)
    calls, callbacks = _by_person(_last_calls(shown)), _by_person(_open_callbacks(shown))
    return Found(
        people=[
            FoundPerson(people[pk], calls.get(pk, [])[:CALLS_EACH], callbacks.get(pk, []))
            for pk in shown
        ],
        more=min(counted, COUNTED) - len(shown),
        counted_all=counted <= COUNTED,
    )


def _last_calls(ids: list[UUID]) -> Iterator[tuple[UUID, Call]]:
    """Each person with the last calls they made or that were about them, newest first."""
    met = {pair for role in ("caller", "person_in_need") for pair in _newest_by(role, ids)}
    calls = Call.objects.with_level().defer("narrative", "topics")
    calls = calls.filter(pk__in={call for _person, call in met})
    people: dict[UUID, list[UUID]] = {}
    for person_id, call_id in met:
        people.setdefault(call_id, []).append(person_id)
    for call in calls.order_by("-started_at", "-id"):
        for person_id in people[call.pk]:
            yield person_id, call


def _newest_by(role: str, ids: list[UUID]) -> QuerySet[Any, tuple[UUID, UUID]]:
    """(person, call): counted off in the database, for some ring us a thousand times."""
    place = Window(RowNumber(), partition_by=F(role), order_by=F("started_at").desc())
    newest = Call.objects.filter(**{f"{role}__in": ids}).annotate(place=place)
    return newest.filter(place__lte=CALLS_EACH).values_list(f"{role}_id", "id")


def _open_callbacks(ids: list[UUID]) -> Iterator[tuple[UUID, Callback]]:
    promised = Callback.objects.filter(person__in=ids, status__in=PENDING)
    for callback in promised.order_by("due_at", "id"):
        yield callback.person_id, callback


def _by_person(pairs: Iterable[tuple[UUID, Any]]) -> dict[UUID, list[Any]]:
    grouped: dict[UUID, list[Any]] = {}
    for person_id, row in pairs:
        grouped.setdefault(person_id, []).append(row)
    return grouped
