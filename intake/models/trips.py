"""Several statements in one trip to the database, for where strangers set the pace."""

from typing import Any

from django.db import connection

Statement = tuple[str, list[Any]]


def in_one_trip(*statements: Statement) -> list[Any]:
    """Run them one after the other, in the caller's transaction; returns the rows of the last.

    PostgreSQL gets them as one message: a thread that waits for each answer costs more than the
    statements themselves. SQLite is no trip away.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Each filled in by itself: what psycopg parses of up to fifty values it remembers.
            cursor.execute("; ".join([cursor.mogrify(*statement) for statement in statements]))
            while cursor.nextset():
                pass
        else:
            for sql, values in statements:
                cursor.execute(sql, values)
        return cursor.fetchall() if cursor.description else []
