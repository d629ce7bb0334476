"""Federal holidays (5 U.S.C. 6103), the weekday kept instead of one on a weekend included.

The dates come from the ``holidays`` package, so that a change of the law is an update of it.
"""

from datetime import date
from functools import cache


@cache
def _of_year(year: int) -> dict[date, str]:
    # Here, because it reads the holidays of every country on earth: a fifth of what each process of
    # ours took to start, and most never ask.
    from holidays.countries.united_states import US

    # New Year's Day on a Saturday is kept on the last day of the year before; the package knows.
    return dict(US(years=year))  # type: ignore[no-untyped-call]


def federal_holiday(day: date) -> str:
    """The name of the federal holiday on that day, or ""."""
    return _of_year(day.year).get(day, "")
