"""Finding the facilities that answer a need. A read: it writes nothing, not even an event."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from intake.actions.facilities import CAPACITY_HOLDS_AT_MOST
from intake.directory import places
from intake.models import CapacityReading, Facility
from intake.models.facilities import FacilityQuerySet
from intake.rules import matching
from intake.rules.matching import FacilityFacts, Match, Need, SearchResult
from intake.rules.service_codes import HOSPITAL_DETOX

RADIUS_MILES = 50
# With fewer than this the circle widens: one place that says no must not end the search.
AT_LEAST = 3
# One query covers the circles up to here; only a search that needs more reads the whole country.
FIRST_SWEEP_MILES = 250
MOST_SHOWN = 25
MOST_NEAR_MISSES = 10


@dataclass(frozen=True, slots=True)
class Capacity:
    """Beds a facility reported for one level of care, still within its time."""

    level_of_care: str
    beds_free: int
    read_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class FacilityMatch:
    """One line of the list. An empty ``capacity`` means unknown, never full.

    ``distance_miles`` runs between the centers of two ZIP codes, so it is rounded to whole miles;
    ``None`` is unknown.
    """

    facility_id: UUID
    name: str
    program_name: str
    city: str
    state: str
    phone: str
    intake_phones: tuple[str, ...]
    time_zone: str
    relationship: str
    verified_at: datetime | None
    distance_miles: int | None
    reasons_for: tuple[str, ...]
    reasons_against: tuple[str, ...]
    to_confirm: tuple[str, ...]
    capacity: tuple[Capacity, ...]

    def as_shown(self) -> dict[str, Any]:
        """The line as ``Referral.list_shown`` keeps it."""
        return {
            "facility": str(self.facility_id),
            "name": self.name,
            "program_name": self.program_name,
            "city": self.city,
            "state": self.state,
            "phone": self.phone,
            "relationship": self.relationship,
            "distance_miles": self.distance_miles,
            "reasons_for": list(self.reasons_for),
            "reasons_against": list(self.reasons_against),
            "to_confirm": list(self.to_confirm),
            "capacity": [
                {
                    "level_of_care": reading.level_of_care,
                    "beds_free": reading.beds_free,
                    "read_at": reading.read_at.isoformat(),
                }
                for reading in self.capacity
            ],
        }


@dataclass(frozen=True, slots=True)
class FacilitySearch:
    """The list to show, in order, and the sentence that says how it came about.

    ``found`` counts all that fit within ``radius_miles`` (``None``: the whole country), of which
    ``matches`` are the first. ``not_matched`` counts, by reason, the facilities within the radius
    that give this detox in such a setting and still do not fit; one may count under several
    reasons. ``near_misses`` are the first of those.
    """

    matches: tuple[FacilityMatch, ...]
    found: int
    near_misses: tuple[FacilityMatch, ...]
    not_matched: dict[str, int]
    radius_miles: float | None
    widened: bool
    explanation: str


def search(*, need: Need, zip_code: str, now: datetime, limit: int = MOST_SHOWN) -> FacilitySearch:
    """The listed facilities that answer the need, nearest to the ZIP code first.

    Starts within 50 miles and widens, saying so, while fewer than three fit. Without a ZIP code
    that lies anywhere, the list goes by state (the need's own first) and city, and says so. Money
    and ties never move a facility.
    """
    place = places.place_of(zip_code)
    if place is None or place.latitude is None or place.longitude is None:
        result = _by_state(replace(need, latitude=None, longitude=None))
    else:
        state = need.state or place.state
        located = replace(need, state=state, latitude=place.latitude, longitude=place.longitude)
        result = _around(located, place.latitude, place.longitude)
    return _filled(result, now=now, limit=limit)


def _candidates(need: Need) -> FacilityQuerySet:
    """What SQL can decide: listed, gives this detox, in one of these settings."""
    candidates = Facility.objects.listed().offering(*need.detox)
    return candidates.offering_any(need.settings) if need.settings else candidates


def _around(need: Need, latitude: float, longitude: float) -> SearchResult:
    """Nearest first. The whole country is read only when the first sweep holds too few."""
    candidates = _candidates(need)
    nearby = _facts(candidates.near(latitude, longitude, FIRST_SWEEP_MILES))
    result = matching.search(nearby, need, radius_miles=RADIUS_MILES, at_least=AT_LEAST)
    if result.radius_miles is not None and result.radius_miles <= FIRST_SWEEP_MILES:
        return result
    return matching.search(_facts(candidates), need, radius_miles=RADIUS_MILES, at_least=AT_LEAST)


def _by_state(need: Need) -> SearchResult:
    """No place to measure from: by state, the need's own first, then city, then name."""
    candidates = _candidates(need)
    cities = dict(candidates.values_list("pk", "city"))
    result = matching.search(_facts(candidates), need)

    def place(found: Match) -> tuple[bool, bool, str, str]:
        facility = found.facility
        behind_hospitals = need.hospital_first and HOSPITAL_DETOX not in facility.codes
        # A facility that was stored between the two reads goes last.
        city = cities.get(UUID(facility.key), "\uffff")
        return behind_hospitals, facility.state != need.state, facility.state, city.casefold()

    first = f", {need.state} first" if need.state else ""
    count = len(result.matches)
    return replace(
        result,
        matches=tuple(sorted(result.matches, key=place)),
        refused=tuple(sorted(result.refused, key=place)),
        explanation=f"{count:,} {'facility fits' if count == 1 else 'facilities fit'} in the whole"
        f" country, by state{first}, and city: without a ZIP code the distance is not known.",
    )


def _facts(facilities: FacilityQuerySet) -> list[FacilityFacts]:
    rows = facilities.values_list(
        "pk", "name", "service_codes", "latitude", "longitude", "state", "medical_cover"
    )
    return [
        FacilityFacts(
            key=str(pk),
            name=name,
            codes=frozenset(codes.split()),
            latitude=latitude,
            longitude=longitude,
            state=state,
            medical_cover=medical_cover,
        )
        for pk, name, codes, latitude, longitude, state, medical_cover in rows
    ]


def _filled(result: SearchResult, *, now: datetime, limit: int) -> FacilitySearch:
    """The first of the result with what staff read of each: phones, tie, capacity."""
    shown = [*result.matches[:limit], *result.refused[:MOST_NEAR_MISSES]]
    ids = [UUID(found.facility.key) for found in shown]
    facilities = Facility.objects.defer("service_codes").in_bulk(ids)
    capacity = _capacity(ids, now=now)

    def lines(found: Sequence[Match]) -> tuple[FacilityMatch, ...]:
        return tuple(
            _line(one, facilities[pk], capacity[pk])
            for one in found
            if (pk := UUID(one.facility.key)) in facilities
        )

    reasons = Counter(reason for found in result.refused for reason in found.reasons_against)
    return FacilitySearch(
        matches=lines(result.matches[:limit]),
        found=len(result.matches),
        near_misses=lines(result.refused[:MOST_NEAR_MISSES]),
        not_matched=dict(reasons.most_common()),
        radius_miles=result.radius_miles,
        widened=result.widened,
        explanation=result.explanation,
    )


def _line(found: Match, facility: Facility, capacity: Iterable[Capacity]) -> FacilityMatch:
    miles = found.distance_miles
    return FacilityMatch(
        facility_id=facility.pk,
        name=facility.name,
        program_name=facility.program_name,
        city=facility.city,
        state=facility.state,
        phone=facility.phone,
        intake_phones=tuple(facility.intake_phones),
        time_zone=facility.time_zone,
        relationship=facility.relationship,
        verified_at=facility.verified_at,
        distance_miles=None if miles is None else round(miles),
        reasons_for=found.reasons_for,
        reasons_against=found.reasons_against,
        to_confirm=found.to_confirm,
        capacity=tuple(capacity),
    )


def _capacity(facilities: Sequence[UUID], *, now: datetime) -> dict[UUID, list[Capacity]]:
    """Each facility's newest reading a level of care, where that one still holds.

    An older reading that would hold longer does not come back: it was superseded.
    """
    readings = CapacityReading.objects.filter(
        facility__in=facilities, read_at__gt=now - CAPACITY_HOLDS_AT_MOST, read_at__lte=now
    ).order_by("facility", "level_of_care", "-read_at", "-id")
    seen: set[tuple[UUID, str]] = set()
    held: dict[UUID, list[Capacity]] = defaultdict(list)
    for reading in readings:
        about = (reading.facility_id, reading.level_of_care)
        if about in seen:
            continue
        seen.add(about)
        if reading.is_known(now):
            held[reading.facility_id].append(
                Capacity(
                    level_of_care=reading.level_of_care,
                    beds_free=reading.beds_free,
                    read_at=reading.read_at,
                    expires_at=reading.expires_at,
                )
            )
    return held
