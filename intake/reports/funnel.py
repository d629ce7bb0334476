"""From the call to arrival: persons in need, counted once, followed for fourteen days.

A cohort, not a division of this month's arrivals by this month's calls: who belongs is fixed by
the day of a person's first call, and each person has the same fourteen days afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, F, Min, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from intake.models import Call
from intake.reports.calls import IS_SERVICE, service_calls
from intake.reports.clock import Epoch
from intake.reports.figures import Figure, RowsBehind, Table, Unit, percent_text, rate
from intake.reports.period import Period

HORIZON = timedelta(days=14)

CALLED, CHECKED, REFERRED, ARRIVED = "called", "checked", "referred", "arrived"
STAGES = {
    CALLED: gettext_lazy("Call"),
    CHECKED: gettext_lazy("Insurance check"),
    REFERRED: gettext_lazy("Referral"),
    ARRIVED: gettext_lazy("Arrived"),
}


@dataclass(frozen=True)
class FunnelReport:
    """How many persons got how far. The stages after the first are each out of all persons."""

    stages: Sequence[tuple[str, int]]
    # Persons whose fourteen days are not over at ``now``: the later stages can still grow.
    still_followed: int
    # Service calls that name nobody in need, which no count of persons can hold.
    calls_without_person: int
    figures: Sequence[Figure]

    @property
    def persons(self) -> int:
        return dict(self.stages)[CALLED]


def first_calls(period: Period) -> QuerySet[Call]:
    """The first service call about each person in need, ever, where it began in ``period``.

    One call a person, so that counting the calls counts the persons; somebody who called before
    the period is not in it.
    """
    about_same_person = Call.objects.filter(IS_SERVICE, person_in_need=OuterRef("person_in_need"))
    earlier = about_same_person.filter(
        Q(started_at__lt=OuterRef("started_at"))
        | Q(started_at=OuterRef("started_at"), pk__lt=OuterRef("pk"))
    )
    return service_calls(period).exclude(person_in_need=None).exclude(Exists(earlier))


def _followed(period: Period) -> QuerySet[Any, Any]:
    """Each of them once, with the seconds by which a stage had to be and was first reached.

    Joined and grouped, not asked for each person by itself: over a year of calls that is four
    times as fast on PostgreSQL.
    """
    calls = "person_in_need__calls_about__"
    return (
        first_calls(period)
        .order_by()
        .values("pk", "started_at")
        .annotate(
            last=Epoch("started_at") + int(HORIZON.total_seconds()),
            checked_at=Epoch(Min(f"{calls}insurance_checks__requested_at")),
            referred_at=Epoch(Min(f"{calls}referrals__offers__sent_at")),
            arrived_at=Epoch(Min(f"{calls}referrals__offers__arrived_at")),
        )
    )


def _in_time(stage: str) -> Q:
    return Q(**{f"{stage}_at__lte": F("last")})


def reaching(stage: str, period: Period) -> QuerySet[Call]:
    """The first calls of those who reached ``stage`` in time."""
    if stage == CALLED:
        return first_calls(period)
    return Call.objects.filter(pk__in=_followed(period).filter(_in_time(stage)).values("pk"))


def read(period: Period, *, now: datetime) -> FunnelReport:
    """Follow everybody whose first call began in ``period``, as known at ``now`` (UTC)."""
    counted = _followed(period).aggregate(
        **{CALLED: Count("*")},
        **{
            stage: Count("started_at", filter=_in_time(stage))
            for stage in (CHECKED, REFERRED, ARRIVED)
        },
        still_followed=Count("started_at", filter=Q(started_at__gt=now - HORIZON)),
    )
    still_followed = counted.pop("still_followed")
    stages = [(stage, counted[stage]) for stage in STAGES]
    nobody = service_calls(period).filter(person_in_need=None).count()
    return FunnelReport(
        stages=stages,
        still_followed=still_followed,
        calls_without_person=nobody,
        figures=_figures(dict(stages), still_followed, nobody),
    )


def _figures(counts: dict[str, int], still_followed: int, nobody: int) -> list[Figure]:
    persons = counts[CALLED]
    exclusions = _(
        "Wrong numbers, silent, abusive and test calls and hang-ups; %(nobody)d service calls that"
        " name nobody in need; persons who had called before. Somebody recorded twice counts twice."
    ) % {"nobody": nobody}
    clock = _(
        "The day of the person's first call decides who is counted; what happened within 14 days"
        " (336 hours) of it counts. For %(number)d persons these days are not over yet."
    ) % {"number": still_followed}
    words = {
        CHECKED: (
            _("Call to insurance check"),
            _("Persons with an insurance check asked for ÷ persons in need with a first call."),
        ),
        REFERRED: (
            _("Call to referral"),
            _("Persons for whom a facility was asked ÷ persons in need with a first call."),
        ),
        ARRIVED: (
            _("Call to arrival"),
            _("Persons who arrived at a facility ÷ persons in need with a first call."),
        ),
    }
    first = Figure(
        code="persons",
        name=_("Persons in need"),
        unit=Unit.COUNT,
        value=persons,
        numerator=persons,
        denominator=None,
        formula=_("Persons whose first service call began in these days, each counted once."),
        exclusions=exclusions,
        clock=clock,
        rows=[RowsBehind("persons_called", _("Their first calls"))],
    )
    return [
        first,
        *(
            Figure(
                code=f"call_to_{stage}",
                name=name,
                unit=Unit.PERCENT,
                value=rate(counts[stage], persons),
                numerator=counts[stage],
                denominator=persons,
                formula=formula,
                exclusions=exclusions,
                clock=clock,
                rows=[RowsBehind(f"persons_{stage}", _("Their first calls"))],
            )
            for stage, (name, formula) in words.items()
        ),
    ]


TABLES = ("funnel",)


def tables(report: FunnelReport) -> list[Table]:
    """The stages, for the page and for the file."""
    return [
        Table(
            code="funnel",
            title=_("From the call to arrival"),
            note=_(
                "Persons in need by the day of their first call, followed for 14 days. Each stage"
                " is a share of all persons: somebody may be referred without an insurance check."
            ),
            columns=["stage", "persons", "share"],
            headers=[_("Stage"), _("Persons"), _("Share of all persons")],
            rows=[
                (str(STAGES[stage]), number, _share(number, report.persons))
                for stage, number in report.stages
            ],
        )
    ]


def _share(number: int, persons: int) -> str | None:
    share = rate(number, persons)
    return None if share is None else percent_text(share)
