"""Debriefs: asked for after a hard call, held by a supervisor, counted for supervisors only."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from intake.actions import debriefs
from intake.admin.base import HelplineAdmin, staff
from intake.admin.call_steps import record_url
from intake.admin.pages import ActionForm, ActionPage
from intake.admin.times import staff_time
from intake.models import Call, Debrief
from intake.typed_text import TypedCharField

# How far back hard calls are counted for each who takes calls.
COUNTED_DAYS = 90


class AskPage(ActionPage):
    """From a call: it stayed with me, let us talk it over."""

    permission = "add_debrief"
    title = _("Ask for a debrief")
    intro = _("A supervisor sees on the desk that you want to talk this call over.")
    submit_label = _("Ask for it")
    done_message = _("Asked. A supervisor will come to you.")

    def act(self, request: HttpRequest, form: Any, now: datetime) -> None:
        debriefs.ask(call=self.record, by=staff(request), now=now)

    def context(self, request: HttpRequest, form: Any) -> dict[str, Any]:
        return {"eyebrow": self.record}


CALL_PAGES: dict[str, type[ActionPage]] = {"debrief": AskPage}


def debrief_facts(request: HttpRequest, call: Call) -> dict[str, Any]:
    """For the page of a call: that it was asked for, or where to ask; never what was said."""
    asked = Debrief.objects.filter(call=call).select_related("asked_by").defer("note").first()
    if asked is None:
        may_ask = call.is_service_call and request.user.has_perm("intake.add_debrief")
        page = reverse("admin:intake_call_debrief", args=[call.pk])
        return {"debrief_url": page if may_ask else ""}
    return {
        "debrief": {
            "is_held": asked.is_held,
            "asked_by": asked.asked_by.get_username(),
            "asked": staff_time(asked.asked_at),
            "held": staff_time(asked.held_at) if asked.held_at else "",
            "url": record_url(asked) if request.user.has_perm("intake.view_debrief") else "",
        }
    }


class HoldForm(ActionForm):
    note = TypedCharField(
        label=_("Note"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("Only supervisors read it. What was agreed is enough."),
    )


class HoldPage(ActionPage):
    permission = "change_debrief"
    form_class = HoldForm
    title = _("The debrief was held")
    submit_label = _("Record it")
    done_message = _("Recorded.")

    def act(self, request: HttpRequest, form: HoldForm, now: datetime) -> models.Model:
        return debriefs.hold(
            debrief=self.record, note=form.cleaned_data["note"], by=staff(request), now=now
        )

    def context(self, request: HttpRequest, form: HoldForm) -> dict[str, Any]:
        return {"eyebrow": self.record.call}


@admin.register(Debrief)
class DebriefAdmin(HelplineAdmin):
    """Seen by supervisors alone: who found which call hard is nobody else's to know."""

    list_display = ("__str__", "call", "asked", "asked_by", "held", "held_by")
    list_select_related = ("call", "asked_by", "held_by")
    allowed_lookups = ("asked_by", "held_by", "asked_at", "held_at")
    ordering = ("-asked_at", "-id")
    record_template = "admin/intake/debrief.html"
    change_list_template = "admin/intake/debrief_list.html"
    pages = {"hold": HoldPage}

    @admin.display(description=_("asked for"), ordering="asked_at")
    def asked(self, record: Debrief) -> str:
        return staff_time(record.asked_at)

    @admin.display(description=_("held"), ordering="held_at")
    def held(self, record: Debrief) -> str:
        return staff_time(record.held_at) if record.held_at else gettext("waiting")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        counted = {"workers": hard_calls(timezone.now()), "counted_days": COUNTED_DAYS}
        return super().changelist_view(request, {**counted, **(extra_context or {})})

    def record_context(self, request: HttpRequest, record: Debrief) -> dict[str, Any]:
        return {
            "call_url": record_url(record.call),
            "asked": staff_time(record.asked_at),
            "held": staff_time(record.held_at) if record.held_at else "",
            "hold_url": self.url(record, "hold")
            if not record.is_held and self.may(request, "change_debrief")
            else "",
        }


def hard_calls(now: datetime) -> list[dict[str, Any]]:
    """How many debriefs were asked for after each one's calls lately, and how many still wait."""
    since = now - timedelta(days=COUNTED_DAYS)
    counted = (
        Debrief.objects.filter(asked_at__gt=since)
        .values(name=models.F("call__taken_by__username"))
        .annotate(asked=Count("pk"), waiting=Count("pk", filter=Q(held_at=None)))
        .order_by("-asked", "name")
    )
    return [dict(row) for row in counted]
