"""A stranger's way through the public pages in a real browser, with and without its scripts."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from intake import forms
from intake.models import Callback
from tests.browser.visits import Visit, look, look_in_both_lights
from tests.callers import ANA

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

WIDTHS = {"phone": 390, "desk": 1440}


@pytest.fixture
def visit(browser, live_server, settings, monkeypatch):
    """Opens a fresh browser profile; what it asked of other hosts and complained of is kept."""
    settings.EXIT_URL = f"{live_server.url}/health/live"
    # Browsers type fast.
    monkeypatch.setattr(forms, "LEAST_FILL", timedelta())
    visits = []

    def open_page(path="/", **options):
        visit = Visit(browser, live_server.url, **options)
        visits.append(visit)
        visit.page.goto(live_server.url + path)
        return visit

    yield open_page
    for visit in visits:
        visit.close()


def fill_in(page):
    page.get_by_role("group", name="Is someone in danger right now?").get_by_label(
        "No", exact=True
    ).check()
    page.get_by_label("Phone number").fill(ANA)
    page.get_by_label("What should we call you?").fill("Zebrafinch")
    page.get_by_role("group", name="When should we call?").get_by_label("Tomorrow").check()
    page.get_by_label("Morning, 8 a.m. to noon").check()
    page.get_by_label("Your time zone").select_option("Eastern time")
    page.get_by_label("You may call me at this number").check()


def send(page):
    page.get_by_role("button", name="Send").click()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_from_home_to_the_receipt(visit, width, scripts):
    # Accessibility is examined by a script; a page without any looks the same.
    def examine(page, name):
        if scripts:
            look_in_both_lights(page, f"{name}-{width}")

    options = {
        "viewport": {"width": width, "height": 844},
        "java_script_enabled": scripts,
        "reduced_motion": "reduce",
    }
    here = visit("/", **options)
    page = here.page
    examine(page, "home")

    page.get_by_role("link", name="Ask us to call you").click()
    examine(page, "form")

    send(page)
    expect(page.get_by_text("Please check these answers")).to_be_visible()
    examine(page, "errors")

    fill_in(page)
    send(page)
    expect(page.get_by_role("heading", name="We have your request.")).to_be_visible()
    examine(page, "thanks")

    callback = Callback.objects.get()
    assert page.get_by_text(callback.reference).is_visible()
    assert "between 8 a.m. and noon" in page.inner_text("main")
    everything = page.content() + page.url + page.title()
    assert not re.search(r"Zebrafinch|555.?0101", everything)

    assert [cookie["name"] for cookie in here.context.cookies()] == ["csrf"]
    assert here.context.cookies()[0]["expires"] == -1
    if scripts:
        assert page.evaluate("localStorage.length + sessionStorage.length") == 0


def test_help_and_the_date_come_in_sight_when_an_answer_calls_for_them(visit):
    page = visit("/callback/", java_script_enabled=False).page
    help_text = page.get_by_text("You can still send this form.")
    date = page.get_by_label("Which day?")
    expect(help_text).to_be_hidden()
    expect(date).to_be_hidden()

    page.get_by_label("I am not sure").check()
    expect(help_text).to_be_visible()
    page.get_by_label("On another day").check()
    expect(date).to_be_visible()


def test_danger_is_answered_first_and_the_request_is_taken(visit):
    page = visit("/callback/", viewport={"width": 390, "height": 844}).page
    fill_in(page)
    page.get_by_role("group", name="Is someone in danger").get_by_label("Yes").check()
    look(page, "danger-390-light")
    send(page)
    expect(page.get_by_role("alert")).to_contain_text("Please do not wait for our call.")
    look(page, "danger-thanks-390-light")
    assert Callback.objects.get().in_danger


def test_a_double_click_makes_one_callback(visit):
    page = visit("/callback/").page
    fill_in(page)
    page.get_by_role("button", name="Send").dblclick()
    expect(page.get_by_role("heading", name="We have your request.")).to_be_visible()
    assert Callback.objects.count() == 1


def test_who_fills_the_form_faster_than_people_do_presses_once_more(visit, monkeypatch):
    page = visit("/callback/").page
    fill_in(page)
    monkeypatch.setattr(forms, "LEAST_FILL", timedelta(hours=1))
    send(page)
    expect(page.get_by_role("alert")).to_contain_text("press Send once more")
    expect(page.get_by_label("What should we call you?")).to_have_value("Zebrafinch")
    look(page, "once-more-1280-light")
    monkeypatch.setattr(forms, "LEAST_FILL", timedelta())
    send(page)
    expect(page.get_by_role("heading", name="We have your request.")).to_be_visible()


def test_a_browser_that_lost_its_cookie_gets_the_filled_form_back(visit):
    here = visit("/callback/")
    fill_in(here.page)
    here.context.clear_cookies()
    send(here.page)
    expect(here.page.get_by_role("alert")).to_contain_text("press Send once more")
    look(here.page, "cookie-1280-light")
    send(here.page)
    expect(here.page.get_by_role("heading", name="We have your request.")).to_be_visible()
    # The browser mentions the refusal.
    here.complaints = [text for text in here.complaints if "403" not in text]


def test_an_error_is_reached_from_the_keyboard(visit):
    page = visit("/callback/").page
    send(page)
    expect(page.get_by_role("alert")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("No", exact=True).first).to_be_focused()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_the_exit_leaves_and_nothing_typed_comes_back(visit, scripts):
    page = visit("/callback/", java_script_enabled=scripts).page
    fill_in(page)
    page.get_by_role("link", name="Leave this page").click()
    page.wait_for_url("**/health/live")
    page.go_back()
    if "/callback/" in page.url:
        expect(page.get_by_label("Phone number")).to_have_value("")


@pytest.mark.parametrize("path", ["/", "/callback/"])
def test_a_page_is_light_enough_for_a_slow_phone(visit, path):
    here = visit(path)
    here.page.wait_for_load_state("networkidle")
    assert len(here.answers) >= 3
    assert sum(len(answer.body()) for answer in here.answers) < 60_000
