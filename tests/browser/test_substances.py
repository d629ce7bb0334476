"""Substances and health on the call sheet, by keyboard and by pointer, with and without scripts."""

import pytest
from playwright.sync_api import expect

from intake.models import Call
from tests.browser.visits import Visit, look
from tests.sheets import ADD

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def sheet(browser, live_server, settings, agent, client_for):
    """Opens the sheet of a new call as Ava."""
    visits = []

    def opened(**options):
        visit = Visit(browser, live_server.url, **options)
        visits.append(visit)
        name = settings.SESSION_COOKIE_NAME
        cookie = {"name": name, "value": client_for(agent).cookies[name].value}
        visit.context.add_cookies([cookie | {"url": live_server.url}])
        visit.page.goto(live_server.url + ADD)
        return visit.page

    yield opened
    for visit in visits:
        visit.close()


def field(page, row, name):
    return page.locator(f"[name=substances-{row}-{name}]")


def test_a_substance_is_added_with_three_keys_and_enter(sheet):
    page = sheet(viewport={"width": 1440, "height": 1000})
    box = field(page, 0, "substance")
    expect(field(page, 0, "dose_mg")).to_be_hidden()
    box.focus()
    page.keyboard.type("klo")
    offered = page.locator(".combo-list [role=option]")
    expect(offered.first).to_contain_text("Klonopin")
    expect(offered.first).to_contain_text("Clonazepam · Benzodiazepine · 0.125, 0.25, 0.5, 1, 2 mg")
    expect(box).to_have_attribute("aria-expanded", "true")
    look(page, "substances-offered")
    page.keyboard.press("Enter")
    expect(box).to_have_value("Klonopin")
    expect(field(page, 0, "dose_mg")).to_be_focused()
    # The strengths by arrow keys, by pointer, and a fresh row by itself.
    page.keyboard.press("ArrowUp")
    expect(field(page, 0, "dose_mg")).to_have_value("2")
    # What is said of it has its place by now: nothing moves between pressing and letting go.
    expect(page.locator("#substances-0-found")).to_contain_text("Clonazepam")
    page.get_by_role("button", name="0.5", exact=True).click()
    expect(field(page, 0, "dose_mg")).to_have_value("0.5")
    expect(field(page, 1, "substance")).to_be_visible()
    page.locator("#add-substance").click()
    expect(field(page, 1, "substance")).to_be_focused()
    expect(field(page, 2, "substance")).to_have_count(0)


def test_what_was_typed_is_said_back_while_the_sheet_is_filled_in(sheet):
    page = sheet(viewport={"width": 390, "height": 900}, color_scheme="dark")
    field(page, 0, "substance").fill("xannies")
    field(page, 0, "dose_mg").fill("2 mg")
    field(page, 0, "times_a_day").fill("2")
    field(page, 0, "last_used_at").fill("yesterday")
    field(page, 0, "last_used_at").press("Tab")
    said = page.locator("#substances-0-found")
    expect(said).to_contain_text("Alprazolam")
    expect(said).to_contain_text("high dose")
    expect(said).to_contain_text("(1 day ago)")
    expect(page.locator("#use-found")).to_contain_text("never read out")
    field(page, 0, "last_used_at").fill("a while back")
    field(page, 0, "last_used_at").press("Tab")
    expect(said).to_contain_text("not understood")
    expect(field(page, 0, "last_used_at")).to_have_value("a while back")
    expect(field(page, 0, "duration")).to_be_focused()
    look(page, "substances-said-back")


def test_a_name_that_means_two_things_is_chosen_and_escape_leaves_what_was_typed(sheet):
    page = sheet()
    box = field(page, 0, "substance")
    box.press_sequentially("clon")
    expect(page.locator(".combo-list [role=option]").first).to_contain_text("Clonazepam")
    page.keyboard.press("Escape")
    expect(page.locator("#id_substances-0-substance_list")).to_be_hidden()
    expect(box).to_have_value("clon")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    assert box.input_value() != "clon"
    expect(page.locator("#id_substances-0-substance_list")).to_be_hidden()


def test_symptoms_are_told_by_single_keys(sheet):
    page = sheet(viewport={"width": 1440, "height": 1000}, color_scheme="dark")
    page.locator("[name=health-symptom_anxiety]:checked").focus()
    for key in "320U1":
        page.keyboard.press(key)
    told = ("anxiety", "panic", "insomnia", "irritability", "tremor")
    values = [page.locator(f"[name=health-symptom_{code}]:checked").input_value() for code in told]
    assert values == ["severe", "moderate", "none", "unknown", "mild"]
    expect(page.locator("[name=health-symptom_sweating]:checked")).to_be_focused()
    page.get_by_label("Craves it").check()
    look(page, "health")


def test_the_substances_work_without_scripts(sheet):
    page = sheet(java_script_enabled=False)
    page.check("[name=call-call_type][value=about_self]")
    field(page, 0, "substance").fill("klon")
    field(page, 0, "last_used_at").fill("5 days ago")
    page.get_by_role("button", name="One more substance").click()
    field(page, 1, "substance").fill("beer")
    page.locator("label:has([name=health-symptom_tremor][value=severe])").click()
    page.locator("#danger").get_by_role("button", name="Save and screen").click()
    page.wait_for_url("**/change/**")
    call = Call.objects.get()
    told = [(use.substance, use.brand) for use in call.substances.order_by("position")]
    assert told == [("clonazepam", "Klonopin"), ("alcohol", "beer")]
    assert call.withdrawal_symptoms == {"tremor": "severe"}
    expect(page.locator("#substances-0-found")).to_contain_text("(5 days ago)")
