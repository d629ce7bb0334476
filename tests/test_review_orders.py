"""One word for all requests that are held for one reason."""

import functools

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from intake.actions import reviews
from intake.models import Callback, Event, ReviewOrder
from tests import reviewing
from tests.racing import at_once
from tests.reviewing import HOUR, QUEUE, hold, hold_many, state, told

pytestmark = pytest.mark.django_db


@pytest.fixture
def held(now):
    return functools.partial(hold, now=now)


@pytest.fixture
def many(now):
    return functools.partial(hold_many, now=now)


@pytest.fixture
def press(frozen, client_for, agent):
    """Press a button of the page; returns the answer."""

    def send(decision, marked=(), *, user=None, **more):
        return reviewing.press(client_for(user or agent), decision, marked, **more)

    return send


def carried_out(now):
    while reviews.carry_out(now=now):
        pass


def test_one_press_lets_everything_through_that_waits_for_that_reason(
    many, held, press, client_for, agent, now
):
    made, other, later = many(120), held("unproven"), held(now=now + HOUR)
    assert press("release_all", because="ceiling").status_code == 302
    # The request only says so; the sweep does it.
    assert Callback.objects.filter(status="open").count() == 0
    assert reviews.carry_out(now=now) == reviews.BATCH
    text = client_for(agent).get(QUEUE).content.decode()
    assert "Being let through" in text
    assert "25 requests so far" in text
    carried_out(now)
    assert Callback.objects.filter(status="open").count() == len(made)
    # What came after the press was not meant by it.
    assert (state(other), state(later)) == ("held", "held")
    order = ReviewOrder.objects.get()
    assert (order.decided, order.done_at, order.ordered_by) == (120, now, agent)
    admitted = Event.objects.filter(verb="callback.admitted")
    assert set(admitted.values_list("actor", flat=True)) == {agent.pk}
    assert reviews.carry_out(now=now) == 0


def test_those_in_danger_go_first(many, held, agent, now):
    many(3)
    danger = held(in_danger=True)
    reviews.order(because="ceiling", by=agent, now=now)
    assert reviews.carry_out(now=now, limit=1) == 1
    assert state(danger) == "open"


def test_a_second_press_orders_nothing_twice(held, press, now):
    held()
    assert press("release_all", because="ceiling").status_code == 302
    response = press("release_all", because="ceiling")
    assert response.status_code == 422
    assert "under way" in response.content.decode()
    carried_out(now)
    assert press("release_all", because="ceiling").status_code == 302


@pytest.mark.parametrize("because", ["number", "stopped", "failed", ""])
def test_what_needs_a_look_at_each_is_not_decided_at_once(held, press, because):
    held()
    assert press("release_all", because=because).status_code == 422
    assert not ReviewOrder.objects.exists()


def test_only_a_supervisor_turns_down_what_nobody_looked_at(many, press, supervisor, now):
    many(3, "unproven")
    data = {"because": "unproven", "reason": "not_genuine"}
    assert press("turn_down_all", **data).status_code == 422
    assert press("turn_down_all", user=supervisor, because="unproven").status_code == 422
    assert press("turn_down_all", user=supervisor, **data).status_code == 302
    carried_out(now)
    found = Callback.objects.values_list("status", "turned_down_because").distinct()
    assert list(found) == [("cancelled", "not_genuine")]


def test_nobody_in_danger_is_turned_down_unseen(
    many, held, press, client_for, agent, supervisor, now
):
    others = many(3, "unproven")
    dangers = [held("unproven", in_danger=True) for _n in range(2)]
    page = client_for(supervisor).get(QUEUE).content.decode()
    assert "Turn the other 3 down, unseen" in page
    assert "2 requests said to be in danger stay: look at each by itself." in page
    text = told(press("turn_down_all", user=supervisor, because="unproven", reason="not_genuine"))
    assert "It is being done." in text
    assert "2 requests said to be in danger stay: look at each by itself." in text
    carried_out(now)
    assert {state(one) for one in others} == {"cancelled"}
    assert {(state(one), one.held_because) for one in dangers} == {("held", "unproven")}
    order = ReviewOrder.objects.get()
    assert (order.decided, order.done_at) == (len(others), now)
    # Nothing is left to turn down unseen; to let them through is still one press.
    page = client_for(supervisor).get(QUEUE).content.decode()
    assert "unseen" not in page
    assert "Let all 2 through" in page
    reviews.order(because="unproven", by=agent, now=now)
    carried_out(now)
    assert {state(one) for one in dangers} == {"open"}


