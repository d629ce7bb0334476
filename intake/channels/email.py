"""Mail to staff: a count and a link, nothing else."""

import contextlib
import smtplib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from datetime import datetime
from typing import ClassVar
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.template.loader import render_to_string

from intake.channels.base import Carrier, ChannelDown, NobodyToTell, NotNow
from intake.models import Callback, Reminder

# Questions a server is asked for one mail, at most: greeting, TLS, log-in, sender, receiver, text.
# Each may take its whole time-out, and all must fit into what is left of the lease.
ROUND_TRIPS = 8
CLOSING = 421


class EmailChannel(Carrier):
    """Promise: at least once, always with the same Message-ID, so a second copy shows as one.

    Sent only when somebody can be told: the owner, the team's address, or for a broken promise
    the supervisors. The text holds a number and an opaque link.
    """

    name = Reminder.Channel.EMAIL
    stages: ClassVar[frozenset[str]] = frozenset(
        {Reminder.Stage.DUE, Reminder.Stage.OVERDUE, Reminder.Stage.BREACH}
    )
    # Half a second or so, and one connection.
    batch_size = 25

    @contextlib.contextmanager
    def session(self, left: Callable[[], float]) -> Iterator[None]:
        """One connection for the whole batch."""
        mailer = Mailer(left)
        token = _mailer.set(mailer)
        try:
            yield
        finally:
            _mailer.reset(token)
            mailer.close()

    def has_anyone_to_tell(self, reminder: Reminder, callback: Callback) -> bool:
        return bool(self._addresses(reminder, callback))

    def deliver(
        self,
        reminder: Reminder,
        callback: Callback,
        *,
        now: datetime,
        finish: Callable[[], bool],
    ) -> bool:
        addresses = self._addresses(reminder, callback)
        if not addresses:
            raise NobodyToTell
        message = self._message(reminder, callback, addresses, now)
        mailer = _mailer.get()
        if mailer is not None:
            mailer.send(message)
        else:
            with contextlib.closing(Mailer(lambda: settings.REMINDER_LEASE_SECONDS)) as alone:
                alone.send(message)
        return finish()

    def _addresses(self, reminder: Reminder, callback: Callback) -> list[str]:
        if reminder.stage == Reminder.Stage.BREACH:
            return supervisors()
        if callback.owner is not None and callback.owner.is_active and callback.owner.email:
            return [callback.owner.email]
        return team()

    def _message(
        self, reminder: Reminder, callback: Callback, addresses: list[str], now: datetime
    ) -> EmailMessage:
        context = {
            "count": _waiting(max(now, reminder.due_at)),
            "link": f"{settings.BASE_URL}/admin/intake/callback/{callback.pk}/",
        }
        return EmailMessage(
            subject=render_to_string("messages/reminder_staff.subject.txt", context).strip(),
            body=render_to_string("messages/reminder_staff.txt", context),
            to=addresses,
            headers={"Message-ID": self.message_id(reminder)},
        )

    def message_id(self, reminder: Reminder) -> str:
        """The same for every copy of one reminder of one plan."""
        domain = urlsplit(settings.BASE_URL).hostname or "localhost"
        return f"<{reminder.pk}.{reminder.plan}@{domain}>"


def supervisors() -> list[str]:
    """Their addresses; the team's where none of them has one; empty where that is unset too."""
    found = (
        get_user_model().objects.filter(groups__name="Supervisor", is_active=True).exclude(email="")
    )
    return list(found.values_list("email", flat=True)) or team()


def team() -> list[str]:
    return [settings.HELPLINE_STAFF_EMAIL] if settings.HELPLINE_STAFF_EMAIL else []


class HungUp(Exception):
    """The server ended the conversation; a new one may go better."""


class Mailer:
    """One connection to the mail server, opened by the first mail and used for those after it.

    ``left()``: for how many seconds more the mails are ours to send.
    """

    def __init__(self, left: Callable[[], float]) -> None:
        self.left = left
        self.connection: BaseEmailBackend | None = None
        self.is_used = False
        # What the mails say is waiting; None until the first asks.
        self.waiting: int | None = None

    def send(self, message: EmailMessage) -> None:
        """Hand one mail to the server; returns when the server has taken it.

        Raises ``ChannelDown`` when there is no server to talk to or it refuses us, ``NotNow`` when
        it wants this mail later, and smtplib's own error when it refuses this mail for good.
        """
        was_used = self.is_used
        try:
            self._send(message)
        except HungUp as error:
            if not was_used:
                raise ChannelDown from error
            # Servers hang up after so many mails. The same Message-ID makes a second copy harmless.
            self._send_anew(message)
        self.is_used = True

    def _send_anew(self, message: EmailMessage) -> None:
        try:
            self._send(message)
        except HungUp as error:
            raise ChannelDown from error

    def _send(self, message: EmailMessage) -> None:
        try:
            transmit(self._opened(), message)
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError) as error:
            self._judge(error)
            raise
        except smtplib.SMTPServerDisconnected as error:
            self._drop()
            # smtplib says "disconnected" of a server that did not answer, too.
            if isinstance(error.__context__, TimeoutError):
                raise ChannelDown from error
            raise HungUp from error
        except OSError as error:
            # No server, no answer, no log-in, no right to send: every mail would fail like this.
            self._drop()
            raise ChannelDown from error
        except Exception:
            # Half a conversation: the next mail begins a new one.
            self._drop()
            raise

    def _judge(self, error: smtplib.SMTPException) -> None:
        """Only what is refused for good is a fault of the mail."""
        codes = _codes(error)
        if CLOSING in codes:
            self._drop()
            raise HungUp from error
        if any(code < 500 for code in codes):
            raise NotNow from error

    def _opened(self) -> BaseEmailBackend:
        seconds = max(0.1, min(settings.EMAIL_TIMEOUT, self.left() / ROUND_TRIPS))
        if self.connection is None:
            self.connection = _open(seconds)
        elif (server := getattr(self.connection, "connection", None)) and server.sock:
            server.sock.settimeout(seconds)
        return self.connection

    def _drop(self) -> None:
        """Away, without the farewell a server that does not answer would make us wait for."""
        server = getattr(self.connection, "connection", None)
        if server is not None:
            server.close()
        self.connection, self.is_used = None, False

    def close(self) -> None:
        """With a farewell; whatever the server says to it, the mails are sent."""
        if self.connection is not None:
            with contextlib.suppress(OSError):
                self.connection.close()
        self.connection = None


_mailer: ContextVar[Mailer | None] = ContextVar("mailer", default=None)


def _waiting(now: datetime) -> int:
    """Promises due at ``now``: counted once a batch, because in a backlog counting takes long."""
    mailer = _mailer.get()
    if mailer is not None and mailer.waiting is not None:
        return mailer.waiting
    waiting = Callback.objects.filter(status=Callback.Status.OPEN, due_at__lte=now).count()
    if mailer is not None:
        mailer.waiting = waiting
    return waiting


def transmit(connection: BaseEmailBackend, message: EmailMessage) -> None:
    """One mail over an open connection; returns when the server has taken it."""
    connection.send_messages([message])


def _open(seconds: float) -> BaseEmailBackend:
    connection = get_connection(timeout=seconds)
    try:
        connection.open()
    except OSError:
        with contextlib.suppress(OSError):
            connection.close()
        raise
    return connection


def _codes(error: smtplib.SMTPException) -> list[int]:
    """What the server answered, for each receiver when it refused the receivers."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return [code for code, _text in error.recipients.values()]
    return [error.smtp_code] if isinstance(error, smtplib.SMTPResponseException) else []
