"""Which facilities answer a need, why, and why not.

Codes are those of SAMHSA's National Directory. Hard requirements decide; nothing is scored. The
order is by distance, then name: never by money, ties or who pays whom. What the directory cannot
prove (medical cover of a residential detox, a bed, another state's Medicaid) is not assumed but
listed as "to confirm" by phone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt

from intake.rules.needs import FacilityFacts, Need, detox_codes, need_for
from intake.rules.service_codes import (
    AGE_GROUPS,
    EXCLUSIVE,
    EXCLUSIVE_DETOX,
    GENDERS,
    HOSPITAL_DETOX,
    LABELS,
    MEDICAID,
    NO_PAYMENT,
    STATE_PLAN,
    age_group,
    label_of,
)

__all__ = [
    "LABELS",
    "RADII_MILES",
    "FacilityFacts",
    "Match",
    "Need",
    "SearchResult",
    "age_group",
    "detox_codes",
    "haversine_miles",
    "label_of",
    "match",
    "need_for",
    "search",
]

EARTH_RADIUS_MILES = 3958.7613
# Wider circles tried in turn when nothing is near; None is the whole country.
RADII_MILES: tuple[float | None, ...] = (25, 50, 100, 250, 500, None)


@dataclass(frozen=True, slots=True)
class Match:
    """One facility against one need. ``ok`` means: no reason against was found."""

    facility: FacilityFacts
    ok: bool
    reasons_for: tuple[str, ...]
    reasons_against: tuple[str, ...]
    to_confirm: tuple[str, ...]
    distance_miles: float | None


class _Reasons:
    """Collects the three lists while one facility is read."""

    def __init__(self) -> None:
        self.given: list[str] = []
        self.against: list[str] = []
        self.confirm: list[str] = []


def match(facility: FacilityFacts, need: Need) -> Match:
    """Hold one facility against a need; every reason is a phrase fit to read to staff."""
    reasons = _Reasons()
    for check in (_detox, _setting, _exclusive, _age, _gender, _programs, _languages, _payment):
        check(facility, need, reasons)
    return Match(
        facility=facility,
        ok=not reasons.against,
        reasons_for=tuple(reasons.given),
        reasons_against=tuple(reasons.against),
        to_confirm=tuple(reasons.confirm),
        distance_miles=_distance(facility, need),
    )


def _detox(facility: FacilityFacts, need: Need, reasons: _Reasons) -> None:
    for code in need.detox:
        if code in facility.codes:
            reasons.given.append(f"gives {label_of(code)}")
        else:
            reasons.against.append(f"does not list {label_of(code)}")


def _setting(facility: FacilityFacts, need: Need, reasons: _Reasons) -> None:
    if not need.settings:
        return
    found = [code for code in need.settings if code in facility.codes]
    if not found:
        wanted = " or ".join(label_of(code) for code in need.settings)
        reasons.against.append(f"lists no {wanted}")
        return
    reasons.given += [f"has {label_of(code)}" for code in found]
    if not need.medical_cover or HOSPITAL_DETOX in found:
        return
    # A residential detox is not proof of medical staff; the directory does not say.
    if facility.medical_cover is True:
        reasons.given.append("medical cover confirmed by staff")
    elif facility.medical_cover is False:
        reasons.against.append("residential detox without medical cover")
    else:
        reasons.confirm.append("medical cover day and night")


def _exclusive(facility: FacilityFacts, need: Need, reasons: _Reasons) -> None:
    for code, group in EXCLUSIVE.items():
        if code in facility.codes and need.detox != (EXCLUSIVE_DETOX.get(code),):
            reasons.against.append(f"serves {group} only")


def _age(facility: FacilityFacts, need: Need, reasons: _Reasons) -> None:
    if need.age is None:
        reasons.confirm.append("age of the person, which is not recorded")
        return
    group = age_group(need.age)
    listed = facility.codes & AGE_GROUPS
    if group in listed:
        reasons.given.append(f"takes {label_of(group)}")
    elif group == "SNR" and "ADLT" in listed:
        # Hardly any facility lists seniors, while most adult programs take them.
        reasons.confirm.append("takes a person aged 65 or older")
    elif group != "CHLD" and not listed:
        reasons.confirm.append("age group, which the directory does not give")
    else:
        reasons.against.append(f"does not take {label_of(group)}")


def _gender(facility: FacilityFacts, need: Need, reasons: _Reasons) -> None:
    listed = facility.codes & GENDERS
    if not need.gender or not listed:
        return
    if need.gender in listed:
        reasons.given.append(f"takes {label_of(need.gender)}")
    else:
        reasons.against.append(f"does not take {label_of(need.gender)}")


def _programs(facility: FacilityFacts, need: Need, reasons: _Reasons) -> None:
    for code in need.required:
        if code in facility.codes:
            reasons.given.append(f"has a program for {label_of(code)}")
        else:
            reasons.against.append(f"lists no program for {label_of(code)}")


def _languages(facility: FacilityFacts, need: Need, reasons: _Reasons) -> None:
    for code in need.languages:
        if code in facility.codes:
            reasons.given.append(f"offers {label_of(code)}")
        else:
            reasons.against.append(f"does not list {label_of(code)}")


def _payment(facility: FacilityFacts, need: Need, reasons: _Reasons) -> None:
    """Whether the person can be paid for there. It admits or excludes; it never orders."""
    if not need.payers:
        return
    found = [code for code in need.payers if code in facility.codes]
    if not found and NO_PAYMENT in facility.codes:
        reasons.given.append("takes no payment: free of charge")
        return
    if not found:
        wanted = " or ".join(label_of(code) for code in need.payers)
        reasons.against.append(f"does not take {wanted}")
        return
    reasons.given += [f"takes {label_of(code)}" for code in found]
    if {MEDICAID, STATE_PLAN} & set(found) and need.state and facility.state != need.state:
        reasons.confirm.append("payment by another state's plan")


def _distance(facility: FacilityFacts, need: Need) -> float | None:
    if (
        facility.latitude is None
        or facility.longitude is None
        or need.latitude is None
        or need.longitude is None
    ):
        return None
    return haversine_miles(need.latitude, need.longitude, facility.latitude, facility.longitude)


def haversine_miles(
    latitude: float, longitude: float, other_latitude: float, other_longitude: float
) -> float:
    """Great-circle distance in statute miles between two points in degrees."""
    phi, other_phi = radians(latitude), radians(other_latitude)
    half_phi = (other_phi - phi) / 2
    half_lambda = radians(other_longitude - longitude) / 2
    chord = sin(half_phi) ** 2 + cos(phi) * cos(other_phi) * sin(half_lambda) ** 2
    # Rounding may lift the antipodes a hair above 1.
    return 2 * EARTH_RADIUS_MILES * asin(sqrt(min(1.0, chord)))


@dataclass(frozen=True, slots=True)
class SearchResult:
    """``matches`` in the order to show; ``refused`` what was looked at and why not, same order.

    ``radius_miles`` is the circle that was used, ``None`` for the whole country; ``explanation``
    the sentence to show and to store with the list.
    """

    matches: tuple[Match, ...]
    refused: tuple[Match, ...]
    radius_miles: float | None
    widened: bool
    explanation: str


def search(
    facilities: Iterable[FacilityFacts],
    need: Need,
    *,
    radius_miles: float | None = 100,
    at_least: int = 1,
) -> SearchResult:
    """Every facility that answers the need within the radius, nearest first.

    With fewer than ``at_least`` found the circle is widened step by step to the whole country, and
    the explanation says so. Facilities without coordinates come last, and only country-wide.
    Without a starting point the whole country is listed by name.
    """
    compared = sorted(
        (match(facility, need) for facility in facilities), key=lambda found: _order(found, need)
    )
    fitting = [found for found in compared if found.ok]
    has_start = need.latitude is not None and need.longitude is not None
    radius = _radius_reaching(fitting, radius_miles, at_least) if has_start else None
    inside = tuple(found for found in fitting if _within(found, radius))
    return SearchResult(
        matches=inside,
        refused=tuple(found for found in compared if not found.ok and _within(found, radius)),
        radius_miles=radius,
        widened=has_start and radius != radius_miles,
        explanation=_explanation(inside, need, radius_miles, radius, has_start=has_start),
    )


def _order(found: Match, need: Need) -> tuple[bool, bool, float, str, str]:
    """Distance, then name. Only an illness that needs a hospital (R15) puts hospitals first."""
    behind_hospitals = need.hospital_first and HOSPITAL_DETOX not in found.facility.codes
    far = found.distance_miles is None
    name = found.facility.name
    return behind_hospitals, far, found.distance_miles or 0.0, name.casefold(), found.facility.key


def _within(found: Match, radius: float | None) -> bool:
    if radius is None:
        return True
    return found.distance_miles is not None and found.distance_miles <= radius


def _radius_reaching(fitting: Sequence[Match], wanted: float | None, at_least: int) -> float | None:
    """The radius asked for, or the first wider one that holds enough."""
    if wanted is None:
        return None
    wider = [radius for radius in RADII_MILES if radius is not None and radius > wanted]
    for radius in (wanted, *wider):
        if sum(_within(found, radius) for found in fitting) >= at_least:
            return radius
    return None


def _explanation(
    inside: Sequence[Match],
    need: Need,
    wanted: float | None,
    used: float | None,
    *,
    has_start: bool,
) -> str:
    count = "1 facility fits" if len(inside) == 1 else f"{len(inside)} facilities fit"
    if not has_start:
        return f"{count} in the whole country, by name: no place to measure from is known."
    where = "in the whole country" if used is None else f"within {used:g} miles"
    order = "nearest first, then by name"
    if need.hospital_first:
        order = "hospitals first because of an illness, each group nearest first"
    if used != wanted:
        return (
            f"Too few within {wanted:g} miles, so the search was widened: {count} {where}, {order}."
        )
    return f"{count} {where}, {order}."
