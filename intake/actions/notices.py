"""What the desk announced, and who has seen it."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from intake.actions import events
from intake.actions.base import Refused, move
from intake.models import Notice


class NoticeAlreadySeen(Refused):
    default_message = "This notice was already marked as seen."


@transaction.atomic
def mark_seen(*, notice: Notice, by: User, now: datetime) -> Notice:
    """Take a notice off their desk, and with it the earlier ones of the same promise there.

    Raises ``NoticeAlreadySeen``.
    """
    move(
        notice,
        refusal=NoticeAlreadySeen,
        expected={"seen_at": None},
        seen_at=now,
        seen_by=by,
    )
    Notice.objects.shown_to(by).filter(
        reminder__callback=notice.reminder.callback_id,
        shown_from__lte=notice.shown_from,
        seen_at=None,
    ).update(seen_at=now, seen_by=by)
    events.write("notice.seen", by=by, now=now, subject=notice)
    return notice
