"""When may we ring a person, in their own time.

The window: 08:00-21:00 at the place of the person called (47 CFR 64.1200(c)(1)); 08:00-20:00 where
that place may be in Florida, an unknown state included (Fla. Stat. 501.616(6)); at most three
attempts in 24 hours (the same). We hold to it for every call, solicitation or not.

Their place comes from their ZIP code, then the state they name, then the number, which is the
weakest. Where several zones are possible, a moment must be allowed in all of them. Their own safe
hours narrow the window; only a request of their own widens it. Federal holidays are days like any
other, unless the helpline chooses otherwise. Moments are aware UTC datetimes.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

from intake.rules import zones
from intake.rules.clocks import UnknownZone, aware, local_due, zone_of
from intake.rules.decisions import Decision
from intake.rules.holidays import federal_holiday
from intake.rules.zone_guess import ZoneGuess, ZoneSource, guess_zones

__all__ = [
    "ATTEMPTS_PER_DAY",
    "UNKNOWN_PLACE_ZONE",
    "CallingRule",
    "Decision",
    "Opening",
    "UnknownZone",
    "Window",
    "ZoneGuess",
    "ZoneSource",
    "allowed",
    "calling_rule",
    "guess_zones",
    "local_due",
    "next_allowed",
    "openings",
]

OPENS = time(8)
CLOSES = time(21)
CLOSES_IN_FLORIDA = time(20)
ATTEMPTS_PER_DAY = 3
DAY = timedelta(hours=24)
# Whoever asked to be rung at an hour of their own asked for about then.
REQUEST_HOLDS = timedelta(hours=2)
# Shown where the person's place is unknown: the hours are then stated in Eastern time.
UNKNOWN_PLACE_ZONE = "America/New_York"
# How far ahead we look for a time; two weeks hold every weekday and clock change around now.
HORIZON_DAYS = 14
SOON = timedelta(days=2)


def _clock(at: time) -> str:
    """8:00 AM, as staff read times everywhere."""
    return f"{at:%I:%M %p}".removeprefix("0")


@dataclass(frozen=True, slots=True)
class Window:
    """Local hours, ``opens`` included, ``closes`` not.

    ``closes`` at or before ``opens`` crosses midnight: 22:00-02:00 holds 01:00, and equal times
    mean the whole day.
    """

    opens: time
    closes: time

    def holds(self, moment: time) -> bool:
        if self.opens < self.closes:
            return self.opens <= moment < self.closes
        return moment >= self.opens or moment < self.closes

    def __str__(self) -> str:
        return f"{_clock(self.opens)} to {_clock(self.closes)}"


FEDERAL_WINDOW = Window(OPENS, CLOSES)
FLORIDA_WINDOW = Window(OPENS, CLOSES_IN_FLORIDA)


@dataclass(frozen=True, slots=True)
class CallingRule:
    """Everything that decides when one person may be rung.

    ``safe``: their own safe hours. ``asked_outside_hours``: they asked for the very time in
    question themselves, and that is on record. ``requested``: spans (UTC) they asked for.
    ``keeps_holidays``: nobody is rung on a federal holiday unless they asked for that very time.
    """

    guess: ZoneGuess
    safe: Window | None = None
    asked_outside_hours: bool = False
    requested: tuple[tuple[datetime, datetime], ...] = ()
    site_in_florida: bool = False
    keeps_holidays: bool = False

    @property
    def window(self) -> Window:
        """The legal window, in each of ``zones``."""
        florida = self.site_in_florida or self.guess.may_be_in_florida
        return FLORIDA_WINDOW if florida else FEDERAL_WINDOW

    @property
    def law(self) -> str:
        """Whose hours the window is, as it is told to staff."""
        if self.site_in_florida:
            return "the Florida calling hours of this helpline"
        if not self.guess.may_be_in_florida:
            return "the federal calling hours"
        known = bool(self.guess.states)
        return (
            "the calling hours of Florida"
            if known
            else ("the calling hours of Florida (their state is not known)")
        )

    @property
    def zones(self) -> tuple[str, ...]:
        """The zones to hold at once.

        With none known, all of the lower 48: from 11:00 Eastern, which is 08:00 Pacific, to 21:00
        Eastern, or 20:00 while the state is unknown too.
        """
        return self.guess.zones or zones.LOWER_48_ZONES


def calling_rule(
    *,
    zip_code: str = "",
    state: str = "",
    number: str = "",
    stated_zone: str = "",
    safe_from: time | None = None,
    safe_until: time | None = None,
    asked_outside_hours: bool = False,
    requested: Iterable[tuple[datetime, datetime]] = (),
    site_state: str = "",
    keeps_holidays: bool = False,
) -> CallingRule:
    """The hours that hold for one person; ``site_state`` is where the helpline itself sits."""
    safe = None
    if safe_from is not None and safe_until is not None:
        safe = Window(safe_from, safe_until)
    return CallingRule(
        guess=guess_zones(zip_code=zip_code, state=state, number=number, stated_zone=stated_zone),
        safe=safe,
        asked_outside_hours=asked_outside_hours,
        requested=tuple(requested),
        site_in_florida=site_state.strip().upper() == "FL",
        keeps_holidays=keeps_holidays,
    )


def allowed(
    at: datetime,
    rule: CallingRule,
    *,
    attempts: Sequence[datetime] = (),
    per_day: int = ATTEMPTS_PER_DAY,
) -> Decision:
    """May this person be rung at ``at`` (UTC), after the earlier ``attempts`` (UTC)?

    The cap of three attempts in 24 hours (``per_day`` may lower it) holds against every wish; then
    their own request, then the legal window and their safe hours in every zone they may be in.
    Raises ``ValueError`` for a datetime without a zone.
    """
    capped = _cap(at, attempts, per_day)
    if capped is not None:
        return capped
    if rule.asked_outside_hours or _is_requested(at, rule):
        return Decision(True, "The person asked for this time themselves.")
    return _by_hours(at, rule)


def _cap(at: datetime, attempts: Sequence[datetime], per_day: int) -> Decision | None:
    aware(at)
    recent = [made for made in attempts if at - DAY < made <= at]
    if len(recent) < per_day:
        return None
    reason = f"Already tried {len(recent)} times in 24 hours; {per_day} is the most."
    return Decision(False, reason, is_capped=True)


def _is_requested(at: datetime, rule: CallingRule) -> bool:
    return any(begins <= at < ends for begins, ends in rule.requested)


def _by_hours(at: datetime, rule: CallingRule) -> Decision:
    for zone in rule.zones:
        local = aware(at).astimezone(zone_of(zone))
        because = _against(local, rule)
        if because:
            return Decision(False, _refusal(local, zone, rule, because))
    return Decision(True, _reason(rule))


def _against(local: datetime, rule: CallingRule) -> str:
    """What speaks against ringing at that time on their clock; "" when nothing does."""
    if not rule.window.holds(local.time()):
        return f"{rule.law} are {rule.window}"
    if rule.safe is not None and not rule.safe.holds(local.time()):
        return f"their own safe hours are {rule.safe}"
    if rule.keeps_holidays and (name := federal_holiday(local.date())):
        return f"it is {name}, and this helpline makes no calls on federal holidays"
    return ""


def _refusal(local: datetime, zone: str, rule: CallingRule, because: str) -> str:
    that_is = "That is" if rule.guess.is_certain else "That may be"
    return f"{that_is} {_clock(local.time())} for them ({_city(zone)} time); {because}."


def _reason(rule: CallingRule) -> str:
    reason = f"Within {rule.law}, {rule.window} {_where(rule)}"
    return f"{reason}, and within their own safe hours, {rule.safe}." if rule.safe else f"{reason}."


def _where(rule: CallingRule) -> str:
    if not rule.guess.zones:
        return "in every zone of the lower 48 states; their own is unknown"
    if rule.guess.is_certain:
        return f"their time ({_city(rule.guess.zones[0])})"
    return f"in all {len(rule.guess.zones)} zones they may be in"


def _city(zone: str) -> str:
    return zone.rpartition("/")[2].replace("_", " ")


@dataclass(frozen=True, slots=True)
class Opening:
    """A stretch in which ringing is allowed: ``at`` included, ``until`` not. Both UTC."""

    at: datetime
    until: datetime


def next_allowed(
    after: datetime,
    rule: CallingRule,
    *,
    attempts: Sequence[datetime] = (),
    n: int = 3,
    per_day: int = ATTEMPTS_PER_DAY,
) -> list[Opening]:
    """The next ``n`` stretches at or after ``after`` (UTC) in which ringing is allowed.

    Looks two weeks ahead and may return fewer, or none: safe hours that never meet the legal
    window leave no time, and somebody must ask the person. ``asked_outside_hours`` is not used
    here: asking for one late hour does not open the night for every later try.
    """
    return list(islice(openings(after, rule, attempts=attempts, per_day=per_day), n))


def openings(
    after: datetime,
    rule: CallingRule,
    *,
    attempts: Sequence[datetime] = (),
    per_day: int = ATTEMPTS_PER_DAY,
) -> Iterator[Opening]:
    """As ``next_allowed``, one after the other, for whoever may need the first alone."""
    opening: Opening | None = None
    for begins, ends in pairwise(_edges(aware(after), rule, attempts)):
        if _open_at(begins, rule, attempts, per_day):
            opening = Opening(opening.at if opening else begins, ends)
        elif opening:
            yield opening
            opening = None
    if opening:
        yield opening


def _open_at(at: datetime, rule: CallingRule, attempts: Sequence[datetime], per_day: int) -> bool:
    if _cap(at, attempts, per_day) is not None:
        return False
    # As ``_by_hours``, without the words: a day ahead has many edges.
    return _is_requested(at, rule) or not any(
        _against(at.astimezone(zone_of(zone)), rule) for zone in rule.zones
    )


def _edges(after: datetime, rule: CallingRule, attempts: Sequence[datetime]) -> Iterator[datetime]:
    """Every moment at which the answer may change, ``after`` first.

    Between two neighbors it cannot change: window edges in each zone, the ends of requests, and
    the moments attempts begin and cease to count. Clocks and dates change while the window is
    closed, so neither is an edge of an opening.
    """
    # Most want to know of today and tomorrow only.
    soon, end = after + SOON, after + timedelta(days=HORIZON_DAYS)
    yield from _edges_between(after, soon, rule, attempts)
    yield from _edges_between(soon, end, rule, attempts)
    yield end


def _edges_between(
    begins: datetime, ends: datetime, rule: CallingRule, attempts: Sequence[datetime]
) -> list[datetime]:
    """``begins`` itself, and those before ``ends``."""
    edges = {begins}
    edges.update(made + DAY for made in attempts)
    # An attempt counts from the moment it is made, one planned ahead of ``begins`` included.
    edges.update(attempts)
    for span in rule.requested:
        edges.update(span)
    for zone in rule.zones:
        edges.update(_edges_in_zone(begins, ends, rule, zone_of(zone)))
    return sorted(edge for edge in edges if begins <= edge < ends)


def _edges_in_zone(
    begins: datetime, ends: datetime, rule: CallingRule, zone: ZoneInfo
) -> list[datetime]:
    times = {rule.window.opens, rule.window.closes}
    if rule.safe is not None:
        times |= {rule.safe.opens, rule.safe.closes}
    first = begins.astimezone(zone).date() - timedelta(days=1)
    days = [first + timedelta(days=number) for number in range((ends - begins).days + 3)]
    return [datetime.combine(day, moment, zone).astimezone(UTC) for day in days for moment in times]
