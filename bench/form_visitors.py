"""Who asks bench/public_form.py's sites for a call: invented people, each with a browser."""

import re
from dataclasses import dataclass
from urllib.parse import urlencode

HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


class Visitors:
    """Nobody twice: a number and an address for each."""

    def __init__(self):
        self.count = 0

    def many(self, number):
        first, self.count = self.count, self.count + number
        return [Visitor(one) for one in range(first, self.count)]


@dataclass(frozen=True)
class Visitor:
    number: int

    @property
    def phone(self):
        """Of an invented person, in one of the area codes there are."""
        codes = area_codes()
        area, last = codes[self.number % len(codes)], self.number // len(codes) % 100
        return f"({area}) 555-01{last:02d}"

    @property
    def address(self):
        number = self.number + 1
        return f"100.{64 + number // 65_536}.{number // 256 % 256}.{number % 256}"


_AREA_CODES: list[int] = []


def area_codes():
    """Those that are rung from here, with 555-01xx for invented people."""
    if not _AREA_CODES:
        from intake.rules import phones

        for area in range(200, 1000):
            if phones.dialable(f"+1{area}5550100", allow_fictional=True).ok:
                _AREA_CODES.append(area)
    return _AREA_CODES


def head(method, path, visitor):
    """What a browser and the proxy before us send."""
    return (
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n"
        f"X-Forwarded-For: {visitor.address}\r\nX-Forwarded-Proto: https\r\n"
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"
        "Accept: text/html,application/xhtml+xml\r\nAccept-Language: en-US,en;q=0.5\r\n"
    )


def get(path, visitor, cookie=""):
    kept = f"Cookie: {cookie}\r\n" if cookie else ""
    return f"{head('GET', path, visitor)}{kept}\r\n".encode()


def post(path, visitor, page):
    from tests.callers import answers

    cookie = page.header("Set-Cookie").partition(";")[0]
    # "asap" may lie in the night of some: any time is taken when it is asked for outright.
    given = answers(phone=visitor.phone, day="now") | dict(HIDDEN.findall(page.body.decode()))
    body = urlencode(given)
    return (
        f"{head('POST', path, visitor)}Cookie: {cookie}\r\nOrigin: https://localhost\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()
