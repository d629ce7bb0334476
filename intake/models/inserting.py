"""Writing one new row with one statement that is composed once, not anew for every row.

For the few places where strangers set the pace: composing an INSERT costs Django several times
what the database needs to run it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections, models

from intake.models.trips import in_one_trip


@dataclass(frozen=True)
class Insertion:
    """A row ready to be written: sealed, signed and converted, so that no lock waits for that."""

    record: models.Model
    sql: str
    values: list[Any]

    @classmethod
    def of(cls, record: models.Model) -> Insertion:
        """Of a new row of a ``Record``, whose primary key is made by us."""
        # Not the proxy, which would be asked anew for each column.
        database = connections[DEFAULT_DB_ALIAS]
        held = record.__dict__
        values = {
            column: held[name]
            if is_plain and name in held
            else field.get_db_prep_save(field.pre_save(record, True), database)
            for column, name, is_plain, field in _columns(type(record))
        }
        # NULL is what a column holds that is not named.
        given = {column: value for column, value in values.items() if value is not None}
        return cls(record, _statement(record._meta.db_table, tuple(given)), [*given.values()])

    def run(self) -> None:
        """As ``record.save(force_insert=True)``, but for signals and a transaction of its own."""
        insert_all([self])


def insert_all(rows: Sequence[Insertion]) -> None:
    """Write these rows in this order, in one trip to the database."""
    in_one_trip(*[(row.sql, row.values) for row in rows])
    for row in rows:
        row.record._state.adding = False
        row.record._state.db = DEFAULT_DB_ALIAS


@cache
def _columns(
    model: type[models.Model],
) -> list[tuple[str, str, bool, models.Field[Any, Any]]]:
    return [
        (str(field.column), field.attname, type(field) in PLAIN, field)
        for field in model._meta.local_concrete_fields
    ]


# One for each set of columns that a row fills; a dozen or two in life.
@lru_cache(maxsize=256)
def _statement(table: str, columns: tuple[str, ...]) -> str:
    quote = connection.ops.quote_name
    named = ", ".join(quote(column) for column in columns)
    marks = ", ".join(["%s"] * len(columns))
    return f"INSERT INTO {quote(table)} ({named}) VALUES ({marks})"  # noqa: S608 - names of ours


# What these hold is written as it stands.
PLAIN = {
    models.BooleanField,
    models.CharField,
    models.PositiveIntegerField,
    models.PositiveSmallIntegerField,
}
