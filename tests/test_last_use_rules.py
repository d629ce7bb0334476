"""Last used, as callers say it: one labeled case per way of saying it, then what always holds."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from intake.rules.clocks import zone_of
from intake.rules.last_use import LastUse, Precision, Unread, read_last_use, written

pytestmark = pytest.mark.once

ZONE = "America/New_York"
# A Tuesday, 10:00 in New York, two days after the clocks went forward.
NOW = datetime(2026, 3, 10, 14, 0, tzinfo=UTC)
TIME, ABOUT_TIME, DAY, ABOUT_DAY = Precision

READ = [
    ("days ago", "5 days ago", "2026-03-05 00:00", ABOUT_DAY),
    ("days, short", "5d", "2026-03-05 00:00", ABOUT_DAY),
    ("days in words", "Five days ago.", "2026-03-05 00:00", ABOUT_DAY),
    ("a couple", "a couple of days ago", "2026-03-08 00:00", ABOUT_DAY),
    ("a few, its far end", "a few days", "2026-03-06 00:00", ABOUT_DAY),
    ("from to, its far end", "2-3 days ago", "2026-03-07 00:00", ABOUT_DAY),
    ("two or three", "two or three days", "2026-03-07 00:00", ABOUT_DAY),
    ("half days", "1.5 days", "2026-03-08 22:00", ABOUT_TIME),
    ("hours", "2h", "2026-03-10 08:00", ABOUT_TIME),
    ("an hour", "an hour ago", "2026-03-10 09:00", ABOUT_TIME),
    ("half an hour", "half an hour ago", "2026-03-10 09:30", ABOUT_TIME),
    ("minutes", "20 min ago", "2026-03-10 09:40", ABOUT_TIME),
    ("now", "just now", "2026-03-10 10:00", ABOUT_TIME),
    ("weeks", "3 weeks", "2026-02-17 00:00", ABOUT_DAY),
    ("weeks, short", "3w", "2026-02-17 00:00", ABOUT_DAY),
    ("last week", "last week", "2026-03-03 00:00", ABOUT_DAY),
    ("months", "4 months ago", "2025-11-10 00:00", ABOUT_DAY),
    ("years", "2 years", "2024-03-10 00:00", ABOUT_DAY),
    ("or so", "3 weeks or so", "2026-02-17 00:00", ABOUT_DAY),
    ("today", "today", "2026-03-10 00:00", DAY),
    ("yesterday", "Yesterday", "2026-03-09 00:00", DAY),
    ("about yesterday", "about yesterday", "2026-03-09 00:00", ABOUT_DAY),
    ("the day before", "the day before yesterday", "2026-03-08 00:00", DAY),
    ("yesterday at", "yesterday at 3pm", "2026-03-09 15:00", TIME),
    ("yesterday, 24 hours", "yesterday 15:30", "2026-03-09 15:30", TIME),
    ("yesterday evening", "yesterday evening", "2026-03-09 17:00", ABOUT_TIME),
    ("this morning", "this morning", "2026-03-10 06:00", ABOUT_TIME),
    ("last night", "last night", "2026-03-09 20:00", ABOUT_TIME),
    ("weekday", "monday", "2026-03-09 00:00", DAY),
    ("weekday, short", "fri", "2026-03-06 00:00", DAY),
    ("this very weekday", "tuesday", "2026-03-03 00:00", DAY),
    ("last weekday", "last Sunday", "2026-03-08 00:00", DAY),
    ("weekday night", "sunday night", "2026-03-08 20:00", ABOUT_TIME),
    ("time of today", "8am", "2026-03-10 08:00", TIME),
    ("time to come is yesterday's", "8 pm", "2026-03-09 20:00", TIME),
    ("month and day of last year", "11/20", "2025-11-20 00:00", DAY),
    ("month and day of this year", "2/3", "2026-02-03 00:00", DAY),
    ("with a year", "11/20/24", "2024-11-20 00:00", DAY),
    ("with a time", "3/8/2026 8:15 pm", "2026-03-08 20:15", TIME),
    ("February 29", "2/29", "2024-02-29 00:00", DAY),
    ("month by name", "Nov 20", "2025-11-20 00:00", DAY),
    ("day first", "20th of november 2025", "2025-11-20 00:00", DAY),
    ("month by name with a time", "March 8, 2026, 9 am", "2026-03-08 09:00", TIME),
    ("ISO date", "2026-03-08", "2026-03-08 00:00", DAY),
    ("ISO date and time", "2026-03-08T10:00", "2026-03-08 10:00", TIME),
    ("as it is written back", "about 2026-03-08 10:00", "2026-03-08 10:00", ABOUT_TIME),
    ("a clock slightly ahead", "2026-03-10 10:04", "2026-03-10 10:00", TIME),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "local", "precision"), [pytest.param(*case[1:], id=case[0]) for case in READ]
)
def test_it_is_read_in_the_zone_of_the_staff_and_as_precise_as_it_was_said(text, local, precision):
    found = read_last_use(text, now=NOW, zone=ZONE)

    assert f"{found.at.astimezone(zone_of(ZONE)):%Y-%m-%d %H:%M}" == local
    assert found.precision is precision


UNREAD = [
    ("words", "a while back", Unread.NOT_UNDERSTOOD),
    ("a bare number", "5", Unread.NOT_UNDERSTOOD),
    ("a bare hour", "yesterday at 3", Unread.NOT_UNDERSTOOD),
    ("never", "never", Unread.NOT_UNDERSTOOD),
    ("no such day", "2/30", Unread.NOT_UNDERSTOOD),
    ("no such month", "20/11", Unread.NOT_UNDERSTOOD),
    ("no such hour", "yesterday 25:00", Unread.NOT_UNDERSTOOD),
    ("may or june", "ju 3", Unread.NOT_UNDERSTOOD),
    ("empty", "  ", Unread.NOT_UNDERSTOOD),
    ("endless", "1 day ago " * 20, Unread.NOT_UNDERSTOOD),
    ("tomorrow's date", "2026-03-11", Unread.STILL_TO_COME),
    ("this evening, said in the morning", "this evening", Unread.STILL_TO_COME),
    ("today at a time to come", "today 8pm", Unread.STILL_TO_COME),
    ("before anyone lived", "9999 years ago", Unread.TOO_LONG_AGO),
    ("long ago", "150 years", Unread.TOO_LONG_AGO),
    ("digits of another script", "\u0665 days ago", Unread.NOT_UNDERSTOOD),
]


@pytest.mark.parametrize(("text", "why"), [pytest.param(*case[1:], id=case[0]) for case in UNREAD])
def test_what_cannot_be_read_says_why(text, why):
    assert read_last_use(text, now=NOW, zone=ZONE) is why


def test_two_days_ago_counts_as_two_full_days_at_any_hour():
    for hour in range(24):
        now = NOW.replace(hour=hour) + timedelta(days=30)
        found = read_last_use("2 days ago", now=now, zone=ZONE)
        assert now - found.at >= timedelta(days=2)


WORDS = """5 days ago yesterday about monday 11/20 at 3pm last night week 2h 2-3 sept 31 or so of a
few 2026-03-08 0 9999 years 1.5 - / : months may this morning am today noon"""
words = st.sampled_from(WORDS.split())
zones = st.sampled_from([ZONE, "America/Los_Angeles", "Pacific/Honolulu", "UTC"])
moments = st.integers(10**8, 4 * 10**9).map(lambda second: datetime.fromtimestamp(second, UTC))


@given(st.text(max_size=80) | st.lists(words, max_size=6).map(" ".join), moments, zones)
@example("0000-01-01", NOW, ZONE)
@example("9999-12-31 23:59", NOW, ZONE)
@example("1/1/0001", NOW, ZONE)
def test_reading_never_raises_and_is_never_in_the_future(text, now, zone):
    found = read_last_use(text, now=now, zone=zone)
    if isinstance(found, LastUse):
        assert found.at <= now
        assert found.at.tzinfo is UTC


@given(st.lists(words, min_size=1, max_size=5).map(" ".join), moments, st.integers(0, 400))
def test_what_is_said_back_reads_the_same_however_much_later(text, now, days):
    found = read_last_use(text, now=now, zone="Pacific/Honolulu")
    if isinstance(found, LastUse):
        again = written(found, zone="Pacific/Honolulu")
        later = now + timedelta(days=days)
        assert read_last_use(again, now=later, zone="Pacific/Honolulu") == found
