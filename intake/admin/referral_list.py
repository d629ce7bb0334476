"""The list of a referral as staff read it: each facility with why, why not, and what to ask."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from intake.actions import facility_search
from intake.admin import facility_facts
from intake.admin.times import since, staff_time, their_time
from intake.models import Facility, Referral, ReferralOffer
from intake.rules.service_codes import label_of

TONES = {
    ReferralOffer.Status.SENT: ("info", "clock"),
    ReferralOffer.Status.ACKNOWLEDGED: ("info", "clock"),
    ReferralOffer.Status.ACCEPTED: ("done", "check"),
    ReferralOffer.Status.ARRIVED: ("done", "check"),
    ReferralOffer.Status.STAYED: ("done", "check"),
    ReferralOffer.Status.DECLINED: ("late", "cross"),
    ReferralOffer.Status.NO_SHOW: ("late", "cross"),
    ReferralOffer.Status.WITHDRAWN: ("muted", "cross"),
}


def rows(referral: Referral, *, now: datetime) -> list[dict[str, Any]]:
    """The list in the order it was shown; ties, phones and beds as they are known now."""
    ids = [UUID(row["facility"]) for row in referral.list_shown]
    facilities = Facility.objects.defer("service_codes").in_bulk(ids)
    capacity = facility_search.known_capacity(ids, now=now)
    asked = {
        offer.facility_id
        for offer in referral.offers.all()
        if offer.status not in ReferralOffer.OVER
    }
    return [
        {
            **_told(row),
            **_known_now(facilities[pk], capacity[pk], now),
            "is_asked": pk in asked,
        }
        for row, pk in zip(referral.list_shown, ids, strict=True)
        if pk in facilities
    ]


def near_misses(referral: Referral) -> list[dict[str, Any]]:
    """Facilities close to fitting, each with why not and nothing else."""
    return [_told(row) | {"yes": ()} for row in referral.list_explained.get("near_misses", ())]


def _told(row: dict[str, Any]) -> dict[str, Any]:
    """What was shown of one facility when the list was made."""
    miles = row.get("distance_miles")
    return {
        "id": row["facility"],
        "name": row["name"],
        "program": row.get("program_name", ""),
        "place": f"{row['city']}, {row['state']}",
        "distance": _("distance not known") if miles is None else _miles(miles),
        "url": reverse("admin:intake_facility_change", args=[row["facility"]]),
        "yes": row.get("reasons_for", ()),
        "no": row.get("reasons_against", ()),
        "ask": row.get("to_confirm", ()),
    }


def _miles(miles: int) -> str:
    return ngettext("%(n)d mile", "%(n)d miles", miles) % {"n": miles}


def _known_now(
    facility: Facility, capacity: list[facility_search.Capacity], now: datetime
) -> dict[str, Any]:
    return {
        "phones": facility_facts.all_phones(facility),
        "tie": facility_facts.tie(facility),
        "beds": facility_facts.beds(capacity, now),
        "verified": facility_facts.verified(facility, now),
        "is_listed": facility.status == Facility.Status.LISTED,
    }


def not_matched(referral: Referral) -> list[tuple[str, int]]:
    """How many facilities in reach did not fit, by reason; one may count under several."""
    return list(referral.list_explained.get("not_matched", {}).items())


def asked_for(referral: Referral) -> list[tuple[str, str]]:
    """The need in words."""
    need = referral.need
    facts = [
        (_("Around"), need.get("zip_code") or need.get("state", "") or _("the whole country")),
        (_("Detox from"), _labels(need, "detox")),
        (_("Where"), _labels(need, "settings")),
        (_("Medical staff"), _("Day and night") if need.get("medical_cover") else ""),
        (_("Programs"), _labels(need, "required")),
        (_("Payment"), _labels(need, "payers")),
        (_("Languages"), _labels(need, "languages")),
        (_("Age"), "" if need.get("age") is None else str(need["age"])),
        (_("Gender"), label_of(need["gender"]) if need.get("gender") else ""),
        (_("Order"), _("Hospitals first, then nearest") if need.get("hospital_first") else ""),
    ]
    return [(term, value) for term, value in facts if value]


def _labels(need: dict[str, Any], name: str) -> str:
    text = ", ".join(label_of(code) for code in need.get(name, ()))
    return text[:1].upper() + text[1:]


def cards(referral: Referral, *, now: datetime) -> list[dict[str, Any]]:
    """The offers, the accepted one first, then those still waited for, then the others."""
    order = {status: place for place, status in enumerate(ReferralOffer.Status.values)}
    leading = (ReferralOffer.Status.ACCEPTED, *ReferralOffer.Status.values[-3:])
    offers = sorted(
        referral.offers.select_related("facility", "sent_by", "decided_by"),
        key=lambda offer: (offer.status not in leading, order[offer.status], offer.sent_at),
    )
    return [_card(offer, now) for offer in offers]


def _card(offer: ReferralOffer, now: datetime) -> dict[str, Any]:
    tone, icon = TONES[ReferralOffer.Status(offer.status)]
    facility = offer.facility
    return {
        "offer": offer,
        "name": facility.name,
        "program": facility.program_name,
        "place": f"{facility.city}, {facility.state}",
        "facility_url": reverse("admin:intake_facility_change", args=[facility.pk]),
        "tone": tone,
        "icon": icon,
        "phones": facility_facts.all_phones(facility),
        "tie": facility_facts.tie(facility),
        "lines": _lines(offer, now),
        "pages": {
            page: reverse(f"admin:intake_referraloffer_{page}", args=[offer.pk]) for page in PAGES
        },
    }


PAGES = ("acknowledge", "accept", "decline", "arrived", "stayed", "no_show")


def _lines(offer: ReferralOffer, now: datetime) -> list[str]:
    """What happened, in order, in words."""
    said = [_asked(offer, now)]
    if offer.acknowledged_at:
        said.append(_("Acknowledged %(time)s.") % {"time": staff_time(offer.acknowledged_at)})
    if offer.decided_at:
        said.append(_decided(offer, offer.decided_at))
    if offer.expected_at and not offer.arrived_at:
        zone = offer.facility.time_zone
        local = their_time(offer.expected_at, zone) if zone else staff_time(offer.expected_at)
        said.append(_("Expected %(time)s, the facility's clock.") % {"time": local})
    if offer.arrived_at:
        said.append(_("Arrived %(time)s.") % {"time": staff_time(offer.arrived_at)})
    if offer.stayed_at:
        said.append(_("Still there %(time)s.") % {"time": staff_time(offer.stayed_at)})
    return said


def _asked(offer: ReferralOffer, now: datetime) -> str:
    words = {"ago": since(offer.sent_at, now), "who": offer.sent_by.get_username()}
    if offer.is_waiting:
        return _("Asked %(ago)s by %(who)s, no answer yet.") % words
    return _("Asked %(time)s by %(who)s.") % {**words, "time": staff_time(offer.sent_at)}


def _decided(offer: ReferralOffer, at: datetime) -> str:
    words = {
        "time": staff_time(at),
        "who": offer.decided_by.get_username() if offer.decided_by else "",
        "reason": offer.get_decline_reason_display().lower(),
        "contact": offer.contact,
    }
    if offer.status == ReferralOffer.Status.DECLINED:
        return _("Declined %(time)s: %(reason)s.") % words
    if offer.status == ReferralOffer.Status.WITHDRAWN:
        return _("Withdrawn %(time)s. Let them know that the place is not needed.") % words
    if offer.contact:
        return _("Accepted %(time)s by %(contact)s, written down by %(who)s.") % words
    return _("Accepted %(time)s, written down by %(who)s.") % words
