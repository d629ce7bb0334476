"""Handing the shift over: written by one, acknowledged by each of the next."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from intake.actions import events, shift_digest
from intake.actions.base import Refused
from intake.models import HandOver, HandOverAcknowledgement
from intake.rules import shifts


class AlreadyAcknowledged(Refused):
    default_message = "You have acknowledged this hand-over already."


class OwnHandOver(Refused):
    default_message = "You wrote this hand-over: somebody of the next shift acknowledges it."


def covered(*, now: datetime) -> tuple[shifts.Shift, shifts.Shift]:
    """The shift of ``now`` and the one it is handed to."""
    starts, zone = settings.HELPLINE_SHIFT_STARTS, settings.HELPLINE_TIME_ZONE
    ending = shifts.shift_of(now, starts=starts, zone=zone)
    return ending, shifts.shift_after(ending, starts=starts, zone=zone)


def draft(*, now: datetime) -> dict[str, Any]:
    """The digest as it would be written now; see ``shift_digest.digest``."""
    ending, following = covered(now=now)
    return shift_digest.digest(shift=ending, until=following.ends_at)


@transaction.atomic
def write(*, note: str, by: User, now: datetime) -> HandOver:
    """Hand the shift over: the digest of this moment is kept as it is, beside the note.

    May be written more than once in a shift; the newest stands first on the desks.
    """
    _ending, following = covered(now=now)
    hand_over = HandOver(
        note=note,
        digest=draft(now=now),
        written_at=now,
        written_by=by,
        covers_until=following.ends_at,
    )
    hand_over.save(force_insert=True)
    events.write(
        "hand_over.written",
        by=by,
        now=now,
        subject=hand_over,
        detail={"ids": shift_digest.ids(hand_over.digest)},
    )
    return hand_over


@transaction.atomic
def acknowledge(*, hand_over: HandOver, by: User, now: datetime) -> HandOverAcknowledgement:
    """``by`` has read it. Raises ``OwnHandOver`` and, the second time, ``AlreadyAcknowledged``."""
    if hand_over.written_by_id == by.pk:
        raise OwnHandOver
    acknowledgement = HandOverAcknowledgement(
        hand_over=hand_over, acknowledged_at=now, acknowledged_by=by
    )
    try:
        with transaction.atomic():
            acknowledgement.save(force_insert=True)
    except IntegrityError as error:
        raise AlreadyAcknowledged from error
    events.write("hand_over.acknowledged", by=by, now=now, subject=hand_over)
    return acknowledgement
