"""Handing the shift over: write it, read it, acknowledge it."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from intake.actions import events, handovers, shift_digest
from intake.actions.base import Refused
from intake.admin.base import HelplineAdmin, staff
from intake.admin.pages import ActionForm, ActionPage
from intake.admin.times import staff_time
from intake.models import Callback, HandOver, HandOverAcknowledgement, SafetyScreen
from intake.typed_text import TypedCharField


class NoteForm(ActionForm):
    note = TypedCharField(
        label=_("What the next shift should know"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=_("Refer to people by the reference of their call, not by name."),
    )


class AcknowledgePage(ActionPage):
    """I have read it: one press on the page of the hand-over."""

    permission = "add_handoveracknowledgement"
    title = _("Acknowledge this hand-over")
    submit_label = _("I have read it")
    done_message = _("Acknowledged.")

    def act(self, request: HttpRequest, form: Any, now: datetime) -> None:
        handovers.acknowledge(hand_over=self.record, by=staff(request), now=now)

    def done_url(self, done: Any) -> str:
        return reverse("admin:index")


@admin.register(HandOver)
class HandOverAdmin(HelplineAdmin):
    list_display = ("__str__", "written", "written_by", "readers")
    list_select_related = ("written_by",)
    allowed_lookups = ("written_by", "written_at")
    ordering = ("-written_at", "-id")
    record_template = "admin/intake/handover.html"
    change_list_template = "admin/intake/handover_list.html"
    pages = {"acknowledge": AcknowledgePage}

    def get_urls(self) -> list[URLPattern]:
        write = path("write/", self.admin_site.admin_view(self.write), name="intake_handover_write")
        return [write, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[HandOver]:
        listed: QuerySet[HandOver] = super().get_queryset(request)
        return listed.defer("note", "digest").annotate(read_by=Count("acknowledgements"))

    @admin.display(description=_("written"), ordering="written_at")
    def written(self, record: HandOver) -> str:
        return staff_time(record.written_at)

    @admin.display(description=_("acknowledged by"))
    def readers(self, record: HandOver) -> int:
        return record.read_by  # type: ignore[attr-defined, no-any-return]

    # --- Writing it -----------------------------------------------------------------------------

    def write(self, request: HttpRequest) -> HttpResponse:
        """The digest as it stands, and a note beside it; what is kept is made when it is sent."""
        if not self.may(request, "add_handover"):
            raise PermissionDenied
        if request.method != "POST":
            return self._compose(request, NoteForm())
        form = NoteForm(request.POST)
        if form.is_valid():
            try:
                written = handovers.write(
                    note=form.cleaned_data["note"], by=staff(request), now=timezone.now()
                )
            except Refused as refusal:
                form.add_error(None, refusal.message)
            else:
                messages.success(request, _("Handed over. The next shift sees it on the desk."))
                return HttpResponseRedirect(self.url(written))
        return self._compose(request, form)

    def _compose(self, request: HttpRequest, form: NoteForm) -> HttpResponse:
        now = timezone.now()
        digest = handovers.draft(now=now)
        ending, following = handovers.covered(now=now)
        events.write(
            "hand_over.drafted",
            by=staff(request),
            now=now,
            detail={"ids": shift_digest.ids(digest)},
        )
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Hand over the shift"),
            "intro": _("What is still under way, and what you want to say about it."),
            "submit_label": _("Hand over"),
            "form": form,
            "cancel_url": reverse("admin:index"),
            "digest": digest_lists(digest),
            "from_time": staff_time(ending.starts_at),
            "until_time": staff_time(following.ends_at),
        }
        return TemplateResponse(
            request,
            "admin/intake/handover_write.html",
            context,
            status=422 if form.errors else 200,
        )

    # --- Reading it -----------------------------------------------------------------------------

    def record_context(self, request: HttpRequest, record: HandOver) -> dict[str, Any]:
        user = staff(request)
        read = list(
            record.acknowledgements.select_related("acknowledged_by").order_by("acknowledged_at")
        )
        has_read = any(one.acknowledged_by_id == user.pk for one in read)
        may_read = self.may(request, "add_handoveracknowledgement")
        return {
            "digest": digest_lists(record.digest),
            "written": staff_time(record.written_at),
            "until_time": staff_time(record.covers_until),
            "is_mine": record.written_by_id == user.pk,
            "readers": [
                {
                    "name": one.acknowledged_by.get_username(),
                    "when": staff_time(one.acknowledged_at),
                }
                for one in read
            ],
            "has_read": has_read,
            "acknowledge_url": self.url(record, "acknowledge")
            if may_read and not has_read and record.written_by_id != user.pk
            else "",
        }


# --- The digest as it is shown -------------------------------------------------------------------


def digest_lists(digest: Any) -> list[dict[str, Any]]:
    """The lists for ``admin/intake/_digest.html``: each entry with its page and its words."""
    told = digest if isinstance(digest, dict) else {}
    cut = told.get("more") or {}
    lists = (
        ("high_risk", _("Callers at high risk"), _("No caller at high risk is left"), _risk),
        (
            "callbacks",
            _("Callbacks until the end of the next shift"),
            _("No callback is due"),
            _due,
        ),
        (
            "requests",
            _("Requests nobody has looked at"),
            _("No request waits for review"),
            _request,
        ),
        ("referrals", _("Referrals that wait for an answer"), _("No referral waits"), _referral),
    )
    return [
        {
            "id": name,
            "title": title,
            "empty": empty,
            "entries": [shown(entry) for entry in told.get(name, ())],
            "is_cut": bool(cut.get(name)),
        }
        for name, title, empty, shown in lists
    ]


def _entry(entry: dict[str, Any], model: str, before: Any, notes: list[Any]) -> dict[str, Any]:
    return {
        "reference": entry["reference"],
        "url": reverse(f"admin:intake_{model}_change", args=[entry["id"]]),
        "before": before,
        "when": _told(entry["at"]),
        "notes": notes,
    }


def _risk(entry: dict[str, Any]) -> dict[str, Any]:
    notes: list[Any] = [_("sheet still open") if entry["open"] else _("sheet closed")]
    if entry["action"]:
        notes.append(SafetyScreen.Action(entry["action"]).label)
    if entry["callback_at"]:
        notes.append(_("callback %(time)s") % {"time": _told(entry["callback_at"])})
    else:
        notes.append(_("no callback promised"))
    return {**_entry(entry, "call", _("Called"), notes), "level": entry["level"]}


def _due(entry: dict[str, Any]) -> dict[str, Any]:
    urgency = Callback.Urgency(entry["urgency"])
    notes: list[Any] = [_("%(name)s's") % {"name": entry["owner"]} if entry["owner"] else _("pool")]
    if urgency != Callback.Urgency.ROUTINE:
        notes.insert(0, urgency.label)
    return _entry(entry, "callback", _("Due"), notes)


def _request(entry: dict[str, Any]) -> dict[str, Any]:
    notes: list[Any] = [_("said: in danger")] if entry["in_danger"] else []
    notes.append(Callback.HeldBecause(entry["because"]).label)
    return _entry(entry, "callback", _("Asked"), notes)


def _referral(entry: dict[str, Any]) -> dict[str, Any]:
    waiting = entry["waiting"]
    asked = _("%(n)d asked and not answered") % {"n": waiting} if waiting else _("nobody asked yet")
    return _entry(entry, "referral", _("Searched"), [asked])


def _told(moment: str) -> str:
    return staff_time(datetime.fromisoformat(moment))


@admin.register(HandOverAcknowledgement)
class HandOverAcknowledgementAdmin(HelplineAdmin):
    """Who read what, as rows; they are read on the hand-over."""

    list_display = ("__str__", "hand_over", "acknowledged_at", "acknowledged_by")
    list_select_related = ("hand_over", "acknowledged_by")
    allowed_lookups = ("hand_over", "acknowledged_by")
    ordering = ("-acknowledged_at", "-id")
