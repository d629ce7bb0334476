"""Ringing back in a real browser: wide and narrow, light and dark, by keyboard, without a script."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from intake.actions import callbacks
from intake.models import BlockedNumber, Callback
from tests.browser.visits import Visit, look
from tests.casting import maria, open_callback

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

# Each width in one theme, and the step with the most on it in the other one too.
LOOKS = [(390, "dark", "light"), (1440, "light", "dark")]


@pytest.fixture
def callback(agent):
    now = timezone.now()
    callback = open_callback(
        due_at=now,
        now=now,
        owner=agent,
        # Whatever the hour is where this test runs.
        asked_outside_hours=True,
        reason="Stopping clonazepam",
        person=maria(approach_note="If a man answers, hang up."),
    )
    return callbacks.claim(callback=callback, by=agent, now=now)


@pytest.fixture
def arrive(browser, live_server, settings, agent, client_for):
    """Opens a browser of the agent's; closes it after the test."""
    visits = []

    def arrived(**options):
        visit = Visit(browser, live_server.url, base_url=live_server.url, **options)
        visit.sign_in(client_for(agent), settings)
        visits.append(visit)
        return visit.page

    yield arrived
    for visit in visits:
        visit.close()


def dial(callback):
    return reverse("admin:intake_callback_dial", args=[callback.pk])


@pytest.mark.parametrize(("width", "theme", "other"), LOOKS)
def test_every_step_is_readable_on_every_screen(arrive, callback, width, theme, other):
    page = arrive(viewport={"width": width, "height": 844}, color_scheme=theme)
    page.goto(dial(callback))
    look(page, f"dial-1-{width}-{theme}")
    page.get_by_role("button", name="Show the number").click()
    expect(page.get_by_role("link", name="(202) 555-0143")).to_have_attribute(
        "href", "tel:+12025550143"
    )
    danger = page.get_by_role("button", name="Danger suspected")
    expect(danger).to_be_in_viewport()
    look(page, f"dial-2-{width}-{theme}")
    page.emulate_media(color_scheme=other)
    look(page, f"dial-2-{width}-{other}")
    page.emulate_media(color_scheme=theme)
    page.get_by_role("button", name="They told me who they are").click()
    expect(page.get_by_text("Stopping clonazepam")).to_be_visible()
    expect(danger).to_be_in_viewport()
    look(page, f"dial-3-{width}-{theme}")
    # A refused time, the times offered, and one press.
    page.get_by_label("Ring again at, in their time").fill("2040-03-10T04:00")
    page.get_by_role("button", name=re.compile("^Call later")).click()
    expect(page.locator("[name=choose]").first).to_be_visible()
    look(page, f"dial-refused-{width}-{theme}")
    page.locator("[name=choose]").first.click()
    expect(page.get_by_text("Recorded: Asked to be called later")).to_be_visible()
    look(page, f"dial-after-{width}-{theme}")


def test_a_callback_is_rung_by_the_keyboard_alone(arrive, callback):
    page = arrive(viewport={"width": 1440, "height": 900})
    page.goto(dial(callback))

    def press(name):
        """Tab until it has the focus, as somebody does who has no mouse."""
        for _tab in range(60):
            page.keyboard.press("Tab")
            if name in page.evaluate("document.activeElement.closest('button')?.textContent ?? ''"):
                with page.expect_navigation():
                    page.keyboard.press("Enter")
                return
        raise AssertionError(f"{name} is out of reach of the keyboard")

    press("Show the number")
    expect(page.get_by_role("link", name="(202) 555-0143")).to_be_visible()
    press("They told me who they are")
    expect(page.get_by_text("Stopping clonazepam")).to_be_visible()
    # The Enter key in a field sends nothing by accident.
    page.get_by_label("Ring again at, in their time").focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert not callback.attempts.exists()
    press("Reached: we talked")
    expect(page.get_by_text("This callback has ended: Reached")).to_be_visible()
    assert Callback.objects.get().status == "reached"


def test_it_works_without_a_script_and_a_late_press_keeps_the_note(arrive, callback, other_agent):
    page = arrive(java_script_enabled=False)
    page.goto(dial(callback))
    page.get_by_role("button", name="Show the number").click()
    page.get_by_text("A note, or another time").click()
    page.get_by_label("Note").fill("A long talk with her sister")
    page.get_by_role("button", name="They told me who they are").click()
    expect(page.get_by_label("Note")).to_have_value("A long talk with her sister")
    callbacks.cancel(callback=callback, by=other_agent, now=timezone.now())
    page.get_by_role("button", name=re.compile("^Does not want a call")).click()
    expect(page.get_by_text("This callback is already closed.")).to_be_visible()
    expect(page.get_by_label("Note")).to_have_value("A long talk with her sister")
    assert not BlockedNumber.objects.exists()
