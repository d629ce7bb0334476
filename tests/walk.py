"""One walk through the whole site, kept for every test that has a question about it.

Each role opens every address of the resolver with the ids of the canary world, then every link it
finds there. What came back stays in memory; the database is as before.
"""

import functools
import io
import logging
import re
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from urllib.parse import parse_qs, urljoin, urlsplit

import time_machine
from django.db import connection, transaction
from django.test import Client
from django.urls import Resolver404, resolve

from helpline.reporting import LineFormatter
from tests.canaries import World
from tests.conftest import NOW, member_of
from tests.routes import ROLES, arguments, routes

ANONYMOUS = "anonymous"
EVERYBODY = (ANONYMOUS, *ROLES)
# Not walked into: these are files, not pages.
STATIC = "/static/"
# How a list remembers itself in the addresses of its records.
RETURN_TO = "_changelist_filters"
# What a read may write. (A session's own clock is moved by its reader.)
MAY_CHANGE = {"intake_event", "django_session"}


@dataclass(repr=False)
class Visit:
    """One request and what came back."""

    role: str
    method: str
    route: str
    address: str
    status: int
    headers: dict
    body: str
    # How many rows the audit grew by.
    events: int
    # The first address of its route: what the access matrix speaks of.
    is_first: bool = False

    def __repr__(self):
        return f"{self.role} {self.method} {self.address} -> {self.status}"

    @property
    def is_page(self):
        return self.headers.get("Content-Type", "").startswith("text/html") and bool(self.body)

    @property
    def title(self):
        found = re.search(r"<title>(.*?)</title>", self.body, re.DOTALL)
        return unescape(found[1]) if found else ""

    @property
    def breadcrumbs(self):
        found = re.search(r'class="breadcrumbs".*?</(?:div|ol)>', self.body, re.DOTALL)
        return unescape(found[0]) if found else ""

    @property
    def addresses(self):
        """Every address the page names, and the one it sends to."""
        named = re.findall(r'\s(?:href|src|action|formaction)="([^"]*)"', self.body)
        # A number to ring is dialed, not sent to any server.
        sent = [address for address in map(unescape, named) if not address.startswith("tel:")]
        return [self.headers.get("Location", ""), *sent]


class Markup(HTMLParser):
    """The tags of a page, each with its attributes; ``faults`` are what our policy forbids."""

    def __init__(self, text):
        super().__init__()
        self.faults = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "style":
            self.faults.append("<style>")
        if tag == "script" and not given.get("src") and given.get("type") != "application/json":
            self.faults.append("<script> without src")
        for name, value in attrs:
            if name == "style" or name.startswith("on"):
                self.faults.append(f"<{tag} {name}=>")
            if name in {"href", "src", "action", "formaction"}:
                self.check_address(tag, name, value or "")

    def check_address(self, tag, name, value):
        parts = urlsplit(value)
        if parts.scheme in {"javascript", "data"}:
            self.faults.append(f"<{tag} {name}={parts.scheme}:>")
        # A link a person presses may lead away; nothing may be fetched from elsewhere.
        if parts.netloc and tag != "a":
            self.faults.append(f"<{tag} {name}=//{parts.netloc}>")


@dataclass
class Walk:
    world: World
    visits: list = field(default_factory=list)
    log: str = ""
    before: dict = field(default_factory=dict)
    after: dict = field(default_factory=dict)
    tables: dict = field(default_factory=dict)
    sessions: list = field(default_factory=list)

    def by(self, *roles):
        return [visit for visit in self.visits if visit.role in roles]


# --- The walk ------------------------------------------------------------------------------------


@functools.cache
def walked():
    """The walk of this test process. Call with the database unblocked."""
    with time_machine.travel(NOW, tick=False), transaction.atomic():
        walk = Walk(made_world())
        try:
            with log_lines() as log:
                Walker(walk).go()
            walk.log = log.getvalue()
        finally:
            transaction.set_rollback(True)
    return walk


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


def cast():
    """One user of each role, and a second agent."""
    names = {role: role.split()[0].lower() for role in ROLES}
    users = {
        role: member_of(role, name, email=f"{name}@example.org") for role, name in names.items()
    }
    return {**users, "other": member_of("Agent", "noor", email="noor@example.org")}


def made_world(*, now=NOW, **options):
    users = cast()
    world = World(
        agent=users["Agent"],
        other_agent=users["other"],
        supervisor=users["Supervisor"],
        now=now,
        **options,
    )
    world.users = users
    return world


