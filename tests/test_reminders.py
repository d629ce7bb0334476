"""The reminder engine: planned, claimed by lease, delivered, finished by token; never lost."""

import threading
import time
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext

from intake.actions import callbacks, delivery, reminders, sweeping
from intake.channels import CHANNELS
from intake.channels.base import ChannelDown
from intake.models import Callback, Event, Heartbeat, Notice, Reminder
from tests.casting import maria, open_callback

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock():
    """The database's own time, which the engine goes by."""
    return delivery.database_now()


def planned(now, *, due_in=timedelta(), **fields):
    callback = open_callback(due_at=now + due_in, now=now, **fields)
    reminders.plan(callback=callback, now=now)
    return callback


def move_back(by):
    """The clock is moved on by moving what is planned back."""
    for reminder in Reminder.objects.filter(status="planned"):
        Reminder.objects.filter(pk=reminder.pk).update(
            next_try_at=reminder.next_try_at - by,
            lease_until=reminder.lease_until and reminder.lease_until - by,
        )


def sweep():
    """Deliver what is due; how many were sent."""
    sent = Reminder.objects.filter(status="sent")
    before = sent.count()
    assert sweeping.sweep(seconds=20, monotonic=time.monotonic) is False
    return sent.count() - before


def test_a_promise_plans_one_reminder_for_each_stage_and_channel(clock):
    callback = planned(clock, due_in=timedelta(hours=3))
    told = set(callback.reminders.values_list("stage", "channel"))
    assert told == {
        ("due_soon", "in_app"),
        ("due", "in_app"),
        ("overdue", "in_app"),
        ("breach", "in_app"),
        ("due", "email"),
        ("overdue", "email"),
        ("breach", "email"),
    }
    assert callback.reminders.get(stage="due", channel="in_app").due_at == callback.due_at


def test_nothing_goes_out_before_it_is_due_and_everything_after(clock, agent):
    callback = planned(clock, due_in=timedelta(hours=3), owner=agent)
    assert sweep() == 0
    move_back(timedelta(hours=2, minutes=50))
    assert sweep() == 1
    assert Notice.objects.get().reminder.stage == "due_soon"
    move_back(timedelta(minutes=11))
    assert sweep() == 2
    assert [notice.recipient for notice in Notice.objects.all()] == [agent, agent]
    assert mail.outbox[0].to == [agent.email]
    assert callback.reminders.filter(status="sent").count() == 3


def test_a_claimed_reminder_is_nobody_elses_until_its_lease_ends(clock):
    planned(clock)
    first = delivery.claim(channel="in_app", limit=10)
    assert [reminder.stage for reminder in first] == ["due"]
    assert delivery.claim(channel="in_app", limit=10) == []
    move_back(timedelta(seconds=61))
    again = delivery.claim(channel="in_app", limit=10)
    assert [reminder.pk for reminder in again] == [first[0].pk]
    assert again[0].lease_token != first[0].lease_token


def test_a_worker_that_lost_its_lease_can_no_longer_finish(clock):
    planned(clock)
    (stale,) = delivery.claim(channel="in_app", limit=1)
    move_back(timedelta(seconds=61))
    (fresh,) = delivery.claim(channel="in_app", limit=1)
    assert delivery.deliver(reminder=stale, now=clock) is False
    assert Notice.objects.count() == 0
    assert delivery.deliver(reminder=fresh, now=clock) is True
    assert Notice.objects.count() == 1


def test_a_moved_promise_voids_what_a_worker_still_holds_and_plans_afresh(clock, agent):
    person = maria()
    callback = planned(clock, person=person)
    (held,) = delivery.claim(channel="in_app", limit=1)
    callbacks.reschedule(
        callback=callback,
        due_at=clock + timedelta(days=1),
        asked_outside_hours=True,
        by=agent,
        now=clock,
    )
    assert delivery.deliver(reminder=held, now=clock) is False
    assert Notice.objects.count() == 0
    moved = Reminder.objects.get(pk=held.pk)
    assert (moved.status, moved.plan) == ("planned", 2)
    assert moved.due_at == callback.due_at


def test_a_closed_callback_reminds_nobody(clock, agent):
    callback = planned(clock)
    (held,) = delivery.claim(channel="in_app", limit=1)
    callbacks.cancel(callback=callback, by=agent, now=clock)
    assert delivery.deliver(reminder=held, now=clock) is False
    assert set(callback.reminders.values_list("status", flat=True)) == {"void"}
    assert Notice.objects.count() == 0


