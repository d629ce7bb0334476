"""An invented edition of the facility directory, in the layout of the real one.

Cities, ZIP codes and area codes fit together and are real; names, streets and services are made
up, and every phone is in the fictional 555-01xx range.
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import openpyxl
import zipcodes

HEADINGS = (
    "Name1",
    "Name2",
    "Street1",
    "Street2",
    "City",
    "State",
    "Zip",
    "Phone",
    "Intake1",
    "Intake2",
    "Intake1a",
    "Intake2a",
    "Service_code_info",
)
CODE_HEADINGS = (
    "category_code",
    "category_name",
    "service_code",
    "service_name",
    "service_description",
)

# Category -> code -> meaning, in our own words; the codes are SAMHSA's.
VOCABULARY: dict[tuple[str, str], dict[str, str]] = {
    ("TC", "Type of care"): {
        "SA": "Treatment of substance use",
        "DT": "Detox",
        "SUMH": "Treatment of substance use together with serious mental illness",
    },
    ("SET", "Setting"): {
        "HI": "Hospital, around the clock",
        "OP": "Outpatient",
        "RES": "Residential, around the clock",
        "HID": "Detox as a hospital inpatient",
        "HIT": "Treatment as a hospital inpatient",
        "OD": "Detox as an outpatient",
        "OIT": "Intensive outpatient treatment",
        "ORT": "Regular outpatient treatment",
        "RD": "Residential detox",
        "RL": "Long residential stay",
        "RS": "Short residential stay",
    },
    ("OT", "Opioid treatment"): {
        "OTP": "Certified opioid treatment program",
        "MM": "Methadone maintenance",
        "BUM": "Buprenorphine maintenance",
    },
    ("FOP", "Run by"): {"PVTP": "Private, for profit", "PVTN": "Private, non-profit"},
    ("LCA", "Accreditation"): {"CARF": "CARF accredited", "JC": "Joint Commission accredited"},
    ("PAY", "Payment taken"): {
        "MC": "Medicare",
        "MD": "Medicaid",
        "MI": "Military insurance such as TRICARE",
        "PI": "Private insurance",
        "SF": "Cash or self-payment",
        "NP": "No payment taken",
    },
    ("PYAS", "Help with payment"): {"SS": "Sliding fee scale", "PA": "Payment assistance"},
    ("SG", "Programs for groups"): {
        "PW": "Pregnant and postpartum women",
        "VET": "Veterans",
        "CO": "Mental illness beside substance use",
    },
    ("DETOX", "Detox by substance"): {
        "ADTX": "Alcohol detox",
        "BDTX": "Benzodiazepine detox",
        "ODTX": "Opioid detox",
        "MDET": "Medicines used in detox as a rule",
    },
    ("AGE", "Ages taken"): {
        "CHLD": "17 or younger",
        "YAD": "18 to 25",
        "ADLT": "26 to 64",
        "SNR": "65 or older",
    },
    ("GN", "Genders taken"): {"FEM": "Female", "MALE": "Male"},
    ("SL", "Languages"): {"SP": "Spanish", "AH": "Sign language"},
}

# Around these a demonstration call finds a place near: each gets a hospital and a residence.
WELL_SERVED = (
    ("Miami", "FL"),
    ("Orlando", "FL"),
    ("Tampa", "FL"),
    ("Jacksonville", "FL"),
    ("Columbus", "OH"),
    ("Cleveland", "OH"),
    ("Cincinnati", "OH"),
    ("Birmingham", "AL"),
    ("Huntsville", "AL"),
    ("Philadelphia", "PA"),
    ("Pittsburgh", "PA"),
    ("Harrisburg", "PA"),
    ("New York", "NY"),
    ("Albany", "NY"),
    ("Buffalo", "NY"),
    ("Los Angeles", "CA"),
    ("San Diego", "CA"),
    ("Sacramento", "CA"),
    ("Houston", "TX"),
    ("Dallas", "TX"),
    ("San Antonio", "TX"),
)
ELSEWHERE = (
    ("Atlanta", "GA"),
    ("Boston", "MA"),
    ("Chicago", "IL"),
    ("Denver", "CO"),
    ("Detroit", "MI"),
    ("Honolulu", "HI"),
    ("Minneapolis", "MN"),
    ("Nashville", "TN"),
    ("Phoenix", "AZ"),
    ("Seattle", "WA"),
)
FEWEST = 2 * len(WELL_SERVED)
# An area code has a hundred fictional numbers.
MOST = 500

FIRST_WORDS = (
    "Alderbrook",
    "Blue Lantern",
    "Cedar Hollow",
    "Driftwood",
    "Eastlight",
    "Fernhill",
    "Graystone",
    "Harrow Lane",
    "Inverness Court",
    "Juniper Gate",
    "Kestrel",
    "Larkspur",
    "Marrow Creek",
    "Northgate Meadow",
    "Orchard Row",
    "Pemberly",
    "Quarry Hill",
    "Rookwood",
    "Saltmarsh",
    "Thornfield",
    "Umber Valley",
    "Verity",
    "Winterbourne",
    "Yarrow",
)
STREETS = (
    "Almond Street",
    "Bellweather Road",
    "Candlewick Avenue",
    "Dovecote Lane",
    "Elmhurst Drive",
    "Foxglove Way",
    "Granary Street",
    "Hollyoak Boulevard",
    "Ironbridge Road",
    "Juniper Court",
)


@dataclass(frozen=True)
class Kind:
    """A sort of facility: how it is called and what it always offers."""

    names: tuple[str, ...]
    codes: tuple[str, ...]


HOSPITAL = Kind(
    ("Hospital", "Medical Center"),
    ("SA", "DT", "SUMH", "HI", "HID", "HIT", "ADTX", "BDTX", "ODTX", "MDET", "JC"),
)
RESIDENCE = Kind(
    ("Detox and Recovery", "Treatment Center"),
    ("SA", "DT", "RES", "RD", "RS", "ADTX", "BDTX", "ODTX", "MDET"),
)
OTHER_KINDS = (
    Kind(("Outpatient Detox Clinic",), ("SA", "DT", "OP", "OD", "ORT", "BDTX", "ODTX", "MDET")),
    Kind(("Alcohol Detox House",), ("SA", "DT", "RES", "RD", "RS", "ADTX")),
    Kind(("Recovery House",), ("SA", "RES", "RL")),
    Kind(("Counseling Center",), ("SA", "OP", "OIT", "ORT")),
    Kind(("Opioid Treatment Program",), ("SA", "OP", "ORT", "OTP", "MM", "BUM", "ODTX")),
)


def write_directory(path: Path, *, seed: int = 1, facilities: int = 90) -> None:
    """Write an edition of that many invented facilities; a seed always gives the same rows.

    Raises ``ValueError`` below 42, which the well-served cities need, and above 500, for which
    there are no fictional phones.
    """
    write_workbook(path, invented_rows(seed=seed, facilities=facilities))


def write_workbook(
    path: Path,
    rows: Iterable[Sequence[object]],
    *,
    headings: Sequence[str] = HEADINGS,
    codes: Iterable[Sequence[object]] | None = None,
) -> None:
    """A workbook in the directory's layout: facilities, then the reference of service codes."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Facilities List")
    sheet.append(list(headings))
    for row in rows:
        sheet.append(list(row))
    sheet = book.create_sheet("Service Code Reference")
    sheet.append(list(CODE_HEADINGS))
    for code in vocabulary_rows() if codes is None else codes:
        sheet.append(list(code))
    book.save(path)


