"""Promises on the desk: in my hands, due and overdue, due soon.

An agent sees their own and the pool's, a supervisor all. Nothing here grows with the number of
promises: each list is a few rows off an index of open callbacks (``callback_owner_due``,
``callback_urgent_due``, ``callback_due``) and a count that stops at a hundred.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db.models import Count, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from intake.actions import calling_hours, claims
from intake.admin.desk.queues import (
    ROWS,
    Action,
    Badge,
    Queue,
    Row,
    bounded_count,
    listed,
)
from intake.admin.times import their_window
from intake.models import Attempt, Callback, Person
from intake.rules import retries
from intake.rules.decisions import Decision

SOON = timedelta(hours=2)
# So near that ringing is the next thing to do.
NEARLY_DUE = timedelta(minutes=15)
MOST_ASIDES = 5

# Without the reason for the call and whoever it is: they are for those who open the record.
COLUMNS = (
    "reference",
    "source",
    "status",
    "due_at",
    "window_ends_at",
    "time_zone",
    "urgency",
    "in_danger",
    "asked_outside_hours",
    "owner__username",
    "claimed_at",
    "claimed_by__username",
    "person__phone",
    "person__state",
    "person__zip_code",
    "person__time_zone",
    "person__time_zone_source",
    "person__safe_from",
    "person__safe_until",
    "person__voicemail_rule",
)


def _shown() -> QuerySet[Callback]:
    """Of any status: what is claimed is open, since whatever closes a callback ends its claim."""
    return Callback.objects.select_related("person", "owner", "claimed_by").only(*COLUMNS)


def _open() -> QuerySet[Callback]:
    return _shown().filter(status=Callback.Status.OPEN).order_by("due_at", "id")


def _free(user: User, now: datetime) -> QuerySet[Callback]:
    """Open, and nobody is ringing: a claim grown old counts for nothing, whoever made it."""
    return _open().filter(claims.free(now)).exclude(claimed_by=user)


def _parts(found: QuerySet[Callback], user: User) -> list[QuerySet[Callback]]:
    """An agent's own and the pool's apart: an OR of both would be off every index."""
    if user.has_perm("intake.view_reports"):
        return [found]
    return [found.filter(owner=user), found.filter(owner=None)]


def _left_lying(late: QuerySet[Callback], user: User, now: datetime) -> list[QuerySet[Callback]]:
    """Overdue ones whose owner was ringing them, and then fell silent: anybody's by now.

    A claim grown old is older than the longest way from due to overdue.
    """
    if user.has_perm("intake.view_reports"):
        return []
    over = Q(window_ends_at=None) | Q(window_ends_at__lte=now)
    theirs = late.filter(
        over,
        claimed_at__isnull=False,
        due_at__lte=now - retries.LONGEST_OVERDUE,
        owner__isnull=False,
    )
    return [theirs.exclude(owner=user)]


def _mine_or_pool(user: User) -> Q:
    return Q() if user.has_perm("intake.view_reports") else Q(owner=user) | Q(owner=None)


def in_hand(user: User, now: datetime) -> Queue:
    """What this person has claimed and not finished."""
    claimed, count = listed(_shown().filter(claimed_by=user).order_by("claimed_at", "id"))
    rows = _rows(claimed, user, now)
    for row, callback in zip(rows, claimed, strict=True):
        row.action = Action(_("Ring"), reverse("admin:intake_callback_dial", args=[callback.pk]))
        row.is_ready = True
    return Queue(
        id="in-hand",
        title=_("You are ringing"),
        hint=_("Claimed by you. Record how it ended, or give it back."),
        rows=rows,
        count=count,
        first_label=_("You are ringing"),
    )


def overdue(user: User, now: datetime) -> Queue:
    """Urgent ones first, then whoever has waited longest; outside their hours, last."""
    late = _free(user, now).filter(due_at__lte=now)
    urgent = late.filter(_mine_or_pool(user), urgency=Callback.Urgency.URGENT)
    parts = [*_parts(late, user), *_left_lying(late, user, now)]
    found, count = _first_of(parts, extra=[urgent])
    found.sort(key=lambda one: (one.urgency != Callback.Urgency.URGENT, one.due_at, one.pk))
    rows = _rows(found[:ROWS], user, now)
    rows.sort(key=lambda row: not row.is_ready)
    return Queue(
        id="overdue",
        title=_("Callbacks due and overdue"),
        tone="late",
        hint=_("Promised and not yet kept."),
        count=count,
        rows=rows,
        asides=_being_rung(user, now),
        first_label=_("Promised, and not yet kept"),
        news_one=_("1 new overdue callback"),
        news_many=_("%d new overdue callbacks"),
        more_url=reverse("admin:intake_callback_changelist") + "?status__exact=open",
        more_label=_("All open callbacks"),
        empty_title=_("No callback is late"),
    )


def due_soon(user: User, now: datetime) -> Queue:
    soon = _free(user, now).filter(due_at__gt=now, due_at__lte=now + SOON)
    found, count = _first_of(_parts(soon, user))
    found.sort(key=lambda one: (one.due_at, one.pk))
    rows = _rows(found[:ROWS], user, now)
    for row, callback in zip(rows, found, strict=False):
        row.is_ready = row.is_ready and callback.due_at <= now + NEARLY_DUE
    return Queue(
        id="soon",
        title=_("Callbacks due soon"),
        tone="warn",
        hint=_("Within the next two hours."),
        count=count,
        rows=rows,
        first_label=_("Due in a moment"),
        empty_title=_("Nothing due in the next two hours"),
    )


def _first_of(
    parts: Sequence[QuerySet[Callback]], *, extra: Sequence[QuerySet[Callback]] = ()
) -> tuple[list[Callback], int]:
    """The first rows of each part, each once, and how many the parts hold, counted to a bound.

    What ``extra`` finds is among the parts already; it only has to be seen.
    """
    heads = [list(part[: ROWS + 1]) for part in parts]
    if all(len(head) <= ROWS for head in heads):
        return [one for head in heads for one in head], sum(map(len, heads))
    seen = [list(part[:ROWS]) for part in extra]
    found = {one.pk: one for head in [*heads, *seen] for one in head}
    return list(found.values()), sum(bounded_count(part) for part in parts)


def _being_rung(user: User, now: datetime) -> list[Row]:
    """What colleagues have in hand, without a button: nobody rings a person twice."""
    taken = (
        _shown()
        .filter(claims.held(now), claimed_at__isnull=False)
        .exclude(claimed_by=user)
        .order_by("-claimed_at", "id")
    )
    return [
        Row(
            id=str(callback.pk),
            reference=callback.reference,
            url=reverse("admin:intake_callback_change", args=[callback.pk]),
            before=_("%(name)s is ringing") % {"name": callback.claimed_by.get_username()},
            at=callback.claimed_at,
        )
        for callback in taken[:MOST_ASIDES]
        if callback.claimed_by is not None
    ]


def _rows(found: Sequence[Callback], user: User, now: datetime) -> list[Row]:
    tries = dict(
        Attempt.objects.filter(callback__in=found)
        .order_by()
        .values_list("callback")
        .annotate(made=Count("pk"))
    )
    decisions = calling_hours.decide_all(found, now)
    return [
        _row(callback, user, tries.get(callback.pk, 0), decisions[callback.pk], now)
        for callback in found
    ]


def _row(callback: Callback, user: User, tries: int, decision: Decision, now: datetime) -> Row:
    window = callback.window_ends_at
    # Begun and not over: nobody is late, but there is a last moment.
    ends = window if window is not None and callback.due_at <= now else None
    page = reverse("admin:intake_callback_change", args=[callback.pk])
    claim = reverse("admin:intake_callback_claim", args=[callback.pk])
    return Row(
        id=str(callback.pk),
        reference=callback.reference,
        url=page,
        before=_("Window ends") if ends is not None and now < ends else "",
        at=ends or callback.due_at,
        clock="due",
        badge=_urgency_badge(callback),
        local=_("%(time)s, their time")
        % {"time": their_window(callback.due_at, window, callback.time_zone)},
        notes=[*_passed(callback, now), *_notes(callback, user, tries, decision)],
        action=Action(_("Claim and ring"), claim, is_post=True) if decision.ok else None,
        is_ready=decision.ok,
    )


def _passed(callback: Callback, now: datetime) -> Iterable[str]:
    """The later stages by name, as the reminders call them; being due is plain from the time."""
    at = dict(retries.stages(callback.due_at, callback.urgency, callback.window_ends_at))
    if at[retries.Stage.BREACH] <= now:
        yield _("promise broken")
    elif at[retries.Stage.OVERDUE] <= now:
        yield _("overdue")


def _notes(callback: Callback, user: User, tries: int, decision: Decision) -> Iterable[str]:
    if decision.is_capped:
        yield _("not now: tried as often as may be")
    elif not decision.ok:
        yield _("not now: outside their hours")
    yield _whose(callback, user)
    if tries:
        yield ngettext("%(n)d attempt", "%(n)d attempts", tries) % {"n": tries}
    if callback.source == Callback.Source.WEB:
        yield _("from the web form")
    if callback.source == Callback.Source.PHONE:
        yield _("from the phone system")
    if callback.in_danger:
        yield _("said: in danger")
    if callback.person.voicemail_rule == Person.VoicemailRule.NONE:
        yield _("no voicemail")


def _urgency_badge(callback: Callback) -> Badge | None:
    tones = {Callback.Urgency.URGENT: "danger", Callback.Urgency.HIGH: "warn"}
    tone = tones.get(Callback.Urgency(callback.urgency))
    return Badge(callback.get_urgency_display(), tone) if tone else None


def _whose(callback: Callback, user: User) -> str:
    if callback.owner_id == user.pk:
        return _("yours")
    if callback.owner is None:
        return _("pool")
    return _("%(name)s's") % {"name": callback.owner.get_username()}
