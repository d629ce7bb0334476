"""Everything on the desk and on the call sheet by keyboard alone, and nothing that holds the focus."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from intake.actions import callbacks, safety
from tests import casting
from tests.browser.visits import STILL, Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

MOST_STOPS = 400
# Whatever a mouse could use is marked; every stop of the focus is noted with how it shows.
WATCH = """() => {
  const wanted = "a[href], button, input:not([type=hidden]), select, textarea, summary";
  const isFree = (one) => !one.disabled && one.tabIndex >= 0 && one.checkVisibility();
  const isStop = (one) => one.type !== "radio" || one.checked;
  // A choice is drawn as its whole label.
  const looks = (one) => {
    const style = one && getComputedStyle(one);
    return Boolean(style) && style.outlineStyle + style.boxShadow !== "nonenone";
  };
  const all = [...document.querySelectorAll(wanted)].filter(isFree).filter(isStop);
  all.forEach((one, number) => { one.dataset.stop = number; });
  window.stops = [];
  document.addEventListener("focusin", ({ target }) => {
    window.stops.push([target.dataset.stop, looks(target) || looks(target.closest("label"))]);
  });
  return all.map((one) => one.outerHTML.slice(0, 120));
}"""


@pytest.fixture
def visit(browser, live_server, settings, agent, client_for):
    """Ava's browser; ``opened(path)`` shows a page in it, which stays as it is meanwhile."""
    settings.DESK_POLL_SECONDS = 300
    visit = Visit(browser, live_server.url, viewport={"width": 1440, "height": 900})
    visit.sign_in(client_for(agent), settings)

    def opened(path):
        visit.page.goto(live_server.url + path)
        return visit.page

    yield opened
    visit.close()


def walk(page):
    """Tab through the page once; (what was never reached, what did not show that it was)."""
    marked = page.evaluate(WATCH)
    reached = "new Set(window.stops.map(([number]) => number).filter(Boolean)).size"
    for press in range(MOST_STOPS):
        page.keyboard.press("Tab")
        if press % 10 == 0 and page.evaluate(reached) == len(marked):
            break
    stops = page.evaluate("window.stops")
    reached = {int(number) for number, _shows in stops if number is not None}
    hidden = [marked[int(number)] for number, shows in stops if number is not None and not shows]
    return [what for number, what in enumerate(marked) if number not in reached], hidden


def test_every_control_of_the_desk_and_of_a_sheet_is_reached_by_tab(visit, agent):
    moment = timezone.now()
    call = casting.open_call(agent=agent, now=moment)
    safety.evaluate(call=call, answers=casting.told(confusion="yes"), by=agent, now=moment)
    callbacks.promise(
        person=call.caller,
        call=call,
        due_at=moment + timedelta(minutes=30),
        urgency="routine",
        asked_outside_hours=True,
        by=agent,
        now=moment,
    )
    page = visit(reverse("admin:index"))
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to main content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys on this page")).to_contain_text("Log a call")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()

    for path in (
        reverse("admin:index"),
        reverse("admin:intake_call_add"),
        reverse("admin:intake_call_change", args=[call.pk]),
    ):
        page = visit(path)
        missed, unseen = walk(page)
        assert missed == [], path
        assert unseen == [], path


def test_a_choice_is_seen_in_the_colors_the_system_forces(visit):
    """Backgrounds are gone there: what is chosen must differ by its border, outline or weight."""
    page = visit(reverse("admin:intake_call_add"))
    page.emulate_media(forced_colors="active")
    page.check("[name=screen-seizure_now][value=no]", force=True)
    page.check("[name=health-symptom_tremor][value=severe]", force=True)
    page.evaluate(STILL)
    looks = """one => {
      const { borderStyle, borderWidth, borderColor, outline, fontWeight } =
        getComputedStyle(one.closest("label"));
      return [borderStyle, borderWidth, borderColor, outline, fontWeight].join();
    }"""
    for name, value in (("screen-seizure_now", "no"), ("health-symptom_tremor", "severe")):
        chosen = page.locator(f"[name={name}][value={value}]").evaluate(looks)
        for other in page.locator(f"[name={name}]:not(:checked)").all():
            assert other.evaluate(looks) != chosen, name
    for button in page.locator(".btn:visible").all():
        assert button.evaluate("one => getComputedStyle(one).borderStyle") != "none"
