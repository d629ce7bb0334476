"""Mail to staff: a count and a link, nothing else."""

import smtplib
from collections.abc import Callable
from datetime import datetime
from typing import ClassVar
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.mail import EmailMessage
from django.template.loader import render_to_string

from intake.channels.base import Channel, ChannelDown, NobodyToTell
from intake.models import Callback, Reminder


class EmailChannel(Channel):
    """Promise: at least once, always with the same Message-ID, so a second copy shows as one.

    Sent only when somebody can be told: the owner, the team's address, or for a broken promise
    the supervisors. The text holds a number and an opaque link.
    """

    name = Reminder.Channel.EMAIL
    stages: ClassVar[frozenset[str]] = frozenset(
        {Reminder.Stage.DUE, Reminder.Stage.OVERDUE, Reminder.Stage.BREACH}
    )
    # Each may take the whole mail time-out, and all must fit into one lease.
    batch_size = 5

    def deliver(
        self,
        reminder: Reminder,
        callback: Callback,
        *,
        now: datetime,
        finish: Callable[[], bool],
    ) -> bool:
        addresses = self._addresses(reminder, callback)
        if not addresses:
            raise NobodyToTell
        message = self._message(reminder, callback, addresses, now)
        try:
            message.send()
        except (
            smtplib.SMTPServerDisconnected,
            smtplib.SMTPConnectError,
            smtplib.SMTPHeloError,
            ConnectionError,
            TimeoutError,
        ) as error:
            raise ChannelDown from error
        return finish()

    def _addresses(self, reminder: Reminder, callback: Callback) -> list[str]:
        if reminder.stage == Reminder.Stage.BREACH:
            supervisors = (
                get_user_model()
                .objects.filter(groups__name="Supervisor", is_active=True)
                .exclude(email="")
            )
            addresses = list(supervisors.values_list("email", flat=True))
        elif callback.owner is not None and callback.owner.email:
            addresses = [callback.owner.email]
        else:
            addresses = []
        return addresses or (
            [settings.HELPLINE_STAFF_EMAIL] if settings.HELPLINE_STAFF_EMAIL else []
        )

    def _message(
        self, reminder: Reminder, callback: Callback, addresses: list[str], now: datetime
    ) -> EmailMessage:
        context = {
            "count": Callback.objects.filter(
                status=Callback.Status.OPEN, due_at__lte=max(now, reminder.due_at)
            ).count(),
            "link": f"{settings.BASE_URL}/admin/intake/callback/{callback.pk}/",
        }
        return EmailMessage(
            subject=render_to_string("messages/reminder_staff.subject.txt", context).strip(),
            body=render_to_string("messages/reminder_staff.txt", context),
            to=addresses,
            headers={"Message-ID": self.message_id(reminder)},
        )

    def message_id(self, reminder: Reminder) -> str:
        """The same for every copy of one reminder of one plan."""
        domain = urlsplit(settings.BASE_URL).hostname or "localhost"
        return f"<{reminder.pk}.{reminder.plan}@{domain}>"
