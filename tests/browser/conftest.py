"""One real browser for all of these tests that a worker runs in a row."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect, sync_playwright

from intake.forms import tickets
from tests.browser.busy import Busy
from tests.browser.windows import PATIENCE, Windows

pytest.register_assert_rewrite("tests.browser.visits")


# Not for the whole session: one thread can hold only one Playwright.
@pytest.fixture(scope="package")
def browser(chromium):
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright runs a loop of its own in this thread, which Django takes for async code.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        expect.set_options(timeout=PATIENCE)
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield Windows(browser)
        browser.close()


@pytest.fixture(autouse=True)
def answered(live_server, transactional_db):
    """A test is over when every question of its pages is answered: whoever is still being answered
    would write into the database of the next test."""
    server = live_server.thread.httpd
    if not isinstance(server.get_app(), Busy):
        server.set_app(Busy(server.get_app()))
    yield
    server.get_app().wait_until_idle()


@pytest.fixture
def stranger(browser, live_server, settings, monkeypatch):
    """Opens a public page as somebody new; what it asked of other hosts and complained of is kept.

    The exit leads to a page of our own, because no test leaves this machine.
    """
    from tests.browser.visits import Visit

    settings.EXIT_URL = f"{live_server.url}/health/live"
    # Browsers type fast.
    monkeypatch.setattr(tickets, "LEAST_FILL", timedelta())
    visits = []

    def open_page(path="/", **options):
        visit = Visit(browser, live_server.url, **options)
        visits.append(visit)
        visit.page.goto(live_server.url + path)
        return visit

    yield open_page
    for visit in visits:
        visit.close()


@pytest.fixture
def pages(client, live_server, supervisor):
    """The path of every public page in one language, with every answer there is to read."""
    from tests.browser.strangers import every_page, review_answers

    review_answers(supervisor)
    return lambda language="en": every_page(client, live_server, language)
