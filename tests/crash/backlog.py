"""Part of `make crash`: a hundred thousand reminders due at once. A program, not a test.

    python -m tests.crash.backlog [--rows 100000]

One worker with its pool of two, beat and the sweeper, as compose starts them, on whatever cores
there are. In the middle an urgent promise is made. Prints how long all of it took, how long the
urgent one, and what the processes held in memory; the exit code is 1 when all took over 60 s, the
urgent one over 10 s, a process grew, or a reminder is missing or there twice.
"""

import argparse
import signal
import sys
import threading
import time
from collections import defaultdict
from contextlib import closing

import psycopg

from tests import servers
from tests.crash.stack import Office, Stack, memory_of, parent_of

ALL_SECONDS = 60
URGENT_SECONDS = 10
# Resident memory from the first tenth of the rows to the last: pages touched late, no more.
MOST_GROWTH = 24 * 2**20
SERVICES = ("worker-1", "beat-1", "sweeper-1")
CHUNK = 5000
# How fast rows are written at the very least; they become due when all are there.
WRITTEN_PER_SECOND = 700

DUE = "SELECT count(*) FROM intake_reminder WHERE stage = 'due' AND channel = 'in_app' AND due_at <= clock_timestamp()"
OPEN = f"{DUE} AND status <> 'sent'"
UNEVEN = """
    SELECT count(*) FROM intake_reminder r WHERE stage = 'due' AND channel = 'in_app'
    AND (SELECT count(*) FROM intake_notice n WHERE n.reminder_id = r.id) <> 1
"""


def write(office, rows):
    """All due at the same moment, some time from now; returns that moment on our clock."""
    due = time.time() + 10 + rows / WRITTEN_PER_SECOND
    for begin in range(0, rows, CHUNK):
        office.ask(
            "bulk",
            count=min(CHUNK, rows - begin),
            due_in=due - time.time(),
            channels=["in_app"],
            seed=begin,
        )
    assert time.time() < due - 5, "the rows could not be written in time"
    return due


class Memory(threading.Thread):
    """Samples what each process that delivers holds, every half second."""

    def __init__(self, stack):
        super().__init__(daemon=True)
        self.stack = stack
        self.samples = defaultdict(list)
        self.done = threading.Event()

    def run(self):
        while not self.done.wait(0.5):
            for name, pid in self.processes():
                if size := memory_of(pid):
                    self.samples[name, pid].append(size)

    def processes(self):
        mains = {part.process.pid: name for name, part in self.stack.parts.items() if part.process}
        for pid in self.stack.processes():
            if (name := mains.get(pid)) in SERVICES:
                yield name, pid
            elif (name := mains.get(parent_of(pid))) in SERVICES:
                yield f"{name} pool", pid

    def growth(self):
        """(process, first, last) in bytes: after a tenth of the time, and at its highest."""
        self.done.set()
        self.join()
        for (name, pid), sizes in sorted(self.samples.items()):
            settled = sizes[len(sizes) // 10 :]
            yield f"{name} ({pid})", settled[0], max(settled)


def measure(stack, office, rows):
    people = office.ask("people", count=1)
    due = write(office, rows)
    stack.run_statement("VACUUM ANALYZE")
    stack.open()
    time.sleep(max(0.0, due - time.time()))
    memory = Memory(stack)
    memory.start()
    with closing(psycopg.connect(stack.database.url("helpline"), autocommit=True)) as connection:

        def left():
            return connection.execute(OPEN).fetchone()[0]

        while left() > rows / 2:
            time.sleep(0.2)
        office.ask("promise", people=people, urgency="urgent")
        while left():
            time.sleep(0.2)
            assert time.time() - due < 20 * ALL_SECONDS, "it does not end"
    everything = time.time() - due
    (urgent,) = office.ask("callbacks_of", people=people)
    waited = stack.value(
        "SELECT extract(epoch FROM sent_at - due_at)::float FROM intake_reminder"
        " WHERE callback_id::text = %s AND stage = 'due' AND channel = 'in_app'",
        urgent,
    )
    return everything, waited, list(memory.growth()), stack.value(UNEVEN)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000)
    rows = parser.parse_args().rows
    servers.prepare_environment()
    # Whoever ends us wants all of it ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with Stack() as stack:
        for name in SERVICES:
            stack.add_service(name)
        with Office(stack) as office:
            everything, urgent, growth, uneven = measure(stack, office, rows)
    print(f"backlog: {rows} due at once, all on the desk after {everything:.1f} s", end="")
    print(f" ({rows / everything:.0f} a second)")
    print(f"  an urgent one that came in the middle waited {urgent:.2f} s")
    for name, first, last in growth:
        print(f"  memory of {name:<28} {first / 2**20:6.1f} MB, at most {last / 2**20:6.1f} MB")
    print(f"  missing or twice on the desk: {uneven}")
    problems = {
        f"all took {everything:.0f} s": everything > ALL_SECONDS,
        f"the urgent one took {urgent:.0f} s": urgent > URGENT_SECONDS,
        "a process grew": any(last - first > MOST_GROWTH for _name, first, last in growth),
        "a notice is missing or doubled": uneven,
    }
    for problem, is_so in problems.items():
        if is_so:
            print(f"MUST NOT BE: {problem}")
    return 1 if any(problems.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
