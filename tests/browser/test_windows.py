"""The window a test gets was another test's before: nothing of that is left in it."""

import inspect

import pytest
from playwright.sync_api import Page

from tests.browser.windows import MEDIA

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

KEPT = "[localStorage.told, sessionStorage.told, window.told, document.cookie]"


def test_a_window_lent_again_knows_nothing_of_who_had_it(browser, live_server):
    home = live_server.url + "/"
    page = browser.open(viewport={"width": 390, "height": 800}, color_scheme="dark")
    page.goto(home + "callback/")
    page.goto(home)
    page.evaluate("localStorage.told = sessionStorage.told = window.told = 'a secret'")
    page.evaluate("document.cookie = 'told=secret; expires=Fri, 31 Dec 2049 23:59:59 GMT'")
    page.emulate_media(media="print", forced_colors="active", reduced_motion="reduce")
    page.context.new_page()
    page.context.set_offline(True)
    browser.give_back(page)

    again = browser.open()
    assert again is page
    assert again.context.pages == [page]
    assert again.viewport_size == {"width": 1280, "height": 720}
    with again.expect_response("**/*.css") as style:
        again.goto(home)
    # Fetched, not taken from a cache.
    assert style.value.request.sizes()["responseBodySize"] > 0
    assert again.evaluate(KEPT) == [None, None, None, ""]
    # The blank page of every new window, and this one.
    assert again.evaluate("history.length") <= 2
    assert again.evaluate("matchMedia('screen').matches && !matchMedia('print').matches")
    for usual in (
        "prefers-color-scheme: light",
        "forced-colors: none",
        "prefers-contrast: no-preference",
    ):
        assert again.evaluate(f"matchMedia('({usual})').matches"), usual
    assert not again.evaluate("matchMedia('(prefers-reduced-motion: reduce)').matches")
    browser.give_back(again)


def test_two_windows_at_once_are_two_profiles(browser, live_server):
    one, other = browser.open(), browser.open()
    for page in (one, other):
        page.goto(live_server.url + "/")
    one.evaluate("document.cookie = 'told=secret'")
    assert other.evaluate("document.cookie") == ""
    for page in (one, other):
        browser.give_back(page)


def test_every_medium_that_can_be_feigned_is_taken_back():
    assert set(inspect.signature(Page.emulate_media).parameters) == {"self", *MEDIA}
