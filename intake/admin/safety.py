"""Safety screens, read-only; their pages record what was done and what staff judged otherwise."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import models
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from intake.actions import events, safety
from intake.admin.answers import answers_told
from intake.admin.base import ROWS_A_PAGE, HelplineAdmin, staff
from intake.admin.call_sheet_forms import text_area
from intake.admin.call_steps import record_url, steps
from intake.admin.pages import ActionForm, ActionPage
from intake.admin.safety_panel import (
    level_badge,
    safety_panel,
    screen_details,
    screen_panel,
    scripts,
    sheet_url,
)
from intake.admin.times import staff_time
from intake.models import SafetyScreen
from intake.typed_text import TypedCharField, TypedChoiceField

# The list of overrides is read by those who read the reports.
READS_OVERRIDES = "intake.view_reports"


class ReasonForm(ActionForm):
    reason = TypedCharField(
        label=_("Why"),
        max_length=500,
        widget=text_area(3),
        help_text=_("A supervisor reads it."),
    )


class OverrideForm(ReasonForm):
    level = TypedChoiceField(
        label=_("The level that holds instead"),
        choices=SafetyScreen.Level.choices,
        widget=forms.RadioSelect,
    )
    field_order = ("level", "reason")


class ActedForm(ActionForm):
    action = TypedChoiceField(
        label=_("What was done?"),
        choices=SafetyScreen.Action.choices,
        widget=forms.RadioSelect,
    )


class SkipPage(ActionPage):
    """Go on without the screen: a page of the call, because there is no screen yet."""

    permission = "add_safetyscreen"
    form_class = ReasonForm
    title = _("Skip the safety screen")
    intro = _("Insurance check and referral open without it. The level stays unknown.")
    submit_label = _("Skip the screen")
    done_message = _("Skipped. The reason is on the supervisors' list.")

    def act(self, request: HttpRequest, form: ReasonForm, now: datetime) -> models.Model:
        return safety.skip(
            call=self.record, reason=form.cleaned_data["reason"], by=staff(request), now=now
        )

    def context(self, request: HttpRequest, form: ReasonForm) -> dict[str, Any]:
        return {
            "eyebrow": self.record,
            "danger": True,
            "steps": steps(self.record, here="screen"),
            "aside_template": "admin/intake/_safety_panel.html",
            "safety": safety_panel(self.record),
        }


class ScreenPage(ActionPage):
    """A page of one screen; it leads back to the call."""

    permission = "change_safetyscreen"

    def done_url(self, done: models.Model | None) -> str:
        return f"{sheet_url(self.record.call)}#found"

    def cancel_url(self) -> str:
        return sheet_url(self.record.call)

    def context(self, request: HttpRequest, form: ActionForm) -> dict[str, Any]:
        return {
            "eyebrow": self.record.call,
            "steps": steps(self.record.call, here="screen"),
            "aside_template": "admin/intake/_safety_panel.html",
            "safety": screen_panel(self.record),
        }


class ActPage(ScreenPage):
    form_class = ActedForm
    title = _("What was done")
    intro = _("Insurance check and referral open once this is recorded.")
    submit_label = _("Record it")
    done_message = _("Recorded.")

    def act(self, request: HttpRequest, form: ActedForm, now: datetime) -> models.Model:
        action = form.cleaned_data["action"]
        return safety.record_action(screen=self.record, action=action, by=staff(request), now=now)


class OverridePage(ScreenPage):
    form_class = OverrideForm
    title = _("Set the level yourself")
    intro = _(
        "The rules route, they do not know everything. Your level holds from now on, for everyone;"
        " the findings stay as they are."
    )
    submit_label = _("Set the level")
    done_message = _("The level is set. The reason is on the supervisors' list.")

    def act(self, request: HttpRequest, form: OverrideForm, now: datetime) -> models.Model:
        given = form.cleaned_data
        return safety.override(
            screen=self.record,
            level=given["level"],
            reason=given["reason"],
            by=staff(request),
            now=now,
        )


@admin.register(SafetyScreen)
class SafetyScreenAdmin(HelplineAdmin):
    list_display = (
        "screen",
        "level_shown",
        "screened_at",
        "screened_by",
        "action_taken",
        "is_skipped",
        "is_current",
    )
    list_filter = ("level", "is_skipped", "is_current")
    allowed_lookups = ("level", "is_skipped", "is_current", "screened_by", "call", "overridden_at")
    ordering = ("-id",)
    list_select_related = ("call", "screened_by")
    list_display_links = ("screen",)
    pages = {"act": ActPage, "override": OverridePage}
    record_template = "admin/intake/screen.html"
    change_list_template = "admin/intake/screen_list.html"

    @admin.display(description=_("call"), ordering="call__reference")
    def screen(self, record: SafetyScreen) -> str:
        return record.call.reference

    @admin.display(description=_("level"), ordering="level")
    def level_shown(self, record: SafetyScreen) -> SafeString:
        badge = level_badge(record.effective_level)
        if not record.override_level:
            return badge
        return format_html("{} <span class='soft'>{}</span>", badge, gettext("set by staff"))

    def get_urls(self) -> list[URLPattern]:
        overrides = path(
            "overrides/",
            self.admin_site.admin_view(self.overrides),
            name="intake_safetyscreen_overrides",
        )
        return [overrides, *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        reads = request.user.has_perm(READS_OVERRIDES)
        return super().changelist_view(request, {"reads_overrides": reads, **(extra_context or {})})

    def record_context(self, request: HttpRequest, record: SafetyScreen) -> dict[str, Any]:
        details = screen_details(record)
        return {
            "eyebrow": record.call,
            "call_url": record_url(record.call),
            "found": details,
            "screen": record,
            "safety": screen_panel(record),
            "scripts": scripts(record.result) if record.result else [],
            "answers": answers_told(record),
            "may_change": record.is_current
            and record.call.is_open
            and self.may(request, "change_safetyscreen"),
            "act_url": self.url(record, "act"),
            "override_url": self.url(record, "override"),
        }

    def overrides(self, request: HttpRequest) -> HttpResponse:
        """Where staff skipped the screen or set another level, newest first, with the reasons."""
        if not (request.user.has_perm(READS_OVERRIDES) and self.has_view_permission(request)):
            raise PermissionDenied
        judged = (
            self.get_queryset(request)
            .filter(Q(is_skipped=True) | Q(overridden_at__isnull=False))
            .select_related("call", "screened_by", "overridden_by")
            .order_by("-screened_at", "-id")
        )
        page = Paginator(judged, ROWS_A_PAGE).get_page(request.GET.get("page"))
        events.write(
            "list.read",
            by=staff(request),
            now=timezone.now(),
            detail={"model": "safetyscreen", "ids": [str(screen.pk) for screen in page]},
        )
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": gettext("Skipped and set by staff"),
            "page": page,
            "rows": [_judged_row(screen) for screen in page],
        }
        return TemplateResponse(request, "admin/intake/screen_overrides.html", context)


def _judged_row(screen: SafetyScreen) -> dict[str, Any]:
    overridden = screen.overridden_by
    return {
        "call": screen.call.reference,
        "url": record_url(screen),
        "when": staff_time(screen.overridden_at or screen.screened_at),
        "who": (overridden or screen.screened_by).get_username(),
        "from_level": "" if screen.is_skipped else screen.level,
        "to_level": screen.override_level,
        "reason": screen.override_reason or screen.skipped_reason,
    }
