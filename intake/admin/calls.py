"""Calls: the list, the sheet of an open one, the record of a closed one."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from intake.actions import calls, searches
from intake.actions.base import Refused
from intake.admin import callback_pages, insurance_pages, referral_pages
from intake.admin.base import HelplineAdmin, staff
from intake.admin.call_pages import AmendPage
from intake.admin.call_record import record_facts
from intake.admin.call_sheet import CallSheetPage, begun_call
from intake.admin.consents import ConsentPage
from intake.admin.safety import SkipPage
from intake.admin.safety_panel import level_badge
from intake.admin.times import staff_time
from intake.models import Call, CallAmendment, SubstanceUse


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
    list_select_related = ("taken_by",)
    can_search = True
    record_template = "admin/intake/call_record.html"
    pages = {
        "amend": AmendPage,
        "consent": ConsentPage,
        "skip": SkipPage,
        **insurance_pages.CALL_PAGES,
        **referral_pages.CALL_PAGES,
        **callback_pages.CALL_PAGES,
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
    def started(self, record: Call) -> str:
        return staff_time(record.started_at)

    @admin.display(description=_("level"), ordering="screen_level", empty_value="")
    def level(self, record: Call) -> SafeString | str:
        level = getattr(record, "screen_level", None)
        return level_badge(level) if level else ""

    @admin.display(description=_("disposition"), ordering="disposition", empty_value="")
    def ending(self, record: Call) -> str:
        return record.get_disposition_display() if record.disposition else ""

    def find(self, queryset: QuerySet[Call], text: str) -> QuerySet[Call]:
        """By reference, or by the number or full name of the caller or the person in need."""
        condition = searches.matching_people(text, "caller__")
        condition |= searches.matching_people(text, "person_in_need__")
        if reference := searches.reference(text):
            condition |= Q(reference=reference)
        return queryset.filter(condition)

    # --- the sheet and the record ---------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        non_service = path(
            "non-service/",
            self.admin_site.admin_view(self.non_service),
            name="intake_call_non_service",
        )
        return [non_service, *super().get_urls()]

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return CallSheetPage(self, request, Call(started_at=timezone.now())).get()
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
            "amend_url": self.url(record, "amend")
            if not record.is_open and self.may(request, "add_callamendment")
            else "",
        }

    def non_service(self, request: HttpRequest) -> HttpResponse:
        """Log a wrong number, silence, hang-up, abuse or test with one press, and be back."""
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
    ordering = ("-made_at", "-id")
    list_select_related = ("call", "made_by")


@admin.register(SubstanceUse)
class SubstanceUseAdmin(HelplineAdmin):
    """Substances as rows; the list says only on which call something was told."""

    list_display = ("__str__", "call", "position")
    allowed_lookups = ("call",)
    ordering = ("-call__started_at", "position")
    list_select_related = ("call",)
