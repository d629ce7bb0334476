"""A helpline dresses its pages: from the draft to what a caller sees, by day and by night."""

from urllib.parse import urlsplit

import pytest
from django.urls import reverse
from PIL import Image
from playwright.sync_api import expect

from intake.actions import brand_text, branding
from intake.models import Branding
from tests import brands
from tests.brands import OURS, page, published
from tests.browser.visits import Visit, faults, look
from tests.test_logos import drawn, file_of

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

WIDTHS = {390: 844, 1440: 900}
BOTH = [(width, light) for width in WIDTHS for light in ("light", "dark")]


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    brands.forget(monkeypatch)


@pytest.fixture
def visit(browser, live_server, settings, client_for):
    """A window of somebody on the staff, told how wide and in which light."""
    visits = []

    def opened(user, width=1440, light="light", **options):
        size = {"width": width, "height": WIDTHS[width]}
        made = Visit(browser, live_server.url, viewport=size, color_scheme=light, **options)
        visits.append(made)
        made.sign_in(client_for(user), settings)
        return made.page

    yield opened
    for made in visits:
        made.close()


@pytest.fixture
def logo(tmp_path):
    file = tmp_path / "logo.png"
    file.write_bytes(file_of(drawn()))
    return file


def views_shown(window):
    """Wait until each small view has its page and its sheet."""
    window.wait_for_load_state()
    views = window.locator(".brand-view")
    expect(views).not_to_have_count(0)
    expect(window.locator(".brand-view.is-shown")).to_have_count(views.count())
    return views


def test_a_draft_is_written_looked_at_and_published(visit, live_server, supervisor, logo):
    window = visit(supervisor)
    window.goto(live_server.url + reverse("admin:intake_branding_changelist"))
    look(window, "branding-none")
    window.locator("a.addlink").click()
    look(window, "branding-begin")
    window.get_by_role("button", name="Begin").click()
    window.locator("#id_name").fill(OURS["name"])
    window.locator("#id_number").fill("1-800-555-0142")
    window.locator("#id_accent").fill("#ffcc00")
    window.locator("#id_voicemail_en").fill("Hello, it is about your treatment.")
    window.locator("#id_logo").set_input_files(logo)
    window.get_by_role("button", name="Keep the draft").click()
    expect(window.locator(".error-summary")).to_be_focused()
    expect(window.locator(".error-summary")).to_contain_text("#806600")
    expect(window.locator("#id_name")).to_have_value(OURS["name"])
    look(window, "branding-refused")
    window.locator("#id_accent").fill(OURS["accent"])
    window.locator("#id_voicemail_en").fill(OURS["voicemail_en"])
    window.locator("#id_logo").set_input_files(logo)
    window.get_by_role("button", name="Keep the draft").click()
    first = views_shown(window).first
    expect(first).to_contain_text(OURS["name"])
    expect(first.locator(".call-us")).to_have_css("background-color", "rgb(122, 32, 72)")
    window.get_by_role("link", name="Publish").click()
    window.get_by_label("I looked at the pages").check()
    window.get_by_role("button", name="Publish it").click()
    expect(window.get_by_text("This is what the public sees")).to_be_visible()
    window.get_by_role("link", name="Open the first page").click()
    expect(window.locator(".brand")).to_have_text(OURS["name"])
    assert Branding.objects.get().status == "published"
    window.goto(live_server.url + reverse("admin:intake_branding_changelist"))
    look(window, "branding-list")


@pytest.mark.parametrize(("width", "light"), BOTH)
def test_nothing_is_wrong_with_the_page_of_a_draft(
    visit, live_server, supervisor, now, width, light
):
    draft = branding.begin(by=supervisor, now=now)
    given = brand_text.BrandText(**OURS)
    branding.change(
        draft=draft, given=given, revision=0, logo=file_of(drawn()), by=supervisor, now=now
    )
    window = visit(supervisor, width, light)
    for name in ("change", "edit", "publish"):
        window.goto(live_server.url + page(draft, name))
        if name == "change":
            views_shown(window)
        # Preloading, axe would write a style of its own into each view, which the page refuses.
        assert faults(window, f"branding-{name}-{width}-{light}", preload=False) == []


def test_a_view_is_as_wide_as_it_says_and_cannot_be_pressed(visit, live_server, supervisor, now):
    draft = branding.begin(by=supervisor, now=now)
    window = visit(supervisor)
    window.goto(live_server.url + page(draft, "change"))
    views = views_shown(window)
    told = views.evaluate_all(
        """views => views.map(view => {
            const body = view.shadowRoot.querySelector(".page");
            return [
              body.clientWidth,
              getComputedStyle(body.querySelector("h1")).color,
              body.inert,
              view.shadowRoot.querySelectorAll("script, style").length,
              getComputedStyle(body.querySelector(".exit-hint")).display,
            ];
        })"""
    )
    assert {(width > 1000) for width, *_rest in told} == {False, True}
    assert all(width <= 390 or width >= 1180 for width, *_rest in told)
    assert len({color for _width, color, *_rest in told}) == 2, "one for light and one for dark"
    assert all(inert and not foreign for _w, _c, inert, foreign, _hint in told)
    # What only a wide window shows is shown in the wide views, whatever the window is.
    assert {(width > 1000, hint != "none") for width, _c, _i, _s, hint in told} == {
        (True, True),
        (False, False),
    }


def test_without_a_script_the_pages_are_a_link_away(visit, live_server, supervisor, now):
    draft = branding.begin(by=supervisor, now=now)
    window = visit(supervisor, java_script_enabled=False)
    window.goto(live_server.url + page(draft, "change"))
    window.get_by_role("link", name="First page, phone, light, English").click()
    expect(window.locator("h1")).to_be_visible()
    expect(window.locator(".messagelist")).to_contain_text("draft")


@pytest.mark.parametrize(("width", "light"), BOTH)
@pytest.mark.parametrize("path", ["/", "/es/callback/"])
def test_nothing_is_wrong_with_a_public_page_in_other_colors(
    stranger, supervisor, now, width, light, path
):
    """A logo wide and dark, a long name, the lightest color that passes."""
    name = "Northern Lights Addiction and Recovery Helpline of the Lakes"
    fields = OURS | {"name": name, "accent": "#806600", "voicemail_en": ""}
    published(supervisor, now, file_of(drawn(900, 200)), **fields)
    size = {"width": width, "height": WIDTHS[width]}
    window = stranger(path, viewport=size, color_scheme=light).page
    expect(window.locator(".brand img")).to_have_js_property("complete", True)
    expect(window.locator(".brand")).to_have_text(name)
    tag = "home" if path == "/" else "callback-es"
    look(window, f"branded-{tag}-{width}-{light}")


def test_with_the_heaviest_logo_the_first_page_still_weighs_little(stranger, supervisor, now):
    """Sixty kilobytes, all in all, before anything is packed."""
    heavy = Image.effect_noise((240, 96), 40).convert("RGB")
    published(supervisor, now, file_of(heavy), **OURS)
    assert len(Branding.objects.get().logo) > 12 * 1024
    visit = stranger("/")
    visit.page.wait_for_load_state("networkidle")
    paths = {urlsplit(answer.url).path for answer in visit.answers}
    assert {reverse("brand-style"), reverse("brand-logo")} <= paths
    assert sum(len(answer.body()) for answer in visit.answers) <= 60 * 1024
