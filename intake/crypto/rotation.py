"""Moving stored values to the current keys, in small steps, while the helpline keeps working.

Each batch is one short transaction. A row is replaced only if it still holds the bytes that were
read (compare and set), so a value saved meanwhile is never overwritten. What is already done is
told by its key id or its digest, so a run that was killed is simply started again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from django.db import models, transaction

from . import inventory
from .blind_index import BlindIndexField
from .cipher import Ciphertext, DecryptionError, decrypt, encrypt
from .column import EncryptedField
from .keyring import get_keyring

BATCH_ROWS: Final = 500
PASSES: Final = 20
# Between two passes, for rows that another transaction holds locked.
PAUSE_SECONDS: Final = 0.5

Stored = Mapping[Any, Any]  # field -> what the row holds
Compute = Callable[[Any, Stored], Stored]  # primary key, row -> the columns to replace


@dataclass
class Outcome:
    """What a run did. `left` rows wait for another run, unless they are among the damaged."""

    changed: int = 0
    left: int = 0
    # "table.column:row" of values that do not open. They stay as they are.
    damaged: set[str] = field(default_factory=set)

    @property
    def complete(self) -> bool:
        """Whether nothing is left that still needs an old key."""
        return not self.left and not self.damaged


def stale_rows(model: type[models.Model], using: str) -> models.QuerySet[Any]:
    """Rows with a value that is not sealed with the current encryption key."""
    current = get_keyring().encryption.current
    stale = models.Q(pk__in=[])
    for column in inventory.encrypted_fields(model):
        there = models.Q(**{f"{column.name}__isnull": False})
        stale |= there & ~inventory.sealed_with(column, current)
    return model._base_manager.using(using).filter(stale)


def count_stale(using: str) -> int:
    """How many rows `reseal` has before it."""
    return sum(stale_rows(model, using).count() for model in inventory.project_models())


def count_sealed_with(key_id: str, using: str) -> int:
    """How many values still need this encryption key."""
    return sum(
        model._base_manager.using(using).filter(inventory.sealed_with(column, key_id)).count()
        for model in inventory.project_models()
        for column in inventory.encrypted_fields(model)
    )


def count_digests_with(key_id: str, using: str) -> int:
    """How many digests of values that are stored nowhere need this index key."""
    return sum(
        model._base_manager.using(using).filter(inventory.digested_with(column, key_id)).count()
        for model in inventory.project_models()
        for column in inventory.lone_digest_fields(model)
    )


def count_indexed(using: str) -> int:
    """How many rows `reindex` looks at in one pass."""
    return sum(
        model._base_manager.using(using).count()
        for model in inventory.project_models()
        if inventory.indexed_fields(model)
    )


def reseal(using: str = "default", report: Callable[[int], object] = int) -> Outcome:
    """Seal every value with the current encryption key; `report` hears the rows of each batch."""
    outcome = Outcome()
    for attempt in range(PASSES):
        if attempt:
            time.sleep(PAUSE_SECONDS)
        outcome.damaged.clear()
        for model in inventory.project_models():
            if columns := inventory.encrypted_fields(model):
                compute = partial(_resealed, columns, outcome.damaged)
                for batch in _batches(stale_rows(model, using), columns, compute):
                    outcome.changed += batch.changed
                    report(batch.rows)
        outcome.left = count_stale(using)
        if outcome.left <= len(outcome.damaged):
            break
    return outcome


def reindex(using: str = "default", report: Callable[[int], object] = int) -> Outcome:
    """Recompute blind indexes with the current index key, until a pass finds nothing to do."""
    outcome = Outcome()
    for attempt in range(PASSES):
        if attempt:
            time.sleep(PAUSE_SECONDS)
        outcome.left = 0
        outcome.damaged.clear()
        for model in inventory.project_models():
            if indexes := inventory.indexed_fields(model):
                columns = [*indexes, *{index.source_field for index in indexes}]
                compute = partial(_reindexed, indexes, outcome.damaged)
                for batch in _batches(model._base_manager.using(using).all(), columns, compute):
                    outcome.changed += batch.changed
                    outcome.left += batch.rows - batch.right
                    report(batch.rows)
        if not outcome.left:
            break
    return outcome


def _resealed(
    columns: Sequence[EncryptedField[Any, Any]], damaged: set[str], pk: Any, stored: Stored
) -> Stored:
    current = get_keyring().encryption.current
    fresh: dict[Any, Ciphertext] = {}
    for column in columns:
        sealed, at = stored[column], column.place(pk)
        try:
            if sealed is not None and sealed.key_id != current:
                fresh[column] = encrypt(decrypt(sealed, at=at), at=at)
        except DecryptionError:
            damaged.add(at.decode())
    return fresh


def _reindexed(
    indexes: Sequence[BlindIndexField], damaged: set[str], pk: Any, stored: Stored
) -> Stored:
    fresh: dict[Any, bytes | None] = {}
    for index in indexes:
        source = index.source_field
        try:
            digest = index.digest(source.open(stored[source], pk))
        except DecryptionError:
            damaged.add(source.place(pk).decode())
            continue
        if digest != stored[index]:
            fresh[index] = digest
    return fresh


@dataclass
class _Batch:
    rows: int = 0
    right: int = 0  # needed no change
    changed: int = 0


def _batches(
    rows: models.QuerySet[Any], columns: Sequence[Any], compute: Compute
) -> Iterator[_Batch]:
    """Walk the rows by primary key and write what `compute` gives, one transaction a batch.

    Rows that somebody holds locked are passed over: waiting for them while holding others could
    end in a deadlock, and the error would be the agent's. A later pass finds them.
    """
    last: Any = None
    names = [column.attname for column in columns]
    while True:
        ahead = rows if last is None else rows.filter(pk__gt=last)
        batch = _Batch()
        with transaction.atomic(using=rows.db):
            locked = ahead.order_by("pk").select_for_update(skip_locked=True, no_key=True)
            for pk, *values in locked.values_list("pk", *names)[:BATCH_ROWS]:
                last = pk
                stored = dict(zip(columns, values, strict=True))
                fresh = compute(pk, stored)
                batch.rows += 1
                batch.right += not fresh
                batch.changed += bool(fresh) and _replace(rows, pk, stored, fresh)
        if not batch.rows:
            return
        yield batch


def _replace(rows: models.QuerySet[Any], pk: Any, stored: Stored, fresh: Stored) -> bool:
    """Compare and set: False when the row changed since it was read, and so was left alone."""
    unchanged = models.Q(pk=pk)
    for column, value in stored.items():
        unchanged &= inventory.holds(column, value.blob if isinstance(value, Ciphertext) else value)
    target = rows.model._base_manager.using(rows.db).filter(unchanged)
    return bool(target.update(**{column.name: value for column, value in fresh.items()}))
