"""Every callback of a period, a row each: to be checked, handed over or worked from."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from intake.models import Attempt, Callback
from intake.reports.callbacks import OUTCOMES, promised_for
from intake.reports.period import Period
from intake.reports.review_queue import WAITING

COLUMNS = (
    "reference",
    "deadline_utc",
    "deadline_local",
    "time_zone",
    "due_utc",
    "window_ends_utc",
    "urgency",
    "source",
    "status",
    "outcome",
    "requested_utc",
    "attempts",
    "first_attempt_utc",
    "closed_utc",
    "do_not_call",
    # Empty where the number asked not to be called, or nobody has let the request through: a list
    # on a desk gets rung.
    "phone",
)

CHUNK = 1000

TRIES = Subquery(
    Attempt.objects.filter(callback=OuterRef("pk"))
    .order_by()
    .values("callback")
    .annotate(tries=Count("pk"))
    .values("tries")
)


def rows(period: Period, *, now: datetime) -> Iterator[Sequence[Any]]:
    """The callbacks promised for ``period`` in the order of their deadlines; times in UTC.

    ``deadline_local`` is the clock of the person called, ``time_zone`` names it; ``phone`` is
    E.164. Holds personal data: whoever hands it out checks the permission and writes the audit.
    """
    for callback in _found(period, now).iterator(chunk_size=CHUNK):
        yield _row(callback)


def _found(period: Period, now: datetime) -> QuerySet[Any]:
    found = promised_for(period, now=now).select_related("person")
    return found.annotate(tries=Coalesce(TRIES, 0)).order_by(F("deadline"), "pk")


def _row(callback: Any) -> tuple[Any, ...]:
    deadline = callback.deadline_at
    return (
        callback.reference,
        deadline,
        f"{deadline.astimezone(ZoneInfo(callback.time_zone)):%Y-%m-%d %H:%M}",
        callback.time_zone,
        callback.due_at,
        callback.window_ends_at,
        str(Callback.Urgency(callback.urgency).label),
        str(Callback.Source(callback.source).label),
        str(Callback.Status(callback.status).label),
        str(OUTCOMES[callback.outcome]),
        callback.requested_at,
        callback.tries,
        callback.first_attempt_at,
        callback.closed_at,
        callback.person.do_not_call,
        _phone(callback),
    )


def _phone(callback: Callback) -> str:
    person = callback.person
    is_closed_to_us = person.do_not_call or callback.status in WAITING
    if person.phone is None or is_closed_to_us or callback.turned_down_because:
        return ""
    return str(person.phone.as_e164)
