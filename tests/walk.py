"""One request and what came back; the log and the database as they can be looked into."""

import io
import logging
import re
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser
from urllib.parse import urlsplit

import time_machine
from django.db import connection, transaction
from django.test import Client

from helpline.reporting import LineFormatter
from tests.canaries import World
from tests.conftest import NOW, member_of
from tests.routes import ROLES

ANONYMOUS = "anonymous"
EVERYBODY = (ANONYMOUS, *ROLES)
# Not walked into: these are files, not pages.
STATIC = "/static/"
# Of one kind on one page: the states in which it can be differ among the first of them.
MOST_RECORDS = 4
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


# --- The world and who walks in it -----------------------------------------------------------------


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


@contextmanager
def standing_world(**options):
    """The canary world for the tests of one module: each starts from it, and leaves no trace."""
    with time_machine.travel(NOW, tick=False), transaction.atomic():
        try:
            yield made_world(**options)
        finally:
            transaction.set_rollback(True)


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


def texts_of(tables):
    """``{"table.column": text of all its values}``."""
    return {
        f"{table}.{name}": "\n".join(text_of(row[place]) for row in rows)
        for table, columns, rows in tables
        for place, name in enumerate(columns)
    }


def table_texts():
    return texts_of(table_rows())


def fingerprints():
    """``{table: its rows, in any order}`` of every table a read may not change."""
    return {
        table: hash(frozenset(tuple(map(text_of, row)) for row in rows))
        for table, _columns, rows in table_rows()
        if table not in MAY_CHANGE
    }
