"""The call sheet as a browser prints it: two pages, whatever the paper, with nothing cut off."""

import re

import pytest
from django.urls import reverse

from tests.browser.visits import Visit, faults, recolored

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

# What a printed page must still hold: a few lines to write on, in millimeters.
LEAST_WRITING = 24
PIXELS_A_MILLIMETER = 96 / 25.4
# The narrower of the two papers between its margins, and the lower of the two.
PRINTED = {"width": round(190 * PIXELS_A_MILLIMETER), "height": 1000}


@pytest.fixture
def paper(browser, live_server, settings, agent, client_for):
    """Opens the blank sheets as Ava, with the options of a browser profile."""
    settings.HELPLINE_NAME = "Northern Lights Addiction Treatment Helpline"
    cookie = client_for(agent).cookies[settings.SESSION_COOKIE_NAME].value
    visits = []

    def opened(**options):
        visit = Visit(browser, live_server.url, reduced_motion="reduce", **options)
        visits.append(visit)
        visit.context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}]
        )
        visit.page.goto(live_server.url + reverse("admin:paper"))
        return visit.page

    yield opened
    for visit in visits:
        visit.close()


def pages_of(pdf):
    """How many pages; the tree of the document must say the same as its leaves."""
    leaves = len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf))
    assert max(int(count) for count in re.findall(rb"/Count\s+(\d+)", pdf)) == leaves
    return leaves


def test_it_is_two_pages_on_letter_and_on_a4_with_room_to_write(paper):
    page = paper(color_scheme="dark", viewport=PRINTED)
    for size in ("Letter", "A4"):
        assert pages_of(page.pdf(format=size)) == 2, size
        assert pages_of(page.pdf(format=size, print_background=True)) == 2, size
    assert pages_of(page.pdf(format="A4", page_ranges="2")) == 1

    page.emulate_media(media="print")
    for side in page.locator(".paper-side").all():
        cut_off = side.evaluate(
            "side => [side.scrollHeight - side.clientHeight, side.scrollWidth - side.clientWidth]"
        )
        assert cut_off == [0, 0]
    writing = page.locator(".paper-writing").evaluate("lines => lines.clientHeight")
    assert writing > LEAST_WRITING * PIXELS_A_MILLIMETER
    inked = page.locator(".paper").evaluate("paper => getComputedStyle(paper).color")
    assert inked == "rgb(0, 0, 0)"
    smallest = page.evaluate(
        """() => Math.min(...[...document.querySelectorAll(".paper *")]
             .filter(one => one.textContent.trim())
             .map(one => parseFloat(getComputedStyle(one).fontSize)))"""
    )
    assert smallest >= 10.6  # 8 points
    assert not page.locator(".topbar, .breadcrumbs, .no-print").filter(visible=True).count()


def test_it_can_be_looked_at_on_every_screen(paper):
    page = paper()
    found = {}
    for width in (390, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme="light")
        found[width, "light"] = faults(page, f"paper-{width}-light")
        found[width, "dark"] = recolored(page, f"paper-{width}-dark", "dark")
    assert {look: wrong for look, wrong in found.items() if wrong} == {}
    assert page.get_by_role("button", name="Print").is_visible()
