"""A whole installation of which every part may be killed, and is started again when it is.

PostgreSQL, Valkey, a mail server, workers, beats and sweepers, each a process, started by the
commands of docker-compose.yml. Whatever became of them, nothing is left when the stack is closed:
each process dies with us, and those it started are found by a mark in their environment.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import psycopg
import yaml

from helpline.supervisor import die_with
from tests import patience, servers
from tests.crash import post_office
from tests.crash.fail_points import Tokens

# As `restart: unless-stopped` does it, but for a process that cannot start at all.
RESTART_SECONDS = 0.3
MARK = "CRASH_STACK"


class Database(servers.PostgreSQL):
    """A commit is a promise here too, though the whole machine never goes down."""

    settings: ClassVar[dict[str, str]] = {
        **servers.PostgreSQL.settings,
        "synchronous_commit": "on",
    }


class Broker(servers.Valkey):
    """As in use: it keeps a log of what it took."""

    def prepare(self, folder):
        command = super().prepare(folder)
        return [*command[:-1], "yes", "--maxmemory-policy", "noeviction"]


@dataclass
class Exit:
    """A process of the stack that ended, whoever ended it."""

    name: str
    pid: int
    code: int
    at: float


@dataclass
class Part:
    """A process that is started again whenever it ends, unless it is held."""

    name: str
    command: list[str]
    log: Path
    environment: dict[str, str]
    owner: object = None
    held: bool = False
    process: subprocess.Popen | None = None
    started_at: float = 0.0

    def start(self):
        parent = os.getpid()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=servers.ROOT if self.owner is None else self.log.parent,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=lambda: die_with(parent),
                **servers.as_user(self.owner),
            )
        self.started_at = time.monotonic()


@dataclass
class Stack:
    """Use as a context manager; everything runs inside it.

    It starts with its servers; add the services that are wanted, and open it.
    """

    lease: int = 60
    sweep: int = 10
    environment: dict[str, object] = field(default_factory=dict)

    def __post_init__(self):
        self.mark = uuid.uuid4().hex
        self.folder = Path(tempfile.mkdtemp(prefix="crash-", dir=servers.run_folder()))
        self.folder.chmod(0o711)
        self.data = self.folder / "data"
        self.data.mkdir(mode=0o700)
        self.book = self.folder / "mail.book"
        self.tokens = Tokens(self.folder / "tokens")
        self.database = Database(servers.free_port())
        self.broker = Broker(servers.free_port())
        self.mail_port = servers.free_port()
        self.parts: dict[str, Part] = {}
        self.exits: list[Exit] = []
        self.lock = threading.Lock()
        self.closing = threading.Event()
        self.keeper = threading.Thread(target=self._keep, daemon=True)

    # --- From start to end -----------------------------------------------------------------------

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *error):
        self.close()

    def _start(self):
        self._start_server("postgresql", self.database, owner=servers.unprivileged_user())
        self._start_server("valkey", self.broker)
        self._start_post_office()
        self.database.run("CREATE DATABASE helpline")
        self.manage("migrate", "--verbosity", "0")
        self.keeper.start()

    def open(self, *names):
        """Have the parts named, or all, started and kept alive from now on."""
        for name in names or list(self.parts):
            self.parts[name].held = False

    def add_service(self, name, **environment):
        """A service of docker-compose.yml, such as worker-2; started by ``open``."""
        command = compose_commands()[name.partition("-")[0]]
        log = self.folder / f"{name}.log"
        self.parts[name] = Part(name, command, log, self.environment_of(**environment), held=True)

    def _start_server(self, name, server, owner=None):
        folder = self.folder / name
        folder.mkdir(mode=0o700)
        command = server.prepare(folder)
        environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"}
        part = Part(name, command, folder / "server.log", environment, owner=owner)
        part.start()
        self.parts[name] = part
        server.wait(part.log)

    def _start_post_office(self):
        command = self._python("-m", "tests.crash.post_office", self.mail_port, self.book)
        log = self.folder / "post-office.log"
        part = self.parts["post-office"] = Part("post-office", command, log, self.environment_of())
        part.start()

    def environment_of(self, **changes):
        return servers.child_environment(
            **{
                "DJANGO_SETTINGS_MODULE": "tests.crash.settings",
                "DATABASE_URL": self.database.url("helpline"),
                "REDIS_URL": self.broker.url(),
                "EMAIL_URL": f"smtp://127.0.0.1:{self.mail_port}",
                "HELPLINE_STAFF_EMAIL": "desk@example.org",
                "HELPLINE_DATA": self.data,
                "REMINDER_LEASE_SECONDS": self.lease,
                "REMINDER_SWEEP_SECONDS": self.sweep,
                "CRASH_TOKENS": self.tokens.folder,
                MARK: self.mark,
                **self.environment,
                **changes,
            }
        )

    def manage(self, *arguments):
        done = subprocess.run(
            self._python("manage.py", *arguments),
            cwd=servers.ROOT,
            env=self.environment_of(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _python(self, *arguments):
        return [sys.executable, *(str(argument) for argument in arguments)]

    def close(self):
        """End all that was ever started here, and whatever those have started."""
        self.closing.set()
        if self.keeper.is_alive():
            self.keeper.join()
        for part in self.parts.values():
            if part.process and part.process.poll() is None:
                part.process.kill()
        for part in self.parts.values():
            if part.process:
                part.process.wait()
        deadline = time.monotonic() + patience.SECONDS
        while (left := self.processes()) and time.monotonic() < deadline:
            for pid in left:
                kill(pid, signal.SIGKILL)
            time.sleep(0.05)
        assert not left, f"still there: {left}"

    # --- Keeping it alive ------------------------------------------------------------------------

    def _keep(self):
        while not self.closing.wait(0.05):
            with self.lock:
                for part in list(self.parts.values()):
                    self._look_after(part)

    def _look_after(self, part):
        if part.process is not None and (code := part.process.poll()) is not None:
            self.exits.append(Exit(part.name, part.process.pid, code, time.time()))
            part.process = None
        rested = time.monotonic() - part.started_at >= RESTART_SECONDS
        if part.process is None and not part.held and rested:
            part.start()

    def stop(self, *names, by=signal.SIGTERM):
        """End these parts and leave them ended until ``open`` is called for them."""
        # Not while the keeper is starting one of them.
        with self.lock:
            for name in names:
                part = self.parts[name]
                part.held = True
                if process := part.process:
                    process.send_signal(by)
        self.wait_until(lambda: not any(self.parts[name].process for name in names), "an end")

    # --- Looking at it ---------------------------------------------------------------------------

    def processes(self):
        """Process id -> command line of everything that carries our mark."""
        wanted = f"{MARK}={self.mark}".encode()
        found = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                if wanted in (entry / "environ").read_bytes().split(b"\0"):
                    command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    if command:
                        found[int(entry.name)] = command
            except OSError:
                continue
        return found

    def children_of(self, name):
        """The ids of the processes that a part has forked: the pool of a worker."""
        process = self.parts[name].process
        if process is None:
            return []
        return [pid for pid in self.processes() if parent_of(pid) == process.pid]

    def orphans(self):
        """Those whose parent is gone: it was killed, and they did not notice."""
        return {pid: command for pid, command in self.processes().items() if parent_of(pid) == 1}

    def query(self, statement, *values):
        with closing(psycopg.connect(self.database.url("helpline"), autocommit=True)) as connection:
            return connection.execute(statement, values).fetchall()

    def run_statement(self, statement):
        with closing(psycopg.connect(self.database.url("helpline"), autocommit=True)) as connection:
            connection.execute(statement)

    def value(self, statement, *values):
        return self.query(statement, *values)[0][0]

    def arrivals(self):
        return post_office.arrivals(self.book)

    def wait_until(self, condition, what, *, seconds=patience.SECONDS, every=0.2):
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {seconds} s for: {what}\n{self.last_words()}")
            time.sleep(every)
        return found

    def last_words(self):
        """What the processes said last, without a line of the servers."""
        logs = [part.log for name, part in self.parts.items() if name.rpartition("-")[0]]
        return "\n".join(f"{log.name}: {log.read_text()[-600:]}" for log in logs if log.exists())


class Office:
    """Makes promises inside the stack: a program that answers one line with one line."""

    def __init__(self, stack):
        self.log = (stack.folder / "office.log").open("ab")
        parent = os.getpid()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.office"],
            cwd=servers.ROOT,
            env=stack.environment_of(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: die_with(parent),
        )

    def ask(self, what, **how):
        print(json.dumps({"what": what, **how}), file=self.process.stdin, flush=True)
        answer = json.loads(self.process.stdout.readline() or '{"error": "the office is gone"}')
        assert "error" not in answer, answer["error"]
        return answer["answer"]

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.kill()
        self.process.communicate()
        self.log.close()


def compose_commands():
    """Service -> command of docker-compose.yml, for the Python that runs this."""
    compose = yaml.safe_load((servers.ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return {
        name: [sys.executable if word == "python" else word for word in service["command"]]
        for name, service in compose["services"].items()
        if "command" in service
    }


def parent_of(pid):
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def memory_of(pid):
    """Resident memory in bytes; 0 when the process is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def kill(pid, number):
    """Send a signal; False when the process is gone already."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
