"""A text gateway behind one HTTP address: POST, JSON, signed (docs/phone-system.md).

The standard library's client, not a package: at-most-once hangs on knowing on which side of the
first byte it broke, and this client connects when it is told to, sends when it is told to, and
neither retries, follows redirects, nor goes through a proxy that the environment names.
"""

import functools
import http.client
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar
from urllib.parse import urlsplit

from django.conf import settings

from helpline import signatures
from intake.channels.gateways.base import (
    Gateway,
    GatewayDown,
    Line,
    Text,
    TextRefused,
    TextUnknown,
)

# Name, connection and TLS together; then the request and the head of the answer together.
CONNECT_SECONDS = 5.0
EXCHANGE_SECONDS = 10.0
# Between two signs of life inside those.
SILENCE_SECONDS = 5.0

# Said of us, not of this text: the secret, the address or our pace is wrong. Nothing was taken.
NOT_US_NOW = frozenset({401, 403, 404, 405, 407, 429})

T = TypeVar("T")


class HttpGateway(Gateway):
    def __init__(self, url: str, secrets: tuple[bytes, ...]) -> None:
        """``url``: https, or http on this machine (the settings see to it)."""
        self.address, self.secrets = urlsplit(url), secrets

    @contextmanager
    def reached(self) -> Iterator[Line]:
        connection = self._connection()
        # By default it would connect once more by itself, and send on a line nobody waits for.
        connection.auto_open = 0
        try:
            _within(CONNECT_SECONDS, connection.connect)
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            _hang_up(connection)
            raise GatewayDown from error
        try:
            yield HttpLine(connection, self._target, self.secrets)
        finally:
            _hang_up(connection)

    @property
    def _target(self) -> str:
        query = f"?{self.address.query}" if self.address.query else ""
        return f"{self.address.path or '/'}{query}"

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self.address.hostname or "", self.address.port
        if self.address.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=CONNECT_SECONDS)
        return http.client.HTTPSConnection(host, port, timeout=CONNECT_SECONDS, context=trusted())


class HttpLine(Line):
    def __init__(
        self, connection: http.client.HTTPConnection, target: str, secrets: tuple[bytes, ...]
    ) -> None:
        self.connection, self.target, self.secrets = connection, target, secrets

    def send(self, text: Text) -> None:
        try:
            status = _within(EXCHANGE_SECONDS, functools.partial(self._exchange, text))
        except (OSError, http.client.HTTPException) as error:
            raise TextUnknown(_broke(error)) from error
        _read(status)

    def _exchange(self, text: Text) -> int:
        """The status of the answer. Its body is never read: it might repeat the number."""
        body = json.dumps({"to": text.to, "text": text.body}).encode()
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": text.key,
            "Connection": "close",
            **signatures.headers(self.secrets, message_id=text.key, at=text.at, body=body),
        }
        self.connection.sock.settimeout(SILENCE_SECONDS)
        self.connection.request("POST", self.target, body, headers)
        return self.connection.getresponse().status


def _read(status: int) -> None:
    """Raise unless the gateway took the text.

    A redirect and an error of a server may come after the text went on its way, so they count as
    "perhaps sent"; a 4xx is the gateway's word that it did not take it.
    """
    if 200 <= status < 300:
        return
    if status in NOT_US_NOW:
        raise GatewayDown
    if 400 <= status < 500:
        raise TextRefused(f"refused_{status}")
    raise TextUnknown(f"unknown_{status}")


def _broke(error: Exception) -> str:
    return "unknown_time_out" if isinstance(error, TimeoutError) else "unknown_broken_off"


@functools.cache
def trusted() -> ssl.SSLContext:
    """Certificates of this machine's authorities, and the host's name in them."""
    return ssl.create_default_context()


def _within(seconds: float, act: Callable[[], T]) -> T:
    """What ``act`` returns or raises; ``TimeoutError`` when it has done neither by then.

    In a thread: a socket's own time-out starts anew with every byte, and looking up a name has
    none. What is left behind ends when the connection is closed.
    """
    done: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(act())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="text-gateway", daemon=True)
    thread.start()
    thread.join(seconds)
    if failed:
        raise failed[0]
    if not done:
        raise TimeoutError
    return done[0]


def _hang_up(connection: http.client.HTTPConnection) -> None:
    try:
        connection.close()
    except OSError:
        return


def configured() -> HttpGateway:
    return HttpGateway(settings.TEXT_GATEWAY_URL, settings.TEXT_GATEWAY_SECRETS)
