"""Ringing back: claimed, number shown, identity confirmed, outcome; and no way round."""

import re
from contextlib import suppress
from datetime import time, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from intake.actions import attempts, blocks, callbacks, dialing
from intake.crypto import lone_digest
from intake.models import Attempt, BlockedNumber, Callback, Event, Person, PhoneEvent
from intake.rules.dialing import NEEDS_IDENTITY, OUTCOMES, Step, may_end
from tests.casting import JOHN, MARIA, maria, open_callback, rung
from tests.racing import at_once

pytestmark = pytest.mark.django_db

HALF_AN_HOUR = timedelta(minutes=31)
TWO_HOURS = timedelta(hours=2, minutes=1)
EVERY_OUTCOME = Attempt.Outcome.values


# --- Every action in every state -----------------------------------------------------------------


class Stage:
    """A callback brought into one state, and the moment at which it is acted upon."""

    def __init__(self, agent, colleague, now):
        self.agent, self.colleague, self.now = agent, colleague, now
        self.callback = open_callback(due_at=now, now=now, owner=agent)

    def claim(self, by=None):
        callbacks.claim(callback=self.callback, by=by or self.agent, now=self.now)

    def show(self, by=None):
        self.claim(by)
        dialing.show_number(callback=self.callback, by=by or self.agent, now=self.now)

    def confirm(self, by=None):
        self.show(by)
        dialing.confirm_identity(callback=self.callback, by=by or self.agent, now=self.now)

    def later(self, span):
        self.now += span


def _open(stage):
    pass


def _lapsed_claim(stage):
    stage.claim()
    stage.later(HALF_AN_HOUR)


def _lapsed_shown(stage):
    stage.show()
    stage.later(HALF_AN_HOUR)


def _lapsed_confirmed(stage):
    stage.confirm()
    stage.later(TWO_HOURS)


def _colleagues(stage):
    stage.confirm(stage.colleague)


def _taken_after_the_claim_lapsed(stage):
    stage.confirm()
    stage.later(TWO_HOURS)
    stage.show(stage.colleague)


def _given_back(stage):
    stage.confirm()
    callbacks.release(callback=stage.callback, by=stage.agent, now=stage.now)


def _handed_over(stage):
    stage.confirm()
    callbacks.hand_over(
        callback=stage.callback, to=stage.colleague, reason="busy", by=stage.agent, now=stage.now
    )


def _moved(stage):
    stage.confirm()
    due = stage.now + timedelta(hours=3)
    callbacks.reschedule(callback=stage.callback, due_at=due, by=stage.agent, now=stage.now)


def _cancelled(stage):
    stage.confirm()
    callbacks.cancel(callback=stage.callback, by=stage.colleague, now=stage.now)


def _blocked(stage):
    stage.confirm()
    blocks.block(number=MARIA, reason="asked_by_text", by=stage.colleague, now=stage.now)


def _reached(stage):
    stage.confirm()
    attempts.record(callback=stage.callback, outcome="reached", by=stage.agent, now=stage.now)


def _tried_without_success(stage):
    stage.show()
    attempts.record(callback=stage.callback, outcome="busy", by=stage.agent, now=stage.now)


NOT_YOURS, CLOSED = callbacks.CallbackNotYours, callbacks.CallbackAlreadyClosed
LAPSED, NOT_SHOWN = dialing.ClaimLapsed, dialing.NumberNotShown
STEPS = ("show", "confirm", "withdraw")


def everything(refusal):
    return dict.fromkeys((*STEPS, *EVERY_OUTCOME), refusal)


def outcomes_at(step):
    """What `record` answers at this step: None for done."""
    answers = {}
    for outcome in EVERY_OUTCOME:
        if may_end(outcome, step):
            answers[outcome] = None
        elif step is Step.BRIEFING:
            answers[outcome] = NOT_SHOWN
        elif outcome in NEEDS_IDENTITY:
            answers[outcome] = callbacks.IdentityNotConfirmed
        elif outcome == "not_recorded":
            answers[outcome] = attempts.NotAnOutcome
        else:
            answers[outcome] = attempts.IdentityWasConfirmed
    return answers


