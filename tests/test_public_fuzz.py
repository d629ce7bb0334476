"""Ten thousand requests without a plan at every public address: none fails, none shows or keeps
what it should not."""

import re
from html import unescape

import pytest
from django.contrib.sessions.models import Session
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.urls import reverse
from django.utils import translation

from intake.forms import Ticket
from intake.models import Callback, Event
from intake.views.private_links import token_of
from intake.views.thanks import receipt_url
from tests import servers
from tests.callers import Page, only_callback
from tests.fuzzing import TAG, TOKEN, Fuzzer
from tests.test_headers import ALWAYS, POLICY
from tests.walk import log_lines, table_texts

pytestmark = [pytest.mark.django_db]

# In parts, so that several processes share them; PostgreSQL is asked whether it can store it all.
SEEDS = range(8) if servers.chosen_database() == "sqlite" else range(100, 102)
REQUESTS_EACH = 1250
PLAIN = ("home", "info", "callback", "manage", "manage-time", "manage-cancel", "manage-stop")
ONLY_ONCE = ("leave", "brand-style", "brand-logo", "hooks-phone")
# A form goes back with everything that was typed into it.
GIVES_BACK = {200, 403, 409, 422, 429}


@pytest.fixture
def fuzzer_of(client, frozen, settings):
    settings.TRUSTED_PROXIES = 1
    settings.ALLOWED_HOSTS = ["localhost", "testserver"]
    Page(client, frozen).send()
    callback = only_callback()
    tokens = (token_of(callback), receipt_url(callback).split("/")[-2])
    tickets = [Ticket.issue(asks_proof=number % 5 == 0).sealed for number in range(40)]
    frozen.shift(60)

    def fuzzer(seed):
        return Fuzzer(seed, addresses=addresses(tokens), tickets=tickets, tokens=tokens)

    return fuzzer


def addresses(tokens):
    """Of every public page in every language, and of all that speaks none."""
    found = [reverse(name) for name in ONLY_ONCE]
    for language in ("en", "es"):
        with translation.override(language):
            found += [reverse(name) for name in PLAIN]
            # Where most can go wrong.
            found += [reverse("callback")] * 4
            found.append(reverse("manage-link", args=[tokens[0]]))
            found.append(reverse("callback-thanks", args=[tokens[1]]))
    return found


@pytest.fixture
def ask(monkeypatch):
    """The project as a web server calls it, with nothing of a test client between."""
    for signal in (request_started, request_finished):
        # The connection is the test's own.
        signal.disconnect(close_old_connections)
    handler = WSGIHandler()

    def ask(sent):
        told = {}

        def start(status, headers, error=None):
            told["status"], told["headers"] = int(status[:3]), headers

        answer = handler(sent.environ(), start)
        body = b"".join(answer)
        answer.close()
        return told["status"], told["headers"], body.decode()

    yield ask
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.parametrize("seed", SEEDS)
def test_any_request_gets_an_answer_that_gives_nothing_away(fuzzer_of, ask, seed, settings):
    fuzzer, statuses = fuzzer_of(seed), {}
    with log_lines() as log:
        for number in range(REQUESTS_EACH):
            sent = fuzzer.request()
            status, headers, body = ask(sent)
            statuses[status] = statuses.get(status, 0) + 1
            wrong = list(faults(sent, status, headers, body, settings))
            assert not wrong, f"{wrong}\nseed {seed}, number {number}, {status}: {sent!r}"
    # It got past the door: pages, refusals of each kind, and requests that were taken.
    assert {200, 302, 400, 403, 404, 405, 422} <= set(statuses), statuses
    assert Callback.objects.count() > 1
    assert TOKEN not in log.getvalue().lower()
    assert not [token for token in fuzzer.tokens if f"/{token}" in log.getvalue()]
    assert not [column for column, text in table_texts().items() if TOKEN in text.lower()]
    assert not Session.objects.exists()
    assert not Event.objects.filter(detail__icontains=TOKEN).exists()


def faults(sent, status, headers, body, settings):
    """What no answer may be, whatever was asked."""
    if status >= 500:
        yield "failed"
    given = dict(headers)
    for name, value in ALWAYS.items():
        if given.get(name) != value and not is_way_out(sent, name):
            yield f"{name}: {given.get(name)}"
    if set(given.get("Content-Security-Policy", "").split("; ")) != POLICY:
        yield "another policy"
    if given.get("Cache-Control") != "no-store":
        yield "may be kept"
    # Taking away one that is not ours to read is no trace.
    cookies = {
        value.strip().partition("=")[0]
        for name, value in headers
        if name == "Set-Cookie" and "Max-Age=0" not in value
    }
    if cookies - {settings.CSRF_COOKIE_NAME}:
        yield f"cookies {cookies}"
    # A slash put right keeps the address as it was asked.
    told = [value for name, value in headers if not (status == 301 and name == "Location")]
    if any(TOKEN in str(value).lower() for value in told):
        yield "in a header"
    if not given.get("Location", "/").startswith("/") and sent.path != b"/leave/":
        yield f"sent to {given['Location']}"
    if TAG in body.lower():
        yield "a tag of theirs"
    if TOKEN in outside_fields(body).lower():
        yield "shown outside a field"
    if TOKEN in body.lower() and (status not in GIVES_BACK or sent.method != "POST"):
        yield "shown"


def is_way_out(sent, name):
    """Who leaves gives no referrer at all."""
    return sent.path == b"/leave/" and name == "Referrer-Policy"


def outside_fields(body):
    """What the page says, but for what stands in its fields."""
    return unescape(re.sub(r'value="[^"]*"|<textarea.*?</textarea>', "", body, flags=re.DOTALL))
