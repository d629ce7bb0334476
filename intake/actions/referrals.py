"""The referral: search, keep the list that was shown and why, close without a place.

Asking the facilities on that list is the offer: see ``intake.actions.offers``.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from intake.actions import events, facility_search, needs, offers, safety
from intake.actions.base import Refused, move, save_changes
from intake.actions.offers import NobodyToRefer, ReferralClosed
from intake.models import Call, Referral
from intake.rules.needs import Need

__all__ = [
    "NobodyToRefer",
    "ReferralAlreadyOpen",
    "ReferralClosed",
    "close",
    "search",
    "search_again",
    "start",
]


class ReferralAlreadyOpen(Refused):
    default_message = "There is already an open referral for this call."


@transaction.atomic
def search(*, call: Call, need: Need, zip_code: str, by: User, now: datetime) -> Referral:
    """Search the directory and keep the list: on the call's open referral, or on a new one.

    Raises ``safety.ScreenMissing``, ``safety.EmergencyFirst``, ``NobodyToRefer``, and
    ``ReferralClosed`` once a facility has accepted.
    """
    safety.require_screen(call=call)
    found = facility_search.search(need=need, zip_code=zip_code, now=now)
    result: dict[str, Any] = {
        "need": needs.as_stored(need, zip_code=zip_code),
        "list_shown": [match.as_shown() for match in found.matches],
        "list_explained": found.explained(),
    }
    open_one = open_referral(call)
    if open_one is None:
        return start(call=call, **result, by=by, now=now)
    return search_again(referral=open_one, **result, by=by, now=now)


def open_referral(call: Call) -> Referral | None:
    """The referral of this call that still looks for a place, or waits for an arrival."""
    return call.referrals.filter(status__in=[Referral.Status.OPEN, Referral.Status.PLACED]).first()


@transaction.atomic
def start(
    *,
    call: Call,
    need: Mapping[str, Any],
    list_shown: Sequence[Mapping[str, Any]],
    by: User,
    now: datetime,
    list_explained: Mapping[str, Any] | None = None,
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
        list_explained=dict(list_explained or {}),
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
    list_explained: Mapping[str, Any] | None = None,
) -> Referral:
    """Replace the need and the list while nobody has accepted; facilities asked stay listed.

    Raises ``ReferralClosed``.
    """
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
        list_explained=dict(list_explained or {}),
        searched_at=now,
        searched_by=by,
    )
    events.write(
        "referral.searched", by=by, now=now, subject=referral, detail={"shown": len(list_shown)}
    )
    return referral


@transaction.atomic
def close(*, referral: Referral, note: str, by: User, now: datetime) -> Referral:
    """End without a place, and say why: an unmet need is counted, not forgotten.

    Facilities still asked are withdrawn. Raises ``ReferralClosed``.
    """
    move(
        referral,
        refusal=ReferralClosed,
        expected={"status": Referral.Status.OPEN},
        status=Referral.Status.CLOSED,
        closed_at=now,
        closed_by=by,
    )
    save_changes(referral, closed_note=note)
    offers.withdraw_waiting(referral, by=by, now=now)
    events.write("referral.closed", by=by, now=now, subject=referral)
    return referral
