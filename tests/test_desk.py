"""The desk: what needs me now on top, kept up to date, written to the audit once, never slower."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from helpline.sessions import POLL_HEADER
from intake.actions import callbacks, debriefs, drafts, handovers, insurance, safety
from intake.admin.desk import callbacks as desk_callbacks
from intake.models import Callback, Event, Reminder
from intake.models.base import new_id
from tests.casting import (
    insurance_check,
    maria,
    open_call,
    open_callback,
    screened_call,
    told,
)

pytestmark = pytest.mark.django_db

DESK = "/admin/"
LIVE = "/admin/desk/live/"
LOOK = {"HX-Request": "true", POLL_HEADER: "1"}
MINUTE = timedelta(minutes=1)
# However much waits: the bound of one look, session and rights included.
MOST_QUERIES = {"agent": 32, "supervisor": 36}


@pytest.fixture
def desk(frozen, client_for, agent):
    return client_for(agent)


def shown(client):
    return client.get(DESK).content.decode()


def look(client, **headers):
    return client.get(LIVE, headers={**LOOK, **headers})


def first_of(text):
    """What stands on top: its heading, and the reference of its record."""
    section = re.search(r'<section class="desk-first.*?</section>', text, re.DOTALL)[0]
    heading = re.search(r"<h2[^>]*>(.*?)</h2>", section)[1]
    return heading, re.search(r'class="ref"[^>]*>(.*?)<', section)[1]


def row_of(text, record):
    """All that the desk says of one record: up to where the next one begins."""
    return text.split(f'data-row="{record.pk}"')[1].split("data-row=")[0]


def stamp_of(text):
    return re.search(r'data-stamp="(\w+)"', text)[1]


def title_of(text):
    return re.search(r"<title>(.*?)</title>", text, re.DOTALL)[1]


# --- What is most pressing -----------------------------------------------------------------------


def test_a_quiet_night_looks_quiet(desk):
    text = shown(desk)
    assert "All quiet" in text
    assert "No callback is late" in text
    assert 'class="queue' not in text
    assert title_of(text) == "Desk"


def test_the_most_pressing_thing_stands_on_top_with_its_button_and_nowhere_else(
    desk, agent, other_agent, now
):
    sheet = open_call(agent=agent, now=now - MINUTE)
    assert first_of(shown(desk)) == ("Finish this call sheet", sheet.reference)
    near = open_callback(due_at=now + 10 * MINUTE, now=now)
    assert first_of(shown(desk)) == ("Due in a moment", near.reference)
    handovers.write(note="", by=other_agent, now=now)
    assert first_of(shown(desk))[0] == "Read what the last shift hands over"
    late = open_callback(due_at=now - timedelta(hours=3), now=now)
    assert first_of(shown(desk)) == ("Promised, and not yet kept", late.reference)
    urgent = open_callback(due_at=now - MINUTE, now=now, urgency="urgent")
    assert first_of(shown(desk)) == ("Promised, and not yet kept", urgent.reference)
    callbacks.claim(callback=late, by=agent, now=now)
    assert first_of(shown(desk)) == ("You are ringing", late.reference)
    # A list that would only say so a second time is left out.
    assert shown(desk).count("You are ringing") == 1
    safety.evaluate(call=sheet, answers=told(seizure_now="yes"), by=agent, now=now)
    text = shown(desk)
    assert first_of(text) == ("Emergency: record what was done", sheet.reference)
    for record in (sheet, late, urgent, near):
        assert text.count(f">{record.reference}</a>") == 1, record


def test_what_may_not_be_rung_now_is_neither_on_top_nor_claimed_from_the_desk(
    frozen, client_for, agent, now
):
    late = open_callback(due_at=now, now=now)
    frozen.move_to(now + timedelta(hours=13))  # 23:00 in Washington
    text = shown(client_for(agent))
    assert "desk-first" not in text
    assert "not now: outside their hours" in text
    assert reverse("admin:intake_callback_claim", args=[late.pk]) not in text


def test_an_agent_sees_their_own_and_the_pools_and_a_supervisor_all(
    desk, client_for, agent, other_agent, supervisor, now
):
    own, pool, noors = (
        open_callback(due_at=now, now=now, owner=owner) for owner in (agent, None, other_agent)
    )
    text, everything = shown(desk), shown(client_for(supervisor))
    assert own.reference in text
    assert pool.reference in text
    assert noors.reference not in text
    assert all(one.reference in everything for one in (own, pool, noors))


def test_what_colleagues_have_in_hand_is_said_quietly_and_without_a_button(
    desk, agent, other_agent, now
):
    rung = open_callback(due_at=now, now=now)
    callbacks.claim(callback=rung, by=other_agent, now=now)
    check = insurance_check(agent=agent, now=now)
    insurance.take(check=check, by=other_agent, now=now)
    text = shown(desk)
    assert re.search(rf"noor is ringing</span>\s*<a[^>]*>{rung.reference}", text)
    assert re.search(rf"noor is on it</span>\s*<a[^>]*>{check.reference}", text)
    assert reverse("admin:intake_callback_claim", args=[rung.pk]) not in text
    assert title_of(text) == "Desk"


def test_a_claim_grown_old_is_back_on_every_desk(frozen, client_for, agent, other_agent, now):
    rung = open_callback(due_at=now, now=now)
    callbacks.claim(callback=rung, by=other_agent, now=now)
    frozen.move_to(now + 31 * MINUTE)
    assert first_of(shown(client_for(agent)))[1] == rung.reference


def test_what_its_owner_was_ringing_when_it_fell_overdue_does_not_stay_theirs(
    frozen, client_for, agent, other_agent, now
):
    lying = open_callback(due_at=now, now=now, owner=other_agent)
    with_time = open_callback(
        due_at=now, now=now, owner=other_agent, window_ends_at=now + 60 * MINUTE
    )
    for one in (lying, with_time):
        callbacks.claim(callback=one, by=other_agent, now=now)
    frozen.move_to(now + 29 * MINUTE)
    assert reverse("admin:intake_callback_claim", args=[lying.pk]) not in shown(client_for(agent))
    frozen.move_to(now + 31 * MINUTE)
    text = shown(client_for(agent))
    assert first_of(text)[1] == lying.reference
    assert with_time.reference not in text


def test_the_desk_says_how_long_a_window_lasts_and_when_a_promise_is_overdue_and_broken(
    desk, frozen, client_for, agent, now
):
    windowed = open_callback(
        due_at=now - 60 * MINUTE, now=now, owner=agent, window_ends_at=now + 60 * MINUTE
    )
    plain = open_callback(due_at=now - 16 * MINUTE, now=now, owner=agent)
    late, promised = row_of(shown(desk), plain), row_of(shown(desk), windowed)
    assert "16 min late" in late
    assert "<span>overdue</span>" in late
    assert "Window ends" in promised
    assert "in 1 h 0 min" in promised
    assert "9:00 AM to 11:00 AM EDT, their time" in promised
    assert not re.search("min late|<span>overdue|promise broken", promised)
    frozen.move_to(now + 61 * MINUTE)
    for callback, late in ((windowed, "1 min late"), (plain, "1 h 17 min late")):
        row = row_of(shown(client_for(agent)), callback)
        assert late in row
        assert "promise broken" in row


def test_a_sheet_that_was_never_saved_waits_to_be_gone_on_with(desk, agent, other_agent, now):
    key = new_id()
    drafts.keep(call_key=key, typed=[("call-narrative", "x")], version=0, by=agent, now=now)
    others = drafts.keep(call_key=new_id(), typed=[("a", "b")], version=0, by=other_agent, now=now)
    text = shown(desk)
    assert str(key) in text
    assert "A sheet never saved" in text
    assert str(others.call_key) not in text


def test_supervisors_see_what_went_another_way(client_for, frozen, agent, supervisor, now):
    hard, skipped, overridden = (open_call(agent=agent, now=now) for _number in range(3))
    debriefs.ask(call=hard, by=agent, now=now)
    safety.skip(call=skipped, reason="The line broke", by=agent, now=now)
    screen = safety.evaluate(call=overridden, answers=told(), by=agent, now=now)
    safety.override(screen=screen, level="high", reason="Her voice", by=supervisor, now=now)
    exhausted = open_callback(due_at=now, now=now)
    Callback.objects.filter(pk=exhausted.pk).update(status="exhausted", closed_at=now)
    dead = open_callback(due_at=now + timedelta(days=1), now=now)
    Reminder.objects.create(
        callback=dead, stage="due", channel="email", due_at=now, next_try_at=now, status="dead"
    )
    handovers.write(note="", by=agent, now=now - timedelta(hours=2))
    text = shown(client_for(supervisor))
    for words in (
        "debrief asked for",
        "screen skipped",
        "level set by staff",
        "never reached",
        "reminder given up",
    ):
        assert text.count(words) == 1, words
    assert "Her voice" not in text
    assert "For a supervisor" not in shown(client_for(agent))


# --- Live ----------------------------------------------------------------------------------------


def test_a_look_brings_what_changed_and_204_where_nothing_did(desk, frozen, now):
    open_callback(due_at=now + 10 * MINUTE, now=now)
    stamp = stamp_of(shown(desk))
    frozen.move_to(now + 5 * MINUTE)
    same = look(desk, **{"X-Desk-Seen": stamp})
    assert (same.status_code, same.content) == (204, b"")
    frozen.move_to(now + 11 * MINUTE)
    changed = look(desk, **{"X-Desk-Seen": stamp})
    text = changed.content.decode()
    assert changed.status_code == 200
    assert 'data-pressing="1"' in text
    assert "Promised, and not yet kept" in text
    assert "<html" not in text
    assert title_of(shown(desk)) == "(1) Desk"


def test_looking_keeps_no_session_alive_and_an_ended_one_is_told_by_401(desk, frozen):
    assert look(desk).status_code == 200
    for _minute in range(16):
        frozen.shift(MINUTE)
        last = look(desk)
    assert (last.status_code, last.content) == (401, b"")
    # Signed out elsewhere, or never signed in: no form comes where the desk was expected.
    assert look(desk).status_code == 401
    assert desk.get(LIVE).status_code == 302


@pytest.mark.parametrize("role", ["privacy_officer", "administrator"])
def test_roles_without_callers_have_no_desk(role, client_for, request):
    client = client_for(request.getfixturevalue(role))
    assert look(client).status_code == 403
    assert "desk-live" not in shown(client)


def test_the_desk_shows_nobodys_name_number_or_words(desk, agent, now):
    person = maria(name="Zora Canary", alias="Zo", approach_note="knock twice")
    open_callback(due_at=now, now=now, person=person, reason="her secret")
    text = shown(desk)
    for private in ("Zora", "555-01", "55501", "knock", "secret", "20001"):
        assert private not in text


# --- The audit -----------------------------------------------------------------------------------


def reads(agent):
    return Event.objects.filter(verb="desk.read", actor=agent).order_by("at", "id")


def test_a_night_of_looking_at_the_same_rows_is_a_few_events(desk, frozen, agent, now):
    seen = open_callback(due_at=now, now=now)
    shown(desk)
    assert [event.detail["ids"] for event in reads(agent)] == [[str(seen.pk)]]
    for _look in range(40):
        frozen.shift(timedelta(seconds=15))
        look(desk)
    assert reads(agent).count() == 1
    fresh = open_callback(due_at=now, now=now)
    look(desk)
    look(desk)
    assert reads(agent).count() == 2
    assert set(reads(agent).last().detail["ids"]) == {str(seen.pk), str(fresh.pk)}


def test_what_stays_on_the_desk_is_written_again_every_hour(client_for, frozen, agent, now):
    open_callback(due_at=now, now=now)
    client = client_for(agent)
    shown(client)
    for _step in range(11):
        frozen.shift(10 * MINUTE)
        client.get("/admin/intake/callback/")  # at work, so that the session lasts
        look(client)
    assert reads(agent).count() == 2


# --- However much waits --------------------------------------------------------------------------


def many(now, number, **fields):
    person = maria(created_at=now, time_zone="America/New_York")
    person.save()
    made = [
        Callback(
            person=person,
            source="web",
            due_at=now - timedelta(seconds=number),
            time_zone="America/New_York",
            requested_at=now,
            **fields,
        )
        for number in range(number)
    ]
    return Callback.objects.bulk_create(made)


@pytest.mark.parametrize("role", ["agent", "supervisor"])
def test_the_number_of_queries_has_a_bound_and_so_has_the_count(
    role, frozen, client_for, agent, other_agent, supervisor, now
):
    client = client_for({"agent": agent, "supervisor": supervisor}[role])
    for owner in (agent, None, other_agent):
        many(now, 60, owner=owner)
        many(now, 15, owner=owner, urgency="urgent")
    for _number in range(3):
        debriefs.ask(call=screened_call(agent=agent, now=now), by=agent, now=now)
    counted = []
    for _round in range(2):
        with CaptureQueriesContext(connection) as queries:
            text = look(client).content.decode()
        counted.append(len(queries))
        many(now, 200, owner=None)
    # The first look also writes what it showed.
    assert counted[1] < counted[0] <= MOST_QUERIES[role]
    assert 'class="count tone-late">99+<' in text
    assert text.count("data-row=") < 60


def test_the_lists_of_promises_come_off_indexes_of_open_ones(agent, now):
    """Not off one that holds every callback there ever was, the oldest first."""
    if connection.vendor != "sqlite":
        return  # its plans follow the size of the tables, which are empty here
    late = desk_callbacks._free(agent, now).filter(due_at__lte=now)
    plans = {
        "callback_owner_due": late.filter(owner=None)[:10],
        "callback_urgent_due": late.filter(urgency="urgent")[:10],
        "callback_due|callback_by_status": late[:10],
        "callback_claimed": desk_callbacks._shown().filter(claimed_at__gt=now)[:5],
    }
    for index, found in plans.items():
        assert re.search(rf"INDEX ({index}) ", found.explain()), found.explain()


def test_whoever_has_both_roles_is_a_supervisor(frozen, client_for, agent, now):
    agent.groups.add(Group.objects.get(name="Supervisor"))
    assert "Nothing for a supervisor to look at" in shown(client_for(agent))
