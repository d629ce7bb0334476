"""Requests the limits of the form held back: decided by a human, never lost."""

import functools
from datetime import timedelta

import pytest
from django.urls import reverse

from intake.actions import blocks, callbacks, claims, doorbell, reviews
from intake.actions.admission import NotWaiting
from intake.models import Callback, Event, PersonNameWord
from tests.casting import maria, open_callback
from tests.racing import at_once
from tests.reviewing import HOUR, MINUTE, hold, state, told

pytestmark = pytest.mark.django_db


@pytest.fixture
def held(now):
    return functools.partial(hold, now=now)


# --- Letting through -------------------------------------------------------------------------------


@pytest.mark.parametrize("because", Callback.HeldBecause.values)
def test_whatever_it_was_held_for_a_human_may_let_it_through(held, agent, now, because):
    request = held(because)
    assert not request.reminders.exists()
    reviews.release(callback=request, by=agent, now=now)
    assert state(request) == "open"
    # Why it was held stays on record, and so does who decided.
    assert request.held_because == because
    assert set(request.reminders.values_list("stage", flat=True)) >= {"due", "overdue", "breach"}
    event = Event.objects.get(verb="callback.admitted", subject_id=str(request.pk))
    assert event.actor == agent


def test_a_time_ahead_stays_and_one_that_passed_becomes_the_next_allowed(held, agent, now):
    ahead = held(due_at=now + 3 * HOUR)
    within = held(due_at=now - HOUR, window_ends_at=now + HOUR)
    passed = held(due_at=now - 3 * HOUR, window_ends_at=now - HOUR)
    at_night = now + timedelta(hours=12)  # 22:00 in Washington
    too_late = held(due_at=now - HOUR)
    for request in (ahead, within, passed):
        reviews.release(callback=request, by=agent, now=now)
        request.refresh_from_db()
    reviews.release(callback=too_late, by=agent, now=at_night)
    too_late.refresh_from_db()
    assert (ahead.due_at, ahead.first_deadline_at) == (now + 3 * HOUR, None)
    assert (within.due_at, within.window_ends_at) == (now - HOUR, now + HOUR)
    # What was missed stays missed.
    assert (passed.due_at, passed.window_ends_at) == (now, None)
    assert passed.first_deadline_at == now - HOUR
    assert too_late.due_at == now + timedelta(hours=22)  # 8:00 the next morning
    for request in (ahead, within, passed, too_late):
        assert set(request.reminders.filter(stage="due").values_list("due_at", flat=True)) == {
            request.due_at
        }


def test_the_odd_hour_they_asked_for_holds_as_long_as_it_is_what_allows_the_call(held, agent, now):
    at_night = now + timedelta(hours=12)
    asked = held(due_at=at_night, asked_outside_hours=True)
    missed = held(due_at=at_night, asked_outside_hours=True)
    reviews.release(callback=asked, by=agent, now=at_night + 10 * MINUTE)
    reviews.release(callback=missed, by=agent, now=at_night + timedelta(hours=5))
    asked.refresh_from_db(), missed.refresh_from_db()
    assert (asked.due_at, asked.asked_outside_hours) == (at_night + 10 * MINUTE, True)
    assert (missed.due_at, missed.asked_outside_hours) == (now + timedelta(hours=22), False)


def test_somebody_in_danger_is_on_the_desk_the_moment_it_is_let_through(
    held, agent, now, monkeypatch, django_capture_on_commit_callbacks
):
    rung = []
    monkeypatch.setattr(doorbell, "ring", rung.append)
    request = held(due_at=now, in_danger=True)
    with django_capture_on_commit_callbacks(execute=True):
        reviews.release(callback=request, by=agent, now=now + 20 * MINUTE)
    assert doorbell.BELLS["in_app"] in rung
    request.refresh_from_db()
    assert request.due_at == now + 20 * MINUTE


def test_a_number_that_is_blocked_or_tried_out_ends_it_as_admission_would(
    held, agent, now, monkeypatch
):
    block = blocks.block(number="+12025550187", reason="declined", by=agent, now=now)
    blocked = held(person=maria(phone="+12025550187"))
    reviews.release(callback=blocked, by=agent, now=now)
    assert (state(blocked), blocked.closed_by_block) == ("cancelled", block)
    tried = held(due_at=now - HOUR)
    monkeypatch.setattr("intake.actions.calling_hours.is_tried_out", lambda callback: True)
    reviews.release(callback=tried, by=agent, now=now)
    assert (state(tried), tried.due_at) == ("exhausted", now - HOUR)
    assert not tried.reminders.exists()


def test_what_no_sweep_looked_at_is_let_through_and_can_be_found_by_name(held, agent, now):
    request = held("", status="received")
    PersonNameWord.objects.all().delete()
    reviews.release(callback=request, by=agent, now=now)
    assert state(request) == "open"
    assert PersonNameWord.objects.filter(person=request.person).exists()


