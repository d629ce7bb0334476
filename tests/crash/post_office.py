"""A real SMTP server as a process of its own: notes each message, and turns some recipients away.

Stopped with SIGSTOP it is a black hole: the kernel still takes the connection, nobody answers.
"""

import os
import signal
import sys
import time
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from pathlib import Path

from aiosmtpd.controller import Controller

REFUSED = "refused@example.org"


class PostOffice:
    def __init__(self, book):
        self.book = os.open(book, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address == REFUSED:
            return "550 No such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = BytesHeaderParser().parsebytes(envelope.content)
        os.write(self.book, f"{time.time()} {message['Message-ID']}\n".encode())
        return "250 OK"


@dataclass(frozen=True)
class Arrival:
    at: float
    message_id: str

    @property
    def reminder(self):
        """The id of the reminder, as it stands in its Message-ID."""
        return self.message_id.strip("<>").partition("@")[0].rpartition(".")[0]


def arrivals(book):
    """What has arrived so far, in order."""
    if not book.exists():
        return []
    lines = book.read_text().splitlines()
    return [
        Arrival(float(at), message_id) for at, _, message_id in (x.partition(" ") for x in lines)
    ]


if __name__ == "__main__":
    Controller(PostOffice(Path(sys.argv[2])), hostname="127.0.0.1", port=int(sys.argv[1])).start()
    signal.pause()
