"""The desk: what needs me now, most pressing first."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from intake.actions import events
from intake.admin.base import staff
from intake.admin.times import relative, since, staff_time, their_time
from intake.models import (
    Call,
    Callback,
    InsuranceCheck,
    Notice,
    Referral,
    ReferralOffer,
    Reminder,
    SafetyScreen,
)

ROWS = 10
MOST_NOTICES = 200
SOON = timedelta(hours=2)
# What a supervisor should have looked at: one day back.
LOOK_BACK = timedelta(days=1)

Row = dict[str, Any]
Queue = dict[str, Any]


def show(request: HttpRequest, site: AdminSite, extra: dict[str, Any]) -> TemplateResponse:
    """The index page; roles that see no caller get a list of what they may open instead."""
    user, now = staff(request), timezone.now()
    context = {**site.each_context(request), "title": _("Desk"), **extra}
    if not user.has_perm("intake.view_callback"):
        context["app_list"] = site.get_app_list(request)
        return TemplateResponse(request, "admin/index.html", context)
    queues = [overdue(user, now), due_soon(user, now), unfinished(user, now)]
    side = [notices(user, now), insurance(user, now), referrals(now)]
    if user.has_perm("intake.view_reports"):
        queues.append(for_supervisors(now))
    shown = [row["id"] for queue in [*queues, *side] for row in queue["rows"]]
    events.write("desk.read", by=user, now=now, detail={"ids": shown})
    context |= {
        "greeting": _("The desk"),
        "shift_note": staff_time(now),
        "queues": queues,
        "side_queues": side,
        "non_service": True,
    }
    return TemplateResponse(request, "admin/intake/desk.html", context)


def _mine_or_pool(user: User) -> Q:
    if user.has_perm("intake.view_reports"):
        return Q()
    return Q(owner=user) | Q(owner=None) | Q(claimed_by=user)


def _open_callbacks(user: User) -> QuerySet[Callback]:
    return (
        Callback.objects.filter(_mine_or_pool(user), status=Callback.Status.OPEN)
        .select_related("person", "owner", "claimed_by")
        .annotate(tries=Count("attempts"))
        .order_by("due_at", "id")
    )


def overdue(user: User, now: datetime) -> Queue:
    late = _open_callbacks(user).filter(due_at__lte=now)
    return {
        "id": "overdue",
        "title": _("Callbacks due and overdue"),
        "tone": "late",
        "hint": _("Promised and not yet kept. Ring these first."),
        "count": late.count(),
        "rows": [_callback_row(callback, user, now) for callback in late[:ROWS]],
        "more_url": reverse("admin:intake_callback_changelist") + "?status__exact=open",
        "more_label": _("All open callbacks"),
        "empty_title": _("No callback is late"),
    }


def due_soon(user: User, now: datetime) -> Queue:
    soon = _open_callbacks(user).filter(due_at__gt=now, due_at__lte=now + SOON)
    return {
        "id": "soon",
        "title": _("Callbacks due soon"),
        "tone": "warn",
        "hint": _("Within the next two hours."),
        "count": soon.count(),
        "rows": [_callback_row(callback, user, now) for callback in soon[:ROWS]],
        "more_url": reverse("admin:intake_callback_changelist") + "?status__exact=open",
        "more_label": _("All open callbacks"),
        "empty_title": _("Nothing due in the next two hours"),
    }


def _callback_row(callback: Callback, user: User, now: datetime) -> Row:
    notes = [_whose(callback, user)]
    tries = callback.tries  # type: ignore[attr-defined]
    if tries:
        notes.append(ngettext("%(n)d attempt", "%(n)d attempts", tries) % {"n": tries})
    if callback.source == Callback.Source.WEB:
        notes.append(_("from the web form"))
    if callback.in_danger:
        notes.append(_("said: in danger"))
    if callback.person.voicemail_rule == callback.person.VoicemailRule.NONE:
        notes.append(_("no voicemail"))
    return {
        "id": str(callback.pk),
        "reference": callback.reference,
        "url": reverse("admin:intake_callback_change", args=[callback.pk]),
        "due": callback.due_at,
        "relative": relative(callback.due_at, now),
        "badge": _urgency_badge(callback),
        "local": _("%(time)s, their time")
        % {"time": their_time(callback.due_at, callback.time_zone)},
        "notes": notes,
        "action_label": _("Open"),
        "action_url": reverse("admin:intake_callback_change", args=[callback.pk]),
    }


def _urgency_badge(callback: Callback) -> Row | None:
    tones = {Callback.Urgency.URGENT: "danger", Callback.Urgency.HIGH: "warn"}
    tone = tones.get(Callback.Urgency(callback.urgency))
    return {"label": callback.get_urgency_display(), "tone": tone} if tone else None


def _whose(callback: Callback, user: User) -> str:
    if callback.claimed_by_id == user.pk:
        return _("you are ringing")
    if callback.claimed_by is not None:
        return _("%(name)s is ringing") % {"name": callback.claimed_by.get_username()}
    if callback.owner_id == user.pk:
        return _("yours")
    if callback.owner is None:
        return _("pool")
    return _("%(name)s's") % {"name": callback.owner.get_username()}


def unfinished(user: User, now: datetime) -> Queue:
    sheets = Call.objects.filter(taken_by=user, status=Call.Status.OPEN).order_by(
        "started_at", "id"
    )
    shown = list(sheets[:ROWS])
    levels = dict(
        SafetyScreen.objects.filter(call__in=shown, is_current=True).values_list("call", "level")
    )
    return {
        "id": "sheets",
        "title": _("Unfinished call sheets"),
        "hint": _("Started by you and not closed yet."),
        "count": sheets.count(),
        "clock": "since",
        "rows": [
            {
                "id": str(call.pk),
                "reference": call.reference,
                "url": reverse("admin:intake_call_change", args=[call.pk]),
                "level": levels.get(call.pk, ""),
                "local": _("Started %(span)s") % {"span": since(call.started_at, now)},
                "notes": [] if call.pk in levels else [_("safety screen not done")],
                "action_label": _("Continue"),
                "action_url": reverse("admin:intake_call_change", args=[call.pk]),
            }
            for call in shown
        ],
        "empty_title": _("No sheet is waiting for you"),
    }


def notices(user: User, now: datetime) -> Queue:
    unseen = (
        Notice.objects.shown_to(user)
        .filter(seen_at=None, reminder__callback__status="open")
        .select_related("reminder__callback")
        .order_by("-shown_from", "-id")
    )
    # A promise that ran through its stages is one line, at its latest stage.
    latest = {notice.reminder.callback_id: notice for notice in reversed(unseen[:MOST_NOTICES])}
    shown = sorted(latest.values(), key=lambda notice: notice.shown_from, reverse=True)
    return {
        "id": "notices",
        "title": _("Reminders"),
        "count": len(shown),
        "rows": [
            {
                "id": str(notice.pk),
                "reference": notice.reminder.callback.reference,
                "url": reverse("admin:intake_callback_change", args=[notice.reminder.callback_id]),
                "badge": {
                    "label": notice.reminder.get_stage_display(),
                    "tone": "late" if notice.reminder.stage in LATE_STAGES else "info",
                },
                "local": since(notice.shown_from, now),
                "notes": [],
                "action_label": _("Seen"),
                "action_url": reverse("admin:intake_notice_seen", args=[notice.pk]),
                "action_post": True,
            }
            for notice in shown[:ROWS]
        ],
        "empty_title": _("Nothing new"),
        "empty_text": _("Due and overdue callbacks are announced here."),
    }


LATE_STAGES = (Reminder.Stage.OVERDUE, Reminder.Stage.BREACH)


def insurance(user: User, now: datetime) -> Queue:
    waiting = InsuranceCheck.objects.filter(
        Q(status=InsuranceCheck.Status.QUEUED)
        | Q(status=InsuranceCheck.Status.IN_PROGRESS, taken_by=user)
    ).order_by("requested_at", "id")
    return {
        "id": "insurance",
        "title": _("Insurance checks to work"),
        "tone": "warn",
        "count": waiting.count(),
        "rows": [
            {
                "id": str(check.pk),
                "reference": check.reference,
                "url": reverse("admin:intake_insurancecheck_change", args=[check.pk]),
                "badge": {"label": check.get_status_display(), "tone": "info"},
                "local": _("Asked %(span)s") % {"span": since(check.requested_at, now)},
                "notes": [],
                "action_label": _("Work"),
                "action_url": reverse("admin:intake_insurancecheck_change", args=[check.pk]),
            }
            for check in waiting[:ROWS]
        ],
        "more_url": reverse("admin:intake_insurancecheck_changelist"),
        "empty_title": _("No insurance check is waiting"),
    }


def referrals(now: datetime) -> Queue:
    unanswered = (
        Referral.objects.filter(status=Referral.Status.OPEN)
        .annotate(waiting=Count("offers", filter=Q(offers__status__in=ReferralOffer.WAITING)))
        .order_by("searched_at", "id")
    )
    return {
        "id": "referrals",
        "title": _("Referrals without a place"),
        "count": unanswered.count(),
        "rows": [
            {
                "id": str(referral.pk),
                "reference": referral.reference,
                "url": reverse("admin:intake_referral_change", args=[referral.pk]),
                "local": _("Searched %(span)s") % {"span": since(referral.searched_at, now)},
                "notes": [_answers_awaited(referral.waiting)],
                "action_label": _("Follow up"),
                "action_url": reverse("admin:intake_referral_change", args=[referral.pk]),
            }
            for referral in unanswered[:ROWS]
        ],
        "more_url": reverse("admin:intake_referral_changelist"),
        "empty_title": _("Every referral has a place"),
    }


def _answers_awaited(count: int) -> str:
    if not count:
        return _("nobody asked yet")
    return ngettext("%(n)d answer awaited", "%(n)d answers awaited", count) % {"n": count}


def for_supervisors(now: datetime) -> Queue:
    rows = [*_given_up(now), *_dead_reminders(), *_overridden(now)]
    return {
        "id": "supervisor",
        "title": _("For a supervisor"),
        "hint": _(
            "People never reached, reminders given up, and screens overridden since yesterday."
        ),
        "tone": "warn",
        "count": len(rows),
        "rows": rows[: 2 * ROWS],
        "empty_title": _("Nothing to look at"),
    }


def _row(record: Any, page: str, label: str, tone: str, when: str) -> Row:
    url = reverse(f"admin:intake_{page}_change", args=[record.pk])
    return {
        "id": str(record.pk),
        "reference": getattr(record, "reference", "") or str(record),
        "url": url,
        "badge": {"label": label, "tone": tone},
        "local": when,
        "notes": [],
        "action_label": _("Look"),
        "action_url": url,
    }


def _given_up(now: datetime) -> Iterable[Row]:
    exhausted = Callback.objects.filter(
        status=Callback.Status.EXHAUSTED, closed_at__gt=now - LOOK_BACK
    ).order_by("closed_at")
    for callback in exhausted[:ROWS]:
        closed = callback.closed_at or now
        yield _row(callback, "callback", _("never reached"), "late", since(closed, now))


def _dead_reminders() -> Iterable[Row]:
    dead = Reminder.objects.filter(status=Reminder.Status.DEAD).order_by("due_at")
    for reminder in dead[:ROWS]:
        yield _row(reminder, "reminder", _("reminder given up"), "danger", "")


def _overridden(now: datetime) -> Iterable[Row]:
    changed = SafetyScreen.objects.filter(overridden_at__gt=now - LOOK_BACK).order_by(
        "-overridden_at"
    )
    for screen in changed[:ROWS]:
        when = since(screen.overridden_at or now, now)
        yield _row(screen, "safetyscreen", _("screen overridden"), "warn", when)
