"""Importing an edition of the facility directory."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from django.db import connection, transaction

from intake.actions import events
from intake.actions.base import Refused
from intake.directory import identity
from intake.directory.editions import Edition, Listing, Problem
from intake.directory.identity import Known, Pair
from intake.models import DirectoryEdition, Facility, ServiceCode

BATCH = 500
# An edition that drops more than this share of the listed facilities is taken for half a file.
MOST_UNLISTED = 0.3
# One advisory lock (any 64-bit number) under which PostgreSQL imports.
IMPORT_LOCK = 0xFAC1_1171

# What the directory owns. All else on a facility belongs to staff or to the import's own records.
DIRECTORY_FIELDS = (
    "source_key",
    "row_digest",
    "name",
    "program_name",
    "street",
    "street2",
    "city",
    "state",
    "zip_code",
    "county",
    "phone",
    "intake_phones",
    "service_codes",
    "latitude",
    "longitude",
    "time_zone",
)

Progress = Callable[[int, int], None]
T = TypeVar("T")


class ImportRunning(Refused):
    default_message = "Another import of the directory is running."


class EditionShrinks(Refused):
    default_message = "The edition drops too many facilities to be a whole one."


@dataclass(frozen=True)
class ImportReport:
    """What one import did; the counts are of rows of the file, except ``unlisted``.

    ``record`` is the edition's row; for a file imported again without effect, the first one's.
    """

    record: DirectoryEdition
    read: int
    added: int
    updated: int
    unchanged: int
    relisted: int
    unlisted: int
    codes_changed: int
    refused: tuple[Problem, ...]
    remarks: tuple[Problem, ...]


@transaction.atomic
def import_edition(
    *,
    edition: Edition,
    by: events.By,
    now: datetime,
    allow_shrink: bool = False,
    progress: Progress | None = None,
) -> ImportReport:
    """Bring the directory to this edition: add, update, list again, mark the missing unlisted.

    Nothing is deleted, unchanged rows are not written, and what staff own (relationship,
    suspension, verified_at) is left alone. All or nothing: on any error the directory stays as
    it was. Raises ``EditionShrinks`` when an edition shorter than the list would unlist more
    than 30 % of it, unless ``allow_shrink``; ``ImportRunning`` beside another import; and
    ``NotTheDirectory`` when one name and address is repeated over and over.
    """
    _only_import()
    codes_changed = _store_codes(edition)
    known = _known()
    pairs = identity.pair(edition.listings, known, likeness=_Likeness(edition.listings, known))
    missing = _missing(pairs, known, allow_shrink=allow_shrink)
    back = [pair.known.id for pair in pairs if pair.known and not pair.known.is_listed]
    counts = _counts(edition, pairs, back, missing)

    _store(pairs, now=now, progress=progress)
    _list_again(back)
    _unlist(missing, now=now)
    record = _record(edition, counts, codes_changed, now=now)
    events.write(
        "directory.imported",
        by=by,
        now=now,
        subject=record,
        detail={"file": edition.file_digest, "codes_changed": codes_changed, **counts},
    )
    return ImportReport(
        record=record,
        codes_changed=codes_changed,
        refused=edition.refused,
        remarks=edition.remarks,
        **counts,
    )


def _only_import() -> None:
    """SQLite has a single writer; PostgreSQL takes a lock that ends with the transaction."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [IMPORT_LOCK])
        row = cursor.fetchone()
    if not (row and row[0]):
        raise ImportRunning


def _store_codes(edition: Edition) -> int:
    """Bring the vocabulary to this edition's; returns how many words are new or changed.

    A word that is gone stays: facilities of earlier editions are still told in it.
    """
    stored = {code.code: code for code in ServiceCode.objects.all()}
    changed = [
        ServiceCode(**asdict(code))
        for code in edition.codes
        if code.code not in stored
        or any(getattr(stored[code.code], name) != value for name, value in asdict(code).items())
    ]
    ServiceCode.objects.bulk_create(
        changed,
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["code"],
        update_fields=["name", "description", "category_code", "category_name"],
    )
    return len(changed)


def _known() -> list[Known]:
    """Every facility that came from a directory, without its long columns."""
    rows = (
        Facility.objects.exclude(row_digest="")
        .order_by("id")
        .values_list(
            "id",
            "source_key",
            "row_digest",
            "unlisted_at",
            "name",
            "program_name",
            "street",
            "street2",
            "city",
            "state",
            "zip_code",
            "phone",
        )
    )
    return [
        Known(pk, key, digest, unlisted_at is None, *rest)
        for pk, key, digest, unlisted_at, *rest in rows.iterator(chunk_size=2000)
    ]


class _Likeness:
    """How much two siblings share of services and intake phones, from 0 to 1.

    Only siblings are asked about, so only their long columns are fetched.
    """

    def __init__(self, listings: Sequence[Listing], known: Sequence[Known]) -> None:
        bases = identity.contested(listings, known)
        ids = [facility.id for facility in known if facility.base in bases]
        self._words: dict[UUID, set[str]] = {
            pk: {*codes.split(), *phones}
            for batch in _batches(ids)
            for pk, codes, phones in Facility.objects.filter(pk__in=batch).values_list(
                "id", "service_codes", "intake_phones"
            )
        }

    def __call__(self, listing: Listing, facility: Known) -> float:
        words = {*listing.service_codes.split(), *listing.intake_phones}
        known = self._words[facility.id]
        return len(words & known) / (len(words | known) or 1)


