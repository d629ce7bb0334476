"""When a person may be rung: where their clock stands, the window, both nights the clocks change."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import zipcodes
from hypothesis import given, settings
from hypothesis import strategies as st

from intake.rules import zones
from intake.rules.hours import (
    CallingRule,
    UnknownZone,
    Window,
    ZoneGuess,
    ZoneSource,
    allowed,
    calling_rule,
    guess_zones,
    local_due,
    next_allowed,
)

pytestmark = pytest.mark.once

NEW_YORK, CHICAGO, DENVER = "America/New_York", "America/Chicago", "America/Denver"
LOS_ANGELES, PHOENIX, HONOLULU = "America/Los_Angeles", "America/Phoenix", "Pacific/Honolulu"
GUAM, PUERTO_RICO = "Pacific/Guam", "America/Puerto_Rico"

ORLANDO_ZIP, ATLANTA_ZIP, DENVER_ZIP, NAPAKIAK_ZIP, MILITARY_ZIP = (
    "32801",
    "30303",
    "80202",
    "99634",
    "09001",
)
# A Tuesday without a clock change near it.
DAY = date(2026, 6, 16)


def at(clock, zone, day=DAY):
    """That wall-clock time there, in UTC."""
    return datetime.combine(day, time.fromisoformat(clock), ZoneInfo(zone)).astimezone(UTC)


def in_zone(*names, states=("GA",), safe=None, **more):
    return CallingRule(ZoneGuess(names, ZoneSource.STATED, states), safe=safe, **more)


# --- Where their clock stands ---------------------------------------------------------------------

PLACES = [
    ("ZIP wins over state and number", {"zip_code": DENVER_ZIP, "state": "NY", "number": "+12125550123"}, (DENVER,), "zip"),
    ("ZIP+4", {"zip_code": "80202-1234"}, (DENVER,), "zip"),
    ("stated zone wins over all", {"stated_zone": HONOLULU, "zip_code": DENVER_ZIP}, (HONOLULU,), "stated"),
    ("a stated zone that is none", {"stated_zone": "Napakiak", "zip_code": DENVER_ZIP}, (DENVER,), "zip"),
    ("state with two zones", {"state": "tn"}, (CHICAGO, NEW_YORK), "state"),
    ("state wins over number", {"state": "CA", "number": "+12125550123"}, (LOS_ANGELES,), "state"),
    ("number with one zone", {"number": "+12125550123"}, (NEW_YORK,), "number"),
    ("number with two zones, one of them missing in the library", {"number": "+18505550123"}, (CHICAGO, NEW_YORK), "number"),
    ("Orlando's 689, which the library puts into Chicago", {"number": "+16895550123"}, (CHICAGO, NEW_YORK), "number"),
    ("Arizona without its reservation", {"number": "+16025550123"}, (PHOENIX,), "number"),
    ("Guam", {"number": "+16715550123"}, (GUAM,), "number"),
    ("Puerto Rico", {"zip_code": "00901"}, (PUERTO_RICO,), "zip"),
    ("military ZIP has no zone, the number has", {"zip_code": MILITARY_ZIP, "number": "+16025550123"}, (PHOENIX,), "number"),
    ("military ZIP alone", {"zip_code": MILITARY_ZIP}, (), "unknown"),
    ("toll-free number lies nowhere", {"number": "+18005550123"}, (), "unknown"),
    ("a ZIP that is none", {"zip_code": "00000", "state": "HI"}, (HONOLULU,), "state"),
    ("letters for a ZIP", {"zip_code": "1\u0662\u066345"}, (), "unknown"),
    ("nothing", {}, (), "unknown"),
    ("a number that is none", {"number": "12"}, (), "unknown"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("told", "expected", "source"), [pytest.param(*case[1:], id=case[0]) for case in PLACES]
)
def test_the_zone_comes_from_the_strongest_source(told, expected, source):
    guess = guess_zones(**told)

    assert guess.zones == expected
    assert guess.source == source


def test_napakiak_is_a_town_and_no_time_zone_so_its_state_answers():
    assert zipcodes.matching(NAPAKIAK_ZIP)[0]["timezone"] == "Napakiak"

    guess = guess_zones(zip_code=NAPAKIAK_ZIP)

    assert "America/Anchorage" in guess.zones
    assert guess.source is ZoneSource.STATE


def test_candidates_come_westernmost_first():
    assert guess_zones(state="AK").zones[0] == "America/Adak"
    assert guess_zones(state="KS").zones == (DENVER, CHICAGO)


def test_the_tables_of_states_and_area_codes_agree_with_the_zip_data():
    states, area_codes = {}, {}
    for row in zipcodes.list_all():
        if not zones.is_zone(row["timezone"]):
            continue
        states.setdefault(row["state"], set()).add(row["timezone"])
        for code in row["area_codes"]:
            area_codes.setdefault(code, set()).add(row["timezone"])

    assert {state: set(found) for state, found in zones.STATE_ZONES.items()} == states
    for code, found in zones.AREA_CODE_ZONES.items():
        assert set(found) == area_codes[code], code
    # What is left out is Canadian.
    assert set(area_codes) - set(zones.AREA_CODE_ZONES) < {str(n) for n in range(204, 906)}


# --- The window -----------------------------------------------------------------------------------

EDGES = [
    ("before eight", "07:59", ("GA",), False),
    ("eight", "08:00", ("GA",), True),
    ("before nine", "20:59", ("GA",), True),
    ("nine", "21:00", ("GA",), False),
    ("Florida before eight in the evening", "19:59", ("FL",), True),
    ("Florida at eight in the evening", "20:00", ("FL",), False),
    ("state unknown at eight in the evening", "20:00", (), False),
    ("Florida and another state told", "20:00", ("GA", "FL"), False),
    ("midnight", "00:00", ("GA",), False),
]


@pytest.mark.parametrize(
    ("clock", "states", "ok"), [pytest.param(*case[1:], id=case[0]) for case in EDGES]
)
@pytest.mark.parametrize("zone", [NEW_YORK, PHOENIX, PUERTO_RICO, GUAM, HONOLULU])
def test_the_window_is_the_persons_own(clock, states, ok, zone):
    decision = allowed(at(clock, zone), in_zone(zone, states=states))

    assert decision.ok is ok
    assert decision.reason.endswith(".")


def test_a_helpline_in_florida_keeps_florida_hours_for_everyone():
    rule = calling_rule(zip_code=ATLANTA_ZIP, site_state="fl")

    assert not allowed(at("20:30", NEW_YORK), rule).ok
    assert allowed(at("20:30", NEW_YORK), calling_rule(zip_code=ATLANTA_ZIP)).ok


def test_a_zip_in_florida_closes_at_eight():
    assert not allowed(at("20:00", NEW_YORK), calling_rule(zip_code=ORLANDO_ZIP)).ok


def test_with_several_zones_the_moment_must_do_in_all():
    rule = in_zone(CHICAGO, NEW_YORK)

    assert not allowed(at("08:30", NEW_YORK), rule).ok
    assert allowed(at("09:00", NEW_YORK), rule).ok
    assert allowed(at("20:59", NEW_YORK), rule).ok
    assert not allowed(at("20:30", CHICAGO), rule).ok


def test_with_no_zone_the_window_is_eleven_eastern_to_nine_eastern():
    rule = calling_rule(zip_code=MILITARY_ZIP)

    assert not allowed(at("10:59", NEW_YORK), rule).ok
    assert allowed(at("11:00", NEW_YORK), rule).ok
    assert at("11:00", NEW_YORK) == at("08:00", LOS_ANGELES)
    assert allowed(at("20:59", NEW_YORK), rule).ok
    assert not allowed(at("21:00", NEW_YORK), rule).ok


def test_with_neither_zone_nor_state_florida_is_possible_and_closes_at_eight_eastern():
    assert allowed(at("19:59", NEW_YORK), calling_rule()).ok
    assert not allowed(at("20:00", NEW_YORK), calling_rule()).ok


# --- Their own hours and wishes -------------------------------------------------------------------


def test_their_own_safe_hours_narrow_the_window():
    rule = in_zone(DENVER, safe=Window(time(10), time(12)))

    assert not allowed(at("09:59", DENVER), rule).ok
    assert allowed(at("10:00", DENVER), rule).ok
    assert not allowed(at("12:00", DENVER), rule).ok
    assert "safe hours are 10:00 AM to 12:00 PM" in allowed(at("12:00", DENVER), rule).reason


def test_safe_hours_do_not_widen_the_window():
    assert not allowed(at("06:00", DENVER), in_zone(DENVER, safe=Window(time(5), time(9)))).ok


@pytest.mark.parametrize(
    ("clock", "ok"),
    [("07:59", False), ("08:00", True), ("08:59", True), ("09:00", False), ("17:59", False), ("18:00", True), ("20:59", True), ("21:00", False)],
)  # fmt: skip
def test_safe_hours_may_cross_midnight(clock, ok):
    overnight = in_zone(DENVER, safe=Window(time(18), time(9)))

    assert allowed(at(clock, DENVER), overnight).ok is ok


def test_equal_safe_hours_mean_the_whole_day():
    assert allowed(at("12:00", DENVER), in_zone(DENVER, safe=Window(time(8), time(8)))).ok


def test_half_of_a_safe_window_is_none():
    assert calling_rule(safe_from=time(9)).safe is None
    assert calling_rule(safe_from=time(9), safe_until=time(10)).safe == Window(time(9), time(10))


def test_only_their_own_stored_request_widens_the_window():
    asked = (at("22:00", DENVER), at("22:30", DENVER))
    rule = in_zone(DENVER, requested=(asked,))

    assert allowed(at("22:00", DENVER), rule).ok
    assert "asked for this time" in allowed(at("22:00", DENVER), rule).reason
    assert not allowed(at("22:30", DENVER), rule).ok
    assert allowed(at("23:00", DENVER), in_zone(DENVER, asked_outside_hours=True)).ok


# --- The cap --------------------------------------------------------------------------------------


def test_three_attempts_in_24_hours_are_the_most():
    now = at("12:00", DENVER)
    made = [now - timedelta(hours=hours) for hours in (1, 5, 23)]

    assert allowed(now, in_zone(DENVER), attempts=made[:2]).ok
    refused = allowed(now, in_zone(DENVER), attempts=made)
    assert not refused.ok
    assert refused.reason == "Already tried 3 times in 24 hours; 3 is the most."


def test_an_attempt_counts_for_24_hours_to_the_second():
    now = at("12:00", DENVER)
    made = [now - timedelta(hours=1), now - timedelta(hours=2)]

    oldest = now - timedelta(hours=24)
    assert allowed(now, in_zone(DENVER), attempts=[*made, oldest]).ok
    assert not allowed(now, in_zone(DENVER), attempts=[*made, oldest + timedelta(seconds=1)]).ok


def test_a_wish_does_not_lift_the_cap():
    now = at("12:00", DENVER)
    rule = in_zone(DENVER, asked_outside_hours=True, requested=((now, now + timedelta(hours=1)),))

    assert not allowed(now, rule, attempts=[now - timedelta(minutes=1)] * 3).ok


# --- The next times -------------------------------------------------------------------------------


def test_the_next_three_openings_follow_the_window():
    found = next_allowed(at("22:00", DENVER), in_zone(DENVER))

    days = [DAY + timedelta(days=number) for number in (1, 2, 3)]
    assert [opening.at for opening in found] == [at("08:00", DENVER, day) for day in days]
    assert [opening.until for opening in found] == [at("21:00", DENVER, day) for day in days]


def test_inside_the_window_the_next_time_is_now():
    now = at("12:00", DENVER)

    assert next_allowed(now, in_zone(DENVER), n=1)[0].at == now


def test_with_several_zones_the_opening_is_where_all_agree():
    opening = next_allowed(at("22:00", NEW_YORK), in_zone(LOS_ANGELES, NEW_YORK))[0]

    tomorrow = DAY + timedelta(days=1)
    assert opening.at == at("08:00", LOS_ANGELES, tomorrow)
    assert opening.until == at("21:00", NEW_YORK, tomorrow)


def test_a_full_cap_opens_when_the_oldest_attempt_is_a_day_old():
    now = at("12:00", DENVER)
    made = [now - timedelta(hours=hours) for hours in (1, 2, 21)]

    assert next_allowed(now, in_zone(DENVER), attempts=made)[0].at == now + timedelta(hours=3)


def test_a_requested_hour_is_an_opening_of_its_own():
    asked = (at("23:00", DENVER), at("23:30", DENVER))

    found = next_allowed(at("22:00", DENVER), in_zone(DENVER, requested=(asked,)))

    assert (found[0].at, found[0].until) == asked
    assert found[1].at == at("08:00", DENVER, DAY + timedelta(days=1))


def test_asking_for_one_late_hour_does_not_open_the_night_for_later_tries():
    rule = in_zone(DENVER, asked_outside_hours=True)

    assert next_allowed(at("23:00", DENVER), rule)[0].at == at(
        "08:00", DENVER, DAY + timedelta(days=1)
    )


def test_safe_hours_that_never_meet_the_window_leave_no_time():
    assert next_allowed(at("12:00", DENVER), in_zone(DENVER, safe=Window(time(22), time(6)))) == []


def test_a_datetime_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        allowed(datetime(2026, 6, 16, 12), in_zone(DENVER))  # noqa: DTZ001 - the point of the test
    with pytest.raises(ValueError, match="time zone"):
        next_allowed(datetime(2026, 6, 16, 12), in_zone(DENVER))  # noqa: DTZ001


# --- The nights the clocks change -----------------------------------------------------------------

SPRING_2026, AUTUMN_2026 = date(2026, 3, 8), date(2026, 11, 1)
SPRING_2027, AUTUMN_2027 = date(2027, 3, 14), date(2027, 11, 7)

DUE = [
    ("an ordinary day", DAY, "09:00", NEW_YORK, "2026-06-16T13:00"),
    ("spring, before the gap", SPRING_2026, "01:59", NEW_YORK, "2026-03-08T06:59"),
    ("spring, the gap begins", SPRING_2026, "02:00", NEW_YORK, "2026-03-08T07:00"),
    ("spring, 02:30 becomes 03:00", SPRING_2026, "02:30", NEW_YORK, "2026-03-08T07:00"),
    ("spring, after the gap", SPRING_2026, "03:00", NEW_YORK, "2026-03-08T07:00"),
    ("spring 2027, 02:30 becomes 03:00", SPRING_2027, "02:30", LOS_ANGELES, "2027-03-14T10:00"),
    ("spring, nine in the morning", SPRING_2026, "09:00", NEW_YORK, "2026-03-08T13:00"),
    ("autumn, 01:30 is the first one", AUTUMN_2026, "01:30", NEW_YORK, "2026-11-01T05:30"),
    ("autumn 2027, 01:30 is the first one", AUTUMN_2027, "01:30", DENVER, "2027-11-07T07:30"),
    ("autumn, nine in the morning", AUTUMN_2026, "09:00", NEW_YORK, "2026-11-01T14:00"),
    ("no change in Phoenix", SPRING_2026, "02:30", PHOENIX, "2026-03-08T09:30"),
    ("no change in Honolulu", SPRING_2026, "02:30", HONOLULU, "2026-03-08T12:30"),
    ("no change in Puerto Rico", AUTUMN_2026, "01:30", PUERTO_RICO, "2026-11-01T05:30"),
    ("no change in Guam", SPRING_2027, "02:30", GUAM, "2027-03-13T16:30"),
    ("UTC", DAY, "09:00", "UTC", "2026-06-16T09:00"),
]


@pytest.mark.parametrize(
    ("day", "clock", "zone", "expected"), [pytest.param(*case[1:], id=case[0]) for case in DUE]
)
def test_a_local_time_becomes_one_moment(day, clock, zone, expected):
    moment = local_due(day, time.fromisoformat(clock), zone)

    assert moment == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "name", ["Napakiak", "", "America/Nowhere", "../etc/passwd", "/etc/passwd"]
)
def test_a_name_that_is_no_zone_is_refused(name):
    with pytest.raises(UnknownZone):
        local_due(DAY, time(9), name)


US_ZONES = sorted({zone for found in zones.STATE_ZONES.values() for zone in found})
CHANGES = [SPRING_2026, AUTUMN_2026, SPRING_2027, AUTUMN_2027]
zone_names = st.sampled_from(US_ZONES)
# The nights themselves, and a day on either side.
nights = st.sampled_from(CHANGES).flatmap(
    lambda day: st.sampled_from([day + timedelta(days=n) for n in (-1, 0, 1)])
)
clocks = st.integers(0, 24 * 60 - 1).map(lambda minute: time(minute // 60, minute % 60))


@settings(max_examples=500)
@given(nights, clocks, zone_names)
def test_a_local_due_time_keeps_its_clock_or_moves_to_the_end_of_the_gap(day, clock, zone):
    moment = local_due(day, clock, zone)
    local = moment.astimezone(ZoneInfo(zone))

    if (local.date(), local.time()) != (day, clock):
        assert local.time() == time(3)
        assert clock.hour == 2
    else:
        assert local.fold == 0


@settings(max_examples=300)
@given(nights, st.lists(clocks, min_size=2, max_size=2).map(sorted), zone_names)
def test_later_on_the_clock_is_never_earlier_in_time(day, pair, zone):
    assert local_due(day, pair[0], zone) <= local_due(day, pair[1], zone)


windows = st.none() | st.builds(Window, clocks, clocks)


@settings(max_examples=300, deadline=None)
@given(
    nights,
    clocks,
    st.lists(zone_names, min_size=1, max_size=3, unique=True),
    windows,
    st.sampled_from([("GA",), ("FL",), ()]),
    st.lists(st.integers(0, 48 * 60), max_size=4),
)
def test_every_opening_is_open_from_its_first_to_its_last_minute(
    day, clock, names, safe, states, minutes
):
    rule = in_zone(*names, states=states, safe=safe)
    after = local_due(day, clock, names[0])
    made = [after - timedelta(minutes=minute) for minute in minutes]

    found = next_allowed(after, rule, attempts=made)

    for opening in found:
        assert after <= opening.at < opening.until
        last = opening.until - timedelta(seconds=1)
        for moment in (opening.at, opening.at + (last - opening.at) / 2, last):
            assert allowed(moment, rule, attempts=made).ok
            for name in names:
                local = moment.astimezone(ZoneInfo(name)).time()
                assert time(8) <= local < time(21)
    # Nothing open was passed over before the first opening.
    first = found[0].at if found else after + timedelta(days=2)
    probe = after
    while probe < min(first, after + timedelta(days=2)):
        assert not allowed(probe, rule, attempts=made).ok
        probe += timedelta(minutes=37)


@settings(max_examples=300)
@given(nights, clocks, zone_names)
def test_no_moment_outside_eight_to_nine_is_ever_allowed(day, clock, zone):
    moment = local_due(day, clock, zone)

    for rule in (in_zone(zone), calling_rule(stated_zone=zone), in_zone(zone, states=("FL",))):
        local = moment.astimezone(ZoneInfo(zone)).time()
        if allowed(moment, rule).ok:
            assert rule.window.opens <= local < rule.window.closes
        else:
            assert local < time(8) or local >= rule.window.closes