def test_who_says_meanwhile_that_they_are_in_danger_stays_too(many, supervisor, now, monkeypatch):
    """Between the moment an order reads its requests and the moment it decides them."""
    changed, other = many(2, "unproven")
    carry_out = reviews._carry_out

    def after_a_change(current, batch, at):
        Callback.objects.filter(pk=changed.pk).update(in_danger=True, urgency="urgent")
        return carry_out(current, batch, at)

    monkeypatch.setattr(reviews, "_carry_out", after_a_change)
    told_why = {"because": "unproven", "turned_down_because": "not_genuine"}
    reviews.order(**told_why, by=supervisor, now=now)
    carried_out(now)
    assert (state(changed), state(other)) == ("held", "cancelled")


def test_one_that_cannot_be_decided_is_set_aside_and_stands_in_nobodys_way(
    many, agent, now, monkeypatch, caplog
):
    first, second, third = many(3)
    release = reviews.release

    def sometimes(*, callback, **named):
        if callback.pk == second.pk:
            raise RuntimeError("+12025550187")
        return release(callback=callback, **named)

    monkeypatch.setattr(reviews, "release", sometimes)
    reviews.order(because="ceiling", by=agent, now=now)
    carried_out(now)
    assert (state(first), state(second), state(third)) == ("open", "held", "open")
    assert second.held_because == "failed"
    told = Event.objects.get(subject_id=str(second.pk), verb="callback.held")
    assert told.detail == {"because": "failed"}
    assert ReviewOrder.objects.get().decided == 2


def test_trouble_with_the_database_is_no_fault_of_a_request(many, agent, now, monkeypatch):
    (only,) = many(1)

    def lost(**named):
        raise OperationalError("the connection is lost")

    reviews.order(because="ceiling", by=agent, now=now)
    with monkeypatch.context() as patched:
        patched.setattr(reviews, "release", lost)
        with pytest.raises(OperationalError):
            reviews.carry_out(now=now)
    assert (state(only), only.held_because) == ("held", "ceiling")
    carried_out(now)
    assert state(only) == "open"


@pytest.mark.django_db(transaction=True)
def test_any_number_of_sweeps_carry_one_order_out_and_decide_each_request_once(many, agent, now):
    made = many(60)
    reviews.order(because="ceiling", by=agent, now=now)
    answers = at_once(*[lambda: carried_out(now)] * 4)
    carried_out(now)
    assert set(answers) == {"done"}
    assert Callback.objects.filter(status="open").count() == len(made)
    assert Event.objects.filter(verb="callback.admitted").count() == len(made)
    assert Event.objects.filter(verb="review.done").count() == 1
    order = ReviewOrder.objects.get()
    assert (order.decided, order.done_at) == (len(made), now)


def test_the_sweep_of_the_desk_carries_orders_out(many, agent, now):
    import time

    from intake.actions import sweeping

    many(3)
    reviews.order(because="ceiling", by=agent, now=now)
    sweeping.sweep(channels=["in_app"], seconds=60, monotonic=time.monotonic)
    assert Callback.objects.filter(status="open").count() == 3


def test_letting_one_through_costs_the_same_however_many_wait(many, agent, now):
    counted = []
    for number in (2, 40):
        many(number)
        reviews.order(because="ceiling", by=agent, now=now)
        with CaptureQueriesContext(connection) as queries:
            reviews.carry_out(now=now, limit=2)
        counted.append(len(queries))
        ReviewOrder.objects.update(done_at=now)
    assert counted[1] <= counted[0] <= 50
