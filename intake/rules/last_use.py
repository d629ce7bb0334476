"""When something was last used, as callers say it: "5 days ago", "last night", "monday", "11/20".

What is said is seldom a time, so each reading keeps how precise it is, and ``written`` says it back
in words that read the same again. Where a span is meant its far end counts: "2 or 3 days" is three,
a day without a time begins at midnight, a weekday's own name on that day is a week ago. That makes
a gap longer, never shorter. Pure: the moment now and the staff's zone are passed in.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum

from intake.rules.clocks import local_due, zone_of
from intake.rules.spoken_times import (
    DAYS,
    MONTHS,
    PARTS,
    UNITS,
    day_called,
    day_dated,
    existing_day,
    hour_in,
    months_before,
    number_in,
)

LONGEST_TEXT = 60
EARLIEST_YEAR = 1900
# A clock that runs a little ahead is no mistake of the agent's.
SLACK = timedelta(minutes=5)


class Precision(StrEnum):
    TIME = "time"
    ABOUT_TIME = "about_time"
    DAY = "day"
    ABOUT_DAY = "about_day"

    @property
    def is_about(self) -> bool:
        return self in {Precision.ABOUT_TIME, Precision.ABOUT_DAY}

    @property
    def has_time(self) -> bool:
        return self in {Precision.TIME, Precision.ABOUT_TIME}


@dataclass(frozen=True, slots=True)
class LastUse:
    """``at`` in UTC, to the minute, never after now; without a time it is the day's midnight."""

    at: datetime
    precision: Precision


class Unread(StrEnum):
    """Why a text is no last use."""

    NOT_UNDERSTOOD = "not_understood"
    STILL_TO_COME = "still_to_come"
    TOO_LONG_AGO = "too_long_ago"


@dataclass(frozen=True, slots=True)
class _Clock:
    now: datetime
    zone: str

    @property
    def today(self) -> date:
        return self.now.astimezone(zone_of(self.zone)).date()

    def at(self, day: date, hour: time = time.min) -> datetime:
        return local_due(day, hour, self.zone)


_Read = LastUse | Unread | None

_ABOUT = re.compile(
    r"^(?:about|around|approximately|approx\.?|roughly|maybe|some|circa|ca\.?|~)\s*"
)
_FILLERS = re.compile(r"^(?:it was|was|last used|used|taken|since|on)\s+")
_COUNT = r"(\d{1,4}(?:\.\d{1,2})?|[a-z]+)"
_SPAN = re.compile(
    rf"^{_COUNT}(?:\s*(?:-|to|or)\s*{_COUNT})?\s*([a-z]+)(?:\s+(?:ago|back|before|now))?$", re.A
)
_ISO = re.compile(r"^(\d{4})-(\d{1,2})-(\d{1,2})(?:[t\s]+(.+))?$", re.A)
_SLASHES = re.compile(r"^(\d{1,2})/(\d{1,2})(?:/(\d{2}|\d{4}))?(?:\s+(.+))?$", re.A)
_MONTH_FIRST = re.compile(
    r"^([a-z]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?(?:(?:,\s*|\s+)(\d{4}))?(?:,?\s+(.+))?$", re.A
)
_DAY_FIRST = re.compile(
    r"^(\d{1,2})(?:st|nd|rd|th)?(?:\s+of)?\s+([a-z]{3,9})\.?(?:,?\s+(\d{4}))?(?:,?\s+(.+))?$", re.A
)


def read_last_use(text: str, *, now: datetime, zone: str) -> LastUse | Unread:
    """The moment a text speaks of, by the clock of ``zone``; never raises, never after ``now``.

    ``now`` is aware. A day without a year is the latest that is past.
    """
    words = " ".join(text.casefold().split()).strip(" .?!")
    if not words or len(words) > LONGEST_TEXT:
        return Unread.NOT_UNDERSTOOD
    words = _FILLERS.sub("", words)
    bare = _ABOUT.sub("", words).removesuffix(" or so")
    clock = _Clock(now.astimezone(UTC), zone)
    for reader in _READERS:
        try:
            found = reader(bare, clock)
        except (OverflowError, ValueError):
            # Arithmetic on dates ends at the year 1.
            found = Unread.TOO_LONG_AGO
        if found is not None:
            return _checked(found, clock, is_about=bare != words)
    return Unread.NOT_UNDERSTOOD


def _checked(found: LastUse | Unread, clock: _Clock, *, is_about: bool) -> LastUse | Unread:
    if isinstance(found, Unread):
        return found
    if found.at > clock.now + SLACK:
        return Unread.STILL_TO_COME
    at = min(found.at, clock.now).replace(second=0, microsecond=0)
    if at.year < EARLIEST_YEAR:
        return Unread.TOO_LONG_AGO
    precision = found.precision
    if is_about:
        precision = Precision.ABOUT_TIME if precision.has_time else Precision.ABOUT_DAY
    return LastUse(at, precision)


def written(use: LastUse, *, zone: str) -> str:
    """``about 2026-03-05``, ``2026-03-08 10:00``: what reads back as the same, whenever it is."""
    local = use.at.astimezone(zone_of(zone))
    shape = "%Y-%m-%d %H:%M" if use.precision.has_time else "%Y-%m-%d"
    about = "about " if use.precision.is_about else ""
    return f"{about}{local:{shape}}"


