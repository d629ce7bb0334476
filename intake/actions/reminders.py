"""Planning the outbox: which reminders a promise has, and when each may go out.

What happens to a planned row is in ``delivery``; who looks for due ones, and when, in
``sweeping`` and ``doorbell``.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from intake.actions import doorbell, events
from intake.actions.base import Refused
from intake.channels import CHANNELS
from intake.models import Callback, Reminder
from intake.rules import retries

PRIORITY = {Callback.Urgency.URGENT: 0, Callback.Urgency.HIGH: 1, Callback.Urgency.ROUTINE: 2}


# What planning sets, and what it sets back: all but whose reminder of which stage and channel it is.
AFRESH = (
    "plan",
    "priority",
    "due_at",
    "next_try_at",
    "status",
    "lease_until",
    "lease_token",
    "attempts",
    "failures",
    "last_error",
    "sent_at",
)


class ReminderNotDead(Refused):
    default_message = "Only a reminder that was given up can be tried again."


class TextNotRepeated(ReminderNotDead):
    default_message = "A text is never sent a second time. Ring the person instead."


def plan(*, callback: Callback, now: datetime) -> None:
    """Write, or move, one reminder for each stage and channel of an open callback.

    Part of the transaction that schedules the callback. A moved reminder starts afresh under
    the callback's new plan number; whoever still holds its lease can no longer finish it. What
    this plan has no use for is void. A stage already past when the promise is made is skipped,
    except that it is due. What is due now is swept as soon as the transaction commits.
    """
    planned = compose(callback=callback, now=now)
    # One statement for all: a moved one starts afresh in the row it has.
    Reminder.objects.bulk_create(
        planned,
        update_conflicts=True,
        unique_fields=["callback", "stage", "channel"],
        update_fields=AFRESH,
    )
    _void_all_but({(row.stage, row.channel) for row in planned}, callback)
    wake(planned, now=now)


def compose(*, callback: Callback, now: datetime) -> list[Reminder]:
    """The reminders ``plan`` writes, not written yet: for whoever must not hold a lock meanwhile.

    Of a callback that never had any, they are all there is to write.
    """
    planned: list[Reminder] = []
    for stage, at in retries.stages(callback.due_at, callback.urgency, callback.window_ends_at):
        if at < now and stage == Reminder.Stage.DUE_SOON:
            continue
        for channel in CHANNELS.values():
            if channel.wants(callback, stage):
                planned.append(_planned(callback, stage, channel.name, at))
    return planned


def wake(planned: Iterable[Reminder], *, now: datetime) -> None:
    """What of these is due now is swept as soon as the transaction commits."""
    doorbell.wake(channels=dict.fromkeys(row.channel for row in planned if row.due_at <= now))


def _planned(callback: Callback, stage: str, channel: str, at: datetime) -> Reminder:
    return Reminder(
        callback=callback,
        stage=stage,
        channel=channel,
        plan=callback.plan,
        priority=PRIORITY[Callback.Urgency(callback.urgency)],
        due_at=at,
        next_try_at=at,
    )


def _void_all_but(planned: set[tuple[str, str]], callback: Callback) -> None:
    """A moved promise may have fewer reminders than before: no warning any more, no text."""
    kept = Q()
    for stage, channel in planned:
        kept |= Q(stage=stage, channel=channel)
    _void(_unfinished(callback).exclude(kept))


def void(*, callback: Callback) -> int:
    """No reminder of this callback is needed any more; returns how many were planned."""
    return _void(_unfinished(callback))


def _unfinished(callback: Callback) -> QuerySet[Reminder]:
    return Reminder.objects.filter(
        callback=callback, status__in=[Reminder.Status.PLANNED, Reminder.Status.DEAD]
    )


def _void(rows: QuerySet[Reminder]) -> int:
    return rows.update(status=Reminder.Status.VOID, lease_until=None, lease_token=None)


def given_up_as(reminder: Reminder) -> Reminder.Status:
    """Dead, for a supervisor; but void once its callback has ended, because then there is nothing
    left to do about it, and nothing would ever take it off their desk."""
    promised = Callback.objects.filter(pk=reminder.callback_id, status=Callback.Status.OPEN)
    return Reminder.Status.DEAD if promised.exists() else Reminder.Status.VOID


@transaction.atomic
def revive(*, reminder: Reminder, by: events.By, now: datetime) -> None:
    """A supervisor has a dead reminder tried again at once.

    Raises ``ReminderNotDead``, or its kind ``TextNotRepeated``: nobody can tell whether a text
    that was given up has arrived, and a second one tells the household more than the first.
    """
    if reminder.channel == Reminder.Channel.TEXT:
        raise TextNotRepeated
    revived = Reminder.objects.filter(pk=reminder.pk, status=Reminder.Status.DEAD).update(
        status=Reminder.Status.PLANNED, next_try_at=now, failures=0, attempts=0, last_error=""
    )
    if not revived:
        raise ReminderNotDead
    events.write("reminder.revived", by=by, now=now, subject=reminder)
    doorbell.wake(channels=[reminder.channel])
