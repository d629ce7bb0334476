"""Finding the facilities that answer a need. A read: it writes nothing, not even an event."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from intake.actions.facilities import CAPACITY_HOLDS_AT_MOST
from intake.directory import places
from intake.models import CapacityReading, Facility
from intake.models.facilities import FacilityQuerySet
from intake.rules import matching
from intake.rules.matching import FacilityFacts, Match, Need, SearchResult
from intake.rules.service_codes import EXCLUSIVE, HOSPITAL_DETOX, LABELS

RADIUS_MILES = 50
# With fewer than this the circle widens: one place that says no must not end the search.
AT_LEAST = 3
# How much is read at a time: one query covers the circles up to its radius, and only a search that
# finds too few there reads further, in the end the whole country.
SWEEPS_MILES = (250, 500)
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

    def explained(self) -> dict[str, Any]:
        """How the list came about, as ``Referral.list_explained`` keeps it."""
        return {
            "explanation": self.explanation,
            "found": self.found,
            "radius_miles": self.radius_miles,
            "widened": self.widened,
            "not_matched": self.not_matched,
            "near_misses": [match.as_shown() for match in self.near_misses],
        }


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
    """Nearest first, reading no more of the country than the search needs."""
    candidates = _candidates(need)
    for miles in SWEEPS_MILES:
        result = _matched(_rows(candidates.near(latitude, longitude, miles)), need)
        if result.radius_miles is not None and result.radius_miles <= miles:
            return result
    return _matched(_rows(candidates), need)


def _by_state(need: Need) -> SearchResult:
    """No place to measure from: by state, the need's own first, then city, then name."""
    rows = _rows(_candidates(need))
    cities = {str(row.pk): row.city.casefold() for row in rows}
    result = _matched(rows, need)

    def place(found: Match) -> tuple[bool, bool, str, str]:
        facility = found.facility
        behind_hospitals = need.hospital_first and HOSPITAL_DETOX not in facility.codes
        elsewhere = facility.state != need.state
        return behind_hospitals, elsewhere, facility.state, cities[facility.key]

    count = len(result.matches)
    order = f"{need.state} first, then by state and city" if need.state else "by state and city"
    return replace(
        result,
        # Sorting is stable: within a city the order by name stays.
        matches=tuple(sorted(result.matches, key=place)),
        refused=tuple(sorted(result.refused, key=place)),
        explanation=f"{count:,} {'facility fits' if count == 1 else 'facilities fit'} in the whole"
        f" country, {order}: without a ZIP code the distance is not known.",
    )


class _Row(NamedTuple):
    """What matching and ordering need of a facility; a full model would take five times as long."""

    pk: UUID
    name: str
    service_codes: str
    latitude: float | None
    longitude: float | None
    state: str
    city: str
    medical_cover: bool | None


def _rows(facilities: FacilityQuerySet) -> list[_Row]:
    return [_Row(*values) for values in facilities.values_list(*_Row._fields)]


def _matched(rows: Iterable[_Row], need: Need) -> SearchResult:
    wanted = _codes_compared(need)
    facts = [
        FacilityFacts(
            key=str(row.pk),
            name=row.name,
            codes=wanted.intersection(row.service_codes.split()),
            latitude=row.latitude,
            longitude=row.longitude,
            state=row.state,
            medical_cover=row.medical_cover,
        )
        for row in rows
    ]
    return matching.search(facts, need, radius_miles=RADIUS_MILES, at_least=AT_LEAST)


def _codes_compared(need: Need) -> frozenset[str]:
    """The codes that matching reads; a facility carries eighty, and keeping all is half the time."""
    asked = (*need.detox, *need.settings, *need.required, *need.payers, *need.languages)
    return frozenset((*LABELS, *EXCLUSIVE, *asked, need.gender))


def _filled(result: SearchResult, *, now: datetime, limit: int) -> FacilitySearch:
    """The first of the result with what staff read of each: phones, tie, capacity."""
    shown = [*result.matches[:limit], *result.refused[:MOST_NEAR_MISSES]]
    ids = [UUID(found.facility.key) for found in shown]
    facilities = Facility.objects.defer("service_codes").in_bulk(ids)
    capacity = known_capacity(ids, now=now)

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


def known_capacity(facilities: Sequence[UUID], *, now: datetime) -> dict[UUID, list[Capacity]]:
    """Each facility's newest reading a level of care, where that one still holds at ``now``.

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
