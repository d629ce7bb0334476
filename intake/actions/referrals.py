"""The referral: search, offer to several, first acceptance wins, follow to arrival."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from intake.actions import consents, events, safety
from intake.actions.base import Refused, move, save_changes
from intake.models import Call, Consent, Disclosure, Facility, Referral, ReferralOffer

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


class NobodyToRefer(Refused):
    default_message = "Record who needs help first: a referral is about that person."


class ReferralAlreadyOpen(Refused):
    default_message = "There is already an open referral for this call."


class ReferralClosed(Refused):
    default_message = "This referral is closed."


class NoFacilityChosen(Refused):
    default_message = "Choose at least one facility to ask."


class NotOnTheList(Refused):
    default_message = "Only facilities on the list that was shown can be asked."


class TiesNotRead(Refused):
    default_message = (
        "One of these facilities has a financial tie to us. Read that out to the caller first."
    )


class AlreadyOffered(Refused):
    default_message = "One of these facilities was already asked."


class OfferDecided(Refused):
    default_message = "This facility has already answered, or the offer was withdrawn."


class AlreadyPlaced(Refused):
    default_message = "Another facility has already accepted."


class NotAccepted(Refused):
    default_message = "Only an accepted place can be followed to arrival."


class ReasonMissing(Refused):
    default_message = "Say why the facility declined."


@transaction.atomic
def start(
    *,
    call: Call,
    need: Mapping[str, Any],
    list_shown: Sequence[Mapping[str, Any]],
    by: User,
    now: datetime,
) -> Referral:
    """Open a referral with the need, and the list the agent was shown with its reasons.

    Raises ``safety.ScreenMissing`` until the screen is done or skipped, ``NobodyToRefer``,
    ``ReferralAlreadyOpen``.
    """
    safety.require_screen(call=call)
    if call.person_in_need is None:
        raise NobodyToRefer
    referral = Referral(
        call=call,
        need=dict(need),
        list_shown=[dict(row) for row in list_shown],
        searched_at=now,
        searched_by=by,
    )
    try:
        with transaction.atomic():
            referral.save(force_insert=True)
    except IntegrityError as error:
        raise ReferralAlreadyOpen from error
    events.write(
        "referral.started", by=by, now=now, subject=referral, detail={"shown": len(list_shown)}
    )
    return referral


@transaction.atomic
def search_again(
    *,
    referral: Referral,
    need: Mapping[str, Any],
    list_shown: Sequence[Mapping[str, Any]],
    by: User,
    now: datetime,
) -> Referral:
    """Replace the need and the list while nobody has accepted; facilities asked stay listed."""
    locked = Referral.objects.select_for_update().get(pk=referral.pk)
    if locked.status != Referral.Status.OPEN:
        raise ReferralClosed
    fresh = {row["facility"] for row in list_shown}
    asked = {str(pk) for pk in locked.offers.values_list("facility_id", flat=True)}
    kept = [row for row in locked.list_shown if row["facility"] in asked - fresh]
    save_changes(
        referral,
        need=dict(need),
        list_shown=[*(dict(row) for row in list_shown), *kept],
        searched_at=now,
        searched_by=by,
    )
    events.write(
        "referral.searched", by=by, now=now, subject=referral, detail={"shown": len(list_shown)}
    )
    return referral


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
    Raises ``ReferralClosed``, ``NoFacilityChosen``, ``NotOnTheList``, ``TiesNotRead``,
    ``AlreadyOffered``, ``consents.ConsentMissing``.
    """
    locked = Referral.objects.select_for_update().select_related("call").get(pk=referral.pk)
    if locked.status != Referral.Status.OPEN:
        raise ReferralClosed
    _check_choice(locked, facilities, ties_read)
    person = locked.call.person_in_need
    if person is None:
        raise NobodyToRefer
    consent = consents.require(person=person, scope=Consent.Scope.FACILITIES, now=now)
    move(locked, refusal=ReferralClosed, expected={"status": locked.status}, consent=consent)
    if ties_read and locked.ties_read_at is None:
        save_changes(locked, ties_read_at=now, ties_read_by=by)
    offers = [_ask(locked, facility, consent, by=by, now=now) for facility in facilities]
    referral.refresh_from_db()
    return offers


def _check_choice(referral: Referral, facilities: Sequence[Facility], ties_read: bool) -> None:
    if not facilities:
        raise NoFacilityChosen
    shown = {row["facility"] for row in referral.list_shown}
    if any(str(facility.pk) not in shown for facility in facilities):
        raise NotOnTheList
    if referral.offers.filter(facility__in=[f.pk for f in facilities]).exists():
        raise AlreadyOffered
    tied = any(f.relationship != Facility.Relationship.NONE for f in facilities)
    if tied and not (ties_read or referral.ties_read_at):
        raise TiesNotRead


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
    _withdraw_waiting(offer.referral, by=by, now=now)
    return offer


def _withdraw_waiting(referral: Referral, *, by: User, now: datetime) -> None:
    for waiting in referral.offers.filter(status__in=ReferralOffer.WAITING):
        move(
            waiting,
            refusal=OfferDecided,
            expected={"status__in": ReferralOffer.WAITING},
            status=ReferralOffer.Status.WITHDRAWN,
            decided_at=now,
            decided_by=by,
        )
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
    """Checked a day later: still there. Raises ``NotAccepted``."""
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


@transaction.atomic
def close(*, referral: Referral, note: str, by: User, now: datetime) -> Referral:
    """End without a place, and say why: an unmet need is counted, not forgotten."""
    move(
        referral,
        refusal=ReferralClosed,
        expected={"status": Referral.Status.OPEN},
        status=Referral.Status.CLOSED,
        closed_at=now,
        closed_by=by,
    )
    save_changes(referral, closed_note=note)
    _withdraw_waiting(referral, by=by, now=now)
    events.write("referral.closed", by=by, now=now, subject=referral)
    return referral
