"""The limit: a loop that claims due rows by lease and marks them, in bare SQL, and nothing else.

python bench/bare_loop.py each|bulk    (BENCH_DATABASE names the database)

"each": claims a hundred, then marks every row in a commit of its own, as whoever sends something
between two commits has to. "bulk": marks what it claimed in one statement.
"""

import os
import sys
import time

import psycopg
from reminder_rows import MARK_ONE

BATCH = 100
CLAIM = """
    WITH due AS MATERIALIZED (
        SELECT id FROM intake_reminder
        WHERE status = 'planned' AND channel = 'in_app' AND next_try_at <= clock_timestamp()
            AND (lease_until IS NULL OR lease_until < clock_timestamp())
        ORDER BY priority, next_try_at LIMIT %s FOR UPDATE SKIP LOCKED
    )
    UPDATE intake_reminder AS r SET lease_until = clock_timestamp() + interval '60 seconds',
        lease_token = gen_random_uuid(), attempts = attempts + 1
    FROM due WHERE r.id = due.id RETURNING r.id
"""
MARK_ALL = """
    WITH marked AS (
        UPDATE intake_reminder SET status = 'sent', sent_at = clock_timestamp(),
            lease_until = NULL, lease_token = NULL
        WHERE id = ANY(%(reminders)s) AND status = 'planned' RETURNING id
    )
    INSERT INTO bench_effect (reminder_id) SELECT unnest(%(reminders)s)
"""


def main(way: str) -> None:
    with psycopg.connect(os.environ["BENCH_DATABASE"], autocommit=True) as connection:
        while True:
            claimed = [reminder for (reminder,) in connection.execute(CLAIM, [BATCH])]
            if not claimed:
                time.sleep(0.2)
            elif way == "bulk":
                connection.execute(MARK_ALL, {"reminders": claimed})
            else:
                for reminder in claimed:
                    connection.execute(MARK_ONE, {"reminder": reminder})


if __name__ == "__main__":
    main(sys.argv[1])
