"""A real SMTP server on loopback that keeps what it gets and can be made to stall."""

import asyncio
import email
from email.policy import default

from aiosmtpd.controller import Controller


class Inbox:
    """Messages in order of arrival. While stalled, a client gets no further than its greeting."""

    def __init__(self):
        self.messages = []
        self.stalled = False
        self.waiting = 0

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        self.waiting += 1
        while self.stalled:
            await asyncio.sleep(0.05)
        self.waiting -= 1
        return responses

    async def handle_DATA(self, server, session, envelope):
        self.messages.append(email.message_from_bytes(envelope.content, policy=default))
        return "250 OK"

    def message_ids(self):
        return [message["Message-ID"] for message in self.messages]


def start(port):
    """Returns the inbox and the running controller; stop it with ``.stop()``."""
    inbox = Inbox()
    controller = Controller(inbox, hostname="127.0.0.1", port=port)
    controller.start()
    return inbox, controller
