"""`make crash`: ten thousand reminders while everything is killed. A program, not a test.

    python -m tests.crash.chaos [--rows 10000] [--kills 100] [--seconds 480] [--seed N]

While the reminders come due: SIGKILLs of workers, of their pool, of beats and of the sweeper,
PostgreSQL restarted at once without a farewell, the broker emptied, the broker gone for a minute,
the mail server a black hole for a minute, two beats, and one of a hundred reminders impossible to
deliver. Lease and sweep are those in use, 60 s and 10 s. Prints what became of it; the exit code
is 1 when a reminder was lost, more were doubled than were on their way at a kill, one took longer
than 70 s to recover, a process stayed dead or was left behind.
"""

import argparse
import contextlib
import random
import signal
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime

import psycopg

from tests import servers
from tests.crash.ledger import deliveries
from tests.crash.stack import Office, Stack, kill

LEASE_SECONDS = 60
SWEEP_SECONDS = 10
RECOVERY_SECONDS = LEASE_SECONDS + SWEEP_SECONDS
TRIES = 3
# The waits between the three tries of a poisoned one, and a sweep after each.
BACKOFF_SECONDS = 30 + 120 + 3 * SWEEP_SECONDS
POISONED = 0.01
SERVICES = ("worker-1", "worker-2", "beat-1", "beat-2", "sweeper-1")
VICTIMS = ("child", "child", "child", "worker", "beat", "sweeper")
FRESH_SECONDS = 60

ON_THEIR_WAY = """
    SELECT id::text, channel, lease_token::text FROM intake_reminder
    WHERE status = 'planned' AND lease_until > clock_timestamp()
"""
# Leased in the last two seconds: whoever did it is at work.
AT_WORK_NOW = """
    SELECT 1 FROM intake_reminder
    WHERE status = 'planned' AND lease_until > clock_timestamp() + interval '58 s' LIMIT 1
"""
# The share of the kills that wait for such a moment; the others come when they come.
AT_WORK = 0.75
# A fault of these kinds can make nobody send a mail a second time.
HARMLESS = {"SIGKILL beat", "FLUSHALL", "broker stopped"}


@dataclass
class Fault:
    """Something that was done to the installation, and what was on its way at that moment."""

    kind: str
    at: float
    # Reminder -> its channel, and the lease under which it was.
    on_their_way: dict[str, tuple[str, str]] = field(default_factory=dict)


