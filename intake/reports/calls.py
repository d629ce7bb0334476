"""Calls by day, by hour, and by how they ended."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.utils.translation import gettext as _

from intake.models import Call
from intake.reports.clock import local_hour, percentiles
from intake.reports.figures import Figure, RowsBehind, Table, Unit
from intake.reports.period import Period

IS_SERVICE = ~Q(call_type__in=Call.NON_SERVICE)
SERVICE_ENDINGS = [code for code in Call.Disposition.values if code != "non_service"]
EPOCH_DAY = date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class CallCount:
    """Calls for help, and calls that were none."""

    service: int = 0
    non_service: int = 0

    @property
    def all(self) -> int:
        return self.service + self.non_service


@dataclass(frozen=True)
class CallReport:
    """Every call begun in the period, by the wall clock of the staff."""

    by_day: Sequence[tuple[date, CallCount]]
    by_hour: Sequence[tuple[int, CallCount]]
    by_disposition: Sequence[tuple[str, int]]
    by_type: Sequence[tuple[str, int]]
    figures: Sequence[Figure]


def begun_in(period: Period) -> QuerySet[Call]:
    return Call.objects.filter(started_at__gte=period.start, started_at__lt=period.end)


def service_calls(period: Period) -> QuerySet[Call]:
    return begun_in(period).filter(IS_SERVICE)


def non_service_calls(period: Period) -> QuerySet[Call]:
    return begun_in(period).exclude(IS_SERVICE)


def read(period: Period) -> CallReport:
    """Count the calls of ``period``. Figures still grow while its sheets are open."""
    by_day, by_hour = _by_the_clock(period)
    by_disposition, by_type = _by_end(period)
    return CallReport(
        by_day=by_day,
        by_hour=by_hour,
        by_disposition=by_disposition,
        by_type=by_type,
        figures=[*_figures([count for _day, count in by_day]), *_wrap_up(period)],
    )


def _figures(counts: Sequence[CallCount]) -> list[Figure]:
    service = sum(count.service for count in counts)
    others = sum(count.non_service for count in counts)
    clock = _("The moment the call began, by the clock of the staff.")
    return [
        Figure(
            code="service_calls",
            name=_("Service calls"),
            unit=Unit.COUNT,
            value=service,
            numerator=service,
            denominator=None,
            formula=_("Calls in which somebody wanted help or information."),
            exclusions=_("Wrong numbers, silent, abusive and test calls, and hang-ups."),
            clock=clock,
            rows=[RowsBehind("service_calls", _("These calls"))],
        ),
        Figure(
            code="non_service_calls",
            name=_("Not service calls"),
            unit=Unit.COUNT,
            value=others,
            numerator=others,
            denominator=None,
            formula=_("Wrong numbers, silent, abusive and test calls, and hang-ups."),
            exclusions=_("They are counted here and in no rate."),
            clock=clock,
            rows=[RowsBehind("non_service_calls", _("These calls"))],
        ),
    ]


def wrap_up_timed(period: Period) -> QuerySet[Call]:
    """Closed service calls whose end somebody marked; nothing entered from paper."""
    return service_calls(period).filter(wrap_up_seconds__isnull=False)


def _wrap_up(period: Period) -> list[Figure]:
    closed = service_calls(period).filter(status=Call.Status.CLOSED)
    counted = closed.aggregate(number=Count("*"), timed=Count("wrap_up_seconds"))
    number, timed = counted["number"], counted["timed"]
    taken: dict[str, Any] = {
        "unit": Unit.SECONDS,
        "numerator": timed,
        "denominator": number,
        "exclusions": _(
            "Open calls. Calls whose end nobody marked, and calls entered from paper: %(number)d."
        )
        % {"number": number - timed},
        "clock": _("From the marked end of the talk to the closing of the sheet."),
        "rows": [RowsBehind("wrap_up_timed", _("Calls timed"))],
    }
    seconds = F("wrap_up_seconds")
    median, p90 = percentiles(wrap_up_timed(period), seconds, timed, (50, 90))
    return [
        Figure(
            code="wrap_up_median",
            name=_("Wrap-up time, median"),
            value=median,
            formula=_("The time within which half of the calls were written up and closed."),
            **taken,
        ),
        Figure(
            code="wrap_up_p90",
            name=_("Wrap-up time, 9 in 10"),
            value=p90,
            formula=_("The time within which 9 in 10 of the calls were written up and closed."),
            **taken,
        ),
    ]


def _by_the_clock(
    period: Period,
) -> tuple[list[tuple[date, CallCount]], list[tuple[int, CallCount]]]:
    """One pass over the index on ``started_at``; an hour without calls still gets its row."""
    counted = (
        begun_in(period)
        .order_by()
        .annotate(local_hour=local_hour("started_at", period))
        .values_list("local_hour")
        .annotate(service=Count("started_at", filter=IS_SERVICE), every=Count("*"))
    )
    days: dict[int, Counter[bool]] = {}
    hours: dict[int, Counter[bool]] = {}
    for local, service, every in counted:
        tally = Counter({True: service, False: every - service})
        days.setdefault(EPOCH_DAY + local // 24, Counter()).update(tally)
        hours.setdefault(local % 24, Counter()).update(tally)
    return (
        [(day, _count(days.get(day.toordinal()))) for day in period.days],
        [(hour, _count(hours.get(hour))) for hour in range(24)],
    )


def _count(tally: Counter[bool] | None) -> CallCount:
    return CallCount(tally[True], tally[False]) if tally else CallCount()


def _by_end(period: Period) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """Service calls by disposition ("" is still open), the others by their kind."""
    dispositions: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    counted = begun_in(period).order_by().values_list("call_type", "disposition")
    for kind, disposition, number in counted.annotate(number=Count("*")):
        if kind in Call.NON_SERVICE:
            kinds[kind] += number
        else:
            dispositions[disposition] += number
    return (
        [(code, dispositions[code]) for code in [*SERVICE_ENDINGS, ""]],
        [(code, kinds[code]) for code in Call.NON_SERVICE],
    )


TABLES = ("calls-by-day", "calls-by-hour", "dispositions", "not-service-calls")


def tables(report: CallReport) -> list[Table]:
    """The report as rows, for the page and for the files."""
    counted = ["service_calls", "non_service_calls", "calls"]
    headers = [_("Service calls"), _("Not service calls"), _("All")]
    return [
        Table(
            code="calls-by-day",
            title=_("Calls by day"),
            note=_("Calls by the day on which they began."),
            columns=["day", *counted],
            headers=[_("Day"), *headers],
            rows=[
                (day, count.service, count.non_service, count.all) for day, count in report.by_day
            ],
        ),
        Table(
            code="calls-by-hour",
            title=_("Calls by hour of the day"),
            note=_(
                "Calls by the hour in which they began, all days together. On the day the clock"
                " goes forward one hour is missing; when it goes back, one hour comes twice."
            ),
            columns=["hour", *counted],
            headers=[_("Hour"), *headers],
            rows=[
                (f"{hour:02d}:00", count.service, count.non_service, count.all)
                for hour, count in report.by_hour
            ],
        ),
        Table(
            code="dispositions",
            title=_("How service calls ended"),
            note=_("Service calls of the period by their disposition now."),
            columns=["disposition", "service_calls"],
            headers=[_("Disposition"), _("Service calls")],
            rows=[(_disposition(code), number) for code, number in report.by_disposition],
        ),
        Table(
            code="not-service-calls",
            title=_("Calls that were not service calls"),
            note=_("Counted here and in no rate."),
            columns=["call_type", "calls"],
            headers=[_("Kind"), _("Calls")],
            rows=[(str(Call.CallType(code).label), number) for code, number in report.by_type],
        ),
    ]


def _disposition(code: str) -> str:
    return str(Call.Disposition(code).label) if code else _("Still open")
