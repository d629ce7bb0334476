"""A browser profile of its own, what it asked of other hosts, and what must hold of every page."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from axe_playwright_python.base import AXE_SCRIPT

# Where the pages are kept as pictures, for whoever wants to look at them.
PICTURES = os.environ.get("HELPLINE_TEST_PICTURES")
# A color on its way to another one is neither. (One that has come there sets off those that are
# inherited from it.)
STILL = """() => {
  const ends = ({ effect }) => Number.isFinite(effect.getComputedTiming().endTime);
  const moves = (one) => one.playState !== "finished" && ends(one);
  for (let round = 0; round < 20; round += 1) {
    const moving = document.getAnimations().filter(moves);
    if (!moving.length) return;
    for (const one of moving) one.finish();
  }
}"""
# Only what is wrong, and where: the whole of what axe found right is long.
EXAMINE = f"""async (options) => {{
  ({STILL})();
  const {{ violations }} = await axe.run({{ resultTypes: ["violations"], ...options }});
  return violations.map(({{ id, nodes }}) => [id, nodes.map(({{ target }}) => target)]);
}}"""
# What htmx says of a question overtaken by the next one, or by leaving the page.
GIVEN_UP = ("htmx:sendAbort", "htmx:afterRequest", "htmx:abort")
# The rules of axe that look at colors, of those it asks unless told otherwise.
ON_COLORS = {"runOnly": ["color-contrast", "link-in-text-block"]}


class Visit:
    def __init__(self, browser, origin, **options):
        self.host = urlsplit(origin).netloc
        self.browser, self.page = browser, browser.open(**options)
        self.context = self.page.context
        self.elsewhere, self.complaints, self.answers = [], [], []
        self.listeners = {
            "request": self.note_request,
            "console": self.note_console,
            "response": self.note_answer,
            "pageerror": self.note_error,
        }
        for event, listener in self.listeners.items():
            self.page.on(event, listener)

    def note_request(self, request):
        if urlsplit(request.url).netloc != self.host:
            self.elsewhere.append(request.url)

    def note_console(self, message):
        # A refused form is an answer with status 422, which the browser mentions.
        expected = "status of 422" in message.text
        # A question given up is no fault of the page: a lost connection says "htmx:sendError".
        expected = expected or message.text.startswith(GIVEN_UP)
        # The page the exit leads to is not one of ours.
        expected = expected or message.location["url"].endswith("/favicon.ico")
        if message.type in {"error", "warning"} and not expected:
            self.complaints.append(message.text)

    def note_answer(self, answer):
        self.answers.append(answer)

    def note_error(self, error):
        self.complaints.append(str(error))

    def sign_in(self, client, settings):
        """As whoever this test client is signed in as."""
        name = settings.SESSION_COOKIE_NAME
        value = client.cookies[name].value
        self.context.add_cookies([{"name": name, "value": value, "url": f"http://{self.host}"}])

    def leave(self):
        """Give the window back, whatever was found."""
        for event, listener in self.listeners.items():
            self.page.remove_listener(event, listener)
        self.browser.give_back(self.page)

    def close(self):
        self.leave()
        assert self.elsewhere == [], self.elsewhere
        assert self.complaints == [], self.complaints


def look(page, name):
    """What must hold of every page: no accessibility fault, nothing wider than the page."""
    assert faults(page, name) == []


def picture(page, name):
    """Keep the page as it looks now, where pictures are kept.

    With its caret: to hide it, playwright would write a style of its own, which the page refuses.
    """
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True, caret="initial")


def view(page, place, name):
    """The same of what is in view when the page is scrolled to ``place``."""
    if PICTURES:
        where = page.evaluate("scrollY")
        page.locator(place).evaluate("one => one.scrollIntoView({ block: 'start' })")
        page.screenshot(path=Path(PICTURES) / f"{name}.png", caret="initial")
        page.evaluate("where => scrollTo(0, where)", where)


def faults(page, name, **options):
    """What is wrong with a page for those who see, hear or hold it differently."""
    # A press waits until the next page begins to come, and half a page has faults of its own.
    page.wait_for_load_state()
    picture(page, name)
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate(EXAMINE, options)
    if not page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
        found.append("wider than the screen")
    return found


def recolored(page, name, scheme):
    """The faults of a page that was examined in the other light. Our style sheets give that other
    colors and nothing else (tests/repo/test_house_rules.py), so only colors can be wrong now."""
    page.emulate_media(color_scheme=scheme)
    return faults(page, name, **ON_COLORS)


def look_in_both_lights(page, name):
    """``look``, then the same of its colors by night; it is day again afterwards."""
    look(page, f"{name}-light")
    assert recolored(page, f"{name}-dark", "dark") == []
    page.emulate_media(color_scheme="light")
