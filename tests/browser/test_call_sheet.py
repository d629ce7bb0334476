"""The call sheet in a real browser: by keyboard, wide and narrow, with and without its scripts."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from intake.models import Call
from tests.sheets import ADD

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

WIDTHS = {"phone": 390, "desk": 1440}


@pytest.fixture
def sheet(browser, live_server, settings, agent, client_for):
    """Opens the sheet of a new call as Ava; what the browser complained of is kept."""
    contexts = []

    def opened(**options):
        context = browser.new_context(**options)
        contexts.append(context)
        cookie = client_for(agent).cookies[settings.SESSION_COOKIE_NAME].value
        context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}]
        )
        page = context.new_page()
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("console", lambda said: _note(page, said))
        page.goto(live_server.url + ADD)
        return page

    yield opened
    for context in contexts:
        context.close()


def _note(page, said):
    if said.type == "error" and "422" not in said.text:
        page.complaints.append(said.text)


def no_serious_fault(page):
    found = Axe().run(page).response["violations"]
    return [fault["id"] for fault in found if fault["impact"] in ("serious", "critical")]


def answered(page, code):
    return page.locator(f"[name=screen-{code}]:checked").input_value()


def test_questions_are_answered_by_single_keys(sheet):
    page = sheet()
    page.locator("[name=screen-seizure_now]:checked").focus()
    for key in "nNyu":
        page.keyboard.press(key)
    codes = ("seizure_now", "cannot_be_woken", "breathing_trouble", "blue_or_gray")
    assert [answered(page, code) for code in codes] == ["no", "no", "yes", "unknown"]
    expect(page.locator("[name=screen-overdose]:checked")).to_be_focused()
    # Words are typed as words.
    page.fill("[name=call-narrative]", "")
    page.locator("[name=call-narrative]").press_sequentially("nobody")
    expect(page.locator("[name=call-narrative]")).to_have_value("nobody")
    assert page.complaints == []


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_emergency_is_in_view_at_once(sheet, width, scheme):
    page = sheet(viewport={"width": width, "height": 900}, color_scheme=scheme)
    assert no_serious_fault(page) == []
    page.check("[name=call-call_type][value=about_self]")
    page.check("[name=screen-confusion][value=yes]")
    page.locator("#danger button[value=screened]").click()
    expect(page.get_by_role("heading", name="Emergency", exact=True)).to_be_in_viewport()
    expect(page.locator(".safety-bar")).to_be_in_viewport()
    assert no_serious_fault(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.complaints == []


def test_the_other_persons_fields_step_aside_when_there_is_none(sheet):
    page = sheet()
    alias = page.locator("[name=person-alias]")
    expect(alias).to_be_visible()
    page.check("[name=call-call_type][value=about_self]")
    expect(alias).to_be_hidden()
    page.check("[name=call-call_type][value=about_other]")
    expect(alias).to_be_visible()


def test_the_sheet_works_without_scripts(sheet):
    page = sheet(java_script_enabled=False)
    page.check("[name=call-call_type][value=about_self]")
    page.fill("[name=caller-alias]", "Maria")
    page.get_by_role("button", name="One more substance").click()
    page.select_option("[name=substances-1-substance]", "alcohol")
    expect(page.locator("[name=caller-alias]")).to_have_value("Maria")
    page.get_by_role("button", name="Save draft").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    assert Call.objects.get().substances.get().substance == "alcohol"
