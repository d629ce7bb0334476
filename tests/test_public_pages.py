"""The public pages: safe to open with someone looking over the shoulder."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from intake.forms import Ticket
from intake.models import Callback
from tests.callers import ANA, Page, answers, only_callback, ticket_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client, frozen):
    return Page(client, frozen)


# --- Home -----------------------------------------------------------------------------------------


def test_home_gives_emergency_numbers_first_then_ours_and_the_way_to_the_form(client, settings):
    settings.HELPLINE_NUMBER = "+18005550199"
    content = client.get("/").content.decode()
    order = [
        content.index(part)
        for part in (
            'href="https://www.weather.gov/"',
            'href="tel:911"',
            'href="tel:988"',
            'href="tel:+18002221222"',
            'href="tel:+18005550199"',
            'href="/callback/"',
        )
    ]
    assert order == sorted(order)
    for word in ("1-800-555-0199", "free", "confidential", "24 hours"):
        assert word in content


@pytest.mark.parametrize("path", ["/", "/callback/"])
def test_titles_and_addresses_say_nothing_of_what_it_is_about(client, path):
    title = re.search("<title>(.*?)</title>", client.get(path).content.decode())[1]
    assert title in {"Contact", "Callback"}


def test_the_exit_comes_first_and_leads_where_the_operator_says(client, settings):
    settings.EXIT_URL = "https://www.example.org/recipes"
    for path in ("/", "/callback/"):
        links = re.findall(r"<a [^>]*>", client.get(path).content.decode())
        first = next(link for link in links if "skip-link" not in link)
        assert 'href="https://www.example.org/recipes"' in first
        assert "noreferrer" in first


# --- The receipt ----------------------------------------------------------------------------------


def test_the_receipt_shows_reference_and_rules_but_no_number_and_no_name(page, client):
    response = page.send(alias="Zebrafinch", phone=ANA, zip_code="20001")
    location = response["Location"]
    content = client.get(location).content.decode()
    assert only_callback().reference in content
    assert "we leave no message" in content
    for secret in ("Zebrafinch", "555-0101", "5550101", "20001"):
        assert secret not in content
        assert secret not in location
    assert "<title>Callback</title>" in content


def test_danger_is_taken_up_again_on_the_receipt_and_the_request_is_kept(page):
    receipt = page.receipt(in_danger="yes")
    assert "Please do not wait for our call" in receipt
    assert only_callback().is_open


def test_without_danger_the_receipt_does_not_speak_of_it(page):
    assert "Please do not wait for our call" not in page.receipt()


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda token: token[:-1], id="cut short"),
        pytest.param(lambda token: "x" + token[1:], id="changed"),
        pytest.param(lambda token: "nonsense", id="invented"),
        pytest.param(lambda token: "é" * 40, id="not ASCII"),
    ],
)
def test_an_address_that_was_not_signed_by_us_shows_nothing(page, client, spoil):
    token = page.send()["Location"].split("/")[-2]
    response = client.get(reverse("callback-thanks", args=[spoil(token)]))
    assert response.status_code == 404
    assert only_callback().reference not in response.content.decode()


def test_the_receipt_closes_after_half_an_hour(page, client):
    location = page.send()["Location"]
    page.clock.shift(29 * 60)
    assert client.get(location).status_code == 200
    page.clock.shift(2 * 60)
    over = client.get(location)
    assert over.status_code == 404
    assert "we still have it" in over.content.decode()


def test_a_form_ticket_opens_no_receipt(page, client):
    assert client.get(f"/callback/thanks/{page.open()}/").status_code == 404


# --- Cookies and headers --------------------------------------------------------------------------


HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": {
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "object-src 'none'",
    },
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@pytest.mark.parametrize(
    "where", ["/", "/callback/", "thanks", "refused", "forged", "/nothing-here/"]
)
def test_every_answer_carries_the_whole_map_of_headers(page, client, where):
    if where == "thanks":
        response = client.get(page.send()["Location"])
    elif where == "refused":
        response = page.send(phone="")
    elif where == "forged":
        response = Client(enforce_csrf_checks=True).post("/callback/", answers())
    else:
        response = client.get(where)
    sent = dict(response.headers)
    sent["Content-Security-Policy"] = set(sent["Content-Security-Policy"].split("; "))
    assert HEADERS.items() <= sent.items()
    assert "camera=()" in sent["Permissions-Policy"]
    assert not {"Server", "X-Powered-By", "ETag", "Last-Modified"} & set(sent)


def test_the_one_cookie_is_against_forgery_and_ends_with_the_browser(page, client, settings):
    assert not client.get("/").cookies
    response = page.send()
    thanks = client.get(response["Location"])
    assert not thanks.cookies
    assert set(client.cookies) == {settings.CSRF_COOKIE_NAME}
    cookie = client.cookies[settings.CSRF_COOKIE_NAME]
    assert cookie["httponly"]
    assert cookie["max-age"] == cookie["expires"] == ""


def test_no_session_is_opened(page):
    from django.contrib.sessions.models import Session

    page.receipt()
    assert not Session.objects.exists()


def test_a_page_loads_nothing_from_elsewhere_and_holds_no_script_of_its_own(page, client):
    receipt = client.get(page.send()["Location"])
    for response in (client.get("/"), client.get("/callback/"), receipt):
        content = response.content.decode()
        assert not re.findall(r'(?:src|action)="(?!/)', content)
        assert not re.findall(r'<link[^>]*href="(?!/)', content)
        assert not re.search(r"<style|<script(?![^>]*src=)|\sstyle=|\son\w+=", content)


def test_a_lost_cookie_brings_the_filled_form_back(frozen):
    client = Client(enforce_csrf_checks=True)
    response = client.post("/callback/", answers(alias="Robin", ticket=Ticket.issue().sealed))
    content = response.content.decode()
    assert response.status_code == 403
    assert 'value="Robin"' in content
    assert "press Send once more" in content
    assert not Callback.objects.exists()

    frozen.shift(10)
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', content)[1]
    data = answers(alias="Robin", ticket=ticket_in(response), csrfmiddlewaretoken=token)
    assert client.post("/callback/", data).status_code == 302


def test_a_forged_post_elsewhere_gets_the_plain_page():
    response = Client(enforce_csrf_checks=True).post("/admin/login/", {"username": "x"})
    assert response.status_code == 403
    assert "form" not in (response.context or {})


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_other_methods_are_refused(client, method):
    assert getattr(client, method)("/callback/").status_code == 405
