"""Shifts by the clock on the wall: around midnight, across the changes of the clocks."""

from datetime import UTC, datetime, time, timedelta

import pytest

from intake.rules.shifts import Shift, shift_after, shift_of

pytestmark = pytest.mark.once

THREE = (time(7), time(15), time(23))
ZONE = "America/New_York"


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "starts_at", "ends_at"),
    [
        pytest.param("2026-03-10T14:00", "2026-03-10T11:00", "2026-03-10T19:00", id="day"),
        pytest.param("2026-03-10T11:00", "2026-03-10T11:00", "2026-03-10T19:00", id="first moment"),
        pytest.param("2026-03-10T10:59", "2026-03-10T03:00", "2026-03-10T11:00", id="night"),
        pytest.param("2026-03-11T02:59", "2026-03-10T19:00", "2026-03-11T03:00", id="evening"),
        pytest.param("2026-03-08T05:00", "2026-03-08T04:00", "2026-03-08T11:00", id="spring night"),
        pytest.param("2026-11-01T05:00", "2026-11-01T03:00", "2026-11-01T12:00", id="autumn night"),
    ],
)
def test_a_moment_lies_in_the_shift_its_clock_says(moment, starts_at, ends_at):
    found = shift_of(at(moment), starts=THREE, zone=ZONE)
    assert found == Shift(at(starts_at), at(ends_at))
    assert shift_after(found, starts=THREE, zone=ZONE).starts_at == found.ends_at


def test_one_start_a_day_is_a_shift_of_a_day():
    found = shift_of(at("2026-03-10T14:00"), starts=(time(9),), zone=ZONE)
    assert found.ends_at - found.starts_at == timedelta(days=1)


def test_a_start_the_clocks_jump_over_still_begins_a_shift():
    starts = (time(2, 30), time(14, 30))  # 2:30 is no time of 8 March in New York
    found = shift_of(at("2026-03-08T08:00"), starts=starts, zone=ZONE)
    assert found.starts_at == at("2026-03-08T07:30")
