"""The public pages for those who see, hear or hold them differently."""

import itertools
import re

import pytest
from playwright.sync_api import expect

from tests.browser.strangers import (
    PREFIXES,
    expect_thanks,
    labels,
    send,
)
from tests.browser.visits import STILL, look_in_both_lights, picture

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

LANGUAGES = pytest.mark.parametrize("language", PREFIXES)
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def walk(stranger, live_server):
    """Opens one page after the other in one window: (name, page)."""

    def walked(paths, **options):
        here = stranger("/health/live", **options)
        for name, path in paths.items():
            here.page.goto(live_server.url + path)
            yield name, here.page
        # The browser mentions the receipt that is over.
        here.complaints = [text for text in here.complaints if "404" not in text]

    return walked


# --- Seeing ---------------------------------------------------------------------------------------


@LANGUAGES
@pytest.mark.parametrize("width", [390, 1440], ids=["phone", "desk"])
def test_no_page_has_a_fault_at_any_width_and_in_any_light(walk, pages, language, width):
    sizes = {"viewport": {"width": width, "height": 844}, "reduced_motion": "reduce"}
    for name, page in walk(pages(language), **sizes):
        open_all(page)
        look_in_both_lights(page, f"every-{name}-{language}-{width}")


def open_all(page):
    """With what is shown on an answer only: the help for somebody in danger, and which day."""
    page.evaluate(
        """() => {
          for (const one of document.querySelectorAll("main details")) one.open = true;
          for (const one of document.querySelectorAll(
            "[name=in_danger][value=yes], [name=day][value=date]"
          )) one.checked = true;
        }"""
    )


@LANGUAGES
def test_the_number_the_exit_and_the_form_are_in_sight_at_once(stranger, language):
    page = stranger(f"{PREFIXES[language]}/", viewport=PHONE).page
    label = labels(language)
    picture(page, f"first-sight-{language}-390-light")
    for place in (
        page.get_by_role("link", name=label.leave),
        page.locator('a[href="tel:911"]'),
        page.locator('a[href="tel:988"]'),
        page.locator(".call-us"),
        page.get_by_role("link", name=label.ask),
    ):
        expect(place).to_be_in_viewport(ratio=1)


