"""Table 2: the risk of clinically significant benzodiazepine withdrawal.

Source: ASAM/Joint Clinical Practice Guideline on Benzodiazepine Tapering 2025, Table 2. The table
is clinical consensus and does not replace judgment. What is unknown is taken at its worst.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from intake.rules.answers import Answer, Exposure, Source
from intake.rules.substances import (
    Band,
    SubstanceClass,
    band_of,
    band_units,
    diazepam_equivalents,
)

# The table speaks of months. The shorter reading makes the risk begin earlier, never later, and
# makes one month meet the four weeks after which a nightly z-drug counts as a benzodiazepine.
ONE_MONTH_WEEKS = Decimal(4)
THREE_MONTHS_WEEKS = Decimal(12)
Z_DRUG_WEEKS = Decimal(4)
REGULAR_DAYS = 4
FAST_CUT_PERCENT = Decimal(25)
# Two missed days of a drug taken regularly are a stop, whatever it is called. Design choice.
STOPPED_AFTER_HOURS = Decimal(48)

SEDATIVES = frozenset(
    {
        SubstanceClass.BENZODIAZEPINE,
        SubstanceClass.Z_DRUG,
        SubstanceClass.BARBITURATE,
        SubstanceClass.GHB,
        SubstanceClass.UNKNOWN,
    }
)


class WithdrawalRisk(StrEnum):
    """The right-hand column of Table 2."""

    RARE = "rare"
    LOWER_BUT_POSSIBLE = "lower_but_possible"
    YES = "yes"

    @property
    def label(self) -> str:
        return {
            WithdrawalRisk.RARE: "Rare, but possible",
            WithdrawalRisk.LOWER_BUT_POSSIBLE: "Lower, but possible",
            WithdrawalRisk.YES: "Yes, rising with dose and time",
        }[self]


def table_2(weeks: Decimal | None, days_per_week: int | None, band: Band) -> WithdrawalRisk:
    """The row of Table 2; an unknown duration or frequency is read as the longest or the most."""
    if days_per_week is not None and days_per_week < REGULAR_DAYS:
        return WithdrawalRisk.RARE
    if weeks is not None and weeks < ONE_MONTH_WEEKS:
        return WithdrawalRisk.LOWER_BUT_POSSIBLE
    if weeks is not None and weeks < THREE_MONTHS_WEEKS and band is Band.LOW:
        return WithdrawalRisk.LOWER_BUT_POSSIBLE
    return WithdrawalRisk.YES


def is_regular(exposure: Exposure) -> bool:
    """On four or more days a week, or not known to be fewer."""
    return exposure.days_per_week is None or exposure.days_per_week >= REGULAR_DAYS


def is_sedative(exposure: Exposure) -> bool:
    """A class whose withdrawal or mixing can stop the breath; unlabeled pills count as one."""
    return exposure.substance_class in SEDATIVES


def is_benzodiazepine_type(exposure: Exposure) -> bool:
    """A benzodiazepine, unlabeled pills, or a z-drug taken regularly for four weeks or more."""
    if exposure.substance_class is SubstanceClass.Z_DRUG:
        long_enough = exposure.weeks_of_use is None or exposure.weeks_of_use >= Z_DRUG_WEEKS
        return long_enough and is_regular(exposure)
    return exposure.substance_class in {SubstanceClass.BENZODIAZEPINE, SubstanceClass.UNKNOWN}


def outside_prescription(exposure: Exposure) -> bool:
    """More than prescribed, not from a prescription of one's own, or unlabeled pills (R12)."""
    return (
        exposure.above_prescribed.is_yes
        or exposure.source in {Source.STREET, Source.OTHER}
        or exposure.substance_class is SubstanceClass.UNKNOWN
    )


def stopped_or_cut_fast(exposure: Exposure) -> Answer:
    """Stopped already, or cut by more than 25 % in two weeks (guideline recommendations 4-10).

    A last use 48 h or more ago counts as stopped unless the caller denied an abrupt stop.
    """
    if exposure.stopped_abruptly.is_yes:
        return Answer.YES
    cut = exposure.recent_cut_percent
    if cut is not None and cut > FAST_CUT_PERCENT:
        return Answer.YES
    if exposure.stopped_abruptly.is_no:
        return Answer.UNKNOWN if cut is None else Answer.NO
    last_used = exposure.last_used_hours_ago
    if last_used is not None and last_used >= STOPPED_AFTER_HOURS:
        return Answer.YES
    return Answer.UNKNOWN


