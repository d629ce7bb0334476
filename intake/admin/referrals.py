"""Referrals: the need, the list that was shown and why, and each facility's answer."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from intake.actions import finding
from intake.actions.offers import STAY_CHECKED_AFTER
from intake.admin import referral_list, referral_pages, told
from intake.admin.base import HelplineAdmin
from intake.admin.call_steps import record_url
from intake.admin.gates import before_telling
from intake.admin.referral_forms import OfferForm
from intake.admin.times import since, staff_time
from intake.models import Consent, Referral, ReferralOffer

# As many as one reads with a caller on the line; the others are folded below.
SHOWN_AT_ONCE = 8


@admin.register(Referral)
class ReferralAdmin(HelplineAdmin):
    list_display = ("reference", "status", "searched", "searched_by", "asked", "waiting")
    list_display_links = ("reference",)
    list_filter = ("status",)
    allowed_lookups = ("status", "searched_by", "searched_at", "closed_at")
    list_select_related = ("searched_by",)
    # Those without a place first, the longest waiting on top; the others newest first.
    on_top = Q(status=Referral.Status.OPEN)
    dated = "searched_at"
    ordering = ("-searched_at", "-id")
    can_search = True
    search_help_text = _("Number, last four, name, reference")
    record_template = "admin/intake/referral.html"
    pages = {
        "search_again": referral_pages.SearchAgainPage,
        "ask": referral_pages.AskPage,
        "close": referral_pages.ClosePage,
    }

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        queryset: QuerySet[Any] = super().get_queryset(request)
        # Asked for each row shown; a join would count the offers of every referral first.
        made = ReferralOffer.objects.filter(referral=OuterRef("pk")).order_by().values("referral")
        is_waiting = Q(status__in=ReferralOffer.WAITING)
        counted: QuerySet[Any] = queryset.annotate(
            offers_made=Coalesce(Subquery(made.values(number=Count("pk"))), 0),
            offers_waiting=Coalesce(
                Subquery(made.values(number=Count("pk", filter=is_waiting))), 0
            ),
        )
        return counted

    def find(self, queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
        """By reference, or by the number or name of the person in need."""
        return finding.matching(queryset, text, "call__person_in_need")

    @admin.display(description=_("searched"), ordering="searched_at")
    def searched(self, record: Referral) -> str:
        return staff_time(record.searched_at)

    @admin.display(description=_("facilities asked"))
    def asked(self, record: Any) -> int:
        return int(record.offers_made)

    @admin.display(description=_("answers awaited"))
    def waiting(self, record: Any) -> int:
        return int(record.offers_waiting)

    def record_context(self, request: HttpRequest, record: Referral) -> dict[str, Any]:
        now, call = timezone.now(), record.call
        rows, cards = referral_list.rows(record, now=now), referral_list.cards(record, now=now)
        is_looking = record.status == Referral.Status.OPEN
        return {
            **referral_pages.beside(call),
            "form": OfferForm(rows=record.list_shown),
            "rows": rows[:SHOWN_AT_ONCE],
            "more_rows": rows[SHOWN_AT_ONCE:],
            "tied": [row for row in rows if row["tie"]],
            "cards": cards,
            "is_looking": is_looking,
            "is_waiting": any(card["offer"].is_waiting for card in cards),
            "may_ask": is_looking and self.may(request, "add_referraloffer"),
            "may_change": self.may(request, "change_referral"),
            "may_answer": self.may(request, "change_referraloffer"),
            "gate": before_telling(call, Consent.Scope.FACILITIES, now=now) if is_looking else None,
            "told": told.to_facility(record),
            "facts": referral_list.asked_for(record),
            "explained": record.list_explained,
            "near_misses": referral_list.near_misses(record),
            "not_matched": referral_list.not_matched(record),
            "searched_ago": since(record.searched_at, now),
            "pages": {page: self.url(record, page) for page in self.pages},
            "call_url": record_url(call),
            "promise_url": reverse("admin:intake_call_callback", args=[call.pk])
            if self.may(request, "add_callback")
            else "",
            "stay_checked_from": now - STAY_CHECKED_AFTER,
        }


@admin.register(ReferralOffer)
class ReferralOfferAdmin(HelplineAdmin):
    list_display = ("__str__", "referral", "facility", "status", "sent_at", "decided_at")
    list_filter = ("status", "decline_reason")
    allowed_lookups = ("status", "decline_reason", "referral", "facility", "sent_at")
    list_select_related = ("referral", "facility")
    ordering = ("-id",)
    pages = {
        "acknowledge": referral_pages.AcknowledgePage,
        "accept": referral_pages.AcceptPage,
        "decline": referral_pages.DeclinePage,
        "arrived": referral_pages.ArrivedPage,
        "stayed": referral_pages.StayedPage,
        "no_show": referral_pages.NoShowPage,
    }
