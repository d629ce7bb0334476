"""One installation for all tests here: to start it takes longer than most of them."""

import signal

import pytest

from tests.crash.stack import Office, Stack

# Whose process stands still for a third of it, on a busy machine, may send a mail twice.
LEASE_SECONDS = 8
SWEEP_SECONDS = 1
# Each kill takes a few leased reminders with it: with more batches than kills, none has to wait.
BATCH = 2
USUAL = {"worker-1", "worker-2", "beat-1", "beat-2", "sweeper-1"}
SERVERS = {"postgresql", "valkey", "post-office"}


@pytest.fixture(scope="session")
def whole_stack():
    with Stack(
        lease=LEASE_SECONDS, sweep=SWEEP_SECONDS, environment={"CRASH_BATCH_SIZE": BATCH}
    ) as stack:
        for name in sorted(USUAL):
            stack.add_service(name)
        stack.open()
        yield stack


@pytest.fixture
def stack(whole_stack):
    """Two workers, two beats, a sweeper: they alone run when a test begins, and nothing is due."""
    yield whole_stack
    whole_stack.stop(*set(whole_stack.parts) - USUAL - SERVERS, by=signal.SIGKILL)
    whole_stack.open(*USUAL)
    whole_stack.wait_until(
        lambda: all(whole_stack.parts[name].process for name in USUAL), "the usual processes"
    )


@pytest.fixture(scope="session")
def office(whole_stack):
    with Office(whole_stack) as office:
        yield office
