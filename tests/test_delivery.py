"""Delivering a claim: a batch at once on the desk, one by one outside; nothing lost or doubled."""

import threading
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction

from intake.actions import callbacks, delivery, reminders, sweeping
from intake.channels import CHANNELS
from intake.channels.base import Carrier, ChannelDown, GaveUp, NotNow
from intake.models import Callback, Event, Heartbeat, Notice, Reminder
from tests import patience
from tests.casting import maria, open_callback

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock():
    return delivery.database_now()


@pytest.fixture
def person(clock):
    person = maria()
    person.created_at = clock
    person.save()
    return person


@pytest.fixture
def due(person, clock):
    """due(3, stage="due", …) makes that many reminders that are due."""

    def make(number, *, stage="due", channel="in_app", **fields):
        at = clock - timedelta(minutes=1)
        return [
            Reminder.objects.create(
                callback=open_callback(due_at=at, now=at, person=person, **fields),
                stage=stage,
                channel=channel,
                due_at=at,
                next_try_at=at,
            )
            for _each in range(number)
        ]

    return make


@pytest.fixture
def carrier(monkeypatch):
    """A channel to the outside that keeps what it sends, and may be told to behave badly."""

    class Text(Carrier):
        """Marks first and sends then, as a channel does that must never send twice."""

        name = Reminder.Channel.TEXT
        stages = frozenset({Reminder.Stage.DUE_SOON})
        batch_size = 10

        def __init__(self):
            self.sent = []
            self.before = self.after = lambda: None

        def deliver(self, reminder, callback, *, now, finish):
            self.before()
            if not finish():
                return False
            self.after()
            self.sent.append(reminder.pk)
            return True

    channel = Text()
    monkeypatch.setitem(CHANNELS, "text", channel)
    return channel


def fails(error):
    def answer():
        raise error

    return answer


def claim(channel="in_app", limit=1000):
    return delivery.claim(channel=channel, limit=limit)


def together(batch, clock):
    return delivery.deliver_together(batch=batch, now=clock)


def again_later(clock):
    """Everything planned may be tried now, whatever pause it was given."""
    Reminder.objects.filter(status="planned").update(next_try_at=clock - timedelta(minutes=1))
    Heartbeat.objects.update(paused_until=None)


# --- A batch on the desk -------------------------------------------------------------------------


def test_a_whole_batch_costs_a_handful_of_statements(due, clock, django_assert_max_num_queries):
    due(30)
    batch = claim()
    with django_assert_max_num_queries(14):
        assert together(batch, clock) == 30
    assert Notice.objects.count() == 30
    assert not Reminder.objects.exclude(status="sent", lease_token=None).exists()


def test_each_of_a_batch_has_its_event_and_each_event_its_mac(due, clock):
    made = due(5)
    together(claim(), clock)
    events = Event.objects.filter(verb="reminder.sent")
    assert {event.subject_id for event in events} == {str(row.pk) for row in made}
    assert all(event.has_true_mac() for event in events)
    assert events[0].detail == {"stage": "due", "channel": "in_app"}


def test_a_poisoned_row_is_found_and_its_neighbors_go_out(due, clock):
    made = due(40)
    for poisoned in made[3], made[29]:
        # The unique key refuses a second notice of the same plan.
        Notice.objects.create(reminder=poisoned, plan=1, shown_from=clock)
    assert together(claim(), clock) == 38
    assert Notice.objects.count() == 40
    left = Reminder.objects.exclude(status="sent")
    assert {row.pk for row in left} == {made[3].pk, made[29].pk}
    assert {(row.status, row.failures, row.last_error) for row in left} == {
        ("planned", 1, "IntegrityError")
    }
    for _try in range(2):
        again_later(clock)
        assert together(claim(), clock) == 0
    assert {row.status for row in left.all()} == {"dead"}


def test_rows_of_a_batch_whose_lease_was_lost_stay_with_who_has_them_now(due, clock):
    made = due(4)
    batch = claim()
    Reminder.objects.filter(pk=made[1].pk).update(lease_token=made[1].pk)
    assert together(batch, clock) == 3
    assert Reminder.objects.get(pk=made[1].pk).status == "planned"
    assert Notice.objects.count() == 3