def _missing(pairs: Sequence[Pair], known: Sequence[Known], *, allow_shrink: bool) -> list[UUID]:
    """The listed facilities this edition does not carry; raises ``EditionShrinks``."""
    carried = {pair.known.id for pair in pairs if pair.known}
    listed = [facility.id for facility in known if facility.is_listed]
    missing = [pk for pk in listed if pk not in carried]
    # One at least as long is no half file: the first real edition replaces an invented one.
    is_shorter = len(pairs) < len(listed)
    if is_shorter and len(missing) > len(listed) * MOST_UNLISTED and not allow_shrink:
        raise EditionShrinks(
            f"This edition drops {len(missing):,} of {len(listed):,} listed facilities, as half"
            " a file would. If it is right, import it with --allow-shrink."
        )
    return missing


def _counts(
    edition: Edition, pairs: Sequence[Pair], back: Sequence[UUID], missing: Sequence[UUID]
) -> dict[str, int]:
    added = sum(pair.known is None for pair in pairs)
    came_back = set(back)
    updated = sum(
        pair.is_changed or pair.known.id in came_back for pair in pairs if pair.known is not None
    )
    return {
        "read": len(pairs) + len(edition.refused),
        "added": added,
        "updated": updated,
        "unchanged": len(pairs) - added - updated,
        "relisted": len(back),
        "unlisted": len(missing),
    }


def _store(pairs: Sequence[Pair], *, now: datetime, progress: Progress | None) -> None:
    """Insert the new, overwrite the directory's own fields of the changed, skip the rest."""
    new = [pair for pair in pairs if pair.known is None]
    changed = [pair for pair in pairs if pair.is_changed]
    total, done = len(new) + len(changed), 0
    for batch in _batches(new):
        Facility.objects.bulk_create([_facility(pair, now=now) for pair in batch])
        done += len(batch)
        if progress:
            progress(done, total)
    for batch in _batches(changed):
        # An upsert by id: a tenth of the time of bulk_update, which writes a CASE a field a row.
        Facility.objects.bulk_create(
            [_facility(pair, now=now) for pair in batch],
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=DIRECTORY_FIELDS,
        )
        done += len(batch)
        if progress:
            progress(done, total)


def _facility(pair: Pair, *, now: datetime) -> Facility:
    listing, location = pair.listing, pair.listing.location
    facility = Facility(
        source_key=pair.source_key,
        row_digest=pair.row_digest,
        name=listing.name,
        program_name=listing.program_name,
        street=listing.street,
        street2=listing.street2,
        city=listing.city,
        state=listing.state,
        zip_code=listing.zip_code,
        county=location.county,
        phone=listing.phone,
        intake_phones=list(listing.intake_phones),
        service_codes=listing.service_codes,
        latitude=location.latitude,
        longitude=location.longitude,
        time_zone=location.time_zone,
        first_listed_at=now,
        last_listed_at=now,
    )
    if pair.known:
        facility.id = pair.known.id
    return facility


def _list_again(facilities: Sequence[UUID]) -> None:
    """A suspended facility comes back suspended: only its staff say when that ends."""
    for batch in _batches(facilities):
        back = Facility.objects.filter(pk__in=batch)
        back.filter(status=Facility.Status.UNLISTED).update(
            status=Facility.Status.LISTED, unlisted_at=None
        )
        back.filter(status=Facility.Status.SUSPENDED).update(unlisted_at=None)


def _unlist(facilities: Sequence[UUID], *, now: datetime) -> None:
    for batch in _batches(facilities):
        gone = Facility.objects.filter(pk__in=batch)
        gone.filter(status=Facility.Status.LISTED).update(
            status=Facility.Status.UNLISTED, unlisted_at=now
        )
        gone.filter(status=Facility.Status.SUSPENDED).update(unlisted_at=now)


def _record(
    edition: Edition, counts: Mapping[str, int], codes_changed: int, *, now: datetime
) -> DirectoryEdition:
    """The edition's row: the newest one if this is its file again and it changed nothing."""
    newest = DirectoryEdition.objects.order_by("-imported_at", "-id").first()
    changes = counts["added"] + counts["updated"] + counts["unlisted"] + codes_changed
    if newest and newest.file_digest == edition.file_digest and not changes:
        return newest
    # Whatever came from a directory and is not unlisted by now is carried by this edition.
    Facility.objects.exclude(row_digest="").filter(unlisted_at__isnull=True).update(
        last_listed_at=now
    )
    return DirectoryEdition.objects.create(
        file_name=edition.file_name,
        file_digest=edition.file_digest,
        imported_at=now,
        rows_refused=len(edition.refused),
        **{f"rows_{name}": count for name, count in counts.items()},
    )


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]
