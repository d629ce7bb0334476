"""The database's clock: the one clock that all processes of all machines agree on."""

from datetime import datetime

from django.db import connection


def database_now() -> datetime:
    """The database's clock (UTC). Inside a transaction too it moves on."""
    if connection.vendor == "postgresql":
        query = "SELECT clock_timestamp()"
    else:
        query = "SELECT strftime('%Y-%m-%d %H:%M:%f+00:00', 'now')"
    with connection.cursor() as cursor:
        cursor.execute(query)
        (moment,) = cursor.fetchone()
    return moment if isinstance(moment, datetime) else datetime.fromisoformat(moment)
