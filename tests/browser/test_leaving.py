"""Somebody comes into the room: the page is gone at once, and "back" does not bring it back."""

import json
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect

from intake.actions import web_requests
from intake.models import Callback
from intake.views import leaving
from tests.browser.busy import slowly
from tests.browser.strangers import every_page, expect_thanks, fill_in, labels, send, typed

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

# Our own, here; set by the fixture.
NEUTRAL = "**/health/live"
# Whoever presses, moves on or looks up, all within this (milliseconds).
AT_ONCE = 200
# A busy machine may stumble over most of them; one that is quick shows what the page can do.
TRIES = 20

# Told by the page itself, whose clock counts from the event the browser was given (the last of three
# presses) to the first picture without us; and told again, should anything of us come back.
WATCH = """() => {
  let begun;
  for (const event of ["click", "keyup"]) {
    addEventListener(event, ({ timeStamp }) => { begun = timeStamp; }, true);
  }
  const tell = () => {
    const left = document.body.childNodes.length;
    const took = performance.now() - begun;
    console.log("drawn " + JSON.stringify({ left, took, title: document.title }));
  };
  const draw = () => requestAnimationFrame(() => setTimeout(tell));
  new MutationObserver(draw).observe(document, { childList: true, subtree: true });
}"""


class Told:
    """What the page tells of itself. It is not asked: no question is answered on the way out."""

    def __init__(self, page):
        self.page, self.pictures = page, []
        page.on("console", self.note)

    def note(self, message):
        kind, _, what = message.text.partition(" ")
        if kind == "drawn":
            self.pictures.append(json.loads(what))

    def emptied(self):
        """The first picture without us; it and those after it are kept, no others."""
        while not any(picture["left"] == 0 for picture in self.pictures):
            self.page.wait_for_event("console")
        while self.pictures[0]["left"]:
            del self.pictures[0]
        return self.pictures[0]

    def __enter__(self):
        self.page.evaluate(WATCH)
        return self

    def __exit__(self, *error):
        self.page.remove_listener("console", self.note)


def by_link(page, language="en"):
    page.get_by_role("link", name=labels(language).leave).click(no_wait_after=True)


def by_shift(page, language="en"):
    for _press in range(3):
        page.keyboard.press("Shift")


WAYS = pytest.mark.parametrize("leave", [by_link, by_shift])


@contextmanager
def held(page, pattern):
    """Requests to there get no answer until one is given, at the latest at the end."""
    waiting = []
    page.route(pattern, lambda route: waiting.append(route))
    try:
        yield waiting
    finally:
        for route in waiting:
            route.continue_()
        page.unroute(pattern)


@WAYS
@pytest.mark.parametrize("language", ["en", "es"])
def test_every_page_is_empty_within_200_ms_even_without_an_answer(
    stranger, client, live_server, leave, language
):
    here = stranger("/health/live")
    page = here.page
    slow = {}
    for name, path in every_page(client, live_server, language).items():
        took = []
        while len(took) < TRIES and min(took, default=AT_ONCE + 1) > AT_ONCE:
            page.goto(live_server.url + path)
            with held(page, "**/leave/"), Told(page) as told:
                leave(page, language)
                picture = told.emptied()
            page.wait_for_url(NEUTRAL)
            assert picture["title"] == "…"
            took.append(picture["took"])
        if min(took) > AT_ONCE:
            slow[name] = took
    # The browser mentions the receipt that is over.
    here.complaints = [text for text in here.complaints if "404" not in text]
    assert not slow


@WAYS
def test_another_page_is_there_within_200_ms(stranger, live_server, leave):
    here = stranger("/health/live")
    page = here.page
    pressed = []

    def note(message):
        if message.text.startswith("pressed "):
            pressed.append(float(message.text.removeprefix("pressed ")))

    page.on("console", note)
    took = []
    while len(took) < TRIES and min(took, default=AT_ONCE + 1) > AT_ONCE:
        page.goto(f"{live_server.url}/callback/")
        page.evaluate(
            """() => {
              const note = ({ timeStamp }) =>
                console.log(`pressed ${performance.timeOrigin + timeStamp}`);
              for (const event of ["click", "keyup"]) addEventListener(event, note, true);
            }"""
        )
        leave(page)
        page.wait_for_url(NEUTRAL)
        arrived = page.evaluate(
            "performance.timeOrigin + performance.getEntriesByType('navigation')[0].responseStart"
        )
        took.append(arrived - pressed[-1])
    page.remove_listener("console", note)
    assert min(took) <= AT_ONCE, took


