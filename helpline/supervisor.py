"""Keeps a handful of child processes alive, and ends them in order.

Children are restarted when they die, first at once, then ever more slowly. They lead sessions of
their own, so a Ctrl-C in the terminal reaches only the supervisor; it signals their main
processes, never their groups (a group signal would kill the task a worker is running). Should the
supervisor be killed, the kernel kills them too.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType

POLL_SECONDS = 0.2
FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 30.0
# Alive for this long, a child has recovered, and its next death is a first one again.
RECOVERED_AFTER_SECONDS = 60.0
READY_WITHIN_SECONDS = 15.0
# A terminal, make and a container engine may each send a signal for one wish to stop.
SAME_SIGNAL_SECONDS = 1.0
# prctl(2): the signal a process gets when its parent dies.
PR_SET_PDEATHSIG = 1


@dataclass
class Child:
    """A process to keep alive. `ready` says whether those that need it may start."""

    name: str
    command: Sequence[str]
    pass_fds: Sequence[int] = ()
    ready: Callable[[], bool] = lambda: True
    # How long it may take to end after SIGTERM.
    grace_seconds: float = 15.0
    process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)
    deaths: int = field(default=0, init=False)
    changed_at: float = field(default=0.0, init=False)

    def start(self, environment: Mapping[str, str]) -> None:
        parent = os.getpid()
        self.process = subprocess.Popen(  # noqa: S603 - our own commands
            self.command,
            env=environment,
            stdin=subprocess.DEVNULL,
            pass_fds=self.pass_fds,
            start_new_session=True,
            preexec_fn=lambda: die_with(parent),
        )
        self.changed_at = time.monotonic()

    def delay(self) -> float:
        return min(FIRST_DELAY_SECONDS * 2.0 ** (self.deaths - 1), LONGEST_DELAY_SECONDS)


def die_with(parent: int) -> None:
    """In the child, before it becomes its program."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


class Supervisor:
    """Starts children in the order given, and ends them in the opposite order."""

    def __init__(
        self,
        children: Sequence[Child],
        *,
        environment: Mapping[str, str],
        say: Callable[[str], object],
    ) -> None:
        self.children = children
        self.environment = environment
        self.say = say
        # A plain value: an Event has a lock, which a signal handler may find taken.
        self.stopped_at: float | None = None

    def stop(self, number: int = signal.SIGTERM, frame: FrameType | None = None) -> None:
        """A signal handler: the first signal ends the children in order, a later one at once."""
        now = time.monotonic()
        if self.stopped_at is None:
            self.stopped_at = now
        elif now - self.stopped_at > SAME_SIGNAL_SECONDS:
            for child in self.children:
                if child.process is not None:
                    child.process.kill()

    def run(self, on_tick: Callable[[], object] = lambda: None) -> None:
        """Returns when `stop` was called and every child has ended."""
        try:
            self.start()
            while self.stopped_at is None:
                for child in self.children:
                    self.look_after(child)
                on_tick()
                time.sleep(POLL_SECONDS)
        finally:
            self.end()

    def start(self) -> None:
        for child in self.children:
            if self.stopped_at is not None:
                return
            child.start(self.environment)
            self.wait_until_ready(child)

    def wait_until_ready(self, child: Child) -> None:
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while self.stopped_at is None and not child.ready():
            if time.monotonic() > deadline:
                self.say(f"{child.name} is slow to start")
                return
            time.sleep(POLL_SECONDS / 4)

    def look_after(self, child: Child) -> None:
        now = time.monotonic()
        if child.process is None:
            if now - child.changed_at >= child.delay():
                child.start(self.environment)
                self.say(f"{child.name} restarted")
            return
        code = child.process.poll()
        if code is None:
            return
        if now - child.changed_at >= RECOVERED_AFTER_SECONDS:
            child.deaths = 0
        child.deaths += 1
        child.process, child.changed_at = None, now
        self.say(f"{child.name} died (exit {code}); restarting in {child.delay():g} s")

    def end(self) -> None:
        for child in reversed(self.children):
            if child.process is None:
                continue
            child.process.terminate()
            try:
                child.process.wait(child.grace_seconds)
            except subprocess.TimeoutExpired:
                self.say(f"{child.name} did not end in time; killed")
                child.process.kill()
                child.process.wait()
