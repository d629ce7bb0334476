"""Requests that wait for a human: on everybody's desk, in the mail, in reports, wherever a status is."""

import functools
import re
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.db import connection
from django.urls import reverse

from intake.actions import blocks, handovers, review_mail, reviews
from intake.channels.base import ChannelDown
from intake.models import Heartbeat
from intake.reports import callback_list, review_queue
from intake.reports import callbacks as callback_report
from intake.reports.period import Period
from tests.casting import maria, open_callback
from tests.reviewing import HOUR, MINUTE, QUEUE, hold, hold_many, state

pytestmark = pytest.mark.django_db


@pytest.fixture
def held(now):
    return functools.partial(hold, now=now)


@pytest.fixture
def many(now):
    return functools.partial(hold_many, now=now)


# --- On the desk, and who is told ------------------------------------------------------------------


def desk(client):
    return client.get(reverse("admin:index")).content.decode()


def test_everybodys_desk_shows_what_waits_and_is_quiet_when_nothing_does(
    held, frozen, client_for, agent, supervisor
):
    for user in (agent, supervisor):
        assert "No request waits for review" in desk(client_for(user))
    request = held("number")
    for user in (agent, supervisor):
        text = desk(client_for(user))
        assert "Requests to review" in text
        assert text.count(f">{request.reference}<") == 1
        assert "Several requests for this number within a day" in text


def test_somebody_in_danger_stands_before_an_overdue_promise_and_the_rest_after_it(
    held, frozen, client_for, agent, now
):
    late = open_callback(due_at=now - 3 * HOUR, now=now - 4 * HOUR)
    held()
    text = desk(client_for(agent))
    assert 0 < text.index(f">{late.reference}<") < text.index("Requests to review")
    danger = held(in_danger=True)
    text = desk(client_for(agent))
    assert text.index(f">{danger.reference}<") < text.index(f">{late.reference}<")
    assert "Said: in danger. Look at this request" in text
    assert "<title>(2) Desk" in text


def test_a_flood_does_not_push_the_promises_off_the_desk(many, frozen, client_for, agent, now):
    late = open_callback(due_at=now - 3 * HOUR, now=now - 4 * HOUR)
    many(150)
    text = desk(client_for(agent))
    assert late.reference in text
    assert text.count("Look<") <= 4
    assert "99+" in text


def test_supervisors_are_mailed_once_and_again_only_after_an_hour(held, supervisor, now, settings):
    assert not review_mail.tell_supervisors(now=now)
    held()
    assert review_mail.tell_supervisors(now=now)
    held()
    for later in (MINUTE, 59 * MINUTE):
        assert not review_mail.tell_supervisors(now=now + later)
    assert review_mail.tell_supervisors(now=now + HOUR)
    first, second = mail.outbox
    assert first.to == [supervisor.email]
    assert first.body.split("\n")[0].startswith("1 item is waiting for somebody to look at it.")
    assert second.body.startswith("2 items are waiting")
    assert first.body.strip().endswith(QUEUE)
    words = f"{first.subject} {first.body}".lower()
    assert not any(word in words for word in ("callback ", "help", "request", "held", "danger"))


def test_where_the_mail_server_is_out_the_next_sweep_tries_again(
    held, supervisor, now, monkeypatch
):
    from intake.channels import email

    def down(self, message):
        raise ChannelDown

    held()
    with monkeypatch.context() as patched:
        patched.setattr(email.Mailer, "send", down)
        with pytest.raises(ChannelDown):
            review_mail.tell_supervisors(now=now)
    assert review_mail.tell_supervisors(now=now + MINUTE)
    assert len(mail.outbox) == 1


def test_a_fault_of_that_mail_keeps_no_other_from_going_out(held, supervisor, now, monkeypatch):
    from intake.channels import email

    def refused(self, message):
        raise ValueError("+12025550187")

    held()
    with monkeypatch.context() as patched:
        patched.setattr(email.Mailer, "send", refused)
        assert not review_mail.tell_supervisors(now=now)
    assert not review_mail.tell_supervisors(now=now + MINUTE)


def test_a_clock_that_was_put_back_keeps_nobody_from_being_told(held, supervisor, now):
    held()
    Heartbeat.objects.create(name=review_mail.TOLD, seen_at=now + 5 * HOUR)
    assert review_mail.tell_supervisors(now=now)


