"""Is this the key ring of this database? Asked before anything is served or written.

A ring that is valid but not ours would seal new rows with keys nobody else has, and find no
caller. So the database remembers a fingerprint of every key it has seen (`intake.models.KeyCheck`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.core import checks
from django.db import connections, models, transaction
from django.utils import timezone

from . import inventory
from .blind_index import blind_index_candidates
from .cipher import DecryptionError
from .keyring import ENCRYPTION, INDEX, PURPOSES, Keyring, KeyringError, fingerprint, get_keyring

Key = tuple[str, str]  # purpose and key id


@checks.register(checks.Tags.database)
def keyring_is_the_right_one(
    app_configs: Sequence[AppConfig] | None,
    databases: Sequence[str] | None = None,
    **kwargs: Any,
) -> list[checks.CheckMessage]:
    """`check --database` and `migrate` report a missing or wrong ring; they store nothing."""
    found: list[checks.CheckMessage] = []
    for using in databases or ():
        try:
            verify_keyring(using, store=False)
        except KeyringError as wrong:
            found.append(checks.Error(str(wrong), id="crypto.E021"))
    return found


def verify_keyring(using: str = "default", *, store: bool = True) -> None:
    """Return if the key ring can be read and is the one this database was written with.

    Call it before serving: web, worker, beat and commands that write. The first time a key is
    seen its fingerprint is stored, but only after what was sealed with a key of that id opens.
    A database without tables yet has nothing to compare. Raises KeyringError; never names a key's
    content.
    """
    ring = get_keyring()
    key_check = apps.get_model("intake", "KeyCheck")
    if key_check._meta.db_table not in connections[using].introspection.table_names():
        return
    checks_made = list(key_check._base_manager.using(using).all())
    seen: dict[Key, str] = {(row.purpose, row.key_id): row.fingerprint for row in checks_made}
    retired = {(row.purpose, row.key_id) for row in checks_made if row.retired_at}
    ours: dict[Key, str] = {
        (purpose, key_id): fingerprint(purpose, key_id, key)
        for purpose in PURPOSES
        for key_id, key in ring.purpose(purpose).keys.items()
    }
    for (purpose, key_id), known in seen.items():
        if ours.get((purpose, key_id), known) != known:
            raise KeyringError(
                f"Key {key_id} ({purpose}) of the key ring is not the {key_id} this database was"
                " written with. Restore the key file that belongs to this database."
            )
    tables = _Tables(using)
    _refuse_missing(seen.keys() - ours.keys(), retired, tables)
    new = ours.keys() - seen.keys()
    if new:
        _prove(ring, new, tables, first=not seen)
    if new and store:
        now = timezone.now()
        rows = [
            key_check(purpose=p, key_id=i, fingerprint=ours[p, i], first_seen_at=now)
            for p, i in sorted(new)
        ]
        # Web, worker and beat start together; whoever is second stores nothing.
        with transaction.atomic(using=using):
            key_check._base_manager.using(using).bulk_create(rows, ignore_conflicts=True)


class _Tables:
    """The encrypted columns and blind indexes that exist in a database, migrated or not."""

    def __init__(self, using: str) -> None:
        self.using = using
        self._columns: dict[str, set[str]] = {}

    def encrypted(self) -> Iterable[tuple[Any, Any]]:
        for model in inventory.project_models():
            for field in inventory.encrypted_fields(model):
                if field.column in self._columns_of(model):
                    yield model._base_manager.using(self.using), field

    def indexed(self) -> Iterable[tuple[Any, Any]]:
        for model in inventory.project_models():
            for field in inventory.indexed_fields(model):
                if {field.column, field.source_field.column} <= self._columns_of(model):
                    yield model._base_manager.using(self.using), field

    def lone_digests(self) -> Iterable[tuple[Any, Any]]:
        for model in inventory.project_models():
            for field in inventory.lone_digest_fields(model):
                if {field.column, field.key_field} <= self._columns_of(model):
                    yield model._base_manager.using(self.using), field

    def _columns_of(self, model: type[models.Model]) -> set[str]:
        table, connection = model._meta.db_table, connections[self.using]
        if table not in self._columns:
            self._columns[table] = set()
            if table in connection.introspection.table_names():
                with connection.cursor() as cursor:
                    described = connection.introspection.get_table_description(cursor, table)
                self._columns[table] = {column.name for column in described}
        return self._columns[table]


def _refuse_missing(missing: Iterable[Key], retired: set[Key], tables: _Tables) -> None:
    """A retired key may be gone, but never one that a row still needs."""
    for purpose, key_id in missing:
        if purpose == ENCRYPTION:
            needed = any(
                rows.filter(inventory.sealed_with(field, key_id)).exists()
                for rows, field in tables.encrypted()
            )
        else:
            needed = (purpose, key_id) not in retired
        if purpose == INDEX:
            needed |= any(
                rows.filter(inventory.digested_with(field, key_id)).exists()
                for rows, field in tables.lone_digests()
            )
        if needed:
            raise KeyringError(
                f"The key ring lacks key {key_id} ({purpose}), with which this database was"
                " written. Restore the key file that belongs to this database."
            )


def _prove(ring: Keyring, new: Iterable[Key], tables: _Tables, *, first: bool) -> None:
    """Refuse keys seen for the first time that do not open what the database already holds."""
    unproven = sorted(key_id for purpose, key_id in new if purpose == ENCRYPTION)
    for rows, field in tables.encrypted() if unproven else ():
        _prove_column(rows, field, unproven)
        if first:
            _refuse_other_keys(rows, field, ring)
    if any(purpose == INDEX for purpose, _ in new):
        for rows, field in tables.indexed():
            _prove_index(rows, field)


def _prove_column(rows: Any, field: Any, key_ids: Sequence[str]) -> None:
    for key_id in key_ids:
        sealed_with_it = rows.filter(inventory.sealed_with(field, key_id))
        for pk, sealed in sealed_with_it.values_list("pk", field.attname)[:1]:
            _open(field, sealed, pk)


def _refuse_other_keys(rows: Any, field: Any, ring: Keyring) -> None:
    others = models.Q(**{f"{field.name}__isnull": False})
    for key_id in ring.encryption.keys:
        others &= ~inventory.sealed_with(field, key_id)
    if rows.filter(others).exists():
        raise KeyringError(
            f"{field} holds values sealed with a key that is not in the key ring. Restore the key"
            " file that belongs to this database."
        )


def _prove_index(rows: Any, field: Any) -> None:
    source = field.source_field
    stored = rows.filter(**{f"{field.name}__isnull": False, f"{source.name}__isnull": False})
    for pk, sealed, digest in stored.values_list("pk", source.attname, field.attname)[:1]:
        if digest not in blind_index_candidates(field.purpose, _open(source, sealed, pk)):
            raise KeyringError(
                f"{field} was not made with an index key of the key ring. Restore the key file"
                " that belongs to this database."
            )


def _open(field: Any, sealed: Any, pk: Any) -> Any:
    try:
        return field.open(sealed, pk)
    except DecryptionError:
        raise KeyringError(
            f"The key ring does not open {field}. Restore the key file that belongs to this"
            " database."
        ) from None