class Walker:
    def __init__(self, walk):
        self.walk, self.world = walk, walk.world
        self.routes = routes()

    def go(self):
        clients = {role: client_of(self.world, role) for role in EVERYBODY}
        self.walk.before = fingerprints()
        for role, client in clients.items():
            self.go_as(role, client)
        self.walk.after = fingerprints()
        self.walk.tables = table_texts()
        self.walk.sessions = [str(dict(client.session.items())) for client in clients.values()]

    def go_as(self, role, client):
        linked = {}
        for route in self.routes:
            first = len(self.walk.visits)
            for argument in self.chosen(role, route):
                for link in self.visit(role, client, route.address(argument), str(route)):
                    linked.setdefault(shape_of(link), link)
            self.walk.visits[first].is_first = True
        for link in linked.values():
            self.visit(role, client, link, route_of(link))

    def chosen(self, role, route):
        """Every record where an agent sees or changes it; one where it is the same page again."""
        found = arguments(route, self.world)
        is_same = route.label in {"history", "delete", "changelist"} or role == "Supervisor"
        return found[:1] if is_same and route.takes_record else found

    def visit(self, role, client, address, route):
        """Open the address; returns the links of a page that was shown."""
        visit = request(client, "GET", address, role=role, route=route)
        self.walk.visits.append(visit)
        if visit.status != 200 or not visit.is_page:
            return []
        links = (urljoin(address, link) for link in visit.addresses)
        return [link for link in links if is_followed(link)]


def client_of(world, role):
    client = Client(raise_request_exception=False)
    if role != ANONYMOUS:
        client.force_login(world.users[role])
    return client


def request(client, method, address, data=None, *, role="", route="", **options):
    """One request, as a ``Visit``."""
    before = count_events()
    send = client.post if method == "POST" else client.get
    response = send(address, data or {}, **options)
    body = b"".join(response.streaming_content) if response.streaming else response.content
    return Visit(
        role=role,
        method=method,
        route=route,
        address=address,
        status=response.status_code,
        headers=dict(response.headers),
        body=body.decode("utf-8", "replace"),
        events=count_events() - before,
    )


def count_events():
    from intake.models import Event

    return Event.objects.count()


def is_followed(link):
    """Only what the routes have not opened yet: our own pages with a query of their own."""
    parts = urlsplit(link)
    is_ours = not parts.scheme and not parts.netloc
    own = set(parse_qs(parts.query, keep_blank_values=True)) - {RETURN_TO}
    return is_ours and not parts.path.startswith(STATIC) and bool(own)


def shape_of(address):
    """The same list under another filter of the same name is the same page to us."""
    parts = urlsplit(address)
    return parts.path, tuple(sorted(parse_qs(parts.query, keep_blank_values=True)))


def route_of(address):
    try:
        return str(resolve(urlsplit(address).path).route)
    except Resolver404:
        return ""


@contextmanager
def log_lines():
    """What the log would hold with LOG_LEVEL=DEBUG: our formatter, on every logger."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter())
    loggers = [logging.getLogger(name) for name in ("", "django", "django.server")]
    levels = [logger.level for logger in loggers]
    root = loggers[0]
    kept = [(logger, list(logger.handlers)) for logger in loggers]
    try:
        root.setLevel(logging.DEBUG)
        for logger in loggers:
            logger.handlers = [handler]
        yield stream
    finally:
        for (logger, handlers), level in zip(kept, levels, strict=True):
            logger.handlers = handlers
            logger.setLevel(level)


# --- The database --------------------------------------------------------------------------------


def table_rows():
    """Every row of every table, as the database gives them."""
    with connection.cursor() as cursor:
        for table in sorted(connection.introspection.table_names(cursor)):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - names of our own tables
            columns = [column[0] for column in cursor.description]
            yield table, columns, cursor.fetchall()


def text_of(value):
    """A stored value as text; bytes as themselves, so that a plaintext in a BLOB shows."""
    if isinstance(value, memoryview):
        value = bytes(value)
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def table_texts():
    """``{"table.column": text of all its values}``."""
    return {
        f"{table}.{name}": "\n".join(text_of(row[place]) for row in rows)
        for table, columns, rows in table_rows()
        for place, name in enumerate(columns)
    }


def fingerprints():
    """``{table: its rows, in any order}`` of every table a read may not change."""
    return {
        table: hash(frozenset(tuple(map(text_of, row)) for row in rows))
        for table, _columns, rows in table_rows()
        if table not in MAY_CHANGE
    }
