"""Looking after one's own request in a real browser, with and without its scripts."""

import re

import pytest
from playwright.sync_api import expect

from intake.actions import own_requests
from intake.models import Callback, OnlineStop
from intake.views.private_links import token_of
from tests.browser.busy import slowly
from tests.browser.visits import look, look_in_both_lights
from tests.callers import ANA

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

SCRIPTS = pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
WIDTHS = {"phone": 390, "desk": 1440}


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def heading(page, name):
    expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()


@pytest.fixture
def receipt(stranger):
    """A request for tomorrow morning, sent in a browser that now shows its receipt."""

    def sent(**options):
        visit = stranger("/callback/", reduced_motion="reduce", **options)
        page = visit.page
        danger = page.get_by_role("group", name="Is someone in danger right now?")
        danger.get_by_label("No", exact=True).check()
        page.get_by_label("Phone number").fill(ANA)
        page.get_by_label("Tomorrow").check()
        page.get_by_label("Morning, 8 a.m. to noon").check()
        page.get_by_label("Your time zone").select_option("Eastern time")
        page.get_by_label("You may call me at this number").check()
        press(page, "Send")
        heading(page, "We have your request.")
        return page

    return sent


@SCRIPTS
@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_from_the_receipt_to_another_time_and_back_out_of_it(receipt, width, scripts):
    page = receipt(viewport={"width": width, "height": 844}, java_script_enabled=scripts)
    token = token_of(Callback.objects.get())

    def examine(name):
        if scripts:
            look_in_both_lights(page, f"own-{name}-{width}")
        assert token not in page.url
        assert not re.search(r"555.?0101", page.content())

    press(page, "Look at my request")
    heading(page, "Your request")
    examine("request")
    press(page, "Choose another time")
    heading(page, "Choose another time")
    examine("time")
    press(page, "Change the time")
    expect(page.get_by_text("Please check these answers")).to_be_visible()
    examine("errors")
    page.get_by_label("Tomorrow").check()
    page.get_by_label("Evening, 5 p.m. to 8 p.m.").check()
    press(page, "Change the time")
    expect(page.get_by_text("The time is changed.")).to_be_visible()
    expect(page.get_by_text("between 5 p.m. and 8 p.m.")).to_be_visible()
    examine("moved")
    assert Callback.objects.get().plan == 2

    press(page, "Take my request back")
    heading(page, "Take your request back?")
    examine("cancel")
    press(page, "No, keep it")
    heading(page, "Your request")
    press(page, "Do not call me again")
    heading(page, "Should we not call you again?")
    examine("stop")
    assert Callback.objects.get().is_pending
    press(page, "Yes, do not call me again")
    heading(page, "Your request is taken back.")
    examine("closed")
    assert Callback.objects.get().status == "cancelled"
    assert OnlineStop.objects.count() == 1
    press(page, "Español")
    expect(page.locator("html")).to_have_attribute("lang", "es")
    expect(page.locator("main")).to_contain_text(Callback.objects.get().reference)


@SCRIPTS
def test_another_language_keeps_what_was_chosen(receipt, scripts):
    page = receipt(java_script_enabled=scripts)
    press(page, "Look at my request")
    press(page, "Choose another time")
    page.get_by_label("On another day").check()
    page.get_by_label("Evening, 5 p.m. to 8 p.m.").check()
    press(page, "Español")
    expect(page.locator("html")).to_have_attribute("lang", "es")
    expect(page.locator("[name=day][value=date]")).to_be_checked()
    expect(page.locator("[name=part][value=evening]")).to_be_checked()
    assert Callback.objects.get().plan == 1
    press(page, "English")
    heading(page, "Choose another time")
    expect(page.locator("[name=part][value=evening]")).to_be_checked()


@SCRIPTS
def test_the_link_that_was_written_down_opens_the_request_and_can_be_left(
    receipt, stranger, scripts
):
    written = receipt().locator("code.link-text").inner_text()
    visit = stranger("/", java_script_enabled=scripts)
    page = visit.page
    page.goto(written)
    heading(page, "Your request")
    page.get_by_role("link", name="Leave this page").click()
    expect(page).to_have_url(re.compile("/health/live$"))
    assert visit.context.cookies() == []


@SCRIPTS
def test_a_double_click_takes_it_back_once(receipt, monkeypatch, scripts):
    page = receipt(java_script_enabled=scripts)
    press(page, "Look at my request")
    press(page, "Take my request back")
    # No answer comes between the two presses: the second would land on another page.
    withdraw, let_withdraw = slowly(own_requests.withdraw)
    monkeypatch.setattr(own_requests, "withdraw", withdraw)
    page.get_by_role("button", name="Yes, take it back").dblclick()
    let_withdraw.set()
    heading(page, "Your request is taken back.")
    assert Callback.objects.get().status == "cancelled"


def test_everything_is_in_reach_of_the_keyboard_and_enter_in_the_date_saves(receipt):
    page = receipt()
    press(page, "Look at my request")
    page.get_by_role("button", name="Choose another time").focus()
    page.keyboard.press("Enter")
    heading(page, "Choose another time")
    page.get_by_label("Tomorrow").focus()
    page.keyboard.press("Space")
    page.get_by_label("Afternoon, noon to 5 p.m.").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The time is changed.")).to_be_visible()


def test_it_is_read_at_twice_the_size_on_a_small_screen(receipt):
    page = receipt(viewport={"width": 320, "height": 640})
    look(page, "own-receipt-320")
    for name in ("Look at my request", "Choose another time"):
        press(page, name)
        heading(page, "Your request" if name.startswith("Look") else name)
        look(page, f"own-{name.split()[0].lower()}-320")


def test_with_scripts_the_history_keeps_one_entry_of_ours_and_a_reload_is_of_use(receipt):
    page = receipt()
    before = page.evaluate("history.length")
    for name in ("Look at my request", "Take my request back", "No, keep it"):
        press(page, name)
        expect(page.locator("h1")).not_to_have_text("We have your request.")
    heading(page, "Your request")
    assert page.evaluate("history.length") == before
    page.reload()
    heading(page, "We have your request.")