@WAYS
def test_back_shows_what_was_there_before_us(stranger, live_server, leave):
    here = stranger("/health/live?before")
    page = here.page
    page.goto(f"{live_server.url}/")
    entries = page.evaluate("history.length")

    # Every way there is to get on: links, a form refused and taken, a link within the page.
    page.get_by_role("link", name="Ask us to call you").click()
    page.wait_for_url("**/callback/")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    send(page)
    expect(page.get_by_role("alert")).to_be_focused()
    page.get_by_role("alert").get_by_role("link").first.click()
    expect(page.get_by_label("No", exact=True).first).to_be_focused()
    fill_in(page)
    send(page)
    expect_thanks(page)
    page.reload()
    expect_thanks(page)
    assert page.evaluate("history.length") == entries

    leave(page)
    page.wait_for_url(NEUTRAL)
    assert page.evaluate("history.length") == entries
    page.go_back()
    assert page.url.endswith("/health/live?before")
    page.go_forward()
    assert page.url.endswith("/health/live")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_leaving_takes_the_cookie_and_everything_typed(stranger, scripts):
    here = stranger("/callback/", java_script_enabled=scripts)
    page = here.page
    fill_in(page)
    assert [cookie["name"] for cookie in here.context.cookies()] == ["csrf"]
    by_link(page)
    page.wait_for_url(NEUTRAL)
    assert here.context.cookies() == []
    page.go_back()
    if "/callback/" in page.url:
        expect(page.get_by_label("Phone number")).to_have_value("")


def test_without_scripts_back_brings_no_receipt_up_again(stranger):
    here = stranger("/callback/", java_script_enabled=False)
    page = here.page
    fill_in(page)
    send(page)
    expect_thanks(page)
    by_link(page)
    page.wait_for_url(NEUTRAL)
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("This page is closed.")
    # The browser mentions that.
    here.complaints = [text for text in here.complaints if "404" not in text]


@pytest.mark.parametrize("refused", [False, True], ids=["first time", "refused once"])
def test_who_leaves_by_the_address_bar_finds_an_empty_form(stranger, live_server, refused):
    page = stranger("/callback/").page
    fill_in(page)
    page.get_by_label("Phone number").fill("not a number")
    if refused:
        send(page)
        expect(page.get_by_role("alert")).to_be_focused()
    page.goto(f"{live_server.url}/health/live")
    page.go_back()
    expect(page.get_by_label("Phone number")).to_be_visible()
    assert typed(page) == []


def test_a_page_left_any_other_way_is_left_empty(stranger):
    page = stranger("/callback/").page
    fill_in(page)
    # What a browser tells a page it may keep in its memory.
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    assert page.evaluate("document.body.childNodes.length") == 0
    with page.expect_navigation():
        page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    expect(page.get_by_label("Phone number")).to_be_visible()
    assert typed(page) == []


@pytest.fixture
def remembering(browser, chromium, stranger):
    """A browser that keeps whole pages in its memory for "back", as people's browsers do."""
    browser = browser.browser.browser_type.launch(
        executable_path=chromium,
        args=["--no-sandbox", "--disable-background-networking"],
        ignore_default_args=["--disable-back-forward-cache"],
    )
    yield browser
    browser.close()


@pytest.mark.parametrize(
    ("scripts", "how"), [(True, "address bar"), (True, "exit"), (False, "exit")]
)
def test_a_browser_that_remembers_whole_pages_remembers_nothing_typed(
    remembering, live_server, scripts, how
):
    page = remembering.new_page(java_script_enabled=scripts)
    page.goto(f"{live_server.url}/callback/")
    fill_in(page)
    if how == "exit":
        by_link(page)
    else:
        page.goto(f"{live_server.url}/health/live")
    page.wait_for_url(NEUTRAL)
    # Out of its memory no page is loaded, and there may be none to go back to.
    page.go_back(wait_until="commit")
    if "/callback/" in page.url:
        expect(page.get_by_label("Phone number")).to_have_value("")
        expect(page.get_by_label("Tomorrow")).not_to_be_checked()


def test_who_sends_and_leaves_in_one_breath_is_gone_and_is_called(stranger, monkeypatch):
    page = stranger("/callback/").page
    fill_in(page)
    take, let_take = slowly(web_requests.take)
    exit_to, let_exit = slowly(leaving.HttpResponseRedirect)
    monkeypatch.setattr(web_requests, "take", take)
    monkeypatch.setattr(leaving, "HttpResponseRedirect", exit_to)
    with Told(page) as told:
        send(page)
        expect(page.get_by_role("status")).to_be_visible()
        by_link(page)
        told.emptied()
        # The answer comes in while the exit still waits for its own.
        with page.expect_event("requestfinished", lambda one: "/callback/thanks/" in one.url):
            let_take.set()
        page.wait_for_timeout(300)
        assert not any(picture["left"] for picture in told.pictures)
        let_exit.set()
        page.wait_for_url(NEUTRAL)
    assert Callback.objects.count() == 1


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param(["Shift", "Shift"], id="twice"),
        pytest.param(["Shift", "Shift", "Tab", "Shift"], id="another key between"),
        pytest.param(["Shift+a", "Shift+b", "Shift+c", "Shift+d"], id="capital letters"),
        pytest.param(["Shift+Tab"] * 4, id="back through the form"),
    ],
)
def test_writing_and_moving_about_does_not_leave(stranger, keys):
    page = stranger("/callback/").page
    page.get_by_label("What should we call you?").focus()
    for key in keys:
        page.keyboard.press(key)
    assert page.evaluate("document.body.childNodes.length") > 0
    assert page.url.endswith("/callback/")


def test_selecting_with_shift_and_the_mouse_does_not_leave(stranger):
    page = stranger("/callback/").page
    for _click in range(4):
        page.locator("main h1").click(modifiers=["Shift"])
    assert page.url.endswith("/callback/")
    expect(page.locator("main h1")).to_be_visible()
