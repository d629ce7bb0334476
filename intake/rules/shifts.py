"""The shifts of a house that never closes: when the one of a moment began, and when it ends."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Shift:
    """From ``starts_at`` up to, not including, ``ends_at``; both UTC."""

    starts_at: datetime
    ends_at: datetime


def shift_of(at: datetime, *, starts: Sequence[time], zone: str) -> Shift:
    """The shift in which ``at`` (aware) lies.

    ``starts`` are the wall-clock times at which a shift begins in ``zone``, each once. One shift
    of the year is an hour longer and one an hour shorter, where the clocks are changed.
    """
    begun = _beginnings(at, starts, ZoneInfo(zone))
    earlier = [moment for moment in begun if moment <= at]
    later = [moment for moment in begun if moment > at]
    return Shift(starts_at=max(earlier), ends_at=min(later))


def shift_after(shift: Shift, *, starts: Sequence[time], zone: str) -> Shift:
    return shift_of(shift.ends_at, starts=starts, zone=zone)


def _beginnings(at: datetime, starts: Sequence[time], zone: ZoneInfo) -> list[datetime]:
    """Every beginning from the day before to the day after: one start a day is enough."""
    today = at.astimezone(zone).date()
    return [moment for day in _days_around(today) for moment in _of_day(day, starts, zone)]


def _days_around(day: date) -> Iterator[date]:
    return (day + timedelta(days=offset) for offset in (-1, 0, 1))


def _of_day(day: date, starts: Sequence[time], zone: ZoneInfo) -> Iterator[datetime]:
    # A time the clocks jump over is told as the hour after it, by way of UTC.
    return (datetime.combine(day, start, zone).astimezone(UTC) for start in starts)
