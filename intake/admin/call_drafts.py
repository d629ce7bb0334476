"""Drafts of the call sheet: the page sends what is typed every few seconds, and gets it back.

Kept on the server only, encrypted, and only for whoever typed it.
"""

from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
    QueryDict,
)
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from intake.actions import calls, drafts
from intake.admin.base import HelplineAdmin, staff
from intake.admin.call_live import posted_call, require_sheets
from intake.admin.safety_panel import sheet_url
from intake.admin.times import staff_time
from intake.models import Call, SheetDraft
from intake.typed_text import showable

# What steers the page and is no answer on the sheet.
STEERING = frozenset({"csrfmiddlewaretoken", "call_id", "version", "typed_by", "then"})
# The address of a sheet that was never saved names its call here.
SHEET = "sheet"
KEPT_AT = "Helpline-Kept-At"
MOST_SHOWN = 5


def typed_by_another(request: HttpRequest) -> bool:
    """Whether the page was typed by somebody else than who is signed in now."""
    typist = request.POST.get("typed_by", "")
    return bool(typist) and typist != str(staff(request).pk)


def posted_version(request: HttpRequest) -> int:
    """How often the sheet had been saved when the page was made; -1 where it does not say."""
    text = request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


# --- Keeping and throwing away -------------------------------------------------------------------


def draft_view(model_admin: HelplineAdmin, request: HttpRequest) -> HttpResponse:
    """Keep what is typed, valid or not: 204 with the time, 409 for somebody else's page."""
    require_sheets(model_admin, request)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    now = timezone.now()
    call = posted_call(model_admin, request, now)
    if typed_by_another(request):
        return HttpResponse(status=409)
    try:
        drafts.keep(
            call_key=call.pk,
            typed=told_pairs(request.POST),
            version=max(0, posted_version(request)),
            by=staff(request),
            now=now,
        )
    except drafts.DraftTooLong as refusal:
        return HttpResponse(refusal.message, status=422, content_type="text/plain")
    return HttpResponse(status=204, headers={KEPT_AT: clock(now)})


def told_pairs(posted: QueryDict) -> list[tuple[str, str]]:
    return [
        (showable(name), showable(value))
        for name, values in posted.lists()
        if name not in STEERING
        for value in values
    ]


def discard_view(model_admin: HelplineAdmin, request: HttpRequest) -> HttpResponse:
    """Throw away what was typed and not saved, and go on from what is stored."""
    require_sheets(model_admin, request)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    now = timezone.now()
    call = posted_call(model_admin, request, now)
    # Pressed twice, or saved meanwhile: it is gone, which is what was asked for.
    with suppress(drafts.NoDraft):
        drafts.throw_away(call_key=call.pk, by=staff(request), now=now)
    if call._state.adding:
        return HttpResponseRedirect(reverse("admin:index"))
    return HttpResponseRedirect(sheet_url(call))


def clock(at: datetime) -> str:
    return date_format(timezone.localtime(at), "g:i:s A")


# --- Bringing back -------------------------------------------------------------------------------


def typed_before(call: Call, *, by: User) -> SheetDraft | None:
    """What ``by`` typed on the sheet of this call and did not save."""
    return drafts.mine(call_key=call.pk, by=by)


def as_posted(draft: SheetDraft) -> QueryDict:
    """The draft as the page had sent it."""
    posted = QueryDict(mutable=True)
    for name, value in draft.typed:
        posted.appendlist(name, value)
    return posted


def brought_back(draft: SheetDraft, call: Call) -> dict[str, Any]:
    """What the page says above a draft; ``is_behind``: the sheet was saved after it was begun."""
    saved = 0 if call._state.adding else calls.sheet_version(call)
    return {
        "when": staff_time(draft.typed_at),
        "is_behind": not call._state.adding and draft.version < saved,
        "call_id": call.pk,
    }


def sheet_address(draft: SheetDraft) -> str:
    """Where a sheet that was never saved is taken up again."""
    return f"{reverse('admin:intake_call_add')}?{SHEET}={draft.call_key}"


def begun_sheet(request: HttpRequest, now: datetime) -> Call | None:
    """The call of the sheet this address takes up again: saved meanwhile, or still to be.

    None for an address that names none, or none that whoever is signed in had begun.
    """
    try:
        key = UUID(request.GET.get(SHEET, ""))
    except ValueError:
        return None
    saved = Call.objects.filter(pk=key).first()
    if saved is not None:
        return saved
    return Call(id=key, started_at=now) if drafts.mine(call_key=key, by=staff(request)) else None


def unfinished(user: User, *, but: Call) -> list[dict[str, Any]]:
    """The sheets ``user`` began and never saved, for the page of another new call."""
    others = SheetDraft.objects.unsaved_of(user).exclude(call_key=but.pk)[:MOST_SHOWN]
    return [
        {
            "when": staff_time(draft.typed_at),
            "url": sheet_address(draft),
            "call_id": draft.call_key,
        }
        for draft in others
    ]
