"""Clean text out of spreadsheet cells, which hold anything."""

import re
import unicodedata
from functools import lru_cache

# Controls, zero-width and direction marks, lone surrogates: never part of an address.
INVISIBLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
# How Excel writes a control character it cannot put into XML: _x000D_.
ESCAPED_CONTROL = re.compile(r"_x00[01][0-9A-Fa-f]_")
# What a formula leaves behind when it failed.
ERRORS = frozenset({"#N/A", "#REF!", "#NAME?", "#VALUE!", "#DIV/0!", "#NULL!", "#NUM!"})
# The directory prints "- - -" for a withheld street (shelters).
NOTHING = re.compile(r"[\s\-\u2013\u2014.*]*")

US_PHONE = re.compile(r"1?(\d{3})(\d{3})(\d{4})")
CODE = re.compile(r"[A-Z0-9]{1,12}")
CODE_SEPARATORS = re.compile(r"[\s*,;|]+")


class NotText(Exception):
    """The cell holds something that cannot be read as text, such as a date."""


def text(value: object) -> str:
    """The cell as one clean line: NFC, no invisible characters, single spaces.

    Whole numbers lose their ".0"; failed formulas and dashes count as empty. Raises ``NotText``
    for dates, times and truth values: a date in an address was once something else, and what it
    was cannot be known.
    """
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise NotText
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    raw = str(value)
    if raw.strip() in ERRORS:
        return ""
    # Nearly every cell is plain ASCII already, and there are 170,000.
    if not (raw.isascii() and raw.isprintable()) or "_x00" in raw:
        raw = INVISIBLE.sub(" ", ESCAPED_CONTROL.sub(" ", raw))
        raw = unicodedata.normalize("NFC", raw)
    line = " ".join(raw.split())
    return "" if NOTHING.fullmatch(line) else line


def phone(line: str) -> str:
    """As printed; a number that a spreadsheet took for a quantity gets its dashes back."""
    match = US_PHONE.fullmatch(line)
    return "-".join(match.groups()) if match else line


def codes(line: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """``SA DT * OP`` -> the codes in their order, each once, and the words that are none."""
    words = dict.fromkeys(filter(None, CODE_SEPARATORS.split(line.upper())))
    wrong = tuple(word for word in words if not is_code(word))
    return (tuple(word for word in words if word not in wrong) if wrong else tuple(words)), wrong


@lru_cache(maxsize=1024)
def is_code(word: str) -> bool:
    """Whether the word could be a service code: up to 12 capitals and digits."""
    return bool(CODE.fullmatch(word))


def zip_code(line: str) -> str:
    """Five digits, or nothing where the cell holds no ZIP code.

    A ZIP+4 loses its last four digits; one that was read as a number gets its leading zeros back
    (4401 is 04401, Bangor), which the caller has to check against the state.
    """
    if match := re.fullmatch(r"(\d{5})(?:[-\s]?\d{4})?", line):
        return match.group(1)
    if re.fullmatch(r"\d{3,4}", line):
        return line.zfill(5)
    if re.fullmatch(r"\d{7,8}", line):
        return line.zfill(9)[:5]
    return ""
