"""The rows that bench/reminders.py has delivered: the helpline's own, and what became of them.

``bench_effect`` stands for the world outside: each execution of a peer's task adds a row to it, in
the transaction that marks the reminder, so a reminder that was run twice is there twice. Our own
engine's effect is the notice on the desk.
"""

import time
from datetime import datetime, timedelta
from uuid import UUID

import psycopg

BASE = "bench_reminders"
WARM_UP = 200
# How a peer marks one row, in one commit of its own. As a careful user writes it, a second run
# marks nothing; that it ran is counted all the same.
MARK_ONE = """
    WITH marked AS (
        UPDATE intake_reminder SET status = 'sent', sent_at = clock_timestamp(),
            lease_until = NULL, lease_token = NULL
        WHERE id = %(reminder)s AND status = 'planned' RETURNING id
    )
    INSERT INTO bench_effect (reminder_id) VALUES (%(reminder)s)
"""


def make_base(number: int) -> None:
    """The current database of Django gets an open callback for each row, and no reminder yet."""
    from django.core.management import call_command
    from django.db import connections
    from django.utils import timezone

    from intake.models import Callback, Person

    call_command("migrate", verbosity=0)
    now = timezone.now()
    zone = {"time_zone": "America/New_York"}
    person = Person(created_at=now, time_zone_source="zip", **zone)
    person.save()
    due_at = now + timedelta(hours=1)
    Callback.objects.bulk_create(
        (
            Callback(person=person, source="web", due_at=due_at, requested_at=now, **zone)
            for _row in range(number + WARM_UP)
        ),
        batch_size=1000,
    )
    with connections["default"].cursor() as cursor:
        cursor.execute("CREATE TABLE bench_effect (reminder_id uuid NOT NULL)")
    connections.close_all()


class Rows:
    """The reminders of one run, in a database of its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.in_hand = 0
        self.seen_done_at: datetime | None = None
        self.connection = psycopg.connect(url, autocommit=True)

    def close(self) -> None:
        self.connection.close()

    def one(self, statement: str, *values: object) -> object:
        found = self.connection.execute(statement, values).fetchone()
        return found and found[0]

    def now(self) -> datetime:
        return self.one("SELECT clock_timestamp()")

    def plant(self, number: int, due_at: datetime) -> list[UUID]:
        """So many reminders over the desk, due then, for callbacks that have none."""
        planted = self.connection.execute(
            f"INSERT INTO intake_reminder ({', '.join(COLUMNS)})"  # noqa: S608 - our own names
            f" SELECT {', '.join(COLUMNS.values())} FROM intake_callback AS c"
            " WHERE NOT EXISTS (SELECT FROM intake_reminder AS r WHERE r.callback_id = c.id)"
            " LIMIT %(number)s RETURNING id",
            {"due_at": due_at, "number": number},
        ).fetchall()
        assert len(planted) == number
        self.connection.execute("ANALYZE intake_reminder")
        return [reminder for (reminder,) in planted]

    def left(self) -> int:
        return self.one("SELECT count(*) FROM intake_reminder WHERE status = 'planned'")

    def sent(self) -> int:
        return self.one("SELECT count(*) FROM intake_reminder WHERE status = 'sent'")

    def doubled(self) -> int:
        """Executions beyond the first of each reminder, warm-up included."""
        return sum(
            self.one(f"SELECT count(*) - count(DISTINCT reminder_id) FROM {table}")  # noqa: S608
            for table in ("bench_effect", "intake_notice")
        )

    def without_effect(self) -> int:
        """Marked as sent, and nobody got anything."""
        return self.one(
            "SELECT count(*) FROM intake_reminder AS r WHERE status = 'sent' AND NOT EXISTS"
            " (SELECT FROM bench_effect WHERE reminder_id = r.id) AND NOT EXISTS"
            " (SELECT FROM intake_notice WHERE reminder_id = r.id)"
        )

    def seconds(self, due_at: datetime) -> tuple[float, float]:
        """From due until the first was sent, and until the last was seen to be.

        Seen from here: our engine writes the moment at which a batch began.
        """
        first, last = self.connection.execute(
            "SELECT min(sent_at), max(sent_at) FROM intake_reminder WHERE due_at = %s", [due_at]
        ).fetchone()
        if first is None:
            return float("inf"), float("inf")
        last = self.seen_done_at or last
        return (first - due_at).total_seconds(), (last - due_at).total_seconds()

    def wait_until(self, left: int, patience: float, every: float = 0.02) -> bool:
        """Until no more are planned than that; False after ``patience`` seconds."""
        give_up_at = time.monotonic() + patience
        while self.left() > left:
            if time.monotonic() > give_up_at:
                return False
            time.sleep(every)
        if left == 0:
            self.seen_done_at = self.now()
        return True


# Every column of a reminder, as an expression over its callback.
COLUMNS = {
    "id": "gen_random_uuid()",
    "callback_id": "c.id",
    "plan": "c.plan",
    "stage": "'due'",
    "channel": "'in_app'",
    "priority": "1",
    "due_at": "%(due_at)s",
    "next_try_at": "%(due_at)s",
    "status": "'planned'",
    "attempts": "0",
    "failures": "0",
    "last_error": "''",
}
