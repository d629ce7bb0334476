"""Between the button and the receipt: lost signals, double presses, work asked of the browser."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import OperationalError
from playwright.sync_api import expect

from intake import proof
from intake.actions import web_requests
from intake.forms import tickets
from intake.models import Callback
from intake.views import manage
from tests.browser.busy import slowly
from tests.browser.strangers import PREFIXES, expect_thanks, fill_in, labels, send, typed
from tests.browser.visits import look

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def expect_kept(here, language="en", *, ours=False):
    """It says that nothing came of it, and whose trouble it is, where the eyes are; every answer
    stands, and our number beside it."""
    label, alert = labels(language), here.page.get_by_role("alert")
    said, unsaid = label.not_sent, label.not_working
    if ours:
        said, unsaid = unsaid, said
    expect(here.page.get_by_text(said)).to_be_in_viewport()
    expect(here.page.get_by_text(unsaid)).to_have_count(0)
    expect(alert).to_be_focused()
    expect(alert.get_by_role("link")).to_have_attribute("href", f"tel:{settings.HELPLINE_NUMBER}")
    assert "Zebrafinch" in typed(here.page)
    # The browser mentions what failed.
    here.complaints = [text for text in here.complaints if "Failed to load resource" not in text]


@pytest.mark.parametrize("language", ["en", "es"])
def test_without_a_signal_everything_typed_stays_and_the_next_press_sends_it(stranger, language):
    here = stranger("/es/callback/" if language == "es" else "/callback/")
    fill_in(here.page, language)
    here.context.set_offline(True)
    send(here.page, language)
    expect_kept(here, language)
    look(here.page, f"no-signal-{language}-1280-light")

    here.context.set_offline(False)
    send(here.page, language)
    expect_thanks(here.page, language)
    assert Callback.objects.count() == 1


@pytest.mark.parametrize(
    ("status", "body", "ours"),
    [
        pytest.param(500, "<main id=main>Something went wrong</main>", True, id="an error"),
        pytest.param(502, "<main id=main>Bad gateway</main>", True, id="from our proxy"),
        pytest.param(503, "", True, id="from our proxy, empty"),
        pytest.param(200, "<h1>Welcome to our Wi-Fi</h1>", False, id="from a hotel"),
        pytest.param(511, "<h1>Log in to our Wi-Fi</h1>", False, id="from a hotel that says so"),
        pytest.param(204, "", False, id="empty"),
    ],
)
def test_an_answer_that_is_not_ours_takes_nothing_away(stranger, status, body, ours):
    here = stranger("/callback/")
    fill_in(here.page)
    answer = {"status": status, "body": body, "content_type": "text/html"}
    here.page.route("**/callback/", lambda route: route.fulfill(**answer))
    send(here.page)
    expect_kept(here, ours=ours)

    here.page.unroute("**/callback/")
    send(here.page)
    expect_thanks(here.page)


def test_an_answer_lost_on_its_way_back_makes_no_second_callback(stranger):
    here = stranger("/callback/")
    fill_in(here.page)

    def arrive_and_lose_the_answer(route):
        route.fetch(max_redirects=0)
        route.abort()

    here.page.route("**/callback/", arrive_and_lose_the_answer)
    send(here.page)
    expect_kept(here)
    assert Callback.objects.count() == 1

    here.page.unroute("**/callback/")
    send(here.page)
    expect_thanks(here.page)
    assert Callback.objects.count() == 1


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_with_the_database_away_everything_typed_stays_and_the_next_press_sends_it(
    stranger, monkeypatch, scripts, language
):
    here = stranger(f"{PREFIXES[language]}/callback/", java_script_enabled=scripts)
    fill_in(here.page, language)

    def away(**given):
        raise OperationalError("the server is gone")

    with monkeypatch.context() as patched:
        patched.setattr(web_requests, "take", away)
        send(here.page, language)
        if scripts:
            expect_kept(here, language, ours=True)
            look(here.page, f"not-working-{language}-1280-light")
        else:
            label, alert = labels(language), here.page.get_by_role("alert")
            expect(alert).to_contain_text(label.not_working.partition(".")[0])
            expect(here.page.get_by_label(label.alias)).to_have_value("Zebrafinch")
            here.complaints = []
    send(here.page, language)
    expect_thanks(here.page, language)
    assert Callback.objects.count() == 1


def test_taking_it_back_is_said_to_fail_on_our_side_too_and_the_next_press_does_it(
    stranger, monkeypatch
):
    here = stranger("/callback/")
    fill_in(here.page)
    send(here.page)
    expect_thanks(here.page)

    def press(name):
        here.page.get_by_role("button", name=name, exact=True).click()

    def away(*_given):
        raise OperationalError("the server is gone")

    press("Look at my request")
    press("Take my request back")
    sure = here.page.get_by_role("button", name="Yes, take it back")
    expect(sure).to_be_visible()
    with monkeypatch.context() as patched:
        patched.setattr(manage, "callback_of", away)
        sure.click()
        expect(here.page.get_by_role("alert")).to_contain_text(labels("en").not_working)
        expect(here.page.get_by_role("alert")).to_be_focused()
    here.complaints = [text for text in here.complaints if "Failed to load resource" not in text]
    sure.click()
    expect(here.page.get_by_role("heading", name="Your request is taken back.")).to_be_visible()
    assert Callback.objects.get().status == Callback.Status.CANCELLED


def test_the_trouble_may_change_from_theirs_to_ours_and_only_the_last_is_said(stranger):
    here = stranger("/callback/")
    fill_in(here.page)
    here.context.set_offline(True)
    send(here.page)
    expect_kept(here)
    here.context.set_offline(False)
    here.page.route("**/callback/", lambda route: route.fulfill(status=504))
    send(here.page)
    expect_kept(here, ours=True)
    here.page.unroute("**/callback/")
    send(here.page)
    expect_thanks(here.page)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_double_click_makes_one_callback(stranger, monkeypatch, scripts):
    page = stranger("/callback/", java_script_enabled=scripts).page
    fill_in(page)
    # No answer comes between the two presses, and what came of both is taken at once.
    take, let_take = slowly(web_requests.take)
    monkeypatch.setattr(web_requests, "take", take)
    page.get_by_role("button", name="Send").dblclick()
    let_take.set()
    expect_thanks(page)
    assert Callback.objects.count() == 1


def test_who_fills_the_form_faster_than_people_do_presses_once_more(stranger, monkeypatch):
    page = stranger("/callback/").page
    fill_in(page)
    monkeypatch.setattr(tickets, "LEAST_FILL", timedelta(hours=1))
    send(page)
    expect(page.get_by_role("alert")).to_contain_text("press Send once more")
    expect(page.get_by_label("What should we call you?")).to_have_value("Zebrafinch")
    look(page, "once-more-1280-light")
    monkeypatch.setattr(tickets, "LEAST_FILL", timedelta())
    send(page)
    expect_thanks(page)


def test_a_browser_that_lost_its_cookie_gets_the_filled_form_back(stranger):
    here = stranger("/callback/")
    fill_in(here.page)
    here.context.clear_cookies()
    send(here.page)
    expect(here.page.get_by_role("alert")).to_contain_text("press Send once more")
    look(here.page, "cookie-1280-light")
    send(here.page)
    expect_thanks(here.page)
    # The browser mentions the refusal.
    here.complaints = [text for text in here.complaints if "403" not in text]


def test_too_many_from_one_place_keeps_the_form_and_says_when(stranger, settings):
    settings.HELPLINE_REQUESTS_PER_ADDRESS = 1
    here = stranger("/callback/")
    fill_in(here.page)
    send(here.page)
    expect_thanks(here.page)
    here.page.goto(here.page.url.partition("/callback/")[0] + "/callback/")
    fill_in(here.page)
    send(here.page)
    expect(here.page.get_by_role("alert")).to_be_focused()
    expect(here.page.get_by_role("alert")).to_contain_text("Please try again in")
    assert "Zebrafinch" in typed(here.page)
    look(here.page, "limit-1280-light")
    here.complaints = [text for text in here.complaints if "429" not in text]


# --- The work asked for when a limit is near -------------------------------------------------------


@pytest.fixture
def little_work(monkeypatch):
    """So little that the slowest machine is done before the page gives it up."""
    monkeypatch.setattr(proof, "MOST_SUMS", 2_000)


@pytest.fixture
def near(monkeypatch, little_work):
    monkeypatch.setattr(web_requests, "is_near_limit", lambda *_args, **_kwargs: True)


def test_the_browser_proves_its_work_while_the_form_is_filled_in(stranger, near):
    page = stranger("/callback/").page
    fill_in(page)
    send(page)
    expect_thanks(page)
    assert Callback.objects.get().held_because == ""


def test_without_scripts_the_request_is_taken_and_waits_for_a_human(stranger, near):
    page = stranger("/callback/", java_script_enabled=False).page
    fill_in(page)
    send(page)
    expect_thanks(page)
    assert Callback.objects.get().held_because == Callback.HeldBecause.UNPROVEN


def test_a_limit_that_comes_near_meanwhile_asks_for_a_second_press(
    stranger, monkeypatch, little_work
):
    page = stranger("/callback/").page
    fill_in(page)
    monkeypatch.setattr(web_requests, "_is_near_ceiling", lambda now: True)
    send(page)
    expect(page.get_by_role("alert")).to_be_focused()
    assert "Zebrafinch" in typed(page)
    send(page)
    expect_thanks(page)
    assert Callback.objects.get().held_because == ""


def test_a_browser_that_cannot_prove_anything_is_not_kept_waiting(stranger, near):
    here = stranger("/health/live")
    refused = []

    def refuse(route):
        refused.append(route.request.url)
        route.abort()

    here.page.route("**/proof*.js", refuse)
    with here.page.expect_event("requestfailed"):
        here.page.goto(here.page.url.replace("/health/live", "/callback/"))
    assert refused
    fill_in(here.page)
    here.page.unroute("**/proof*.js")
    send(here.page)
    expect_thanks(here.page)
    assert Callback.objects.get().held_because == Callback.HeldBecause.UNPROVEN
    here.complaints = [text for text in here.complaints if "Failed to load" not in text]
