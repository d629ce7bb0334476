"""An .xlsx file that may be anything: is it whole, and which of its sheets has these columns?"""

import hashlib
import re
import warnings
import zipfile
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import openpyxl

from intake.directory import cells

# The headings stand in the first line; a few lines of title above them are forgiven.
HEADING_LINES = 10
# The country has about 13,000 facilities. Beyond these the file is something else, or a trap.
MOST_LINES = 200_000
MOST_UNPACKED_BYTES = 400_000_000

T = TypeVar("T")


class NotTheDirectory(Exception):
    """The file cannot be read as an edition of the directory; the message is one clear line."""


def digest_of(path: Path) -> str:
    """SHA-256 of the file, after every byte of the archive agreed with its checksum.

    Raises ``NotTheDirectory`` for a file that is missing, no archive, cut off or damaged.
    """
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise NotTheDirectory(f"The file cannot be opened: {error.strerror}.") from error
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
            damaged = archive.testzip() if unpacked <= MOST_UNPACKED_BYTES else None
    except Exception as error:
        raise NotTheDirectory("The file is not an .xlsx workbook, or it is cut off.") from error
    if unpacked > MOST_UNPACKED_BYTES:
        raise NotTheDirectory("The file unpacks to far more than a directory can hold.")
    if damaged is not None:
        raise NotTheDirectory("The file is damaged: a checksum inside it is wrong.")
    return digest


@contextmanager
def opened(path: Path) -> Iterator["Workbook"]:
    """The workbook, read row by row so that its size does not matter."""
    # The file is ours to close: openpyxl leaves it open when it fails.
    with path.open("rb") as file, warnings.catch_warnings():
        # openpyxl warns about styles and extensions it skips; they mean nothing here.
        warnings.simplefilter("ignore")
        book = Workbook(
            _guarded(lambda: openpyxl.load_workbook(file, read_only=True, data_only=True))
        )
        try:
            yield book
        finally:
            book.close()


@dataclass(frozen=True)
class Table:
    """A sheet whose headings were found: where each wanted column stands, and the lines below.

    ``lines`` has every line that holds something, with the number the spreadsheet shows;
    ``last_line`` is what the sheet claims, for a progress bar only.
    """

    columns: dict[str, int]
    lines: Iterator[tuple[int, Sequence[object]]]
    last_line: int | None

    def texts(self, values: Sequence[object]) -> tuple[dict[str, str], list[str]]:
        """The line's cells by heading, and the headings whose cell is no text, such as a date."""
        line: dict[str, str] = {}
        unreadable: list[str] = []
        for name, position in self.columns.items():
            try:
                line[name] = cells.text(values[position]) if position < len(values) else ""
            except cells.NotText:
                line[name] = ""
                unreadable.append(name)
        return line, unreadable


class Workbook:
    """Sheets found by their headings, whatever the sheets are called."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._streams: list[Generator[Any, None, None]] = []

    def close(self) -> None:
        """Half-read sheets too: each holds the file open."""
        for stream in self._streams:
            stream.close()
        self._book.close()

    def table(self, what: str, wanted: Sequence[str], extras: Sequence[str]) -> Table:
        """The sheet that has all ``wanted`` columns, with the ``extras`` it has besides.

        Headings may be spaced, cased and ordered differently; other columns are left alone.
        Raises ``NotTheDirectory``, saying which columns the likeliest sheet lacks.
        """
        lacking = list(wanted)
        for sheet in self._book.worksheets:
            last_line = sheet.max_row
            # The size a sheet claims may be wrong, and openpyxl would cut the rows to it.
            sheet.reset_dimensions()
            rows = sheet.iter_rows(values_only=True)
            self._streams.append(rows)
            lines = _lines(rows)
            for number, values in lines:
                headings = _headings(values)
                missing = [name for name in wanted if _key(name) not in headings]
                if not missing:
                    return Table(_columns(headings, (*wanted, *extras)), lines, last_line)
                lacking = min(lacking, missing, key=len)
                if number >= HEADING_LINES:
                    break
        if len(lacking) == len(wanted):
            raise NotTheDirectory(f"This is not the directory: it has no sheet of {what}.")
        raise NotTheDirectory(f"The sheet of {what} lacks the column {', '.join(lacking)}.")


def _columns(headings: dict[str, int], names: Sequence[str]) -> dict[str, int]:
    return {name: headings[_key(name)] for name in names if _key(name) in headings}


def _headings(values: Sequence[object]) -> dict[str, int]:
    headings: dict[str, int] = {}
    for position, value in enumerate(values):
        if isinstance(value, str) and (key := _key(value)):
            headings.setdefault(key, position)
    return headings


def _key(heading: str) -> str:
    return re.sub(r"[^a-z0-9]", "", heading.casefold())


def _lines(rows: Iterator[Sequence[object]]) -> Iterator[tuple[int, Sequence[object]]]:
    for number in range(1, MOST_LINES + 1):
        values = _guarded(lambda: next(rows, None))
        if values is None:
            return
        if any(value is not None and value != "" for value in values):
            yield number, values
    raise NotTheDirectory(f"A sheet has more than {MOST_LINES:,} lines.")


def _guarded(step: Callable[[], T]) -> T:
    """Damaged XML makes openpyxl raise almost anything; all of it means the same to us."""
    try:
        return step()
    except Exception as error:
        raise NotTheDirectory("The workbook is damaged and cannot be read.") from error
