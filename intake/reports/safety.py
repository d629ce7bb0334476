"""Whether safety came first: screens done, done before money, and red flags acted upon."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, F, Min, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from intake.models import Call, SafetyScreen
from intake.reports.calls import service_calls
from intake.reports.clock import nearest_rank
from intake.reports.figures import Figure, RowsBehind, Unit, rate
from intake.reports.period import Period

EMERGENCY = SafetyScreen.Level.EMERGENCY
COMPLETE_SCREEN = SafetyScreen.objects.filter(
    call=OuterRef("pk"), is_current=True, is_skipped=False
)
SKIPPED_SCREEN = SafetyScreen.objects.filter(call=OuterRef("pk"), is_current=True, is_skipped=True)
RED_FLAG = SafetyScreen.objects.filter(
    Q(level=EMERGENCY) | Q(override_level=EMERGENCY), call=OuterRef("pk")
)


def screened(period: Period) -> QuerySet[Call]:
    return service_calls(period).filter(Exists(COMPLETE_SCREEN))


def unscreened(period: Period) -> QuerySet[Call]:
    return service_calls(period).exclude(Exists(COMPLETE_SCREEN))


def skipped(period: Period) -> QuerySet[Call]:
    return service_calls(period).filter(Exists(SKIPPED_SCREEN))


def _checked(period: Period) -> QuerySet[Any, Any]:
    """Service calls with an insurance check: when first asked for, when first screened."""
    return (
        service_calls(period)
        .filter(insurance_checks__isnull=False)
        .order_by()
        .values("pk")
        .annotate(
            first_check_at=Min("insurance_checks__requested_at"),
            first_screen_at=Min("screens__screened_at", filter=Q(screens__is_skipped=False)),
        )
    )


IN_TIME = Q(first_screen_at__lte=F("first_check_at"))
TOO_LATE = Q(first_screen_at=None) | Q(first_screen_at__gt=F("first_check_at"))


def safety_came_first(period: Period) -> QuerySet[Call]:
    return Call.objects.filter(pk__in=_checked(period).filter(IN_TIME).values("pk"))


def money_came_first(period: Period) -> QuerySet[Call]:
    return Call.objects.filter(pk__in=_checked(period).filter(TOO_LATE).values("pk"))


def figures(period: Period) -> list[Figure]:
    """The safety figures of the calls begun in ``period``, as things stand now."""
    return [*_screen_figures(period), _safety_first(period), *_red_flag_figures(period)]


def _screen_figures(period: Period) -> list[Figure]:
    # One pass: a call has at most one current screen, so counting screens counts calls.
    counted = service_calls(period).aggregate(
        done=Count("screens", filter=Q(screens__is_current=True, screens__is_skipped=False)),
        left_out=Count("screens", filter=Q(screens__is_current=True, screens__is_skipped=True)),
    )
    number, done, left_out = service_calls(period).count(), counted["done"], counted["left_out"]
    shared: dict[str, Any] = {
        "denominator": number,
        "exclusions": _(
            "Wrong numbers, silent, abusive and test calls and hang-ups. Sheets still open are"
            " counted, so the figure can still rise."
        ),
        "clock": _("The day the call began; the screen as it stands now."),
    }
    return [
        Figure(
            code="screen_rate",
            name=_("Safety-screen rate"),
            unit=Unit.PERCENT,
            value=rate(done, number),
            numerator=done,
            formula=_("Service calls with the safety screen complete ÷ all service calls."),
            rows=[
                RowsBehind("screened", _("Calls with a screen")),
                RowsBehind("unscreened", _("Calls without")),
            ],
            **shared,
        ),
        Figure(
            code="skip_rate",
            name=_("Screens skipped"),
            unit=Unit.PERCENT,
            value=rate(left_out, number),
            numerator=left_out,
            formula=_("Service calls whose screen was skipped with a reason ÷ all service calls."),
            rows=[RowsBehind("skipped", _("Calls with a skipped screen"))],
            **shared,
        ),
    ]


def _safety_first(period: Period) -> Figure:
    counted = _checked(period).aggregate(number=Count("*"), first=Count("pk", filter=IN_TIME))
    number, first = counted["number"], counted["first"]
    return Figure(
        code="safety_first_rate",
        name=_("Safety-first rate"),
        unit=Unit.PERCENT,
        value=rate(first, number),
        numerator=first,
        denominator=number,
        formula=_(
            "Service calls with a screen answered no later than their first insurance check"
            " ÷ service calls with an insurance check."
        ),
        exclusions=_("Calls without an insurance check. A skipped screen is not an answered one."),
        clock=_("The first answered screen against the first request of a check on that call."),
        rows=[
            RowsBehind("safety_first", _("Safety came first")),
            RowsBehind("money_first", _("Safety did not")),
        ],
    )


# --- Red flags -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class RedFlag:
    """The first emergency found on one call, and how long until something was done about it."""

    call_id: UUID
    found_at: datetime
    acted_at: datetime | None

    @property
    def seconds(self) -> int | None:
        return int((self.acted_at - self.found_at).total_seconds()) if self.acted_at else None


def red_flags(period: Period) -> list[RedFlag]:
    """One for each service call of the period on which an emergency was found.

    An action counts from the flag on: what was done about a lesser finding before it does not
    answer it.
    """
    screens = (
        SafetyScreen.objects.filter(
            Q(level=EMERGENCY) | Q(override_level=EMERGENCY),
            call__started_at__gte=period.start,
            call__started_at__lt=period.end,
        )
        .exclude(call__call_type__in=Call.NON_SERVICE)
        .order_by("call_id", "screened_at", "pk")
        .values_list("call_id", "level", "screened_at", "overridden_at", "acted_at")
    )
    found: dict[UUID, list[datetime]] = {}
    acted: dict[UUID, list[datetime]] = {}
    for call_id, level, screened_at, overridden_at, acted_at in screens:
        found.setdefault(call_id, []).append(
            screened_at if level == EMERGENCY or overridden_at is None else overridden_at
        )
        if acted_at:
            acted.setdefault(call_id, []).append(acted_at)
    return [_red_flag(call_id, min(at), acted.get(call_id, ())) for call_id, at in found.items()]


def _red_flag(call_id: UUID, found_at: datetime, acted: Iterable[datetime]) -> RedFlag:
    return RedFlag(call_id, found_at, min((at for at in acted if at >= found_at), default=None))


def with_red_flag(period: Period) -> QuerySet[Call]:
    return service_calls(period).filter(Exists(RED_FLAG))


def red_flag_without_action(period: Period) -> QuerySet[Call]:
    # A call cannot be closed before the action, so these are few.
    waiting = [flag.call_id for flag in red_flags(period) if flag.acted_at is None]
    return Call.objects.filter(pk__in=waiting)


def _red_flag_figures(period: Period) -> list[Figure]:
    flags = red_flags(period)
    times = sorted(flag.seconds for flag in flags if flag.seconds is not None)
    return [
        _red_flag_figure("red_flag_median", _("Red flag to action, median"), 50, times, flags),
        _red_flag_figure("red_flag_p90", _("Red flag to action, 9 in 10"), 90, times, flags),
    ]


def _red_flag_figure(
    code: str, name: str, percent: int, times: Sequence[int], flags: Sequence[RedFlag]
) -> Figure:
    return Figure(
        code=code,
        name=name,
        unit=Unit.SECONDS,
        value=Decimal(times[nearest_rank(len(times), percent)]) if times else None,
        numerator=len(times),
        denominator=len(flags),
        formula=_(
            "The time within which %(percent)d%% of the calls with a red flag had an action"
            " recorded (nearest rank, so a time that really occurred)."
        )
        % {"percent": percent},
        exclusions=_(
            "Calls with no action recorded after the flag: %(number)d, among them flags that a"
            " corrected screen or a supervisor set aside."
        )
        % {"number": len(flags) - len(times)},
        clock=_("From the first screen that found an emergency to the first action after it."),
        rows=[
            RowsBehind("red_flags", _("Calls with a red flag")),
            RowsBehind("red_flags_open", _("No action recorded")),
        ],
    )
