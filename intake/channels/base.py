"""The contract of a channel, and what it may answer instead of sending."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import ClassVar

from intake.models import Callback, Reminder


class ChannelDown(Exception):
    """The channel itself is out and nothing was sent: the row is not to blame and will wait."""


class NotNow(Exception):
    """The other side asked to have this one later; no failure of the row."""


class NobodyToTell(Exception):
    """There is nobody, or nobody any more, whom this reminder should go to."""


class GaveUp(Exception):
    """This one must never be tried again; a supervisor has to see it.

    ``code`` is a fixed word. May be raised after ``finish`` too: what became of it is unknown.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Channel(ABC):
    """One way of reaching people. Each channel states in its docstring what it promises."""

    name: ClassVar[str]
    stages: ClassVar[frozenset[str]]
    # How many to lease at once.
    batch_size: ClassVar[int]

    def wants(self, callback: Callback, stage: str) -> bool:
        """Whether a reminder of this stage is planned for this callback at all."""
        return stage in self.stages


class Board(Channel):
    """A channel that is rows of ours: what it writes commits with the mark, a batch at a time."""

    @abstractmethod
    def show(self, reminders: Sequence[tuple[Reminder, Callback]], *, now: datetime) -> None:
        """Write them all, in the transaction that marks them sent."""


class Carrier(Channel):
    """A channel that leaves this machine: one reminder at a time, outside any transaction."""

    @contextmanager
    def session(self, left: Callable[[], float]) -> Iterator[None]:
        """What one batch shares. ``left()``: for how many seconds its rows are still ours."""
        yield

    def has_anyone_to_tell(self, reminder: Reminder, callback: Callback) -> bool:
        """False where ``deliver`` would only raise ``NobodyToTell``, if that is cheap to say."""
        return True

    @abstractmethod
    def deliver(
        self,
        reminder: Reminder,
        callback: Callback,
        *,
        now: datetime,
        finish: Callable[[], bool],
    ) -> bool:
        """Send, and call ``finish``, which marks the row sent if its lease still holds.

        ``finish`` returns whether it did, and so does this. Raises ``ChannelDown``, ``NotNow``,
        ``NobodyToTell``, ``GaveUp``, or any other exception for a fault of this one row.
        """
