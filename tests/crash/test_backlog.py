"""Everything is due at once: the urgent goes first, all of it goes, each once.

How fast, and how much memory that takes, is measured by ``tests/crash/backlog.py``.
"""

import signal

import pytest

from tests.crash.ledger import deliveries
from tests.crash.stack import kill

pytestmark = [pytest.mark.postgresql, pytest.mark.slow]

COUNT = 2000
BATCH = 20
DELIVERED = (
    "SELECT count(*) FROM intake_reminder WHERE callback_id::text = ANY(%s) AND status = 'sent'"
)


@pytest.fixture
def lone(stack):
    """One process that delivers: what it takes first is plain to see."""
    stack.add_service("sweeper-lone", CRASH_BATCH_SIZE=BATCH)
    stack.stop("worker-1", "worker-2", "sweeper-1")
    return "sweeper-lone"


def test_a_backlog_is_delivered_in_order_and_an_urgent_promise_overtakes_it(stack, office, lone):
    made = office.ask("bulk", count=COUNT, channels=["in_app"])["callbacks"]
    people = office.ask("people", count=1)
    stack.open(lone)
    stack.wait_until(lambda: stack.value(DELIVERED, made) > COUNT / 10, "a beginning", every=0.02)
    kill(stack.parts[lone].process.pid, signal.SIGSTOP)
    before = stack.value(DELIVERED, made)
    assert before < COUNT / 2, "the test came too late to see a backlog"
    office.ask("promise", people=people, urgency="urgent")
    kill(stack.parts[lone].process.pid, signal.SIGCONT)
    stack.wait_until(lambda: stack.value(DELIVERED, made) == COUNT, "the end")

    due = deliveries(stack, set(made))
    assert {(one.is_delivered, len(one.copies), one.is_early) for one in due} == {(True, 1, False)}
    in_order(stack, made)
    (urgent,) = office.ask("callbacks_of", people=people)
    after = stack.value(
        "SELECT count(*) FROM intake_reminder WHERE callback_id::text = ANY(%s)"
        " AND sent_at < (SELECT sent_at FROM intake_reminder WHERE callback_id::text = %s"
        "                AND stage = 'due' AND channel = 'in_app')",
        made,
        urgent,
    )
    # One batch was perhaps committed as it was stopped, one on its way.
    assert after <= before + 2 * BATCH


def in_order(stack, made):
    """By urgency, then by when it was due."""
    pressing = stack.query(
        "SELECT priority FROM intake_reminder WHERE callback_id::text = ANY(%s)"
        # Those of one batch at the same moment.
        " ORDER BY sent_at, priority",
        made,
    )
    assert pressing == sorted(pressing)
