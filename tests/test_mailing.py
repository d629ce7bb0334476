"""Mail to staff over a real connection: at least once, one Message-ID, and whose fault it was."""

import asyncio
import re
import time
from datetime import timedelta

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

from intake.actions import delivery, sweeping
from intake.channels import email
from intake.channels.email import EmailChannel
from intake.models import Event, Heartbeat, Reminder
from tests import patience
from tests.casting import maria, open_callback
from tests.servers import free_port

pytestmark = pytest.mark.django_db


class Server:
    """A mail server that keeps what it takes, and may be told what to answer to whom."""

    def __init__(self):
        self.connections = 0
        self.ids = []
        self.to_receiver = {}
        self.to_sender = ""
        self.to_text = []
        self.is_mute = False
        self.hangs_up_after = 10**6

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        self.connections += 1
        session.host_name = hostname
        session.taken = 0
        while self.is_mute:
            await asyncio.sleep(0.05)
        return responses

    async def handle_MAIL(self, server, session, envelope, address, options):
        if session.taken >= self.hangs_up_after:
            server.transport.close()
            return "421 Enough"
        if self.to_sender:
            return self.to_sender
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        answer = self.to_receiver.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server, session, envelope):
        if self.to_text:
            return self.to_text.pop(0)
        session.taken += 1
        self.ids.append(re.search(rb"(?mi)^Message-ID: (\S+)", envelope.content)[1].decode())
        return "250 OK"


class Listening(Controller):
    def factory(self):
        return SMTP(self.handler, hostname="mail.example.org")


@pytest.fixture
def server(settings):
    server = Server()
    controller = Listening(
        server, hostname="127.0.0.1", port=free_port(), ready_timeout=patience.SECONDS
    )
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", controller.port
    # Each answer of a server that answers may come late: it is a thread on a busy machine.
    settings.EMAIL_TIMEOUT, settings.REMINDER_LEASE_SECONDS = 60, 600
    settings.HELPLINE_STAFF_EMAIL = "desk@example.org"
    yield server
    server.is_mute = False
    controller.stop()


@pytest.fixture
def opened(monkeypatch):
    """The time-out of each connection to the server."""
    seconds_of, usual = [], email._open

    def noted(seconds):
        seconds_of.append(seconds)
        return usual(seconds)

    monkeypatch.setattr(email, "_open", noted)
    return seconds_of


@pytest.fixture
def clock():
    return delivery.database_now()


@pytest.fixture
def due(clock):
    """due(3, owner=…): so many mails that are due."""
    person = maria()

    def make(number, **fields):
        at = clock - timedelta(minutes=1)
        return [
            Reminder.objects.create(
                callback=open_callback(due_at=at, now=at, person=person, **fields),
                stage="due",
                channel="email",
                due_at=at,
                next_try_at=at,
            )
            for _each in range(number)
        ]

    return make


def sweep():
    sweeping.sweep(channels=["email"], seconds=60, monotonic=time.monotonic)


def rested():
    """The pause of channel and rows is over."""
    Heartbeat.objects.update(paused_until=None)
    Reminder.objects.filter(status="planned").update(next_try_at="2020-01-01T00:00Z")


def states():
    return sorted(Reminder.objects.values_list("status", "failures", "last_error"))


def test_one_connection_carries_a_whole_batch(server, due):
    made = due(7)
    sweep()
    assert server.connections == 1
    assert set(server.ids) == {f"<{row.pk}.1@localhost>" for row in made}
    assert len(server.ids) == 7


def test_a_receiver_refused_for_good_fails_alone_and_dies_after_three_tries(server, due, agent):
    due(1, owner=agent)
    due(3)
    server.to_receiver[agent.email] = "550 No such user"
    sweep()
    assert server.connections == 1
    assert states() == [("planned", 1, "SMTPRecipientsRefused"), *[("sent", 0, "")] * 3]
    for _try in range(2):
        rested()
        sweep()
    assert states()[0] == ("dead", 3, "SMTPRecipientsRefused")
    assert "No such user" not in str(list(Event.objects.values_list("detail", flat=True)))


