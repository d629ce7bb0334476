"""Writing, sealing and verifying the audit."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, models, transaction

from intake.actions.base import Refused
from intake.models import Event, EventSeal
from intake.models.inserting import Insertion, insert_many
from intake.models.unsaved import unsaved


class Actor(Enum):
    """Who acts when no member of staff does."""

    SYSTEM = "system"
    PUBLIC = "public"


SYSTEM = Actor.SYSTEM
PUBLIC = Actor.PUBLIC

By = User | Actor

# Codes, ids, counts and times pass; sentences, addresses and names with spaces do not.
CODE = re.compile(r"[A-Za-z0-9_.:+/-]{0,100}")
GENESIS = "0" * 64
SEAL_BATCH = 2000
# Any 64-bit number: the one lock under which PostgreSQL seals.
SEAL_LOCK = 0x5EA1_E4E7


class NotACode(Refused):
    default_message = "An event may hold codes, ids and counts only."


def write(
    verb: str,
    *,
    by: By,
    now: datetime,
    subject: models.Model | None = None,
    detail: Mapping[str, Any] | None = None,
) -> Event:
    """Add one event, with its MAC, in the caller's transaction.

    ``detail`` takes codes, numbers, booleans and lists of them; anything that could be a
    sentence raises ``NotACode``, so that no personal value gets here by mistake.
    """
    event = compose(verb, by=by, now=now, subject=subject, detail=detail)
    Insertion.of(event).run()
    return event


def compose(
    verb: str,
    *,
    by: By,
    now: datetime,
    subject: models.Model | None = None,
    detail: Mapping[str, Any] | None = None,
) -> Event:
    """What ``write`` writes, not written yet: for whoever must not hold a lock meanwhile."""
    return _event(verb, by, now, subject, detail or {})


def write_all(
    verb: str,
    *,
    by: By,
    now: datetime,
    subjects: Iterable[tuple[models.Model, Mapping[str, Any]]],
) -> None:
    """Add one event for each (subject, detail), as ``write`` would, in a few statements."""
    insert_many(
        [Insertion.of(_event(verb, by, now, subject, detail)) for subject, detail in subjects]
    )


def _event(
    verb: str, by: By, now: datetime, subject: models.Model | None, detail: Mapping[str, Any]
) -> Event:
    event = unsaved(
        Event,
        at=now,
        actor_kind=by.value if isinstance(by, Actor) else Event.ActorKind.USER,
        actor_id=None if isinstance(by, Actor) else by.pk,
        verb=verb,
        subject_type=subject._meta.model_name or "" if subject is not None else "",
        subject_id=str(subject.pk) if subject is not None else "",
        detail=_codes(detail),
    )
    event.mac = event.computed_mac()
    return event


def _codes(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Mapping):
        return {_codes(str(key)): _codes(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_codes(item) for item in value]
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    if not CODE.fullmatch(text):
        raise NotACode
    return text


@transaction.atomic
def seal(*, now: datetime, limit: int = SEAL_BATCH) -> int:
    """Chain up to ``limit`` events that have no position yet; returns how many.

    One sealer at a time: PostgreSQL by an advisory lock, SQLite by its single writer. A second
    sealer finds the lock taken and returns 0.
    """
    if not _sole_sealer():
        return 0
    newest = EventSeal.objects.order_by("-position").first()
    position, head = (newest.position, newest.head) if newest else (0, GENESIS)
    batch = list(Event.objects.filter(position__isnull=True).order_by("id")[:limit])
    if not batch:
        return 0
    for event in batch:
        position += 1
        head = event.computed_link(head, position)
        event.position, event.link = position, head
    _write_links(batch)
    EventSeal.objects.create(position=position, head=head, sealed_at=now)
    return len(batch)


def _write_links(batch: Iterable[Event]) -> None:
    """One prepared statement for all: ``bulk_update`` took ten times as long."""
    to_column = Event._meta.pk.get_db_prep_value
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE intake_event SET position = %s, link = %s WHERE id = %s",
            [(event.position, event.link, to_column(event.pk, connection)) for event in batch],
        )


def _sole_sealer() -> bool:
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [SEAL_LOCK])
        row = cursor.fetchone()
    return bool(row and row[0])


def publish_head(*, folder: Path, now: datetime) -> str | None:
    """Append the newest seal to ``audit-heads.log`` outside the database; returns its head.

    Copy that file off the machine: whoever owns both database and file can rewrite both.
    """
    newest = EventSeal.objects.order_by("-position").first()
    if newest is None or newest.published_at is not None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "audit-heads.log").open("a", encoding="ascii") as log:
        log.write(f"{now.isoformat()} {newest.position} {newest.head}\n")
    EventSeal.objects.filter(pk=newest.pk, published_at__isnull=True).update(published_at=now)
    return newest.head


@dataclass(frozen=True)
class BrokenLink:
    """The first place where the audit does not add up, and what is wrong there."""

    position: int | None
    event_id: str
    problem: str


@dataclass(frozen=True)
class Verification:
    """How far the chain was followed, and the first broken link if there is one."""

    sealed: int
    unsealed: int
    broken: BrokenLink | None


def verify(*, published_heads: Mapping[int, str] | None = None) -> Verification:
    """Walk the whole audit and name the first broken link.

    Finds an event that was changed, inserted, moved or removed, a seal that was altered, and,
    with ``published_heads`` (position -> head, as in ``audit-heads.log``), a chain cut short or
    rebuilt by someone who holds the database.
    """
    expected = dict(published_heads or {})
    expected.update(EventSeal.objects.values_list("position", "head"))
    for position, head in (published_heads or {}).items():
        if expected[position] != head:
            return Verification(0, 0, BrokenLink(position, "", "seal differs from published head"))
    position, head, broken = 0, GENESIS, None
    for event in _sealed_events():
        broken = _first_fault(event, position, head) or _seal_fault(event, expected)
        if broken:
            break
        position, head = position + 1, event.link
    last = max(expected, default=0)
    if broken is None and last > position:
        broken = BrokenLink(position + 1, "", "events are missing at the end of the chain")
    if broken is None and position > last:
        broken = BrokenLink(last + 1, "", "events follow the last seal that no seal covers")
    waiting = Event.objects.filter(position__isnull=True)
    if broken is None:
        broken = next(
            (
                BrokenLink(None, str(event.pk), "an unsealed event was changed or inserted")
                for event in waiting.iterator()
                if not event.has_true_mac()
            ),
            None,
        )
    return Verification(position, waiting.count(), broken)


def _sealed_events() -> Iterator[Event]:
    return Event.objects.filter(position__isnull=False).order_by("position").iterator(2000)


def _first_fault(event: Event, position: int, head: str) -> BrokenLink | None:
    def fault(problem: str) -> BrokenLink:
        return BrokenLink(position + 1, str(event.pk), problem)

    if event.position != position + 1:
        return fault("an event is missing or was moved")
    if not event.has_true_mac():
        return fault("the event was changed")
    if not event.has_true_link(head, position + 1):
        return fault("the event was inserted, moved, or its neighbor removed")
    return None


def _seal_fault(event: Event, expected: Mapping[int, str]) -> BrokenLink | None:
    position = event.position or 0
    if expected.get(position, event.link) != event.link:
        return BrokenLink(event.position, str(event.pk), "the chain differs from its seal")
    return None


def read_published_heads(path: Path) -> dict[int, str]:
    """The heads of ``audit-heads.log``; raises ``ValueError`` on a line that is not one."""
    heads: dict[int, str] = {}
    for line in path.read_text(encoding="ascii").splitlines():
        _when, position, head = line.split()
        heads[int(position)] = head
    return heads
