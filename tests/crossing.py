"""Two transactions of which one waits for the other: made to meet, not hoped to."""

import threading
import time
from contextlib import contextmanager

from django.db import connection, transaction

from tests import patience

# A test that waits longer is broken, and says so instead of hanging.
PATIENCE = patience.HELD_SECONDS


class Other:
    """A transaction of somebody else, held open until this one waits for it or has no more to do."""

    def __init__(self, action):
        self.action = action
        self.has_acted, self.may_end = threading.Event(), threading.Event()
        self.problem = None
        self.waiting = my_process()
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        try:
            with transaction.atomic():
                self.action(self)
                self.has_acted.set()
                self.until_it_waits()
        except Exception as error:
            self.problem = error
        finally:
            self.has_acted.set()
            connection.close()

    def until_it_waits(self):
        """Until whoever crosses us stands before a lock, or is done without having met one."""
        ends_at = time.monotonic() + PATIENCE
        while not (self.may_end.is_set() or self._it_waits()):
            assert time.monotonic() < ends_at
            time.sleep(0.01)

    def _it_waits(self):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pid = %s)",
                [self.waiting],
            )
            return cursor.fetchone()[0]

    def stand_still(self):
        """In the middle of the action: now the other side may come, and we go on once it waits."""
        self.has_acted.set()
        self.until_it_waits()


def my_process():
    """PostgreSQL's number for this connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]


@contextmanager
def crossed_by(action):
    """Do what is inside while another transaction has run ``action(other)`` and not committed."""
    other = Other(action)
    other.thread.start()
    try:
        assert other.has_acted.wait(PATIENCE)
        yield other
    finally:
        other.may_end.set()
        other.thread.join(PATIENCE)
    if other.problem is not None:
        raise other.problem
