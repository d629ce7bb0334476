"""Who rings: one of a hundred who press at once, until it is given back, handed on or grows old."""

from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse

from intake.actions import callbacks
from intake.models import Callback, Event, Notice
from tests.casting import open_callback
from tests.conftest import member_of
from tests.racing import at_once

pytestmark = pytest.mark.django_db

# SQLite lets its writers in one by one: twenty show the same as a hundred.
RACERS = {"postgresql": 100, "sqlite": 20}


@pytest.fixture
def callback(agent, now):
    return open_callback(due_at=now, now=now, owner=agent)


def page(callback, name="change"):
    return reverse(f"admin:intake_callback_{name}", args=[callback.pk])


def claim_events():
    return Event.objects.filter(verb="callback.claimed")


# --- Claiming ------------------------------------------------------------------------------------


def test_a_claim_has_one_holder_until_it_is_given_back_or_grows_old(
    callback, agent, other_agent, now
):
    callbacks.claim(callback=callback, by=agent, now=now)
    with pytest.raises(callbacks.CallbackTaken, match=r"^ava has claimed this callback\.$"):
        callbacks.claim(callback=callback, by=other_agent, now=now + timedelta(minutes=29))
    with pytest.raises(callbacks.CallbackNotYours):
        callbacks.release(callback=callback, by=other_agent, now=now)
    callbacks.release(callback=callback, by=agent, now=now)
    callbacks.claim(callback=callback, by=other_agent, now=now)
    callbacks.claim(callback=callback, by=agent, now=now + timedelta(minutes=31))
    assert callback.claimed_by == agent


@pytest.mark.parametrize(
    ("urgency", "window", "minutes", "owner"),
    [
        ("routine", None, 14, "ava"),
        ("routine", None, 15, None),
        ("high", None, 9, "ava"),
        ("urgent", None, 5, None),
        ("routine", 60, 44, "ava"),
        ("routine", 60, 45, None),
    ],
)
def test_given_back_once_it_is_overdue_it_is_the_pools(agent, now, urgency, window, minutes, owner):
    ends = now + timedelta(minutes=window) if window else None
    callback = open_callback(due_at=now, now=now, owner=agent, urgency=urgency, window_ends_at=ends)
    callbacks.claim(callback=callback, by=agent, now=now)
    callbacks.release(callback=callback, by=agent, now=now + timedelta(minutes=minutes))
    callback.refresh_from_db()
    assert getattr(callback.owner, "username", None) == owner
    assert Event.objects.filter(verb="callback.pooled").count() == (owner is None)


@pytest.mark.django_db(transaction=True)
def test_of_a_hundred_claims_at_once_one_wins_and_the_others_hear_who(callback, now):
    people = [member_of("Agent", f"agent{number}") for number in range(RACERS[connection.vendor])]
    told = []

    def claim(user):
        try:
            callbacks.claim(callback=Callback.objects.get(pk=callback.pk), by=user, now=now)
        except callbacks.CallbackTaken as refusal:
            told.append(refusal.message)
            raise

    answers = at_once(*(lambda user=user: claim(user) for user in people))
    callback.refresh_from_db()
    losers = len(people) - 1
    assert Counter(answers) == {"done": 1, "CallbackTaken": losers}
    winner = callback.claimed_by.get_username()
    assert Counter(told) == {f"{winner} has claimed this callback.": losers}
    assert claim_events().count() == 1


def test_the_desk_claims_with_one_press_and_a_second_press_leads_on(
    callback, agent, client_for, frozen
):
    client = client_for(agent)
    assert page(callback, "claim") in client.get(reverse("admin:index")).content.decode()
    for _press in range(2):
        assert client.post(page(callback, "claim")).url == page(callback, "dial")
    assert claim_events().count() == 1


def test_the_second_to_claim_is_told_on_the_page_who_has_it(
    callback, agent, other_agent, client_for
):
    client_for(agent).post(page(callback, "claim"))
    client = client_for(other_agent)
    answer = client.post(page(callback, "claim"))
    assert answer.status_code == 422
    assert "ava has claimed this callback." in answer.content.decode()
    record = client.get(page(callback)).content.decode()
    assert "ava is ringing them now" in record
    assert page(callback, "claim") not in record


# --- Handing over --------------------------------------------------------------------------------