def test_a_batch_delivered_twice_is_shown_once(due, clock):
    due(4)
    batch = claim()
    assert together(batch, clock) == 4
    assert together(batch, clock) == 0
    assert Notice.objects.count() == Event.objects.filter(verb="reminder.sent").count() == 4


def test_what_was_closed_or_moved_meanwhile_is_void_and_the_rest_goes_out(due, clock, agent):
    made = due(4)
    batch = claim()
    Callback.objects.filter(pk=made[0].callback_id).update(status="cancelled", closed_at=clock)
    Callback.objects.filter(pk=made[1].callback_id).update(plan=2)
    assert together(batch, clock) == 2
    statuses = {row.pk: row.status for row in Reminder.objects.all()}
    assert [statuses[row.pk] for row in made] == ["void", "void", "sent", "sent"]


def test_overdue_promises_of_a_batch_go_to_the_pool_but_not_while_their_owner_rings(
    due, clock, agent
):
    free, ringing = due(2, stage="overdue", owner=agent)
    Callback.objects.filter(pk=ringing.callback_id).update(claimed_at=clock, claimed_by=agent)
    together(claim(), clock)
    owners = dict(Callback.objects.values_list("pk", "owner"))
    assert owners == {free.callback_id: None, ringing.callback_id: agent.pk}
    assert set(Notice.objects.values_list("recipient", flat=True)) == {None}
    (event,) = Event.objects.filter(verb="callback.pooled")
    assert (event.subject_id, event.detail) == (str(free.callback_id), {"from": agent.pk})


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_callback_somebody_is_saving_is_passed_over_and_holds_up_nobody(due, clock, agent):
    saved, *others = due(3, stage="overdue", owner=agent)
    is_held, may_go = threading.Event(), threading.Event()

    def save():
        with transaction.atomic():
            Callback.objects.select_for_update().get(pk=saved.callback_id)
            is_held.set()
            may_go.wait(patience.HELD_SECONDS)
        connection.close()

    thread = threading.Thread(target=save)
    thread.start()
    try:
        assert is_held.wait(patience.HELD_SECONDS)
        assert together(claim(), clock) == len(others)
    finally:
        may_go.set()
        thread.join()
    saved.refresh_from_db()
    assert (saved.status, saved.lease_token, saved.attempts) == ("planned", None, 0)
    again_later(clock)
    assert together(claim(), clock) == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_row_another_claim_looked_at_too_long_is_free_again_at_once_not_after_a_lease(
    due, clock, agent, monkeypatch
):
    """A claim that began before this one keeps the rows it then leaves locked until it commits."""
    looked_at, *others = due(3)
    batch = claim()
    is_held, may_go = threading.Event(), threading.Event()

    def look():
        with transaction.atomic():
            Reminder.objects.select_for_update().get(pk=looked_at.pk)
            is_held.set()
            may_go.wait(patience.HELD_SECONDS)
        connection.close()

    def put_back(**options):
        may_go.set()
        return put_back_really(**options)

    put_back_really = delivery.put_back
    monkeypatch.setattr(delivery, "put_back", put_back)
    thread = threading.Thread(target=look)
    thread.start()
    try:
        assert is_held.wait(patience.HELD_SECONDS)
        assert together(batch, clock) == len(others)
    finally:
        may_go.set()
        thread.join()
    looked_at.refresh_from_db()
    assert (looked_at.status, looked_at.lease_token, looked_at.attempts) == ("planned", None, 0)
    assert [row.pk for row in claim()] == [looked_at.pk]


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_sweeping_and_moving_promises_at_the_same_time_never_deadlocks(due, clock, agent):
    """A move locks the callback and then its reminders; a batch waits for neither."""
    due(20, stage="overdue", owner=agent)
    problems = []

    def move():
        try:
            for _round in range(2):
                for callback in Callback.objects.filter(status="open"):
                    with transaction.atomic():
                        Callback.objects.filter(pk=callback.pk).update(owner=agent)
                        reminders.plan(callback=callback, now=clock)
        except Exception as error:
            problems.append(error)
        finally:
            connection.close()

    def deliver():
        try:
            for _round in range(15):
                if batch := claim(limit=8):
                    together(batch, clock)
        except Exception as error:
            problems.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for work in (move, deliver, deliver)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