@LANGUAGES
@pytest.mark.parametrize(
    "size",
    [
        # WCAG 1.4.10: 1280 by 1024 at 400 %.
        pytest.param({"width": 320, "height": 256}, id="400 percent"),
        pytest.param({"width": 640, "height": 360}, id="200 percent"),
        pytest.param({"width": 844, "height": 390}, id="a phone on its side"),
    ],
)
def test_zoomed_far_in_nothing_is_lost_and_the_exit_stays_in_sight(walk, pages, language, size):
    for name, page in walk(pages(language), viewport=size):
        open_all(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        expect(page.get_by_role("link", name=labels(language).leave)).to_be_in_viewport(ratio=1)
        picture(page, f"zoom-{name}-{language}-{size['width']}")
        assert cut_off(page) == [], name


@LANGUAGES
def test_letters_twice_as_large_fit_on_a_phone(walk, pages, language):
    for name, page in walk(pages(language), viewport=PHONE):
        open_all(page)
        page.evaluate("document.documentElement.style.fontSize = '212%'")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        assert cut_off(page) == [], name
        picture(page, f"large-{name}-{language}-390")


def cut_off(page):
    """Words of which a part cannot be seen, however one scrolls."""
    return page.evaluate(
        """() => [...document.querySelectorAll("body *")]
          .filter((one) => one.checkVisibility() && !one.closest(".trap, .default-button, svg, select"))
          .filter((one) => ["hidden", "clip"].includes(getComputedStyle(one).overflowX))
          .filter((one) => one.scrollWidth > one.clientWidth + 1)
          .map((one) => one.outerHTML.slice(0, 80))"""
    )


def test_colors_of_the_browsers_own_leave_edges_and_choices_to_be_seen(stranger):
    page = stranger("/", viewport=PHONE).page
    page.emulate_media(forced_colors="active")
    picture(page, "forced-home-390")
    for place in (".exit", ".call-us", ".or .btn", ".cards > li"):
        assert (
            page.locator(place).first.evaluate("one => getComputedStyle(one).borderTopWidth")
            != "0px"
        )
    page.get_by_role("link", name="Ask us to call you").click()
    page.wait_for_url("**/callback/")
    page.get_by_label("I am not sure").check()
    page.evaluate(STILL)
    picture(page, "forced-form-390")
    widths = page.evaluate(
        """() => [...document.querySelectorAll("#id_in_danger label")]
          .map((one) => getComputedStyle(one).borderTopWidth)"""
    )
    assert widths == ["1.5px", "3px", "1.5px"] or widths == ["1px", "3px", "1px"]
    for place in ("#id_phone", ".btn-primary", ".fold"):
        assert page.locator(place).evaluate("one => getComputedStyle(one).borderTopWidth") != "0px"


def test_nothing_moves_for_who_asked_for_rest(walk, pages):
    for name, page in walk(pages(), reduced_motion="reduce"):
        assert page.evaluate("document.getAnimations().length") == 0, name
        moving = page.evaluate(
            """() => [...document.querySelectorAll("*")].map((one) => getComputedStyle(one)).filter(
              (one) => one.transitionDuration !== "0s" || one.animationName !== "none"
                || one.scrollBehavior === "smooth").length"""
        )
        assert moving == 0, name


@LANGUAGES
def test_whatever_is_pressed_is_large_enough_for_a_trembling_thumb(walk, pages, language):
    small = []
    for name, page in walk(pages(language), viewport=PHONE):
        for place in page.locator(
            "a.exit, .languages > *, .emergency-bar a, .btn, .choices label"
        ).all():
            box = place.bounding_box()
            if box and min(box["width"], box["height"]) < 43.5:
                small.append((name, place.inner_text(), box["width"], box["height"]))
    assert not small


# --- Hearing --------------------------------------------------------------------------------------


@LANGUAGES
def test_read_aloud_the_exit_comes_first_then_help_then_our_number(walk, pages, language):
    for name, page in walk(pages(language)):
        read = page.locator("body").aria_snapshot()
        order = [
            read.index(part)
            for part in (
                f'link "{labels(language).leave}"',
                "tel:911",
                "tel:988",
                "tel:+18002221222",
                "tel:+1800555",
                "[level=1]",
            )
        ]
        assert order == sorted(order), name


@LANGUAGES
def test_headings_tell_the_page_in_order(walk, pages, language):
    for name, page in walk(pages(language)):
        levels = [
            int(level) for level in re.findall(r"level=(\d)", page.locator("main").aria_snapshot())
        ]
        assert levels[0] == 1, name
        assert levels.count(1) == 1, name
        steps = itertools.pairwise(levels)
        assert all(deeper - level <= 1 for level, deeper in steps), (name, levels)


def test_every_question_says_its_name_its_hint_and_what_is_wrong(stranger):
    page = stranger("/callback/").page
    send(page)
    expect(page.get_by_role("alert")).to_be_focused()
    phone = page.get_by_label("Phone number")
    expect(phone).to_have_accessible_description(
        re.compile("A US number.*Please give the phone number we should call.")
    )
    expect(phone).to_have_attribute("aria-invalid", "true")
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("main input:not([type=hidden]), main select")]
          .filter((one) => !one.closest(".trap") && !one.labels.length).map((one) => one.name)"""
    )
    assert nameless == []


# --- Holding --------------------------------------------------------------------------------------


@LANGUAGES
@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_the_whole_way_by_keyboard_alone(stranger, language, scripts):
    page = stranger(f"{PREFIXES[language]}/", viewport=PHONE, java_script_enabled=scripts).page
    label = labels(language)

    def tab_to(place):
        for _press in range(80):
            page.keyboard.press("Tab")
            if place.evaluate("one => one === document.activeElement"):
                return
        raise AssertionError("not reached by Tab")

    page.keyboard.press("Tab")
    expect(page.locator(".skip-link")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name=label.leave)).to_be_focused()
    tab_to(page.get_by_role("link", name=label.ask))
    page.keyboard.press("Enter")
    page.wait_for_url("**/callback/")

    tab_to(page.locator("#id_in_danger_0"))
    page.keyboard.press("Space")
    tab_to(page.get_by_label(label.phone))
    page.keyboard.type("2025550101")
    tab_to(page.get_by_label(label.consent))
    page.keyboard.press("Space")
    tab_to(page.get_by_role("button", name=label.send, exact=True))
    page.keyboard.press("Enter")
    expect_thanks(page, language)
    if scripts:
        expect(page.locator("h1")).to_be_focused()


@LANGUAGES
def test_what_has_the_focus_is_marked_and_not_hidden(walk, pages, language):
    hidden = []
    for name, page in walk(pages(language), viewport=PHONE):
        for _press in range(60):
            page.keyboard.press("Tab")
            found = page.evaluate(
                """() => {
                  const one = document.activeElement;
                  if (one === document.body) return null;
                  const { left, top, width, height } = one.getBoundingClientRect();
                  const above = document.elementFromPoint(left + width / 2, top + height / 2);
                  const style = getComputedStyle(one);
                  return {
                    place: one.id || one.className || one.textContent.trim(),
                    seen: above === one || one.contains(above) || Boolean(above?.contains(one)),
                    marked: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
                  };
                }"""
            )
            if found is None:
                break
            if not (found["seen"] and found["marked"]):
                hidden.append((name, found))
    assert not hidden


# --- Nothing kept ---------------------------------------------------------------------------------


@LANGUAGES
def test_no_field_offers_or_keeps_what_was_typed(walk, pages, language):
    for name, page in walk(pages(language)):
        remembering = page.evaluate(
            """() => [...document.querySelectorAll("input:not([type=hidden]), select, textarea, form")]
              .filter((one) => one.getAttribute("autocomplete") !== "off")
              .map((one) => one.name || one.id)"""
        )
        assert remembering == [], name
