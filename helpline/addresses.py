"""Where a request came from, as far as that can be known."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest

# Some proxies add the port: 192.0.2.7:52011, [2001:db8::7]:52011.
_WITH_PORT = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+))(?::[0-9]{1,5})?")


def client_address(request: HttpRequest) -> str:
    """The address of whoever asks; "" when the web server does not know one.

    Each of our ``TRUSTED_PROXIES`` adds the address it was asked from at the right end of
    X-Forwarded-For. What stands to the left of those was written by the client and may be anything,
    so it is never looked at. Where our own entry is missing or is no address, it is the address at
    the other end of the connection.
    """
    count: int = settings.TRUSTED_PROXIES
    if count:
        entries = str(request.META.get("HTTP_X_FORWARDED_FOR", "")).rsplit(",", count)[-count:]
        if len(entries) == count and (address := _read(entries[0].strip())):
            return address
    return _read(str(request.META.get("REMOTE_ADDR", "")))


def _read(text: str) -> str:
    """The address in its one usual form; "" for anything else."""
    found = _WITH_PORT.fullmatch(text)
    try:
        address: IPv4Address | IPv6Address = ip_address(
            (found[1] or found[2]) if found else text.partition("%")[0]
        )
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)
