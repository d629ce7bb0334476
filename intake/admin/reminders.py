"""The outbox, read-only; a dead reminder can be tried again by a supervisor."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from intake.actions import reminders
from intake.actions.base import Refused
from intake.admin.base import HelplineAdmin, staff
from intake.admin.callback_pages import SeenPage
from intake.models import Heartbeat, Notice, Reminder


@admin.register(Reminder)
class ReminderAdmin(HelplineAdmin):
    list_display = (
        "__str__",
        "callback",
        "stage",
        "channel",
        "due_at",
        "status",
        "failures",
        "sent_at",
    )
    list_filter = ("status", "stage", "channel")
    allowed_lookups = ("status", "stage", "channel", "callback", "due_at")
    list_select_related = ("callback",)
    dated = "due_at"
    ordering = ("-due_at", "-id")
    actions = ("revive",)

    def has_revive_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "revive_reminder")

    @admin.action(description=_("Try again now"), permissions=["revive"])
    def revive(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Dead reminders go out with the next sweep; others are left alone and named."""
        for reminder in queryset:
            try:
                reminders.revive(reminder=reminder, by=staff(request), now=timezone.now())
            except Refused as refusal:
                messages.warning(request, f"{reminder}: {refusal.message}")


@admin.register(Notice)
class NoticeAdmin(HelplineAdmin):
    list_display = ("__str__", "reminder", "recipient", "for_supervisors", "shown_from", "seen_at")
    allowed_lookups = ("for_supervisors",)
    list_select_related = ("reminder", "recipient")
    pages = {"seen": SeenPage}
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Notice]:
        """What is on somebody else's desk is theirs to take off it."""
        return Notice.objects.shown_to(staff(request))


@admin.register(Heartbeat)
class HeartbeatAdmin(HelplineAdmin):
    list_display = ("name", "seen_at", "paused_until")
    ordering = ("name",)
