"""When people ring: hour-of-day and weekday weights.

Reduced from 10,953 dated incidents of the Pennsylvania overdose information network, 2018-2020
(public data of the Commonwealth). Hour 0 held default values there and is set between its
neighbors. Weights, not counts: only their proportions matter.
"""

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

# Midnight first.
BY_HOUR = (
    435, 367, 287, 233, 167, 206, 191, 250, 285, 294, 314, 424,
    449, 402, 440, 475, 499, 527, 555, 690, 599, 613, 547, 504,
)  # fmt: skip
# Monday first.
BY_WEEKDAY = (1420, 1440, 1420, 1491, 1810, 1832, 1540)


def moments(
    chance: random.Random, *, count: int, days: int, until: datetime, zone: str
) -> list[datetime]:
    """``count`` moments (UTC, in order) within the ``days`` before ``until``, local pattern."""
    local_zone = ZoneInfo(zone)
    first_day = (until - timedelta(days=days)).astimezone(local_zone).date()
    dates = [first_day + timedelta(days=number) for number in range(days + 1)]
    weights = [BY_WEEKDAY[day.weekday()] for day in dates]
    found: list[datetime] = []
    while len(found) < count:
        (day,) = chance.choices(dates, weights)
        (hour,) = chance.choices(range(24), BY_HOUR)
        moment = datetime(
            day.year, day.month, day.day, hour, chance.randrange(60), tzinfo=local_zone
        ).astimezone(UTC)
        if until - timedelta(days=days) <= moment < until:
            found.append(moment)
    return sorted(found)
