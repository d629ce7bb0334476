"""The substances callers name, and how a daily dose becomes a band.

Sources: ASAM/Joint Clinical Practice Guideline on Benzodiazepine Tapering 2025, Table 2 (bands) and
Table 7 (equivalents, VA/DoD 2021 and Ashton 2002); NHS Scotland for zolpidem and zopiclone.
Everything about dose here is for staff. No figure from this module may be read to a caller.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class SubstanceClass(StrEnum):
    BENZODIAZEPINE = "benzodiazepine"
    Z_DRUG = "z_drug"
    BARBITURATE = "barbiturate"
    GHB = "ghb"
    GABAPENTINOID = "gabapentinoid"
    ALCOHOL = "alcohol"
    OPIOID = "opioid"
    STIMULANT = "stimulant"
    CANNABIS = "cannabis"
    OTHER = "other"
    UNKNOWN = "unknown"

    @property
    def label(self) -> str:
        return _CLASS_LABELS[self]


_CLASS_LABELS = {
    SubstanceClass.BENZODIAZEPINE: "Benzodiazepine",
    SubstanceClass.Z_DRUG: "Z-drug (sleep medicine)",
    SubstanceClass.BARBITURATE: "Barbiturate",
    SubstanceClass.GHB: "GHB or its precursors",
    SubstanceClass.GABAPENTINOID: "Gabapentinoid",
    SubstanceClass.ALCOHOL: "Alcohol",
    SubstanceClass.OPIOID: "Opioid",
    SubstanceClass.STIMULANT: "Stimulant",
    SubstanceClass.CANNABIS: "Cannabis",
    SubstanceClass.OTHER: "Other",
    SubstanceClass.UNKNOWN: "Unknown",
}


class HalfLife(StrEnum):
    SHORT = "short"
    LONG = "long"
    UNKNOWN = "unknown"


class Band(StrEnum):
    """Daily dose band of guideline Table 2, footnotes d-f."""

    LOW = "low"
    MODERATE = "moderate"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Equivalence:
    """Milligrams equal to about 10 mg of oral diazepam, as (smaller, larger) where a range is given.

    ``None`` means that the source does not list the drug.
    """

    va_dod: tuple[Decimal, Decimal] | None = None
    ashton: tuple[Decimal, Decimal] | None = None
    nhs_scotland: tuple[Decimal, Decimal] | None = None

    @property
    def conservative(self) -> Decimal:
        """The smallest figure any source gives: the one that makes a dose count for most."""
        listed = (self.va_dod, self.ashton, self.nhs_scotland)
        return min(pair[0] for pair in listed if pair is not None)


@dataclass(frozen=True, slots=True)
class Substance:
    code: str
    name: str
    brands: tuple[str, ...]
    substance_class: SubstanceClass
    strengths_mg: tuple[Decimal, ...] = ()
    half_life: HalfLife = HalfLife.UNKNOWN
    equivalence: Equivalence | None = None

    @property
    def label(self) -> str:
        """Generic name with its first brand names, as an agent looks for it."""
        return f"{self.name} ({', '.join(self.brands)})" if self.brands else self.name


def _mg(*values: str) -> tuple[Decimal, ...]:
    return tuple(Decimal(value) for value in values)


def _pair(value: str) -> tuple[Decimal, Decimal]:
    low, _, high = value.partition("-")
    return Decimal(low), Decimal(high or low)


def _equals(va_dod: str, ashton: str) -> Equivalence:
    return Equivalence(va_dod=_pair(va_dod), ashton=_pair(ashton))


_BENZO = SubstanceClass.BENZODIAZEPINE
_Z = SubstanceClass.Z_DRUG
_BARB = SubstanceClass.BARBITURATE
_OPIOID = SubstanceClass.OPIOID
_STIM = SubstanceClass.STIMULANT
_SHORT, _LONG = HalfLife.SHORT, HalfLife.LONG

# Order is the order of the agent's list: what this line hears most comes first in each class.
# A drug without an equivalence in our sources keeps None on purpose: its dose counts as high.
_LISTED = (
    Substance("clonazepam", "Clonazepam", ("Klonopin", "Rivotril"), _BENZO,
              _mg("0.125", "0.25", "0.5", "1", "2"), _LONG, _equals("1", "0.5")),
    Substance("alprazolam", "Alprazolam", ("Xanax",), _BENZO,
              _mg("0.25", "0.5", "1", "2", "3"), _SHORT, _equals("1", "0.5")),
    Substance("lorazepam", "Lorazepam", ("Ativan",), _BENZO,
              _mg("0.5", "1", "2"), _SHORT, _equals("2", "1")),
    Substance("diazepam", "Diazepam", ("Valium",), _BENZO,
              _mg("2", "5", "10"), _LONG, _equals("10", "10")),
    Substance("chlordiazepoxide", "Chlordiazepoxide", ("Librium",), _BENZO,
              _mg("5", "10", "25"), _LONG, _equals("25", "25")),
    Substance("clorazepate", "Clorazepate", ("Tranxene",), _BENZO,
              _mg("3.75", "7.5", "15"), _LONG, _equals("15", "15")),
    Substance("estazolam", "Estazolam", ("ProSom",), _BENZO,
              _mg("1", "2"), _SHORT, _equals("1", "1-2")),
    Substance("flurazepam", "Flurazepam", ("Dalmane",), _BENZO,
              _mg("15", "30"), _LONG, _equals("15", "15-30")),
    Substance("oxazepam", "Oxazepam", ("Serax",), _BENZO,
              _mg("10", "15", "30"), _SHORT, _equals("30", "20")),
    Substance("quazepam", "Quazepam", ("Doral",), _BENZO,
              _mg("15"), _LONG, _equals("10", "20")),
    Substance("temazepam", "Temazepam", ("Restoril",), _BENZO,
              _mg("7.5", "15", "22.5", "30"), _SHORT, _equals("15", "20")),
    Substance("triazolam", "Triazolam", ("Halcion",), _BENZO,
              _mg("0.125", "0.25"), _SHORT, _equals("0.25", "0.5")),
    Substance("clobazam", "Clobazam", ("Onfi", "Sympazan"), _BENZO, _mg("10", "20"), _LONG),
    Substance("novel_benzodiazepine", "Novel benzodiazepine",
              ("bromazolam", "etizolam", "flualprazolam", "clonazolam"), _BENZO),
    Substance("other_benzodiazepine", "Another or unnamed benzodiazepine", (), _BENZO),
    Substance("zolpidem", "Zolpidem", ("Ambien", "Intermezzo"), _Z,
              _mg("5", "6.25", "10", "12.5"), _SHORT, Equivalence(nhs_scotland=_pair("20"))),
    Substance("zopiclone", "Zopiclone", ("Imovane",), _Z,
              _mg("3.75", "7.5"), _SHORT, Equivalence(nhs_scotland=_pair("15"))),
    Substance("eszopiclone", "Eszopiclone", ("Lunesta",), _Z, _mg("1", "2", "3"), _SHORT),
    Substance("zaleplon", "Zaleplon", ("Sonata",), _Z, _mg("5", "10"), _SHORT),
    Substance("phenobarbital", "Phenobarbital", ("Luminal",), _BARB,
              _mg("15", "16.2", "30", "32.4", "60", "64.8", "97.2", "100"), _LONG),
    Substance("butalbital", "Butalbital", ("Fioricet", "Fiorinal"), _BARB, _mg("50"), _LONG),
    Substance("other_barbiturate", "Another barbiturate", ("secobarbital", "primidone"), _BARB),
    Substance("ghb", "GHB, GBL or 1,4-butanediol", ("Xyrem",), SubstanceClass.GHB, (), _SHORT),
    Substance("alcohol", "Alcohol", (), SubstanceClass.ALCOHOL),
    Substance("heroin", "Heroin", (), _OPIOID, (), _SHORT),
    Substance("fentanyl", "Fentanyl", ("Duragesic",), _OPIOID),
    Substance("oxycodone", "Oxycodone", ("OxyContin", "Percocet", "Roxicodone"), _OPIOID,
              _mg("5", "10", "15", "20", "30"), _SHORT),
    Substance("hydrocodone", "Hydrocodone", ("Vicodin", "Norco"), _OPIOID,
              _mg("5", "7.5", "10"), _SHORT),
    Substance("morphine", "Morphine", ("MS Contin",), _OPIOID, _mg("15", "30", "60"), _SHORT),
    Substance("tramadol", "Tramadol", ("Ultram",), _OPIOID, _mg("50", "100"), _SHORT),
    Substance("methadone", "Methadone", ("Dolophine",), _OPIOID, _mg("5", "10"), _LONG),
    Substance("buprenorphine", "Buprenorphine", ("Suboxone", "Subutex", "Zubsolv", "Sublocade"),
              _OPIOID, _mg("2", "4", "8", "12"), _LONG),
    Substance("kratom", "Kratom or 7-OH", (), _OPIOID),
    Substance("other_opioid", "Another opioid", (), _OPIOID),
    Substance("gabapentin", "Gabapentin", ("Neurontin",), SubstanceClass.GABAPENTINOID,
              _mg("100", "300", "400", "600", "800"), _SHORT),
    Substance("pregabalin", "Pregabalin", ("Lyrica",), SubstanceClass.GABAPENTINOID,
              _mg("25", "50", "75", "100", "150", "200", "225", "300"), _SHORT),
    Substance("cocaine", "Cocaine or crack", (), _STIM, (), _SHORT),
    Substance("methamphetamine", "Methamphetamine", (), _STIM),
    Substance("prescription_stimulant", "Prescription stimulant",
              ("Adderall", "Ritalin", "Vyvanse"), _STIM),
    Substance("cannabis", "Cannabis", (), SubstanceClass.CANNABIS),
    Substance("other", "Something else", (), SubstanceClass.OTHER),
    Substance("unknown_pills", "Unknown or unlabeled pills", (), SubstanceClass.UNKNOWN),
)  # fmt: skip

SUBSTANCES: dict[str, Substance] = {substance.code: substance for substance in _LISTED}

# The upper limits of "low" and of "moderate", mg a day. Printed in Table 2; for these three drugs
# no single conversion reproduces the table, because it mixes the two conversion columns.
_PRINTED_LIMITS: dict[str, tuple[Decimal, Decimal]] = {
    "clonazepam": (Decimal("0.5"), Decimal("1.5")),
    "lorazepam": (Decimal("2"), Decimal("3")),
    "alprazolam": (Decimal("1"), Decimal("2")),
}
_DIAZEPAM_LIMITS = (Decimal("10"), Decimal("15"))


def find_substance(code: str) -> Substance:
    """The substance of that code; a code from a newer list counts as unknown pills."""
    return SUBSTANCES.get(code, SUBSTANCES["unknown_pills"])


def band_units(code: str, daily_mg: Decimal | None) -> Decimal | None:
    """The daily dose on Table 2's diazepam scale: low ends at 10, moderate at 15.

    For the three drugs with printed bands the scale is stretched so that their own limits fall on
    10 and 15; all others use the conservative equivalent. ``None`` when dose or equivalence is
    unknown. Sums of these units band several drugs taken together. Staff only.
    """
    substance = find_substance(code)
    if daily_mg is None:
        return None
    if code in _PRINTED_LIMITS:
        return _stretch(daily_mg, _PRINTED_LIMITS[code])
    if substance.equivalence is None:
        return None
    return daily_mg * 10 / substance.equivalence.conservative


def _stretch(daily_mg: Decimal, limits: tuple[Decimal, Decimal]) -> Decimal:
    low, moderate = limits
    if daily_mg <= low:
        return daily_mg * 10 / low
    if daily_mg <= moderate:
        return 10 + (daily_mg - low) * 5 / (moderate - low)
    return daily_mg * 15 / moderate


def band_of(units: Decimal | None) -> Band:
    """Low, moderate or high; an unknown dose is high (rule R12)."""
    low, moderate = _DIAZEPAM_LIMITS
    if units is None or units > moderate:
        return Band.HIGH
    return Band.LOW if units <= low else Band.MODERATE


def dose_band(code: str, daily_mg: Decimal | None) -> Band:
    """Table 2's band of a daily dose in mg; unknown dose or unlisted drug is high."""
    return band_of(band_units(code, daily_mg))