TAKEN = dict.fromkeys(STEPS)
RAN_OUT = dict.fromkeys(STEPS, LAPSED)
BEFORE = {"show": None, "confirm": NOT_SHOWN, "withdraw": NOT_SHOWN}

# State -> (how to get there, what each action answers: None for done, else the refusal).
TABLE = {
    "open": (_open, everything(NOT_YOURS)),
    "claimed": (Stage.claim, BEFORE | outcomes_at(Step.BRIEFING)),
    "number shown": (Stage.show, TAKEN | outcomes_at(Step.RINGING)),
    "identity confirmed": (Stage.confirm, TAKEN | outcomes_at(Step.TALKING)),
    # A claim that ran out shows nothing more; what happened may still be told.
    "claim ran out": (_lapsed_claim, RAN_OUT | outcomes_at(Step.BRIEFING)),
    "ran out, shown": (_lapsed_shown, RAN_OUT | outcomes_at(Step.RINGING)),
    "ran out, confirmed": (_lapsed_confirmed, RAN_OUT | outcomes_at(Step.TALKING)),
    "a colleague's": (_colleagues, everything(NOT_YOURS)),
    "taken after it ran out": (_taken_after_the_claim_lapsed, everything(NOT_YOURS)),
    "given back": (_given_back, everything(NOT_YOURS)),
    "handed over": (_handed_over, everything(NOT_YOURS)),
    "moved": (_moved, everything(NOT_YOURS)),
    "tried": (_tried_without_success, everything(NOT_YOURS)),
    "cancelled": (_cancelled, everything(CLOSED)),
    "number blocked": (_blocked, everything(CLOSED)),
    "reached": (_reached, everything(CLOSED)),
}


def act(stage, action):
    whose = {"callback": stage.callback, "by": stage.agent, "now": stage.now}
    if action in EVERY_OUTCOME:
        return attempts.record(**whose, outcome=action)
    step = {
        "show": dialing.show_number,
        "confirm": dialing.confirm_identity,
        "withdraw": dialing.withdraw_identity,
    }[action]
    return step(**whose)


def everything_stored(callback):
    return (
        Callback.objects.filter(pk=callback.pk).values().get(),
        sorted(Attempt.objects.values_list("number", "outcome", "identity_confirmed")),
        Event.objects.count(),
        BlockedNumber.objects.count(),
    )


class Undone(Exception):
    """So that each action finds the same state."""


def test_the_table_speaks_of_every_action_in_every_state():
    for _reach, answers in TABLE.values():
        assert set(answers) == {*STEPS, *EVERY_OUTCOME}


@pytest.mark.parametrize("state", TABLE)
def test_each_action_in_each_state_is_done_or_refused_and_then_changes_nothing(
    agent, other_agent, now, state
):
    stage = Stage(agent, other_agent, now)
    reach, answers = TABLE[state]
    reach(stage)
    callback = Callback.objects.get(pk=stage.callback.pk)
    before = everything_stored(callback)
    for action, refusal in answers.items():
        stage.callback = Callback.objects.get(pk=callback.pk)
        with suppress(Undone), transaction.atomic():
            if refusal is None:
                made = act(stage, action)
                # Only the row says whether somebody is known, and "reached" needs that it does.
                if action in EVERY_OUTCOME:
                    assert made.identity_confirmed is (callback.step is Step.TALKING), action
                    assert made.identity_confirmed or action not in NEEDS_IDENTITY, action
                raise Undone
            with pytest.raises(refusal) as refused:
                act(stage, action)
            assert type(refused.value) is refusal, action
            assert everything_stored(callback) == before, action