# --- Marked before it is sent --------------------------------------------------------------------


def test_a_channel_may_mark_first_and_send_then(due, clock, carrier):
    due(1, channel="text")
    (row,) = claim("text")
    carrier.after = lambda: carrier.sent.append(Reminder.objects.get(pk=row.pk).status)
    assert delivery.deliver(reminder=row, now=clock) is True
    assert carrier.sent == ["sent", row.pk]


def test_a_refusal_after_the_mark_is_dead_at_once_and_nobody_may_repeat_it(
    due, clock, carrier, supervisor
):
    due(1, channel="text")
    (row,) = claim("text")
    carrier.after = fails(GaveUp("gateway_unknown"))
    assert delivery.deliver(reminder=row, now=clock) is False
    row.refresh_from_db()
    assert (row.status, row.last_error, row.sent_at) == ("dead", "gateway_unknown", None)
    assert Event.objects.filter(verb="reminder.dead").count() == 1
    with pytest.raises(reminders.TextNotRepeated):
        reminders.revive(reminder=row, by=supervisor, now=clock)


def test_giving_up_before_the_mark_is_dead_at_once_too(due, clock, carrier):
    due(1, channel="text")
    (row,) = claim("text")
    carrier.before = fails(GaveUp("refused"))
    delivery.deliver(reminder=row, now=clock)
    row.refresh_from_db()
    assert (row.status, row.last_error, row.lease_token) == ("dead", "refused", None)


def test_what_surely_was_not_sent_after_the_mark_is_planned_again(due, clock, carrier):
    due(3, channel="text")
    batch = claim("text")
    carrier.after = fails(ChannelDown())
    with pytest.raises(ChannelDown):
        delivery.deliver_batch(batch=batch, left=lambda: 60.0)
    rows = Reminder.objects.all()
    assert {(row.status, row.lease_token, row.sent_at) for row in rows} == {("planned", None, None)}
    assert Event.objects.filter(verb="reminder.not_sent").count() == 1
    carrier.after = lambda: None
    again_later(clock)
    assert delivery.deliver_batch(batch=claim("text"), left=lambda: 60.0) == 3


def test_a_plan_made_anew_meanwhile_is_left_alone_by_who_marked_the_old_one(
    due, clock, carrier, agent
):
    (row,) = due(1, channel="text")
    (held,) = claim("text")

    def moved():
        Reminder.objects.filter(pk=row.pk).update(plan=2, status="planned", sent_at=None)
        raise GaveUp("refused")

    carrier.after = moved
    delivery.deliver(reminder=held, now=clock)
    row.refresh_from_db()
    assert (row.plan, row.status) == (2, "planned")


# --- Put back ------------------------------------------------------------------------------------


def test_a_row_the_other_side_wants_later_waits_without_a_failure(due, clock, carrier):
    due(1, channel="text")
    carrier.before = fails(NotNow())
    (row,) = claim("text")
    assert delivery.deliver(reminder=row, now=clock) is False
    row.refresh_from_db()
    assert (row.status, row.failures, row.attempts) == ("planned", 0, 1)
    assert row.next_try_at == clock + delivery.NOT_NOW


def test_a_channel_that_is_down_for_long_costs_a_row_nothing(due, clock, carrier):
    due(1, channel="text")
    carrier.before = fails(ChannelDown())
    for _try in range(delivery.MOST_ATTEMPTS + 5):
        with pytest.raises(ChannelDown):
            delivery.deliver_batch(batch=claim("text"), left=lambda: 60.0)
        again_later(clock)
    carrier.before = lambda: None
    assert delivery.deliver_batch(batch=claim("text"), left=lambda: 60.0) == 1


@pytest.mark.parametrize("why", ["lease", "stop"])
def test_a_batch_ends_before_its_lease_and_with_its_process(due, carrier, why):
    due(3, channel="text")
    batch = claim("text")
    sent = delivery.deliver_batch(
        batch=batch,
        left=lambda: 60.0 if why == "stop" or not carrier.sent else 19.0,
        stopping=lambda: why == "stop" and bool(carrier.sent),
    )
    assert sent == len(carrier.sent) == 1
    waiting = Reminder.objects.filter(status="planned")
    assert {(row.lease_token, row.attempts) for row in waiting} == {(None, 0)}
    assert len(claim("text")) == 2


