"""CSV files that a spreadsheet opens without running anything that is in them.

A cell that begins with one of ``= + - @``, a tab or a carriage return is read as a formula or a
command by Excel, LibreOffice and Google Sheets, and a formula can send data out or start a
program. Such cells get an apostrophe in front, which every spreadsheet shows as text.

Phone numbers are the exception, and a narrow one: a text that as a whole is ``+`` and 7 to 15
digits (E.164) stays as it is. It is safe because it has no letter, operator, bracket, reference
or quote in it: the only value it can have is the number itself. And it survives: 15 digits are
what a spreadsheet's numbers hold exactly, so none is ever rounded. A spreadsheet that shows it as
a number hides the plus sign; imported as text, or read by a program, it is the number to dial.
"""

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

# A file of more rows belongs into shorter periods: it is built in memory, never on disk in clear.
MOST_ROWS = 100_000

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
# Full-width forms are folded to ASCII by some imports; NUL and other controls are dropped by most.
TRIGGERS = "=+-@\uff1d\uff0b\uff0d\uff20"
LEADING = re.compile(r"[\x00-\x20\x7f\x85\xa0\u200b-\u200f\u2028-\u202f\u2060\u3000\ufeff]*")
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# With another list separator (";" in much of Europe) a cell may be cut there, and its rest be read
# as a cell of its own.
INNER = re.compile(rf"([;\t\r\n]\s*)(?=[{re.escape(TRIGGERS)}])")


class TooManyRows(Exception):
    """No file: ``message`` is fit to show staff."""

    message = _("That is more than 100,000 rows. Choose fewer days.")


@dataclass(frozen=True)
class File:
    """A finished file, its number of rows without the heading, and its SHA-256."""

    content: bytes
    rows: int
    sha256: str


def csv_file(headers: Sequence[Any], rows: Iterable[Sequence[Any]]) -> File:
    """UTF-8 with the mark Excel needs to see that, CRLF, one heading; raises ``TooManyRows``."""
    text = io.StringIO()
    writer = csv.writer(text, dialect="excel")
    writer.writerow([cell(header) for header in headers])
    number = 0
    for row in rows:
        number += 1
        if number > MOST_ROWS:
            raise TooManyRows
        writer.writerow([cell(value) for value in row])
    content = text.getvalue().encode("utf-8-sig", "replace")
    return File(content, number, hashlib.sha256(content).hexdigest())


def cell(value: Any) -> str | int | Decimal:
    """What is written for a value: numbers as they are, times in UTC, text made harmless."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | Decimal):
        return value
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, date):
        return value.isoformat()
    return harmless(str(value))


def harmless(text: str) -> str:
    """``text`` as no spreadsheet takes for a formula; E.164 numbers come back unchanged."""
    if E164.fullmatch(text):
        return text
    if _is_trigger(text):
        text = f"'{text}"
    return CONTROLS.sub("\N{REPLACEMENT CHARACTER}", INNER.sub(r"\1'", text))


def _is_trigger(text: str) -> bool:
    """Begins like a formula, also behind blanks and marks that an import may strip."""
    blank = LEADING.match(text)
    first = text[blank.end() :][:1] if blank else text[:1]
    return text[:1] in {"\t", "\r", "\n", "\0"} or (bool(first) and first in TRIGGERS)
