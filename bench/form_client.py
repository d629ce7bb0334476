"""A lean HTTP client for bench/public_form.py: keep-alive, one thread, requests made beforehand.

It costs some 50 microseconds a request, on the other core than the one web process.
"""

import asyncio
import re
import time
from dataclasses import dataclass

# Gunicorn closes a connection nobody used for two seconds.
KEPT_SECONDS = 1
ANSWER_WITHIN_SECONDS = 60
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass
class Answer:
    """``seconds``: from when it was to be sent until its last byte; ``end``: on the same clock."""

    status: int
    head: bytes
    body: bytes
    seconds: float = 0
    end: float = 0

    def header(self, name: str) -> str:
        found = re.search(rb"\r\n%s: *([^\r]*)" % name.encode(), self.head, re.IGNORECASE)
        return found[1].decode() if found else ""


class Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self.got = b""
        self.waiting: asyncio.Future[Answer] | None = None
        self.transport: asyncio.Transport | None = None
        self.is_open, self.used_at = False, time.perf_counter()

    def connection_made(self, transport):
        self.transport, self.is_open = transport, True

    def connection_lost(self, error):
        self.is_open = False
        if self.waiting and not self.waiting.done():
            self.waiting.set_exception(ConnectionResetError("closed before it had answered"))

    def ask(self, request: bytes) -> asyncio.Future:
        self.got, self.waiting = b"", asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self.waiting

    def data_received(self, data):
        self.got += data
        end = self.got.find(b"\r\n\r\n")
        if end < 0:
            return
        length = LENGTH.search(self.got, 0, end + 2)
        assert length, "an answer without its length"
        if len(self.got) < end + 4 + int(length[1]):
            return
        self.used_at = time.perf_counter()
        if b"\r\nconnection: close" in self.got[:end].lower():
            self.is_open = False
            self.transport.close()
        if self.waiting and not self.waiting.done():
            self.waiting.set_result(
                Answer(int(self.got[9:12]), self.got[: end + 2], self.got[end + 4 :])
            )


class Client:
    """Asks one server; ``None`` in the place of an answer means that none came."""

    def __init__(self, port: int) -> None:
        self.port, self.idle = port, []

    def at_once(self, requests: list[bytes], connections: int) -> list[Answer | None]:
        """As fast as it answers: so many connections, each sends when its last one is answered."""
        return asyncio.run(self._at_once(requests, connections))

    def at_rate(self, requests: list[bytes], moments: list[float]) -> list[Answer | None]:
        """Each at its moment (seconds from now), whether or not the one before is answered."""
        return asyncio.run(self._at_rate(requests, moments))

    async def _at_once(self, requests, connections):
        answers: list[Answer | None] = [None] * len(requests)
        left = iter(range(len(requests)))

        async def one_connection():
            for number in left:
                answers[number] = await self._ask(requests[number], time.perf_counter())

        await asyncio.gather(*(one_connection() for _ in range(connections)))
        self._close()
        return answers

    async def _at_rate(self, requests, moments):
        started, asked = time.perf_counter(), []
        for request, moment in zip(requests, moments, strict=True):
            if (ahead := started + moment - time.perf_counter()) > 0:
                await asyncio.sleep(ahead)
            asked.append(asyncio.create_task(self._ask(request, started + moment)))
        answers = await asyncio.gather(*asked)
        self._close()
        return answers

    async def _ask(self, request, due):
        try:
            connection = await self._connection()
            answer = await asyncio.wait_for(connection.ask(request), ANSWER_WITHIN_SECONDS)
        except (OSError, TimeoutError):
            return None
        answer.end = time.perf_counter()
        answer.seconds = answer.end - due
        if connection.is_open:
            self.idle.append(connection)
        return answer

    async def _connection(self):
        while self.idle:
            connection = self.idle.pop()
            if connection.is_open and time.perf_counter() - connection.used_at < KEPT_SECONDS:
                return connection
            connection.transport.close()
        loop = asyncio.get_running_loop()
        _transport, connection = await loop.create_connection(Connection, "127.0.0.1", self.port)
        return connection

    def _close(self):
        for connection in self.idle:
            connection.transport.close()
        self.idle = []
