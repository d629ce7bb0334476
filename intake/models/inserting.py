"""Writing one new row with one statement that is composed once, not anew for every row.

For the few places where strangers set the pace: composing an INSERT costs Django several times
what the database needs to run it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import connection, models


@dataclass(frozen=True)
class Insertion:
    """A row ready to be written: sealed, signed and converted, so that no lock waits for that."""

    record: models.Model
    sql: str
    values: list[Any]

    @classmethod
    def of(cls, record: models.Model) -> Insertion:
        """Of a new row of a ``Record``, whose primary key is made by us."""
        sql, columns = _statement(type(record))
        held = record.__dict__
        values = [
            held[name]
            if is_plain and name in held
            else field.get_db_prep_save(field.pre_save(record, True), connection)
            for name, is_plain, field in columns
        ]
        return cls(record, sql, values)

    def run(self) -> None:
        """As ``record.save(force_insert=True)``, but for signals and a transaction of its own."""
        with connection.cursor() as cursor:
            cursor.execute(self.sql, self.values)
        self.record._state.adding = False
        self.record._state.db = connection.alias


@cache
def _statement(
    model: type[models.Model],
) -> tuple[str, list[tuple[str, bool, models.Field[Any, Any]]]]:
    fields = list(model._meta.local_concrete_fields)
    quote = connection.ops.quote_name
    columns = ", ".join(quote(field.column or "") for field in fields)
    marks = ", ".join(["%s"] * len(fields))
    sql = f"INSERT INTO {quote(model._meta.db_table)} ({columns}) VALUES ({marks})"  # noqa: S608 - names of ours
    return sql, [(field.attname, type(field) in PLAIN, field) for field in fields]


# What these hold is written as it stands.
PLAIN = {
    models.BooleanField,
    models.CharField,
    models.PositiveIntegerField,
    models.PositiveSmallIntegerField,
}
