"""Sealing one value: AES-256-GCM, bound to its place; and keyed digests for the event log.

A sealed value is ``version (1) | length of key id (1) | key id | nonce (12) | ciphertext + tag``.
Table, column and primary key are authenticated with it, so a value moved to another row or column
does not open. The plaintext is prefixed with its length and padded to a multiple of 32 bytes, so
the size of a stored value tells little: every phone number, date and short name is equally long.

The nonce is random (96 bits): rotate long before 2^32 values were sealed with one key.
"""

from __future__ import annotations

import hmac
import os
from functools import lru_cache
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .keyring import KEY_ID, get_keyring

VERSION: Final = 1
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
PADDING: Final = 32
_LENGTH_BYTES: Final = 4


class DecryptionError(Exception):
    """A stored value did not open: wrong key, moved, cut off or tampered with. Holds no value."""


class Ciphertext:
    """A sealed value as it lies in the database. Shows nothing of itself when printed."""

    __slots__ = ("blob",)

    def __init__(self, blob: bytes) -> None:
        self.blob = blob

    @property
    def key_id(self) -> str:
        """The id of the key that sealed it. Raises DecryptionError when the header is damaged."""
        version, size = (*self.blob[:2], 0, 0)[:2]
        end = 2 + size
        key_id = self.blob[2:end].decode("ascii", errors="replace")
        whole = len(self.blob) >= end + NONCE_BYTES + TAG_BYTES
        # Not an id: a text somebody wrote into the column. It must not end up in a message.
        if version != VERSION or not whole or not KEY_ID.fullmatch(key_id):
            raise DecryptionError("A stored value is cut off or not in our format.")
        return key_id

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ciphertext) and self.blob == other.blob

    def __hash__(self) -> int:
        return hash(self.blob)

    def __repr__(self) -> str:
        return "<Ciphertext>"


def header(key_id: str) -> bytes:
    """The first bytes of every value sealed with `key_id`; finds them in SQL."""
    encoded = key_id.encode("ascii")
    return bytes((VERSION, len(encoded))) + encoded


def place(table: str, column: str, pk: Any) -> bytes:
    """The associated data of the value in this column of this row."""
    return f"{table}.{column}:{pk}".encode()


def encrypt(plaintext: bytes, *, at: bytes) -> Ciphertext:
    """Seal with the current key, bound to `at` (see `place`)."""
    keys = get_keyring().encryption
    nonce = os.urandom(NONCE_BYTES)
    sealed = _aes(keys.keys[keys.current]).encrypt(nonce, _pad(plaintext), at)
    return Ciphertext(header(keys.current) + nonce + sealed)


def decrypt(sealed: Ciphertext, *, at: bytes) -> bytes:
    """Open what `encrypt` sealed at the same place. Raises DecryptionError, never returns less."""
    column = at.split(b":", 1)[0].decode()  # names the column, not the row
    try:
        key_id = sealed.key_id
    except DecryptionError:
        raise DecryptionError(f"A value of {column} is cut off or not in our format.") from None
    key = get_keyring().encryption.keys.get(key_id)
    if key is None:
        raise DecryptionError(f"A value of {column} needs key {key_id}, not in the key ring.")
    start = len(header(key_id))
    nonce, body = sealed.blob[start : start + NONCE_BYTES], sealed.blob[start + NONCE_BYTES :]
    try:
        return _unpad(_aes(key).decrypt(nonce, body, at))
    except (InvalidTag, ValueError):
        raise DecryptionError(
            f"A value of {column} does not open: it was changed, cut off, moved from another row"
            " or column, or sealed with another key of the same id."
        ) from None


def mac(purpose: str, data: bytes) -> bytes:
    """32 bytes: HMAC-SHA256 with the current audit key, different for each purpose."""
    keys = get_keyring().audit
    return keyed_digest(keys.keys[keys.current], purpose, data)


def verify_mac(purpose: str, data: bytes, digest: bytes) -> bool:
    """Whether `digest` is the `mac` of this data under any audit key, current or old."""
    keys = get_keyring().audit.keys.values()
    return any(hmac.compare_digest(keyed_digest(key, purpose, data), digest) for key in keys)


def keyed_digest(key: bytes, purpose: str, data: bytes) -> bytes:
    """HMAC-SHA256 with domain separation. Raises ValueError for a purpose that could collide."""
    if not purpose or "\0" in purpose:
        raise ValueError("A purpose is a non-empty name without NUL.")
    return hmac.digest(key, purpose.encode() + b"\0" + data, "sha256")


@lru_cache(maxsize=8)
def _aes(key: bytes) -> AESGCM:
    return AESGCM(key)


def _pad(plaintext: bytes) -> bytes:
    length = len(plaintext).to_bytes(_LENGTH_BYTES, "big")
    return length + plaintext + b"\0" * (-(len(plaintext) + _LENGTH_BYTES) % PADDING)


def _unpad(padded: bytes) -> bytes:
    end = _LENGTH_BYTES + int.from_bytes(padded[:_LENGTH_BYTES], "big")
    if end > len(padded):
        raise ValueError("padding")
    return padded[_LENGTH_BYTES:end]
