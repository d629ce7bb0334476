"""The supervisor alone, over children that do nothing."""

import signal
import sys
import threading
import time

import pytest

from helpline import supervisor
from helpline.supervisor import Child, Supervisor

pytestmark = pytest.mark.once

# Far more than it takes; a busy machine is no failure.
WITHIN_SECONDS = 120
SLEEPS = [sys.executable, "-c", "import time; time.sleep(600)"]
DIES = [sys.executable, "-c", "raise SystemExit(3)"]
# Its argument is the file it leaves once it is deaf.
IGNORES_TERM = (
    "import pathlib, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "pathlib.Path(sys.argv[1]).touch(); time.sleep(600)"
)


@pytest.fixture
def said():
    return []


def supervise(children, said, *, until):
    """Runs until `until()` holds, then stops."""
    one = Supervisor(children, environment={}, say=said.append)
    deadline = time.monotonic() + WITHIN_SECONDS

    def tick():
        assert time.monotonic() < deadline, said
        if until():
            one.stop()

    one.run(on_tick=tick)
    return one


def test_it_starts_in_order_and_ends_in_the_opposite_one(said, monkeypatch):
    order = []
    start = Child.start
    monkeypatch.setattr(
        Child, "start", lambda child, env: (order.append(child.name), start(child, env))[1]
    )
    children = [Child("first", SLEEPS), Child("second", SLEEPS)]
    supervise(children, said, until=lambda: len(order) == 2)
    assert order == ["first", "second"]
    assert [child.process.returncode for child in children] == [-signal.SIGTERM] * 2
    assert said == []


def test_a_dead_child_comes_back_ever_more_slowly(said):
    supervise([Child("clerk", DIES)], said, until=lambda: len(said) >= 5)
    assert said[0] == "clerk died (exit 3); restarting in 0.5 s"
    assert said[1] == "clerk restarted"
    assert said[2] == "clerk died (exit 3); restarting in 1 s"


def test_the_wait_has_a_limit():
    child = Child("clerk", DIES)
    child.deaths = 50
    assert child.delay() == supervisor.LONGEST_DELAY_SECONDS


def test_a_child_that_lived_long_starts_over(said, monkeypatch):
    monkeypatch.setattr(supervisor, "RECOVERED_AFTER_SECONDS", 0.0)
    child = Child("clerk", DIES)
    supervise([child], said, until=lambda: len(said) >= 5)
    assert child.deaths == 1


def test_the_others_go_on_while_one_keeps_dying(said):
    steady = Child("steady", SLEEPS)
    supervise([Child("clerk", DIES), steady], said, until=lambda: len(said) >= 3)
    assert not any("steady" in line for line in said)


def deaf(is_deaf, grace_seconds):
    command = [sys.executable, "-c", IGNORES_TERM, str(is_deaf)]
    return Child("deaf", command, grace_seconds=grace_seconds)


def test_a_child_deaf_to_the_signal_is_killed_after_its_grace(said, tmp_path):
    is_deaf = tmp_path / "deaf"
    child = deaf(is_deaf, grace_seconds=0.3)
    supervise([child], said, until=is_deaf.exists)
    assert child.process.returncode == -signal.SIGKILL
    assert said == ["deaf did not end in time; killed"]


def test_a_second_signal_ends_everything_at_once(said, tmp_path):
    is_deaf = tmp_path / "deaf"
    child = deaf(is_deaf, grace_seconds=60)
    one = Supervisor([child], environment={}, say=said.append)

    def signal_twice():
        if is_deaf.exists():
            one.stop()
            threading.Timer(1.5, one.stop).start()

    one.run(on_tick=signal_twice)
    assert child.process.returncode == -signal.SIGKILL
    # Not for having had its sixty seconds.
    assert said == []


def test_two_signals_at_once_are_one_wish(said):
    """A signal to a process group reaches us directly, and once more through make."""
    child = Child("slow", SLEEPS)
    one = Supervisor([child], environment={}, say=said.append)
    one.stop()
    one.stop()
    child.start({})
    one.end()
    assert child.process.returncode == -signal.SIGTERM


def test_those_that_need_a_child_wait_until_it_is_ready(said):
    calls = []

    def ready():
        calls.append(None)
        return len(calls) > 3

    second = Child("second", SLEEPS)
    supervise(
        [Child("first", SLEEPS, ready=ready), second],
        said,
        until=lambda: second.process is not None,
    )
    assert len(calls) == 4


def test_a_signal_during_the_start_starts_nothing_more(said):
    second = Child("second", SLEEPS)
    one = Supervisor(
        [Child("first", SLEEPS, ready=lambda: one.stop() or True), second],
        environment={},
        say=said.append,
    )
    one.run()
    assert second.process is None