def test_the_hand_over_names_what_nobody_has_looked_at(held, frozen, client_for, agent, now):
    request, danger = held("unproven"), held("number", in_danger=True)
    digest = handovers.draft(now=now)
    assert [entry["reference"] for entry in digest["requests"]] == [
        danger.reference,
        request.reference,
    ]
    text = client_for(agent).get(reverse("admin:intake_handover_write")).content.decode()
    assert "Requests nobody has looked at" in text
    assert danger.reference in text


# --- Where else a status is shown or counted -------------------------------------------------------


def test_whoever_finds_the_person_sees_that_the_request_waits(held, frozen, client_for, agent):
    request = held(person=maria(phone="+12025550187"))
    response = client_for(agent).post(reverse("admin:find"), {"q": "+12025550187"}, follow=True)
    text = response.content.decode()
    assert request.reference in text
    assert "Request waiting for review" in text
    assert "Open callback" not in text


def test_the_dial_page_says_that_it_waits_and_not_that_it_has_ended(
    held, frozen, client_for, agent
):
    request = held()
    page = reverse("admin:intake_callback_dial", args=[request.pk])
    text = client_for(agent).get(page).content.decode()
    assert "This request waits for review" in text
    assert "This callback has ended" not in text
    assert "Claim and ring" not in text


def test_the_list_of_callbacks_filters_by_either_status(held, frozen, client_for, agent, now):
    request, unswept = held(), held("", status="received")
    client = client_for(agent)
    listing = reverse("admin:intake_callback_changelist")
    text = client.get(listing, {"status__exact": "held"}).content.decode()
    assert request.reference in text
    assert unswept.reference not in text
    text = client.get(listing, {"status__exact": "received"}).content.decode()
    assert unswept.reference in text


def test_a_report_counts_what_waits_as_missed_and_not_as_closed(held, agent, now):
    due = now - 3 * HOUR
    held(due_at=due, now=due), held("", status="received", due_at=due, now=due)
    spam, waited = held(due_at=due, now=due), held(due_at=due, now=due)
    reviews.turn_down(callback=spam, reason="not_genuine", by=agent, now=now)
    reviews.turn_down(callback=waited, reason="withdrawn", by=agent, now=now)
    today = now.date()
    period = Period(today, today, ZoneInfo("America/New_York"))
    report = callback_report.read(period, now=now)
    figures = {figure.code: figure for figure in report.figures}
    # Who waited in vain and then wanted no call was promised one all the same.
    assert (report.count("missed"), report.count("not_genuine")) == (3, 1)
    assert report.missed_and_open == 2
    assert figures["callbacks_kept"].denominator == 3
    assert figures["contact_rate"].denominator == 1
    assert figures["uncontacted"].value == 2
    assert callback_report.overdue(period, now=now).count() == 2
    assert callback_report.with_outcome("not_genuine", period, now=now).get() == spam


def test_the_list_to_work_from_holds_no_number_nobody_let_through(held, agent, now):
    due = now - 3 * HOUR
    waiting, opened, unwanted = (held(due_at=due, now=due) for _n in range(3))
    reviews.turn_down(callback=unwanted, reason="not_genuine", by=agent, now=now)
    reviews.release(callback=opened, by=agent, now=now)
    today = now.date()
    period = Period(today, today, ZoneInfo("America/New_York"))
    place = callback_list.COLUMNS.index("phone")
    phones = {row[0]: row[place] for row in callback_list.rows(period, now=now)}
    assert phones == {
        waiting.reference: "",
        unwanted.reference: "",
        opened.reference: "+12025550143",
    }


def test_what_a_slip_ended_before_anybody_let_it_through_is_looked_at_anew(held, supervisor, now):
    request = held("number")
    block = blocks.block(number="+12025550143", reason="declined", by=supervisor, now=now)
    assert state(request) == "cancelled"
    (again,) = blocks.lift(block=block, slip="wrong_button", by=supervisor, now=now)
    assert (state(again), again.held_because) == ("received", "number")
    assert not again.reminders.exists()


def test_the_queue_is_read_off_its_own_index(many, now):
    if connection.vendor != "sqlite":
        return  # its plans follow the size of the tables, which are empty here
    for part in review_queue.parts(now) + review_queue.parts_of_all(now):
        assert re.search(r"INDEX callback_(held|received) ", part.explain()), part.explain()
    assert re.search(r"INDEX callback_held", review_queue.held("ceiling").explain())
