"""Logging a call: open, change, close, amend."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from intake.actions import events, people
from intake.actions.base import Refused, move
from intake.models import Call, CallAmendment, Event, Person, SubstanceUse


class CallClosed(Refused):
    default_message = "This call is closed. Add an amendment instead."


class CallStillOpen(Refused):
    default_message = "This call is still open: write in the narrative, no amendment is needed."


class ScreenMissingAtClose(Refused):
    default_message = "Do the safety screen, or skip it with a reason, before closing the call."


class EmergencyNotActedOn(Refused):
    default_message = "Record what was done about the red flag before closing the call."


class SheetChanged(Refused):
    default_message = (
        "This sheet was changed after you opened it. Read what is new, then save again: what you"
        " typed replaces it."
    )


class PersonFixed(Refused):
    default_message = (
        "An insurance check or a referral was already made for the person on this sheet, so the"
        " call cannot be turned over to somebody else. Log a second call for the other person."
    )


class NotAServiceCall(Refused):
    default_message = "That kind of call needs the full sheet."


class DispositionMissing(Refused):
    default_message = "Choose how the call ended."


@dataclass(frozen=True)
class Sheet:
    """One call sheet as filled in: unsaved or changed rows, saved together or not at all.

    ``version``: the one the filled-in sheet began from, see ``sheet_version``; None trusts the
    caller to have read the newest.
    """

    call: Call
    caller: Person | None = None
    person_in_need: Person | None = None
    substances: Sequence[SubstanceUse] = field(default_factory=tuple)
    version: int | None = None
    # The caller as recorded before they were found to be somebody known.
    replaced: Person | None = None


def sheet_version(call: Call) -> int:
    """How often the sheet of this call was saved; 0 before the first time."""
    saved = Event.objects.filter(
        subject_type="call", subject_id=str(call.pk), verb__in=("call.opened", "call.changed")
    )
    return saved.count()


@transaction.atomic
def save_sheet(*, sheet: Sheet, by: User, now: datetime) -> Call:
    """Open a new call or bring an open one up to date.

    A call about themselves has one person in both roles, a call about another has two. Raises
    ``CallClosed``, ``SheetChanged`` where ``sheet.version`` is not the newest, ``PersonFixed``.
    """
    call = sheet.call
    is_new = call._state.adding
    if not is_new:
        _check_change(sheet)
    for person in {p.pk: p for p in (sheet.caller, sheet.person_in_need) if p}.values():
        people.save(person=person, by=by, now=now)
    call.caller, call.person_in_need = sheet.caller, sheet.person_in_need
    if is_new:
        call.taken_by = by
        call.save(force_insert=True)
    else:
        call.save(update_fields=_sheet_fields(call))
    _replace_substances(call, sheet.substances)
    if sheet.replaced is not None and sheet.caller is not None:
        people.drop_replaced(person=sheet.replaced, known=sheet.caller, by=by, now=now)
    events.write("call.opened" if is_new else "call.changed", by=by, now=now, subject=call)
    return call


def _check_change(sheet: Sheet) -> None:
    call = sheet.call
    if not _lock_open(call):
        raise CallClosed
    if sheet.version is not None and sheet.version != sheet_version(call):
        raise SheetChanged
    stored = Call.objects.only("person_in_need_id").get(pk=call.pk)
    is_other = sheet.person_in_need is None or sheet.person_in_need.pk != stored.person_in_need_id
    if stored.person_in_need_id and is_other and _is_relied_on(call):
        raise PersonFixed


def _is_relied_on(call: Call) -> bool:
    """Whether a plan or a facility was, or is to be, told about the person of this call."""
    return call.insurance_checks.exists() or call.referrals.exists()


def _lock_open(call: Call) -> bool:
    """Lock the row, so that closing and changing a call cannot cross."""
    locked = Call.objects.select_for_update().filter(pk=call.pk, status=Call.Status.OPEN)
    return locked.exists()


def _sheet_fields(call: Call) -> list[str]:
    closing = {"status", "disposition", "closed_at", "closed_by", "wrap_up_seconds"}
    fixed = {"id", "reference", "taken_by", *closing}
    return [f.name for f in call._meta.concrete_fields if f.name not in fixed]


def _replace_substances(call: Call, substances: Sequence[SubstanceUse]) -> None:
    call.substances.exclude(pk__in=[row.pk for row in substances]).delete()
    # Out of the way first: positions are unique, and rows may have changed places.
    for offset, row in enumerate(call.substances.order_by("position")):
        SubstanceUse.objects.filter(pk=row.pk).update(position=1000 + offset)
    for position, row in enumerate(substances):
        row.call, row.position = call, position
        row.save()


@transaction.atomic
def log_non_service(
    *, call_type: str, by: User, now: datetime, started_at: datetime | None = None
) -> Call:
    """Open and close a wrong number, silence, hang-up, abuse, test or office inquiry in one step.

    Raises ``NotAServiceCall`` for any other type: those need a sheet and a screen.
    """
    if call_type not in Call.NON_SERVICE:
        raise NotAServiceCall
    call = Call(
        call_type=call_type,
        started_at=started_at or now,
        ended_at=now,
        taken_by=by,
        status=Call.Status.CLOSED,
        disposition=Call.Disposition.NON_SERVICE,
        closed_at=now,
        closed_by=by,
    )
    call.save(force_insert=True)
    events.write(
        "call.logged_non_service", by=by, now=now, subject=call, detail={"type": call_type}
    )
    return call


@transaction.atomic
def close(*, call: Call, disposition: str, by: User, now: datetime) -> Call:
    """End the call with its disposition.

    A service call needs its safety screen done or skipped with a reason, and an emergency needs
    its action recorded. Raises ``CallClosed``, ``ScreenMissingAtClose``,
    ``EmergencyNotActedOn``, ``DispositionMissing``.
    """
    if disposition not in Call.Disposition.values:
        raise DispositionMissing
    # Locked before the screen is read: an emergency found this moment must not be closed over.
    if not _lock_open(call):
        raise CallClosed
    if call.is_service_call:
        screen = call.screens.filter(is_current=True).first()
        if screen is None:
            raise ScreenMissingAtClose
        if screen.waits_for_action:
            raise EmergencyNotActedOn
    move(
        call,
        refusal=CallClosed,
        expected={"status": Call.Status.OPEN},
        status=Call.Status.CLOSED,
        disposition=disposition,
        closed_at=now,
        closed_by=by,
        # Nobody saw the end of a call that was entered from paper without one.
        ended_at=call.ended_at or (None if call.entered_late else now),
        wrap_up_seconds=wrap_up(call, now=now),
    )
    events.write("call.closed", by=by, now=now, subject=call, detail={"disposition": disposition})
    return call


def wrap_up(call: Call, *, now: datetime) -> int | None:
    """Seconds of work since the talk ended; None where that was not measured.

    It is not where nobody marked the end, or the sheet was entered later from paper.
    """
    if call.ended_at is None or call.entered_late:
        return None
    return max(0, int((now - call.ended_at).total_seconds()))


@transaction.atomic
def amend(*, call: Call, text: str, by: User, now: datetime) -> CallAmendment:
    """Add to a closed call; the narrative itself is never rewritten. Raises ``CallStillOpen``."""
    if call.is_open:
        raise CallStillOpen
    amendment = CallAmendment(call=call, text=text, made_at=now, made_by=by)
    amendment.save(force_insert=True)
    events.write("call.amended", by=by, now=now, subject=call)
    return amendment
