"""When we will call, in the caller's own time and words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext, npgettext, pgettext

from intake.actions import calling_hours
from intake.forms import ZONES
from intake.models import Callback
from intake.rules import hours

MAINLAND = (
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Phoenix",
    "America/Los_Angeles",
)


@dataclass(frozen=True)
class LocalSpan:
    """A stretch of time in one zone, in words."""

    zone: str
    day: str
    begins: str
    ends: str
    now: str


@dataclass(frozen=True)
class Promise:
    """When we will call, in the caller's own time.

    ``kind``: "right_away" (asked for at any hour), "soon" (from now on), "from" (from a moment on)
    or "between". ``spans``: one for each clock they may go by, the westernmost first.
    """

    kind: str
    spans: tuple[LocalSpan, ...]

    @classmethod
    def of(cls, callback: Callback, now: datetime) -> "Promise":
        rule = calling_hours.rule_for(callback.person)
        ends = callback.window_ends_at
        if callback.asked_outside_hours:
            kind = "right_away"
        elif callback.due_at <= callback.requested_at:
            kind = "soon"
        else:
            kind = "between" if ends else "from"
        ends = ends or _closing(callback.due_at, rule)
        return cls(kind, tuple(local_spans(rule.zones, callback.due_at, ends, now)))

    @classmethod
    def from_now(cls, callback: Callback, now: datetime, *, at_any_hour: bool) -> "Promise | None":
        """What holds once the time they chose has come, whether or not anybody has tried.

        ``at_any_hour``: so they asked in the form; a try in vain takes it from the callback. None
        while nobody may ring, at the end of the day.
        """
        rule = calling_hours.rule_for(callback.person)
        ends = _closing(now, rule)
        if ends == now and not at_any_hour:
            return None
        kind = "right_away" if at_any_hour else "soon"
        return cls(kind, tuple(local_spans(rule.zones, now, ends, now)))


def _closing(at: datetime, rule: hours.CallingRule) -> datetime:
    """The end of the hours in which ``at`` lies; ``at`` itself for a call asked for at night."""
    openings = hours.next_allowed(at, rule, n=1)
    return openings[0].until if openings and openings[0].at == at else at


def local_spans(
    zones: Iterable[str], begins: datetime, ends: datetime, now: datetime
) -> list[LocalSpan]:
    """The stretch in each zone whose clock shows something of its own."""
    clocks: dict[datetime, ZoneInfo] = {}
    for name in zones:
        zone = ZoneInfo(name)
        clocks.setdefault(begins.astimezone(zone).replace(tzinfo=None), zone)
    return [
        LocalSpan(
            zone=zone_name(begins.astimezone(zone)),
            day=day_in_words(begins.astimezone(zone), now.astimezone(zone)),
            begins=_clock_in_a_sentence(begins.astimezone(zone)),
            ends=_clock_in_a_sentence(ends.astimezone(zone)),
            now=_clock(now.astimezone(zone)),
        )
        for zone in clocks.values()
    ]


def _clock(local: datetime) -> str:
    return date_format(local, "P", use_l10n=False)


def _clock_in_a_sentence(local: datetime) -> str:
    """As it follows "until" or "between": "8 a.m.", "noon"; Spanish has an article for each hour."""
    hour = local.hour % 12 or 12
    if hour == 12 and not local.minute:
        if local.hour:
            return pgettext("after a preposition", "noon")
        return pgettext("after a preposition", "midnight")
    words = npgettext("after a preposition", "%(clock)s", "%(clock)s", hour)
    return words % {"clock": _clock(local)}


def day_in_words(local: datetime, local_now: datetime) -> str:
    day = date_format(local, gettext("l, F j"), use_l10n=False)
    ahead = (local.date() - local_now.date()).days
    if ahead == 0:
        return gettext("today, %(day)s") % {"day": day}
    if ahead == 1:
        return gettext("tomorrow, %(day)s") % {"day": day}
    return gettext("on %(day)s") % {"day": day}


def zone_name(local: datetime) -> str:
    """What people call the zone of an aware moment: "Eastern time" for Detroit too."""
    named = {name: str(label) for name, label in ZONES if name}
    key = str(local.tzinfo)
    if key in named:
        return named[key]
    for name, label in named.items():
        if local.astimezone(ZoneInfo(name)).tzname() == local.tzname():
            return label
    city = key.rpartition("/")[2].replace("_", " ")
    return gettext("%(city)s time") % {"city": city}


def late_zones(now: datetime) -> list[str]:
    """The zones of the mainland, as people call them, where a call may have to wait for morning.

    From 8 p.m.: where the law allows an hour more, it depends on what we know of the place. Who is
    elsewhere reads it on the receipt.
    """
    waking = hours.Window(hours.OPENS, hours.CLOSES_IN_FLORIDA)
    return [
        str(label)
        for name, label in ZONES
        if name in MAINLAND and not waking.holds(now.astimezone(ZoneInfo(name)).time())
    ]