# --- Readers: None means "not mine" ---------------------------------------------------------------


def _now(words: str, clock: _Clock) -> _Read:
    if words in {"now", "just now", "right now", "this minute"}:
        return LastUse(clock.now, Precision.ABOUT_TIME)
    return None


def _iso(words: str, clock: _Clock) -> _Read:
    if not (match := _ISO.match(words)):
        return None
    year, month, day = (int(part) for part in match.groups()[:3])
    return _on(existing_day(year, month, day), match.group(4), clock)


def _span(words: str, clock: _Clock) -> _Read:
    words = re.sub(r"^half (?:an?|of an) hour", "30 min", words)
    words = re.sub(r"^(a (?:couple|few)|several)(?: of)? ", lambda m: m[1].split()[-1] + " ", words)
    if not (match := _SPAN.match(words)):
        return None
    low, high, unit = number_in(match[1]), number_in(match[2]), UNITS.get(match[3], "")
    if low is None or not unit or (match[2] and high is None):
        return None
    return _ago(max(low, high or low), unit, clock)


def _ago(count: Decimal, unit: str, clock: _Clock) -> LastUse:
    if unit in {"minute", "hour"} or (unit == "day" and count % 1):
        minutes = count * {"minute": 1, "hour": 60, "day": 1440}[unit]
        return LastUse(clock.now - timedelta(minutes=float(minutes)), Precision.ABOUT_TIME)
    if unit in {"day", "week"}:
        days = count * {"day": 1, "week": 7}[unit]
        day = clock.today - timedelta(days=float(days))
    else:
        day = months_before(clock.today, int(count * {"month": 1, "year": 12}[unit]))
    return LastUse(clock.at(day), Precision.ABOUT_DAY)


def _last_span(words: str, clock: _Clock) -> _Read:
    if match := re.match(r"^last (week|month|year)$", words):
        return _ago(Decimal(1), match[1], clock)
    return None


def _part_of_today(words: str, clock: _Clock) -> _Read:
    if words in {"last night", "last evening", "overnight"}:
        part = "evening" if words == "last evening" else "night"
        return _in_part(clock.today - timedelta(days=1), part, clock)
    words = {"tonight": "this night", "noon": "this noon"}.get(words, words)
    if match := re.match(r"^(?:this|early this|late this) ([a-z]+)$", words):
        return _in_part(clock.today, match[1], clock)
    return None


def _named_day(words: str, clock: _Clock) -> _Read:
    match = re.match(r"^(the day before yesterday|day before yesterday|[a-z]+)(?:\s+(.+))?$", words)
    if not match:
        return None
    name, rest = match[1].removeprefix("the "), match[2]
    if name in {"last", "this", "past"} and rest:
        name, _blank, rest = rest.partition(" ")
        if name not in {day[:length] for day in DAYS for length in range(3, 10)}:
            return None
    day = day_called(name, clock.today)
    return None if day is None else _on(day, rest, clock)


def _slashes(words: str, clock: _Clock) -> _Read:
    if not (match := _SLASHES.match(words)):
        return None
    return _on(day_dated(match[3], int(match[1]), int(match[2]), clock.today), match[4], clock)


def _month_name(words: str, clock: _Clock) -> _Read:
    if match := _MONTH_FIRST.match(words):
        name, number = match[1], match[2]
    elif match := _DAY_FIRST.match(words):
        number, name = match[1], match[2]
    else:
        return None
    months = [place for place, month in enumerate(MONTHS, 1) if month.startswith(name)]
    if len(months) != 1 and name != "sept":
        return None
    day = day_dated(match[3], months[0] if months else 9, int(number), clock.today)
    return _on(day, match[4], clock)


def _time_only(words: str, clock: _Clock) -> _Read:
    hour = hour_in(words)
    if hour is None:
        return None
    today = clock.at(clock.today, hour)
    if today > clock.now:
        return LastUse(clock.at(clock.today - timedelta(days=1), hour), Precision.TIME)
    return LastUse(today, Precision.TIME)


_READERS: tuple[Callable[[str, _Clock], _Read], ...] = (
    _now,
    _iso,
    _slashes,
    _time_only,
    _span,
    _last_span,
    _part_of_today,
    _named_day,
    _month_name,
)


# --- What may stand behind a day ------------------------------------------------------------------


def _on(day: date | None, rest: str | None, clock: _Clock) -> LastUse | Unread:
    """That day, at the time or in the part of it that ``rest`` names."""
    if day is None:
        return Unread.NOT_UNDERSTOOD
    if not rest:
        return LastUse(clock.at(day), Precision.DAY)
    rest = rest.removeprefix("in the ").removeprefix("at ").strip()
    if rest in PARTS:
        return _in_part(day, rest, clock)
    hour = hour_in(rest)
    return Unread.NOT_UNDERSTOOD if hour is None else LastUse(clock.at(day, hour), Precision.TIME)


def _in_part(day: date, part: str, clock: _Clock) -> LastUse | Unread:
    if part not in PARTS:
        return Unread.NOT_UNDERSTOOD
    begins, taken_for = PARTS[part]
    if clock.at(day, begins) > clock.now:
        return Unread.STILL_TO_COME
    return LastUse(min(clock.at(day, taken_for), clock.now), Precision.ABOUT_TIME)
