"""Promises kept, late and missed: each callback counted once, by its first deadline.

The deadline is the end of the promised window, or the due time where no window was given. It
stands still from the first attempt on, and a promise moved after it was broken keeps the old one
(see ``Callback.first_deadline_at``), so nothing done later can turn a broken promise into a kept
one.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, CharField, Count, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from intake.models import PENDING, Attempt, Callback
from intake.models.callbacks import DEADLINE
from intake.reports.clock import percentiles, seconds_between
from intake.reports.figures import Cell, Figure, RowsBehind, Table, Unit, rate, ratio
from intake.reports.period import Period
from intake.rules import retries

# "Reached in so many tries" (features of the field: k = 3).
TRIES = 3

KEPT, LATE, MISSED = "kept", "late", "missed"
NOT_YET_DUE, CANCELLED, NOT_GENUINE = "not_yet_due", "cancelled", "not_genuine"
OUTCOMES = {
    KEPT: gettext_lazy("Kept"),
    LATE: gettext_lazy("Late"),
    MISSED: gettext_lazy("Missed"),
    NOT_YET_DUE: gettext_lazy("Not yet due"),
    CANCELLED: gettext_lazy("Canceled in time"),
    NOT_GENUINE: gettext_lazy("Not genuine"),
}
OUTCOME_TITLES = {
    KEPT: gettext_lazy("Callbacks kept"),
    LATE: gettext_lazy("Callbacks late"),
    MISSED: gettext_lazy("Callbacks missed"),
    NOT_YET_DUE: gettext_lazy("Callbacks not yet due"),
    CANCELLED: gettext_lazy("Callbacks canceled in time"),
    NOT_GENUINE: gettext_lazy("Requests turned down as not genuine or sent twice"),
}
# Nobody was promised anything. A person who waited in vain and then wanted no call any more is
# none of them: that promise was broken.
NO_PROMISE = (
    Callback.TurnedDownBecause.NOT_GENUINE,
    Callback.TurnedDownBecause.DUPLICATE,
)
# Promises whose time has come: these three make the whole of every rate.
DUE = (KEPT, LATE, MISSED)


@dataclass(frozen=True)
class CallbackReport:
    """The callbacks promised for the period, as they stand at ``now``."""

    by_source: Sequence[tuple[str, Counter[str]]]
    # Of the missed: nobody has tried yet, and somebody still can.
    missed_and_open: int
    figures: Sequence[Figure]

    def count(self, outcome: str) -> int:
        return sum(counts[outcome] for _source, counts in self.by_source)


def promised_for(period: Period, *, now: datetime) -> QuerySet[Callback]:
    """Callbacks whose first deadline lies in ``period``, each with its ``outcome`` at ``now``."""
    outcome = Case(
        When(turned_down_because__in=NO_PROMISE, then=Value(NOT_GENUINE)),
        When(
            status=Callback.Status.CANCELLED,
            first_attempt_at=None,
            closed_at__lte=F("deadline"),
            then=Value(CANCELLED),
        ),
        When(deadline__gte=now, then=Value(NOT_YET_DUE)),
        When(first_attempt_at__lte=F("deadline"), then=Value(KEPT)),
        When(first_attempt_at__isnull=False, then=Value(LATE)),
        default=Value(MISSED),
        output_field=CharField(),
    )
    return (
        Callback.objects.annotate(deadline=DEADLINE)
        .filter(deadline__gte=period.start, deadline__lt=period.end)
        .annotate(outcome=outcome)
    )


def with_outcome(outcome: str, period: Period, *, now: datetime) -> QuerySet[Callback]:
    return promised_for(period, now=now).filter(Q(outcome=outcome))


def overdue(period: Period, *, now: datetime) -> QuerySet[Callback]:
    """Missed so far, and not ended: somebody can ring now, or let it through to be rung."""
    return with_outcome(MISSED, period, now=now).filter(status__in=PENDING)


def due_in(period: Period, *, now: datetime) -> QuerySet[Callback]:
    return promised_for(period, now=now).filter(Q(outcome__in=DUE))


def ended(period: Period, *, now: datetime) -> QuerySet[Callback]:
    """Due and closed, however: of these it is known whether the person was reached."""
    return due_in(period, now=now).exclude(status__in=PENDING)


def reached(period: Period, *, now: datetime) -> QuerySet[Callback]:
    return ended(period, now=now).filter(status=Callback.Status.REACHED)


REACHED_SOON = Q(attempts__outcome=Attempt.Outcome.REACHED, attempts__number__lte=TRIES)
ANSWERED = Attempt.objects.filter(
    callback=OuterRef("pk"), outcome=Attempt.Outcome.REACHED, number__lte=TRIES
)


def reached_soon(period: Period, *, now: datetime) -> QuerySet[Callback]:
    """Reached in at most ``TRIES`` attempts."""
    return ended(period, now=now).filter(Exists(ANSWERED))


def not_reached_soon(period: Period, *, now: datetime) -> QuerySet[Callback]:
    return ended(period, now=now).exclude(Exists(ANSWERED))


MUCH_TRIED = Attempt.objects.filter(callback=OuterRef("pk"), number__gte=retries.UNCONTACTED_BELOW)


def still_open(period: Period, *, now: datetime) -> QuerySet[Callback]:
    """Promised for the period and still to be kept, due or not."""
    return promised_for(period, now=now).filter(status__in=PENDING)


def uncontacted(period: Period, *, now: datetime) -> QuerySet[Callback]:
    """Open, without an outcome, and tried less than three times (``retries.is_uncontacted``)."""
    return still_open(period, now=now).exclude(Exists(MUCH_TRIED))


def web_tried(period: Period, *, now: datetime) -> QuerySet[Callback]:
    """Web requests that were due and have been tried."""
    tried = due_in(period, now=now).exclude(first_attempt_at=None)
    return tried.filter(source=Callback.Source.WEB)


def read(period: Period, *, now: datetime) -> CallbackReport:
    """Count the callbacks promised for ``period`` as they stand at ``now`` (UTC)."""
    by_source: dict[str, Counter[str]] = {code: Counter() for code in Callback.Source.values}
    # Of those due: how they stand now.
    by_status: Counter[str] = Counter()
    missed_and_open = 0
    counted = (
        promised_for(period, now=now)
        .order_by()
        .values_list(F("source"), F("outcome"), F("status"))
        .annotate(number=Count("*"))
    )
    for source, outcome, status, number in counted:
        by_source[source][outcome] += number
        by_status[status] += number if outcome in DUE else 0
        is_overdue = outcome == MISSED and status in PENDING
        missed_and_open += number if is_overdue else 0
    counts = sum(by_source.values(), Counter())
    return CallbackReport(
        by_source=list(by_source.items()),
        missed_and_open=missed_and_open,
        figures=[
            _kept(counts, missed_and_open),
            *_contact(by_status, period, now),
            _uncontacted(period, now),
            *_speed(period, now),
        ],
    )


def _kept(counts: Counter[str], missed_and_open: int) -> Figure:
    due = sum(counts[outcome] for outcome in DUE)
    return Figure(
        code="callbacks_kept",
        name=_("Callbacks kept"),
        unit=Unit.PERCENT,
        value=rate(counts[KEPT], due),
        numerator=counts[KEPT],
        denominator=due,
        formula=_("Callbacks first tried by their deadline ÷ callbacks whose deadline has passed."),
        exclusions=_(
            "Canceled no later than the deadline: %(cancelled)d. Not yet due: %(waiting)d. Web"
            " requests turned down as not genuine or sent twice: %(not_genuine)d. Never"
            " tried counts as missed, whether closed or still open (%(open)d are). A number that was"
            " shown and nothing recorded counts as a try at the number, and keeps no promise."
        )
        % {
            "cancelled": counts[CANCELLED],
            "not_genuine": counts[NOT_GENUINE],
            "waiting": counts[NOT_YET_DUE],
            "open": missed_and_open,
        },
        clock=_(
            "The deadline is the end of the promised window, or the due time where there is no"
            " window. A promise moved before its deadline counts at the new one; moved after it,"
            " at the old one."
        ),
        rows=[RowsBehind(f"callbacks_{code}", OUTCOMES[code]) for code in DUE],
    )


def _contact(by_status: Counter[str], period: Period, now: datetime) -> list[Figure]:
    closed = by_status.total() - sum(by_status[status] for status in PENDING)
    in_the_end = by_status[Callback.Status.REACHED]
    # An attempt that reaches the person is the last, so counting these counts callbacks.
    counted = ended(period, now=now).aggregate(
        tries=Count("attempts"), soon=Count("attempts", filter=REACHED_SOON)
    )
    tries, soon = counted["tries"], counted["soon"]
    exclusions = _(
        "Still open, not yet due, and canceled in time. Declined and wrong number count as"
        " not reached."
    )
    return [
        Figure(
            code="contact_rate",
            name=_("Contact rate"),
            unit=Unit.PERCENT,
            value=rate(soon, closed),
            numerator=soon,
            denominator=closed,
            formula=_("Callbacks reached in at most %(tries)d attempts ÷ callbacks closed.")
            % {"tries": TRIES},
            exclusions=exclusions,
            clock=_("Callbacks by their first deadline; attempts whenever they were made."),
            rows=[
                RowsBehind("reached_soon", _("Reached")),
                RowsBehind("not_reached_soon", _("Not reached so soon, or not at all")),
            ],
        ),
        Figure(
            code="attempts_per_contact",
            name=_("Attempts per contact"),
            unit=Unit.RATIO,
            value=ratio(tries, in_the_end),
            numerator=tries,
            denominator=in_the_end,
            formula=_(
                "All attempts at callbacks closed, those that reached nobody too ÷ callbacks closed as reached."
            ),
            exclusions=exclusions,
            clock=_("Callbacks by their first deadline; attempts whenever they were made."),
            rows=[RowsBehind("reached", _("Callbacks reached"))],
        ),
    ]


def _uncontacted(period: Period, now: datetime) -> Figure:
    still, not_yet = (find(period, now=now).count() for find in (still_open, uncontacted))
    return Figure(
        code="uncontacted",
        name=_("Uncontacted"),
        unit=Unit.COUNT,
        value=not_yet,
        numerator=not_yet,
        denominator=still,
        formula=_(
            "Open callbacks, and requests that wait for review, with fewer than %(tries)d attempts."
        )
        % {"tries": retries.UNCONTACTED_BELOW},
        exclusions=_(
            "Closed callbacks, however they ended. Tried more often and still open: %(n)d."
        )
        % {"n": still - not_yet},
        clock=_("As things stand now; callbacks by their first deadline, due or not."),
        rows=[RowsBehind("uncontacted", _("Uncontacted"))],
    )


def _speed(period: Period, now: datetime) -> list[Figure]:
    asked = due_in(period, now=now).filter(source=Callback.Source.WEB)
    tried = web_tried(period, now=now)
    counted = asked.aggregate(number=Count("*"), timed=Count("first_attempt_at"))
    number, timed = counted["number"], counted["timed"]
    taken: dict[str, Any] = {
        "unit": Unit.SECONDS,
        "numerator": timed,
        "denominator": number,
        "exclusions": _(
            "Promises made on a call, whose time was agreed. Requests not tried yet: %(number)d;"
            " they count as missed above, and the true time is longer than shown."
        )
        % {"number": number - timed},
        "clock": _("From the moment the form was sent to the first attempt, nights included."),
        "rows": [RowsBehind("web_tried", _("Requests tried"))],
    }
    seconds = seconds_between("requested_at", "first_attempt_at")
    median, p90 = percentiles(tried, seconds, timed, (50, 90))
    return [
        Figure(
            code="speed_median",
            name=_("Speed to callback, median"),
            value=median,
            formula=_("The time within which half of the web requests were first tried."),
            **taken,
        ),
        Figure(
            code="speed_p90",
            name=_("Speed to callback, 9 in 10"),
            value=p90,
            formula=_("The time within which 9 in 10 of the web requests were first tried."),
            **taken,
        ),
    ]


TABLES = ("callbacks-by-outcome",)


def tables(report: CallbackReport) -> list[Table]:
    """The promises by where they came from, for the page and for the file."""
    rows: list[tuple[Cell, ...]] = [
        (str(Callback.Source(source).label), *(counts[code] for code in OUTCOMES))
        for source, counts in report.by_source
    ]
    return [
        Table(
            code="callbacks-by-outcome",
            title=_("Callbacks kept, late and missed"),
            note=_(
                "Callbacks promised for the period, each counted once. Kept: first tried by the"
                " deadline. Late: first tried after it. Missed: the deadline passed and nobody"
                " tried, even where the callback is still open or waits for review. Not genuine: a"
                " web request that somebody looked at and turned down as such, or as sent twice."
            ),
            columns=["source", *OUTCOMES],
            headers=[_("Source"), *(str(label) for label in OUTCOMES.values())],
            rows=[*rows, (_("All"), *(report.count(code) for code in OUTCOMES))],
        )
    ]
