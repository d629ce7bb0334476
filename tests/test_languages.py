"""English and Spanish, told apart by the address alone: no cookie, no guess, nothing typed lost."""

import re

import pytest
from django.test import Client

from intake.models import Callback
from tests.callers import Page, answers, ticket_in

pytestmark = pytest.mark.django_db

SPANISH_BROWSER = {"Accept-Language": "es-MX,es;q=0.9"}
ENGLISH_BROWSER = {"Accept-Language": "en-US,en;q=0.9"}
PAGES = ["/", "/callback/", "/info/"]


@pytest.fixture
def page(client, frozen):
    return Page(client, frozen)


def language_of(response):
    return re.search(r'<html lang="([^"]+)"', response.content.decode())[1]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("browser", [SPANISH_BROWSER, ENGLISH_BROWSER, {}])
def test_the_address_decides_whatever_the_browser_speaks(client, path, browser):
    assert language_of(client.get(path, headers=browser)) == "en"
    assert language_of(client.get(f"/es{path}", headers=browser)) == "es"


def test_an_old_language_cookie_changes_nothing(client, settings):
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "es"
    assert language_of(client.get("/")) == "en"


@pytest.mark.parametrize("path", ["/", "/es/"])
def test_no_cache_is_told_that_an_answer_depends_on_the_browser(client, path):
    response = client.get(path, headers=SPANISH_BROWSER)
    assert "Accept-Language" not in response.get("Vary", "")
    assert response["Content-Language"] == language_of(response)


@pytest.mark.parametrize("path", ["/admin/login/", "/health/live", "/leave/"])
def test_what_callers_do_not_read_has_no_spanish_address(client, path):
    assert client.get(f"/es{path}").status_code == 404


def test_staff_read_english_with_a_spanish_browser_too(client):
    content = client.get("/admin/login/", headers=SPANISH_BROWSER).content.decode()
    assert '<html lang="en' in content
    assert "Iniciar" not in content


@pytest.mark.parametrize("path", ["/en/", "/fr/", "/es", "/ES/", "/es-mx/"])
def test_there_is_one_address_for_each_page(client, path):
    response = client.get(path)
    if path == "/es":
        assert response["Location"] == "/es/"
    else:
        assert response.status_code == 404


@pytest.mark.parametrize("path", ["/", "/info/"])
def test_a_link_leads_to_the_same_page_in_the_other_language(client, path):
    for here in (path, f"/es{path}"):
        content = client.get(here).content.decode()
        links = dict(re.findall(r'<a href="([^"]+)" lang="(\w\w)" hreflang', content))
        assert links == {path: "en", f"/es{path}": "es"}
        current = re.search(r'lang="(\w\w)"[^>]*aria-current="true"', content)[1]
        assert current == ("es" if here.startswith("/es") else "en")


def test_a_receipt_is_readable_in_both_languages(page, client):
    location = page.send()["Location"]
    reference = Callback.objects.get().reference
    links = re.findall(
        r'<a href="([^"]+)" lang="\w\w" hreflang', client.get(location).content.decode()
    )
    assert links == [location, f"/es{location}"]
    for link in links:
        assert reference in client.get(link).content.decode()


def test_all_links_of_a_spanish_page_stay_in_spanish(client):
    for path in PAGES:
        content = client.get(f"/es{path}").content.decode()
        inside = set(re.findall(r'<a [^>]*href="(/[^"]*)"', content))
        english = set(re.findall(r'<a [^>]*href="(/[^"]*)"[^>]*lang="en"', content))
        assert all(link.startswith("/es/") for link in inside - english - {"/leave/"}), path


# --- The form -------------------------------------------------------------------------------------


TYPED = {
    "alias": "Zoë & <Ana>",
    "phone": "(202) 555-01",
    "day": "date",
    "on": "2026-03-12",
    "part": "evening",
    "zip_code": "2000",
    "time_zone": "America/Denver",
    "voicemail": "neutral",
    "may_say": "yes",
    "text_ok": "yes",
    "who_for": "someone",
    "topic": "cost",
    "in_danger": "unsure",
}


def kept(response):
    """What the fields of the page hold, as a browser would send it."""
    content = response.content.decode()
    held = {}
    for tag in re.findall(r"<input[^>]*>", content):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        is_choice = 'type="radio"' in tag or 'type="checkbox"' in tag
        if name and (not is_choice or "checked" in tag):
            held[name[1]] = value[1] if value else "on"
    for name, options in re.findall(r'<select name="(\w+)".*?>(.*?)</select>', content, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', options)
        held[name] = chosen[1] if chosen else ""
    return held


def switched(client, ticket, to="es", **typed):
    path = "/es/callback/" if to == "es" else "/callback/"
    return client.post(path, answers(ticket=ticket, switch=to, **typed))


def test_the_other_language_takes_along_everything_typed(page, client):
    ticket = page.open()
    page.clock.shift(10)
    before = kept(client.post("/callback/", answers(ticket=ticket, **TYPED)))
    response = switched(client, ticket, **TYPED)
    assert response.status_code == 200
    assert language_of(response) == "es"
    after = kept(response)
    assert after["consent"] == "on"
    unequal = {name for name in before if before[name] != after.get(name)}
    assert unequal == {"csrfmiddlewaretoken", "language"}
    assert not Callback.objects.exists()


def test_the_call_is_in_the_language_of_the_page_unless_somebody_chose_otherwise(page, client):
    assert kept(client.get("/callback/"))["language"] == "en"
    assert kept(client.get("/es/callback/"))["language"] == "es"
    ticket = page.open()
    assert kept(switched(client, ticket))["language"] == "es"
    assert kept(switched(client, ticket, to="en", language="es"))["language"] == "en"


def test_nothing_is_complained_about_before_it_was_sent(page, client):
    content = switched(client, page.open(), **TYPED).content.decode()
    assert "error-summary" not in content
    assert "has-errors" not in content


def test_a_switched_form_is_sent_and_answered_in_spanish(page, client):
    shown = switched(client, page.open(), alias="Inés")
    page.clock.shift(5)
    data = answers(ticket=ticket_in(shown), alias="Inés", language="es")
    response = client.post("/es/callback/", data)
    assert response["Location"].startswith("/es/callback/thanks/")
    assert language_of(client.get(response["Location"])) == "es"
    assert Callback.objects.get().person.language == "es"


def test_a_refused_spanish_form_speaks_spanish_and_offers_english_with_all_that_was_typed(page):
    response = page.client.post("/es/callback/", answers(ticket=page.open(), phone=""))
    assert response.status_code == 422
    content = response.content.decode()
    assert re.search(r'<button type="submit" form="callback-form" formaction="/callback/"', content)


def test_a_lost_cookie_in_spanish_brings_the_spanish_form_back(frozen):
    client = Client(enforce_csrf_checks=True)
    response = client.post("/es/callback/", answers(alias="Robin"))
    assert response.status_code == 403
    assert language_of(response) == "es"
    assert 'value="Robin"' in response.content.decode()


@pytest.mark.parametrize("switch", ["", "xx", "<script>", "en"])
def test_whatever_the_button_says_the_address_decides(page, client, switch):
    response = client.post("/callback/", answers(ticket=page.open(), switch=switch))
    assert response.status_code == 200
    assert language_of(response) == "en"
    assert "<script>" not in re.sub(r"<script src=[^>]*>", "", response.content.decode())
