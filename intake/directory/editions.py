"""An edition of the directory: its vocabulary, its facilities, and the lines that were refused."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from intake.directory import cells, places
from intake.directory.workbook import NotTheDirectory, Table, digest_of, opened

FACILITY_COLUMNS = ("Name1", "Street1", "City", "State", "Zip", "Phone", "Service_code_info")
INTAKE_COLUMNS = ("Intake1", "Intake2", "Intake1a", "Intake2a")
FACILITY_EXTRAS = ("Name2", "Street2", *INTAKE_COLUMNS)
CODE_COLUMNS = ("category_code", "category_name", "service_code", "service_name")
CODE_EXTRAS = ("service_description",)

# What the columns of the database hold.
LONGEST = {
    "Name1": 200,
    "Name2": 200,
    "Street1": 200,
    "Street2": 200,
    "City": 100,
    "Phone": 40,
    **dict.fromkeys(INTAKE_COLUMNS, 40),
}

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class Code:
    """One word of the vocabulary."""

    code: str
    name: str
    description: str
    category_code: str
    category_name: str


@dataclass(frozen=True, slots=True)
class Listing:
    """One facility as this edition prints it, cleaned, with what its ZIP code adds."""

    line: int
    name: str
    program_name: str
    street: str
    street2: str
    city: str
    state: str
    zip_code: str
    phone: str
    intake_phones: tuple[str, ...]
    # " BDTX HID PI ", as the model keeps them; 13,000 rows of 80 separate codes are 50 MB more.
    service_codes: str
    location: places.Location


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a line, counted as the spreadsheet shows it."""

    line: int
    reason: str
    sheet: str = "facilities"


@dataclass(frozen=True, slots=True)
class Edition:
    """All of one file. Every facility line that is not empty is in ``listings`` or ``refused``."""

    file_name: str
    file_digest: str
    codes: tuple[Code, ...]
    listings: tuple[Listing, ...]
    refused: tuple[Problem, ...]
    # What else staff should know: lines taken although doubtful, words the vocabulary lost.
    remarks: tuple[Problem, ...]

    @property
    def rows_read(self) -> int:
        return len(self.listings) + len(self.refused)


def read(path: Path, *, progress: Progress | None = None) -> Edition:
    """The edition in the workbook at ``path``.

    ``progress`` is told the lines done and, if the file says so, the lines in all. Raises
    ``NotTheDirectory`` when the file is missing, damaged, cut off, not a workbook, or lacks a
    sheet or column of the directory.
    """
    digest = digest_of(path)
    with opened(path) as book:
        facilities = book.table("facilities", FACILITY_COLUMNS, FACILITY_EXTRAS)
        vocabulary, lost = _read_codes(book.table("service codes", CODE_COLUMNS, CODE_EXTRAS))
        reader = _FacilityReader({code.code for code in vocabulary})
        reader.read(facilities, progress)
    if not reader.listings:
        first = f": line {p.line}, {p.reason}" if (p := next(iter(reader.refused), None)) else ""
        raise NotTheDirectory(f"The sheet of facilities has no row that can be used{first}.")
    return Edition(
        # A file name may hold bytes that are no text.
        file_name=path.name.encode("utf-8", "replace").decode()[:200],
        file_digest=digest,
        codes=vocabulary,
        listings=tuple(reader.listings),
        refused=tuple(reader.refused),
        remarks=(*lost, *reader.remarks),
    )


def _read_codes(table: Table) -> tuple[tuple[Code, ...], list[Problem]]:
    """The vocabulary, a code that stands twice with its first meaning, and the lines left out."""
    vocabulary: dict[str, Code] = {}
    lost: list[Problem] = []
    for number, values in table.lines:
        line, _unreadable = table.texts(values)
        code = line["service_code"].upper()
        if not cells.is_code(code) or not line["service_name"]:
            lost.append(Problem(number, "no code with a name, left out", "service codes"))
            continue
        vocabulary.setdefault(
            code,
            Code(
                code=code,
                name=line["service_name"][:300],
                description=line.get("service_description", ""),
                category_code=line["category_code"].upper()[:12],
                category_name=line["category_name"][:200],
            ),
        )
    if not vocabulary:
        raise NotTheDirectory("The sheet of service codes is empty.")
    return tuple(vocabulary.values()), lost


