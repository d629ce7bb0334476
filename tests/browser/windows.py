"""Browser windows, each as if in a new profile, without the price of one.

A new profile costs Chromium near a second of processor time: a process for its page, and another
one in reserve. A window given back is emptied and lent again.
"""

from playwright.sync_api import Error

# How long a condition may take to come true, and a page to come (milliseconds): no test asks how
# fast this machine is, unless it measures that itself.
PATIENCE = 60_000
# Whatever a page still wants to ask or tell when its test is over comes too late for everybody.
HUSH = """() => {
  window.fetch = XMLHttpRequest.prototype.send = () => new Promise(() => {});
}"""

# What a browser profile begins with, and a window can be told anew.
VIEWPORT = {"width": 1280, "height": 720}
MEDIA = ("media", "color_scheme", "reduced_motion", "forced_colors", "contrast")


class Windows:
    """The windows of one browser. Two open at once are two profiles."""

    def __init__(self, browser):
        self.browser, self.free = browser, {}

    def open(self, *, viewport=VIEWPORT, color_scheme="light", reduced_motion=None, **profile):
        """A page with no cookie, nothing stored and nothing cached. Options as of a context."""
        kind = tuple(sorted(profile.items()))
        page = self.free.pop(kind, None) or self.browser.new_context(**profile).new_page()
        page.kind = kind
        page.set_default_timeout(PATIENCE)
        page.set_viewport_size(viewport)
        page.emulate_media(color_scheme=color_scheme, reduced_motion=reduced_motion or "null")
        return page

    def give_back(self, page):
        """The page must have lost its listeners; whatever cannot be emptied is thrown away."""
        try:
            empty(page)
        except Error:
            page.context.close()
        else:
            self.free[page.kind] = page


def empty(page):
    """Off our pages first: one that is left may still write something down."""
    page.unroute_all()
    page.evaluate(HUSH)
    context, here = page.context, page.evaluate("origin")
    origins = {page.evaluate("origin") for page in context.pages}
    for other in context.pages:
        if other is not page:
            other.close()
    context.set_offline(False)
    # To a page of the same site that does nothing: from elsewhere each visit is a new process.
    page.goto("about:blank" if here == "null" else f"{here}/health/live")
    page.emulate_media(**dict.fromkeys(MEDIA, "null"))
    context.clear_cookies()
    devtools = context.new_cdp_session(page)
    for origin in origins - {"null"}:
        devtools.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
    devtools.send("Network.clearBrowserCache")
    devtools.send("Page.resetNavigationHistory")
    devtools.detach()
