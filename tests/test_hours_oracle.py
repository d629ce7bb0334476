"""No time is ever proposed at which ringing is not allowed, and none that is allowed is skipped.

The oracle asks minute by minute, in whole minutes since midnight, and shares nothing with the
rules but the zone database.
"""

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intake.rules import zones
from intake.rules.hours import (
    CallingRule,
    Window,
    ZoneGuess,
    ZoneSource,
    allowed,
    calling_rule,
    next_allowed,
)

pytestmark = pytest.mark.once

MINUTE, DAY = timedelta(minutes=1), timedelta(hours=24)
US_ZONES = sorted({zone for found in zones.STATE_ZONES.values() for zone in found})
HOLIDAYS = {(2026, 11, 26), (2026, 12, 25), (2026, 7, 3), (2026, 7, 4), (2027, 1, 1)}


def may_ring(at, *, names, closes, safe, requests, made, per_day, keeps_holidays):
    """Whether that minute is allowed, worked out by hand."""
    if sum(1 for one in made if one <= at and at - one < DAY) >= per_day:
        return False
    if any(first <= at < last for first, last in requests):
        return True
    for name in names:
        local = at.astimezone(ZoneInfo(name))
        minute = local.hour * 60 + local.minute
        if minute < 8 * 60 or minute >= closes * 60:
            return False
        if safe is not None and not in_safe_hours(minute, *safe):
            return False
        if keeps_holidays and (local.year, local.month, local.day) in HOLIDAYS:
            return False
    return True


def in_safe_hours(minute, begins, ends):
    if begins < ends:
        return begins <= minute < ends
    return minute >= begins or minute < ends


def clock(minute):
    return time(minute // 60, minute % 60)


minutes_of_day = st.integers(0, 24 * 60 - 1)
# The two nights of each year on which the clocks change, days with a holiday, and any day.
starts = st.one_of(
    st.sampled_from(
        [
            datetime(2026, 3, 7, 12, tzinfo=UTC),
            datetime(2026, 10, 31, 12, tzinfo=UTC),
            datetime(2026, 11, 25, 6, tzinfo=UTC),
            datetime(2026, 7, 2, 20, tzinfo=UTC),
        ]
    ),
    st.integers(0, 300 * 24 * 60).map(lambda n: datetime(2026, 2, 20, tzinfo=UTC) + n * MINUTE),
)
spans = st.tuples(st.integers(-600, 2000), st.integers(1, 300))
people = st.fixed_dictionaries(
    {
        "names": st.lists(st.sampled_from(US_ZONES), min_size=1, max_size=3, unique=True),
        "is_florida": st.booleans(),
        "safe": st.none() | st.tuples(minutes_of_day, minutes_of_day),
        "requests": st.lists(spans, max_size=2),
        "made": st.lists(st.integers(-1600, 1600), max_size=6),
        "per_day": st.sampled_from([2, 3]),
        "keeps_holidays": st.booleans(),
    }
)


@settings(max_examples=40, deadline=None)
@given(starts, people)
def test_the_openings_are_the_allowed_minutes_no_more_and_no_less(start, person):
    requests = [(start + a * MINUTE, start + (a + n) * MINUTE) for a, n in person["requests"]]
    made = [start + n * MINUTE for n in person["made"]]
    safe = person["safe"]
    rule = CallingRule(
        ZoneGuess(
            tuple(person["names"]), ZoneSource.STATE, ("FL" if person["is_florida"] else "GA",)
        ),
        safe=None if safe is None else Window(clock(safe[0]), clock(safe[1])),
        requested=tuple(requests),
        keeps_holidays=person["keeps_holidays"],
    )
    told = {
        "names": person["names"],
        "closes": 20 if person["is_florida"] else 21,
        "safe": safe,
        "requests": requests,
        "made": made,
        "per_day": person["per_day"],
        "keeps_holidays": person["keeps_holidays"],
    }

    found = next_allowed(start, rule, attempts=made, n=60, per_day=person["per_day"])

    for n in range(36 * 60):
        at = start + n * MINUTE
        expected = may_ring(at, **told)
        assert any(one.at <= at < one.until for one in found) is expected, at
        if n % 7 == 0:
            decision = allowed(at, rule, attempts=made, per_day=person["per_day"])
            assert decision.ok is expected
    assert all(one.at < one.until for one in found)
    # Apart: two that touch would be one.
    assert all(a.until < b.at for a, b in pairwise(found))


places = st.fixed_dictionaries(
    {
        "zip_code": st.sampled_from(
            ["", "10001", "32501", "46402", "99546", "96799", "09001", "x"]
        ),
        "state": st.sampled_from(["", "FL", "TN", "AK", "ID", "KY", "GU", "AE", "ZZ"]),
        "number": st.sampled_from(["", "+18005550123", "12"])
        | st.sampled_from(sorted(zones.AREA_CODE_ZONES)).map(lambda code: f"+1{code}5550123"),
        "stated_zone": st.sampled_from(["", "Napakiak", *US_ZONES]),
        "site_state": st.sampled_from(["", "FL"]),
        "keeps_holidays": st.booleans(),
    }
)
safe_hours = st.none() | st.tuples(minutes_of_day.map(clock), minutes_of_day.map(clock))


@settings(max_examples=80, deadline=None)
@given(starts, places, safe_hours, st.lists(st.integers(-3000, 3000), max_size=8))
def test_nobody_is_ever_offered_a_time_outside_their_hours(start, place, safe, minutes):
    rule = calling_rule(
        **place,
        safe_from=safe and safe[0],
        safe_until=safe and safe[1],
    )
    made = [start + n * MINUTE for n in minutes]
    may_be_florida = not rule.guess.states or "FL" in rule.guess.states
    closes = 20 if place["site_state"] == "FL" or may_be_florida else 21

    for one in next_allowed(start, rule, attempts=made):
        last = one.until - timedelta(microseconds=1)
        for at in (one.at, one.at + (last - one.at) / 2, last):
            assert at >= start
            assert sum(at - DAY < other <= at for other in made) < 3
            for name in rule.guess.zones or zones.LOWER_48_ZONES:
                local = at.astimezone(ZoneInfo(name))
                assert 8 <= local.hour < closes
                if safe is not None:
                    minute = local.hour * 60 + local.minute
                    begins, ends = (part.hour * 60 + part.minute for part in safe)
                    assert in_safe_hours(minute, begins, ends)
            assert allowed(at, rule, attempts=made).ok
