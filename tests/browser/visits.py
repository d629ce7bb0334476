"""A browser profile of its own, what it asked of other hosts, and what must hold of every page."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe

# Where the pages are kept as pictures, for whoever wants to look at them.
PICTURES = os.environ.get("HELPLINE_TEST_PICTURES")


class Visit:
    def __init__(self, browser, origin, **options):
        self.host = urlsplit(origin).netloc
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.elsewhere, self.complaints, self.answers = [], [], []
        self.page.on("request", self.note_request)
        self.page.on("console", self.note_console)
        self.page.on("response", lambda answer: self.answers.append(answer))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def note_request(self, request):
        if urlsplit(request.url).netloc != self.host:
            self.elsewhere.append(request.url)

    def note_console(self, message):
        # A refused form is an answer with status 422, which the browser mentions, as it does
        # every feature in a header that it does not know.
        expected = "status of 422" in message.text or "Unrecognized feature" in message.text
        # The page the exit leads to is not one of ours.
        expected = expected or message.location["url"].endswith("/favicon.ico")
        if message.type in {"error", "warning"} and not expected:
            self.complaints.append(message.text)

    def sign_in(self, client, settings):
        """As whoever this test client is signed in as."""
        name = settings.SESSION_COOKIE_NAME
        value = client.cookies[name].value
        self.context.add_cookies([{"name": name, "value": value, "url": f"http://{self.host}"}])

    def close(self):
        self.context.close()
        assert self.elsewhere == [], self.elsewhere
        assert self.complaints == [], self.complaints


def look(page, name):
    """What must hold of every page: no accessibility fault, nothing wider than the page."""
    assert faults(page, name) == []


def picture(page, name):
    """Keep the page as it looks now, where pictures are kept."""
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


def view(page, place, name):
    """The same of what is in view when the page is scrolled to ``place``."""
    if PICTURES:
        where = page.evaluate("scrollY")
        page.locator(place).evaluate("one => one.scrollIntoView({ block: 'start' })")
        page.screenshot(path=Path(PICTURES) / f"{name}.png")
        page.evaluate("where => scrollTo(0, where)", where)


def faults(page, name):
    """What is wrong with a page for those who see, hear or hold it differently."""
    picture(page, name)
    found = [
        (fault["id"], [node["target"] for node in fault["nodes"]])
        for fault in Axe().run(page).response["violations"]
    ]
    if not page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
        found.append("wider than the screen")
    return found
