"""Where a person's clock may stand: from what they said, their ZIP code, their state, their number.

The number is the weakest: an area code is kept when people move, and many lie in several zones.
"""

from dataclasses import dataclass
from enum import StrEnum

from intake.rules import zones


class ZoneSource(StrEnum):
    """Where a time zone was taken from, the strongest first."""

    STATED = "stated"
    ZIP = "zip"
    STATE = "state"
    NUMBER = "number"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ZoneGuess:
    """Candidate zones, westernmost first, and where they were taken from.

    ``states``: every state the ZIP code or the person named; empty means unknown.
    """

    zones: tuple[str, ...]
    source: ZoneSource
    states: tuple[str, ...] = ()

    @property
    def is_certain(self) -> bool:
        return len(self.zones) == 1

    @property
    def may_be_in_florida(self) -> bool:
        return not self.states or "FL" in self.states


def guess_zones(
    *, zip_code: str = "", state: str = "", number: str = "", stated_zone: str = ""
) -> ZoneGuess:
    """Where the person's clock may stand: stated zone, else ZIP, else state, else number (E.164).

    A ZIP without a zone (military, or faulty data) falls through to the next source.
    """
    zip_zone, zip_state = zones.zip_place(zip_code)
    named = [name.strip().upper() for name in (zip_state, state) if name.strip()]
    states = tuple(dict.fromkeys(named))
    if zones.is_zone(stated_zone):
        return ZoneGuess((stated_zone,), ZoneSource.STATED, states)
    if zip_zone:
        return ZoneGuess((zip_zone,), ZoneSource.ZIP, states)
    for name in states:
        found = zones.state_zones(name)
        if found:
            return ZoneGuess(found, ZoneSource.STATE, states)
    found = zones.number_zones(number) if number else ()
    return ZoneGuess(found, ZoneSource.NUMBER if found else ZoneSource.UNKNOWN, states)
