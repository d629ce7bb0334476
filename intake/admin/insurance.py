"""Insurance policies, the checks of their benefits, and what each level of care costs."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from intake.actions import finding
from intake.admin import insurance_pages, told
from intake.admin.base import HelplineAdmin, staff
from intake.admin.call_steps import record_url
from intake.admin.times import relative, since, staff_time
from intake.models import Benefit, InsuranceCheck, InsurancePolicy
from intake.rules import phones


@admin.register(InsurancePolicy)
class InsurancePolicyAdmin(HelplineAdmin):
    list_display = ("__str__", "rank", "created_at")
    list_filter = ("rank",)
    allowed_lookups = ("rank", "person")
    ordering = ("-id",)


@admin.register(InsuranceCheck)
class InsuranceCheckAdmin(HelplineAdmin):
    list_display = (
        "reference",
        "status",
        "requested",
        "needed",
        "taken_by",
        "answered",
        "good_until",
    )
    list_display_links = ("reference",)
    list_filter = ("status",)
    allowed_lookups = ("status", "method", "taken_by", "requested_by", "requested_at", "expires_at")
    list_select_related = ("taken_by",)
    # Open ones first, the longest waiting on top; the others newest first.
    on_top = Q(status__in=InsuranceCheck.OPEN)
    dated = "requested_at"
    ordering = ("-requested_at", "-id")
    can_search = True
    search_help_text = _("Number, last four, name, reference")
    record_template = "admin/intake/insurance_check.html"
    pages = {
        "take": insurance_pages.TakePage,
        "put_back": insurance_pages.PutBackPage,
        "answer": insurance_pages.AnswerPage,
        "unable": insurance_pages.UnablePage,
        "cancel": insurance_pages.CancelPage,
    }

    def find(self, queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
        """By reference, or by the number or name of the person in need."""
        return finding.matching(queryset, text, "call__person_in_need")

    @admin.display(description=_("requested"), ordering="requested_at")
    def requested(self, record: InsuranceCheck) -> str:
        return staff_time(record.requested_at)

    @admin.display(description=_("needed by"), ordering="needed_by", empty_value="")
    def needed(self, record: InsuranceCheck) -> str:
        return staff_time(record.needed_by) if record.needed_by else ""

    @admin.display(description=_("answered"), ordering="answered_at", empty_value="")
    def answered(self, record: InsuranceCheck) -> str:
        return staff_time(record.answered_at) if record.answered_at else ""

    @admin.display(description=_("good until"), ordering="expires_at", empty_value="")
    def good_until(self, record: InsuranceCheck) -> str:
        return staff_time(record.expires_at) if record.expires_at else ""

    def record_context(self, request: HttpRequest, record: InsuranceCheck) -> dict[str, Any]:
        now, policy = timezone.now(), record.policy
        may_work = record.is_open and self.may(request, "work_insurancecheck")
        context = {
            **insurance_pages.beside(record.call),
            "policy": policy,
            "payer_phone": phones.national(policy.payer_phone),
            "member_id": policy.member_id if record.is_open else f"… {policy.member_id[-4:]}",
            "levels": told.level_names(record.levels_wanted),
            "benefits": record.benefits.order_by("position"),
            "may_be_quoted": record.may_be_quoted(now),
            "is_past": record.status in PAST and not record.may_be_quoted(now),
            "is_mine": record.taken_by_id == staff(request).pk,
            "may_work": may_work,
            "may_cancel": record.is_open and self.may(request, "change_insurancecheck"),
            "pages": {page: self.url(record, page) for page in self.pages},
            "ask_again_url": reverse("admin:intake_call_insurance", args=[record.call_id])
            if self.may(request, "add_insurancecheck")
            else "",
            "call_url": record_url(record.call),
            "waited": since(record.requested_at, now),
            "needed_relative": relative(record.needed_by, now) if record.needed_by else "",
            "is_late": record.needed_by is not None and record.needed_by < now,
            "entries": entries(record),
        }
        if record.is_open:
            context |= insurance_pages.conversation(record)
        return context


PAST = (InsuranceCheck.Status.VERIFIED, InsuranceCheck.Status.EXPIRED)


def entries(check: InsuranceCheck) -> list[dict[str, Any]]:
    """What happened, newest first."""
    tones = {"verified": "done", "expired": "done", "unable": "late"}
    happened = [
        (check.answered_at, check.answered_by, _("Answer recorded"), tones.get(check.status, "")),
        (check.taken_at, check.taken_by, _("Taken up"), ""),
        (check.requested_at, check.requested_by, _("Asked for"), "info"),
    ]
    return [
        {
            "when": when,
            "when_text": staff_time(when),
            "what": what,
            "who": who.get_username() if who else "",
            "tone": tone,
        }
        for when, who, what, tone in happened
        if when is not None
    ]


@admin.register(Benefit)
class BenefitAdmin(HelplineAdmin):
    list_display = ("__str__", "insurance_check", "position")
    allowed_lookups = ("insurance_check",)
    list_select_related = ("insurance_check",)
    ordering = ("-id",)
