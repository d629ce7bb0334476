"""The offer: several facilities asked at once, first acceptance wins, followed to arrival."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction

from intake.actions import consents, events
from intake.actions.base import Refused, move, save_changes
from intake.models import Consent, Disclosure, Facility, Referral, ReferralOffer

# What a facility is told so that it can decide: no more than this (42 CFR 2.13(a)).
FIELDS_TOLD = (
    "alias",
    "age",
    "substances",
    "last_use",
    "withdrawal_history",
    "pregnancy",
    "dual_diagnosis",
    "payer_kind",
)
STAY_CHECKED_AFTER = timedelta(hours=24)


class NobodyToRefer(Refused):
    default_message = "Record who needs help first: a referral is about that person."


class ReferralClosed(Refused):
    default_message = "This referral is closed, or a facility has already accepted."


class NoFacilityChosen(Refused):
    default_message = "Choose at least one facility to ask."


class NotOnTheList(Refused):
    default_message = "Only facilities on the list that was shown can be asked."


class FacilityNotListed(Refused):
    default_message = "One of these facilities was suspended meanwhile. Search again."


class TiesNotRead(Refused):
    default_message = (
        "One of these facilities has a financial tie to us. Read that out to the caller first."
    )


class AlreadyOffered(Refused):
    default_message = "One of these facilities was already asked."


class OfferDecided(Refused):
    default_message = "This facility has already answered, or the offer was withdrawn."


class AlreadyPlaced(Refused):
    default_message = "Another facility has already accepted, or the referral is closed."


class NotAccepted(Refused):
    default_message = "Only an accepted place can be followed to arrival."


class StillEarly(Refused):
    default_message = "It is not a day yet since they arrived. Ask after 24 hours."


class ReasonMissing(Refused):
    default_message = "Say why the facility declined."


@transaction.atomic
def offer(
    *,
    referral: Referral,
    facilities: Sequence[Facility],
    by: User,
    now: datetime,
    ties_read: bool = False,
) -> list[ReferralOffer]:
    """Ask one or several facilities at once, each a disclosure under the person's consent.

    A facility that pays us or is ours is only asked once that was read out (Fla. Stat. 397.55).
    One that declined, was withdrawn or waited in vain may be asked anew. Raises
    ``ReferralClosed``, ``NoFacilityChosen``, ``NotOnTheList``, ``FacilityNotListed``,
    ``TiesNotRead``, ``AlreadyOffered``, ``consents.ConsentMissing``.
    """
    locked = _locked(referral)
    # Read again: a tie may have been recorded, or the facility suspended, since the list was shown.
    chosen = list(Facility.objects.filter(pk__in=[f.pk for f in facilities]).order_by("name", "pk"))
    _check_choice(locked, chosen, ties_read)
    person = locked.call.person_in_need
    if person is None:
        raise NobodyToRefer
    consent = consents.require(person=person, scope=Consent.Scope.FACILITIES, now=now)
    move(locked, refusal=ReferralClosed, expected={"status": locked.status}, consent=consent)
    if ties_read and locked.ties_read_at is None and any(map(_is_tied, chosen)):
        save_changes(locked, ties_read_at=now, ties_read_by=by)
        events.write("referral.ties_read", by=by, now=now, subject=locked)
    offers = [_ask(locked, facility, consent, by=by, now=now) for facility in chosen]
    referral.refresh_from_db()
    return offers


def _locked(referral: Referral) -> Referral:
    """The referral under lock, so that nobody accepts or closes while facilities are asked."""
    rows = Referral.objects.select_for_update(of=("self",)).select_related("call")
    locked = rows.get(pk=referral.pk)
    if locked.status != Referral.Status.OPEN:
        raise ReferralClosed
    return locked


def _check_choice(referral: Referral, facilities: Sequence[Facility], ties_read: bool) -> None:
    if not facilities:
        raise NoFacilityChosen
    shown = {row["facility"] for row in referral.list_shown}
    if any(str(facility.pk) not in shown for facility in facilities):
        raise NotOnTheList
    if any(facility.status != Facility.Status.LISTED for facility in facilities):
        raise FacilityNotListed
    if still_asked(referral, facilities):
        raise AlreadyOffered
    if any(map(_is_tied, facilities)) and not (ties_read or referral.ties_read_at):
        raise TiesNotRead


def still_asked(referral: Referral, facilities: Iterable[Facility]) -> bool:
    """Whether one of them was asked and something is still expected of it."""
    asked = referral.offers.exclude(status__in=ReferralOffer.OVER)
    return asked.filter(facility__in=[facility.pk for facility in facilities]).exists()


def _is_tied(facility: Facility) -> bool:
    return facility.relationship != Facility.Relationship.NONE


def _ask(
    referral: Referral,
    facility: Facility,
    consent: Consent,
    *,
    by: User,
    now: datetime,
) -> ReferralOffer:
    made = ReferralOffer(referral=referral, facility=facility, sent_at=now, sent_by=by)
    made.save(force_insert=True)
    consents.account(
        consent=consent,
        purpose=Disclosure.Purpose.REFERRAL,
        recipient=str(facility),
        fields_told=FIELDS_TOLD,
        by=by,
        now=now,
    )
    events.write("offer.sent", by=by, now=now, subject=made, detail={"facility": str(facility.pk)})
    return made


@transaction.atomic
def acknowledge(*, offer: ReferralOffer, by: User, now: datetime) -> ReferralOffer:
    """The facility has heard and will answer. Raises ``OfferDecided``."""
    move(
        offer,
        refusal=OfferDecided,
        expected={"status": ReferralOffer.Status.SENT},
        status=ReferralOffer.Status.ACKNOWLEDGED,
        acknowledged_at=now,
    )
    events.write("offer.acknowledged", by=by, now=now, subject=offer)
    return offer


@transaction.atomic
def accept(
    *,
    offer: ReferralOffer,
    by: User,
    now: datetime,
    contact: str = "",
    expected_at: datetime | None = None,
) -> ReferralOffer:
    """The facility takes the person: first acceptance wins, the others are withdrawn with it.

    Raises ``AlreadyPlaced`` or ``OfferDecided``.
    """
    placed = Referral.objects.filter(pk=offer.referral_id, status=Referral.Status.OPEN).update(
        status=Referral.Status.PLACED
    )
    if not placed:
        raise AlreadyPlaced
    move(
        offer,
        refusal=OfferDecided,
        expected={"status__in": ReferralOffer.WAITING},
        status=ReferralOffer.Status.ACCEPTED,
        decided_at=now,
        decided_by=by,
        expected_at=expected_at,
    )
    if contact:
        save_changes(offer, contact=contact)
    events.write("offer.accepted", by=by, now=now, subject=offer)
    withdraw_waiting(offer.referral, by=by, now=now)
    return offer


def withdraw_waiting(referral: Referral, *, by: User, now: datetime) -> None:
    """Inside an action: nobody who was asked is needed any more."""
    for waiting in referral.offers.filter(status__in=ReferralOffer.WAITING):
        withdrawn = ReferralOffer.objects.filter(
            pk=waiting.pk, status__in=ReferralOffer.WAITING
        ).update(status=ReferralOffer.Status.WITHDRAWN, decided_at=now, decided_by=by)
        # One that declined in this very moment has answered; that stands.
        if withdrawn:
            events.write("offer.withdrawn", by=by, now=now, subject=waiting)


@transaction.atomic
def decline(
    *,
    offer: ReferralOffer,
    reason: str,
    by: User,
    now: datetime,
    note: str = "",
) -> ReferralOffer:
    """The facility says no, and why. Raises ``ReasonMissing``, ``OfferDecided``."""
    if reason not in ReferralOffer.DeclineReason.values:
        raise ReasonMissing
    move(
        offer,
        refusal=OfferDecided,
        expected={"status__in": ReferralOffer.WAITING},
        status=ReferralOffer.Status.DECLINED,
        decline_reason=reason,
        decided_at=now,
        decided_by=by,
    )
    if note:
        save_changes(offer, note=note)
    events.write("offer.declined", by=by, now=now, subject=offer, detail={"reason": reason})
    return offer


@transaction.atomic
def mark_arrived(*, offer: ReferralOffer, by: User, now: datetime) -> ReferralOffer:
    """The person is there, not merely accepted: the referral is done. Raises ``NotAccepted``."""
    move(
        offer,
        refusal=NotAccepted,
        expected={"status": ReferralOffer.Status.ACCEPTED},
        status=ReferralOffer.Status.ARRIVED,
        arrived_at=now,
    )
    move(
        offer.referral,
        refusal=ReferralClosed,
        expected={"status": Referral.Status.PLACED},
        status=Referral.Status.ARRIVED,
        closed_at=now,
        closed_by=by,
    )
    events.write("offer.arrived", by=by, now=now, subject=offer)
    return offer


@transaction.atomic
def mark_stayed(*, offer: ReferralOffer, by: User, now: datetime) -> ReferralOffer:
    """Checked a day later: still there. Raises ``NotAccepted``, ``StillEarly``."""
    if offer.arrived_at is not None and now < offer.arrived_at + STAY_CHECKED_AFTER:
        raise StillEarly
    move(
        offer,
        refusal=NotAccepted,
        expected={"status": ReferralOffer.Status.ARRIVED},
        status=ReferralOffer.Status.STAYED,
        stayed_at=now,
    )
    events.write("offer.stayed", by=by, now=now, subject=offer)
    return offer


@transaction.atomic
def mark_no_show(*, offer: ReferralOffer, by: User, now: datetime) -> ReferralOffer:
    """The person did not come; the referral looks for a place again. Raises ``NotAccepted``."""
    move(
        offer,
        refusal=NotAccepted,
        expected={"status": ReferralOffer.Status.ACCEPTED},
        status=ReferralOffer.Status.NO_SHOW,
    )
    move(
        offer.referral,
        refusal=ReferralClosed,
        expected={"status": Referral.Status.PLACED},
        status=Referral.Status.OPEN,
    )
    events.write("offer.no_show", by=by, now=now, subject=offer)
    return offer
