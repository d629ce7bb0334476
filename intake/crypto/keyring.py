"""The key ring: which secret keys exist, by purpose and id, and where they come from.

Three purposes, never one key for two of them:

``encryption``  AES-256-GCM keys of the encrypted columns,
``index``       HMAC keys of the blind indexes (equality of phones and names),
``audit``       HMAC keys of the event log; an old one is kept for ever, for events are not re-signed.

The ring is one JSON document::

    {"encryption": {"current": "k1", "keys": {"k1": "<32 bytes, base64>"}},
     "index":      {"current": "i1", "keys": {"i1": "..."}},
     "audit":      {"current": "a1", "keys": {"a1": "..."}}}

read from the environment (``HELPLINE_KEYS``) or from a file (``HELPLINE_KEYS_FILE``) that only its
owner may read. No message in this module ever holds key material.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import hashlib
import hmac
import json
import logging
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NoReturn

from django.conf import settings

logger = logging.getLogger(__name__)

KEY_BYTES: Final = 32
ENCRYPTION: Final = "encryption"
INDEX: Final = "index"
AUDIT: Final = "audit"
# Purpose -> first letter of the ids we give out. An id names its purpose, so `--retire i1` is clear.
PURPOSES: Final[Mapping[str, str]] = {ENCRYPTION: "k", INDEX: "i", AUDIT: "a"}
KEY_ID: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}")


class KeyringError(Exception):
    """The key ring is missing, malformed, readable by others, or not the one of this database."""


@dataclass(frozen=True, repr=False)
class KeySet:
    """The keys of one purpose; new values use `current`, the others still open old values."""

    current: str
    keys: Mapping[str, bytes]

    def __repr__(self) -> str:
        return f"<KeySet current={self.current} ids={sorted(self.keys)}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("Keys are never pickled.")


@dataclass(frozen=True, repr=False)
class Keyring:
    """All keys of this installation. Its `repr` shows ids only."""

    encryption: KeySet
    index: KeySet
    audit: KeySet

    def __repr__(self) -> str:
        return f"<Keyring {' '.join(f'{p}={self.purpose(p)!r}' for p in PURPOSES)}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("Keys are never pickled.")

    def purpose(self, name: str) -> KeySet:
        """The keys of one of `PURPOSES`."""
        keys: KeySet = getattr(self, name)
        return keys

    def to_json(self) -> str:
        """The document described above. Secret: it goes to the key file or the secret store only."""
        return json.dumps(
            {name: _keyset_as_json(self.purpose(name)) for name in PURPOSES}, indent=2
        )

    def prepared(self, purpose: str) -> str | None:
        """The id of a key that was added after the current one and is not in use yet."""
        keys = self.purpose(purpose)
        newer = [i for i in keys.keys if _number(i) > _number(keys.current)]
        return max(newer, key=_number, default=None)

    def with_prepared_key(self, purpose: str) -> tuple[Keyring, str]:
        """A ring with a fresh random key added, not yet current, and that key's id."""
        old = self.purpose(purpose)
        key_id = f"{PURPOSES[purpose]}{max(map(_number, old.keys)) + 1}"
        keys = {**old.keys, key_id: secrets.token_bytes(KEY_BYTES)}
        return replace(self, **{purpose: KeySet(old.current, keys)}), key_id

    def with_new_key(self, purpose: str) -> tuple[Keyring, str]:
        """A ring whose prepared key, or else a fresh one, is current, and that key's id."""
        ring, key_id = self, self.prepared(purpose)
        if key_id is None:
            ring, key_id = self.with_prepared_key(purpose)
        return replace(ring, **{purpose: KeySet(key_id, ring.purpose(purpose).keys)}), key_id

    def without_key(self, purpose: str, key_id: str) -> Keyring:
        """A ring that has forgotten `key_id`. Raises KeyringError when it is current or unknown."""
        old = self.purpose(purpose)
        if key_id == old.current or key_id not in old.keys:
            raise KeyringError(f"Key {key_id} is the current {purpose} key or not in the ring.")
        keys = {i: key for i, key in old.keys.items() if i != key_id}
        return replace(self, **{purpose: KeySet(old.current, keys)})


def _number(key_id: str) -> int:
    """The 7 of k7; 0 for an id somebody made up."""
    digits = key_id[1:]
    return int(digits) if digits.isascii() and digits.isdigit() else 0


def new_keyring() -> Keyring:
    """A ring of fresh random keys: k1, i1, a1."""
    return Keyring(
        **{
            name: KeySet(f"{letter}1", {f"{letter}1": secrets.token_bytes(KEY_BYTES)})
            for name, letter in PURPOSES.items()
        }
    )


def fingerprint(purpose: str, key_id: str, key: bytes) -> str:
    """64 hex digits that tell two keys apart without revealing either; kept in the database."""
    message = f"helpline key check\0{purpose}\0{key_id}".encode()
    return hmac.new(key, message, hashlib.sha256).hexdigest()


# --- reading ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Loaded:
    """A ring in memory, and what the source looked like when it was read."""

    origin: str
    stamp: tuple[int, ...] | str
    ring: Keyring


_loaded: _Loaded | None = None


def get_keyring() -> Keyring:
    """The ring of this process.

    A file that changed is read again, so a running process follows `rotate_keys` without a
    restart. While a changed file cannot be read, the last good ring stays in use: a helpline does
    not stop answering over an edit. A first read that fails raises KeyringError.
    """
    global _loaded
    text = str(getattr(settings, "HELPLINE_KEYS", "") or "")
    if text:
        if _loaded is None or _loaded.stamp != text:
            _loaded = _Loaded("HELPLINE_KEYS", text, parse_keyring(text, "HELPLINE_KEYS"))
        return _loaded.ring

    path = keyring_path()
    origin = os.fspath(path)
    last = _loaded if _loaded is not None and _loaded.origin == origin else None
    try:
        if last is not None and last.stamp == _stamp(os.stat(path)):
            return last.ring
        _loaded = _read(path)
    except (OSError, KeyringError) as failed:
        if last is None:
            raise _as_keyring_error(failed, path) from None
        logger.error("The key file changed and cannot be used; keeping the keys in memory.")
        return last.ring
    return _loaded.ring


