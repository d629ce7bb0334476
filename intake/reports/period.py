"""The days a report is about: whole days in the staff's time zone, and where they lie in UTC."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

DAY = timedelta(days=1)
# A year and its leap day: one screen of bars, and a bound on the work.
LONGEST_DAYS = 366
# Outside these years nothing was recorded, and arithmetic near year 1 or 9999 overflows.
EARLIEST, LATEST = date(2000, 1, 1), date(2099, 12, 31)


class Choice(models.TextChoices):
    THIS_WEEK = "this_week", _("This week")
    LAST_WEEK = "last_week", _("Last week")
    THIS_MONTH = "this_month", _("This month")
    LAST_MONTH = "last_month", _("Last month")
    CUSTOM = "custom", _("Other dates")


@dataclass(frozen=True)
class Period:
    """From the first midnight of ``first`` to the midnight that ends ``last``, in ``zone``.

    A day lasts 23 or 25 hours where the clock changes. Where midnight itself is skipped, the day
    begins when the clock jumps; where it happens twice, the day begins at the first.
    """

    first: date
    last: date
    zone: ZoneInfo

    def __post_init__(self) -> None:
        if not EARLIEST <= self.first <= self.last <= LATEST:
            raise ValueError("A period runs forward, between the years 2000 and 2099.")

    @property
    def start(self) -> datetime:
        """The first moment, in UTC."""
        return midnight(self.first, self.zone)

    @property
    def end(self) -> datetime:
        """The first moment after it, in UTC."""
        return midnight(self.last + DAY, self.zone)

    @property
    def days(self) -> list[date]:
        return [self.first + DAY * n for n in range((self.last - self.first).days + 1)]

    def offsets(self) -> list[tuple[datetime, int]]:
        """``[(until, seconds east of UTC), …]``, in order: the last ends with the period."""
        return list(_offsets(self.start, self.end, self.zone))


def staff_zone() -> ZoneInfo:
    """The zone in which staff read times; days and hours of every report are its own."""
    return ZoneInfo(settings.HELPLINE_TIME_ZONE)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The moment (UTC) at which ``day`` begins in ``zone``."""
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def named(choice: str, *, today: date, zone: ZoneInfo) -> Period:
    """This or last week (Monday to Sunday) or month around ``today``; ``KeyError`` otherwise."""
    monday = today - DAY * today.weekday()
    month = today.replace(day=1)
    first, last = {
        Choice.THIS_WEEK: (monday, monday + DAY * 6),
        Choice.LAST_WEEK: (monday - DAY * 7, monday - DAY),
        Choice.THIS_MONTH: (month, _end_of_month(month)),
        Choice.LAST_MONTH: ((month - DAY).replace(day=1), month - DAY),
    }[Choice(choice)]
    return Period(first, last, zone)


def _end_of_month(first: date) -> date:
    return (first + DAY * 31).replace(day=1) - DAY


def _offsets(start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime, int]]:
    at = start
    while at < end:
        step = min(at + DAY, end)
        if _offset(at, zone) != _offset(step, zone):
            change = _change(at, step, zone)
            yield change, _offset(at, zone)
            # What begins at the change is looked at again from there.
            at = change
        else:
            at = step
    yield end, _offset(end - timedelta(seconds=1), zone)


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The second at which the clock changes between two moments, found by halving."""
    old = _offset(before, zone)
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        before, after = (middle, after) if _offset(middle, zone) == old else (before, middle)
    return after


def _offset(at: datetime, zone: ZoneInfo) -> int:
    offset = at.astimezone(zone).utcoffset() or timedelta()
    return int(offset.total_seconds())
