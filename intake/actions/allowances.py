"""The share of one source address: held in the database, so that it is one for all processes.

Nothing else is kept of an address, and that only while it counts (``rules.allowances``).
"""

from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q

from intake.crypto import get_keyring, lone_digest
from intake.models import Allowance
from intake.models.base import new_id
from intake.models.trips import Statement, in_one_trip
from intake.rules import allowances

PURPOSE = "form.address"
# With 32 bits of the digest: those who share a share wait for each other on PostgreSQL.
LOCK = 0x0A11


def line_up(*, address: str) -> None:
    """Wait until nobody else of this address is being counted; till the end of the transaction.

    On PostgreSQL; SQLite has one writer at a time anyway.
    """
    for statement in queue(address=address):
        in_one_trip(statement)


def queue(*, address: str) -> list[Statement]:
    """What ``line_up`` runs, if anything, for whoever has more to ask in the same trip."""
    if connection.vendor != "postgresql":
        return []
    place = allowances.place_of(address)
    if not place:
        return []
    number = int.from_bytes(lone_digest(PURPOSE, place)[0][:4], "big", signed=True)
    return [("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, number])]


def use_one(*, address: str, most: int, now: datetime) -> bool:
    """Take one from the share of this address; returns whether there was one.

    Part of the caller's transaction, after ``line_up``: what is rolled back was not used. An
    unknown address ("") has no limit.
    """
    if not is_limited(address):
        return True
    with connection.cursor() as cursor:
        cursor.execute(*use(address=address, most=("%s", [most]), now=now))
        return bool(cursor.rowcount == 1)


def is_limited(address: str) -> bool:
    """Whether it is an address at all; an unknown one has no share to use up."""
    return bool(allowances.place_of(address))


def free_again_at(*, address: str, most: int, now: datetime) -> datetime:
    """When (UTC) an address that has used its share may ask again."""
    after, until = allowances.counted(now)
    used = Allowance.objects.filter(
        address_digest=lone_digest(PURPOSE, allowances.place_of(address))[0],
        began_at__gt=after,
        began_at__lte=until,
    )
    return allowances.free_again_at(used.values_list("began_at", "used"), most=most)


def used_by(*, address: str, now: datetime) -> int:
    """How much of its share this address has used."""
    place = allowances.place_of(address)
    if not place:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT ({USED})", [lone_digest(PURPOSE, place)[0], *_counted(now)])
        return int(cursor.fetchone()[0])


# Every request runs these statements, so they are not composed anew for each. Under the current key
# alone: changing it gives everybody a new share, once.
USED = (
    "SELECT COALESCE(SUM(used), 0) FROM intake_allowance"
    " WHERE address_digest = %s AND began_at > %s AND began_at <= %s"
)


def use(*, address: str, most: Statement, now: datetime) -> Statement:
    """What counts one, unless that would be more than ``most``, an expression in SQL; for whoever
    has more to ask in the same trip. Only of an address that is known."""
    digest, key_id = lone_digest(PURPOSE, allowances.place_of(address))
    row_id = Allowance._meta.pk.get_db_prep_value(new_id(), connection)
    began_at = _in_sql(allowances.stretch_of(now))
    limit, values = most
    return (
        "INSERT INTO intake_allowance (id, address_digest, key_id, began_at, used)"
        f" SELECT %s, %s, %s, %s, 1 WHERE ({USED}) < {limit}"
        " ON CONFLICT (address_digest, began_at) DO UPDATE SET used = intake_allowance.used + 1",
        [row_id, digest, key_id, began_at, digest, *_counted(now), *values],
    )


def _counted(now: datetime) -> list[Any]:
    return [_in_sql(moment) for moment in allowances.counted(now)]


def _in_sql(moment: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(moment)


def forget(*, now: datetime) -> int:
    """Delete what counts no more; returns how many rows."""
    after, until = allowances.counted(now)
    gone, _of_which = Allowance.objects.filter(
        Q(began_at__lte=after) | Q(began_at__gt=until)
    ).delete()
    return gone


def forget_other_keys() -> None:
    """Delete what was counted under an index key of before: a share is looked up under the current
    one alone, and the old one need not stay in the ring for it."""
    Allowance.objects.exclude(key_id=get_keyring().index.current).delete()
