"""People who ask to be called on the public page, all invented, and what their browser sends."""

import re

from django.utils import timezone

from intake.actions import admission
from intake.models import Callback

# It is Tuesday 10 March 2026, 14:00 UTC, where the clock stands.
ANA = "(202) 555-0101"  # Washington, DC: 10:00
BEN = "(415) 555-0102"  # San Francisco: 07:00, too early to be rung
CLEO = "(850) 555-0103"  # Florida, where two zones meet: 09:00 or 10:00
DINA = "(808) 555-0104"  # Hawaii: 04:00


def answers(**changes):
    """What a browser sends when only what must be answered is answered."""
    given = {
        "in_danger": "no",
        "phone": ANA,
        "alias": "",
        "day": "asap",
        "on": "",
        "part": "any",
        "time_zone": "",
        "zip_code": "",
        "voicemail": "none",
        "may_say": "no",
        "text_ok": "no",
        "who_for": "me",
        "language": "en",
        "topic": "",
        "consent": "on",
        "website": "",
    }
    return {**given, **changes}


class Page:
    """Opens the form, waits as a person would, and sends it."""

    def __init__(self, client, clock):
        self.client = client
        self.clock = clock

    def open(self):
        return ticket_in(self.client.get("/callback/"))

    def send(self, *, after=5, ticket=None, admit=True, **changes):
        """The answer to a post ``after`` so many seconds; what was taken is let in, too."""
        ticket = self.open() if ticket is None else ticket
        self.clock.shift(after)
        response = self.client.post("/callback/", answers(ticket=ticket, **changes))
        if admit:
            admission.admit_received(limit=100, now=timezone.now())
        return response

    def receipt(self, **changes):
        """The page after a request that was taken, as plain text."""
        response = self.send(**changes)
        assert response.status_code == 302, response.context["form"].errors
        return text_of(self.client.get(response["Location"]))


def ticket_in(response):
    return re.search(r'name="ticket" value="([^"]+)"', response.content.decode())[1]


def text_of(response):
    assert response.status_code == 200
    body = re.search(r"<main.*</main>", response.content.decode(), re.DOTALL)[0]
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def only_callback():
    return Callback.objects.select_related("person").get()
