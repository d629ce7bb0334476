"""The public pages for those who pay for every byte and wait for it."""

import gzip

import pytest
from playwright.sync_api import expect

from tests.browser.strangers import PREFIXES

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

PHONE = {"width": 390, "height": 844}

# A slow phone connection, and how soon it may be used (milliseconds).
SLOW = {"offline": False, "latency": 200, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
SOON = 2_000
# A busy machine is late by itself; one that is soon shows what the page can do.
TRIES = 15
MOST_BYTES = 60_000


@pytest.mark.parametrize("language", PREFIXES)
def test_every_page_is_light_enough_for_a_slow_phone(stranger, live_server, pages, language):
    heavy = {}
    for name, path in pages(language).items():
        # Each in a window of its own: nothing is cached.
        here = stranger(path)
        here.page.wait_for_load_state("networkidle")
        assert len(here.answers) >= 3
        weight = sum(map(sent, here.answers))
        if weight > MOST_BYTES:
            heavy[name] = weight
        here.complaints = [text for text in here.complaints if "404" not in text]
    assert not heavy


def sent(answer):
    """The bytes of an answer; a style sheet or script is sent packed (whitenoise), a page never."""
    return len(gzip.compress(answer.body()) if "/static/" in answer.url else answer.body())


@pytest.mark.parametrize("path", ["/", "/es/", "/callback/", "/es/callback/"])
def test_on_a_slow_connection_it_can_be_used_within_two_seconds(stranger, live_server, path):
    here = stranger("/health/live", viewport=PHONE)
    page = here.page
    network = here.context.new_cdp_session(page)
    network.send("Network.enable")
    network.send("Network.emulateNetworkConditions", SLOW)
    took = []
    while len(took) < TRIES and min(took, default=SOON + 1) > SOON:
        network.send("Network.clearBrowserCache")
        page.goto(live_server.url + path, wait_until="commit")
        # Drawn, with its style, and its script has run: counted from the press on the link.
        took.append(
            page.evaluate(
                """async () => {
                  if (document.readyState !== "complete") {
                    await new Promise((done) => addEventListener("load", done));
                  }
                  const [visit] = performance.getEntriesByType("navigation");
                  const [drawn] = performance.getEntriesByName("first-contentful-paint");
                  return Math.max(visit.domContentLoadedEventEnd, drawn?.startTime ?? 0);
                }"""
            )
        )
    try:
        assert min(took) <= SOON, took
        if "callback" in path:
            page.locator("#id_phone").fill("2025550101")
            expect(page.locator("#id_phone")).to_have_value("2025550101")
        page.locator("a.exit").click()
        page.wait_for_url("**/health/live")
    finally:
        network.send(
            "Network.emulateNetworkConditions",
            SLOW | {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1},
        )
        network.detach()
