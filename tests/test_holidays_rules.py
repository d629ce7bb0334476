"""Federal holidays: the eleven days of 5 U.S.C. 6103, and what the calling hours make of them."""

from datetime import UTC, date, datetime, timedelta

import pytest

from intake.rules.holidays import federal_holiday
from intake.rules.hours import allowed, calling_rule, next_allowed

pytestmark = pytest.mark.once

OF_2026 = {
    date(2026, 1, 1): "New Year's Day",
    date(2026, 1, 19): "Martin Luther King Jr. Day",
    date(2026, 2, 16): "Washington's Birthday",
    date(2026, 5, 25): "Memorial Day",
    date(2026, 6, 19): "Juneteenth National Independence Day",
    # The Fourth is a Saturday: the Friday before is kept as well.
    date(2026, 7, 3): "Independence Day (observed)",
    date(2026, 7, 4): "Independence Day",
    date(2026, 9, 7): "Labor Day",
    date(2026, 10, 12): "Columbus Day",
    date(2026, 11, 11): "Veterans Day",
    date(2026, 11, 26): "Thanksgiving Day",
    date(2026, 12, 25): "Christmas Day",
}


def test_the_holidays_of_a_year():
    days = (date(2026, 1, 1) + timedelta(days=n) for n in range(365))

    assert {day: name for day in days if (name := federal_holiday(day))} == OF_2026


def test_a_new_year_on_a_saturday_is_kept_in_the_old_year():
    assert federal_holiday(date(2027, 12, 31)) == "New Year's Day (observed)"


NOON = datetime(2026, 11, 26, 17, tzinfo=UTC)  # Thanksgiving in New York


def test_a_holiday_is_a_day_like_any_other_unless_the_helpline_chose_otherwise():
    assert allowed(NOON, calling_rule(zip_code="10001")).ok

    refused = allowed(NOON, calling_rule(zip_code="10001", keeps_holidays=True))
    assert not refused.ok
    assert "Thanksgiving Day" in refused.reason


def test_the_next_time_after_a_holiday_is_the_next_morning():
    found = next_allowed(NOON, calling_rule(zip_code="10001", keeps_holidays=True), n=1)

    assert found[0].at == datetime(2026, 11, 27, 13, tzinfo=UTC)


def test_the_day_is_theirs_not_ours():
    # Friday in Guam already while it is Thursday in New York.
    guam = calling_rule(zip_code="96910", keeps_holidays=True)

    assert allowed(datetime(2026, 11, 26, 23, tzinfo=UTC), guam).ok
    assert not allowed(datetime(2026, 11, 25, 23, tzinfo=UTC), guam).ok


def test_whoever_asked_for_that_very_time_is_rung():
    rule = calling_rule(
        zip_code="10001", keeps_holidays=True, requested=[(NOON, NOON + timedelta(hours=1))]
    )

    assert allowed(NOON, rule).ok
    assert not allowed(NOON + timedelta(hours=2), rule).ok
