"""Planning the outbox: which reminders a promise has, and when each may go out.

What happens to a planned row is in ``delivery``; who looks for due ones, and when, in
``sweeping`` and ``doorbell``.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from intake.actions import doorbell, events
from intake.actions.base import Refused
from intake.channels import CHANNELS
from intake.models import Callback, Reminder
from intake.rules import retries

PRIORITY = {Callback.Urgency.URGENT: 0, Callback.Urgency.HIGH: 1, Callback.Urgency.ROUTINE: 2}


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
    planned: set[tuple[str, str]] = set()
    due_now: set[str] = set()
    for stage, at in retries.stages(callback.due_at, callback.urgency, callback.window_ends_at):
        if at < now and stage == Reminder.Stage.DUE_SOON:
            continue
        for channel in CHANNELS.values():
            if channel.wants(callback, stage):
                _plan_one(callback, stage, channel.name, at)
                planned.add((stage, channel.name))
                if at <= now:
                    due_now.add(channel.name)
    _void_all_but(planned, callback)
    doorbell.wake(channels=due_now)


def _plan_one(callback: Callback, stage: str, channel: str, at: datetime) -> None:
    Reminder.objects.update_or_create(
        callback=callback,
        stage=stage,
        channel=channel,
        defaults={
            "plan": callback.plan,
            "priority": PRIORITY[Callback.Urgency(callback.urgency)],
            "due_at": at,
            "next_try_at": at,
            "status": Reminder.Status.PLANNED,
            "lease_until": None,
            "lease_token": None,
            "attempts": 0,
            "failures": 0,
            "last_error": "",
            "sent_at": None,
        },
    )


def _void_all_but(planned: set[tuple[str, str]], callback: Callback) -> None:
    """A moved promise may have fewer reminders than before: no warning any more, no text."""
    for reminder in _unfinished(callback).only("stage", "channel"):
        if (reminder.stage, reminder.channel) not in planned:
            _void(Reminder.objects.filter(pk=reminder.pk))


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
