"""SQLite has one writer, and lets it go first who asks all the time.

So whoever has much to write writes it in parts that are quickly done, and rests between them: a
backlog must not keep those waiting who are asking for a call just now.
"""

import time

from django.db import connection

# At most so long is rested after one part, before the next.
MOST_COURTESY_SECONDS = 0.2


def part_of(most: int, *, on_sqlite: int) -> int:
    """How many rows to write at once: ``most``, and less where others cannot write meanwhile."""
    return min(most, on_sqlite) if connection.vendor == "sqlite" else most


def let_others_write(seconds: float) -> None:
    """Rest after a part that took so long; inside a transaction, or where all may write, do not."""
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        time.sleep(min(seconds, MOST_COURTESY_SECONDS))
