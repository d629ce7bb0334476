"""Drawings of the numbers: where each bar stands. Plain arithmetic; templates only print it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from django.utils import formats
from django.utils.translation import gettext as _

from intake.reports.callbacks import DUE, LATE, MISSED, OUTCOMES, CallbackReport
from intake.reports.calls import CallCount, CallReport
from intake.reports.figures import percent_text, rate
from intake.reports.funnel import STAGES, FunnelReport

HEIGHT, BASE, LEFT, TOP = 236, 204, 40, 12
# A week stands beside its table; more bars take the whole line.
NARROW, WIDE, FEW_BARS = 520, 760, 10
# From here on a gap between bars would be wider than the bars.
THIN = 62
SERVICE, NON_SERVICE = "series-1", "series-2"


@dataclass(frozen=True)
class Mark:
    """A bar, a grid line or a label; positions as text, since a template would localize 1.5."""

    x: str = ""
    y: str = ""
    width: str = ""
    height: str = ""
    css: str = ""
    title: str = ""
    label: str = ""


@dataclass(frozen=True)
class Bars:
    """Upright stacked bars, see _chart_bars.html."""

    description: str
    series: Sequence[dict[str, str]]
    lines: Sequence[Mark]
    bars: Sequence[Mark]
    ticks: Sequence[Mark]
    width: int
    svg_template: str = "admin/intake/_chart_bars.html"
    height: int = HEIGHT
    base: int = BASE
    left: int = LEFT


@dataclass(frozen=True)
class Stages:
    """Lying bars, each a share of the whole, see _chart_funnel.html."""

    stages: Sequence[dict[str, object]]
    svg_template: str = "admin/intake/_chart_funnel.html"
    series: Sequence[dict[str, str]] = field(default_factory=tuple)


def by_day(report: CallReport) -> Bars:
    """A bar a day, labeled as densely as there is room."""
    days = [day for day, _count in report.by_day]
    labels = [_day_label(day, days) for day in days]
    names = [formats.date_format(day, "D, M j") for day in days]
    return _stacked(names, labels, [count for _day, count in report.by_day])


def _day_label(day: date, days: Sequence[date]) -> str:
    """Weekdays in a week, days in a month, months beyond two of them."""
    if len(days) <= 7:
        return formats.date_format(day, "D j")
    if len(days) > THIN:
        return formats.date_format(day, "M") if day.day == 1 else ""
    if (day - days[0]).days % -(-len(days) // 16):
        return ""
    return formats.date_format(day, "M j" if day == days[0] or len(days) > 31 else "j")


def by_hour(report: CallReport) -> Bars:
    """Twenty-four bars, midnight on the left."""
    names = [f"{hour:02d}:00" for hour, _count in report.by_hour]
    labels = [name if hour % 3 == 0 else "" for hour, name in enumerate(names)]
    return _stacked(names, labels, [count for _hour, count in report.by_hour])


def _stacked(names: Sequence[str], labels: Sequence[str], counts: Sequence[CallCount]) -> Bars:
    top = _round_up(max((count.all for count in counts), default=0))
    width = NARROW if len(counts) <= FEW_BARS else WIDE
    step = (width - LEFT) / max(1, len(counts))
    gap = step * 0.24 if len(counts) <= THIN else 0.0
    css = "" if len(counts) <= THIN else " thin"

    def height(number: int) -> float:
        return number * (BASE - TOP) / top

    bars = []
    for place, (name, count) in enumerate(zip(names, counts, strict=True)):
        x, base = LEFT + place * step + gap / 2, float(BASE)
        for number, series, words in (
            (count.service, SERVICE, _("service calls")),
            (count.non_service, NON_SERVICE, _("not service calls")),
        ):
            if number:
                base -= height(number)
                bars.append(
                    Mark(
                        x=_text(x),
                        y=_text(base),
                        width=_text(step - gap),
                        height=_text(height(number)),
                        css=series + css,
                        title=f"{name}: {number} {words}",
                    )
                )
    return Bars(
        description=_describe(names, counts),
        series=[
            {"name": _("Service calls"), "css": SERVICE},
            {"name": _("Not service calls"), "css": NON_SERVICE},
        ],
        lines=[Mark(y=_text(BASE - height(value)), label=f"{value:,}") for value in _grid(top)],
        bars=bars,
        ticks=[
            Mark(x=_text(LEFT + (place + 0.5) * step), label=label)
            for place, label in enumerate(labels)
            if label
        ],
        width=width,
    )


def _describe(names: Sequence[str], counts: Sequence[CallCount]) -> str:
    """What there is to see, for those who do not see it."""
    total = sum(count.all for count in counts)
    if not total:
        return _("No calls.")
    most = max(range(len(counts)), key=lambda place: counts[place].all)
    least = min(range(len(counts)), key=lambda place: counts[place].all)
    return _(
        "%(total)s calls. Most: %(most)s at %(busiest)s; fewest: %(least)s at %(quietest)s."
    ) % {
        "total": f"{total:,}",
        "most": f"{counts[most].all:,}",
        "busiest": names[most],
        "least": f"{counts[least].all:,}",
        "quietest": names[least],
    }


def _round_up(number: int) -> int:
    """The next of 4, 8, 20, 40, 80, 200, …: four grid lines at whole numbers."""
    factor = 1
    while number > 20 * factor:
        factor *= 10
    return next(top for top in (4 * factor, 8 * factor, 20 * factor) if number <= top)


def _grid(top: int) -> list[int]:
    return [top * quarter // 4 for quarter in (1, 2, 3, 4)]


def _text(position: float) -> str:
    return f"{position:.2f}".rstrip("0").rstrip(".")


def promises(report: CallbackReport) -> Stages:
    """Kept, late and missed, each a share of all that were due."""
    due = sum(report.count(outcome) for outcome in DUE)
    return Stages(
        [
            _stage(
                str(OUTCOMES[outcome]),
                report.count(outcome),
                due,
                css={LATE: "series-3", MISSED: "series-late"}.get(outcome, "series-1"),
            )
            for outcome in DUE
        ]
    )


def funnel(report: FunnelReport) -> Stages:
    """Each stage, a share of all persons in need."""
    return Stages(
        [_stage(str(STAGES[stage]), number, report.persons) for stage, number in report.stages]
    )


def _stage(label: str, number: int, whole: int, css: str = "series-1") -> dict[str, object]:
    share = rate(number, whole)
    return {
        "label": label,
        "value": f"{number:,}",
        "share": "" if share is None else percent_text(share),
        "percent": 0.0 if share is None else float(share),
        "css": css,
    }
