"""One real browser for all of these tests that a worker runs in a row."""

import pytest
from playwright.sync_api import sync_playwright

from tests.browser.windows import Windows

pytest.register_assert_rewrite("tests.browser.visits")


# Not for the whole session: one thread can hold only one Playwright.
@pytest.fixture(scope="package")
def browser(chromium):
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright runs a loop of its own in this thread, which Django takes for async code.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield Windows(browser)
        browser.close()
