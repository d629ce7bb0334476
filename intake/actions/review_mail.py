"""Telling supervisors by mail that held requests wait: once, then at most once an hour.

A flood of requests must not become a flood of mail, or nobody reads the next one. The desk of
everybody shows them meanwhile.
"""

import contextlib
import logging
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import Q
from django.template.loader import render_to_string

from intake.channels import email
from intake.channels.base import ChannelDown
from intake.models import Callback, Heartbeat

logger = logging.getLogger(__name__)

AGAIN_AFTER = timedelta(hours=1)
# The row that says when they were told last.
TOLD = "review.told"
NEVER = datetime(2000, 1, 1, tzinfo=UTC)
# Beyond this nobody counts.
MOST_COUNTED = 1000


def tell_supervisors(*, now: datetime) -> bool:
    """Send the mail if something is held and none was sent for an hour; returns whether it was.

    Of several processes one sends it. Where there is no server to talk to,
    ``ChannelDown`` is raised and the next sweep tries again.
    """
    held = Callback.objects.filter(status=Callback.Status.HELD)
    addresses = email.supervisors() if held.exists() else []
    last = _told_at() if addresses else None
    if last is None or not _claim(last, now):
        return False
    number = held[:MOST_COUNTED].count()
    try:
        with contextlib.closing(email.Mailer(lambda: settings.REMINDER_LEASE_SECONDS)) as mailer:
            mailer.send(_message(number, addresses, now))
    except ChannelDown:
        Heartbeat.objects.filter(name=TOLD, seen_at=now).update(seen_at=last)
        raise
    except Exception as error:
        # A fault of this mail must not keep every other from going out.
        logger.error("the mail about held requests could not be sent", exc_info=error)
        return False
    return True


def _told_at() -> datetime:
    row, _is_new = Heartbeat.objects.get_or_create(name=TOLD, defaults={"seen_at": NEVER})
    return row.seen_at


def _claim(last: datetime, now: datetime) -> bool:
    """A time still to come is left over from a clock that was put back."""
    is_over = Q(seen_at__lte=now - AGAIN_AFTER) | Q(seen_at__gt=now + AGAIN_AFTER)
    rows = Heartbeat.objects.filter(is_over, name=TOLD, seen_at=last)
    return bool(rows.update(seen_at=now))


def _message(number: int, addresses: list[str], now: datetime) -> EmailMessage:
    context = {"count": number, "link": f"{settings.BASE_URL}/admin/intake/callback/review/"}
    domain = urlsplit(settings.BASE_URL).hostname or "localhost"
    return EmailMessage(
        subject=render_to_string("messages/reminder_staff.subject.txt", context).strip(),
        body=render_to_string("messages/review_staff.txt", context),
        to=addresses,
        # The same for every copy, should the server take one and not say so.
        headers={"Message-ID": f"<review.{int(now.timestamp())}@{domain}>"},
    )
