"""A text on its way: promised, due, and sent as a sweep sends it."""

import contextlib
from datetime import timedelta

from intake.actions import callbacks, delivery, people
from intake.models import Callback, Reminder
from tests import text_gateway
from tests.casting import maria

# Promised at 14:00 UTC for 16:00, 12:00 in Washington; the text is due a quarter before.
DUE_IN = timedelta(hours=2)
BEFORE = timedelta(minutes=15)


@contextlib.contextmanager
def gateway(settings):
    """A gateway that takes texts, and the settings that name it."""
    with text_gateway.running() as running:
        use(settings, f"http://127.0.0.1:{running.port}/send")
        yield running


def use(settings, url):
    settings.TEXT_GATEWAY = "http"
    settings.TEXT_GATEWAY_URL = url
    settings.TEXT_GATEWAY_SECRETS = (text_gateway.SECRET,)


def texter(**changes):
    return maria(**{"text_ok": True, **changes})


def promised(agent, now, *, due_in=DUE_IN, **fields):
    person = people.save(person=texter(**fields), by=agent, now=now)
    return callbacks.promise(
        person=person,
        due_at=now + due_in,
        urgency=Callback.Urgency.ROUTINE,
        by=agent,
        now=now,
    )


def send(at):
    """What a sweep does with the texts that are due."""
    batch = delivery.claim(channel="text", limit=10, now=at)
    return [delivery.deliver(reminder=reminder, now=at) for reminder in batch]


def the_reminder():
    return Reminder.objects.get(channel="text")