def test_trouble_of_the_database_is_no_fault_of_the_row_and_frees_those_behind_it(due, carrier):
    due(3, channel="text")
    carrier.before = fails(OperationalError())
    with pytest.raises(OperationalError):
        delivery.deliver_batch(batch=claim("text"), left=lambda: 60.0)
    assert sorted(Reminder.objects.values_list("failures", "attempts")) == [(0, 0), (0, 0), (0, 1)]
    assert Reminder.objects.filter(lease_token=None).count() == 2


# --- The sweep goes on ---------------------------------------------------------------------------


def sweep(*channels):
    return sweeping.sweep(channels=channels or None, seconds=20, monotonic=ticking())


def ticking():
    """A clock of its own: each look is a second later."""
    return iter(range(10_000)).__next__


def test_one_batch_that_fails_does_not_end_the_sweep(due, monkeypatch):
    due(5)
    monkeypatch.setattr(type(CHANNELS["in_app"]), "batch_size", 2)
    deliver, calls = delivery.deliver_batch, []

    def once_in_trouble(**options):
        calls.append(len(options["batch"]))
        if len(calls) == 1:
            raise OperationalError
        return deliver(**options)

    monkeypatch.setattr(delivery, "deliver_batch", once_in_trouble)
    assert sweep("in_app") is False
    assert calls == [2, 2, 1]
    assert Notice.objects.count() == 3
    assert Heartbeat.objects.filter(name="sweep").exists()


def test_a_sweep_that_meets_nothing_but_trouble_gives_way(due, monkeypatch):
    due(3)
    monkeypatch.setattr(delivery, "claim", lambda **options: fails(OperationalError())())
    assert sweep("in_app") is False


def test_a_sweep_says_whether_time_ran_out_before_the_work_did(due, monkeypatch):
    due(5)
    monkeypatch.setattr(type(CHANNELS["in_app"]), "batch_size", 2)
    assert sweeping.sweep(channels=["in_app"], seconds=3, monotonic=ticking()) is True
    assert sweep("in_app") is False
    assert Notice.objects.count() == 5


def test_a_channel_that_is_not_there_is_nothing_to_sweep():
    assert sweep("telegraph") is False


# --- A channel that is out -----------------------------------------------------------------------


def test_a_channel_that_is_down_rests_for_everybody_and_only_it(due, carrier):
    due(2, channel="text")
    due(1)
    tries = []

    def down():
        tries.append(1)
        raise ChannelDown

    carrier.before = down
    sweep()
    sweep()
    assert len(tries) == 1
    assert Notice.objects.count() == 1
    pause = Heartbeat.objects.get(name="text").paused_until - delivery.database_now()
    assert timedelta(seconds=20) < pause <= delivery.CHANNEL_PAUSE


def test_when_it_has_rested_one_process_tries_it_and_the_others_wait(due, carrier, clock):
    due(2, channel="text")
    rested = clock - timedelta(seconds=1)
    Heartbeat.objects.create(name="text", seen_at=rested, paused_until=rested)
    others = []
    carrier.before = lambda: others.append(sweeping._may_use(carrier, delivery.database_now()))
    sweep("text")
    assert len(carrier.sent) == 2
    assert others == [False, False]
    assert Heartbeat.objects.get(name="text").paused_until is None


def test_a_moved_promise_leaves_no_reminder_of_its_old_plan_behind(agent, clock, person):
    callback = open_callback(due_at=clock + timedelta(hours=3), now=clock, person=person)
    reminders.plan(callback=callback, now=clock)
    callbacks.reschedule(
        callback=callback,
        due_at=clock + timedelta(minutes=1),
        asked_outside_hours=True,
        by=agent,
        now=clock,
    )
    warning = callback.reminders.get(stage="due_soon", channel="in_app")
    assert (warning.plan, warning.status) == (1, "void")
    assert not callback.reminders.filter(status="planned", plan=1).exists()
