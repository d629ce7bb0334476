"""What else an agent has under way: sheets, insurance checks, referrals, reminders."""

from datetime import UTC, datetime, timedelta

from django.contrib.auth.models import User
from django.db.models import Case, Count, When
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from intake.admin.call_drafts import sheet_address
from intake.admin.desk.queues import ROWS, Action, Badge, Queue, Row, listed
from intake.admin.times import staff_time
from intake.models import (
    Call,
    Callback,
    InsuranceCheck,
    Notice,
    Referral,
    ReferralOffer,
    Reminder,
    SafetyScreen,
    SheetDraft,
)

MOST_NOTICES = 100
# After this the promise itself has been on every desk for long.
NOTICES_LAST = timedelta(days=2)
MOST_ASIDES = 5
ROWS_OF_NOTICES = 5
LATE_STAGES = (Reminder.Stage.OVERDUE, Reminder.Stage.BREACH)


def sheets(user: User) -> tuple[Queue, Queue]:
    """This person's sheets: those with an emergency nobody has acted on, and the others.

    Among the others is what was typed about a call and never saved.
    """
    unacted = When(
        screen_level=SafetyScreen.Level.EMERGENCY, current_screen__action_taken="", then=True
    )
    found, count = listed(
        Call.objects.filter(taken_by=user, status=Call.Status.OPEN)
        .with_level()
        .annotate(is_emergency=Case(unacted, default=False))
        .only("reference", "started_at")
        .order_by("-is_emergency", "started_at", "id")
    )
    current = SafetyScreen.objects.filter(call__in=found, is_current=True)
    screens = {screen.call_id: screen for screen in current.defer("answers", "exposures")}
    danger: list[Row] = []
    rest: list[Row] = []
    for call in found:
        screen = screens.get(call.pk)
        kind = danger if screen is not None and screen.waits_for_action else rest
        kind.append(_sheet_row(call, screen.effective_level if screen else ""))
    never_saved, number = listed(
        SheetDraft.objects.unsaved_of(user).only("call_key", "typed_at"), rows=MOST_ASIDES
    )
    rest += [_draft_row(draft) for draft in never_saved]
    return _emergencies(danger), _unfinished(rest, count - len(danger) + number)


def _emergencies(rows: list[Row]) -> Queue:
    return Queue(
        id="emergencies",
        title=_("Emergencies"),
        tone="late",
        hint=_("Record what was done. Nothing else goes on before that."),
        rows=rows,
        count=len(rows),
        first_label=_("Emergency: record what was done"),
        news_one=_("1 new emergency"),
        news_many=_("%d new emergencies"),
    )


def _unfinished(rows: list[Row], count: int) -> Queue:
    return Queue(
        id="sheets",
        title=_("Unfinished call sheets"),
        hint=_("Begun by you and not closed yet."),
        rows=rows,
        count=count,
        first_label=_("Finish this call sheet"),
        empty_title=_("No sheet is waiting for you"),
    )


def _sheet_row(call: Call, level: str) -> Row:
    page = reverse("admin:intake_call_change", args=[call.pk])
    return Row(
        id=str(call.pk),
        reference=call.reference,
        url=page,
        level=level,
        before=_("Started"),
        at=call.started_at,
        notes=[] if level else [_("safety screen not done")],
        action=Action(_("Continue"), page),
    )


def _draft_row(draft: SheetDraft) -> Row:
    """A call whose sheet was never saved: the connection or the session ended in the middle."""
    page = sheet_address(draft)
    return Row(
        id=str(draft.pk),
        reference=_("A sheet never saved"),
        url=page,
        before=_("Typed"),
        at=draft.typed_at,
        action=Action(_("Continue"), page),
    )


def insurance(user: User, now: datetime) -> Queue:
    """Waiting ones and mine to work; under them, without a button, what colleagues have taken."""
    open_ = InsuranceCheck.objects.only(
        "reference", "status", "requested_at", "needed_by", "taken_at", "taken_by__username"
    ).select_related("taken_by")
    queued = open_.filter(status=InsuranceCheck.Status.QUEUED)
    worked = open_.filter(status=InsuranceCheck.Status.IN_PROGRESS)
    # Apart, each off the index by status; an OR of both would read every check there is.
    waiting, waiting_count = listed(queued.order_by("requested_at", "id"))
    mine, mine_count = listed(worked.filter(taken_by=user).order_by("requested_at", "id"))
    taken = worked.exclude(taken_by=user).order_by("-taken_at", "id")
    end = datetime.max.replace(tzinfo=UTC)
    found = sorted(
        [*mine, *waiting], key=lambda check: (check.needed_by or end, check.requested_at)
    )
    return Queue(
        id="insurance",
        title=_("Insurance checks to work"),
        tone="warn",
        count=waiting_count + mine_count,
        rows=[_check_row(check, now) for check in found[:ROWS]],
        asides=[
            Row(
                id=str(check.pk),
                reference=check.reference,
                url=reverse("admin:intake_insurancecheck_change", args=[check.pk]),
                before=_("%(name)s is on it") % {"name": check.taken_by.get_username()},
                at=check.taken_at,
            )
            for check in taken[:MOST_ASIDES]
            if check.taken_by is not None
        ],
        first_label=_("A plan is to be asked"),
        more_url=reverse("admin:intake_insurancecheck_changelist"),
        empty_title=_("No insurance check is waiting"),
    )


