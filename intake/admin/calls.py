"""Calls: the list, the sheet of an open one, the record of a closed one."""

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from intake.actions import calls, finding
from intake.actions.base import Refused
from intake.admin import callback_pages, insurance_pages, referral_pages
from intake.admin.base import HelplineAdmin, staff
from intake.admin.call_drafts import begun_sheet, discard_view, draft_view
from intake.admin.call_live import begun_call, live_view
from intake.admin.call_pages import AmendPage
from intake.admin.call_record import record_facts
from intake.admin.call_sheet import CallSheetPage
from intake.admin.consents import ConsentPage
from intake.admin.debriefs import CALL_PAGES as DEBRIEF_PAGES
from intake.admin.debriefs import debrief_facts
from intake.admin.known_caller import known_caller_view
from intake.admin.paper import blank_call, entered_late_badge
from intake.admin.safety import SkipPage
from intake.admin.safety_panel import level_badge
from intake.admin.times import staff_time
from intake.models import Call, CallAmendment, SubstanceUse

# What the page of a sheet asks for while it is filled in.
SHEET_VIEWS = {
    "live": live_view,
    "draft": draft_view,
    "draft/discard": discard_view,
    "known-caller": known_caller_view,
}


@admin.register(Call)
class CallAdmin(HelplineAdmin):
    list_display = (
        "reference",
        "started",
        "call_type",
        "level",
        "status",
        "ending",
        "taken_by",
    )
    list_display_links = ("reference",)
    list_filter = ("status", "call_type", "disposition")
    allowed_lookups = ("status", "call_type", "disposition", "taken_by", "started_at")
    ordering = ("-started_at", "-id")
    dated = "started_at"
    sortable_by = ("started",)
    list_select_related = ("taken_by",)
    can_search = True
    search_help_text = _("Number, last four, name, reference")
    record_template = "admin/intake/call_record.html"
    pages = {
        "amend": AmendPage,
        "consent": ConsentPage,
        "skip": SkipPage,
        **insurance_pages.CALL_PAGES,
        **referral_pages.CALL_PAGES,
        **callback_pages.CALL_PAGES,
        **DEBRIEF_PAGES,
    }

    # --- who may do what ------------------------------------------------------------------------

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "add_call")

    def has_change_permission(self, request: HttpRequest, obj: Call | None = None) -> bool:
        return self.may(request, "change_call")

    # --- the list -------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Call]:
        return Call.objects.with_level()

    @admin.display(description=_("started"), ordering="started_at")
    def started(self, record: Call) -> SafeString | str:
        text = staff_time(record.started_at)
        return format_html("{} {}", text, entered_late_badge()) if record.entered_late else text

    @admin.display(description=_("level"), empty_value="")
    def level(self, record: Call) -> SafeString | str:
        level = getattr(record, "screen_level", None)
        return level_badge(level) if level else ""

    @admin.display(description=_("disposition"), empty_value="")
    def ending(self, record: Call) -> str:
        return record.get_disposition_display() if record.disposition else ""

    def find(self, queryset: QuerySet[Call], text: str) -> QuerySet[Call]:
        """By reference, or by the number or name of the caller or the person in need."""
        return finding.matching(queryset, text, "caller", "person_in_need")

    # --- the sheet and the record ---------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        non_service = path(
            "non-service/",
            self.admin_site.admin_view(self.non_service),
            name="intake_call_non_service",
        )
        sheet = [
            path(
                f"{name}/",
                self.admin_site.admin_view(partial(view, self)),
                name=f"intake_call_{name.replace('/', '_').replace('-', '_')}",
            )
            for name, view in SHEET_VIEWS.items()
        ]
        return [non_service, *sheet, *super().get_urls()]

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            now = timezone.now()
            call = begun_sheet(request, now) or blank_call(request, now)
            if not call._state.adding:
                return HttpResponseRedirect(self.url(call))
            return CallSheetPage(self, request, call).get()
        call = begun_call(request, timezone.now())
        if not call._state.adding and not self.has_change_permission(request, call):
            raise PermissionDenied
        return CallSheetPage(self, request, call).post()

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        record = self.get_object(request, unquote(object_id))
        if record is None or not self.has_change_permission(request, record):
            return super().change_view(request, object_id, form_url, extra_context)
        if request.method == "POST":
            # A closed call too: the refusal comes back with all that was typed.
            return CallSheetPage(self, request, record).post()
        if record.is_open:
            return CallSheetPage(self, request, record).get()
        return super().change_view(request, object_id, form_url, extra_context)

    def record_context(self, request: HttpRequest, record: Call) -> dict[str, Any]:
        return {
            **record_facts(record),
            **debrief_facts(request, record),
            "amend_url": self.url(record, "amend")
            if not record.is_open and self.may(request, "add_callamendment")
            else "",
        }

    def non_service(self, request: HttpRequest) -> HttpResponse:
        """Log a call without a caller in need with one press, and be back."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            try:
                call = calls.log_non_service(
                    call_type=request.POST.get("call_type", ""),
                    by=staff(request),
                    now=timezone.now(),
                )
            except Refused as refusal:
                messages.error(request, refusal.message)
            else:
                messages.success(
                    request,
                    _("Logged: %(type)s (%(reference)s).")
                    % {"type": call.get_call_type_display(), "reference": call.reference},
                )
        return HttpResponseRedirect(reverse("admin:index"))


@admin.register(CallAmendment)
class CallAmendmentAdmin(HelplineAdmin):
    """Amendments as rows, for whoever follows a link of the audit; they are read on the call."""

    list_display = ("__str__", "call", "made_at", "made_by")
    allowed_lookups = ("call", "made_by", "made_at")
    ordering = ("-id",)
    list_select_related = ("call", "made_by")


@admin.register(SubstanceUse)
class SubstanceUseAdmin(HelplineAdmin):
    """Substances as rows; the list says only on which call something was told."""

    list_display = ("__str__", "call", "position")
    allowed_lookups = ("call",)
    ordering = ("-id",)
    list_select_related = ("call",)
