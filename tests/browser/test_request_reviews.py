"""A held request at the desk: it appears by itself, is looked at, and is let through or turned down."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from intake.actions import reviews
from intake.models import Callback
from tests.browser.visits import Visit, look_in_both_lights
from tests.casting import open_callback

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def visit(browser, live_server, client_for, supervisor, settings):
    settings.DESK_POLL_SECONDS = 1
    visit = Visit(browser, live_server.url, viewport={"width": 390, "height": 844})
    visit.sign_in(client_for(supervisor), settings)
    yield visit
    visit.close()


def held(because, **fields):
    now = timezone.now()
    given = {"due_at": now + timedelta(hours=1), "urgency": "high"} | fields
    return open_callback(now=now, source="web", status="held", held_because=because, **given)


def test_somebody_in_danger_comes_on_top_of_an_open_desk_and_is_let_through(visit, live_server):
    page = visit.page
    page.goto(live_server.url + reverse("admin:index"))
    expect(page.locator(".desk-quiet-night")).to_contain_text("No request waits for review")
    now = timezone.now()
    request = held("number", in_danger=True, urgency="urgent", due_at=now)
    expect(page).to_have_title("(1) Desk")
    first = page.locator(".desk-first")
    expect(first).to_contain_text("Said: in danger. Look at this request")
    expect(page.locator("#desk-news")).to_have_text("1 new request from somebody in danger.")
    look_in_both_lights(page, "desk-held")
    # From the desk to the decision without a mouse.
    first.locator("[data-part=act]").focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    page.get_by_role("button", name="Let it through").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".messagelist")).to_contain_text("It is on the desk now.")
    assert Callback.objects.get(pk=request.pk).status == "open"


def test_marked_ones_are_decided_together_and_what_was_marked_is_not_forgotten(visit, live_server):
    page = visit.page
    first, second, third = held("ceiling"), held("ceiling"), held("unproven", in_danger=True)
    page.goto(live_server.url + reverse("admin:intake_callback_review"))
    for request in (first, second):
        page.get_by_label(f"Mark {request.reference}").check()
    page.get_by_role("button", name="Turn the marked ones down").click()
    expect(page.get_by_role("alert")).to_have_text("Say why nobody rings.")
    assert page.get_by_label(f"Mark {first.reference}").is_checked()
    page.locator("summary", has_text="Turn all down").first.click()
    look_in_both_lights(page, "request-reviews")
    page.locator("#reason-marked").select_option("not_genuine")
    page.get_by_role("button", name="Turn the marked ones down").click()
    expect(page.locator(".messagelist")).to_contain_text("2 requests are turned down.")
    page.get_by_role("button", name="Let it through").click()
    expect(page.get_by_text("Being let through")).to_be_visible()
    status = Callback.objects.in_bulk([first.pk, second.pk, third.pk])
    assert {one.status for one in status.values()} == {"cancelled", "held"}


def test_turning_all_down_says_who_in_danger_stays(visit, live_server):
    page = visit.page
    danger, *others = held("unproven", in_danger=True), held("unproven"), held("unproven")
    page.goto(live_server.url + reverse("admin:intake_callback_review"))
    page.locator("summary", has_text="Turn the others down").click()
    offer = page.locator(".review-all")
    expect(offer).to_contain_text("1 request said to be in danger stays: look at it by itself.")
    look_in_both_lights(page, "request-reviews-danger")
    offer.get_by_label("Why nobody rings").select_option("not_genuine")
    offer.get_by_role("button", name="Turn the other 2 down, unseen").click()
    expect(page.locator(".messagelist")).to_contain_text("1 request said to be in danger stays")
    while reviews.carry_out(now=timezone.now()):
        pass
    page.reload()
    expect(page.get_by_role("rowheader")).to_have_text([f"{danger.reference} said: in danger"])
    assert not Callback.objects.filter(pk__in=[one.pk for one in others], status="held").exists()