def test_only_suspected_danger_is_said_without_having_rung():
    assert OUTCOMES[Step.BRIEFING] == ("danger_suspected",)
    assert all("danger_suspected" in outcomes for outcomes in OUTCOMES.values())
    assert {"reached", "call_later"} == NEEDS_IDENTITY


# --- The database holds it too -------------------------------------------------------------------

BARE = {
    "shown without a claim": ("open", {"number_shown_at": 1}),
    "confirmed without a claim": ("open", {"identity_confirmed_at": 1}),
    "confirmed without a number": ("claimed", {"identity_confirmed_at": 1}),
    "a claim that goes and leaves its steps": (
        "identity confirmed",
        {"claimed_at": None, "claimed_by": None},
    ),
    "a number that goes and leaves the identity": ("identity confirmed", {"number_shown_at": None}),
    "closed under a claim": ("identity confirmed", {"status": "reached", "closed_at": 1}),
    "ended by a block and open": ("open", {"closed_by_block": "a block"}),
}


@pytest.mark.parametrize(("state", "changes"), BARE.values(), ids=BARE)
def test_no_update_past_the_actions_takes_a_step_out_of_order(
    agent, other_agent, now, state, changes
):
    stage = Stage(agent, other_agent, now)
    TABLE[state][0](stage)
    values = {
        "a block": lambda: blocks.block(number=JOHN, reason="asked", by=agent, now=now),
        1: lambda: now,
    }
    changes = {name: values.get(value, lambda: None)() for name, value in changes.items()} | {
        name: value for name, value in changes.items() if value not in (1, "a block")
    }
    with pytest.raises(IntegrityError), transaction.atomic():
        Callback.objects.filter(pk=stage.callback.pk).update(**changes)


ROWS = {
    "reached, identity unknown": {"outcome": "reached"},
    "later, identity unknown": {"outcome": "call_later"},
    "no answer from somebody known": {"outcome": "no_answer", "identity_confirmed": True},
    "without a number": {"outcome": "no_answer", "number_shown_at": None},
    "known without a number": {
        "outcome": "danger_suspected",
        "identity_confirmed": True,
        "number_shown_at": None,
    },
    "a wish broken without a message": {"outcome": "busy", "against_their_wish": True},
}


@pytest.mark.parametrize("fields", ROWS.values(), ids=ROWS)
def test_no_attempt_is_stored_that_no_screen_could_have_made(agent, now, fields):
    callback = open_callback(due_at=now, now=now)
    given = {"number": 1, "number_shown_at": now, "made_at": now, "made_by": agent, **fields}
    with pytest.raises(IntegrityError), transaction.atomic():
        Attempt(callback=callback, **given).save(force_insert=True)


