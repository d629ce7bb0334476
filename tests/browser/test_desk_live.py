"""The desk left open: what becomes pressing appears by itself, and nothing is torn from a hand."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from intake.actions import callbacks
from intake.models import Callback
from tests.browser.visits import Visit
from tests.casting import maria, open_callback
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

# What the browser itself says of an answer that was refused or did not come.
EXPECTED = (
    "status of 401",
    "Status Error Code 401",
    "ERR_INTERNET_DISCONNECTED",
    "htmx:sendError",
    "htmx:afterRequest",
)


@pytest.fixture(autouse=True)
def every_second(settings):
    settings.DESK_POLL_SECONDS = 1


@pytest.fixture
def desk(browser, live_server, agent):
    """A desk that is open, of an agent who has just signed in."""
    visit = Visit(browser, live_server.url, viewport={"width": 1280, "height": 900})

    def opened():
        page = visit.page
        page.goto(live_server.url + reverse("admin:index"))
        page.fill("[name=username]", agent.username)
        page.fill("[name=password]", PASSWORD)
        page.click("button[type=submit], input[type=submit]")
        page.wait_for_selector("#desk-live")
        page.wait_for_load_state()
        return page

    yield opened
    visit.complaints = [one for one in visit.complaints if not any(e in one for e in EXPECTED)]
    visit.close()


def promised(due_in, **fields):
    now = timezone.now()
    # At whatever hour the test runs.
    return open_callback(
        due_at=now + timedelta(seconds=due_in), now=now, asked_outside_hours=True, **fields
    )


def where_it_is_noon():
    """Somebody who may be rung now, before their promise is due, at whatever hour the test runs."""
    now = timezone.now()
    # Etc/GMT-5 lies five hours east.
    person = maria(time_zone=f"Etc/GMT{now.hour - 12:+d}", time_zone_source="stated")
    person.created_at = now
    person.save()
    return person


def focused(page):
    """The record the focus is on, and which part of its row."""
    return page.evaluate(
        "[document.activeElement.closest('[data-row]')?.dataset.row,"
        " document.activeElement.dataset.part]"
    )


def test_a_promise_that_falls_due_appears_without_reload_and_keeps_the_focus(desk):
    promised(-600, urgency="urgent")
    soon = promised(600, person=where_it_is_noon())
    page = desk()
    page.evaluate("window.isTheSamePage = true")
    assert page.title() == "(1) Desk"
    button = f'.queue[data-queue="soon"] [data-row="{soon.pk}"] [data-part=act]'
    page.focus(button)
    # Only now: a slow machine may need longer for a desk than this promise has.
    due_at = timezone.now() + timedelta(seconds=3)
    Callback.objects.filter(pk=soon.pk).update(due_at=due_at)
    expect(page).to_have_title("(2) Desk")
    assert page.locator(f'.queue[data-queue="overdue"] [data-row="{soon.pk}"]').count() == 1
    assert page.locator(button).count() == 0
    assert focused(page) == [str(soon.pk), "act"]
    assert page.text_content("#desk-news") == "1 new overdue callback."
    assert page.get_attribute("#desk-news", "role") == "status"
    assert page.evaluate("window.isTheSamePage")


def test_what_somebody_else_took_or_ended_leaves_the_focus_nearby_and_says_so(
    desk, agent, other_agent
):
    promised(-600, urgency="urgent")
    wanted, other = promised(-300), promised(-200)
    page = desk()
    page.focus(f'[data-row="{wanted.pk}"] [data-part=act]')
    callbacks.claim(callback=wanted, by=other_agent, now=timezone.now())
    expect(page).to_have_title("(2) Desk")
    assert focused(page) == [str(wanted.pk), "ref"]
    assert page.text_content("#desk-news").startswith(f"noor is ringing {wanted.reference}")
    page.focus(f'[data-row="{other.pk}"] [data-part=act]')
    callbacks.cancel(callback=other, by=other_agent, now=timezone.now())
    expect(page).to_have_title("(1) Desk")
    assert page.evaluate("document.activeElement.id") == "queue-overdue"
    assert page.text_content("#desk-news") == f"{other.reference} is no longer waiting."


def test_a_row_does_not_move_under_a_resting_pointer(desk):
    rows = [promised(1200 + number * 60) for number in range(12)]
    page = desk()
    page.set_viewport_size({"width": 1280, "height": 400})
    row = page.locator(f'[data-row="{rows[8].pk}"]')
    row.scroll_into_view_if_needed()
    row.hover()
    before = row.bounding_box()["y"]
    promised(-60)
    expect(page).to_have_title("(1) Desk")
    assert abs(row.bounding_box()["y"] - before) < 2


def test_nothing_changes_while_a_hand_moves_over_the_desk(desk):
    first = promised(-600)
    page = desk()
    button = page.locator(".desk-first [data-part=act]")
    page.evaluate(
        """() => {
          window.moving = setInterval(() => document.querySelector('#desk-live')
            .dispatchEvent(new Event('pointermove')), 100);
        }"""
    )
    promised(-60, urgency="urgent")
    # Twice there is news, so the first time nothing was made of it.
    for _answer in range(2):
        with page.expect_response(lambda answer: "/live/" in answer.url and answer.status == 200):
            pass
    assert str(first.pk) in button.locator("xpath=..").get_attribute("action")
    page.evaluate("clearInterval(window.moving)")
    expect(page).to_have_title("(2) Desk")
    assert str(first.pk) not in button.locator("xpath=..").get_attribute("action")


def test_an_unchanged_desk_is_not_touched(desk):
    promised(-600)
    page = desk()
    page.evaluate("document.querySelector('.desk-body').isTheSame = true")
    with page.expect_response(lambda answer: answer.status == 204):
        pass
    with page.expect_response(lambda answer: answer.status == 204):
        pass
    assert page.evaluate("document.querySelector('.desk-body').isTheSame")


def test_a_desk_whose_session_ended_says_so_calmly_and_shows_nothing_any_more(desk, settings):
    late = promised(-600)
    page = desk()
    settings.SESSION_IDLE_SECONDS = 3
    # It asked every second, and that kept nobody signed in.
    page.wait_for_selector("#desk-signed-out:not([hidden])")
    assert late.reference not in page.content()
    assert page.title() == "Desk"
    assert not page.is_visible("dialog")
    assert not Session.objects.exists()
    page.click("#desk-signed-out a")
    page.wait_for_selector("[name=password]")


def test_a_desk_cut_off_says_since_when_and_recovers_by_itself(desk):
    promised(-600)
    page = desk()
    page.context.set_offline(True)
    page.wait_for_selector("#desk-offline:not([hidden])")
    assert "Not up to date since" in page.text_content("#desk-offline")
    promised(-500)
    page.context.set_offline(False)
    expect(page).to_have_title("(2) Desk")
    assert not page.is_visible("#desk-offline")
    assert "Up to date at" in page.text_content("#desk-as-of")


def test_a_callback_is_claimed_from_the_desk_with_one_press(desk, agent):
    late = promised(-600)
    page = desk()
    page.click(".desk-first [data-part=act]")
    page.wait_for_url("**/dial/")
    assert Callback.objects.get(pk=late.pk).claimed_by == agent
