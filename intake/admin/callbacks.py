"""Callbacks and the tries at keeping them."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from intake.actions import searches
from intake.admin import callback_pages
from intake.admin.base import HelplineAdmin, staff
from intake.admin.times import relative, staff_time, their_time
from intake.models import Attempt, Callback, Person
from intake.rules import phones


@admin.register(Callback)
class CallbackAdmin(HelplineAdmin):
    list_display = (
        "reference",
        "due",
        "due_theirs",
        "urgency",
        "status",
        "owner",
        "source",
        "tries",
    )
    list_display_links = ("reference",)
    list_filter = ("status", "urgency", "source")
    allowed_lookups = ("status", "urgency", "source", "owner", "due_at", "closed_at")
    list_select_related = ("owner",)
    ordering = ("-due_at", "-id")
    can_search = True
    record_template = "admin/intake/callback.html"
    pages = {
        "claim": callback_pages.ClaimPage,
        "dial": callback_pages.DialPage,
        "release": callback_pages.ReleasePage,
        "reschedule": callback_pages.ReschedulePage,
        "cancel": callback_pages.CancelPage,
    }

    def get_queryset(self, request: HttpRequest) -> QuerySet[Callback]:
        listed: QuerySet[Callback] = super().get_queryset(request)
        counted: QuerySet[Callback] = listed.annotate(tries_made=Count("attempts"))
        return counted

    def find(self, queryset: Any, text: str) -> Any:
        people = Person.objects.filter(searches.matching_people(text))
        return queryset.filter(Q(person__in=people) | Q(reference=text.upper()))

    @admin.display(description=_("due"), ordering="due_at")
    def due(self, callback: Callback) -> str:
        return staff_time(callback.due_at)

    @admin.display(description=_("their time"))
    def due_theirs(self, callback: Callback) -> str:
        return their_time(callback.due_at, callback.time_zone)

    @admin.display(description=_("attempts"))
    def tries(self, callback: Callback) -> int:
        return callback.tries_made  # type: ignore[attr-defined, no-any-return]

    def record_context(self, request: HttpRequest, record: Callback) -> dict[str, Any]:
        now, user = timezone.now(), staff(request)
        pages = {page: self.url(record, page) for page in self.pages}
        person = record.person
        return {
            "person": person,
            "masked": phones.mask(str(person.phone)) if person.phone else "",
            "due_staff": staff_time(record.due_at),
            "due_theirs": their_time(record.due_at, record.time_zone),
            "relative": relative(record.due_at, now) if record.is_open else "",
            "is_late": record.is_open and record.due_at <= now,
            "is_mine": record.claimed_by_id == user.pk,
            "entries": _entries(record),
            "reminders": record.reminders.order_by("due_at", "channel"),
            "pages": pages,
            "call_url": self.admin_site._registry[type(record.call)].url(record.call)  # type: ignore[attr-defined]
            if record.call
            else "",
            "may_change": self.may(request, "change_callback"),
        }


def _entries(callback: Callback) -> list[dict[str, Any]]:
    """What happened, newest first."""
    tones = {Attempt.Outcome.REACHED: "done", Attempt.Outcome.DANGER_SUSPECTED: "danger"}
    made = [
        {
            "when": attempt.made_at,
            "when_text": staff_time(attempt.made_at),
            "what": attempt.get_outcome_display(),
            "who": attempt.made_by.get_username(),
            "text": attempt.note,
            "tone": tones.get(Attempt.Outcome(attempt.outcome), "late"),
        }
        for attempt in callback.attempts.select_related("made_by").order_by("-number")
    ]
    promised = {
        "when": callback.requested_at,
        "when_text": staff_time(callback.requested_at),
        "what": callback.get_source_display(),
        "tone": "info",
    }
    return [*made, promised]


@admin.register(Attempt)
class AttemptAdmin(HelplineAdmin):
    list_display = ("__str__", "callback", "number", "outcome", "made_at", "made_by")
    list_filter = ("outcome",)
    allowed_lookups = ("outcome", "callback", "made_by")
    list_select_related = ("callback", "made_by")
    ordering = ("-made_at", "-id")
