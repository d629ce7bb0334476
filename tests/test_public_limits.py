"""The limits of the public form where they have to hold: across processes, with nothing but the
database to agree in, and whatever a client writes into its headers."""

import http.client
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
import time_machine
from django.db import connection

from intake.actions import admission
from intake.forms import Ticket
from intake.models import Allowance, Callback, Event, Person
from tests.callers import answers
from tests.servers import ROOT, child_environment, database_url, free_port

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

PROCESSES = 3
AT_ONCE = 40
# Far more than it takes; a busy machine is no failure.
READY_WITHIN_SECONDS = 120
CALLER = "203.0.113.7"


@pytest.fixture(scope="module")
def static_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("static")
    collect = [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity=0"]
    subprocess.run(collect, cwd=ROOT, env=child_environment(STATIC_ROOT=folder), check=True)
    return folder


@pytest.fixture
def site(tmp_path, static_files, transactional_db):
    """Three processes of the web server behind one proxy, over the database of this test. There is
    no broker."""
    with served(tmp_path, static_files) as site:
        yield site


@contextmanager
def served(folder, static_files):
    port = free_port()
    web = [sys.executable, "-m", "gunicorn", "--config", "python:helpline.webserver"]
    with (folder / "web.log").open("wb") as log:
        process = subprocess.Popen(
            [*web, "--workers", str(PROCESSES), "helpline.wsgi"],
            cwd=ROOT,
            env=child_environment(
                DATABASE_URL=database_url(connection),
                REDIS_URL=f"redis://127.0.0.1:{free_port()}/0",
                HELPLINE_DATA=folder,
                STATIC_ROOT=static_files,
                PORT=port,
                TRUSTED_PROXIES="1",
                DJANGO_SETTINGS_MODULE="tests.patient_settings",
            ),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        site = Site(port)
        began = time.monotonic()
        while not site.is_up():
            assert process.poll() is None, (folder / "web.log").read_text()
            assert time.monotonic() - began < READY_WITHIN_SECONDS
            time.sleep(0.2)
        yield site
    finally:
        process.terminate()
        process.wait(READY_WITHIN_SECONDS)


class Site:
    """Each request on a connection of its own, so that any of the processes may get it."""

    def __init__(self, port):
        self.port = port

    def is_up(self):
        try:
            return self.request("GET", "/health/live", {}).status == 200
        except OSError:
            return False

    def request(self, method, path, headers, body=None):
        browser = http.client.HTTPConnection("127.0.0.1", self.port, timeout=READY_WITHIN_SECONDS)
        try:
            browser.request(method, path, body, headers)
            response = browser.getresponse()
            response.text = response.read().decode()
            return response
        finally:
            browser.close()

    def browser(self):
        """What a browser holds after it has opened the form: cookie and token."""
        page = self.request("GET", "/callback/", {})
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[1]
        return page.headers["Set-Cookie"].partition(";")[0], token

    def send(self, browser, ticket, *, forwarded=CALLER, **changes):
        cookie, token = browser
        typed = {**answers(ticket=ticket, **changes), "csrfmiddlewaretoken": token}
        headers = {
            "Cookie": cookie,
            "X-Forwarded-For": forwarded,
            "Content-Type": "application/x-www-form-urlencoded",
        }
        return self.request("POST", "/callback/", headers, urlencode(typed))

    def all_at_once(self, sendings):
        with ThreadPoolExecutor(len(sendings)) as pool:
            return [sent.result() for sent in [pool.submit(sending) for sending in sendings]]


def aged_tickets(count, **promised):
    """Of pages opened a minute ago."""
    with time_machine.travel(datetime.now(UTC) - timedelta(minutes=1)):
        return [Ticket.issue(**promised).sealed for _ in range(count)]


def statuses(responses):
    found = [response.status for response in responses]
    return {status: found.count(status) for status in sorted(set(found))}


def test_forty_at_once_to_three_processes_get_five_whatever_they_forge(site):
    """Each claims to come from somewhere else; what our own proxy adds comes last."""
    browser = site.browser()
    tickets = aged_tickets(AT_ONCE, asks_proof=True)
    responses = site.all_at_once(
        [
            lambda number=number, ticket=ticket: site.send(
                browser,
                ticket,
                phone=f"(202) 555-01{number:02d}",
                alias=f"Caller {number}",
                forwarded=f"198.51.100.{number}, 10.0.0.{number}, {CALLER}",
            )
            for number, ticket in enumerate(tickets)
        ]
    )
    assert statuses(responses) == {302: 5, 429: AT_ONCE - 5}
    # Nobody loses what they typed, and everybody is told when to come back.
    for number, response in enumerate(responses):
        if response.status == 429:
            assert f'value="Caller {number}"' in response.text
            assert 0 < int(response.headers["Retry-After"]) <= 65 * 60
    assert Callback.objects.count() == Person.objects.count() == 5
    assert sum(Allowance.objects.values_list("used", flat=True)) == 5
    # Somebody else is served all the while.
    [ticket] = aged_tickets(1)
    assert site.send(browser, ticket, forwarded=f"{CALLER}, 203.0.113.8").status == 302


def test_forty_identical_posts_to_three_processes_make_one_callback_and_one_receipt(site):
    browser = site.browser()
    [ticket] = aged_tickets(1)
    responses = site.all_at_once([lambda: site.send(browser, ticket)] * AT_ONCE)
    assert statuses(responses) == {302: AT_ONCE}
    assert Callback.objects.count() == Person.objects.count() == 1
    assert Event.objects.filter(verb="callback.requested").count() == 1
    assert sum(Allowance.objects.values_list("used", flat=True)) == 1


def test_forty_at_once_for_one_number_are_taken_and_three_of_them_let_in(site):
    browser = site.browser()
    responses = site.all_at_once(
        [
            lambda ticket=ticket, number=number: site.send(
                browser, ticket, forwarded=f"203.0.113.{number}"
            )
            for number, ticket in enumerate(aged_tickets(AT_ONCE))
        ]
    )
    assert statuses(responses) == {302: AT_ONCE}
    admission.admit_received(limit=100, now=datetime.now(UTC))
    fates = list(Callback.objects.values_list("status", "held_because"))
    assert fates.count(("open", "")) == 3
    assert fates.count(("held", "number")) == AT_ONCE - 3
