"""`manage.py up`: one command, every process, and what happens when one of them dies."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from tests.servers import ROOT, child_environment, free_port

pytestmark = [pytest.mark.once, pytest.mark.slow]

# Far more than it takes; a busy machine is no failure.
READY_WITHIN_SECONDS = 180
STOPPED_WITHIN_SECONDS = 180

EVERY_CHILD = {"broker", "web", "worker", "beat", "sweeper"}


class Up:
    """A running `manage.py up`, and what it said so far."""

    def __init__(self, data, *, cwd=ROOT, **environment):
        self.port = environment.pop("PORT", None) or free_port()
        self.log = data.parent / f"up-{self.port}-{time.monotonic_ns()}.log"
        with self.log.open("wb") as output:
            self.process = self.start(data, cwd, environment, output)

    def start(self, data, cwd, environment, output):
        return subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "up"],
            cwd=cwd,
            env=child_environment(
                **{
                    "HELPLINE_DATA": data,
                    "PORT": self.port,
                    "SECRET_KEY": None,
                    "HELPLINE_KEYS": None,
                    "DEMO": "0",
                    **environment,
                }
            ),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def output(self):
        return self.log.read_text()

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()

    def wait_for(self, condition, seconds=READY_WITHIN_SECONDS):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.output
            assert self.process.poll() is None, self.output
            time.sleep(0.1)

    def wait_until_ready(self):
        self.wait_for(lambda: self.get("/health/ready")[0] == 200)

    def wait_until_started(self):
        self.wait_for(lambda: "Stop with Ctrl-C" in self.output)

    def children(self):
        """Name -> process id of the main process of each child."""
        marks = {
            "valkey-server": "broker",
            "gunicorn": "web",
            " worker": "worker",
            " beat": "beat",
            " sweep": "sweeper",
        }
        found = {}
        for pid, parent, command in processes():
            if parent == self.process.pid:
                # Between fork and exec a child still looks like the supervisor.
                for mark, name in marks.items():
                    if mark in command:
                        found[name] = pid
        return found

    def family(self):
        """Every process below this one."""
        known = {self.process.pid}
        table = list(processes())
        while grown := {pid for pid, parent, _ in table if parent in known} - known:
            known |= grown
        return known - {self.process.pid}

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(STOPPED_WITHIN_SECONDS)


def processes():
    """(id, parent, command line) of everything that runs, straight from the kernel."""
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat") as file:
                parent = int(file.read().rpartition(")")[2].split()[1])
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                command = file.read().replace(b"\0", b" ").decode()
        except (OSError, ValueError):
            continue
        if command:
            yield int(entry), parent, command


def alive(pids):
    return {pid for pid, _, _ in processes()} & set(pids)


def all_gone(pids):
    deadline = time.monotonic() + STOPPED_WITHIN_SECONDS
    while alive(pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not alive(pids)


@contextmanager
def running(data, **options):
    up = Up(data, **options)
    try:
        up.wait_until_ready()
        yield up
    finally:
        family = up.family()
        if up.process.poll() is None:
            up.process.kill()
            up.process.wait()
        assert all_gone(family)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("up")


@pytest.fixture(scope="module")
def up(folder):
    """One that runs for several tests."""
    with running(folder / "data") as one:
        yield one


def test_it_prints_its_address_and_becomes_ready(up):
    up.wait_until_started()
    assert f"http://localhost:{up.port}/" in up.output
    assert up.get("/health/live") == (200, "alive\n")
    assert set(up.children()) == EVERY_CHILD


def test_its_folder_is_closed_to_others(up, folder):
    data = folder / "data"
    exposed = [
        path
        for path in data.rglob("*")
        if path.lstat().st_mode & 0o077 and data / "static" not in [path, *path.parents]
    ]
    assert data.stat().st_mode & 0o077 == 0
    assert not exposed


def test_a_second_one_on_the_same_folder_is_refused(up, folder):
    second = Up(folder / "data")
    assert second.process.wait(STOPPED_WITHIN_SECONDS) == 1
    assert "Another `up` is running" in second.output
    assert len(second.output.strip().splitlines()) == 1


def test_a_port_in_use_is_refused_in_one_line(up, folder):
    second = Up(folder / "other", PORT=up.port)
    assert second.process.wait(STOPPED_WITHIN_SECONDS) == 1
    assert f"Port {up.port}" in second.output
    assert len(second.output.strip().splitlines()) == 1


@pytest.mark.parametrize("name", sorted(EVERY_CHILD))
def test_a_child_that_is_killed_comes_back_and_is_spoken_of(up, name):
    up.wait_for(lambda: set(up.children()) == EVERY_CHILD)
    before = up.children()[name]
    os.kill(before, signal.SIGKILL)
    up.wait_for(lambda: up.children().get(name, before) != before)
    up.wait_for(lambda: f"{name} died (exit -9)" in up.output)
    up.wait_for(lambda: f"{name} restarted" in up.output)
    up.wait_until_ready()


def test_a_request_waits_for_a_web_server_that_is_coming_back(up):
    """The supervisor holds the port, so nobody is told "connection refused"."""
    up.wait_for(lambda: "web" in up.children())
    os.kill(up.children()["web"], signal.SIGKILL)
    with socket.create_connection(("127.0.0.1", up.port), READY_WITHIN_SECONDS) as connection:
        connection.sendall(
            b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )
        assert connection.recv(100).startswith(b"HTTP/1.1 200")


def test_static_files_are_served_under_hashed_names(up):
    _, page = up.get("/admin/login/")
    path = re.search(r'href="(/static/[^"]+\.[0-9a-f]{12}\.css)"', page)[1]
    assert up.get(path)[0] == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly_and_keeps_its_data(folder, number):
    data = folder / f"kept-{number}"
    first = Up(data)
    first.wait_until_started()
    family = first.family()
    keys = (data / "keys.json").read_bytes(), (data / "secret_key").read_bytes()
    assert first.stop(number) == 0, first.output
    assert all_gone(family)
    assert "did not end in time" not in first.output
    second = Up(data)
    second.wait_until_started()
    assert keys == ((data / "keys.json").read_bytes(), (data / "secret_key").read_bytes())
    assert second.stop(number) == 0, second.output


def test_a_killed_supervisor_leaves_no_orphans(folder):
    one = Up(folder / "orphans")
    one.wait_until_started()
    family = one.family()
    assert len(family) >= 6
    one.process.kill()
    one.process.wait()
    assert all_gone(family)


def test_a_data_folder_may_be_relative_and_its_path_long(tmp_path):
    """A socket's path may have 107 bytes; a relative folder is taken from the project's."""
    deep = tmp_path / ("long" * 20) / "data"
    relative = os.path.relpath(deep, ROOT)
    deep.parent.mkdir()
    with running(deep, cwd=tmp_path, HELPLINE_DATA=relative):
        assert (deep / "db.sqlite3").exists()


def test_data_without_its_keys_gets_no_new_ones(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "db.sqlite3").touch()
    one = Up(data)
    assert one.process.wait(STOPPED_WITHIN_SECONDS) == 1
    assert "key ring" in one.output
    assert not (data / "keys.json").exists()


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "eighty"), ("DEMO", "perhaps"), ("REDIS_URL", "valkey://x")]
)
def test_a_wrong_setting_is_named_in_one_line(tmp_path, name, value):
    one = Up(tmp_path / "data", **{name: value})
    assert one.process.wait(STOPPED_WITHIN_SECONDS) == 1
    assert name in one.output
    assert value not in one.output
    assert len(one.output.strip().splitlines()) == 1
