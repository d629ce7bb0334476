"""What a supervisor looks at, and nobody else: hard calls, judged screens, broken promises."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, Model, OuterRef
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from intake.admin.desk import handovers
from intake.admin.desk.queues import Action, Badge, Queue, Row, counted, listed
from intake.models import AnswerCard, Attempt, Callback, Debrief, PhoneEvent, Reminder, SafetyScreen

# What a supervisor should have looked at: one day back.
LOOK_BACK = timedelta(days=1)
ROWS_OF_A_KIND = 3

Kind = Callable[[datetime], tuple[list[Row], int]]


def for_supervisors(now: datetime) -> Queue:
    """A few rows of each kind, people first; the count is of all of them."""
    kinds: tuple[Kind, ...] = (
        danger_suspected,
        phone_events,
        debriefs,
        never_reached,
        reminders_given_up,
        screens_skipped,
        screens_overridden,
        handovers.unread_by_all,
        reviews_overdue,
    )
    found = [kind(now) for kind in kinds]
    return Queue(
        id="supervisor",
        title=_("For a supervisor"),
        hint=_("Hard calls to talk over, and what went another way since yesterday."),
        tone="warn",
        count=sum(count for _rows, count in found),
        rows=[row for rows, _count in found for row in rows],
        first_label=_("For a supervisor"),
        news_one=_("1 new entry for a supervisor"),
        news_many=_("%d new entries for a supervisor"),
        empty_title=_("Nothing for a supervisor to look at"),
    )


def debriefs(now: datetime) -> tuple[list[Row], int]:
    """Asked for and not held, however long ago; the longest waiting first."""
    waiting = (
        Debrief.objects.filter(held_at=None)
        .select_related("call", "asked_by")
        .only("asked_at", "call__reference", "asked_by__username")
        .order_by("asked_at", "id")
    )
    found, count = listed(waiting, rows=ROWS_OF_A_KIND)
    rows = [
        _row(
            debrief,
            _("debrief asked for"),
            "info",
            debrief.asked_at,
            reference=debrief.call.reference,
            notes=[_("by %(name)s") % {"name": debrief.asked_by.get_username()}],
        )
        for debrief in found
    ]
    return rows, count


def danger_suspected(now: datetime) -> tuple[list[Row], int]:
    """Somebody sounded in danger when rung: decide together who tries again, until it has ended."""
    sounded = Attempt.objects.filter(
        callback=OuterRef("pk"), outcome=Attempt.Outcome.DANGER_SUSPECTED
    )
    # Such an attempt makes its callback urgent, which is what the index is by.
    open_ones = (
        Callback.objects.filter(
            Exists(sounded), status=Callback.Status.OPEN, urgency=Callback.Urgency.URGENT
        )
        .only("reference", "due_at")
        .order_by("due_at", "id")
    )
    found, count = listed(open_ones, rows=ROWS_OF_A_KIND)
    return [_row(one, _("danger suspected"), "danger", one.due_at) for one in found], count


def phone_events(now: datetime) -> tuple[list[Row], int]:
    """A text somebody has to read, or one that asks for no calls; the longest waiting first."""
    found, count = listed(PhoneEvent.objects.to_decide(), rows=ROWS_OF_A_KIND)
    labels = {
        PhoneEvent.Result.WANTS_NO_CALLS: (_("wrote: no calls"), "danger"),
        PhoneEvent.Result.TEXT_TO_READ: (_("text to be read"), "warn"),
    }
    rows = [
        _row(event, *labels[PhoneEvent.Result(event.result)], event.received_at) for event in found
    ]
    return rows, count


def never_reached(now: datetime) -> tuple[list[Row], int]:
    exhausted = (
        Callback.objects.filter(status=Callback.Status.EXHAUSTED, closed_at__gt=now - LOOK_BACK)
        .only("reference", "closed_at")
        .order_by("-closed_at", "id")
    )
    found, count = listed(exhausted, rows=ROWS_OF_A_KIND)
    return [_row(one, _("never reached"), "late", one.closed_at) for one in found], count


def reminders_given_up(now: datetime) -> tuple[list[Row], int]:
    dead = (
        Reminder.objects.filter(status=Reminder.Status.DEAD, callback__status=Callback.Status.OPEN)
        .select_related("callback")
        .only("due_at", "callback__reference")
        .order_by("due_at", "id")
    )
    found, count = listed(dead, rows=ROWS_OF_A_KIND)
    rows = [
        _row(
            reminder,
            _("reminder given up"),
            "danger",
            reminder.due_at,
            reference=reminder.callback.reference,
        )
        for reminder in found
    ]
    return rows, count


def screens_skipped(now: datetime) -> tuple[list[Row], int]:
    skipped = _screens().filter(is_skipped=True, screened_at__gt=now - LOOK_BACK)
    found, count = listed(skipped.order_by("-screened_at", "id"), rows=ROWS_OF_A_KIND)
    rows = [_screen_row(screen, _("screen skipped"), screen.screened_at) for screen in found]
    return rows, count


def screens_overridden(now: datetime) -> tuple[list[Row], int]:
    changed = _screens().filter(overridden_at__gt=now - LOOK_BACK)
    found, count = listed(changed.order_by("-overridden_at", "id"), rows=ROWS_OF_A_KIND)
    rows = [_screen_row(screen, _("level set by staff"), screen.overridden_at) for screen in found]
    return rows, count


def _screens() -> Any:
    return SafetyScreen.objects.select_related("call").only(
        "screened_at", "overridden_at", "call__reference"
    )


def _screen_row(screen: SafetyScreen, label: str, at: datetime | None) -> Row:
    return _row(screen, label, "warn", at, reference=screen.call.reference)


def reviews_overdue(now: datetime) -> tuple[list[Row], int]:
    """One line for all: the cards are read again in one sitting."""
    overdue = AnswerCard.objects.overdue(now).only("review_due_at").order_by("review_due_at", "id")
    found, count = listed(overdue, rows=1)
    if not found:
        return [], 0
    page = reverse("admin:intake_answercard_changelist")
    row = Row(
        id=str(found[0].pk),
        reference=_("Answer cards"),
        url=page,
        badge=Badge(_("review overdue"), "info"),
        at=found[0].review_due_at,
        notes=[ngettext("%(n)s card", "%(n)s cards", count) % {"n": counted(count)}],
        action=Action(_("Look"), page),
    )
    return [row], 1


def _row(
    record: Model,
    label: str,
    tone: str,
    at: datetime | None,
    *,
    reference: str = "",
    notes: list[str] | None = None,
) -> Row:
    page = reverse(f"admin:intake_{record._meta.model_name}_change", args=[record.pk])
    return Row(
        id=str(record.pk),
        reference=reference or str(getattr(record, "reference", record)),
        url=page,
        badge=Badge(label, tone),
        at=at,
        notes=notes or [],
        action=Action(_("Look"), page),
    )
