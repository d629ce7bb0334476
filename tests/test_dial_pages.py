"""The dial screen: what each step shows, what it takes, and what comes too late."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from intake.actions import callbacks
from intake.models import BlockedNumber, Event, Person, PhoneEvent
from intake.rules.dialing import OUTCOMES, Step
from tests.casting import MARIA, maria, open_callback
from tests.ringing import (
    ABOUT,
    HALF_AN_HOUR,
    Stage,
    blocked,
    cancelled,
    claimed,
    everything_stored,
    given_back,
    handed_over,
    moved,
    page,
    reached,
    show,
    taken_after_the_claim_lapsed,
)
from tests.telling import tells

pytestmark = pytest.mark.django_db


@pytest.fixture
def mine(agent, now):
    return claimed(agent, now)


@pytest.fixture
def client(agent, client_for, frozen):
    return client_for(agent)


def test_each_step_shows_its_own_and_nothing_of_the_next(client, mine, settings):
    settings.HELPLINE_NAME = "Almond Line"
    first = client.get(page(mine)).text
    assert "Neutral voicemail only." in first
    assert "Do not say who is calling" in first
    assert "Ask for Maria" in first
    assert "They asked for this themselves," in first
    assert "Not tried yet." in first
    assert 'value="danger_suspected"' in first
    assert 'value="show"' in first
    assert re.findall(r'name="outcome" value="(\w+)"', first) == ["danger_suspected"]
    client.post(page(mine), {"step": "show"})
    second = client.get(page(mine)).text
    assert f"tel:{MARIA}" in second
    assert "Who am I speaking with" in second
    outcomes = set(re.findall(r'name="outcome" value="(\w+)"', second))
    assert outcomes == set(OUTCOMES[Step.RINGING])
    for early in (first, second):
        assert ABOUT not in early
        assert "Almond Line" not in early
    assert MARIA not in first
    assert "5550143" not in re.sub(r"\D", "", first)
    client.post(page(mine), {"step": "identity"})
    third = client.get(page(mine)).text
    assert ABOUT in third
    assert "This is Almond Line." in third
    assert set(re.findall(r'name="outcome" value="(\w+)"', third)) == set(OUTCOMES[Step.TALKING])
    client.post(page(mine), {"step": "not_them"})
    assert ABOUT not in client.get(page(mine)).text


def test_what_it_is_about_is_not_even_read_before_they_said_who_they_are(client, mine):
    def columns():
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(page(mine)).status_code == 200
        return " ".join(query["sql"] for query in queries)

    assert '"intake_callback"."reason"' not in columns()
    client.post(page(mine), {"step": "show"})
    assert '"intake_callback"."reason"' not in columns()
    client.post(page(mine), {"step": "identity"})
    assert '"intake_callback"."reason"' in columns()


def test_the_voicemail_button_and_its_words_exist_only_where_a_message_is_wanted(
    client, agent, now
):
    person = maria(voicemail_rule=Person.VoicemailRule.NONE)
    callback = open_callback(due_at=now, now=now, person=person)
    client.post(page(callback, "claim"))
    before = client.get(page(callback)).text
    client.post(page(callback), {"step": "show"})
    ringing = client.get(page(callback)).text
    for text in (before, ringing):
        assert "No voicemail." in text
        assert "this is a message" not in text
        assert 'value="voicemail_left"' not in text
    refused = client.post(page(callback), {"outcome": "voicemail_left", "note": "It beeped"})
    assert refused.status_code == 422
    assert "It beeped" in refused.text
    assert 'value="by_mistake"' in ringing
    answer = client.post(page(callback), {"outcome": "by_mistake", "note": "It beeped"})
    assert "against their wish" in client.get(answer.url).text
    assert callback.attempts.get().against_their_wish


@pytest.mark.parametrize("step", ["claimed", "shown"])
def test_no_posted_field_confirms_an_identity(client, mine, agent, now, step):
    if step == "shown":
        show(mine, agent, now)
    posted = {
        "outcome": "reached",
        "identity_confirmed": "on",
        "identity_confirmed_at": "2026-03-10T14:00:00+00:00",
        "number_shown_at": "2026-03-10T14:00:00+00:00",
        "claimed_by": agent.pk,
        "status": "reached",
        "is_held": "True",
        "note": "We talked for long",
    }
    answer = client.post(page(mine), posted)
    assert answer.status_code == 422
    assert "We talked for long" in answer.text
    mine.refresh_from_db()
    assert mine.is_open
    assert mine.identity_confirmed_at is None
    assert not mine.attempts.exists()


def test_a_step_and_an_outcome_in_one_post_take_the_step_alone(client, mine):
    answer = client.post(page(mine), {"step": "identity", "outcome": "danger_suspected"})
    assert answer.status_code == 422
    client.post(page(mine), {"step": "show", "outcome": "reached"})
    mine.refresh_from_db()
    assert mine.step is Step.RINGING
    assert not mine.attempts.exists()


def test_no_get_takes_a_step(client, mine):
    for query in ("?step=show", "?step=identity", "?outcome=reached"):
        client.get(page(mine) + query)
    mine.refresh_from_db()
    assert mine.step is Step.BRIEFING


def test_what_is_typed_stays_through_the_steps_and_goes_with_the_outcome(client, mine):
    typed = {"note": "Her sister will pick up", "due": "2026-03-10T16:30"}
    for step in ("show", "identity"):
        answer = client.post(page(mine), {**typed, "step": step})
        assert answer.status_code == 200
        assert typed["note"] in answer.text
        assert typed["due"] in answer.text
    done = client.post(page(mine), {**typed, "outcome": "call_later"})
    assert done.status_code == 302
    made = mine.attempts.get()
    assert made.note == typed["note"]
    mine.refresh_from_db()
    assert mine.due_at.isoformat() == "2026-03-10T20:30:00+00:00"


def test_the_enter_key_in_a_field_does_nothing(client, mine, agent, now):
    show(mine, agent, now)
    text = client.get(page(mine)).text
    form = text[text.index('id="action"') :]
    first_button = re.search(r"<button[^>]*>", form)[0]
    assert 'value="keep"' in first_button
    assert client.post(page(mine), {"step": "keep", "note": "half a sentence"}).status_code == 200
    assert not mine.attempts.exists()


def test_after_an_outcome_the_page_says_what_follows_when_in_their_time_and_why(client, mine):
    client.post(page(mine), {"step": "show"})
    answer = client.post(page(mine), {"outcome": "no_answer"})
    told = client.get(answer.url).text
    assert "Recorded: No answer" in told
    assert "Tue, Mar 10, 11:00 AM EDT, their time" in told
    assert "Try again at another time of day." in told
    assert f"tel:{MARIA}" not in told


def test_the_end_of_it_says_that_the_number_is_blocked_and_how_a_slip_is_mended(client, mine):
    client.post(page(mine), {"step": "show"})
    answer = client.post(page(mine), {"outcome": "wrong_number"})
    told = client.get(answer.url).text
    assert "This callback has ended: Wrong number" in told
    assert "Nobody rings this number again." in told
    assert "they can lift the block" in told


def test_a_refused_time_offers_the_next_ones_and_one_press_takes_it(client, mine):
    for step in ("show", "identity"):
        client.post(page(mine), {"step": step})
    posted = {"outcome": "call_later", "due": "2026-03-11T05:00", "note": "Early bird"}
    refused = client.post(page(mine), posted)
    assert refused.status_code == 422
    assert "Early bird" in refused.text
    choice = re.search(r'name="choose" value="([^"]+)"', refused.text)[1]
    asked = re.search(r'name="asked" value="([^"]+)"', refused.text)[1]
    taken = client.post(
        page(mine), {"choose": choice, "asked": asked, "note": "Early bird", "due": "x"}
    )
    assert taken.status_code == 302
    assert mine.attempts.get().note == "Early bird"


def test_a_time_outside_their_hours_is_only_theirs_to_ask_for(client, mine):
    client.post(page(mine), {"step": "show"})
    posted = {"outcome": "no_answer", "due": "2026-03-11T05:00", "asked_outside_hours": "on"}
    assert client.post(page(mine), posted).status_code == 422
    client.post(page(mine), {"step": "identity"})
    assert client.post(page(mine), {**posted, "outcome": "call_later"}).status_code == 302
    mine.refresh_from_db()
    assert mine.asked_outside_hours


def test_a_second_tab_is_told_and_a_double_click_leads_on(client, mine, frozen):
    client.post(page(mine), {"step": "show"})
    shown = re.search(r'name="shown" value="([^"]+)"', client.get(page(mine)).text)[1]
    for _press in range(2):
        answer = client.post(page(mine), {"outcome": "busy", "shown": shown})
        assert answer.status_code == 302
    other = client.post(page(mine), {"outcome": "declined", "shown": shown, "note": "Said no"})
    assert other.status_code == 422
    assert "recorded already" in other.text
    assert "Said no" in other.text
    assert mine.attempts.count() == 1
    assert not BlockedNumber.objects.exists()


LATE = {
    "a colleague's claim": taken_after_the_claim_lapsed,
    "given back": given_back,
    "handed over": handed_over,
    "moved": moved,
    "cancelled": cancelled,
    "blocked": blocked,
    "ended": reached,
}


@pytest.mark.parametrize("reach", LATE.values(), ids=LATE)
def test_a_late_outcome_is_refused_with_what_was_typed_and_reopens_nothing(
    agent, other_agent, client_for, frozen, now, reach
):
    stage = Stage(agent, other_agent, now)
    reach(stage)
    frozen.move_to(stage.now)
    before = everything_stored(stage.callback)[:2]
    for posted in ({"outcome": "reached"}, {"outcome": "wrong_number"}, {"step": "identity"}):
        answer = client_for(agent).post(page(stage.callback), {**posted, "note": "Long talk"})
        assert answer.status_code == 422
        assert "Long talk" in answer.text
        assert f"tel:{MARIA}" not in answer.text
    assert everything_stored(stage.callback)[:2] == before


def test_a_claim_that_ran_out_hides_the_number_and_still_takes_how_it_ended(
    client_for, mine, agent, now, frozen
):
    show(mine, agent, now)
    frozen.move_to(now + HALF_AN_HOUR)
    client = client_for(agent)
    text = client.get(page(mine)).text
    assert "Your claim ran out." in text
    assert f"tel:{MARIA}" not in text
    assert 'value="identity"' not in text
    assert client.post(page(mine), {"outcome": "no_answer"}).status_code == 302
    assert mine.attempts.get().outcome == "no_answer"


def test_not_now_says_why_and_when_and_shows_no_button(client_for, mine, agent, now, frozen):
    frozen.move_to(now + timedelta(hours=13))
    client = client_for(agent)
    callbacks.release(callback=mine, by=agent, now=now)
    client.post(page(mine, "claim"))
    text = client.get(page(mine)).text
    assert "Not now." in text
    assert 'value="show"' not in text
    refused = client.post(page(mine), {"step": "show"})
    assert refused.status_code == 422
    assert f"tel:{MARIA}" not in refused.text


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("web", "This number is unconfirmed."),
        ("phone", "Somebody rang us from this number."),
        ("agent", "They asked for this themselves,"),
    ],
)
def test_the_briefing_says_whose_word_the_number_is(client, now, source, told):
    person = maria(
        alias="",
        name="",
        language="es",
        safe_to_call=False,
        approach_note="Ring twice.",
        may_say_who_is_calling=True,
        voicemail_rule="full",
    )
    callback = open_callback(due_at=now, now=now, source=source, person=person)
    client.post(page(callback, "claim"))
    text = client.get(page(callback)).text
    for line in (
        told,
        "They gave no name.",
        "They speak Spanish.",
        "Nobody has said that this number is safe.",
        "Ring twice.",
        "Whoever answers may be told who is calling.",
        "A voicemail may be left.",
    ):
        assert line in text, line


def test_the_briefing_says_that_they_wrote_they_want_no_calls(client, mine, now):
    assert "They wrote that they want no calls." not in client.get(page(mine)).text
    PhoneEvent.objects.create(
        event_digest="e" * 64,
        kind=PhoneEvent.Kind.TEXT_RECEIVED,
        occurred_at=now,
        received_at=now,
        result=PhoneEvent.Result.WANTS_NO_CALLS,
        callback=mine,
    )
    assert "They wrote that they want no calls." in client.get(page(mine)).text


def test_the_words_to_a_stranger_name_nobody_and_nothing(client, mine, settings):
    """No name of ours, of theirs, of treatment; that a call was asked for is theirs to say."""
    settings.HELPLINE_NAME = "Almond Line"
    client.post(page(mine), {"step": "show"})
    text = client.get(page(mine)).text
    spoken = re.findall(r'<blockquote class="say"[^>]*>(.*?)</blockquote>', text, re.DOTALL)
    assert len(spoken) == 3
    for words in spoken:
        telling = "almond helpline treatment detox recovery addiction insurance medicine maria"
        assert not set(re.findall(r"[a-z]+", words.lower())) & set(telling.split()), words


def test_nobody_is_shown_a_number_by_opening_the_page(client, mine, other_agent, client_for):
    client.post(page(mine), {"step": "show"})
    text = client_for(other_agent).get(page(mine)).text
    assert f"tel:{MARIA}" not in text
    assert "ava is ringing them now" in text


def test_every_step_is_written_to_the_audit_without_a_word_about_the_person(client, mine):
    for posted in ({"step": "show"}, {"step": "identity"}, {"outcome": "reached"}):
        client.post(page(mine), posted)
    told = Event.objects.filter(subject_id=str(mine.pk)).exclude(verb="record.read")
    assert sorted(told.values_list("verb", flat=True)) == [
        "callback.attempted",
        "callback.claimed",
        "callback.closed",
        "callback.identity_confirmed",
        "callback.number_shown",
    ]
    assert "Maria" not in str(list(told.values()))
    assert not tells(str(list(told.values("detail"))), "0143")