@dataclass(frozen=True, slots=True)
class ExposureRisk:
    """How the exposures fell into Table 2, with the sum shown. Staff only."""

    substances: tuple[str, ...]
    weeks_of_use: Decimal | None
    days_per_week: int | None
    units: Decimal | None
    band: Band
    counted_as_high_because: tuple[str, ...]
    risk: WithdrawalRisk


def benzodiazepine_risk(
    exposures: Iterable[Exposure], *, beyond_prescription: bool = False
) -> ExposureRisk | None:
    """Table 2 over all benzodiazepine-type exposures together; ``None`` when there is none.

    Doses are summed on Table 2's own scale, days added up to seven, the longest duration taken:
    two drugs on alternating days are one habit. ``beyond_prescription``: the person says that
    they take more than prescribed, or run out early, of whichever it is.
    """
    counted = [exposure for exposure in exposures if is_benzodiazepine_type(exposure)]
    if not counted:
        return None
    weeks = _worst([exposure.weeks_of_use for exposure in counted])
    days = [exposure.days_per_week for exposure in counted if exposure.days_per_week is not None]
    days_per_week = min(7, sum(days)) if len(days) == len(counted) else None
    each = [band_units(exposure.substance, exposure.daily_mg) for exposure in counted]
    known = [units for units in each if units is not None]
    units = sum(known, Decimal(0)) if len(known) == len(each) else None
    reasons = _high_reasons(counted, beyond_prescription=beyond_prescription)
    band = Band.HIGH if reasons else band_of(units)
    return ExposureRisk(
        substances=tuple(exposure.substance for exposure in counted),
        weeks_of_use=weeks,
        days_per_week=days_per_week,
        units=units,
        band=band,
        counted_as_high_because=reasons,
        risk=table_2(weeks, days_per_week, band),
    )


@dataclass(frozen=True, slots=True)
class StaffTotal:
    """Diazepam equivalents of a day on which all of it is taken, by each table, (smaller, larger).

    ``left_out``: codes of which the dose or the equivalent is not known. Staff only, no taper.
    """

    va_dod: tuple[Decimal, Decimal]
    ashton: tuple[Decimal, Decimal]
    left_out: tuple[str, ...]


def diazepam_total(exposures: Iterable[Exposure]) -> StaffTotal:
    """Both published conversions summed over the benzodiazepine-type exposures, for staff only."""
    va_dod, ashton = [], []
    left_out = []
    for exposure in exposures:
        if not is_benzodiazepine_type(exposure):
            continue
        daily = exposure.daily_mg
        found = None if daily is None else diazepam_equivalents(exposure.substance, daily)
        if found is None or found.va_dod is None or found.ashton is None:
            left_out.append(exposure.substance)
        else:
            va_dod.append(found.va_dod)
            ashton.append(found.ashton)
    return StaffTotal(_summed(va_dod), _summed(ashton), tuple(left_out))


def _summed(pairs: list[tuple[Decimal, Decimal]]) -> tuple[Decimal, Decimal]:
    nothing = Decimal(0)
    return sum((low for low, _ in pairs), nothing), sum((high for _, high in pairs), nothing)


def _worst(values: list[Decimal | None]) -> Decimal | None:
    """The largest, or unknown if any is."""
    known = [value for value in values if value is not None]
    return max(known) if len(known) == len(values) else None


def _high_reasons(counted: list[Exposure], *, beyond_prescription: bool) -> tuple[str, ...]:
    reasons = []
    if any(exposure.daily_mg is None for exposure in counted):
        reasons.append("daily dose unknown")
    if any(
        exposure.daily_mg is not None and band_units(exposure.substance, exposure.daily_mg) is None
        for exposure in counted
    ):
        reasons.append("no published equivalent for the drug")
    if beyond_prescription or any(exposure.above_prescribed.is_yes for exposure in counted):
        reasons.append("more than prescribed")
    if any(exposure.source in {Source.STREET, Source.OTHER} for exposure in counted):
        reasons.append("not from a prescription of their own")
    if any(exposure.substance_class is SubstanceClass.UNKNOWN for exposure in counted):
        reasons.append("unlabeled pills")
    return tuple(reasons)
