"""How long a test waits for what surely comes: far more than it takes, a busy machine is no failure.

And how long a connection of a test waits for a lock. In use a few seconds are enough; here up to a
hundred threads stand in one line, on a machine that has other work.
"""

import time

SECONDS = 120
# Less than those wait who hold a lock to see that nobody needs it.
LOCK_SECONDS = 25
HELD_SECONDS = 60


def until(condition, *, seconds=SECONDS, saying=lambda: ""):
    """What the condition answers once it is true."""
    ends_at = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < ends_at, saying()
        time.sleep(0.02)
    return found


def with_locks(database):
    """The settings of a database, changed to wait so long."""
    options = database["OPTIONS"]
    if database["ENGINE"].endswith("sqlite3"):
        options["timeout"] = SECONDS
    else:
        # The last one said counts.
        options["options"] += f" -c lock_timeout={LOCK_SECONDS}s -c statement_timeout={SECONDS}s"
