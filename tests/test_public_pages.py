"""The public pages: safe to open with someone looking over the shoulder."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse

from intake.actions import callbacks, events, own_requests
from intake.forms import Ticket
from intake.models import AnswerCard, Callback
from tests.callers import ANA, Page, answers, only_callback, text_of, ticket_in
from tests.casting import rung
from tests.test_headers import ALWAYS, POLICY

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
            'href="/leave/"',
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


@pytest.mark.parametrize("path", ["/", "/callback/", "/info/"])
def test_titles_and_addresses_say_nothing_of_what_it_is_about(client, path):
    title = re.search("<title>(.*?)</title>", client.get(path).content.decode())[1]
    assert title in {"Contact", "Callback", "Information"}


def test_the_exit_comes_first(client):
    for path in ("/", "/callback/"):
        links = re.findall(r"<a [^>]*>", client.get(path).content.decode())
        first = next(link for link in links if "skip-link" not in link)
        assert 'href="/leave/"' in first
        assert "noreferrer" in first


def test_home_stands_with_the_database_away(client, monkeypatch):
    def refuse(*args, **kwargs):
        raise OperationalError("no database")

    monkeypatch.setattr(connection, "cursor", refuse)
    response = client.get("/")
    assert response.status_code == 200
    for number in ("tel:911", "tel:988", "tel:+18005550199"):
        assert number in response.content.decode()


# --- Leaving --------------------------------------------------------------------------------------


def test_the_way_out_leads_where_the_operator_says_and_tells_nobody_where_from(client, settings):
    settings.EXIT_URL = "https://www.example.org/recipes"
    response = client.get("/leave/")
    assert response.status_code == 303
    assert response["Location"] == "https://www.example.org/recipes"
    assert response["Referrer-Policy"] == "no-referrer"
    assert response["Cache-Control"] == "no-store"


def test_leaving_takes_the_cookie_along(client, settings):
    client.get("/callback/")
    assert client.cookies[settings.CSRF_COOKIE_NAME].value
    left = client.get("/leave/").cookies[settings.CSRF_COOKIE_NAME]
    assert (left.value, left["max-age"]) == ("", 0)


def test_leaving_ends_the_session_of_a_member_of_staff_who_shows_the_page(client, agent):
    client.force_login(agent)
    client.get("/leave/")
    assert not Session.objects.exists()
    assert client.get("/admin/").status_code == 302


def test_a_link_elsewhere_signs_nobody_out(client, settings):
    """Browsers send no strict cookie along with it, so there is nothing to take away."""
    response = client.get("/leave/")
    assert not response.cookies
    assert settings.SESSION_COOKIE_SAMESITE == "Strict"


@pytest.mark.parametrize("query", ["?next=https://example.com/", "?url=//example.com"])
def test_no_address_can_bend_the_way_out(client, settings, query):
    assert client.get(f"/leave/{query}")["Location"] == settings.EXIT_URL


# --- Answers --------------------------------------------------------------------------------------


SOURCE = {"title": "An invented guideline", "where": "shelf 3"}


@pytest.fixture
def card(supervisor, now):
    """Makes a card that is confirmed and public, unless told otherwise."""

    def make(title, *, is_public=True, is_reviewed=True, **fields):
        given = {
            "key": title.lower().replace(" ", "-"),
            "title": title,
            "say": "Say this.",
            "text": "A paragraph of <b>words</b>.\n\n- One\n- Two",
            "topic": AnswerCard.Topic.STOPPING,
            "sources": [SOURCE],
            "is_public": is_public,
        }
        if is_reviewed:
            given |= {
                "reviewed_at": now,
                "reviewed_by": supervisor,
                "review_due_at": now + timedelta(days=180),
            }
        return AnswerCard.objects.create(**given | fields)

    return make


def test_the_answers_are_those_that_somebody_confirmed_for_the_public(
    client, card, supervisor, now
):
    card("Shown to all")
    card("Not for the public", is_public=False)
    card("Nobody read it", is_reviewed=False)
    card("Retired", retired_at=now, retired_by=supervisor)
    content = client.get("/info/").content.decode()
    assert "Shown to all" in content
    for hidden in ("Not for the public", "Nobody read it", "Retired"):
        assert hidden not in content


def test_an_answer_has_its_text_and_sources_and_no_markup_of_its_own(client, card):
    card("Why not suddenly")
    content = client.get("/info/").content.decode()
    assert "A paragraph of &lt;b&gt;words&lt;/b&gt;." in content
    assert "<li>One</li>" in content
    assert "An invented guideline" in content


def test_no_address_or_title_names_a_topic(client, card):
    card("Why not suddenly", key="do-not-stop-suddenly")
    content = client.get("/info/").content.decode()
    assert "<title>Information</title>" in content
    assert 'id="a1"' in content
    assert "do-not-stop-suddenly" not in content


def test_answers_stand_under_their_topics_in_their_order(client, card):
    card("Second", position=2, topic=AnswerCard.Topic.INSURANCE)
    card("First", position=1, topic=AnswerCard.Topic.STOPPING)
    card("Third", position=3, topic=AnswerCard.Topic.STOPPING)
    headings = re.findall(r"<h[23][^>]*>([^<]+)</h", client.get("/info/").content.decode())
    assert headings == ["Stopping", "First", "Third", "Insurance and cost", "Second"]


def test_each_language_shows_its_own_answers(client, card):
    card("In English")
    card("En español", language="es")
    english, spanish = (client.get(path).content.decode() for path in ("/info/", "/es/info/"))
    assert "In English" in english
    assert "En español" in spanish
    assert "In English" not in spanish
    assert '<span lang="en">An invented guideline' in spanish


def test_without_an_answer_the_page_says_so_and_gives_our_number(client, card):
    card("En español", language="es")
    content = client.get("/info/").content.decode()
    assert "There is nothing to read here yet." in content
    assert "tel:+18005550199" in content
    assert (
        'href="/info/"'
        not in re.search(r"<main.*</main>", client.get("/").content.decode(), re.DOTALL)[0]
    )
    assert 'href="/es/info/"' in client.get("/es/").content.decode()


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


def test_the_receipt_opens_in_no_other_browser_and_not_after_leaving(page, client):
    """Whoever presses "back", or finds the address in a history, learns nothing from it."""
    location = page.send()["Location"]
    assert client.get(location).status_code == 200
    assert client.get(f"/es{location}").status_code == 200
    assert Client().get(location).status_code == 404
    client.get("/leave/")
    left = client.get(location)
    assert left.status_code == 404
    assert only_callback().reference not in left.content.decode()
    # A new cookie is another browser.
    page.open()
    assert client.get(location).status_code == 404


def test_a_form_ticket_opens_no_receipt(page, client):
    assert client.get(f"/callback/thanks/{page.open()}/").status_code == 404


@pytest.mark.parametrize(
    ("day", "promised"), [("asap", "from now until"), ("now", "at any hour, as you asked")]
)
def test_a_try_in_vain_changes_nothing_on_the_receipt(page, client, agent, now, day, promised):
    location = page.send(day=day)["Location"]
    before = text_of(client.get(location))
    assert promised in before
    callback = only_callback()
    now += timedelta(seconds=30)
    callbacks.claim(callback=callback, by=agent, now=now)
    rung(callback, "busy", by=agent, now=now)
    assert only_callback().due_at > now
    after = text_of(client.get(location))
    assert without_clock(after) == without_clock(before)


def without_clock(receipt):
    return re.sub(r"is now [^(]*|/manage/[^/]*/", "", receipt)


def test_the_promise_holds_from_the_chosen_time_on_until_the_evening(page, client):
    page.clock.move_to(datetime(2026, 3, 10, 23, 35, tzinfo=UTC))
    location = page.send()["Location"]
    assert "from now until 8 p.m." in text_of(client.get(location))
    page.clock.move_to(datetime(2026, 3, 11, 0, 2, tzinfo=UTC))
    assert "It is time for your call" in text_of(client.get(location))


def test_the_receipt_of_a_request_taken_back_promises_nothing(page, client, now):
    location = page.send(day="tomorrow")["Location"]
    assert "We call you tomorrow" in text_of(client.get(location))
    callback = only_callback()
    own_requests.withdraw(callback=callback, by=events.PUBLIC, now=now)
    assert "We call you" not in text_of(client.get(location))


def test_the_receipt_hands_over_the_private_link_and_a_button_that_leaves_no_trace(page, client):
    content = client.get(page.send()["Location"]).content.decode()
    link = re.search(r"http://testserver(/manage/[^/]+/)<", content)[1]
    assert client.get(link).status_code == 200
    # No address of the page leads there: the token is in the text and in the body of a form.
    assert not re.search(r'(?:href|action)="[^"]*/manage/[^"]', content)
    token = re.search(r'name="token" value="([^"]+)"', content)[1]
    opened = client.post("/manage/", {"token": token})
    assert only_callback().reference in text_of(opened)


# --- Cookies and headers --------------------------------------------------------------------------


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
    assert set(sent["Content-Security-Policy"].split("; ")) == POLICY
    assert ALWAYS.items() <= sent.items()
    assert sent["Cache-Control"] == "no-store"
    assert "camera=()" in sent["Permissions-Policy"]
    assert not {"Server", "X-Powered-By", "ETag", "Last-Modified"} & set(sent)


def test_the_one_cookie_is_against_forgery_and_ends_with_the_browser(page, client, settings):
    assert not client.get("/").cookies
    response = page.send()
    client.get(response["Location"])
    assert set(client.cookies) == {settings.CSRF_COOKIE_NAME}
    cookie = client.cookies[settings.CSRF_COOKIE_NAME]
    assert cookie["httponly"]
    assert cookie["max-age"] == cookie["expires"] == ""


def test_no_session_is_opened(page):
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