def vocabulary_rows() -> Iterator[tuple[str, str, str, str, None]]:
    for (category, category_name), words in VOCABULARY.items():
        for code, meaning in words.items():
            yield category, category_name, code, meaning, None


def service_code_info(codes: Iterable[str]) -> str:
    """``SA DT * HI HID * BDTX``: the codes by category, as the directory prints them."""
    wanted = set(codes)
    groups = ([code for code in words if code in wanted] for words in VOCABULARY.values())
    return " * ".join(" ".join(group) for group in groups if group)


def invented_rows(*, seed: int = 1, facilities: int = 90) -> list[tuple[str | None, ...]]:
    """The rows of ``write_directory``, sorted by state, city and name as the directory is."""
    if not FEWEST <= facilities <= MOST:
        raise ValueError(f"A demonstration has {FEWEST} to {MOST} facilities.")
    chance = random.Random(seed)  # noqa: S311 - believable, not secret
    inventor = _Inventor(chance)
    for city in WELL_SERVED:
        inventor.add(city, HOSPITAL)
        inventor.add(city, RESIDENCE)
    while len(inventor.rows) < facilities:
        kind = chance.choice((HOSPITAL, RESIDENCE, *OTHER_KINDS))
        inventor.add(chance.choice(WELL_SERVED + ELSEWHERE), kind)
    return sorted(inventor.rows, key=lambda row: (row[5], row[4], row[0], row[2]))


