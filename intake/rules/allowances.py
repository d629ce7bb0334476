"""How much one place may ask of the public form: a share an hour, counted in stretches of time.

Pure: no clock, no database.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, ip_address

# Nothing finer is written down about when somebody asked.
STRETCH = timedelta(minutes=5)
SHARE_LASTS = timedelta(minutes=60)
# A stretch counts until the last moment in it is an hour ago.
COUNTS_FOR = SHARE_LASTS + STRETCH
# IPv6: a household is given 64 bits to choose its addresses from.
NETWORK_BITS = 64

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def place_of(address: str) -> str:
    """What shares one allowance: an IPv4 address, or the /64 network of an IPv6 one, in hex.

    "" for "" and for what is no address.
    """
    try:
        known = ip_address(address)
    except ValueError:
        return ""
    if isinstance(known, IPv4Address):
        return known.packed.hex()
    return known.packed[: NETWORK_BITS // 8].hex()


def stretch_of(moment: datetime) -> datetime:
    """The beginning (UTC) of the five minutes in which the moment lies."""
    return _EPOCH + (moment - _EPOCH) // STRETCH * STRETCH


def counted(now: datetime) -> tuple[datetime, datetime]:
    """A stretch counts if it began after the first moment and not after the second.

    What lies further ahead was written before the clock was put back.
    """
    return now - COUNTS_FOR, now + COUNTS_FOR


def free_again_at(used: Iterable[tuple[datetime, int]], *, most: int) -> datetime:
    """When less than ``most`` counts, of what was ``used`` in stretches by when each began."""
    stretches = sorted(used)
    left = sum(count for _began, count in stretches)
    for began, count in stretches:
        left -= count
        if left < most:
            return began + COUNTS_FOR
    raise ValueError("There is no share to wait for.")
