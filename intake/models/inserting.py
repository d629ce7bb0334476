"""Writing one new row with one statement that is composed once, not anew for every row.

For the few places where strangers set the pace: composing an INSERT costs Django several times
what the database needs to run it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

from intake.models.trips import Statement, in_one_trip


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
        given = {}
        for column, name, field, convert in _columns(type(record)):
            if convert and name in held:
                value = held[name] and convert(held[name], database)
            else:
                value = field.get_db_prep_save(field.pre_save(record, True), database)
            # NULL is what a column holds that is not named.
            if value is not None:
                given[column] = value
        return cls(record, _statement(record._meta.db_table, tuple(given)), [*given.values()])

    def unless_there(self) -> Insertion:
        """The same, but where another row stands in its place that one stays."""
        return replace(self, sql=f"{self.sql} ON CONFLICT DO NOTHING")

    def run(self) -> None:
        """As ``record.save(force_insert=True)``, but for signals and a transaction of its own."""
        insert_all([self])


def insert_all(rows: Sequence[Insertion]) -> None:
    """Write these rows in this order, in one trip to the database."""
    in_one_trip(*[(row.sql, row.values) for row in rows])
    _are_stored(rows)


def insert_if(given: Statement, rows: Sequence[Insertion], *, after: Sequence[Statement]) -> bool:
    """Write all of these rows, but only if ``given`` writes one, too; returns whether it did.

    On PostgreSQL alone: one message, which outside a transaction is one by itself. Whatever
    ``after`` waits for is waited for first.
    """
    with connection.cursor() as cursor:
        fill = cursor.mogrify
        steps = [f"given AS ({fill(*given)} RETURNING 1)"]
        for number, row in enumerate(rows):
            steps.append(f"row_{number} AS ({fill(_if_given(row.sql), row.values)})")
        whole = f"WITH {', '.join(steps)} SELECT EXISTS (SELECT 1 FROM given)"  # noqa: S608 - ours
        cursor.execute("; ".join([*[fill(*one) for one in after], whole]))
        while cursor.nextset():
            pass
        is_given: bool = cursor.fetchone()[0]
    if is_given:
        _are_stored(rows)
    return is_given


@lru_cache(maxsize=256)
def _if_given(sql: str) -> str:
    before, marks, after = MARKS.split(sql)
    return f"{before.removesuffix('VALUES ')}SELECT {marks[1:-1]} FROM given{after}"  # noqa: S608 - ours


def insert_many(rows: Sequence[Insertion]) -> None:
    """Write many rows of few kinds, one statement a kind: not in this order."""
    of_kind: dict[str, list[list[Any]]] = {}
    for row in rows:
        of_kind.setdefault(row.sql, []).append(row.values)
    with connection.cursor() as cursor:
        for sql, values in of_kind.items():
            if connection.vendor == "postgresql":
                cursor.execute(_repeated(sql, len(values)), [one for row in values for one in row])
            else:
                cursor.executemany(sql, values)
    _are_stored(rows)


def _repeated(sql: str, times: int) -> str:
    """With the marks of so many rows."""
    before, marks, after = MARKS.split(sql)
    return f"{before}{', '.join([marks] * times)}{after}"


def _are_stored(rows: Sequence[Insertion]) -> None:
    for row in rows:
        row.record._state.adding = False
        row.record._state.db = DEFAULT_DB_ALIAS


Convert = Callable[[Any, BaseDatabaseWrapper], Any]


@cache
def _columns(
    model: type[models.Model],
) -> list[tuple[str, str, models.Field[Any, Any], Convert | None]]:
    return [
        (str(field.column), field.attname, field, _convert(field))
        for field in model._meta.local_concrete_fields
    ]


def _convert(field: models.Field[Any, Any]) -> Convert | None:
    """What makes of a value, unless it is false, what the driver takes; None: ask the field."""
    if type(field) in PLAIN:
        return _as_it_is
    if type(field) is models.UUIDField or (
        isinstance(field, models.ForeignKey) and type(field.target_field) is models.UUIDField
    ):
        return _as_it_is if connection.features.has_native_uuid_field else _hex
    if type(field) is models.DateTimeField and not (field.auto_now or field.auto_now_add):
        return _moment
    return None


def _as_it_is(value: Any, _database: BaseDatabaseWrapper) -> Any:
    return value


def _moment(value: datetime, database: BaseDatabaseWrapper) -> Any:
    if value.tzinfo is None:
        raise ValueError("A moment without its zone is not one.")
    return database.ops.adapt_datetimefield_value(value)


def _hex(value: UUID, _database: BaseDatabaseWrapper) -> str:
    return value.hex


# One for each set of columns that a row fills; a dozen or two in life.
@lru_cache(maxsize=256)
def _statement(table: str, columns: tuple[str, ...]) -> str:
    quote = connection.ops.quote_name
    named = ", ".join(quote(column) for column in columns)
    marks = ", ".join(["%s"] * len(columns))
    return f"INSERT INTO {quote(table)} ({named}) VALUES ({marks})"  # noqa: S608 - names of ours


# The marks of one row, among the rest of a statement.
MARKS = re.compile(r"(\((?:%s, )*%s\))")

# What these hold is written as it stands.
PLAIN = {
    models.BooleanField,
    models.CharField,
    models.PositiveIntegerField,
    models.PositiveSmallIntegerField,
}
