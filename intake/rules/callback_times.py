"""When a caller asked to be rung, turned into a time we can keep.

A wish is a day and a part of the day, in the caller's own time. The answer is the first stretch in
which they may be rung (``hours``), or the reason why there is none: a promise that the calling
hours forbid is not made.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import islice

from intake.rules import hours
from intake.rules.clocks import aware, local_due, zone_of
from intake.rules.holidays import federal_holiday

# Less than this is no time to promise: nobody would ring before it is over.
SHORTEST = timedelta(minutes=15)
# A day further ahead lies beyond what ``hours.next_allowed`` looks at.
MOST_DAYS_AHEAD = hours.HORIZON_DAYS - 1


class Day(StrEnum):
    ASAP = "asap"
    NOW = "now"
    TODAY = "today"
    TOMORROW = "tomorrow"
    DATE = "date"


class Part(StrEnum):
    ANY = "any"
    MORNING = "morning"
    AFTERNOON = "afternoon"
    EVENING = "evening"


# Within 08:00-20:00, which holds in every state: the form must not offer an hour we may not use.
PARTS: dict[Part, hours.Window] = {
    Part.MORNING: hours.Window(time(8), time(12)),
    Part.AFTERNOON: hours.Window(time(12), time(17)),
    Part.EVENING: hours.Window(time(17), time(20)),
}


class DayOver(ValueError):
    """What is left of that part of that day is too short, or nothing."""


class DayOutOfReach(ValueError):
    """The date is past, or more than two weeks ahead."""


class DayWithoutCalls(ValueError):
    """A federal holiday, on which this helpline rings nobody."""


class PlaceUnclear(ValueError):
    """The caller may be in zones whose hours for this wish never meet: ask for their zone."""


@dataclass(frozen=True, slots=True)
class Slot:
    """``begins`` included, ``ends`` not, both UTC; ``ends`` None where the caller set no end.

    ``asked_outside_hours``: the caller asked for this very time, whatever the hour.
    """

    begins: datetime
    ends: datetime | None = None
    asked_outside_hours: bool = False


def first_slot(day: Day, *, rule: hours.CallingRule, now: datetime, on: date | None = None) -> Slot:
    """The first time that answers the wish, at or after ``now`` (UTC).

    The part of the day is ``rule.safe``, so that later tries keep to it too. ``on`` is the local
    date, for ``Day.DATE`` only. Raises ``DayOver``, ``DayOutOfReach``, ``DayWithoutCalls``,
    ``PlaceUnclear``, and ``ValueError`` for a ``now`` without a zone.
    """
    now = aware(now)
    if day is Day.NOW:
        return Slot(now, asked_outside_hours=True)
    if day is Day.ASAP:
        opening = _first_opening(now, now + timedelta(days=hours.HORIZON_DAYS), rule)
        return Slot(opening.at, opening.until if rule.safe else None)
    begins, ends = _day(day, on, rule, now)
    if rule.keeps_holidays and federal_holiday(begins.astimezone(zone_of(rule.zones[0])).date()):
        raise DayWithoutCalls("Nobody is rung on a federal holiday.")
    opening = _first_opening(max(begins, now), ends, rule)
    return Slot(opening.at, min(opening.until, ends))


def _first_opening(begins: datetime, ends: datetime, rule: hours.CallingRule) -> hours.Opening:
    opening = None
    for opening in islice(hours.openings(begins, rule), 3):
        if min(opening.until, ends) - opening.at >= SHORTEST:
            return opening
    if opening is None:
        raise PlaceUnclear("These hours never come at the same time in every zone.")
    raise DayOver("That part of the day is over.")


def _day(
    day: Day, on: date | None, rule: hours.CallingRule, now: datetime
) -> tuple[datetime, datetime]:
    """The local day as a span of UTC.

    Of several zones the westernmost counts: the permitted hours of all of them lie inside its day.
    """
    zone = rule.zones[0]
    today = now.astimezone(zone_of(zone)).date()
    ahead = {Day.TODAY: 0, Day.TOMORROW: 1}
    wanted = on if day is Day.DATE else today + timedelta(days=ahead[day])
    if wanted is None or not today <= wanted <= today + timedelta(days=MOST_DAYS_AHEAD):
        raise DayOutOfReach("Only a day in the next two weeks can be promised.")
    midnight = time()
    return (
        local_due(wanted, midnight, zone),
        local_due(wanted + timedelta(days=1), midnight, zone),
    )
