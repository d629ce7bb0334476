"""Nobody learns from a stopwatch whether a number is known to us, blocked, or tried in vain."""

import gc
import ipaddress
import math
import random
import time
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import transaction
from django.test import Client
from django.utils import timezone

from intake.actions import admission, blocks
from intake.forms import Ticket
from intake.models import Attempt, Callback, Person
from tests.callers import answers

pytestmark = [pytest.mark.django_db, pytest.mark.once]

N = 1000
RECEIPTS = 300
# By chance alone one comparison in a hundred falls below this. Then the same is measured up to twice
# more, with the numbers in another order, and each time the same side must have been the slower one:
# one false alarm in two million runs.
LEAST_P = 0.01
MOST_MEASURES = 3
AREAS = (202, 212, 213, 215, 303, 305, 312, 313, 404, 410, 415, 504, 512, 602, 612, 617, 702, 713)
EVERY_NUMBER = [f"+1{area}55501{last:02d}" for area in AREAS for last in range(100)]


def mann_whitney(ones, others):
    """(p, whether the ones are the greater): the two-sided p that both come from one distribution
    (normal approximation, no ties)."""
    ranked = sorted([(value, 1) for value in ones] + [(value, 0) for value in others])
    rank_sum = sum(rank for rank, (_value, is_one) in enumerate(ranked, 1) if is_one)
    n, m = len(ones), len(others)
    u = rank_sum - n * (n + 1) / 2
    z = (u - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)
    return math.erfc(abs(z) / math.sqrt(2)), z > 0


def test_the_yardstick_finds_a_twentieth_of_a_difference_and_no_other():
    """As much as one look into a table would add."""
    chance = random.Random(4)  # noqa: S311 - a test's own numbers
    draw = [[chance.lognormvariate(1.6, 0.2) for _ in range(N)] for _ in range(2)]
    p, _is_greater = mann_whitney(*draw)
    assert p > LEAST_P
    p, is_greater = mann_whitney(draw[0], [value * 1.05 for value in draw[1]])
    assert (p < LEAST_P, is_greater) == (True, False)


# --- The world ------------------------------------------------------------------------------------


@pytest.fixture
def known(agent, settings):
    """Half of all numbers are known: promised a call, or tried out; every fifth blocked."""
    settings.HELPLINE_REQUESTS_PER_HOUR = 1_000_000
    settings.TRUSTED_PROXIES = 1
    settings.BRAND_KEPT_SECONDS = 60
    now = timezone.now()
    numbers = EVERY_NUMBER[::2]
    people = [
        Person(phone=number, created_at=now, time_zone="America/New_York") for number in numbers
    ]
    Person.objects.bulk_create(people)
    promised = [promise(person, now) for person in people]
    Callback.objects.bulk_create(promised)
    Attempt.objects.bulk_create(
        tried for callback in promised[::3] for tried in in_vain(callback, agent, now)
    )
    for number in numbers[::5]:
        blocks.block(number=number, reason="asked", by=agent, now=now)
    return numbers


def promise(person, now):
    return Callback(
        person=person, source="web", due_at=now, time_zone=person.time_zone, requested_at=now
    )


def in_vain(callback, agent, now):
    for number in (1, 2, 3):
        at = now - timedelta(days=2 * number)
        yield Attempt(
            callback=callback,
            number=number,
            outcome="no_answer",
            number_shown_at=at,
            made_at=at,
            made_by=agent,
        )


def aged_tickets(count):
    """Of pages opened a minute ago."""
    with time_machine.travel(datetime.now(UTC) - timedelta(minutes=1)):
        return [Ticket.issue().sealed for _ in range(count)]


def timed(action):
    began = time.perf_counter()
    answer = action()
    return time.perf_counter() - began, answer


class Stopwatch:
    """Posts known and unknown numbers in turn, each from an address of its own."""

    def __init__(self, known):
        self.client = Client()
        self.known, self.unknown = list(known), sorted(set(EVERY_NUMBER) - set(known))
        self.chance = random.Random()  # noqa: S311 - a test's own numbers
        # Never one twice: from the fourth request on an address is asked for more.
        self.addresses = map(str, ipaddress.ip_network("10.0.0.0/8").hosts())

    def post(self, number, ticket):
        address = next(self.addresses)
        took, response = timed(
            lambda: self.client.post(
                "/callback/",
                answers(ticket=ticket, phone=number),
                headers={"x-forwarded-for": address},
            )
        )
        assert response.status_code == 302
        return took, response["Location"]

    def posts(self, n):
        """(known, unknown): for each post its seconds, and where its receipt is."""
        sides = self.known, self.unknown
        for numbers in sides:
            self.chance.shuffle(numbers)
        found, tickets = ([], []), aged_tickets(2 * n)
        for turn in range(n):
            for side in self.chance.sample((0, 1), 2):
                numbers = sides[side]
                found[side].append(self.post(numbers[turn % len(numbers)], tickets.pop()))
        return found

    def receipts(self, places):
        found = [], []
        for pair in zip(*places, strict=True):
            for side in self.chance.sample((0, 1), 2):
                took, response = timed(lambda where=pair[side]: self.client.get(where))
                assert response.status_code == 200
                found[side].append(took)
        return found


@pytest.fixture
def _no_collector():
    """Its pauses are no part of what is measured."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


# --- The measure ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("_no_collector")
def test_a_known_number_and_an_unknown_one_take_the_same_time(known):
    """Sending the form a thousand times each, and looking at receipts of what was let in."""
    watch = Stopwatch(known)
    # Also the first use of whatever is imported, composed or cached.
    places = [[where for _took, where in side] for side in watch.posts(RECEIPTS)]
    admission.admit_received(limit=2 * RECEIPTS, now=timezone.now())
    # Every fate is there to be seen.
    fates = set(Callback.objects.filter(reminders=None).values_list("status", flat=True))
    assert {"cancelled", "exhausted"} <= fates
    assert Callback.objects.filter(status="open", reminders__isnull=False).exists()

    take_the_same_time(lambda: watch.posts(N), lambda post: post[0])
    watch.receipts([side[:20] for side in places])
    take_the_same_time(lambda: watch.receipts(places), lambda took: took)


def take_the_same_time(measure, seconds_of):
    slower = []
    for _time in range(MOST_MEASURES):
        with transaction.atomic():
            found = measure()
            # Or the numbers nobody knew would be known the next time.
            transaction.set_rollback(True)
        p, known_is_slower = mann_whitney(*[[seconds_of(one) for one in side] for side in found])
        if p >= LEAST_P:
            return
        slower.append(known_is_slower)
    assert len(set(slower)) > 1, f"known numbers are the {'slower' if slower[0] else 'quicker'}"
