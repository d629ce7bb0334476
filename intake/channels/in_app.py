"""Notices on the desk."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from intake.channels.base import Board
from intake.models import Callback, Notice, Reminder
from intake.models.inserting import Insertion, insert_many


class InAppChannel(Board):
    """Promise: exactly once. The notice and the mark commit together, and a unique key on
    (reminder, plan) refuses a second notice whatever happens around them.
    """

    name = Reminder.Channel.IN_APP
    stages: ClassVar[frozenset[str]] = frozenset(Reminder.Stage.values)
    # A fifth of a second or so: an urgent one that arrives meanwhile is in the next batch.
    batch_size = 500

    def show(self, reminders: Sequence[tuple[Reminder, Callback]], *, now: datetime) -> None:
        """One notice each: the owner's, everybody's, or for a broken promise the supervisors'."""
        notices = [
            Notice(
                reminder_id=reminder.pk,
                plan=reminder.plan,
                recipient_id=_recipient(reminder, callback),
                for_supervisors=reminder.stage == Reminder.Stage.BREACH,
                shown_from=now,
            )
            for reminder, callback in reminders
        ]
        insert_many([Insertion.of(notice) for notice in notices])


def _recipient(reminder: Reminder, callback: Callback) -> int | None:
    """An overdue promise is everybody's."""
    if reminder.stage in {Reminder.Stage.OVERDUE, Reminder.Stage.BREACH}:
        return None
    return callback.owner_id
