"""With the database away: every page still gives our number, and nothing typed is lost."""

import logging
import re

import pytest
from django.db import InterfaceError, OperationalError, connection
from django.test import Client
from django.urls import reverse

from intake.models import Callback
from intake.views.private_links import token_of
from tests.callers import ANA, Page, answers, only_callback
from tests.outage import no_database

pytestmark = pytest.mark.django_db

OUR_NUMBER = 'href="tel:+18005550199"'
TYPED = {"alias": "Zebrafinch", "voicemail": "neutral", "zip_code": "20001", "part": "morning"}


@pytest.fixture(autouse=True)
def our_number(settings):
    settings.HELPLINE_NUMBER = "+18005550199"


@pytest.fixture
def page(client, frozen):
    return Page(client, frozen)


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
@pytest.mark.parametrize("path", ["/", "/callback/", "/info/", "/es/callback/"])
def test_what_needs_no_database_stands_without_it(client, path, error):
    with no_database(error):
        response = client.get(path)
    assert response.status_code == 200
    assert OUR_NUMBER in response.content.decode()


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_request_comes_back_filled_in_with_our_number(page, error):
    ticket = page.open()
    with no_database(error):
        response = page.send(ticket=ticket, admit=False, **TYPED)
    content = response.content.decode()
    assert (response.status_code, response["Retry-After"]) == (503, "60")
    assert "Please press Send again in a minute" in content
    assert OUR_NUMBER in content
    for typed in (ANA, "Zebrafinch", "20001"):
        assert f'value="{typed}"' in content
    for chosen in ("neutral", "morning"):
        assert re.search(f'value="{chosen}"[^>]*checked', content)
    assert not Callback.objects.exists()
    # The same ticket: the next press is taken, and once.
    assert f'name="ticket" value="{ticket}"' in content
    assert page.send(ticket=ticket, **TYPED).status_code == 302
    assert only_callback().person.alias == "Zebrafinch"


def test_a_database_that_goes_away_while_it_is_stored_leaves_nothing_half_done(page, monkeypatch):
    from intake.actions import web_requests

    ticket = page.open()

    def lost(**given):
        raise OperationalError("the connection was lost")

    with monkeypatch.context() as patched:
        patched.setattr(web_requests.doorbell, "let_in", lost)
        assert page.send(ticket=ticket, admit=False).status_code == 503
    assert not Callback.objects.exists()
    assert page.send(ticket=ticket).status_code == 302


def test_another_language_and_a_lost_cookie_keep_what_was_typed(page, frozen):
    ticket = page.open()
    given = answers(ticket=ticket, switch="es", **TYPED)
    strict = Client(enforce_csrf_checks=True)
    with no_database():
        switched = page.client.post("/es/callback/", given)
        refused = strict.post("/callback/", given)
    assert (switched.status_code, refused.status_code) == (200, 403)
    for response in (switched, refused):
        assert 'value="Zebrafinch"' in response.content.decode()


@pytest.mark.parametrize("prefix", ["", "/es"])
def test_a_receipt_and_a_private_link_say_so_and_give_our_number(page, prefix):
    sent = page.send()
    token = token_of(only_callback())
    with no_database():
        shown = [
            page.client.get(prefix + sent["Location"]),
            page.client.get(prefix + reverse("manage-link", args=[token])),
            *[
                page.client.post(prefix + reverse(name), {"token": token, "sure": "yes"})
                for name in ("manage", "manage-time", "manage-cancel", "manage-stop")
            ],
            Client(enforce_csrf_checks=True).post(prefix + reverse("manage"), {"token": token}),
        ]
    for response in shown:
        content = response.content.decode()
        assert (response.status_code, response["Retry-After"]) == (503, "60")
        assert response["Cache-Control"] == "no-store"
        assert OUR_NUMBER in content
        assert ANA not in content
    assert only_callback().is_pending


def test_the_log_tells_the_kind_of_trouble_and_nothing_typed(page, caplog):
    ticket = page.open()

    def away(execute, sql, params, many, context):
        raise OperationalError(f"could not run {sql} with {params}")

    with caplog.at_level(logging.INFO), connection.execute_wrapper(away):
        page.send(ticket=ticket, admit=False, **TYPED)
    assert "OperationalError" in caplog.text
    assert "could not run" not in caplog.text