@dataclass(frozen=True, slots=True)
class StaffConversion:
    """Diazepam equivalents of one daily dose, each (smaller, larger) mg. Never shown to a caller."""

    substance: str
    daily_mg: Decimal
    va_dod: tuple[Decimal, Decimal] | None
    ashton: tuple[Decimal, Decimal] | None
    nhs_scotland: tuple[Decimal, Decimal] | None
    staff_only: bool = True


def diazepam_equivalents(code: str, daily_mg: Decimal) -> StaffConversion | None:
    """Both published conversions of a daily dose, for staff only; ``None`` if no source lists it.

    They differ by a factor of two for the commonest drugs, so both are always shown together.
    """
    equivalence = find_substance(code).equivalence
    if equivalence is None:
        return None

    def convert(pair: tuple[Decimal, Decimal] | None) -> tuple[Decimal, Decimal] | None:
        # The larger number of mg per 10 mg diazepam gives the smaller equivalent.
        return None if pair is None else (daily_mg * 10 / pair[1], daily_mg * 10 / pair[0])

    return StaffConversion(
        substance=code,
        daily_mg=daily_mg,
        va_dod=convert(equivalence.va_dod),
        ashton=convert(equivalence.ashton),
        nhs_scotland=convert(equivalence.nhs_scotland),
    )


def onset_note(code: str) -> str:
    """When withdrawal may begin, for staff (half-life as in general references)."""
    return {
        HalfLife.SHORT: "Short half-life: symptoms may begin within one to two days.",
        HalfLife.LONG: (
            "Long half-life: symptoms may be delayed by days to three weeks. Feeling fine some"
            " days after stopping is not reassurance."
        ),
        HalfLife.UNKNOWN: "Half-life unknown: symptoms may begin early or late.",
    }[find_substance(code).half_life]