def forget_keyring() -> None:
    """Drop the cached ring; the next use reads its source again and fails if that is bad."""
    global _loaded
    _loaded = None


def keyring_path() -> Path:
    """Where the key file is or will be: HELPLINE_KEYS_FILE, else keys.json in HELPLINE_DATA."""
    named = getattr(settings, "HELPLINE_KEYS_FILE", None) or settings.HELPLINE_DATA / "keys.json"
    return named if isinstance(named, Path) else Path(named)


def parse_keyring(text: str, origin: str) -> Keyring:
    """Read the JSON document. Raises KeyringError, naming `origin` and the part that is wrong."""
    try:
        document = json.loads(text)
    except ValueError:
        raise KeyringError(f"The key ring in {origin} is not valid JSON.") from None
    if not isinstance(document, dict) or set(document) != set(PURPOSES):
        expected = ", ".join(PURPOSES)
        raise KeyringError(f"The key ring in {origin} must have exactly the parts {expected}.")
    ring = Keyring(**{name: _parse_keyset(document[name], name, origin) for name in PURPOSES})
    all_keys = [key for name in PURPOSES for key in ring.purpose(name).keys.values()]
    if len(set(all_keys)) != len(all_keys):
        raise KeyringError(f"The key ring in {origin} uses one key twice; each needs its own.")
    return ring


def _parse_keyset(part: Any, purpose: str, origin: str) -> KeySet:
    where = f"The {purpose} part of the key ring in {origin}"
    if not isinstance(part, dict) or not isinstance(part.get("keys"), dict):
        raise KeyringError(f"{where} needs a 'current' id and 'keys' by id.")
    keys: dict[str, bytes] = {}
    for key_id, encoded in part["keys"].items():
        if not KEY_ID.fullmatch(key_id):
            raise KeyringError(f"{where} has a key id that is not like 'k1'.")
        try:
            keys[key_id] = base64.b64decode(encoded, validate=True)
        except (TypeError, ValueError, binascii.Error):
            raise KeyringError(f"{where}: key {key_id} is not base64.") from None
        if len(keys[key_id]) != KEY_BYTES:
            raise KeyringError(f"{where}: key {key_id} is not {KEY_BYTES} bytes long.")
    if part.get("current") not in keys:
        raise KeyringError(f"{where} names a current key that is not among its keys.")
    return KeySet(str(part["current"]), keys)


def _keyset_as_json(keys: KeySet) -> dict[str, Any]:
    encoded = {i: base64.b64encode(key).decode() for i, key in keys.keys.items()}
    return {"current": keys.current, "keys": encoded}


def _read(path: Path) -> _Loaded:
    # Stat the open file, not the name: what we judge is then what we read.
    with path.open(encoding="utf-8") as file:
        status = os.fstat(file.fileno())
        if stat.S_IMODE(status.st_mode) & 0o077:
            raise KeyringError(f"{path} is open to other users; run: chmod 600 {path}")
        return _Loaded(os.fspath(path), _stamp(status), parse_keyring(file.read(), str(path)))


def _stamp(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_ino, status.st_mtime_ns, status.st_size, status.st_mode)


def _as_keyring_error(failed: OSError | KeyringError, path: Path) -> KeyringError:
    if isinstance(failed, KeyringError):
        return failed
    if isinstance(failed, FileNotFoundError):
        return KeyringError(
            f"No key ring: {path} does not exist and HELPLINE_KEYS is empty. Restore the key file"
            " from its backup. A new, empty installation gets one from `manage.py make_secrets`."
        )
    return KeyringError(f"The key file {path} cannot be read: {failed.strerror}.")


# --- writing ------------------------------------------------------------------------------------


def create_keyring_file(path: Path | str) -> None:
    """Write a fresh ring to `path`, mode 0600. Raises KeyringError if anything is there already."""
    path = Path(path)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        _write_new(path, new_keyring())
    except FileExistsError:
        raise KeyringError(f"{path} exists already; it is never overwritten.") from None


def edit_keyring_file(change: Callable[[Keyring], Keyring]) -> Keyring:
    """Replace the key file by `change(ring)`, at once and under a lock, and use the result.

    Two operators rotating at the same moment must not each write a file without the other's key.
    Raises KeyringError when the ring comes from the environment, or the file cannot be replaced
    (a read-only mount).
    """
    if getattr(settings, "HELPLINE_KEYS", ""):
        raise KeyringError("The key ring comes from HELPLINE_KEYS: change it there, then restart.")
    path = keyring_path().resolve()
    forget_keyring()
    with _locked(path.parent):
        changed = change(get_keyring())
        fresh = path.with_name(f"{path.name}.new")
        try:
            fresh.unlink(missing_ok=True)  # left by a run that was killed just here
            _write_new(fresh, changed)
            os.replace(fresh, path)
        except OSError as failed:
            raise KeyringError(f"{path} cannot be replaced: {failed.strerror}.") from None
        _sync_directory(path.parent)
    forget_keyring()
    return get_keyring()


def _write_new(path: Path, ring: Keyring) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, 0o600)
        file.write(ring.to_json() + "\n")
        file.flush()
        os.fsync(descriptor)
    _sync_directory(path.parent)


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