class _Unusable(Exception):
    """Why a line is refused."""


class _FacilityReader:
    """Reads the facility sheet line by line, sorting out what cannot be used."""

    def __init__(self, vocabulary: set[str]) -> None:
        self.vocabulary = vocabulary
        self.listings: list[Listing] = []
        self.refused: list[Problem] = []
        self.remarks: list[Problem] = []
        self._line_of: dict[int, int] = {}

    def read(self, table: Table, progress: Progress | None) -> None:
        for number, values in table.lines:
            try:
                self._take(number, *table.texts(values))
            except _Unusable as error:
                self.refused.append(Problem(number, str(error)))
            if progress:
                progress(number, table.last_line)

    def _take(self, number: int, line: dict[str, str], unreadable: Sequence[str]) -> None:
        for name in ("Name1", "City", "State"):
            if name in unreadable:
                raise _Unusable(f"{name} holds a date or a truth value, not text")
            if not line[name]:
                raise _Unusable(f"{name} is empty")
        for name, longest in LONGEST.items():
            if len(line.get(name, "")) > longest:
                raise _Unusable(f"{name} is longer than {longest} characters")
        state = line["State"].upper()
        if state not in places.STATES:
            raise _Unusable(f"State is no US state or territory: {state[:20]}")
        # The hash is enough to tell rows apart: a clash among 100,000 is a matter of 1e-9.
        fingerprint = hash(tuple(line.values()))
        if first := self._line_of.get(fingerprint):
            raise _Unusable(f"repeats line {first} word for word")
        self._line_of[fingerprint] = number
        self.remarks += [
            Problem(number, f"{name} holds a date or a truth value, left out")
            for name in unreadable
        ]
        self.listings.append(self._listing(number, line, state))

    def _listing(self, number: int, line: dict[str, str], state: str) -> Listing:
        zip_code = cells.zip_code(line["Zip"])
        codes, no_codes = cells.codes(line["Service_code_info"])
        location = places.locate(zip_code, state)
        phones = (cells.phone(line.get(name, "")) for name in INTAKE_COLUMNS)
        listing = Listing(
            line=number,
            name=line["Name1"],
            program_name=line.get("Name2", ""),
            street=line["Street1"],
            street2=line.get("Street2", ""),
            city=line["City"],
            state=state,
            zip_code=zip_code,
            phone=cells.phone(line["Phone"]),
            intake_phones=tuple(dict.fromkeys(phone for phone in phones if phone)),
            service_codes=f" {' '.join(codes)} " if codes else "",
            location=location,
        )
        for doubt in self._doubts(line, listing, no_codes):
            self.remarks.append(Problem(number, doubt))
        return listing

    def _doubts(
        self, line: dict[str, str], listing: Listing, no_codes: Sequence[str]
    ) -> Iterator[str]:
        if line["Zip"] and not listing.zip_code:
            yield f"Zip is no ZIP code: {line['Zip'][:20]}"
        elif listing.location.doubt:
            yield listing.location.doubt
        if not (listing.phone or listing.intake_phones):
            yield "no phone number"
        if not listing.service_codes:
            yield "no service codes"
        if not self.vocabulary.issuperset(listing.service_codes.split()):
            unknown = set(listing.service_codes.split()) - self.vocabulary
            yield f"codes not in the vocabulary, kept: {' '.join(sorted(unknown))[:200]}"
        if no_codes:
            yield f"no service codes, left out: {' '.join(no_codes)[:200]}"