def test_one_number_shown_has_one_outcome(agent, now):
    callback = open_callback(due_at=now, now=now)
    given = {"callback": callback, "outcome": "busy", "made_at": now, "made_by": agent}
    Attempt(number=1, number_shown_at=now, **given).save(force_insert=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        Attempt(number=2, number_shown_at=now, **given).save(force_insert=True)


# --- Showing the number --------------------------------------------------------------------------


@pytest.fixture
def mine(agent, now):
    callback = open_callback(due_at=now, now=now, owner=agent, reason="Stopping clonazepam")
    return callbacks.claim(callback=callback, by=agent, now=now)


def show(callback, by, now):
    return dialing.show_number(callback=callback, by=by, now=now)


def test_a_number_is_not_shown_outside_their_hours_and_the_next_times_are_offered(mine, agent, now):
    night = now + timedelta(hours=13)  # 23:00 in Washington
    callbacks.release(callback=mine, by=agent, now=now)
    callbacks.claim(callback=mine, by=agent, now=night)
    with pytest.raises(callbacks.OutsideCallingHours) as refused:
        show(mine, agent, night)
    assert refused.value.offers
    assert all(offer.at > night for offer in refused.value.offers)
    mine.refresh_from_db()
    assert mine.number_shown_at is None


@pytest.mark.parametrize("outcome", ["no_answer", "busy", "danger_suspected"])
def test_how_it_ended_is_recorded_though_their_safe_hours_leave_no_other_time(agent, now, outcome):
    night = time(22), time(23, 30)
    callback = open_callback(
        due_at=now,
        now=now,
        person=maria(safe_from=night[0], safe_until=night[1]),
        asked_outside_hours=True,
    )
    callbacks.claim(callback=callback, by=agent, now=now)
    dialing.show_number(callback=callback, by=agent, now=now)
    dialing.confirm_identity(callback=callback, by=agent, now=now)
    with pytest.raises(callbacks.NoTimeLeft, match="Enter the time they asked for"):
        attempts.record(callback=callback, outcome="call_later", by=agent, now=now)
    dialing.withdraw_identity(callback=callback, by=agent, now=now)
    attempts.record(callback=callback, outcome=outcome, by=agent, now=now)
    callback.refresh_from_db()
    assert callback.is_open
    assert callback.due_at > now
    callbacks.claim(callback=callback, by=agent, now=callback.due_at)
    with pytest.raises(callbacks.OutsideCallingHours, match="their own safe hours"):
        dialing.show_number(callback=callback, by=agent, now=callback.due_at)


def test_an_hour_they_asked_for_holds_for_that_hour_and_no_other_night(agent, now):
    due = now + timedelta(hours=13)
    callback = open_callback(due_at=due, now=now, asked_outside_hours=True)
    callbacks.claim(callback=callback, by=agent, now=due)
    show(callback, agent, due)
    callbacks.release(callback=callback, by=agent, now=due)
    much_later = due + timedelta(hours=5)
    callbacks.claim(callback=callback, by=agent, now=much_later)
    with pytest.raises(callbacks.OutsideCallingHours):
        show(callback, agent, much_later)


@pytest.mark.parametrize(("source", "most"), [("agent", 3), ("web", 2), ("phone", 2)])
def test_a_number_shown_counts_against_the_cap_though_nothing_was_recorded(
    agent, other_agent, now, source, most
):
    callback = open_callback(due_at=now, now=now, source=source)
    for minute in range(most):
        moment = now + timedelta(minutes=minute)
        callbacks.claim(callback=callback, by=agent, now=moment)
        show(callback, agent, moment)
        callbacks.release(callback=callback, by=agent, now=moment)
    callbacks.claim(callback=callback, by=other_agent, now=moment)
    with pytest.raises(callbacks.OutsideCallingHours):
        show(callback, other_agent, moment)
    made = callback.attempts.order_by("number")
    assert [one.outcome for one in made] == ["not_recorded"] * most
    assert {one.made_by for one in made} == {agent}
    callback.refresh_from_db()
    # Nobody knows whether anybody rang: the promise is neither kept nor moved by it.
    assert (callback.first_attempt_at, callback.due_at) == (None, now)


@pytest.mark.parametrize("reach", [_given_back, _handed_over, _moved, _cancelled, _blocked])
def test_whatever_ends_a_claim_leaves_the_try_on_record(agent, other_agent, now, reach):
    stage = Stage(agent, other_agent, now)
    reach(stage)
    made = stage.callback.attempts.get()
    assert (made.outcome, made.made_by, made.made_at) == ("not_recorded", agent, now)
    stage.callback.refresh_from_db()
    assert stage.callback.step is Step.BRIEFING
    assert stage.callback.claimed_by is None


def test_a_claim_that_ran_out_leaves_its_try_to_whoever_claims_next(agent, other_agent, now):
    stage = Stage(agent, other_agent, now)
    stage.show()
    stage.later(HALF_AN_HOUR)
    callbacks.claim(callback=stage.callback, by=other_agent, now=stage.now)
    made = stage.callback.attempts.get()
    assert (made.outcome, made.made_by, made.made_at) == ("not_recorded", agent, now)
    assert stage.callback.number_shown_at is None


def test_a_conversation_is_not_taken_over_after_half_an_hour_but_after_two(agent, other_agent, now):
    stage = Stage(agent, other_agent, now)
    stage.confirm()
    for span in (timedelta(minutes=31), timedelta(minutes=119)):
        with pytest.raises(callbacks.CallbackTaken, match="ava"):
            callbacks.claim(callback=stage.callback, by=other_agent, now=now + span)
    callbacks.claim(callback=stage.callback, by=other_agent, now=now + TWO_HOURS)
    assert stage.callback.claimed_by == other_agent


def test_showing_the_number_takes_the_half_hour_anew(mine, agent, other_agent, now):
    later = now + timedelta(minutes=25)
    show(mine, agent, later)
    with pytest.raises(callbacks.CallbackTaken):
        callbacks.claim(callback=mine, by=other_agent, now=now + timedelta(minutes=40))


def test_a_second_press_shows_and_confirms_nothing_twice(mine, agent, now):
    for minute in range(2):
        show(mine, agent, now + timedelta(minutes=minute))
        dialing.confirm_identity(callback=mine, by=agent, now=now + timedelta(minutes=minute))
    mine.refresh_from_db()
    assert (mine.number_shown_at, mine.identity_confirmed_at) == (now, now)
    for verb in ("callback.number_shown", "callback.identity_confirmed"):
        assert Event.objects.filter(verb=verb).count() == 1


def test_two_colleagues_never_ring_one_number_for_two_promises(mine, agent, other_agent, now):
    other = open_callback(due_at=now, now=now, person=maria(alias="Her son"))
    callbacks.claim(callback=other, by=other_agent, now=now)
    show(mine, agent, now)
    with pytest.raises(dialing.NumberInUse):
        show(other, other_agent, now)
    callbacks.release(callback=mine, by=agent, now=now)
    show(other, other_agent, now)


def test_a_blocked_a_missing_and_an_undialable_number_is_not_shown(mine, agent, now):
    refused = {
        None: callbacks.NoNumber,
        "+18765550123": dialing.dialable.NotDialable,
    }
    for phone, refusal in refused.items():
        person = Person.objects.get(pk=mine.person_id)
        person.phone = phone
        person.save()
        mine.refresh_from_db()
        with pytest.raises(refusal):
            show(mine, agent, now)
    person.phone = MARIA
    person.save()
    mine.refresh_from_db()
    blocked_behind_its_back(MARIA, now)
    with pytest.raises(callbacks.NumberBlocked):
        show(mine, agent, now)


def blocked_behind_its_back(number, now):
    """By a transaction that did not see this callback."""
    digest, key_id = lone_digest(blocks.PURPOSE, number)
    BlockedNumber.objects.create(
        number_digest=digest, key_id=key_id, reason="asked", blocked_at=now
    )


def test_a_number_changed_while_it_rings_is_not_shown_if_it_may_not_be_rung(
    mine, agent, client_for, frozen, now
):
    show(mine, agent, now)
    blocked_behind_its_back(JOHN, now)
    for number in (JOHN, "+18765550123"):
        person = Person.objects.get(pk=mine.person_id)
        person.phone = number
        person.save()
        assert "tel:" not in client_for(agent).get(page(mine)).text


# --- Voicemail -----------------------------------------------------------------------------------


def test_no_message_is_left_where_none_is_wanted_but_a_slip_can_be_told(agent, now):
    person = maria(voicemail_rule=Person.VoicemailRule.NONE)
    callback = open_callback(due_at=now, now=now, person=person)
    callbacks.claim(callback=callback, by=agent, now=now)
    with pytest.raises(attempts.VoicemailNotAllowed):
        rung(callback, "voicemail_left", by=agent, now=now)
    assert not callback.attempts.exists()
    made = attempts.record(
        callback=callback, outcome="voicemail_left", by_mistake=True, by=agent, now=now
    )
    assert made.against_their_wish
    told = Event.objects.get(verb="callback.attempted")
    assert told.detail == {"outcome": "voicemail_left", "against_their_wish": True}


def test_a_second_message_is_never_left(mine, agent, now):
    first = rung(mine, "voicemail_left", by=agent, now=now)
    assert not first.against_their_wish
    tomorrow = mine.due_at
    callbacks.claim(callback=mine, by=agent, now=tomorrow)
    show(mine, agent, tomorrow)
    with pytest.raises(attempts.VoicemailNotAllowed):
        attempts.record(callback=mine, outcome="voicemail_left", by=agent, now=tomorrow)


# --- Once ----------------------------------------------------------------------------------------


def test_the_same_end_of_the_same_try_is_written_once_and_another_end_refused(mine, agent, now):
    show(mine, agent, now)
    args = {"callback": mine, "by": agent, "now": now, "shown_at": now}
    first = attempts.record(**args, outcome="no_answer")
    assert attempts.record(**args, outcome="no_answer") == first
    with pytest.raises(attempts.AlreadyRecorded):
        attempts.record(**args, outcome="wrong_number")
    assert mine.attempts.count() == 1


def test_an_outcome_from_a_page_of_an_earlier_try_ends_no_later_one(mine, agent, now):
    show(mine, agent, now)
    callbacks.release(callback=mine, by=agent, now=now)
    later = now + timedelta(minutes=5)
    callbacks.claim(callback=mine, by=agent, now=later)
    show(mine, agent, later)
    with pytest.raises(dialing.NumberNotShown):
        attempts.record(callback=mine, outcome="busy", shown_at=now, by=agent, now=later)
    assert [one.outcome for one in mine.attempts.all()] == ["not_recorded"]


@pytest.mark.django_db(transaction=True)
def test_of_two_outcomes_at_once_one_is_recorded(agent, now):
    callback = open_callback(due_at=now, now=now)
    callbacks.claim(callback=callback, by=agent, now=now)
    show(callback, agent, now)

    def end(outcome):
        own = Callback.objects.get(pk=callback.pk)
        attempts.record(callback=own, outcome=outcome, shown_at=now, by=agent, now=now)

    answers = at_once(*(lambda outcome=outcome: end(outcome) for outcome in ("busy", "no_answer")))
    assert sorted(answers) == ["AlreadyRecorded", "done"]
    assert callback.attempts.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_outcome_twenty_times_at_once_is_one_attempt(agent, now):
    callback = open_callback(due_at=now, now=now)
    callbacks.claim(callback=callback, by=agent, now=now)
    show(callback, agent, now)

    def end():
        own = Callback.objects.get(pk=callback.pk)
        attempts.record(callback=own, outcome="busy", shown_at=now, by=agent, now=now)

    assert at_once(*[end] * 20) == ["done"] * 20
    assert callback.attempts.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_colleagues_who_show_one_number_for_two_promises_at_once_one_sees_it(
    agent, other_agent, now
):
    both = [
        (open_callback(due_at=now, now=now, person=maria(alias=name)), by)
        for name, by in (("Maria", agent), ("Her son", other_agent))
    ]
    for callback, by in both:
        callbacks.claim(callback=callback, by=by, now=now)
    answers = at_once(
        *(
            lambda callback=callback, by=by: show(Callback.objects.get(pk=callback.pk), by, now)
            for callback, by in both
        )
    )
    assert sorted(answers) == ["NumberInUse", "done"]


# --- The screen ----------------------------------------------------------------------------------


def page(callback, name="dial"):
    return reverse(f"admin:intake_callback_{name}", args=[callback.pk])


ABOUT = "Stopping clonazepam"


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
    "a colleague's claim": _taken_after_the_claim_lapsed,
    "given back": _given_back,
    "handed over": _handed_over,
    "moved": _moved,
    "cancelled": _cancelled,
    "blocked": _blocked,
    "ended": _reached,
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
    assert "0143" not in str(list(told.values("detail")))
