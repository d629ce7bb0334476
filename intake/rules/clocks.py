"""Local clocks: what a wall-clock time means in UTC, and when a zone's clocks change."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from intake.rules.zones import is_zone


class UnknownZone(ValueError):
    """The name is no IANA time zone."""


def clock_change(begins: datetime, ends: datetime, zone: ZoneInfo) -> datetime | None:
    """The moment (UTC, to the second) the zone's offset changes between the two, if it does."""

    def offset(moment: datetime) -> timedelta | None:
        return moment.astimezone(zone).utcoffset()

    if offset(begins) == offset(ends):
        return None
    low, high = begins, ends
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if offset(middle) == offset(begins):
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)


def local_due(on: date, at: time, zone: str) -> datetime:
    """The UTC moment of a local date and time.

    A time the clocks skip in spring (02:30) moves to the end of the gap (03:00). A time that comes
    twice in autumn (01:30) is its first coming, once. Raises ``UnknownZone``.
    """
    tz = zone_of(zone)
    local = datetime.combine(on, at.replace(tzinfo=None, fold=0), tz)
    moment = local.astimezone(UTC)
    if moment.astimezone(tz).replace(tzinfo=None) == local.replace(tzinfo=None):
        return moment
    change = clock_change(local.replace(fold=1).astimezone(UTC), moment, tz)
    return moment if change is None else change


def zone_of(name: str) -> ZoneInfo:
    """The zone of that IANA name. Raises ``UnknownZone``."""
    if not is_zone(name) and name != "UTC":
        raise UnknownZone("That is not a known time zone.")
    return ZoneInfo(name)


def aware(moment: datetime) -> datetime:
    """The moment in UTC. Raises ``ValueError`` for a datetime without a zone."""
    if moment.utcoffset() is None:
        raise ValueError("A moment needs a time zone; pass UTC.")
    return moment.astimezone(UTC)
