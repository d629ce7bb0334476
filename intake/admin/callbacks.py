"""Callbacks and the tries at keeping them."""

from functools import partial
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from intake.actions import callbacks, finding
from intake.admin import (
    briefing,
    callback_pages,
    claim_pages,
    dial_pages,
    request_reviews,
    review_pages,
)
from intake.admin.base import HelplineAdmin, staff
from intake.admin.call_steps import record_url
from intake.admin.times import relative, staff_time, their_window
from intake.models import Attempt, Callback, Event
from intake.reports import review_queue
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
    dated = "due_at"
    sortable_by = ("due",)
    can_search = True
    search_help_text = _("Number, last four, name, reference")
    record_template = "admin/intake/callback.html"
    pages = {
        "claim": claim_pages.ClaimPage,
        "dial": dial_pages.DialPage,
        "release": claim_pages.ReleasePage,
        "handover": claim_pages.HandOverPage,
        "reschedule": callback_pages.ReschedulePage,
        "cancel": callback_pages.CancelPage,
        "let_through": review_pages.LetThroughPage,
        "turn_down": review_pages.TurnDownPage,
    }

    def get_urls(self) -> list[URLPattern]:
        review = path(
            "review/",
            self.admin_site.admin_view(partial(request_reviews.queue, self)),
            name="intake_callback_review",
        )
        return [review, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Callback]:
        listed: QuerySet[Callback] = super().get_queryset(request)
        # Asked for each row shown; a join would count the attempts of every callback first.
        made = Attempt.objects.filter(callback=OuterRef("pk")).order_by().values("callback")
        tries = Coalesce(Subquery(made.values(number=Count("pk"))), 0)
        counted: QuerySet[Callback] = listed.annotate(tries_made=tries)
        return counted

    def find(self, queryset: Any, text: str) -> Any:
        """By reference, or by the number or name of whom it was promised to."""
        return finding.matching(queryset, text, "person")

    @admin.display(description=_("due"), ordering="due_at")
    def due(self, callback: Callback) -> str:
        return staff_time(callback.due_at)

    @admin.display(description=_("their time"))
    def due_theirs(self, callback: Callback) -> str:
        return their_window(callback.due_at, callback.window_ends_at, callback.time_zone)

    @admin.display(description=_("attempts"))
    def tries(self, callback: Callback) -> int:
        return callback.tries_made  # type: ignore[attr-defined, no-any-return]

    def record_context(self, request: HttpRequest, record: Callback) -> dict[str, Any]:
        now, user = timezone.now(), staff(request)
        pages = {page: self.url(record, page) for page in self.pages}
        person = record.person
        # Within a promised window nobody is late, but there is a last moment.
        ends = record.window_ends_at if record.due_at <= now else None
        return {
            "person": person,
            "language": briefing.language_name(person.language),
            "masked": phones.mask(str(person.phone)) if person.phone else "",
            "due_staff": staff_time(record.due_at),
            "due_theirs": their_window(record.due_at, record.window_ends_at, record.time_zone),
            "relative": relative(ends or record.due_at, now) if record.is_open else "",
            "is_last_moment": ends is not None and now < ends,
            "is_late": record.is_open and (ends or record.due_at) <= now,
            "is_mine": record.claimed_by_id == user.pk,
            "entries": _entries(record),
            "reminders": record.reminders.order_by("due_at", "channel"),
            "pages": pages,
            "call_url": self.admin_site._registry[type(record.call)].url(record.call)  # type: ignore[attr-defined]
            if record.call
            else "",
            "block_url": record_url(record.closed_by_block)
            if record.closed_by_block and self.may(request, "view_blockednumber")
            else "",
            "may_change": self.may(request, "change_callback"),
            "waits_because": review_pages.why(record)
            if record.status in review_queue.WAITING
            else "",
            "may_review": self.may(request, review_pages.PERMISSION),
            "turned_down": record.get_turned_down_because_display(),
            "may_hand_over": record.is_open and _is_theirs(record, user),
            "is_claimed_by_other": callbacks.is_claimed(record, now)
            and record.claimed_by_id != user.pk,
        }


def _is_theirs(callback: Callback, user: User) -> bool:
    """As ``callbacks.hand_over`` has it, but for a colleague's claim, which is told there."""
    is_theirs = user.pk in (callback.owner_id, callback.claimed_by_id)
    return is_theirs or user.has_perm("intake.view_reports")


def _entries(callback: Callback) -> list[dict[str, Any]]:
    """What happened, newest first."""
    tones = {Attempt.Outcome.REACHED: "done", Attempt.Outcome.DANGER_SUSPECTED: "danger"}
    made = [
        {
            "when": attempt.made_at,
            "when_text": staff_time(attempt.made_at),
            "what": attempt.get_outcome_display(),
            "who": attempt.made_by.get_username(),
            "text": _attempt_text(attempt),
            "tone": tones.get(Attempt.Outcome(attempt.outcome), "late"),
        }
        for attempt in callback.attempts.select_related("made_by").order_by("-number")
    ]
    moves = [*made, *_hand_overs(callback), *_reviews(callback)]
    moves.sort(key=lambda entry: entry["when"], reverse=True)
    promised = {
        "when": callback.requested_at,
        "when_text": staff_time(callback.requested_at),
        "what": callback.get_source_display(),
        "tone": "info",
    }
    return [*moves, promised]


def _attempt_text(attempt: Attempt) -> str:
    if not attempt.against_their_wish:
        return str(attempt.note)
    return " · ".join(filter(None, [gettext("Recorded against their wish"), attempt.note]))


def _hand_overs(callback: Callback) -> list[dict[str, Any]]:
    """From the audit, which alone knows who gave it to whom, and why."""
    given = Event.objects.filter(
        subject_type="callback", subject_id=str(callback.pk), verb="callback.handed_over"
    ).select_related("actor")
    names = User.objects.in_bulk([event.detail["to"] for event in given if event.detail["to"]])
    return [
        {
            "when": event.at,
            "when_text": staff_time(event.at),
            "what": _given_to(names.get(event.detail["to"])),
            "who": event.actor.get_username() if event.actor else "",
            "text": Callback.HandOverReason(event.detail["reason"]).label,
            "tone": "info",
        }
        for event in given
    ]


def _reviews(callback: Callback) -> list[dict[str, Any]]:
    """Who let a held request through, or turned it down; what let itself in was never held."""
    verbs = {"callback.admitted": _("Let through"), "callback.turned_down": _("Turned down")}
    decided = Event.objects.filter(
        subject_type="callback",
        subject_id=str(callback.pk),
        verb__in=verbs,
        actor_kind=Event.ActorKind.USER,
    ).select_related("actor")
    return [
        {
            "when": event.at,
            "when_text": staff_time(event.at),
            "what": verbs[event.verb],
            "who": event.actor.get_username() if event.actor else "",
            "text": callback.get_turned_down_because_display(),
            "tone": "info",
        }
        for event in decided
    ]


def _given_to(user: User | None) -> Any:
    if user is None:
        return _("Handed to the pool")
    return _("Handed to %(name)s") % {"name": user.get_username()}


@admin.register(Attempt)
class AttemptAdmin(HelplineAdmin):
    list_display = ("__str__", "callback", "number", "outcome", "made_at", "made_by")
    list_filter = ("outcome",)
    allowed_lookups = ("outcome", "callback", "made_by")
    list_select_related = ("callback", "made_by")
    ordering = ("-id",)
