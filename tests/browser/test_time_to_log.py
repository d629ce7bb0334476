"""How much a fast agent has to do for a full benzodiazepine call, beside typing what was said."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from intake.actions import calls, safety
from intake.models import Call, Callback, Person, SafetyScreen
from intake.rules.questions import QUESTIONS
from tests import casting
from tests.browser.hands import Hands
from tests.browser.visits import Visit, view

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

BUDGET = 60
STORY = (
    "Took Klonopin for panic since spring, three times a day. Ran out, doctor on leave, stopped"
    " five days ago. Wine every evening to sleep. Not slept since, shaking. Wants detox."
)


@pytest.fixture
def earlier(agent):
    """Maria called three weeks ago. (A test before this one emptied the tables of their cards.)"""
    call_command("load_answers", verbosity=0)
    then = timezone.now() - timedelta(days=21)
    call = casting.open_call(agent=agent, now=then)
    safety.evaluate(call=call, answers=casting.told(), by=agent, now=then)
    return calls.close(call=call, disposition="information_given", by=agent, now=then)


def test_a_full_call_is_logged_with_few_moves(
    browser, live_server, settings, agent, client_for, earlier, capsys
):
    visit = Visit(browser, live_server.url, viewport={"width": 1440, "height": 1100})
    visit.sign_in(client_for(agent), settings)
    page, hands = visit.page, Hands(visit.page)
    page.goto(live_server.url + reverse("admin:index"))
    hands.click(page.get_by_role("link", name="Log a call"))
    who_rings(page, hands)
    what_they_take(page, hands)
    how_they_are(page, hands)
    what_was_said_and_promised(page, hands)
    visit.close()

    assert_all_of_it_is_stored(Call.objects.exclude(pk=earlier.pk).get(), earlier)
    with capsys.disabled():
        print(
            f"\na full call: {hands.moves} clicks, tabs and other moves (budget {BUDGET}),"
            f" {hands.answers} answers of one key, {hands.letters} letters"
        )
    assert hands.moves <= BUDGET


def who_rings(page, hands):
    page.wait_for_url("**/add/")
    hands.press("1")
    hands.answer("n" * 17)
    hands.click(page.get_by_label("About themselves"))
    hands.press("Tab")
    hands.type("Mia")
    hands.press("Tab")
    hands.type("202 555 0143")
    # The number is known: it is asked whether this is the same person, and the record fills in.
    hands.click(page.get_by_role("button", name="Same person"))
    expect(page.locator("[name=caller-voicemail_rule][value=neutral]")).to_be_checked()
    hands.press("3")
    hands.type("41")


def what_they_take(page, hands):
    hands.press("Tab")
    hands.type("klon")
    hands.press("Tab")
    hands.type("2")
    hands.press("Tab")
    hands.type("3")
    hands.press("Tab")
    hands.type("7")
    hands.press("Tab")
    hands.type("5 days ago")
    hands.press("Tab")
    hands.type("8")
    first = page.locator(".substance-row").first
    for name, value in (
        ("stopped_abruptly", "yes"),
        ("above_prescribed", "no"),
        ("route", "swallowed"),
        ("source", "own_prescription"),
    ):
        choose(hands, first, f"substances-0-{name}", value)
    hands.click(page.locator("[name=substances-1-substance]"))
    hands.type("wine")
    hands.press("Tab", times=3)
    hands.type("7")
    hands.press("Tab")
    hands.type("last night")
    choose(hands, page, "screen-opioid_use", "no")
    hands.press("Tab")
    hands.answer("ynn")


def how_they_are(page, hands):
    hands.press("5")
    hands.answer("32321110010000")
    choose(hands, page, "health-dependence_signs", "tolerance")
    choose(hands, page, "screen-withdrawal_seizure", "no")
    hands.press("Tab")
    hands.answer("nnn" + "n" * 9 + "nn")
    # As the README shows it: what they take, with what the rules say of it so far.
    expect(page.locator("#safety-panel")).to_contain_text("Urgent")
    view(page, "#substances", "sheet-1440-light")


def choose(hands, place, name, value):
    choice = place.locator(f"[name={name}][value={value}]")
    hands.click(choice)
    # What the rules say meanwhile may move it away between pressing and letting go.
    if not choice.is_checked():
        choice.check()


def what_was_said_and_promised(page, hands):
    hands.press("6")
    hands.type(STORY)
    for topic in ("withdrawal", "detox"):
        choose(hands, page, "call-topics", topic)
    hands.press("s")
    page.wait_for_url("**/change/**")
    expect(page.locator(".messagelist")).to_contain_text("Saved.")
    hands.click(page.get_by_role("button", name="Promise a callback"))
    hands.click(page.get_by_label("Urgent"))
    hands.click(page.get_by_role("button", name="Promise it"))
    hands.click(page.get_by_role("link", name="C-").first)
    hands.click(page.get_by_label("How did it end?"))
    hands.type("Callback p")
    hands.press("Enter")
    # A list forgets the first letters after a second, which a slow machine may take for the rest.
    ending = page.locator("[name=closing-disposition]")
    if ending.input_value() != Call.Disposition.CALLBACK_PROMISED:
        ending.select_option(Call.Disposition.CALLBACK_PROMISED)
    hands.click(page.get_by_role("button", name="Save and close the call"))
    expect(page.locator(".messagelist")).to_contain_text("Saved and closed.")


def assert_all_of_it_is_stored(call, earlier):
    assert call.caller == call.person_in_need == earlier.caller
    caller = call.caller
    assert (caller.alias, caller.age, caller.zip_code) == ("Mia", 41, "20001")
    assert caller.voicemail_rule == Person.VoicemailRule.NEUTRAL
    assert caller.safe_to_call
    klonopin, wine = call.substances.order_by("position")
    assert (klonopin.substance, klonopin.brand) == ("clonazepam", "Klonopin")
    assert (klonopin.dose_mg, klonopin.times_a_day, klonopin.days_a_week) == (2, 3, 7)
    assert (klonopin.weeks_of_use, klonopin.stopped_abruptly) == (34, True)
    assert (klonopin.route, klonopin.source) == ("swallowed", "own_prescription")
    assert not klonopin.above_prescribed
    days = (timezone.now() - klonopin.last_used_at) / timedelta(days=1)
    # From the midnight that day began with: a clock put back since, or midnight just now, add to it.
    assert 4 < days < 6.1
    assert (wine.substance, wine.days_a_week) == ("alcohol", 7)
    assert wine.last_used_at is not None
    assert call.withdrawal_symptoms["anxiety"] == "severe"
    assert len(call.withdrawal_symptoms) == 14
    assert call.dependence_signs == ["tolerance"]
    assert call.narrative == STORY
    assert call.topics == ["withdrawal", "detox"]
    screen = safety.current(call=call)
    assert screen.answers["alcohol_daily"] == "yes"
    assert "unknown" not in [screen.answers[question.code] for question in QUESTIONS]
    assert screen.level == SafetyScreen.Level.URGENT
    promise = Callback.objects.get(call=call)
    assert promise.urgency == Callback.Urgency.URGENT
    assert promise.due_at > timezone.now()
    assert call.status == Call.Status.CLOSED
    assert call.disposition == Call.Disposition.CALLBACK_PROMISED
