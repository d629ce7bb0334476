"""What became of each reminder that was due: read from the database and the mail server's book."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass
class Delivery:
    """One due reminder. ``notices`` and ``mails`` are when each copy came."""

    reminder: str
    callback: str
    channel: str
    plan: int
    status: str
    due_at: datetime
    sent_at: datetime | None
    is_leased: bool
    notices: list[datetime] = field(default_factory=list)
    mails: list[datetime] = field(default_factory=list)
    message_ids: set[str] = field(default_factory=set)

    @property
    def copies(self):
        return self.notices if self.channel == "in_app" else self.mails

    @property
    def is_delivered(self):
        return self.status == "sent" and bool(self.copies)

    @property
    def is_doubled(self):
        return len(self.copies) > 1

    @property
    def is_early(self):
        return any(at < self.due_at for at in self.copies)

    @property
    def seconds_late(self):
        """From due to the first copy that came."""
        return (min(self.copies) - self.due_at).total_seconds()


# A database that is not the one of this process cannot be asked through the models.
DUE = """
    SELECT id::text, callback_id::text, channel, plan, status, due_at, sent_at,
           lease_token IS NOT NULL
    FROM intake_reminder WHERE due_at <= clock_timestamp()
"""
NOTICES = "SELECT reminder_id::text, plan, shown_from FROM intake_notice"


def deliveries(stack, callbacks=None):
    """Every reminder due by now, of these callbacks or of all."""
    notices, mails = defaultdict(list), defaultdict(list)
    for reminder, plan, at in stack.query(NOTICES):
        notices[reminder, plan].append(at)
    for arrival in stack.arrivals():
        mails[arrival.reminder].append(arrival)
    found = []
    for row in stack.query(DUE):
        one = Delivery(*row)
        if callbacks is None or one.callback in callbacks:
            one.notices = notices[one.reminder, one.plan]
            one.mails = [datetime.fromtimestamp(a.at, UTC) for a in mails[one.reminder]]
            one.message_ids = {a.message_id for a in mails[one.reminder]}
            found.append(one)
    return found


def unfinished(stack):
    """How many due reminders nobody has finished yet."""
    return stack.value(
        "SELECT count(*) FROM intake_reminder"
        " WHERE due_at <= clock_timestamp() AND status = 'planned'"
    )
