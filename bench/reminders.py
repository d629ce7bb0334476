"""How fast due reminders go out, and what a SIGKILL costs: this engine, its peers, and the limit.

    python bench/reminders.py [FOLDER] [--rows 20000] [--runs 3] [--kills 5] [--only NAME …]

One PostgreSQL that writes through to the disk, one Valkey, and in each run the same rows: so many
reminders over the desk that fall due at one moment, in a copy of the same database. The processes
run and have delivered a few rows before that moment comes. Every run asks one contender; the runs
are repeated, in another order each time.

Measured is the time from the moment they are due until the last is sent, and the rate between the
first and the last. Then the same load again, with every process of the contender killed at once, so
many times, evenly over the load, and started again half a second later, as a supervisor does it.
"In hand" is what it had taken and not finished at the kills. What is not sent when nothing has
happened for the waiting time is lost; what was run again after it had been sent is doubled. At
last, for those that use one, the broker is emptied in the middle and the processes killed with it.

The rows of our engine cost more than a peer's: each gets a notice, a signed event and the checks of
its callback, a peer only marks it. The peers' settings and their reasons are in eta_tasks.py and
procrastinate_tasks.py.
"""

import argparse
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

# Longer than our lease and a sweep (70 s), and than Celery's visibility time-out (125 s).
WAIT_SECONDS = 180
# A contender that stands still is killed all the same.
LONGEST_BETWEEN_KILLS = 20


def main():
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument(
        "folder", type=Path, nargs="?", default=ROOT / "var" / "bench" / "reminders"
    )
    arguments.add_argument("--rows", type=int, default=20_000)
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--kills", type=int, default=5)
    arguments.add_argument("--only", nargs="+", default=[], help="names, or beginnings of names")
    chosen = arguments.parse_args()
    world = World(chosen.folder.resolve(), chosen.rows)
    from reminder_contenders import CONTENDERS

    wanted = [
        kind
        for kind in CONTENDERS
        if not chosen.only or any(kind.name.startswith(name) for name in chosen.only)
    ]
    print(f"{chosen.rows:,} rows, {os.cpu_count()} cores, medians of {chosen.runs} runs")
    for kind in wanted:
        print(f"  {kind.name:18} {kind.promise}")
    print_rates(measure_rates(world, wanted, chosen.runs))
    if chosen.kills:
        print(f"\n{chosen.kills} times SIGKILL; lost: not sent {WAIT_SECONDS} s after the last one")
        for kind in wanted:
            print_outcome(kind, *world.run(kind, killed(chosen.kills)))
        print("\nFLUSHALL and one SIGKILL, half-way")
        for kind in (kind for kind in wanted if kind.uses_broker):
            print_outcome(kind, *world.run(kind, flushed(world.valkey)))


# --- Rates ---------------------------------------------------------------------------------------


def measure_rates(world, wanted, runs):
    """Rates and times by contender, one for each run."""
    measured = {kind: [] for kind in wanted}
    for number in range(runs):
        shift = number % len(wanted)
        for kind in [*wanted[shift:], *wanted[:shift]]:
            rows, due_at = world.run(kind, undisturbed)
            first, last = rows.seconds(due_at)
            measured[kind].append((world.number / max(last - first, 0.001), first, last))
            rows.close()
    return measured


def print_rates(measured):
    from reminder_contenders import ThisEngine

    medians = {
        kind: [statistics.median(values) for values in zip(*found, strict=True)]
        for kind, found in measured.items()
    }
    ours = next((rate for kind, (rate, *_) in medians.items() if kind is ThisEngine), None)
    print(f"\n{'':20}{'rows a second':>14}{'first after':>13}{'all after':>11}   this engine is")
    for kind, (rate, first, last) in medians.items():
        times = f"{ours / rate:8.2f} times" if ours and kind is not ThisEngine else ""
        print(f"  {kind.name:18}{rate:14,.0f}{first:11.2f} s{last:9.2f} s   {times}", flush=True)


# --- What happens in a run -----------------------------------------------------------------------


def undisturbed(contender, rows, number):
    assert rows.wait_until(0, WAIT_SECONDS + number / 50), f"{contender.name} stands still"


def killed(times):
    chance = random.Random(1971)

    def disturb(contender, rows, number):
        for kill in range(times):
            rows.wait_until(number * (times - kill) // (times + 1), LONGEST_BETWEEN_KILLS, 0.005)
            # Not always just after a commit.
            time.sleep(chance.uniform(0, 0.1))
            contender.kill_and_restart(rows)
        wait_out(rows)

    return disturb


def flushed(valkey):
    def disturb(contender, rows, number):
        rows.wait_until(number // 2, WAIT_SECONDS, 0.005)
        valkey.client().flushall()
        contender.kill_and_restart(rows)
        wait_out(rows)

    return disturb


def wait_out(rows):
    """Until all is sent, or nothing has been for the waiting time."""
    while (left := rows.left()) and rows.wait_until(left - 1, WAIT_SECONDS):
        pass


def print_outcome(kind, rows, due_at):
    # What was marked and reached nobody is lost as well.
    lost = rows.left() + rows.without_effect()
    _first, last = rows.seconds(due_at)
    print(
        f"  {kind.name:18} lost {lost:6,}   doubled {rows.doubled():6,}"
        f"   in hand when killed {rows.in_hand:6,}   the last after {last:7.1f} s",
        flush=True,
    )
    rows.close()


# --- The servers and the databases ---------------------------------------------------------------


class World:
    """PostgreSQL, Valkey, and a database with callbacks that every run gets a copy of."""

    def __init__(self, folder, number):
        from tests import servers

        servers.prepare_environment()
        from call_sheet import kept_postgresql
        from reminder_rows import BASE, make_base

        folder.mkdir(parents=True, exist_ok=True)
        self.number = number
        self.postgresql, self.valkey = kept_postgresql(folder), servers.Valkey.start()
        os.environ["DATABASE_URL"] = self.postgresql.create(BASE)
        os.environ["DJANGO_SETTINGS_MODULE"] = "helpline.settings"
        import django

        django.setup()
        make_base(number)

    def run(self, kind, disturb):
        """The rows as they stand at the end, and when they were due."""
        from reminder_rows import BASE, WARM_UP, Rows

        name = "bench_run"
        self.postgresql.run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        self.postgresql.run(f'CREATE DATABASE "{name}" TEMPLATE "{BASE}"')
        self.postgresql.run("CHECKPOINT")
        self.valkey.client().flushall()
        folder = Path(tempfile.mkdtemp(prefix="helpline-bench-"))
        rows = Rows(self.postgresql.url(name))
        contender = kind(rows.url, self.valkey.url(), folder)
        try:
            contender.prepare()
            contender.start()
            started = time.monotonic()
            self.deliver(contender, rows, WARM_UP, 0)
            one = (time.monotonic() - started) / WARM_UP
            assert rows.wait_until(0, 60), f"{kind.name} does not start: {contender.said()}"
            rows.seen_done_at = None
            due_at = self.deliver(contender, rows, self.number, contender.lead(self.number, one))
            if rows.now() > due_at:
                print(f"  {kind.name} was told too late: its rate is too low", flush=True)
            while rows.now() < due_at:
                time.sleep(0.01)
            disturb(contender, rows, self.number)
            return rows, due_at
        finally:
            contender.kill()
            shutil.rmtree(folder, ignore_errors=True)

    def deliver(self, contender, rows, number, lead):
        due_at = rows.now() + timedelta(seconds=lead)
        contender.hand_over(rows.plant(number, due_at), due_at)
        return due_at


if __name__ == "__main__":
    main()
