"""Requests that wait for a human, the page they are decided on, and what became of them."""

import re
from datetime import timedelta

from intake.models import Callback, Person
from tests.casting import maria, open_callback

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
QUEUE = "/admin/intake/callback/review/"


def hold(because="ceiling", *, now, **changes):
    """A request from the web form that waits for a human; changed as named."""
    given = {"source": "web", "status": "held", "held_because": because, "urgency": "high"}
    given |= {"due_at": now + HOUR, "now": now, "person": maria(alias="Maria")} | changes
    if given.get("in_danger"):
        given["urgency"] = "urgent"
    return open_callback(**given)


def hold_many(number, because="ceiling", *, now, **changes):
    """So many requests of different people, held for one reason, in two statements."""
    people = [
        Person(phone=f"+1202555{100 + n % 100:04d}", created_at=now, time_zone="America/New_York")
        for n in range(number)
    ]
    Person.objects.bulk_create(people)
    given = {"due_at": now + HOUR, "requested_at": now, "urgency": "high"} | changes
    rows = [
        Callback(
            person=person,
            source="web",
            status="held",
            held_because=because,
            time_zone="America/New_York",
            **given,
        )
        for person in people
    ]
    return Callback.objects.bulk_create(rows)


def press(client, decision, marked=(), **more):
    """Press a button of the page; returns the answer."""
    return client.post(
        QUEUE, {"decision": decision, "marked": [str(one.pk) for one in marked], **more}
    )


def told(response):
    """The page one is sent to, with its messages."""
    text = response.client.get(response["Location"]).content.decode()
    return re.sub(r"\s+", " ", text)


def state(callback):
    callback.refresh_from_db()
    return callback.status
