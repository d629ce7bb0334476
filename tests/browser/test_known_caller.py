"""The known caller and the finder in a real browser, wide and narrow."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from intake.models import Call, Person
from tests import casting
from tests.browser.visits import Visit, look
from tests.sheets import ADD
from tests.telling import tells

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture(params=[390, 1440], ids=["phone", "desk"])
def visit(request, browser, live_server, settings, agent, client_for):
    narrow = {"viewport": {"width": request.param, "height": 900}}
    visit = Visit(browser, live_server.url, base_url=live_server.url, **narrow)
    visit.sign_in(client_for(agent), settings)
    visit.width = request.param
    yield visit
    visit.close()


@pytest.fixture
def ria(agent):
    """Ria called before, may be told who rings, and has a note."""
    from django.utils import timezone

    person = casting.maria(
        alias="Ria", may_say_who_is_calling=True, approach_note="Ask for Ria, never for Maria."
    )
    casting.screened_call(agent=agent, now=timezone.now(), person=person)
    return person


def test_a_number_shows_who_is_known_and_the_agent_decides(visit, ria):
    page = visit.page
    page.goto(ADD)
    phone = page.locator("[name=caller-phone]")
    page.locator("[name=caller-alias]").fill("Maria")
    phone.press_sequentially("202 555 0143")
    expect(page.get_by_text("This number is known.")).to_be_visible()
    expect(phone).to_be_focused()
    expect(page.get_by_role("button", name="Somebody else")).to_have_attribute(
        "aria-pressed", "true"
    )
    look(page, f"known-caller-{visit.width}")
    page.get_by_role("button", name="Same person").click()
    # What the agent typed stays; what stood empty comes from the record.
    expect(page.locator("[name=caller-alias]")).to_have_value("Maria")
    expect(page.locator("[name=caller-approach_note]")).to_have_value(ria.approach_note)
    expect(page.locator("[name=caller-may_say_who_is_calling]")).to_be_checked()
    expect(page.locator("[name=caller-voicemail_rule]:checked")).to_have_value("neutral")
    # Another number is another person until somebody says otherwise.
    phone.fill("202 555 0144")
    expect(page.get_by_text("Nobody is recorded at this number.")).to_be_visible()
    expect(page.locator("[name=caller-same_as]")).to_have_value("")
    phone.fill("202 555 0143")
    page.get_by_role("button", name="Same person").click()
    page.locator("[name=call-call_type][value=about_self]").check()
    page.get_by_role("button", name="Save", exact=True).last.click()
    page.wait_for_url("**/change/**")
    newest = Call.objects.order_by("-id").first()
    assert newest.caller == ria
    assert Person.objects.count() == 1


def test_a_caller_is_found_from_any_page_and_nothing_is_wider_than_the_screen(visit, ria):
    page = visit.page
    page.goto(reverse("admin:intake_call_changelist"))
    look(page, f"calls-{visit.width}")
    assert page.evaluate(
        "[...document.querySelectorAll('.results')]"
        ".every((list) => list.scrollWidth <= list.clientWidth)"
    )
    page.goto(reverse("admin:find"))
    page.get_by_label("Number, last four digits, name or reference", exact=True).fill("0143")
    page.get_by_role("button", name="Find", exact=True).click()
    expect(page.get_by_text("1 record was found.")).to_be_visible()
    assert not tells(page.url, "0143")
    look(page, f"found-{visit.width}")
