"""Find a caller: one box on every staff page and one page of answers.

The terms come by POST and stay in the database; the address of the answer is an opaque id, which
only whoever searched can open.
"""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from intake.actions import events, finding, searches
from intake.actions.base import Refused
from intake.admin.base import staff
from intake.admin.call_steps import record_url
from intake.admin.safety_panel import level_badge
from intake.admin.times import staff_time, their_time
from intake.models import Call, Callback, Person
from intake.rules import phones

TARGET = "caller"


def urls(site: admin.AdminSite) -> list[URLPattern]:
    return [
        path("find/", site.admin_view(find), name="find"),
        path("find/<uuid:search_id>/", site.admin_view(found), name="found"),
    ]


def find(request: HttpRequest) -> HttpResponse:
    """Take the terms; a reference leads straight to its record, all else to the answers."""
    _require_permission(request)
    if request.method != "POST":
        return _page(request, {})
    try:
        search = searches.start(
            target=TARGET, text=request.POST.get("q", ""), by=staff(request), now=timezone.now()
        )
    except Refused as refusal:
        messages.warning(request, refusal.message)
        return HttpResponseRedirect(reverse("admin:find"))
    record = finding.record_of(search.terms["text"])
    if record is not None and _may_open(request, record):
        return HttpResponseRedirect(record_url(record))
    return HttpResponseRedirect(reverse("admin:found", args=[search.pk]))


def found(request: HttpRequest, search_id: UUID) -> HttpResponse:
    """Who was found, with their last calls and open callbacks; written to the audit."""
    _require_permission(request)
    by, now = staff(request), timezone.now()
    try:
        text = searches.text_of(search_id=search_id, target=TARGET, by=by, now=now)
    except searches.SearchExpired as refusal:
        messages.warning(request, refusal.message)
        return HttpResponseRedirect(reverse("admin:find"))
    answer, rows = finding.find(text), _Rows()
    shown = {
        "ids": [entry.person.pk for entry in answer.people],
        "calls": [call.pk for entry in answer.people for call in entry.calls],
        "callbacks": [promise.pk for entry in answer.people for promise in entry.callbacks],
    }
    events.write("list.read", by=by, now=now, detail={"model": "person", **shown})
    return _page(
        request,
        {
            "is_answer": True,
            "searched": text,
            "people": [rows.entry(entry) for entry in answer.people],
            "more": answer.more,
            "counted_all": answer.counted_all,
        },
    )


def _require_permission(request: HttpRequest) -> None:
    if not request.user.has_perm("intake.search_person"):
        raise PermissionDenied


def _may_open(request: HttpRequest, record: Model) -> bool:
    registered = admin.site._registry.get(type(record))
    return registered is not None and registered.has_view_permission(request, record)


def _page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    frame = {**admin.site.each_context(request), "title": _("Find a caller")}
    return TemplateResponse(request, "admin/intake/found.html", frame | context)


class _Rows:
    """The rows of one page. What every row would ask for anew is asked for once."""

    def __init__(self) -> None:
        self.kinds = {value: str(label) for value, label in Call.CallType.choices}
        endings = [*Call.Disposition.choices, ("", Call.Status.OPEN.label)]
        self.endings = {value: str(label) for value, label in endings}
        self.addresses: dict[type[Model], str] = {
            model: reverse(f"admin:intake_{model._meta.model_name}_change", args=["_"])
            for model in (Person, Call, Callback)
        }

    def url(self, record: Model) -> str:
        return self.addresses[type(record)].replace("/_/", f"/{record.pk}/")

    def entry(self, found: finding.FoundPerson) -> dict[str, Any]:
        person = found.person
        number = str(person.phone) if person.phone else ""
        return {
            "url": self.url(person),
            "name": person.spoken_name,
            "phone": phones.last_four(number) if number else "",
            "ending": _("Number ending %(four)s") % {"four": number[-4:]} if number else "",
            "place": person.state,
            "is_blocked": person.do_not_call,
            # Without a call there is no other date.
            "recorded": "" if found.calls else staff_time(person.created_at),
            "calls": [self.call(row) for row in found.calls],
            "callbacks": [self.callback(row) for row in found.callbacks],
        }

    def call(self, row: Call) -> dict[str, Any]:
        level = getattr(row, "screen_level", None)
        return {
            "reference": row.reference,
            "url": self.url(row),
            "when": staff_time(row.started_at),
            "kind": self.kinds.get(row.call_type, ""),
            # An open call has no ending.
            "ending": self.endings.get(row.disposition, ""),
            "level": level_badge(level) if level else "",
        }

    def callback(self, row: Callback) -> dict[str, Any]:
        return {
            "reference": row.reference,
            "url": self.url(row),
            "due": staff_time(row.due_at),
            "theirs": their_time(row.due_at, row.time_zone),
            "is_open": row.is_open,
        }
