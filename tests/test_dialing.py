"""Ringing back: when a number is shown, that each try is on record, and once."""

from datetime import time, timedelta

import pytest

from intake.actions import attempts, blocks, callbacks, dialing
from intake.crypto import lone_digest
from intake.models import BlockedNumber, Callback, Event, Person
from intake.rules.dialing import Step
from tests.casting import JOHN, MARIA, maria, open_callback, rung
from tests.racing import at_once
from tests.ringing import (
    HALF_AN_HOUR,
    TWO_HOURS,
    Stage,
    blocked,
    cancelled,
    claimed,
    given_back,
    handed_over,
    moved,
    page,
    show,
)

pytestmark = pytest.mark.django_db


# --- Showing the number --------------------------------------------------------------------------


@pytest.fixture
def mine(agent, now):
    return claimed(agent, now)


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


@pytest.mark.parametrize("reach", [given_back, handed_over, moved, cancelled, blocked])
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