def hand_over(callback, to, by, now, reason="shift_ends"):
    return callbacks.hand_over(callback=callback, to=to, reason=reason, by=by, now=now)


def test_a_callback_goes_to_a_colleague_or_the_pool_with_its_claim_and_its_notices(
    callback, agent, other_agent, now
):
    callbacks.claim(callback=callback, by=agent, now=now)
    reminder = callback.reminders.create(
        stage="due", channel="in_app", due_at=now, next_try_at=now, status="sent", sent_at=now
    )
    notice = Notice.objects.create(reminder=reminder, plan=1, recipient=agent, shown_from=now)
    hand_over(callback, other_agent, agent, now)
    notice.refresh_from_db()
    assert (callback.owner, callback.claimed_by, notice.recipient) == (
        other_agent,
        None,
        other_agent,
    )
    hand_over(callback, None, other_agent, now, reason="busy")
    assert callback.owner is None
    told = Event.objects.filter(verb="callback.handed_over").order_by("at", "id")
    assert [event.detail for event in told] == [
        {"to": other_agent.pk, "reason": "shift_ends"},
        {"to": None, "reason": "busy"},
    ]


def test_only_whose_it_is_and_a_supervisor_may_hand_it_over(
    callback, agent, other_agent, supervisor, privacy_officer, now
):
    with pytest.raises(callbacks.CallbackNotYours):
        hand_over(callback, other_agent, other_agent, now)
    with pytest.raises(callbacks.TakesNoCalls):
        hand_over(callback, privacy_officer, agent, now)
    with pytest.raises(callbacks.AlreadyTheirs):
        hand_over(callback, agent, agent, now)
    with pytest.raises(ValueError, match="weather"):
        hand_over(callback, other_agent, agent, now, reason="weather")
    hand_over(callback, other_agent, supervisor, now, reason="shared_out")
    assert callback.owner == other_agent


def test_nobody_takes_a_callback_from_a_colleague_who_is_ringing(
    callback, agent, other_agent, supervisor, now
):
    callbacks.claim(callback=callback, by=other_agent, now=now)
    for by in (agent, supervisor):
        with pytest.raises(callbacks.CallbackTaken, match="noor"):
            hand_over(callback, None, by, now)
    # A claim nobody finished binds nobody.
    hand_over(callback, None, agent, now + timedelta(minutes=31))
    assert callback.claimed_by is None
    callbacks.cancel(callback=callback, by=agent, now=now)
    with pytest.raises(callbacks.CallbackAlreadyClosed):
        hand_over(callback, other_agent, agent, now)


@pytest.mark.django_db(transaction=True)
def test_handing_over_and_claiming_at_once_leave_one_holder(callback, agent, other_agent, now):
    def own():
        return Callback.objects.get(pk=callback.pk)

    answers = at_once(
        lambda: hand_over(own(), None, agent, now),
        lambda: callbacks.claim(callback=own(), by=other_agent, now=now),
    )
    callback.refresh_from_db()
    # Whichever came first, it is claimed; a hand-over that came too late changed nothing.
    assert callback.claimed_by == other_agent
    assert sorted(answers) in (["done", "done"], ["CallbackTaken", "done"])
    assert callback.owner == (agent if "CallbackTaken" in answers else None)


def test_the_page_hands_over_shows_why_and_refuses_what_was_not_offered(
    callback, agent, other_agent, privacy_officer, client_for, frozen
):
    client = client_for(agent)
    assert page(callback, "handover") in client.get(page(callback)).content.decode()
    for wrong in (
        {"to": other_agent.pk},
        {"to": privacy_officer.pk, "reason": "busy"},
        {"to": "x\0", "reason": "9" * 5000},
    ):
        assert client.post(page(callback, "handover"), wrong).status_code == 422
    answer = client.post(page(callback, "handover"), {"to": other_agent.pk, "reason": "shift_ends"})
    assert answer.url == reverse("admin:index")
    shown = client.get(page(callback)).content.decode()
    assert "Handed to noor" in shown
    assert "My shift ends" in shown
    assert page(callback, "handover") not in shown
    again = client.post(page(callback, "handover"), {"to": "", "reason": "busy"})
    assert again.status_code == 422
    assert page(callback, "claim") in client_for(other_agent).get("/admin/").content.decode()
