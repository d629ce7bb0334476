"""Messages between machines, signed as the Standard Webhooks scheme has it.

A message carries ``webhook-id`` (the same for every copy of it), ``webhook-timestamp`` (seconds)
and ``webhook-signature``: ``v1,`` and the base64 of HMAC-SHA256 over ``id.timestamp.body``. A
secret is ``whsec_`` and the base64 of 24 to 64 random bytes. Both directions use this file: what a
phone system tells us, and what we ask a text gateway.
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

PREFIX: Final = "whsec_"
VERSION: Final = "v1"
SHORTEST_SECRET_BYTES: Final = 24
LONGEST_SECRET_BYTES: Final = 64
# A copy that somebody caught is worthless after this; clocks of two machines differ less.
TOLERANCE: Final = timedelta(minutes=5)
# No id of a message looks like JSON, so no signed text can be cut in two ways.
MESSAGE_ID: Final = re.compile(r"[A-Za-z0-9._:@+=/-]{1,200}")
SECONDS: Final = re.compile(r"[0-9]{1,11}")
# The old secret and the new one, and room to spare.
MOST_SIGNATURES: Final = 8


class BadSecret(ValueError):
    """A secret is not in the form of the scheme. The message says the form, never the secret."""


class NotSigned(Exception):
    """The message does not prove that it comes from who holds a secret; ``code`` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def read_secrets(text: str) -> tuple[bytes, ...]:
    """The secrets in ``text``, separated by blanks or commas, the current one first.

    Raises ``BadSecret`` for one that is too short, too long or no base64.
    """
    return tuple(_secret(word) for word in text.replace(",", " ").split())


def _secret(word: str) -> bytes:
    try:
        key = base64.b64decode(word.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not SHORTEST_SECRET_BYTES <= len(key) <= LONGEST_SECRET_BYTES:
        raise BadSecret(
            f"A secret is {PREFIX} and the base64 of {SHORTEST_SECRET_BYTES} to"
            f" {LONGEST_SECRET_BYTES} random bytes."
        )
    return key


def new_secret() -> str:
    """A fresh secret, as it is written into a file."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def sign(secret: bytes, *, message_id: str, seconds: int, body: bytes) -> str:
    """The signature of one message; ``seconds`` since 1970, as its time stamp says."""
    signed = f"{message_id}.{seconds}.".encode() + body
    digest = hmac.new(secret, signed, hashlib.sha256).digest()
    return f"{VERSION},{base64.b64encode(digest).decode()}"


def headers(keys: Sequence[bytes], *, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of a message of ours, signed with every secret given."""
    seconds = int(at.timestamp())
    signatures = [sign(key, message_id=message_id, seconds=seconds, body=body) for key in keys]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(signatures),
    }


def verify(given: Mapping[str, str], *, body: bytes, keys: Sequence[bytes], now: datetime) -> str:
    """The id of a message that was signed with one of ``keys`` within five minutes of ``now``.

    ``given``: its headers, looked up by their small names. Raises ``NotSigned``. The same message
    may come again within those minutes: who takes it remembers its id.
    """
    message_id = given.get("webhook-id", "")
    stamp = given.get("webhook-timestamp", "")
    if not MESSAGE_ID.fullmatch(message_id) or not SECONDS.fullmatch(stamp):
        raise NotSigned("headers_missing")
    if abs(now.timestamp() - int(stamp)) > TOLERANCE.total_seconds():
        raise NotSigned("not_from_now")
    offered = given.get("webhook-signature", "").split()[:MOST_SIGNATURES]
    expected = [sign(key, message_id=message_id, seconds=int(stamp), body=body) for key in keys]
    # All pairs, so that the time it takes tells nothing.
    matches = [
        hmac.compare_digest(one.encode("utf-8", "replace"), other.encode())
        for one in offered
        for other in expected
    ]
    if not any(matches):
        raise NotSigned("wrong_signature")
    return message_id
