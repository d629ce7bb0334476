"""What the browser has to say of the public pages: nothing. And they get nothing of what it could give."""

import pytest

from helpline.headers import FEATURES
from tests.browser.strangers import PREFIXES, expect_thanks, fill_in, send

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

LANGUAGES = pytest.mark.parametrize("language", PREFIXES)
# What it says of a receipt that is over, whose page has that status.
OVER = "the server responded with a status of 404"


@pytest.fixture
def listening(stranger, live_server):
    """A window whose console is written down, of whatever weight a line is."""

    heard = []

    def opened(**options):
        here, lines = stranger("/health/live", **options), []

        def note(message):
            lines.append(f"{message.type}: {message.text}")

        here.page.on("console", note)
        heard.append((here.page, note))
        return here, lines

    yield opened
    # The window is lent again.
    for page, note in heard:
        page.remove_listener("console", note)


@LANGUAGES
@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_of_no_public_page_does_the_browser_say_a_word(
    listening, pages, live_server, language, scripts
):
    here, lines = listening(java_script_enabled=scripts)
    for name, path in pages(language).items():
        here.page.goto(live_server.url + path)
        assert [line for line in lines if OVER not in line] == [], name
    here.complaints = [line for line in here.complaints if OVER not in line]


@LANGUAGES
def test_nor_of_a_request_from_the_form_to_its_receipt(listening, live_server, language):
    here, lines = listening()
    here.page.goto(f"{live_server.url}{PREFIXES[language]}/callback/")
    fill_in(here.page, language)
    send(here.page, language)
    expect_thanks(here.page, language)
    assert lines == []


def test_no_public_page_may_ask_the_browser_for_anything(listening, pages, live_server):
    here, _lines = listening()
    for name, path in pages().items():
        here.page.goto(live_server.url + path)
        allowed = here.page.evaluate("document.featurePolicy.allowedFeatures()")
        assert set(allowed) & set(FEATURES) == set(), name
        # The question sees what is allowed.
        assert "sync-xhr" in allowed
    here.complaints = [line for line in here.complaints if OVER not in line]
