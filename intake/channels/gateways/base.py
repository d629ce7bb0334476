"""The contract of a text gateway: who carries a text, and what it may answer."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

# Reaching a gateway and handing a text over take no longer than this together, whatever happens.
LONGEST = timedelta(seconds=20)


class GatewayDown(Exception):
    """Nothing was sent, for a reason that is not this text's: it may be tried later."""


class TextRefused(Exception):
    """The gateway will not send this one text. ``code`` is a fixed word."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class TextUnknown(TextRefused):
    """Perhaps it was sent, perhaps not: it must never be sent again."""


@dataclass(frozen=True, slots=True, repr=False)
class Text:
    """What goes out. ``key`` is the same for every copy of it, so the gateway can tell a second.

    Never printed: a text belongs to nobody but its receiver.
    """

    to: str
    body: str
    key: str
    at: datetime


class Line(ABC):
    """A gateway that was reached and waits for one text."""

    @abstractmethod
    def send(self, text: Text) -> None:
        """Hand over one text; returning means that the gateway took it.

        Raises ``GatewayDown`` when it surely took nothing, ``TextRefused`` when it will not send
        this one, ``TextUnknown`` when nobody can tell.
        """


class Gateway(ABC):
    """One way of sending texts. No adapter retries, follows a redirect or logs a number."""

    @abstractmethod
    @contextmanager
    def reached(self) -> Iterator[Line]:
        """A line that stands, before anything is sent on it. Raises ``GatewayDown``."""
        yield  # type: ignore[misc]
