"""The contract of a channel, and what it may answer instead of sending."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime
from typing import ClassVar

from intake.models import Callback, Reminder


class ChannelDown(Exception):
    """The channel itself is out (refused, timed out): the row is not to blame and will wait."""


class NobodyToTell(Exception):
    """There is no address this reminder could go to."""


class Channel(ABC):
    """One way of reaching staff. Each channel states in its docstring what it promises.

    ``deliver`` sends and calls ``finish``, which closes the row if its lease still holds and
    returns whether it did. It raises ``ChannelDown``, ``NobodyToTell``, or any other exception
    for a fault of this one row.
    """

    name: ClassVar[str]
    stages: ClassVar[frozenset[str]]
    # How many to lease at once: together they must be sent well inside one lease.
    batch_size: ClassVar[int]

    @abstractmethod
    def deliver(
        self,
        reminder: Reminder,
        callback: Callback,
        *,
        now: datetime,
        finish: Callable[[], bool],
    ) -> bool: ...