class Chaos:
    def __init__(self, stack, options, dice):
        self.stack = stack
        self.options = options
        self.dice = dice
        self.faults = []
        self.killed = set()
        self.hole = (0.0, 0.0)

    # --- What is done ----------------------------------------------------------------------------

    def run(self):
        """Every fault at its time, until the time is over."""
        began = time.monotonic()
        for at, fault in sorted(self.plan(), key=lambda one: one[0]):
            while (left := began + at - time.monotonic()) > 0:
                time.sleep(min(left, 1))
            fault()
        time.sleep(max(0.0, began + self.options.seconds - time.monotonic()))

    def plan(self):
        """(second, fault): where the long ones lie is fixed, so that each can be told apart."""
        seconds, outage = self.options.seconds, self.options.outage
        broker_from, mail_from = 0.2 * seconds, 0.55 * seconds
        yield broker_from, self.stop_broker
        yield broker_from + outage, self.start_broker
        yield mail_from, self.stall_mail
        yield mail_from + outage, self.release_mail
        for _number in range(self.options.kills):
            yield self.dice.uniform(0.02, 0.95) * seconds, self.kill_one
        for _number in range(self.options.restarts):
            yield self.dice.uniform(0.05, 0.9) * seconds, self.restart_database
        for _number in range(2):
            yield self.dice.uniform(0.02, 0.18) * seconds, self.flush_broker

    def note(self, kind):
        rows = self.persistently(lambda: self.stack.query(ON_THEIR_WAY))
        on_their_way = {reminder: (channel, lease) for reminder, channel, lease in rows}
        self.faults.append(Fault(kind, time.time(), on_their_way))

    def persistently(self, ask):
        """The database may be starting again."""
        while True:
            with contextlib.suppress(psycopg.OperationalError):
                return ask()
            time.sleep(0.1)

    def kill_one(self):
        """One SIGKILL, most often while something is on its way."""
        if self.dice.random() < AT_WORK:
            self.wait_for_work()
        while True:
            kind = self.dice.choice(VICTIMS)
            victims = self.victims(kind)
            if victims:
                self.note(f"SIGKILL {kind}")
                if kill(victim := self.dice.choice(victims), signal.SIGKILL):
                    self.killed.add(victim)
                    return
                self.faults.pop()
            time.sleep(0.1)

    def wait_for_work(self):
        deadline = time.monotonic() + SWEEP_SECONDS / 2
        while time.monotonic() < deadline:
            if self.persistently(lambda: self.stack.query(AT_WORK_NOW)):
                return
            time.sleep(0.01)

    def victims(self, kind):
        if kind == "child":
            return [pid for name in SERVICES[:2] for pid in self.stack.children_of(name)]
        parts = [part for name, part in self.stack.parts.items() if name.startswith(kind)]
        return sorted(part.process.pid for part in parts if part.process)

    def restart_database(self):
        """As `pg_ctl -m immediate restart` does it: no checkpoint, connections cut."""
        self.note("PostgreSQL restart")
        process = self.stack.parts["postgresql"].process
        if process:
            self.killed.add(process.pid)
            process.send_signal(signal.SIGQUIT)
        self.stack.wait_until(
            lambda: self.stack.parts["postgresql"].process is not process, "an end"
        )

    def flush_broker(self):
        self.note("FLUSHALL")
        self.stack.broker.client().flushall()

    def stop_broker(self):
        self.note("broker stopped")
        self.killed.add(self.stack.parts["valkey"].process.pid)
        self.stack.stop("valkey")

    def start_broker(self):
        self.stack.open("valkey")

    def stall_mail(self):
        self.note("mail black hole")
        self.hole = (time.time(), time.time())
        kill(self.stack.parts["post-office"].process.pid, signal.SIGSTOP)

    def release_mail(self):
        """What it took before it stalled may arrive now, after it was given up."""
        self.note("mail back")
        kill(self.stack.parts["post-office"].process.pid, signal.SIGCONT)
        self.hole = (self.hole[0], time.time())

    # --- What became of it -----------------------------------------------------------------------

    def settle(self):
        """Wait until nothing is due any more, the poisoned ones included."""
        deadline = time.monotonic() + 2 * RECOVERY_SECONDS + BACKOFF_SECONDS
        while time.monotonic() < deadline:
            if not self.persistently(lambda: self.unfinished()):
                return
            time.sleep(0.5)

    def unfinished(self):
        return self.stack.value(
            "SELECT count(*) FROM intake_reminder WHERE stage = 'due' AND status = 'planned'"
        )

    def recoveries(self, due):
        """Kind of fault -> seconds until each item was delivered that it met on its way.

        Counted from the first fault under the item's last lease: perhaps its process lived on and
        a later fault killed it, then this says too much.
        """
        found = defaultdict(list)
        for one in due:
            met = [fault for fault in self.faults if one.reminder in fault.on_their_way]
            if met and one.is_delivered:
                lease = met[-1].on_their_way[one.reminder]
                first = next(f for f in met if f.on_their_way[one.reminder] == lease)
                since = max(first.at, self.held_up_until(one, first.at))
                found[first.kind].append(max(0.0, one.sent_at.timestamp() - since))
        return found

    def held_up_until(self, one, since):
        """No mail recovers while there is no mail server."""
        begin, end = self.hole
        overlaps = since < end and one.sent_at.timestamp() > begin
        return end if one.channel == "email" and overlaps else 0.0

    def pauses(self, due):
        """Kind of fault -> seconds until the next reminder of any kind was delivered."""
        marked = sorted(one.sent_at.timestamp() for one in due if one.is_delivered)
        found = defaultdict(list)
        for fault in self.faults:
            later = [at for at in marked if at >= fault.at]
            if later:
                found[fault.kind].append(later[0] - fault.at)
        return found

    def ended_by_themselves(self):
        return Counter(
            (one.name, one.code) for one in self.stack.exits if one.pid not in self.killed
        )

    def dead(self):
        """Parts that do not run, or whose sign of life is old."""
        time.sleep(3)
        found = [name for name, part in self.stack.parts.items() if not part.process]
        now = datetime.now(UTC)
        seen = dict(self.stack.query("SELECT name, seen_at FROM intake_heartbeat"))
        for name in ("beat", "worker", "sweep", "sweeper"):
            if name not in seen or (now - seen[name]).total_seconds() > FRESH_SECONDS:
                found.append(f"sign of life of {name}")
        return [*found, *(f"orphan: {command}" for command in self.stack.orphans().values())]


# --- The report ----------------------------------------------------------------------------------


