"""A machine whose clock is an hour off: nothing goes out early, and nothing is lost.

The engine goes by the database's clock. Shifted here is every clock of the date and the time of
day in one worker, its pool and one sweeper (see ``apps.shift_the_clock``), not the database's.
"""

import pytest

from tests.crash.ledger import deliveries

pytestmark = [pytest.mark.postgresql, pytest.mark.slow]

HOUR_SECONDS = 3600
RIGHT = ("worker-1", "worker-2", "sweeper-1")


@pytest.fixture(params=[1, -1], ids=["an hour ahead", "an hour behind"])
def wrong(request, stack):
    """Only processes with the wrong clock deliver; beat's is right."""
    names = [f"{service}-off-{request.param}" for service in ("worker", "sweeper")]
    for name in names:
        stack.add_service(name, CRASH_CLOCK_SHIFT=request.param * HOUR_SECONDS)
    stack.stop(*RIGHT)
    stack.open(*names)
    return names


def test_nothing_is_early_and_nothing_lost(stack, office, wrong):
    later = office.ask("bulk", count=10, due_in=HOUR_SECONDS / 2)["callbacks"]
    soon = office.ask("bulk", count=20, spread=6)["callbacks"]
    # And some that were leased must be taken again when the lease has ended, not before.
    stack.tokens.lay("K1", 2)
    all_go_once(stack, soon)
    assert len(stack.tokens.spent("K1")) == 2

    # Beside processes with the right clock: nobody takes what another has just leased.
    stack.open(*RIGHT)
    all_go_once(stack, office.ask("bulk", count=60)["callbacks"])
    untouched = stack.query(
        "SELECT DISTINCT status, attempts, lease_token FROM intake_reminder"
        " WHERE callback_id::text = ANY(%s)",
        later,
    )
    assert untouched == [("planned", 0, None)]


def all_go_once(stack, made):
    stack.wait_until(
        lambda: len(due := deliveries(stack, set(made))) == 2 * len(made) and all_sent(due), "all"
    )
    for one in deliveries(stack, set(made)):
        assert len(one.copies) == 1
        # What is written of it is the database's time, too.
        assert 0 <= one.seconds_late < HOUR_SECONDS / 2


def all_sent(due):
    return all(one.is_delivered for one in due)
