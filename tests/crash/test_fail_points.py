"""A process dies at the worst moments (K0 to K6), twenty times at each; no reminder is lost.

One installation, the points armed one after the other. CRASH_TIMES sets how often.
"""

import os

import pytest

from tests.crash.conftest import LEASE_SECONDS, SWEEP_SECONDS
from tests.crash.fail_points import MAY_DOUBLE, POINTS
from tests.crash.ledger import deliveries, unfinished

pytestmark = [pytest.mark.postgresql, pytest.mark.slow]

TIMES = int(os.environ.get("CRASH_TIMES") or 20)
PROMISES = 3 * TIMES
# Far more than it takes; a busy machine is no failure.
WAIT = 120 + 6 * TIMES


@pytest.fixture
def armed(stack, point):
    stack.tokens.lay(point, TIMES)
    yield
    stack.tokens.take_up(point)


@pytest.fixture
def promises(armed, office, point):
    """The callbacks that are due while processes die."""
    if point == "K5":
        people = office.ask("people", count=TIMES)
        ends = office.ask("promise", people=people)
        assert ends == [-9] * TIMES
        return office.ask("callbacks_of", people=people)
    # Beat dies once a tick or so: something has to be due all the while.
    spread = TIMES / 2 if point == "K6" else 0
    return office.ask("bulk", count=PROMISES, spread=spread)["callbacks"]


@pytest.mark.parametrize("point", POINTS, ids=[f"{k}: {what}" for k, what in POINTS.items()])
def test_no_reminder_is_lost_when_a_process_dies(stack, point, promises, record_property):
    exits = len(stack.exits)
    stack.wait_until(
        lambda: len(stack.tokens.spent(point)) == TIMES, f"the deaths at {point}", seconds=WAIT
    )
    stack.wait_until(lambda: not unfinished(stack), "every reminder is finished", seconds=WAIT)
    died = stack.exits[exits:]
    died_exactly(stack, point, died)

    due = deliveries(stack, set(promises))
    assert len(due) == 2 * len(promises)
    assert all(one.is_delivered and not one.is_leased for one in due)
    assert not any(one.is_early for one in due)
    # Mail leaves by another thread of the sweeper: with it dies what was accepted and not marked.
    at_once = sum(one.name == "sweeper" for one in died)
    assert sum(one.is_doubled for one in due) <= (TIMES if point in MAY_DOUBLE else at_once)
    for one in due:
        assert len(one.copies) <= (2 if one.channel == "email" else 1), one
        assert len(one.message_ids) == (1 if one.channel == "email" else 0)
    report(record_property, point, due)


def died_exactly(stack, point, exits):
    """As many as there were tokens, all at this point, and no process by itself."""
    spent = stack.tokens.spent(point)
    assert len(set(spent)) == TIMES
    stack.wait_until(lambda: not set(spent) & set(stack.processes()), "the dead are gone")
    assert {one.pid for one in exits} <= set(spent)
    assert {one.code for one in exits} <= {-9}


def report(record_property, point, due):
    doubled = sum(one.is_doubled for one in due)
    slowest = max(one.seconds_late for one in due)
    bound = LEASE_SECONDS + SWEEP_SECONDS
    record_property(f"{point} slowest", round(slowest, 2))
    print(
        f"{point} {POINTS[point]}: {TIMES} deaths, {len(due)} delivered, {doubled} doubled,"
        f" slowest {slowest:.1f} s (lease and sweep: {bound} s)"
    )
