"""The window in every zone a person in the United States may live in, winter, summer and between.

The offsets are written out here: what the code takes from the zone database is held against them.
"""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from intake.rules import zones
from intake.rules.clocks import local_due
from intake.rules.hours import allowed, calling_rule, next_allowed

pytestmark = pytest.mark.once

# Hours from UTC in winter and in summer; the zones of the same two are one line.
OFFSETS = {
    (-11, -11): "Pacific/Pago_Pago",
    (-10, -10): "Pacific/Honolulu",
    (-10, -9): "America/Adak",
    (
        -9,
        -8,
    ): "America/Anchorage America/Juneau America/Metlakatla America/Nome America/Sitka America/Yakutat",
    (-8, -7): "America/Los_Angeles",
    (-7, -7): "America/Phoenix",
    (-7, -6): "America/Boise America/Denver",
    (-6, -5): "America/Chicago America/Indiana/Knox America/Indiana/Tell_City America/Menominee"
    " America/North_Dakota/Beulah America/North_Dakota/Center America/North_Dakota/New_Salem",
    (-5, -4): "America/Detroit America/Indiana/Indianapolis America/Indiana/Marengo"
    " America/Indiana/Petersburg America/Indiana/Vevay America/Indiana/Vincennes"
    " America/Indiana/Winamac America/Kentucky/Louisville America/Kentucky/Monticello"
    " America/New_York",
    (-4, -4): "America/Puerto_Rico America/St_Thomas",
    (9, 9): "Pacific/Palau",
    (10, 10): "Pacific/Chuuk Pacific/Guam Pacific/Saipan",
    (12, 12): "Pacific/Majuro",
}
ZONES = [(zone, *both) for both, names in OFFSETS.items() for zone in names.split()]

# The date, and whether summer time holds by eight in the morning where there is one. The clocks
# change at two in the night of 8 March and 1 November.
DAYS = [
    (date(2026, 1, 20), False),
    (date(2026, 3, 7), False),
    (date(2026, 3, 8), True),
    (date(2026, 7, 14), True),
    (date(2026, 10, 31), True),
    (date(2026, 11, 1), False),
]
CLOCKS = [
    ("00:00", False),
    ("02:30", False),
    ("07:59", False),
    ("08:00", True),
    ("12:00", True),
    ("20:59", True),
    ("21:00", False),
    ("23:59", False),
]


def test_the_table_holds_every_zone_the_rules_know():
    known = set(zones.LOWER_48_ZONES)
    for table in (zones.STATE_ZONES, zones.AREA_CODE_ZONES):
        known |= {zone for found in table.values() for zone in found}

    assert {zone for zone, *_offsets in ZONES} == known


@pytest.mark.parametrize(
    ("zone", "winter", "summer"), [pytest.param(*case, id=case[0]) for case in ZONES]
)
def test_the_window_is_eight_to_nine_on_their_clock(zone, winter, summer):
    rule = calling_rule(stated_zone=zone, state="GA")
    for day, is_summer in DAYS:
        for clock, ok in CLOCKS:
            offset = timedelta(hours=summer if is_summer else winter)
            if clock < "02:00":
                # The night begins before its change.
                offset = timedelta(hours=summer if _began_in_summer(day) else winter)
            moment = datetime.combine(day, time.fromisoformat(clock), UTC) - offset
            assert allowed(moment, rule).ok is ok, (day, clock)


def _began_in_summer(day):
    return date(2026, 3, 8) < day <= date(2026, 11, 1)


@pytest.mark.parametrize(
    ("zone", "winter", "summer"), [pytest.param(*case, id=case[0]) for case in ZONES]
)
def test_the_morning_after_each_change_opens_at_eight_by_the_new_clock(zone, winter, summer):
    rule = calling_rule(stated_zone=zone, state="GA")
    for eve, before, after in (
        (date(2026, 3, 7), winter, summer),
        (date(2026, 10, 31), summer, winter),
    ):
        closed = datetime.combine(eve, time(21), UTC) - timedelta(hours=before)

        opening = next_allowed(closed, rule, n=1)[0]

        assert opening.at - closed == timedelta(hours=11 - (after - before)), eve
        assert opening.until - opening.at == timedelta(hours=13)


