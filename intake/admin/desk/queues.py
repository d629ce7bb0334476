"""The lists on the desk: a few rows each, and how many more there are, up to a bound."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _

from intake.admin.times import relative, since

ROWS = 10
# Beyond this nobody counts: "99+" is as true, and costs the same at a hundred thousand.
MOST_COUNTED = 99

Found = TypeVar("Found", bound=Model)


@dataclass
class Action:
    """The one button of a row; ``is_post`` does it, otherwise it leads there."""

    label: str
    url: str
    is_post: bool = False


@dataclass
class Badge:
    label: str
    tone: str = "info"


@dataclass
class Row:
    """One thing that waits.

    ``at`` is shown as time from now (``when``) and kept true in the browser: ``clock`` "due" tells
    how late it is, "since" how long ago. ``before`` stands in front of it. ``is_ready``: it can be
    done now, so that it may stand on top of the desk.
    """

    id: str
    reference: str
    url: str
    at: datetime | None = None
    clock: str = "since"
    before: str = ""
    level: str | None = None
    badge: Badge | None = None
    local: str = ""
    notes: list[str] = field(default_factory=list)
    action: Action | None = None
    is_ready: bool = True
    when: str = ""

    def tell_time(self, now: datetime) -> None:
        if self.at is not None:
            self.when = relative(self.at, now) if self.clock == "due" else since(self.at, now)


@dataclass
class Queue:
    """One list. ``news_one`` and ``news_many`` are said aloud when a row is new to the page."""

    id: str
    title: str
    rows: list[Row]
    count: int
    first_label: str
    hint: str = ""
    tone: str = ""
    more_url: str = ""
    more_label: str = ""
    empty_title: str = ""
    news_one: str = ""
    news_many: str = ""
    # Said quietly under the rows: what others have in hand.
    asides: list[Row] = field(default_factory=list)
    # The row that was lifted to the top of the desk, and is not repeated here.
    is_lifted: bool = False

    @property
    def count_shown(self) -> str:
        return counted(self.count)

    @property
    def is_said_above(self) -> bool:
        """Whether the row that was lifted out of it is all it has to say."""
        return self.is_lifted and self.count == 1 and not (self.asides or self.more_url)

    @property
    def is_late(self) -> bool:
        return self.tone == "late" and bool(self.count)


def counted(number: int) -> str:
    return _("%(most)d+") % {"most": MOST_COUNTED} if number > MOST_COUNTED else str(number)


def listed(found: QuerySet[Found], rows: int = ROWS) -> tuple[list[Found], int]:
    """The first rows, and how many there are in all, counted to just above ``MOST_COUNTED``."""
    shown = list(found[: rows + 1])
    if len(shown) <= rows:
        return shown, len(shown)
    return shown[:rows], bounded_count(found)


def bounded_count(found: QuerySet[Found]) -> int:
    # In order: without one, PostgreSQL would read the table from its oldest row on.
    return found[: MOST_COUNTED + 1].count()


def lift_most_pressing(queues: Sequence[Queue]) -> tuple[Queue, Row] | None:
    """Take the first row that can be acted on out of its queue; ``queues`` most pressing first."""
    for queue in queues:
        for row in queue.rows:
            if row.is_ready and row.action is not None:
                queue.rows.remove(row)
                queue.is_lifted = True
                return queue, row
    return None
