"""A figure never stands alone: what was divided by what, who is left out, which clock ran."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

Text = str | Promise
# One cell of a table: a word, a count, a rate, a day, or nothing to tell.
Cell = str | int | Decimal | date | None

NOTHING = "\N{EN DASH}"
# Below this a single case moves a rate by more than three points.
FEW = 30


class Unit(StrEnum):
    COUNT = "count"
    PERCENT = "percent"
    RATIO = "ratio"
    SECONDS = "seconds"


@dataclass(frozen=True)
class RowsBehind:
    """Leads to the records a number counts; ``code`` is a key of ``reports.rows.BEHIND``."""

    code: str
    label: Text


@dataclass(frozen=True)
class Figure:
    """One number of a report and everything needed to check it by hand.

    ``value`` is None where there is nothing to divide by: that is not the same as zero. For a
    time, ``numerator`` counts the cases timed and ``denominator`` all that should have been.
    """

    code: str
    name: Text
    unit: Unit
    value: Decimal | int | None
    numerator: int | None
    denominator: int | None
    formula: Text
    exclusions: Text
    clock: Text
    rows: Sequence[RowsBehind] = ()

    COLUMNS: ClassVar[tuple[str, ...]] = (
        "figure",
        "unit",
        "value",
        "numerator",
        "denominator",
        "formula",
        "exclusions",
        "clock",
    )

    def row(self) -> tuple[Cell, ...]:
        """The figure with all it rests on, for a file; the value to six places."""
        value = self.value
        if isinstance(value, Decimal):
            value = value.quantize(Decimal("0.000001"), ROUND_HALF_UP)
        return (
            str(self.name),
            self.unit.value,
            value,
            self.numerator,
            self.denominator,
            str(self.formula),
            str(self.exclusions),
            str(self.clock),
        )

    @property
    def shown(self) -> str:
        """The value as staff read it; a dash where there is none."""
        if self.value is None:
            return NOTHING
        if self.unit is Unit.PERCENT:
            return percent_text(Decimal(self.value))
        if self.unit is Unit.RATIO:
            return str(Decimal(self.value).quantize(Decimal("0.1"), ROUND_HALF_UP))
        if self.unit is Unit.SECONDS:
            return duration_text(int(self.value))
        return f"{self.value:,}"

    @property
    def cases(self) -> str:
        """What was divided by what: "41 of 52", "14 ÷ 3", "9 of 11 timed"."""
        if self.denominator is None or self.numerator is None:
            return ""
        words = {
            Unit.RATIO: _("%(part)s ÷ %(whole)s"),
            Unit.SECONDS: _("%(part)s of %(whole)s timed"),
        }.get(self.unit, _("%(part)s of %(whole)s"))
        return words % {"part": f"{self.numerator:,}", "whole": f"{self.denominator:,}"}

    @property
    def is_of_few(self) -> bool:
        """So few cases that one more or less would change the picture."""
        return self.unit is not Unit.COUNT and 0 < (self.denominator or 0) < FEW


@dataclass(frozen=True)
class Table:
    """Rows as shown on the page and, unchanged, in the CSV file."""

    code: str
    title: Text
    note: Text
    # For the audit: what a file of it held, in any language.
    columns: Sequence[str]
    headers: Sequence[Text]
    rows: Sequence[Sequence[Cell]]


def rate(numerator: int, denominator: int) -> Decimal | None:
    """Percent, exact; None when there was nothing to count."""
    return Decimal(numerator) * 100 / Decimal(denominator) if denominator else None


def ratio(numerator: int, denominator: int) -> Decimal | None:
    """One count by another, exact; None when there was nothing to count."""
    return Decimal(numerator) / Decimal(denominator) if denominator else None


def percent_text(value: Decimal) -> str:
    """One decimal; never rounded up to "all" or down to "none" when it is neither."""
    if 0 < value < Decimal("0.05"):
        return "<0.1%"
    if Decimal("99.95") <= value < 100:
        return ">99.9%"
    return f"{_round(value)}%"


def _round(value: Decimal) -> Decimal:
    rounded = value.quantize(Decimal("0.1"), ROUND_HALF_UP)
    return rounded.quantize(Decimal(1)) if rounded == rounded.to_integral() else rounded


def duration_text(seconds: int) -> str:
    """ "45 s", "12 min", "3 h 05 min", "2 days 4 h": whole units, the rest cut off."""
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 60:
        return _("%(n)d s") % {"n": seconds}
    if minutes < 10:
        return _("%(n)d min %(s)02d s") % {"n": minutes, "s": seconds % 60}
    if hours < 1:
        return _("%(n)d min") % {"n": minutes}
    if days < 1:
        return _("%(n)d h %(m)02d min") % {"n": hours, "m": minutes % 60}
    return ngettext("%(n)d day %(h)d h", "%(n)d days %(h)d h", days) % {
        "n": days,
        "h": hours % 24,
    }