def _check_row(check: InsuranceCheck, now: datetime) -> Row:
    page = reverse("admin:intake_insurancecheck_change", args=[check.pk])
    notes = []
    if check.needed_by:
        notes.append(_("needed by %(time)s") % {"time": staff_time(check.needed_by)})
    is_late = check.needed_by is not None and check.needed_by <= now
    label = _("Needed by now") if is_late else check.get_status_display()
    return Row(
        id=str(check.pk),
        reference=check.reference,
        url=page,
        badge=Badge(label, "late" if is_late else "info"),
        before=_("Asked"),
        at=check.requested_at,
        notes=notes,
        action=Action(_("Work"), page),
    )


def referrals() -> Queue:
    """Open ones, the longest without an answer first."""
    found, count = listed(
        Referral.objects.filter(status=Referral.Status.OPEN)
        .only("reference", "searched_at")
        .order_by("searched_at", "id")
    )
    # Counted for those shown: grouping comes before a limit.
    waiting = dict(
        ReferralOffer.objects.filter(referral__in=found, status__in=ReferralOffer.WAITING)
        .order_by()
        .values_list("referral")
        .annotate(number=Count("pk"))
    )
    return Queue(
        id="referrals",
        title=_("Referrals without a place"),
        count=count,
        rows=[_referral_row(one, waiting.get(one.pk, 0)) for one in found],
        first_label=_("A referral waits for an answer"),
        more_url=reverse("admin:intake_referral_changelist"),
        empty_title=_("Every referral has a place"),
    )


def _referral_row(referral: Referral, waiting: int) -> Row:
    page = reverse("admin:intake_referral_change", args=[referral.pk])
    return Row(
        id=str(referral.pk),
        reference=referral.reference,
        url=page,
        before=_("Searched"),
        at=referral.searched_at,
        notes=[_answers_awaited(waiting)],
        action=Action(_("Follow up"), page),
    )


def _answers_awaited(count: int) -> str:
    if not count:
        return _("nobody asked yet")
    return ngettext("%(n)d answer awaited", "%(n)d answers awaited", count) % {"n": count}


def notices(user: User, now: datetime) -> Queue:
    """Reminders not yet marked as seen; a promise that ran through its stages is one line."""
    unseen = (
        Notice.objects.shown_to(user)
        .filter(
            seen_at=None,
            shown_from__gt=now - NOTICES_LAST,
            reminder__callback__status=Callback.Status.OPEN,
        )
        .select_related("reminder__callback")
        .only("shown_from", "reminder__stage", "reminder__callback__reference")
        .order_by("-shown_from", "-id")
    )
    own, everybodys = unseen.filter(recipient=user), unseen.filter(recipient=None)
    found = [*own[:MOST_NOTICES], *everybodys[:MOST_NOTICES]]
    found.sort(key=lambda notice: (notice.shown_from, notice.pk))
    latest = {notice.reminder.callback_id: notice for notice in found}
    shown = sorted(latest.values(), key=lambda notice: notice.shown_from, reverse=True)
    return Queue(
        id="notices",
        title=_("Reminders"),
        count=len(shown),
        rows=[_notice_row(notice) for notice in shown[:ROWS_OF_NOTICES]],
        first_label=_("A reminder"),
        empty_title=_("No new reminder"),
    )


def _notice_row(notice: Notice) -> Row:
    reminder = notice.reminder
    return Row(
        id=str(notice.pk),
        reference=reminder.callback.reference,
        url=reverse("admin:intake_callback_change", args=[reminder.callback_id]),
        badge=Badge(
            reminder.get_stage_display(), "late" if reminder.stage in LATE_STAGES else "info"
        ),
        at=notice.shown_from,
        action=Action(_("Seen"), reverse("admin:intake_notice_seen", args=[notice.pk]), True),
        # To be read, not to be done: the promise itself stands higher up.
        is_ready=False,
    )