def test_an_overdue_promise_goes_back_to_the_pool_and_a_broken_one_to_the_supervisor(
    clock, agent, supervisor
):
    callback = planned(clock - timedelta(hours=2), owner=agent)
    sweep()
    callback.refresh_from_db()
    assert callback.owner is None
    notices = {n.reminder.stage: n for n in Notice.objects.select_related("reminder")}
    assert notices["due"].recipient == agent
    assert notices["overdue"].recipient is None
    assert notices["breach"].for_supervisors is True
    assert [m.to for m in mail.outbox if supervisor.email in m.to] == [[supervisor.email]]


def test_staff_mail_holds_a_count_and_an_opaque_link_and_a_fixed_id(clock, agent):
    callback = planned(clock, owner=agent)
    sweep()
    (message,) = mail.outbox
    assert message.subject == "1 item is waiting"
    assert message.body.split() == (
        f"1 item is waiting. http://localhost:8000/admin/intake/callback/{callback.pk}/".split()
    )
    due = callback.reminders.get(stage="due", channel="email")
    assert message.extra_headers["Message-ID"] == f"<{due.pk}.1@localhost>"


def test_a_failing_row_backs_off_dies_after_three_tries_and_holds_up_nobody(
    clock, agent, monkeypatch, settings
):
    settings.HELPLINE_STAFF_EMAIL = "desk@example.org"
    poisoned = planned(clock, owner=agent)
    healthy = planned(clock, person=maria(phone="+12025550144"), owner=agent)
    channel = type(CHANNELS["email"])
    send = channel._message

    def poison(self, reminder, callback, addresses, now):
        if callback.pk == poisoned.pk:
            raise ValueError("the caller's name would be in here")
        return send(self, reminder, callback, addresses, now)

    monkeypatch.setattr(channel, "_message", poison)
    sweep()
    assert healthy.reminders.get(stage="due", channel="email").status == "sent"
    row = poisoned.reminders.get(stage="due", channel="email")
    assert (row.status, row.failures, row.last_error) == ("planned", 1, "ValueError")
    assert row.next_try_at > clock
    for _try in range(2):
        move_back(timedelta(minutes=10))
        sweep()
    row.refresh_from_db()
    assert (row.status, row.failures) == ("dead", 3)
    assert "caller" not in str(list(Event.objects.values_list("detail", flat=True)))


def test_a_dead_mail_server_costs_no_failure_and_the_desk_does_not_wait(clock, agent, monkeypatch):
    callback = planned(clock, owner=agent)

    def refuse(connection, message):
        raise ConnectionRefusedError

    monkeypatch.setattr("intake.channels.email.transmit", refuse)
    sweep()
    row = callback.reminders.get(stage="due", channel="email")
    assert (row.status, row.failures, row.lease_token) == ("planned", 0, None)
    assert Notice.objects.count() == 1


def test_without_any_address_the_notice_alone_carries_the_promise(clock, agent):
    agent.email = ""
    agent.save()
    callback = planned(clock, owner=agent)
    sweep()
    assert mail.outbox == []
    assert callback.reminders.get(stage="due", channel="email").status == "void"
    assert callback.reminders.get(stage="due", channel="in_app").status == "sent"


def test_a_supervisor_has_a_dead_reminder_tried_again(clock, supervisor):
    callback = planned(clock)
    row = callback.reminders.get(stage="due", channel="in_app")
    with pytest.raises(reminders.ReminderNotDead):
        reminders.revive(reminder=row, by=supervisor, now=clock)
    Reminder.objects.filter(pk=row.pk).update(status="dead", failures=3)
    reminders.revive(reminder=row, by=supervisor, now=clock)
    assert sweep() >= 1
    assert Notice.objects.count() == 1


def test_an_urgent_promise_overtakes_a_backlog_of_routine_ones(clock):
    for number in range(5):
        planned(clock - timedelta(minutes=5), person=maria(phone=f"+1202555015{number}"))
    urgent = planned(clock, person=maria(phone="+12025550160"), urgency=Callback.Urgency.URGENT)
    (first, *_rest) = delivery.claim(channel="in_app", limit=3)
    assert first.callback_id == urgent.pk


def test_a_row_that_keeps_killing_its_worker_ends_dead_and_visible(clock):
    callback = planned(clock)
    Reminder.objects.update(attempts=delivery.MOST_ATTEMPTS)
    sweep()
    assert callback.reminders.get(stage="due", channel="in_app").status == "dead"


