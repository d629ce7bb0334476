"""Somebody rang from this number before: shown beside it, never taken to be the same person.

A household shares a number, and so may a stranger after it changed hands. The agent asks and
decides; until then a sheet makes a person of its own.
"""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from intake.actions import events, finding, searches
from intake.admin.base import HelplineAdmin, staff
from intake.admin.call_live import posted_call
from intake.admin.call_steps import record_url
from intake.admin.filled_sheet import FilledSheet
from intake.admin.people_forms import FILLED_FROM_RECORD
from intake.admin.times import staff_time, their_time
from intake.models import Call, Person
from intake.rules import phones

MOST_PEOPLE = 5


def known_caller(number: str, *, call: Call, offers: bool = True) -> dict[str, Any] | None:
    """Everybody recorded at this number (E.164) with their last calls and open callbacks.

    None when nobody is. What is shown has to be written to the audit (``audit``).
    ``offers``: the agent may say that one of them is the caller.
    """
    if not number:
        return None
    found = finding.find(number, most=MOST_PEOPLE)
    own = {call.caller_id, call.person_in_need_id} - {None}
    people = [_entry(entry, call, is_own=entry.person.pk in own) for entry in found.people]
    people = [entry for entry in people if entry["has_anything"] or not entry["is_own"]]
    if not people:
        return None
    return {
        "people": people,
        "more": found.more,
        "is_blocked": any(entry["is_blocked"] for entry in people),
        "notes": [entry["note"] for entry in people if entry["note"]],
        "offers": offers and any(not entry["is_own"] for entry in people),
    }


def for_sheet(sheet: FilledSheet, *, by: User, now: datetime) -> dict[str, Any]:
    """What the page of a sheet shows of the numbers that stand on it."""
    call, same_as = sheet.call_record, str(sheet.caller["same_as"].value() or "")
    numbers = [
        phones.normalise(str(form["phone"].value() or "")) for form in (sheet.caller, sheet.person)
    ]
    caller, other = numbers
    if other == caller:
        other = ""
    known, known_other = (
        known_caller(caller, call=call),
        known_caller(other, call=call, offers=False),
    )
    audit(known, known_other, call=call, by=by, now=now)
    return {"known": known, "known_other": known_other, "same_as": same_as}


def audit(*found: dict[str, Any] | None, call: Call, by: User, now: datetime) -> None:
    """Write who was shown beside this call, in one event."""
    people = [entry for known in found if known for entry in known["people"]]
    if not people:
        return
    shown = {
        "people": [entry["id"] for entry in people],
        "ids": [row["id"] for entry in people for row in entry["calls"]],
        "callbacks": [row["id"] for entry in people for row in entry["callbacks"]],
    }
    subject = None if call._state.adding else call
    detail = {"model": "call", **shown}
    events.write("list.read", by=by, now=now, subject=subject, detail=detail)


def _entry(entry: finding.FoundPerson, call: Call, *, is_own: bool) -> dict[str, Any]:
    person = entry.person
    calls = [_call(row) for row in entry.calls if row.pk != call.pk]
    callbacks = [
        {
            "id": row.pk,
            "reference": row.reference,
            "url": record_url(row),
            "due": staff_time(row.due_at),
            "theirs": their_time(row.due_at, row.time_zone),
            "is_open": row.is_open,
        }
        for row in entry.callbacks
    ]
    is_blocked = person.do_not_call
    return {
        "id": person.pk,
        "name": person.spoken_name,
        "place": person.state,
        "is_own": is_own,
        "is_blocked": is_blocked,
        "note": person.approach_note,
        "calls": calls,
        "callbacks": callbacks,
        "has_anything": bool(calls or callbacks or is_blocked),
        "fills": _fills(person),
    }


def _call(row: Call) -> dict[str, Any]:
    return {
        "id": row.pk,
        "reference": row.reference,
        "url": record_url(row),
        "when": staff_time(row.started_at),
        "kind": row.get_call_type_display(),
        "ending": row.get_disposition_display() or row.get_status_display(),
        "level": getattr(row, "screen_level", None),
    }


def _fills(person: Person) -> list[tuple[str, str]]:
    """(field, value) for the fields the agent has left empty, once it is the same person."""
    filled = []
    for name in FILLED_FROM_RECORD:
        value = getattr(person, name)
        if name == "time_zone" and person.time_zone_source != Person.ZoneSource.STATED:
            continue
        if value not in ("", None, False):
            text = value.strftime("%H:%M") if hasattr(value, "strftime") else str(value)
            filled.append((f"caller-{name}", "on" if value is True else text))
    return filled


def known_caller_view(model_admin: HelplineAdmin, request: HttpRequest) -> HttpResponse:
    """The answer to a number as it is typed: a fragment, empty where nobody is known."""
    if not request.user.has_perm("intake.search_person"):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    by, now = staff(request), timezone.now()
    call = posted_call(model_admin, request, now)
    number = phones.normalise(request.POST.get("caller-phone", ""))
    if number:
        detail = {"target": "known_caller", "terms": searches.keyed(number)}
        events.write("search.made", by=by, now=now, detail=detail)
    known = known_caller(number, call=call)
    audit(known, call=call, by=by, now=now)
    context: dict[str, Any] = {
        "known": known,
        "same_as": request.POST.get("caller-same_as", ""),
        "is_unknown": bool(number),
        "unknown_text": _("Nobody is recorded at this number."),
    }
    return TemplateResponse(request, "admin/intake/_known_caller.html", context)
