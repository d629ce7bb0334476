"""Once through the whole site as everybody, kept for every test that has a question about it.

Each role opens every address of the resolver with the ids of the canary world, sends every form it
finds there with canaries in it, and then opens the links. What came back stays in memory; every
form is taken back at once, and at the end everything is.
"""

import functools
from copy import deepcopy
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urljoin, urlsplit

import time_machine
from django.conf import settings
from django.db import transaction

from tests import servers
from tests.canaries import World
from tests.conftest import NOW
from tests.intruder import Intruder
from tests.routes import arguments, route_of, routes
from tests.typist import Typist
from tests.walk import (
    ANONYMOUS,
    EVERYBODY,
    client_of,
    fingerprints,
    log_lines,
    made_world,
    request,
    table_texts,
)

# Not opened: these are files, not pages.
STATIC = "/static/"
# How a list remembers itself in the addresses of its records, and how it is sorted.
SAME_PAGE = {"_changelist_filters", "o", "_facets"}
# Of one kind on one page: the states in which it can be differ among the first of them.
MOST_RECORDS = 4
# What a form takes beside what it shows is asked of one database: tests/test_mass_assignment.py.
ATTEMPTS_MORE = servers.chosen_database() == "sqlite"


@dataclass
class Walk:
    """What came back, was stored and was logged."""

    world: World
    # Pages opened, and forms sent with the page that followed each.
    visits: list = field(default_factory=list)
    typed: list = field(default_factory=list)
    # Columns in which something typed was found in clear; fields nobody offered that were taken.
    stored: list = field(default_factory=list)
    taken: list = field(default_factory=list)
    # How many forms changed anything.
    changing: int = 0
    # Tables a read has changed.
    changed: set = field(default_factory=set)
    sessions: list = field(default_factory=list)
    tables: dict = field(default_factory=dict)
    log: str = ""

    def by(self, role):
        return [visit for visit in self.visits if visit.role == role]


@functools.cache
def walked():
    """The walk of this test process. Call with the database unblocked."""
    with (
        time_machine.travel(NOW, tick=False) as clock,
        transaction.atomic(),
        log_lines() as log,
    ):
        walk, pressed = Walk(made_world()), set()
        for role in EVERYBODY:
            Walker(walk, role, clock=clock, pressed=pressed).go()
        walk.tables = table_texts()
        walk.log = log.getvalue()
        transaction.set_rollback(True)
    return walk


class Walker:
    """One role on its way."""

    def __init__(self, walk, role, *, clock, pressed):
        self.walk, self.world, self.role = walk, walk.world, role
        self.client = client_of(self.world, role)
        kind = Intruder if ATTEMPTS_MORE else Typist
        self.typist = kind(self.world, role, self.client, clock=clock, pressed=pressed)

    def go(self):
        before, linked = fingerprints(), {}
        for route in routes():
            first = len(self.walk.visits)
            for argument in self.chosen(route):
                visit = self.visit(route.address(argument), str(route))
                self.typist.press_everything(visit)
                for link in links_of(visit):
                    linked.setdefault(shape_of(link), link)
            self.walk.visits[first].is_first = True
        for link in linked.values():
            self.visit(link, route_of(link))
        after = fingerprints()
        self.walk.changed |= {table for table in before if before[table] != after[table]}
        self.walk.sessions.append(str(dict(self.client.session.items())))
        self.hand_over()

    def hand_over(self):
        self.walk.typed += self.typist.visits
        self.walk.stored += self.typist.stored
        if ATTEMPTS_MORE:
            self.walk.taken += self.typist.taken
            self.walk.changing += self.typist.changing

    def chosen(self, route):
        """Some records where an agent sees or changes them; one where it is the same page again."""
        found = arguments(route, self.world)
        is_same = route.label in {"history", "delete", "changelist"} or self.role != "Agent"
        return found[:1] if is_same and route.takes_record else found[:MOST_RECORDS]

    def visit(self, address, route):
        cookies = deepcopy(self.client.cookies)
        with transaction.atomic():
            visit = request(self.client, "GET", address, role=self.role, route=route)
            if self.is_signed_out():
                # The way out of the public pages ends a session, which must not end the walk.
                transaction.set_rollback(True)
                self.client.cookies = cookies
        self.walk.visits.append(visit)
        return visit

    def is_signed_out(self):
        cookie = self.client.cookies.get(settings.SESSION_COOKIE_NAME)
        return self.role != ANONYMOUS and not (cookie and cookie.value)


def links_of(visit):
    """Where a page leads that the routes do not: our own pages with a query of their own."""
    if visit.status != 200 or not visit.is_page:
        return
    for link in visit.addresses:
        address = urljoin(visit.address, link)
        parts = urlsplit(address)
        is_ours = not parts.scheme and not parts.netloc and not parts.path.startswith(STATIC)
        if is_ours and set(parse_qs(parts.query, keep_blank_values=True)) - SAME_PAGE:
            yield address


def shape_of(address):
    """The same list under another filter of the same name is the same page to us."""
    parts = urlsplit(address)
    return parts.path, tuple(sorted(parse_qs(parts.query, keep_blank_values=True)))


@functools.cache
def posted_everywhere():
    """Every address sent an empty form by every role; each press is taken back."""
    with time_machine.travel(NOW, tick=False), transaction.atomic():
        world, visits = made_world(), []
        clients = {role: client_of(world, role) for role in EVERYBODY}
        for route in routes():
            address = route.address(arguments(route, world)[0])
            for role, client in clients.items():
                cookies = deepcopy(client.cookies)
                with transaction.atomic():
                    visits.append(request(client, "POST", address, role=role, route=str(route)))
                    transaction.set_rollback(True)
                # Signing out is taken back as well.
                client.cookies = cookies
        transaction.set_rollback(True)
    return visits
