"""A stranger's way through the public pages in a real browser, with and without its scripts."""

import re

import pytest
from playwright.sync_api import expect

from intake.models import Callback
from tests.browser.strangers import PREFIXES, expect_thanks, fill_in, labels, send
from tests.browser.visits import look, look_in_both_lights

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

WIDTHS = {"phone": 390, "desk": 1440}
SCRIPTS = pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])


@SCRIPTS
@pytest.mark.parametrize("language", PREFIXES)
@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_from_home_to_the_receipt(stranger, width, language, scripts):
    # Accessibility is examined by a script; a page without any looks the same.
    def examine(page, name):
        page.wait_for_load_state()
        assert page.locator("html").get_attribute("lang") == language
        if scripts:
            look_in_both_lights(page, f"{name}-{language}-{width}")

    options = {
        "viewport": {"width": width, "height": 844},
        "java_script_enabled": scripts,
        "reduced_motion": "reduce",
    }
    here = stranger(f"{PREFIXES[language]}/", **options)
    page, label = here.page, labels(language)
    examine(page, "home")

    page.get_by_role("link", name=label.ask).click()
    page.wait_for_url("**/callback/")
    examine(page, "form")

    send(page, language)
    expect(page.get_by_text(label.check)).to_be_visible()
    examine(page, "errors")

    fill_in(page, language)
    send(page, language)
    expect_thanks(page, language)
    examine(page, "thanks")

    callback = Callback.objects.get()
    expect(page.get_by_text(callback.reference)).to_be_visible()
    everything = page.content() + page.url + page.title()
    assert not re.search(r"Zebrafinch|555.?0101", everything)

    assert [cookie["name"] for cookie in here.context.cookies()] == ["csrf"]
    assert here.context.cookies()[0]["expires"] == -1
    if scripts:
        assert page.evaluate("localStorage.length + sessionStorage.length") == 0
        assert page.evaluate("indexedDB.databases()") == []
        assert page.evaluate("caches.keys()") == []


@SCRIPTS
def test_what_was_typed_goes_along_into_the_other_language(stranger, scripts):
    page = stranger("/callback/", java_script_enabled=scripts).page
    fill_in(page)
    page.get_by_role("button", name="Español").click()
    expect(page.locator("html")).to_have_attribute("lang", "es")
    expect(page.get_by_label(labels("es").alias)).to_have_value("Zebrafinch")
    assert "/es/callback/" in page.url
    send(page, "es")
    expect_thanks(page, "es")
    assert Callback.objects.get().person.alias == "Zebrafinch"


@SCRIPTS
def test_enter_sends_the_form_from_any_field(stranger, scripts):
    page = stranger("/callback/", java_script_enabled=scripts).page
    fill_in(page)
    page.get_by_label("What should we call you?").press("Enter")
    expect_thanks(page)


def test_help_and_the_date_come_in_sight_when_an_answer_calls_for_them(stranger):
    page = stranger("/callback/", java_script_enabled=False).page
    help_text = page.get_by_text("You can still send this form.")
    date = page.get_by_label("Which day?")
    expect(help_text).to_be_hidden()
    expect(date).to_be_hidden()

    page.get_by_label("I am not sure").check()
    expect(help_text).to_be_visible()
    page.get_by_label("On another day").check()
    expect(date).to_be_visible()


def test_danger_is_answered_first_and_the_request_is_taken(stranger):
    page = stranger("/callback/", viewport={"width": 390, "height": 844}).page
    fill_in(page)
    page.get_by_role("group", name="Is someone in danger").get_by_label("Yes").check()
    look(page, "danger-390-light")
    send(page)
    expect(page.get_by_role("alert")).to_contain_text("Please do not wait for our call.")
    look(page, "danger-thanks-390-light")
    assert Callback.objects.get().in_danger


def test_an_error_is_reached_from_the_keyboard(stranger):
    page = stranger("/callback/").page
    send(page)
    expect(page.get_by_role("alert")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("No", exact=True).first).to_be_focused()
