"""What the holder of a private link does while somebody else does something: nobody is rung for it."""

from datetime import timedelta

import pytest

from intake.actions import admission, callbacks, dialing
from intake.models import Callback, Event, OnlineStop, Reminder
from tests.casting import maria
from tests.link_holder import HOUR, asked, change, fresh, stop, withdraw
from tests.racing import at_once

pytestmark = pytest.mark.django_db


racing = pytest.mark.django_db(transaction=True)


@racing
@pytest.mark.parametrize("round_", range(5))
def test_claimed_and_taken_back_at_once_nobody_is_rung_after_it(agent, now, round_):
    callback = asked(now, due_in=timedelta(0))

    def rings():
        own = Callback.objects.select_related("person").get(pk=callback.pk)
        callbacks.claim(callback=own, by=agent, now=now)
        dialing.show_number(callback=own, by=agent, now=now)

    told = at_once(rings, lambda: withdraw(callback, now))
    after = fresh(callback)
    if after.status == "cancelled":
        assert after.number_shown_at is None
        assert {"CallbackAlreadyClosed", "CallbackNotYours"} & set(told)
    else:
        assert sorted(told) == ["BeingRung", "done"]
        assert after.number_shown_at == now


@racing
@pytest.mark.parametrize("act", [withdraw, change])
def test_pressed_ten_times_at_once_it_happens_once(now, act):
    callback = asked(now)
    told = at_once(*[lambda: act(callback, now)] * 10)
    assert set(told) <= {"done", "RequestClosed"}
    verb = "callback.withdrawn" if act is withdraw else "callback.rescheduled"
    assert Event.objects.filter(verb=verb).count() == 1


@racing
def test_stopped_ten_times_at_once_it_is_one_stop(now):
    callback = asked(now)
    asked(now, person=maria(alias="Another"))
    assert at_once(*[lambda: stop(callback, now)] * 10) == ["done"] * 10
    assert OnlineStop.objects.count() == 1
    assert Event.objects.filter(verb="number.stopped_online").count() == 1
    assert sorted(Callback.objects.values_list("status", flat=True)) == ["cancelled", "held"]


@racing
def test_two_links_of_one_number_stopped_at_once_is_no_deadlock(now):
    one, other = asked(now), asked(now, person=maria(alias="Another"))
    told = at_once(*[lambda: stop(one, now), lambda: stop(other, now)] * 3)
    assert told == ["done"] * 6
    assert OnlineStop.objects.count() == 1
    assert not Callback.objects.filter(status="open").exists()


@racing
@pytest.mark.parametrize("round_", range(3))
def test_moved_in_one_tab_and_taken_back_in_the_other_it_is_taken_back(now, round_):
    callback = asked(now)
    told = at_once(lambda: change(callback, now), lambda: withdraw(callback, now))
    assert set(told) <= {"done", "RequestClosed"}
    after = fresh(callback)
    assert after.status == "cancelled"
    assert not after.reminders.exclude(status=Reminder.Status.VOID).exists()


@racing
@pytest.mark.parametrize("act", [change, withdraw, stop])
def test_let_in_at_the_same_moment_it_is_rung_as_they_said_last(now, act):
    callback = asked(now, status="received")
    told = at_once(lambda: act(callback, now), lambda: admission.admit_received(limit=10, now=now))
    assert told == ["done", "done"]
    after = fresh(callback)
    if after.status == "received":
        admission.admit_received(limit=10, now=now)
        after = fresh(callback)
    planned = after.reminders.exclude(status=Reminder.Status.VOID)
    if act is change:
        assert (after.status, after.due_at) == ("open", now + 4 * HOUR)
        assert set(planned.filter(stage="due").values_list("due_at", flat=True)) == {after.due_at}
    else:
        assert after.status == "cancelled"
        assert not planned.exists()


def meanwhile(monkeypatch, happens):
    """Something that happens once, when admission has decided and has not written it down."""
    decide = admission.decide
    left = [happens]

    def decided(callback, *args, **kwargs):
        verdict = decide(callback, *args, **kwargs)
        if left:
            left.pop()()
        return verdict

    monkeypatch.setattr(admission, "decide", decided)


@racing
@pytest.mark.parametrize("danger", [False, True])
def test_a_request_let_in_while_its_number_is_stopped_is_held_all_the_same(
    now, monkeypatch, danger
):
    callback = asked(now)
    crossing = asked(now, status="received", person=maria(alias="Crossing"))
    mine = asked(now, status="received", in_danger=True, person=maria(alias="Mine"))
    meanwhile(monkeypatch, lambda: stop(mine if danger else callback, now))
    for _ in range(2):
        admission.admit_received(limit=10, now=now)
    assert (fresh(crossing).status, fresh(crossing).held_because) == ("held", "stopped")
    if danger:
        assert (fresh(mine).status, fresh(mine).held_because) == ("held", "stopped")
    assert crossing.person.name_words.exists()


@racing
@pytest.mark.parametrize("act", [change, withdraw])
def test_what_is_changed_while_it_is_let_in_is_what_counts(now, monkeypatch, act):
    callback = asked(now, status="received")
    meanwhile(monkeypatch, lambda: act(callback, now))
    for _ in range(2):
        admission.admit_received(limit=10, now=now)
    after = fresh(callback)
    planned = after.reminders.exclude(status=Reminder.Status.VOID)
    if act is withdraw:
        assert after.status == "cancelled"
        assert not planned.exists()
    else:
        assert (after.status, after.due_at) == ("open", now + 4 * HOUR)
        due = planned.filter(stage="due").values_list("due_at", "plan")
        assert set(due) == {(now + 4 * HOUR, after.plan)}