def test_a_text_refused_for_good_is_a_fault_of_that_mail(server, due):
    due(2)
    server.to_text = ["554 No"]
    sweep()
    assert states() == [("planned", 1, "SMTPDataError"), ("sent", 0, "")]


@pytest.mark.parametrize("part", ["receiver", "text"])
def test_a_server_that_wants_one_mail_later_gets_it_later_and_no_failure_is_counted(
    server, due, agent, part, clock
):
    due(1, owner=agent)
    if part == "receiver":
        server.to_receiver[agent.email] = "450 Greylisted"
    else:
        server.to_text = ["451 Try again"]
    sweep()
    row = Reminder.objects.get()
    assert (row.status, row.failures, row.lease_token) == ("planned", 0, None)
    assert row.next_try_at - clock >= delivery.NOT_NOW
    assert not Heartbeat.objects.filter(name="email", paused_until__isnull=False).exists()
    server.to_receiver.clear()
    rested()
    sweep()
    assert server.ids == [EmailChannel().message_id(row)]


def test_a_server_that_hangs_up_after_so_many_mails_is_called_again(server, due):
    due(5)
    server.hangs_up_after = 2
    sweep()
    assert server.connections == 3
    assert len(set(server.ids)) == len(server.ids) == 5
    assert states() == [("sent", 0, "")] * 5


def test_a_server_that_takes_nothing_from_us_is_the_channels_trouble(server, due):
    due(3)
    server.to_sender = "530 Log in first"
    sweep()
    assert states() == [("planned", 0, "")] * 3
    assert Heartbeat.objects.get(name="email").paused_until > delivery.database_now()


def test_a_server_that_says_nothing_costs_one_time_out_and_no_failure(
    server, due, settings, opened
):
    due(3)
    server.is_mute, settings.EMAIL_TIMEOUT = True, 1
    for _sweep in range(2):
        sweep()
        # Not one for each mail, and none for the next sweep.
        assert opened == [1]
    assert states() == [("planned", 0, "")] * 3
    server.is_mute, settings.EMAIL_TIMEOUT = False, 60
    rested()
    sweep()
    assert len(server.ids) == 3


def test_nobody_listening_costs_no_failure(server, due, settings):
    due(2)
    settings.EMAIL_PORT = free_port()
    sweep()
    assert states() == [("planned", 0, "")] * 2


def test_a_mail_that_cannot_be_written_fails_alone(server, due, agent):
    agent.email = "ava@\nexample.org"
    agent.save()
    due(1, owner=agent)
    due(2)
    sweep()
    assert states() == [("planned", 1, "BadHeaderError"), *[("sent", 0, "")] * 2]


def test_a_worker_that_died_after_sending_sends_the_same_message_id_again(server, due, monkeypatch):
    due(1)

    class Killed(BaseException):
        pass

    def killed(*args, **options):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(delivery, "_finish", killed)
        with pytest.raises(Killed):
            sweep()
    Reminder.objects.update(lease_until="2020-01-01T00:00Z")
    sweep()
    assert len(server.ids) == 2
    assert len(set(server.ids)) == 1
    assert states() == [("sent", 0, "")]


def test_time_outs_shrink_with_the_lease(server, due, settings, opened):
    """A server that uses up each time-out cannot hold a mail beyond its lease."""
    settings.EMAIL_TIMEOUT, settings.REMINDER_LEASE_SECONDS = 600, 16
    due(1)
    server.is_mute = True
    began = time.monotonic()
    sweep()
    assert time.monotonic() - began < settings.REMINDER_LEASE_SECONDS
    (time_out,) = opened
    assert time_out <= settings.REMINDER_LEASE_SECONDS / email.ROUND_TRIPS
    assert states() == [("planned", 0, "")]
