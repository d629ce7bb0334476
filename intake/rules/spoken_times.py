"""Words for days, spans and hours as callers say them, and the day or hour they mean.

Pure and small: ``last_use`` puts them together. None stands for a word nobody knows.
"""

import re
from datetime import date, time, timedelta
from decimal import Decimal

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
NUMBERS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "couple": 2, "few": 4,
    "several": 7,
}  # fmt: skip
UNITS = {
    "min": "minute", "mins": "minute", "minute": "minute", "minutes": "minute",
    "h": "hour", "hr": "hour", "hrs": "hour", "hour": "hour", "hours": "hour",
    "d": "day", "day": "day", "days": "day", "night": "day", "nights": "day",
    "w": "week", "wk": "week", "wks": "week", "week": "week", "weeks": "week",
    "mo": "month", "mos": "month", "month": "month", "months": "month",
    "y": "year", "yr": "year", "yrs": "year", "year": "year", "years": "year",
}  # fmt: skip
# From when on a part of the day can be spoken of, and the hour its beginning is taken for.
PARTS = {
    "morning": (time(0), time(6)),
    "noon": (time(12), time(12)),
    "afternoon": (time(12), time(12)),
    "evening": (time(17), time(17)),
    "night": (time(18), time(20)),
}


_TIME = re.compile(r"^(?:at\s+)?(\d{1,2})(?::(\d{2})(?::\d{2}(?:\.\d+)?)?)?\s*(am|pm|a|p)?$", re.A)


def number_in(text: str | None) -> Decimal | None:
    """``3``, ``1.5``, ``three``, ``few``; of a vague word its far end."""
    if not text:
        return None
    if text in NUMBERS:
        return Decimal(NUMBERS[text])
    return Decimal(text) if text[0].isdigit() else None


def months_before(day: date, months: int) -> date:
    """Raises ``ValueError`` before the year 1."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    # The 31st of a shorter month is its last day.
    first = date(year, month + 1, 1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return first.replace(day=min(day.day, last.day))


def day_called(name: str, today: date) -> date | None:
    """``today``, ``yesterday``, or the latest such weekday before today."""
    back = {"today": 0, "yesterday": 1, "day before yesterday": 2}
    if name in back:
        return today - timedelta(days=back[name])
    for number, weekday in enumerate(DAYS):
        if len(name) >= 3 and weekday.startswith(name.rstrip(".")):
            return today - timedelta(days=(today.weekday() - number - 1) % 7 + 1)
    return None


def day_dated(year: str | None, month: int, day: int, today: date) -> date | None:
    """Of the year given, or the latest that is past; None where no such day exists."""
    if year:
        return existing_day(int(year) + (2000 if len(year) == 2 else 0), month, day)
    # Eight years hold a February 29 wherever one is near.
    past = (existing_day(today.year - back, month, day) for back in range(9))
    return next((found for found in past if found and found <= today), None)


def existing_day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def hour_in(text: str) -> time | None:
    """``3pm``, ``3:30 pm``, ``15:00``; a bare number could be anything."""
    match = _TIME.match(text)
    if not match or not (match[2] or match[3]):
        return None
    hour, minute, half = int(match[1]), int(match[2] or 0), (match[3] or "")[:1]
    if half and not 1 <= hour <= 12:
        return None
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None
