"""Answer cards in a real browser: they follow the sheet, stay open, and take a word of thanks."""

import pytest
from django.core.management import call_command
from django.urls import reverse
from playwright.sync_api import expect

from intake.models import AnswerCard
from tests.browser.visits import Visit, faults, recolored
from tests.sheets import ADD

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

STOPPING = "#answer-do-not-stop-suddenly"


@pytest.fixture
def visit(browser, live_server, settings, supervisor, client_for):
    """A window of Sam's, with the shipped cards loaded; told how wide and in which light."""
    call_command("load_answers", verbosity=0)
    visits = []

    def opened(**options):
        made = Visit(browser, live_server.url, **options)
        visits.append(made)
        cookie = client_for(supervisor).cookies[settings.SESSION_COOKIE_NAME].value
        made.context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}]
        )
        return made.page

    yield opened
    for made in visits:
        made.close()


def test_a_card_opened_beside_the_sheet_stays_open_and_keeps_its_mark(visit, live_server):
    page = visit(viewport={"width": 1440, "height": 900})
    page.goto(live_server.url + ADD)
    page.check("[name=call-call_type][value=about_self]")
    expect(page.locator("#answer-cards details")).to_have_count(0)
    page.fill("[name$='-0-substance']", "clonazepam")
    page.keyboard.press("Tab")
    page.locator(f"{STOPPING} summary").click()
    page.locator("#mark-do-not-stop-suddenly-yes").click()
    expect(page.locator("#mark-do-not-stop-suddenly-yes")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#mark-do-not-stop-suddenly-yes")).to_be_focused()
    page.check("[name=screen-alcohol_daily][value=yes]")
    expect(page.locator("#answer-mixing-alcohol")).to_be_visible()
    expect(page.locator(STOPPING)).to_have_attribute("open", "")
    expect(page.locator("#mark-do-not-stop-suddenly-yes")).to_have_attribute("aria-pressed", "true")
    # However long the cards are, the level and the emergency numbers stay in view.
    expect(page.locator(".safety-bar")).to_be_in_viewport()
    assert AnswerCard.objects.get(key="do-not-stop-suddenly", language="en").helped_count == 1


@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_is_wrong_with_the_pages_of_an_answer(visit, live_server, width):
    page = visit(viewport={"width": width, "height": 900})
    card = AnswerCard.objects.get(key="do-not-stop-suddenly", language="en")
    wrong = {}
    for name in ("changelist", "add", "change", "edit", "review"):
        arguments = [] if name in ("changelist", "add") else [card.pk]
        page.goto(live_server.url + reverse(f"admin:intake_answercard_{name}", args=arguments))
        page.evaluate("document.querySelectorAll('main details.more').forEach(d => d.open = true)")
        page.emulate_media(color_scheme="light")
        found = faults(page, f"answer-{name}-{width}-light")
        if found := found + recolored(page, f"answer-{name}-{width}-dark", "dark"):
            wrong[name] = found
    assert wrong == {}
