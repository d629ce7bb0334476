"""The call sheet while it is being filled in: what the rules say of it at this moment.

The page and every live answer are made of the same parts, so that they never differ. Evaluating
stores nothing; what was told is kept by saving the sheet, or as a draft.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, QueryDict
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString

from intake.admin.answer_cards import cards_for
from intake.admin.base import HelplineAdmin
from intake.admin.call_steps import consent_hint, next_steps
from intake.admin.filled_sheet import FilledSheet
from intake.admin.live_sheet import LiveSheet, evaluated
from intake.admin.safety_panel import panel_in_full, scripts, tone
from intake.admin.uses_together import use_found
from intake.models import Call
from intake.rules.safety import Exposure

# The field of the moment they hung up.
ENDED = "call-ended_at"


# --- The parts -----------------------------------------------------------------------------------


def safety_panel(live: LiveSheet) -> SafeString:
    stored = live.sheet.screen if live.is_stored else None
    exposures = live.exposures
    if stored is not None:
        exposures = tuple(Exposure.from_dict(item) for item in stored.exposures)
    panel = panel_in_full(stored, live.assessment, exposures)
    if live.kept_level:
        panel |= {"level": tone(live.kept_level), "kept_level": live.kept_level}
    return _part("_safety_now.html", live, safety=panel)


def emergency(live: LiveSheet) -> SafeString:
    """The words for a red flag, on top of the page until somebody records what was done."""
    waits = live.waits_for_action
    found = live.assessment
    return _part(
        "_emergency.html",
        live,
        waits=waits,
        scripts=scripts(found) if waits and found else [],
        action=live.sheet.acted["action_taken"],
        is_saved=live.is_stored,
    )


def money_gate(live: LiveSheet) -> SafeString:
    """What may be done next."""
    steps = next_steps(
        closed=live.money_is_closed,
        has_person=live.sheet.has_person_now,
        has_number=live.sheet.has_number_now,
        is_withheld=live.sheet.is_withheld_now,
        consents=consent_hint(live.call.person_in_need, now=live.now),
    )
    return _part("_money_gate.html", live, next_steps=steps)


def call_clock(live: LiveSheet) -> SafeString:
    """How long they have talked; once they hung up, how long the work after it has taken.

    Shown with the page, and when somebody marks the end: other answers leave the clock alone.
    """
    form, call = live.sheet.call, live.call
    told = form.cleaned_data if form.is_bound else {}
    return _part(
        "_call_clock.html",
        live,
        started=told.get("started_at") or call.started_at,
        ended=told.get("ended_at") if form.is_bound else call.ended_at,
        is_late=bool(form["entered_late"].value()),
    )


def ended_now(posted: QueryDict, now: datetime) -> QueryDict:
    """The sheet as posted, with the end of the talk marked where nobody had."""
    if posted.get(ENDED):
        return posted
    marked = posted.copy()
    marked[ENDED] = timezone.localtime(now).strftime("%Y-%m-%dT%H:%M:%S")
    return marked


def _part(template: str, live: LiveSheet, **context: Any) -> SafeString:
    return render_to_string(f"admin/intake/{template}", {**context, "oob": live.oob})


# One fragment each, of a fixed id.
PARTS: tuple[Callable[[LiveSheet], str], ...] = (
    safety_panel,
    emergency,
    use_found,
    money_gate,
    cards_for,
)


def parts(live: LiveSheet) -> dict[str, str]:
    """Every part by the name of its function, for the page."""
    return {part.__name__: part(live) for part in (*PARTS, call_clock)}


# --- The live answer -----------------------------------------------------------------------------


def begun_call(request: HttpRequest, now: datetime) -> Call:
    """The call a posted sheet speaks of.

    The page carries the id its call will have, so a second press of the button, or a posted page
    gone back to, finds the first one's call instead of logging another.
    """
    try:
        given = UUID(request.POST.get("call_id", ""))
    except ValueError:
        return Call(started_at=now)
    known = Call.objects.select_related("caller", "person_in_need", "taken_by")
    return known.filter(pk=given).first() or Call(id=given, started_at=now)


def posted_call(model_admin: HelplineAdmin, request: HttpRequest, now: datetime) -> Call:
    """The same, for whoever may fill in its sheet; raises ``PermissionDenied``."""
    call = begun_call(request, now)
    if call._state.adding:
        may = model_admin.has_add_permission(request)
    else:
        may = model_admin.has_change_permission(request, call)
    if not may:
        raise PermissionDenied
    return call


def require_sheets(model_admin: HelplineAdmin, request: HttpRequest) -> None:
    """Raise ``PermissionDenied`` for a role that fills in no sheet at all."""
    if not (model_admin.may(request, "add_call") or model_admin.may(request, "change_call")):
        raise PermissionDenied


def live_view(model_admin: HelplineAdmin, request: HttpRequest) -> HttpResponse:
    """Every part of the sheet as it stands on somebody's screen; nothing is stored."""
    require_sheets(model_admin, request)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    now = timezone.now()
    call = posted_call(model_admin, request, now)
    has_ended = request.POST.get("then") == "ended"
    posted = ended_now(request.POST, now) if has_ended else request.POST
    sheet = FilledSheet(call, now=now, data=posted)
    live = evaluated(request, call, sheet, now=now, oob=True)
    shown = (*PARTS, call_clock) if has_ended else PARTS
    return HttpResponse("".join(part(live) for part in shown))