def judge(chaos, poisoned):
    """Print the table; returns what must not be."""
    due = [one for one in deliveries(chaos.stack) if one.channel in ("in_app", "email")]
    given_up = {*poisoned["mail"], *poisoned["desk"]}
    impossible = [one for one in due if is_impossible(one, poisoned)]
    possible = [one for one in due if not is_impossible(one, poisoned)]
    lost = [one for one in possible if not one.is_delivered]
    doubled = [one for one in due if one.is_doubled]
    mixed = [one for one in doubled if len(one.message_ids) != 1]
    at_risk = sum(
        sum(channel == "email" for channel, _lease in fault.on_their_way.values())
        for fault in chaos.faults
        if fault.kind not in HARMLESS
    )
    alive = [one for one in impossible if one.status != "dead"]
    failures = tries_of(chaos.stack, impossible)
    told = chaos.stack.value("SELECT count(*) FROM intake_event WHERE verb = 'reminder.dead'")
    recoveries, pauses = chaos.recoveries(possible), chaos.pauses(possible)
    worst = max((max(each) for each in recoveries.values()), default=0.0)
    kinds = Counter(fault.kind for fault in chaos.faults)
    dead = chaos.dead()

    line("due", f"{len(due)}, of {len({one.callback for one in due})} promises")
    line("delivered", sum(one.is_delivered for one in possible))
    line("lost", len(lost))
    line("early", sum(one.is_early for one in due))
    line("doubled on the desk", sum(one.channel == "in_app" for one in doubled))
    line("doubled by mail", f"{len(doubled)}; {len(mixed)} under two Message-IDs")
    line("mails on their way at a fault", at_risk)
    line("poisoned", f"{len(impossible)} of {len(given_up)} promises; not given up {len(alive)}")
    line("given up, for a supervisor", told)
    line("tries of each poisoned one", dict(failures))
    for channel in ("in_app", "email"):
        late = [one.seconds_late for one in possible if one.channel == channel and one.copies]
        line(f"longest delay, {channel}", f"{max(late, default=0):.1f} s")
    for kind in sorted(kinds):
        line(
            f"{kinds[kind]} x {kind}",
            f"next delivery after {most(pauses[kind])} s at most,"
            f" {len(recoveries[kind])} on their way then, all recovered in {most(recoveries[kind])} s",
        )
    ended = chaos.ended_by_themselves()
    line("ended by themselves", ", ".join(f"{n} {c} x{x}" for (n, c), x in ended.items()) or "none")
    line("dead at the end", ", ".join(dead) or "none")
    problems = {
        f"{len(lost)} lost": lost,
        "a notice doubled": [one for one in doubled if one.channel == "in_app"],
        "early": [one for one in due if one.is_early],
        "more doubled than were on their way": len(doubled) > at_risk,
        "a copy under another Message-ID": mixed,
        f"recovery took {worst:.0f} s": worst > RECOVERY_SECONDS,
        "a poisoned one is not dead": alive,
        "more or less were given up than were poisoned": told != len(impossible),
        "a poisoned one was tried more or less than three times": set(failures) - {TRIES},
        "a process is dead": dead,
    }
    return [problem for problem, is_so in problems.items() if is_so]


def is_impossible(one, poisoned):
    return one.callback in poisoned["mail" if one.channel == "email" else "desk"]


def tries_of(stack, reminders):
    """How many failed sendings were counted -> how many reminders."""
    rows = stack.query(
        "SELECT failures FROM intake_reminder WHERE id::text = ANY(%s)",
        [one.reminder for one in reminders],
    )
    return Counter(failures for (failures,) in rows)


def line(name, value):
    print(f"  {name:<34} {value}", flush=True)


def most(seconds):
    return f"{max(seconds):.1f}" if seconds else "-"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--restarts", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=480)
    parser.add_argument("--outage", type=int, default=60)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args()
    servers.prepare_environment()
    # Whoever ends us wants all of it ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    print(f"chaos: seed {options.seed}, {vars(options)}", flush=True)
    dice = random.Random(options.seed)  # noqa: S311 - the same again with the same seed
    stack = Stack(lease=LEASE_SECONDS, sweep=SWEEP_SECONDS)
    with stack:
        for name in SERVICES:
            stack.add_service(name)
        with Office(stack) as office:
            # Each promise has a notice and a mail; a third is due at once, the others by and by.
            promises = options.rows // 2
            first = office.ask("bulk", count=promises // 3, poisoned=POISONED, seed=options.seed)
            rest = office.ask(
                "bulk",
                count=promises - promises // 3,
                spread=0.9 * options.seconds,
                poisoned=POISONED,
                seed=options.seed + 1,
            )
        poisoned = {kind: {*first[kind], *rest[kind]} for kind in ("mail", "desk")}
        stack.open()
        chaos = Chaos(stack, options, dice)
        chaos.run()
        chaos.settle()
        problems = judge(chaos, poisoned)
    left = stack.processes()
    line("processes left", len(left))
    for problem in [*problems, *(f"left behind: {command}" for command in left.values())]:
        print(f"MUST NOT BE: {problem}")
    print(f"chaos: {'failed' if problems or left else 'held'}, seed {options.seed}")
    return 1 if problems or left else 0


if __name__ == "__main__":
    sys.exit(main())
