"""When a caller is rung: what they asked for, inside the hours we may, told in their own time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from intake.actions import calling_hours
from intake.rules import callback_times, hours
from intake.rules.callback_times import Day, Part
from tests.callers import BEN, CLEO, DINA, Page, only_callback

pytestmark = pytest.mark.django_db

NIGHT = datetime(2026, 3, 11, 6, 10, tzinfo=UTC)  # 02:10 in Washington


@pytest.fixture
def page(client, frozen):
    return Page(client, frozen)


OPEN_UNTIL_EIGHT = "from now until 8 p.m."


@pytest.mark.parametrize(
    ("changes", "due", "words"),
    [
        pytest.param({}, (10, 14, 0), OPEN_UNTIL_EIGHT, id="asap by day"),
        pytest.param(
            {"phone": BEN},
            (10, 15, 0),
            "today, Tuesday, March 10, from 8 a.m.",
            id="asap too early",
        ),
        pytest.param(
            {"day": "today", "part": "afternoon"},
            (10, 16, 0),
            "today, Tuesday, March 10, between noon and 5 p.m.",
            id="this afternoon",
        ),
        pytest.param(
            {"day": "tomorrow", "part": "morning", "phone": BEN},
            (11, 15, 0),
            "tomorrow, Wednesday, March 11, between 8 a.m. and noon",
            id="tomorrow morning on the west coast",
        ),
        pytest.param(
            {"day": "date", "on": "2026-03-20", "part": "evening"},
            (20, 21, 0),
            "on Friday, March 20, between 5 p.m. and 8 p.m.",
            id="a date",
        ),
        pytest.param(
            {"day": "asap", "part": "evening"},
            (10, 21, 0),
            "today, Tuesday, March 10, between 5 p.m. and 8 p.m.",
            id="as soon as possible, but evenings only",
        ),
        pytest.param(
            {"phone": DINA, "day": "today", "part": "morning"},
            (10, 18, 0),
            "now 4 a.m. where you are (Hawaii time)",
            id="Hawaii",
        ),
        pytest.param(
            {"zip_code": "94110", "day": "tomorrow", "part": "morning"},
            (11, 15, 0),
            "now 7 a.m. where you are (Pacific time)",
            id="the ZIP code outweighs the number",
        ),
        pytest.param(
            {"zip_code": "94110", "time_zone": "America/Denver", "day": "tomorrow"},
            (11, 14, 0),
            "now 8 a.m. where you are (Mountain time)",
            id="the stated zone outweighs both",
        ),
        pytest.param(
            {"phone": CLEO, "day": "tomorrow", "part": "morning"},
            (11, 13, 0),
            "If you go by Eastern time, it is between 9 a.m. and noon for you.",
            id="two zones: the hours both allow",
        ),
    ],
)
def test_the_time_promised_is_one_we_may_keep_told_in_their_own_time(page, changes, due, words):
    receipt = page.receipt(**changes)
    callback = only_callback()
    day, hour, minute = due
    expected = datetime(2026, 3, day, hour, minute, tzinfo=UTC)
    assert abs(callback.due_at - expected) <= timedelta(seconds=5)
    assert words in receipt
    assert ".." not in receipt
    assert calling_hours.decide(callback.person, callback.due_at).ok


def test_at_night_as_soon_as_possible_says_honestly_when_we_may_ring(page):
    page.clock.move_to(NIGHT)
    receipt = page.receipt()
    assert "We do not call at night unless you ask us to." in receipt
    assert "today, Wednesday, March 11, from 8 a.m. on" in receipt
    assert "now 2:10 a.m. where you are (Eastern time)" in receipt
    callback = only_callback()
    assert callback.due_at == datetime(2026, 3, 11, 12, 0, tzinfo=UTC)
    assert not callback.asked_outside_hours


def test_only_their_own_words_have_us_ring_at_night(page):
    page.clock.move_to(NIGHT)
    receipt = page.receipt(day="now")
    assert "at any hour, as you asked" in receipt
    callback = only_callback()
    assert callback.asked_outside_hours
    assert callback.due_at - NIGHT < timedelta(minutes=1)
    assert calling_hours.decide(
        callback.person, callback.due_at, asked_outside_hours=callback.asked_outside_hours
    ).ok


@pytest.mark.parametrize(
    ("hour", "minute", "field"), [(19, 50, "day"), (22, 0, "day")], ids=["nearly", "quite"]
)
def test_a_day_that_is_over_is_not_promised(page, hour, minute, field):
    # Eastern time is four hours behind.
    page.clock.move_to(datetime(2026, 3, 10, hour, minute, tzinfo=UTC) + timedelta(hours=4))
    response = page.send(day="today")
    assert "over" in response.context["form"].errors[field][0]


def test_a_part_of_the_day_that_is_over_is_not_promised(page):
    page.clock.move_to(datetime(2026, 3, 10, 15, 50, tzinfo=UTC))
    response = page.send(day="today", part="morning")
    assert "over" in response.context["form"].errors["part"][0]


def test_as_soon_as_possible_in_the_last_minutes_of_a_day_means_the_next_morning(page):
    page.clock.move_to(datetime(2026, 3, 10, 23, 50, tzinfo=UTC))
    receipt = page.receipt()
    assert "tomorrow, Wednesday, March 11, from 8 a.m. on" in receipt


THANKSGIVING_EVE = datetime(2026, 11, 25, 23, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("asked", "field"),
    [({"day": "tomorrow"}, "day"), ({"day": "date", "on": "2026-11-26"}, "on")],
    ids=["tomorrow", "by date"],
)
def test_a_holiday_is_promised_only_where_the_helpline_rings_on_it(page, settings, asked, field):
    page.clock.move_to(THANKSGIVING_EVE)
    settings.HELPLINE_CALLS_ON_HOLIDAYS = False
    refused = page.send(**asked)
    assert "federal holiday" in refused.context["form"].errors[field][0]
    settings.HELPLINE_CALLS_ON_HOLIDAYS = True
    assert "Thursday, November 26" in page.receipt(**asked)


def test_as_soon_as_possible_before_a_holiday_says_honestly_when(page, settings):
    settings.HELPLINE_CALLS_ON_HOLIDAYS = False
    page.clock.move_to(THANKSGIVING_EVE + timedelta(hours=4))  # 22:00 in Washington
    receipt = page.receipt()
    assert "on Friday, November 27, from 8 a.m." in receipt


@pytest.mark.once
def test_who_may_be_anywhere_is_asked_for_the_zone():
    anywhere = hours.calling_rule(
        safe_from=callback_times.PARTS[Part.EVENING].opens,
        safe_until=callback_times.PARTS[Part.EVENING].closes,
    )
    with pytest.raises(callback_times.PlaceUnclear):
        callback_times.first_slot(Day.ASAP, rule=anywhere, now=NIGHT)


@pytest.mark.once
@hypothesis_settings(deadline=None)
@given(
    st.sampled_from([day for day in Day if day is not Day.NOW]),
    st.sampled_from(list(Part)),
    st.sampled_from(["+12025550101", "+14155550102", "+18505550103", "+19075550105"]),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.integers(-2, 16),
)
def test_every_slot_lies_within_the_hours_they_may_be_called(day, part, number, now, ahead):
    window = callback_times.PARTS.get(part)
    rule = hours.calling_rule(
        number=number,
        safe_from=window.opens if window else None,
        safe_until=window.closes if window else None,
    )
    on = now.date() + timedelta(days=ahead)
    try:
        slot = callback_times.first_slot(day, rule=rule, now=now, on=on)
    except (callback_times.DayOver, callback_times.DayOutOfReach):
        return
    assert slot.begins >= now
    assert hours.allowed(slot.begins, rule).ok
    if slot.ends:
        assert slot.ends - slot.begins >= callback_times.SHORTEST
        assert hours.allowed(slot.ends - timedelta(seconds=1), rule).ok