def test_of_two_who_decide_at_once_one_wins_and_the_other_is_told(held, agent, other_agent, now):
    first, second = held(), held()
    reviews.release(callback=first, by=agent, now=now)
    with pytest.raises(NotWaiting):
        reviews.turn_down(callback=first, reason="not_genuine", by=other_agent, now=now)
    with pytest.raises(NotWaiting):
        reviews.release(callback=first, by=other_agent, now=now)
    reviews.turn_down(callback=second, reason="not_genuine", by=agent, now=now)
    with pytest.raises(NotWaiting):
        reviews.release(callback=second, by=other_agent, now=now)
    assert (state(first), state(second)) == ("open", "cancelled")


@pytest.mark.django_db(transaction=True)
def test_of_many_who_press_at_the_same_moment_one_wins(held, agent, now):
    request = held()

    def release():
        reviews.release(callback=Callback.objects.get(pk=request.pk), by=agent, now=now)

    def turn_down():
        one = Callback.objects.get(pk=request.pk)
        reviews.turn_down(callback=one, reason="not_genuine", by=agent, now=now)

    answers = at_once(*[release, turn_down] * 6)
    assert sorted(set(answers)) == ["NotWaiting", "done"]
    assert answers.count("done") == 1
    verbs = Event.objects.values_list("verb", flat=True)
    assert len({"callback.admitted", "callback.turned_down"} & set(verbs)) == 1
    assert request.reminders.exists() is (state(request) == "open")


def test_what_waits_is_rung_by_nobody(held, agent, now):
    request = held(due_at=now)
    for refused in (
        lambda: callbacks.claim(callback=request, by=agent, now=now),
        lambda: callbacks.hand_over(callback=request, to=None, reason="busy", by=agent, now=now),
    ):
        with pytest.raises(claims.RequestNotReviewed) as refusal:
            refused()
        assert "review" in refusal.value.message


# --- Turning down ----------------------------------------------------------------------------------


def test_turned_down_it_has_ended_with_who_and_why_and_is_rung_by_nobody(held, supervisor, now):
    request = held("unproven")
    reviews.turn_down(callback=request, reason="duplicate", by=supervisor, now=now)
    assert (state(request), request.closed_at) == ("cancelled", now)
    assert (request.turned_down_because, request.held_because) == ("duplicate", "unproven")
    event = Event.objects.get(verb="callback.turned_down")
    assert (event.actor, event.detail) == (supervisor, {"reason": "duplicate"})
    assert not request.reminders.exists()


def test_a_trick_on_one_number_is_turned_down_in_one_go(held, frozen, client_for, agent, now):
    one, *others = (held("number") for _n in range(4))
    unswept = held("", status="received")
    somebody_else, opened = (
        held(person=maria(phone="+12025550188")),
        open_callback(due_at=now, now=now),
    )
    client, page = client_for(agent), reverse("admin:intake_callback_turn_down", args=[one.pk])
    assert (
        "Also the 4 other requests that wait for this number" in client.get(page).content.decode()
    )
    response = client.post(page, {"reason": "not_genuine", "others": "on"})
    assert "5 requests are turned down." in told(response)
    assert {state(ended) for ended in (one, *others, unswept)} == {"cancelled"}
    assert (state(somebody_else), state(opened)) == ("held", "open")
    page = reverse("admin:intake_callback_turn_down", args=[somebody_else.pk])
    assert "Also the" not in client.get(page).content.decode()


def test_of_the_others_for_that_number_those_in_danger_stay(held, frozen, client_for, agent, now):
    one, other = held("number"), held("number")
    danger = held("number", in_danger=True)
    client, page = client_for(agent), reverse("admin:intake_callback_turn_down", args=[one.pk])
    stays = "1 request said to be in danger stays: look at it by itself."
    text = client.get(page).content.decode()
    assert "Also the 1 other request that waits for this number" in text
    assert stays in text
    text = told(client.post(page, {"reason": "not_genuine", "others": "on"}))
    assert "2 requests are turned down." in text
    assert stays in text
    assert [state(ended) for ended in (one, other, danger)] == ["cancelled", "cancelled", "held"]
    # Looked at by itself, it may be turned down like any other.
    page = reverse("admin:intake_callback_turn_down", args=[danger.pk])
    client.post(page, {"reason": "not_genuine"})
    assert state(danger) == "cancelled"


def test_a_made_up_reason_is_none(held, agent, now):
    with pytest.raises(ValueError, match="because"):
        reviews.turn_down(callback=held(), reason="because", by=agent, now=now)


def test_what_was_open_is_not_turned_down(held, agent, now):
    request = open_callback(due_at=now, now=now)
    with pytest.raises(NotWaiting):
        reviews.turn_down(callback=request, reason="not_genuine", by=agent, now=now)
    assert state(request) == "open"
