"""A text gateway on loopback: checks each signature, keeps what it took, and misbehaves on demand."""

import contextlib
import json
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from helpline import signatures

SECRET = b"text-gateway-of-the-tests-secret"
# With the settings of another process.
SECRET_WORD = "whsec_dGV4dC1nYXRld2F5LW9mLXRoZS10ZXN0cy1zZWNyZXQ="


class Gateway(ThreadingHTTPServer):
    """``manner``: a status to answer with, or "drop", "stall", "trickle", "redirect"."""

    daemon_threads = True
    # A pile of clients that come at once is part of the tests.
    request_queue_size = 64

    def __init__(self, context=None):
        super().__init__(("127.0.0.1", 0), Handler)
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.manner, self.texts, self.keys, self.paths = 202, [], [], []
        self.leave = threading.Event()

    @property
    def port(self):
        return self.server_address[1]

    def handle_error(self, request, client_address):
        """A client that hangs up is what these tests are about."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.paths.append(self.path)
        given = {name: self.headers.get(name, "") for name in self.headers}
        try:
            key = signatures.verify(
                {name.lower(): value for name, value in given.items()},
                body=body,
                keys=[SECRET],
                now=datetime.fromtimestamp(int(self.headers["webhook-timestamp"]), UTC),
            )
        except signatures.NotSigned:
            return self.answer(401)
        assert self.headers["Idempotency-Key"] == key
        assert self.headers["Content-Type"] == "application/json"
        manner = self.server.manner
        if manner in {"drop", "stall", "trickle", "redirect"} or manner < 300:
            # It went on its way, whatever is answered.
            self.server.texts.append(json.loads(body))
            self.server.keys.append(key)
        return getattr(self, f"_{manner}")() if isinstance(manner, str) else self.answer(manner)

    def answer(self, status, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _drop(self):
        self.close_connection = True
        self.connection.close()

    def _stall(self):
        self.server.leave.wait(30)
        self.close_connection = True

    def _trickle(self):
        """A byte now and then: no single one is late, and it never ends."""
        self.wfile.write(b"HTTP/1.1 202 Accepted\r\nX-Slow: ")
        while not self.server.leave.wait(0.05):
            self.wfile.write(b".")
            self.wfile.flush()

    def _redirect(self):
        self.answer(307, Location=f"http://127.0.0.1:{self.server.port}/elsewhere")

    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def running(context=None):
    gateway = Gateway(context)
    thread = threading.Thread(target=gateway.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield gateway
    finally:
        gateway.leave.set()
        gateway.shutdown()
        gateway.server_close()
        thread.join()
