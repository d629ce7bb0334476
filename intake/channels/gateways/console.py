"""For development: a line in the log says that a text would have gone out."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from intake.channels.gateways.base import Gateway, Line, Text
from intake.rules import phones

logger = logging.getLogger(__name__)


class ConsoleLine(Line):
    def send(self, text: Text) -> None:
        """Takes every text and sends none. The words stay out of the log, and most of the number."""
        logger.info("text of %d characters to %s", len(text.body), phones.mask(text.to))


class ConsoleGateway(Gateway):
    """Reaches nobody; settings refuse it in production."""

    @contextmanager
    def reached(self) -> Iterator[Line]:
        yield ConsoleLine()