class _Inventor:
    """Makes rows up, no two alike and no phone twice."""

    def __init__(self, chance: random.Random) -> None:
        self.rows: list[tuple[str | None, ...]] = []
        self._chance = chance
        self._phones: set[str] = set()
        self._addresses: set[tuple[str, str]] = set()

    def add(self, where: tuple[str, str], kind: Kind) -> None:
        chance = self._chance
        city, state = where
        zip_code, area_code = chance.choice(_zip_codes(city, state))
        name = f"{chance.choice(FIRST_WORDS)} {chance.choice(kind.names)}"
        street = self._street(city)
        intake = self._phone(area_code) if chance.random() < 0.4 else None
        self.rows.append(
            (
                name,
                "Withdrawal Unit" if "HID" in kind.codes and chance.random() < 0.5 else None,
                street,
                f"Suite {chance.randrange(100, 400)}" if chance.random() < 0.3 else None,
                city,
                state,
                zip_code,
                self._phone(area_code),
                intake,
                None,
                None,
                None,
                service_code_info((*kind.codes, *self._further_codes())),
            )
        )

    def _street(self, city: str) -> str:
        while True:
            street = f"{self._chance.randrange(100, 9900)} {self._chance.choice(STREETS)}"
            if (city, street) not in self._addresses:
                self._addresses.add((city, street))
                return street

    def _phone(self, area_code: str) -> str:
        free = [
            phone
            for number in range(100)
            if (phone := f"{area_code}-555-01{number:02}") not in self._phones
        ]
        phone = self._chance.choice(free)
        self._phones.add(phone)
        return phone

    def _further_codes(self) -> Iterator[str]:
        """Payers, ages, programs and languages, about as often as in the real directory."""
        shares = {
            "PI": 0.85,
            "MD": 0.65,
            "MC": 0.45,
            "MI": 0.4,
            "SS": 0.4,
            "PA": 0.25,
            "PW": 0.35,
            "VET": 0.3,
            "CO": 0.7,
            "CHLD": 0.15,
            "SNR": 0.3,
            "SP": 0.35,
            "AH": 0.35,
            "CARF": 0.3,
        }
        yield from ("SF", "YAD", "ADLT", self._chance.choice(("PVTP", "PVTN")))
        # One in twelve takes men only, one in twelve women only.
        yield from self._chance.choice([("FEM", "MALE")] * 10 + [("FEM",), ("MALE",)])
        yield from (code for code, share in shares.items() if self._chance.random() < share)


@cache
def _zip_codes(city: str, state: str) -> list[tuple[str, str]]:
    """Where people live in the city, each ZIP code with a local area code."""
    rows = zipcodes.filter_by(  # type: ignore[no-untyped-call]
        city=city, state=state, zip_code_type="STANDARD", active=True
    )
    return sorted((row["zip_code"], row["area_codes"][0]) for row in rows if row["area_codes"])
