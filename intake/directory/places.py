"""Where a ZIP code lies, from the table bundled with the ``zipcodes`` package."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import zipcodes

from intake.rules import zones
from intake.rules.matching import haversine_miles

# A ZIP area may straddle a state line (42223, Fort Campbell); this far it is believed.
ACROSS_STATE_LINE_MILES = 25
# A ZIP without a usable time zone takes that of the nearest one in its state, if this near.
NEIGHBOR_MILES = 50

ZIP_CODE = re.compile(r"[0-9]{5}(-[0-9]{4})?")
STATES = frozenset(zones.STATE_ZONES)


@dataclass(frozen=True, slots=True)
class Place:
    """A ZIP code's city, state, county, center in degrees, and IANA zone; unknown is empty."""

    zip_code: str
    city: str
    state: str
    county: str
    latitude: float | None
    longitude: float | None
    time_zone: str


@dataclass(frozen=True, slots=True)
class Location:
    """Where an address lies as far as its ZIP tells, and what kept us from knowing more."""

    county: str = ""
    latitude: float | None = None
    longitude: float | None = None
    time_zone: str = ""
    doubt: str = ""


def place_of(zip_code: str) -> Place | None:
    """The place of a ZIP code (``33101`` or ``33101-1234``); nothing when it is not a real one."""
    if not ZIP_CODE.fullmatch(zip_code):
        return None
    return _places_of_area(zip_code[:3]).get(zip_code[:5])


@lru_cache(maxsize=4096)
def locate(zip_code: str, state: str) -> Location:
    """The location of an address in ``state`` with that ZIP code.

    Nothing is invented: without a believable ZIP there are no coordinates and no county, and a
    time zone only where the whole state has one.
    """
    place = place_of(zip_code) if zip_code else None
    if place is None:
        doubt = f"ZIP code {zip_code} is not known" if zip_code else "no ZIP code"
        return Location(time_zone=zone_of_state(state), doubt=doubt)
    if place.state == state:
        return Location(
            place.county,
            place.latitude,
            place.longitude,
            place.time_zone or _zone_nearby(place) or zone_of_state(state),
        )
    if _miles_to_state(place, state) <= ACROSS_STATE_LINE_MILES:
        # The county on record is the other state's.
        return Location(
            "", place.latitude, place.longitude, zone_of_state(state) or place.time_zone
        )
    doubt = f"ZIP code {zip_code} is in {place.state}, not in {state}"
    return Location(time_zone=zone_of_state(state), doubt=doubt)


def zone_of_state(state: str) -> str:
    """The IANA zone of the whole state, or nothing where it has several or none."""
    candidates = zones.state_zones(state)
    return candidates[0] if len(candidates) == 1 else ""


@lru_cache(maxsize=256)
def _places_of_area(first_digits: str) -> Mapping[str, Place]:
    """By ZIP code. The package searches all its codes each time, so ask for fifty at once."""
    rows = zipcodes.similar_to(first_digits)  # type: ignore[no-untyped-call]
    return {row["zip_code"]: _place(row) for row in rows}


@lru_cache(maxsize=64)
def _places_of_state(state: str) -> tuple[Place, ...]:
    rows = zipcodes.filter_by(state=state)  # type: ignore[no-untyped-call]
    return tuple(_place(row) for row in rows)


def _place(row: Mapping[str, str]) -> Place:
    latitude, longitude = float(row["lat"]), float(row["long"])
    # The table puts military post offices at 0, 0.
    is_somewhere = bool(latitude or longitude)
    # It also names a village where the zone of 99634 should stand.
    zone = row["timezone"] if zones.is_zone(row["timezone"]) else ""
    return Place(
        zip_code=row["zip_code"],
        city=row["city"],
        state=row["state"],
        county=row["county"],
        latitude=latitude if is_somewhere else None,
        longitude=longitude if is_somewhere else None,
        time_zone=zone,
    )


def _zone_nearby(place: Place) -> str:
    near = [
        (_miles(place, other), other.time_zone)
        for other in _places_of_state(place.state)
        if other.time_zone
    ]
    miles, zone = min(near, default=(math.inf, ""))
    return zone if miles <= NEIGHBOR_MILES else ""


def _miles_to_state(place: Place, state: str) -> float:
    return min((_miles(place, other) for other in _places_of_state(state)), default=math.inf)


def _miles(place: Place, other: Place) -> float:
    if place.latitude is None or place.longitude is None:
        return math.inf
    if other.latitude is None or other.longitude is None:
        return math.inf
    return haversine_miles(place.latitude, place.longitude, other.latitude, other.longitude)
