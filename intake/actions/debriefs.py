"""A hard call is talked over: asked for by whoever took it, held by a supervisor."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from intake.actions import events
from intake.actions.base import Refused, move, save_changes
from intake.models import Call, Debrief


class DebriefAlreadyAsked(Refused):
    default_message = "A debrief was already asked for after this call."


class DebriefAlreadyHeld(Refused):
    default_message = "This debrief was already held."


@transaction.atomic
def ask(*, call: Call, by: User, now: datetime) -> Debrief:
    """Ask the supervisors to talk ``call`` over. Open or closed, hard calls are hard early.

    One debrief a call: raises ``DebriefAlreadyAsked``. There is no taking back; one asked for by
    mistake is held in a sentence.
    """
    debrief = Debrief(call=call, asked_at=now, asked_by=by)
    try:
        with transaction.atomic():
            debrief.save(force_insert=True)
    except IntegrityError as error:
        raise DebriefAlreadyAsked from error
    events.write("debrief.asked", by=by, now=now, subject=debrief, detail={"call": call.pk})
    return debrief


@transaction.atomic
def hold(*, debrief: Debrief, by: User, now: datetime, note: str = "") -> Debrief:
    """It was talked over. Raises ``DebriefAlreadyHeld``."""
    move(
        debrief,
        refusal=DebriefAlreadyHeld,
        expected={"held_at": None},
        held_at=now,
        held_by=by,
    )
    save_changes(debrief, note=note)
    events.write("debrief.held", by=by, now=now, subject=debrief)
    return debrief
