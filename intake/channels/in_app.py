"""Notices on the desk."""

from collections.abc import Callable
from datetime import datetime
from typing import ClassVar

from django.db import transaction

from intake.channels.base import Channel
from intake.models import Callback, Notice, Reminder


class InAppChannel(Channel):
    """Promise: exactly once. The notice and the finish commit together, and a unique key on
    (reminder, plan) refuses a second notice whatever happens around them.

    An overdue promise that belonged to one person goes back to the pool in the same moment.
    """

    name = Reminder.Channel.IN_APP
    stages: ClassVar[frozenset[str]] = frozenset(Reminder.Stage.values)
    batch_size = 100

    @transaction.atomic
    def deliver(
        self,
        reminder: Reminder,
        callback: Callback,
        *,
        now: datetime,
        finish: Callable[[], bool],
    ) -> bool:
        if not finish():
            return False
        if reminder.stage == Reminder.Stage.OVERDUE:
            # Not while somebody is on the phone with them.
            Callback.objects.filter(pk=callback.pk, claimed_at__isnull=True).update(owner=None)
            callback.owner = None
        Notice.objects.create(
            reminder=reminder,
            plan=reminder.plan,
            recipient=None if reminder.stage == Reminder.Stage.BREACH else callback.owner,
            for_supervisors=reminder.stage == Reminder.Stage.BREACH,
            shown_from=now,
        )
        return True
