"""Several statements in one trip to the database, for where strangers set the pace."""

from typing import Any

from django.db import connection

Statement = tuple[str, list[Any]]


def in_one_trip(*statements: Statement) -> list[Any]:
    """Run them one after the other, in the caller's transaction; returns the rows of the last.

    PostgreSQL gets them as one message: a thread that waits for each answer costs more than the
    statements themselves. SQLite is no trip away.
    """
    if connection.vendor == "postgresql":
        values = [value for _sql, values in statements for value in values]
        statements = (("; ".join(sql for sql, _values in statements), values),)
    with connection.cursor() as cursor:
        for sql, values in statements:
            cursor.execute(sql, values)
        if connection.vendor == "postgresql":
            while cursor.nextset():
                pass
        return cursor.fetchall() if cursor.description else []
