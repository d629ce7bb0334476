"""What staff know of a facility beyond its directory entry."""

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction

from intake.actions import events
from intake.actions.base import Refused, move
from intake.models import CapacityReading, Facility
from intake.models.insurance import LevelOfCare

# A shift: beds turn over with the day's discharges, and a count nobody renewed misleads.
CAPACITY_HOLDS = timedelta(hours=8)
CAPACITY_HOLDS_AT_MOST = timedelta(hours=72)
MOST_BEDS = 2000


class NotListed(Refused):
    default_message = "Only a listed facility can be suspended or verified."


class NotSuspended(Refused):
    default_message = "This facility is not suspended."


class RelationshipUnchanged(Refused):
    default_message = "The financial tie already stands like that, or someone just changed it."


class UnknownChoice(Refused):
    default_message = "That choice does not exist."


class CapacityOutOfRange(Refused):
    default_message = f"Beds free is a number from 0 to {MOST_BEDS:,}."


class CapacityHoldsTooLong(Refused):
    default_message = "A bed count holds for some time, and for 72 hours at most."


@transaction.atomic
def suspend(*, facility: Facility, reason: str, by: User, now: datetime) -> None:
    """Take a listed facility out of every search until staff relist it; imports keep it out.

    ``reason`` is a ``Facility.SuspensionReason``. Raises ``NotListed`` and ``UnknownChoice``.
    """
    if reason not in Facility.SuspensionReason:
        raise UnknownChoice
    move(
        facility,
        refusal=NotListed,
        expected={"status": Facility.Status.LISTED},
        status=Facility.Status.SUSPENDED,
        suspended_at=now,
        suspended_by=by,
        suspension_reason=reason,
    )
    events.write("facility.suspended", by=by, now=now, subject=facility, detail={"reason": reason})


@transaction.atomic
def relist(*, facility: Facility, by: events.By, now: datetime) -> None:
    """Lift a suspension: listed again, or unlisted if the directory dropped it meanwhile.

    Raises ``NotSuspended``.
    """
    lifted = {"suspended_at": None, "suspended_by": None, "suspension_reason": ""}
    is_dropped = (
        Facility.objects.select_for_update()
        .filter(pk=facility.pk, unlisted_at__isnull=False)
        .exists()
    )
    status = Facility.Status.UNLISTED if is_dropped else Facility.Status.LISTED
    move(
        facility,
        refusal=NotSuspended,
        expected={"status": Facility.Status.SUSPENDED},
        status=status,
        **lifted,
    )
    events.write("facility.relisted", by=by, now=now, subject=facility, detail={"to": status})


@transaction.atomic
def verify(
    *, facility: Facility, by: events.By, now: datetime, medical_cover: bool | None = None
) -> None:
    """Record that staff reached the facility and its entry was right. Raises ``NotListed``.

    ``medical_cover``: whether it has medical staff day and night; ``None`` if nobody asked, which
    leaves an earlier answer as it was.
    """
    changes: dict[str, datetime | bool] = {"verified_at": now}
    if medical_cover is not None:
        changes["medical_cover"] = medical_cover
    move(facility, refusal=NotListed, expected={"status": Facility.Status.LISTED}, **changes)
    events.write(
        "facility.verified",
        by=by,
        now=now,
        subject=facility,
        detail={"medical_cover": medical_cover},
    )


@transaction.atomic
def set_relationship(
    *, facility: Facility, relationship: str, by: events.By, now: datetime
) -> None:
    """Record the financial tie that is read out before an offer (Fla. Stat. 397.55).

    It never moves a facility in any list. Raises ``RelationshipUnchanged`` when it already
    stands so, or when someone else changed it since ``facility`` was read; ``UnknownChoice``.
    """
    if relationship not in Facility.Relationship:
        raise UnknownChoice
    before = facility.relationship
    if relationship == before:
        raise RelationshipUnchanged
    move(
        facility,
        refusal=RelationshipUnchanged,
        expected={"relationship": before},
        relationship=relationship,
    )
    events.write(
        "facility.relationship_set",
        by=by,
        now=now,
        subject=facility,
        detail={"from": before, "to": relationship},
    )


@transaction.atomic
def record_capacity(
    *,
    facility: Facility,
    level_of_care: str,
    beds_free: int,
    source: str,
    by: User,
    now: datetime,
    holds_for: timedelta = CAPACITY_HOLDS,
) -> CapacityReading:
    """Add a bed count as told now; after ``holds_for`` it counts as unknown, not as none.

    Raises ``CapacityOutOfRange``, ``CapacityHoldsTooLong`` and ``UnknownChoice``.
    """
    if level_of_care not in LevelOfCare or source not in CapacityReading.Source:
        raise UnknownChoice
    if not 0 <= beds_free <= MOST_BEDS:
        raise CapacityOutOfRange
    if not timedelta(0) < holds_for <= CAPACITY_HOLDS_AT_MOST:
        raise CapacityHoldsTooLong
    reading = CapacityReading.objects.create(
        facility=facility,
        level_of_care=level_of_care,
        beds_free=beds_free,
        source=source,
        read_at=now,
        read_by=by,
        expires_at=now + holds_for,
    )
    events.write(
        "facility.capacity_recorded",
        by=by,
        now=now,
        subject=facility,
        detail={"level": level_of_care, "beds": beds_free, "source": source},
    )
    return reading
