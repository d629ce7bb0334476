"""After a hard call: asked for by whoever took it, held by a supervisor, private to both."""

from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse

from intake.actions import calls, debriefs, safety
from intake.admin.debriefs import hard_calls
from intake.models import Debrief, Event
from tests.casting import open_call

pytestmark = pytest.mark.django_db


@pytest.fixture
def hard_call(agent, now):
    call = open_call(agent=agent, now=now)
    safety.skip(call=call, reason="She could not stay on the line", by=agent, now=now)
    return calls.close(call=call, disposition="disconnected", by=agent, now=now)


def of_call(call, name="change"):
    return reverse(f"admin:intake_call_{name}", args=[call.pk])


def page(debrief, name="change"):
    return reverse(f"admin:intake_debrief_{name}", args=[debrief.pk])


def test_a_debrief_is_asked_for_once_and_held_once(hard_call, agent, other_agent, supervisor, now):
    debrief = debriefs.ask(call=hard_call, by=agent, now=now)
    with pytest.raises(debriefs.DebriefAlreadyAsked):
        debriefs.ask(call=hard_call, by=other_agent, now=now)
    debriefs.hold(debrief=debrief, by=supervisor, now=now, note="Two nights off.")
    with pytest.raises(debriefs.DebriefAlreadyHeld):
        debriefs.hold(debrief=debrief, by=supervisor, now=now, note="Again")
    debrief.refresh_from_db()
    assert (debrief.held_by, debrief.note) == (supervisor, "Two nights off.")
    verbs = Event.objects.filter(subject_type="debrief").order_by("at", "id")
    assert [event.verb for event in verbs] == ["debrief.asked", "debrief.held"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT note FROM intake_debrief")
        assert "nights" not in str(cursor.fetchone())


def test_an_agent_asks_from_the_record_and_a_supervisor_holds_it_from_the_desk(
    hard_call, agent, supervisor, client_for, frozen
):
    client, theirs = client_for(agent), client_for(supervisor)
    assert of_call(hard_call, "debrief") in client.get(of_call(hard_call)).content.decode()
    assert client.post(of_call(hard_call, "debrief")).url == of_call(hard_call)
    debrief = Debrief.objects.get()
    record = client.get(of_call(hard_call)).content.decode()
    assert "A debrief was asked for" in record
    assert of_call(hard_call, "debrief") not in record
    again = client.post(of_call(hard_call, "debrief"))
    assert again.status_code == 422
    assert "already asked for" in again.content.decode()
    desk = theirs.get("/admin/").content.decode()
    assert page(debrief) in desk
    assert hard_call.reference in desk
    assert page(debrief, "hold") in theirs.get(page(debrief)).content.decode()
    assert theirs.post(page(debrief, "hold"), {"note": "\x00"}).status_code == 422
    theirs.post(page(debrief, "hold"), {"note": "Talked for an hour."})
    assert "Talked for an hour." in theirs.get(page(debrief)).content.decode()
    assert page(debrief) not in theirs.get("/admin/").content.decode()
    assert "The debrief was held" in client.get(of_call(hard_call)).content.decode()


def test_what_was_said_and_who_asks_how_often_is_for_supervisors_alone(
    hard_call, agent, other_agent, supervisor, privacy_officer, client_for, frozen, now
):
    debrief = debriefs.ask(call=hard_call, by=agent, now=now)
    listing = reverse("admin:intake_debrief_changelist")
    for user in (agent, other_agent, privacy_officer):
        client = client_for(user)
        for address in (listing, page(debrief), page(debrief, "hold"), page(debrief, "history")):
            assert client.get(address).status_code == 403, address
        assert page(debrief) not in client.get("/admin/").content.decode()
    text = client_for(supervisor).get(listing).content.decode()
    assert "Hard calls in 90 days" in text
    assert "ava" in text


def test_hard_calls_are_counted_for_each_who_took_them_and_not_for_ever(
    agent, other_agent, supervisor, now
):
    for taker, days in ((agent, 0), (agent, 10), (other_agent, 20), (agent, 100)):
        call = open_call(agent=taker, now=now - timedelta(days=days))
        asked = debriefs.ask(call=call, by=taker, now=now - timedelta(days=days))
        if days == 10:
            debriefs.hold(debrief=asked, by=supervisor, now=now)
    assert hard_calls(now) == [
        {"name": "ava", "asked": 2, "waiting": 1},
        {"name": "noor", "asked": 1, "waiting": 1},
    ]
