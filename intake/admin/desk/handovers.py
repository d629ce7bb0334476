"""Hand-over notes on the desk: what I have not acknowledged, and what nobody has."""

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from intake.admin.desk.queues import Action, Badge, Queue, Row, listed
from intake.models import HandOver, HandOverAcknowledgement

# After a day it is no news to anybody any more.
LOOK_BACK = timedelta(days=1)
# Nobody of the next shift has read it by then: a supervisor is told.
READ_WITHIN = timedelta(hours=1)


def _recent(now: datetime) -> QuerySet[HandOver]:
    """Those of the last day, without what stands in them."""
    return (
        HandOver.objects.filter(written_at__gt=now - LOOK_BACK)
        .select_related("written_by")
        .only("written_at", "written_by__username")
        .order_by("-written_at", "-id")
    )


def to_acknowledge(user: User, now: datetime) -> Queue:
    mine = HandOverAcknowledgement.objects.filter(hand_over=OuterRef("pk"), acknowledged_by=user)
    found, count = listed(_recent(now).exclude(written_by=user).exclude(Exists(mine)))
    return Queue(
        id="handovers",
        title=_("Hand-over notes"),
        hint=_("From the shift before. Acknowledge what you have read."),
        tone="warn",
        count=count,
        rows=[_row(hand_over, _("Read")) for hand_over in found],
        first_label=_("Read what the last shift hands over"),
        news_one=_("1 new hand-over note"),
        news_many=_("%d new hand-over notes"),
        more_url=reverse("admin:intake_handover_changelist"),
        more_label=_("All hand-overs"),
        empty_title=_("Every hand-over is read"),
    )


def unread_by_all(now: datetime) -> tuple[list[Row], int]:
    """For supervisors: written an hour ago or more, and acknowledged by nobody."""
    anybody = HandOverAcknowledgement.objects.filter(hand_over=OuterRef("pk"))
    unread = _recent(now).filter(written_at__lte=now - READ_WITHIN).exclude(Exists(anybody))
    found, count = listed(unread, rows=3)
    rows = [_row(hand_over, _("Look")) for hand_over in found]
    for row in rows:
        row.badge = Badge(_("read by nobody"), "warn")
    return rows, count


def _row(hand_over: HandOver, label: str) -> Row:
    page = reverse("admin:intake_handover_change", args=[hand_over.pk])
    return Row(
        id=str(hand_over.pk),
        reference=str(hand_over),
        url=page,
        before=_("Written"),
        at=hand_over.written_at,
        notes=[_("by %(name)s") % {"name": hand_over.written_by.get_username()}],
        action=Action(label, page),
    )