# A place, and the first and last allowed minute there on Tuesday 20 January 2026, in UTC.
PLACES = [
    ("New York by ZIP", {"zip_code": "10001"}, "13:00", "01:59"),
    ("Miami closes at eight", {"zip_code": "33101"}, "13:00", "00:59"),
    ("Pensacola closes at eight, Central", {"zip_code": "32501"}, "14:00", "01:59"),
    ("Florida, either zone", {"state": "FL"}, "14:00", "00:59"),
    ("Pensacola's area code: perhaps Florida", {"number": "+18505550123"}, "14:00", "00:59"),
    ("Phoenix", {"zip_code": "85001"}, "15:00", "03:59"),
    ("Window Rock, Arizona: the Navajo Nation's clock", {"zip_code": "86515"}, "15:00", "03:59"),
    ("Denver", {"zip_code": "80202"}, "15:00", "03:59"),
    ("Gary, Indiana: Central", {"zip_code": "46402"}, "14:00", "02:59"),
    ("Indianapolis: Eastern", {"zip_code": "46204"}, "13:00", "01:59"),
    ("Tell City, Indiana: Central", {"zip_code": "47586"}, "14:00", "02:59"),
    ("Indiana, either zone", {"state": "IN"}, "14:00", "01:59"),
    ("Louisville, Kentucky: Eastern", {"zip_code": "40202"}, "13:00", "01:59"),
    ("Bowling Green, Kentucky: Central", {"zip_code": "42101"}, "14:00", "02:59"),
    ("Monticello, Kentucky: Eastern", {"zip_code": "42633"}, "13:00", "01:59"),
    ("Kentucky, either zone", {"state": "KY"}, "14:00", "01:59"),
    ("Tennessee, either zone", {"state": "TN"}, "14:00", "01:59"),
    ("El Paso: Mountain", {"zip_code": "79901"}, "15:00", "03:59"),
    ("Boise", {"zip_code": "83702"}, "15:00", "03:59"),
    ("Los Angeles", {"zip_code": "90012"}, "16:00", "04:59"),
    ("Anchorage", {"zip_code": "99501"}, "17:00", "05:59"),
    ("Adak", {"zip_code": "99546"}, "18:00", "06:59"),
    ("Alaska, either zone", {"state": "AK"}, "18:00", "05:59"),
    ("Honolulu", {"zip_code": "96813"}, "18:00", "06:59"),
    ("American Samoa", {"zip_code": "96799"}, "19:00", "07:59"),
    ("Guam", {"zip_code": "96910"}, "22:00", "10:59"),
    ("Northern Marianas", {"zip_code": "96950"}, "22:00", "10:59"),
    ("Puerto Rico", {"zip_code": "00901"}, "12:00", "00:59"),
    ("Virgin Islands", {"zip_code": "00802"}, "12:00", "00:59"),
    ("nothing known: 11:00 Eastern to 20:00", {}, "16:00", "00:59"),
    ("a military ZIP in no zone, abroad or at sea", {"zip_code": "09001"}, "16:00", "01:59"),
    ("a toll-free number lies nowhere", {"number": "+18005550123"}, "16:00", "00:59"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("told", "first", "last"), [pytest.param(*case[1:], id=case[0]) for case in PLACES]
)
def test_each_place_opens_and_closes_by_its_own_clock(told, first, last):
    rule = calling_rule(**told)
    minute = timedelta(minutes=1)
    opens = datetime.combine(date(2026, 1, 20), time.fromisoformat(first), UTC)
    last_one = datetime.combine(date(2026, 1, 20), time.fromisoformat(last), UTC)
    if last_one < opens:
        last_one += timedelta(days=1)

    assert [allowed(at, rule).ok for at in (opens - minute, opens)] == [False, True]
    assert [allowed(at, rule).ok for at in (last_one, last_one + minute)] == [True, False]
    opening = next_allowed(opens - minute, rule, n=1)[0]
    assert (opening.at, opening.until) == (opens, last_one + minute)


def test_an_hour_the_clocks_skip_is_the_end_of_the_gap_and_may_be_asked_for():
    asked = local_due(date(2026, 3, 8), time(2, 30), "America/New_York")
    rule = calling_rule(zip_code="10001", requested=[(asked, asked + timedelta(hours=1))])

    assert asked == datetime(2026, 3, 8, 7, tzinfo=UTC)  # 03:00 there
    found = next_allowed(datetime(2026, 3, 8, 5, tzinfo=UTC), rule, n=2)
    assert [(one.at.hour, one.until.hour) for one in found] == [(7, 8), (12, 1)]


def test_an_hour_that_comes_twice_is_asked_for_once():
    asked = local_due(date(2026, 11, 1), time(1, 30), "America/New_York")
    rule = calling_rule(zip_code="10001", requested=[(asked, asked + timedelta(minutes=30))])

    assert asked == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    assert allowed(asked, rule).ok
    # 01:30 on the clock again, an hour later.
    assert not allowed(asked + timedelta(hours=1), rule).ok
    found = next_allowed(datetime(2026, 11, 1, 4, tzinfo=UTC), rule, n=2)
    assert [one.at.hour for one in found] == [5, 13]


@pytest.mark.parametrize("exchange", ["+1202555", "+1307226", "+1812555", "+1689555", "+1800555"])
def test_of_a_number_area_code_and_exchange_alone_name_the_zones(exchange):
    lines = ["0000", "0100", "1212", "4567", "9999"]
    assert len({zones.number_zones(exchange + line) for line in lines}) == 1
    assert {zones._zones_of(exchange + line) for line in lines} == {
        zones.number_zones(f"{exchange}0142")
    }
