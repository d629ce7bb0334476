"""When may we ring a person, in their own time.

The window: 08:00-21:00 at the place of the person called (47 CFR 64.1200(c)(1)); 08:00-20:00 where
that place may be in Florida, an unknown state included (Fla. Stat. 501.616(6)); at most three
attempts in 24 hours (the same). We hold to it for every call, solicitation or not.

Their place comes from their ZIP code, then the state they name, then the number, which is the
weakest. Where several zones are possible, a moment must be allowed in all of them. Their own safe
hours narrow the window; only a request of their own widens it. Moments are aware UTC datetimes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

from intake.rules import zones
from intake.rules.clocks import UnknownZone, aware, clock_change, local_due, zone_of
from intake.rules.decisions import Decision

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
]

OPENS = time(8)
CLOSES = time(21)
CLOSES_IN_FLORIDA = time(20)
ATTEMPTS_PER_DAY = 3
DAY = timedelta(hours=24)
# Shown where the person's place is unknown: the hours are then stated in Eastern time.
UNKNOWN_PLACE_ZONE = "America/New_York"
# How far ahead we look for a time; two weeks hold every weekday and clock change around now.
HORIZON_DAYS = 14


class ZoneSource(StrEnum):
    """Where a time zone was taken from, the strongest first."""

    STATED = "stated"
    ZIP = "zip"
    STATE = "state"
    NUMBER = "number"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ZoneGuess:
    """Candidate zones, westernmost first, and where they were taken from.

    ``states``: every state the ZIP code or the person named; empty means unknown.
    """

    zones: tuple[str, ...]
    source: ZoneSource
    states: tuple[str, ...] = ()

    @property
    def is_certain(self) -> bool:
        return len(self.zones) == 1

    @property
    def may_be_in_florida(self) -> bool:
        return not self.states or "FL" in self.states


def guess_zones(
    *, zip_code: str = "", state: str = "", number: str = "", stated_zone: str = ""
) -> ZoneGuess:
    """Where the person's clock may stand: stated zone, else ZIP, else state, else number (E.164).

    A ZIP without a zone (military, or faulty data) falls through to the next source.
    """
    zip_zone, zip_state = zones.zip_place(zip_code)
    named = [name.strip().upper() for name in (zip_state, state) if name.strip()]
    states = tuple(dict.fromkeys(named))
    if zones.is_zone(stated_zone):
        return ZoneGuess((stated_zone,), ZoneSource.STATED, states)
    if zip_zone:
        return ZoneGuess((zip_zone,), ZoneSource.ZIP, states)
    for name in states:
        found = zones.state_zones(name)
        if found:
            return ZoneGuess(found, ZoneSource.STATE, states)
    found = zones.number_zones(number) if number else ()
    return ZoneGuess(found, ZoneSource.NUMBER if found else ZoneSource.UNKNOWN, states)


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
        return f"{self.opens:%H:%M}-{self.closes:%H:%M}"


@dataclass(frozen=True, slots=True)
class CallingRule:
    """Everything that decides when one person may be rung.

    ``safe``: their own safe hours. ``asked_outside_hours``: they asked for the very time in
    question themselves, and that is on record. ``requested``: spans (UTC) they asked for.
    """

    guess: ZoneGuess
    safe: Window | None = None
    asked_outside_hours: bool = False
    requested: tuple[tuple[datetime, datetime], ...] = ()
    site_in_florida: bool = False

    @property
    def window(self) -> Window:
        """The legal window, in each of ``zones``."""
        florida = self.site_in_florida or self.guess.may_be_in_florida
        return Window(OPENS, CLOSES_IN_FLORIDA if florida else CLOSES)

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
    )


def allowed(at: datetime, rule: CallingRule, *, attempts: Sequence[datetime] = ()) -> Decision:
    """May this person be rung at ``at`` (UTC), after the earlier ``attempts`` (UTC)?

    The cap of three attempts in 24 hours holds against every wish; then their own request, then
    the legal window and their safe hours in every zone they may be in. Raises ``ValueError`` for
    a datetime without a zone.
    """
    capped = _cap(at, attempts)
    if capped is not None:
        return capped
    if rule.asked_outside_hours or _is_requested(at, rule):
        return Decision(True, "The person asked for this time themselves.")
    return _by_hours(at, rule)


def _cap(at: datetime, attempts: Sequence[datetime]) -> Decision | None:
    aware(at)
    recent = [made for made in attempts if at - DAY < made <= at]
    if len(recent) < ATTEMPTS_PER_DAY:
        return None
    return Decision(
        False, f"Already tried {len(recent)} times in 24 hours; {ATTEMPTS_PER_DAY} is the most."
    )


def _is_requested(at: datetime, rule: CallingRule) -> bool:
    return any(begins <= at < ends for begins, ends in rule.requested)


def _by_hours(at: datetime, rule: CallingRule) -> Decision:
    for zone in rule.zones:
        local = aware(at).astimezone(zone_of(zone)).time()
        if not rule.window.holds(local):
            return Decision(False, _refusal(local, zone, rule, f"calls are made {rule.window}"))
        if rule.safe is not None and not rule.safe.holds(local):
            return Decision(
                False, _refusal(local, zone, rule, f"their own safe hours are {rule.safe}")
            )
    return Decision(True, f"Within {rule.window} {_where(rule)}.")


def _refusal(local: time, zone: str, rule: CallingRule, because: str) -> str:
    it_is = "It may be" if not rule.guess.is_certain else "It is"
    return f"{it_is} {local:%H:%M} for them ({_city(zone)} time); {because}."


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
    after: datetime, rule: CallingRule, *, attempts: Sequence[datetime] = (), n: int = 3
) -> list[Opening]:
    """The next ``n`` stretches at or after ``after`` (UTC) in which ringing is allowed.

    Looks two weeks ahead and may return fewer, or none: safe hours that never meet the legal
    window leave no time, and somebody must ask the person. ``asked_outside_hours`` is not used
    here: asking for one late hour does not open the night for every later try.
    """
    edges = _edges(aware(after), rule, attempts)
    openings: list[Opening] = []
    for begins, ends in pairwise(edges):
        if not _open_at(begins, rule, attempts):
            continue
        if openings and openings[-1].until == begins:
            openings[-1] = Opening(openings[-1].at, ends)
        elif len(openings) == n:
            break
        else:
            openings.append(Opening(begins, ends))
    return openings


def _open_at(at: datetime, rule: CallingRule, attempts: Sequence[datetime]) -> bool:
    if _cap(at, attempts) is not None:
        return False
    return _is_requested(at, rule) or _by_hours(at, rule).ok


def _edges(after: datetime, rule: CallingRule, attempts: Sequence[datetime]) -> list[datetime]:
    """Every moment at which the answer may change, ``after`` first.

    Between two neighbors it cannot change: window edges in each zone, clock changes, the ends of
    requests, and the moments old attempts drop out of the 24 hours.
    """
    end = after + timedelta(days=HORIZON_DAYS)
    edges = {after, end}
    edges.update(made + DAY for made in attempts)
    # An attempt counts from the moment it is made, one planned ahead of ``after`` included.
    edges.update(attempts)
    for span in rule.requested:
        edges.update(span)
    for zone in rule.zones:
        edges.update(_edges_in_zone(after, rule, zone_of(zone)))
    return sorted(edge for edge in edges if after <= edge <= end)


def _edges_in_zone(after: datetime, rule: CallingRule, zone: ZoneInfo) -> list[datetime]:
    times = {rule.window.opens, rule.window.closes}
    if rule.safe is not None:
        times |= {rule.safe.opens, rule.safe.closes}
    first = after.astimezone(zone).date() - timedelta(days=1)
    edges: list[datetime] = []
    for offset in range(HORIZON_DAYS + 3):
        day = first + timedelta(days=offset)
        for moment in times:
            local = datetime.combine(day, moment, zone)
            edges += [local.replace(fold=fold).astimezone(UTC) for fold in (0, 1)]
        midnight = datetime.combine(day, time(), zone)
        noon_after = midnight.astimezone(UTC) + timedelta(hours=36)
        change = clock_change(midnight.astimezone(UTC), noon_after, zone)
        if change is not None:
            edges.append(change)
    return edges