def test_the_heartbeat_keeps_one_row_a_process(now):
    sweeping.beat(names=("beat", "worker"), now=now)
    sweeping.beat(names=("beat", "worker"), now=now + timedelta(seconds=10))
    assert {h.name: h.seen_at for h in Heartbeat.objects.all()} == {
        "beat": now + timedelta(seconds=10),
        "worker": now + timedelta(seconds=10),
    }


@pytest.mark.django_db(transaction=True)
def test_four_sweepers_at_once_lose_nothing_and_double_nothing():
    clock = delivery.database_now()
    person = maria()
    person.created_at = clock
    person.save()
    for _number in range(60):
        planned(clock, person=person)
    problems = []
    # Sooner than a lease ends: none may have to wait for that.
    soon = time.monotonic() + 45

    def work():
        try:
            planned_ones = Reminder.objects.filter(channel="in_app", stage="due", status="planned")
            while planned_ones.exists() and time.monotonic() < soon:
                for reminder in delivery.claim(channel="in_app", limit=7):
                    delivery.deliver(reminder=reminder, now=clock)
        except Exception as error:
            problems.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert Notice.objects.count() == 60
    assert Event.objects.filter(verb="reminder.sent").count() == 60


def test_a_channel_that_is_down_raises_through_deliver_and_leaves_the_row_leased(
    clock, agent, monkeypatch
):
    planned(clock, owner=agent)

    def refuse(connection, message):
        raise TimeoutError

    monkeypatch.setattr("intake.channels.email.transmit", refuse)
    (row,) = delivery.claim(channel="email", limit=1)
    with pytest.raises(ChannelDown):
        delivery.deliver(reminder=row, now=clock)
    delivery.put_back(reminders=[row], now=clock)
    row.refresh_from_db()
    assert row.lease_token is None


def test_a_record_that_does_not_open_keeps_no_mail_from_going_out(clock, agent):
    damaged = planned(clock, owner=agent, reason="about my son")
    healthy = planned(clock, person=maria(phone="+12025550144"), owner=agent)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE intake_callback SET reason = %s", [b"\x01 no ciphertext of ours"])
    sweep()
    for callback in (damaged, healthy):
        assert callback.reminders.get(stage="due", channel="email").status == "sent"


def test_who_works_here_no_longer_gets_no_mail_and_the_team_is_told_instead(clock, agent, settings):
    settings.HELPLINE_STAFF_EMAIL = "desk@example.org"
    agent.is_active = False
    agent.save()
    planned(clock, owner=agent)
    sweep()
    assert [message.to for message in mail.outbox] == [["desk@example.org"]]


def test_an_overdue_promise_does_not_stay_with_somebody_whose_claim_ran_out(clock, agent):
    callback = planned(clock - timedelta(hours=5), owner=agent)
    Callback.objects.filter(pk=callback.pk).update(
        claimed_at=clock - timedelta(hours=1), claimed_by=agent
    )
    sweep()
    assert Callback.objects.get(pk=callback.pk).owner is None


def test_the_clock_of_the_database_put_back_an_hour_holds_up_nothing(clock, agent):
    callback = planned(clock, owner=agent)
    # As a worker left them that died just before the clock was put back.
    ahead = clock + timedelta(hours=1)
    Reminder.objects.update(lease_token=callback.pk, lease_until=ahead)
    Heartbeat.objects.create(name="email", seen_at=ahead, paused_until=ahead)
    sweep()
    assert set(callback.reminders.filter(stage="due").values_list("status", flat=True)) == {"sent"}


def test_a_lease_is_not_taken_from_whoever_got_it_a_moment_later(clock):
    planned(clock)
    assert delivery.claim(channel="in_app", limit=1, now=clock + timedelta(seconds=5))
    assert delivery.claim(channel="in_app", limit=1, now=clock) == []


def test_a_batch_of_mail_counts_what_is_waiting_once(clock, agent):
    for number in range(5):
        planned(clock, person=maria(phone=f"+1202555015{number}"), owner=agent)
    with CaptureQueriesContext(connection) as asked:
        sweep()
    counts = [q for q in asked if "COUNT(*)" in q["sql"] and "intake_callback" in q["sql"]]
    assert (len(mail.outbox), len(counts)) == (5, 1)
    assert {message.subject for message in mail.outbox} == {"5 items are waiting"}
