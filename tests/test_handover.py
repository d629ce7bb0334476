"""The shift is handed over: what is under way, a note, and each of the next who has read it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse

from intake.actions import callbacks, handovers, offers, safety
from intake.models import Call, Callback, Event, HandOver
from tests.casting import (
    facility,
    open_call,
    open_callback,
    referral,
    screened_call,
    told,
)

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
WRITE = "/admin/intake/handover/write/"


def references(digest, name):
    return [entry["reference"] for entry in digest[name]]


def risky(agent, now, **answers):
    call = open_call(agent=agent, now=now)
    safety.evaluate(call=call, answers=told(**answers), by=agent, now=now)
    return call


def page(hand_over, name="change"):
    return reverse(f"admin:intake_handover_{name}", args=[hand_over.pk])


# --- The digest ----------------------------------------------------------------------------------


def test_the_digest_names_callers_at_risk_until_their_loop_is_closed(agent, now):
    emergency = risky(agent, now, seizure_now="yes")
    waiting, reached, arrived = (screened_call(agent=agent, now=now) for _number in range(3))
    mild = screened_call(agent=agent, now=now)
    screen = safety.current(call=mild)
    safety.override(screen=screen, level="low_but_possible", reason="x", by=agent, now=now)
    yesterday = screened_call(agent=agent, now=now - timedelta(days=1))
    still_open = screened_call(agent=agent, now=now - timedelta(days=2))
    for call in (waiting, reached, arrived, yesterday):
        Call.objects.filter(pk=call.pk).update(
            status="closed", disposition="information_given", closed_at=now, closed_by=agent
        )
    kept = open_callback(due_at=now, now=now, person=reached.caller, call=reached)
    Callback.objects.filter(pk=kept.pk).update(status="reached", closed_at=now)
    home = facility("Alder House", now=now)
    placed = referral(agent=agent, now=now, call=arrived)
    (offer,) = offers.offer(referral=placed, facilities=[home], by=agent, now=now)
    offers.accept(offer=offer, contact="x", expected_at=now + HOUR, by=agent, now=now)
    offers.mark_arrived(offer=offer, by=agent, now=now)
    digest = handovers.draft(now=now)
    assert references(digest, "high_risk") == [
        emergency.reference,
        still_open.reference,
        waiting.reference,
    ]
    assert mild.reference not in str(digest)
    assert digest["high_risk"][0]["open"] is True
    assert digest["more"] == dict.fromkeys(
        ("high_risk", "callbacks", "requests", "referrals"), False
    )


def test_the_digest_looks_ahead_to_the_end_of_the_next_shift(agent, now):
    # 10:00 in New York: this shift ends at 15:00, the next at 23:00, that is 03:00 UTC.
    late, tonight, tomorrow = (
        open_callback(due_at=now + hours, now=now) for hours in (-HOUR, 12 * HOUR, 14 * HOUR)
    )
    facility("Alder House", now=now)
    searched = referral(agent=agent, now=now)
    digest = handovers.draft(now=now)
    assert digest["until"] == "2026-03-11T03:00:00+00:00"
    assert references(digest, "callbacks") == [late.reference, tonight.reference]
    assert tomorrow.reference not in str(digest)
    assert references(digest, "referrals") == [searched.reference]


def test_a_digest_is_short_however_much_there_is(agent, now):
    person = open_callback(due_at=now, now=now).person
    for _number in range(60):
        open_callback(due_at=now, now=now, person=person)
    digest = handovers.draft(now=now)
    assert len(digest["callbacks"]) == 50
    assert digest["more"]["callbacks"]


# --- Written, read, acknowledged -----------------------------------------------------------------


def test_the_note_and_the_digest_are_kept_encrypted_and_as_they_were(agent, now):
    callback = open_callback(due_at=now, now=now)
    hand_over = handovers.write(note="Be gentle with her mother.", by=agent, now=now)
    callbacks.cancel(callback=callback, by=agent, now=now)
    hand_over.refresh_from_db()
    assert references(hand_over.digest, "callbacks") == [callback.reference]
    with connection.cursor() as cursor:
        cursor.execute("SELECT note, digest FROM intake_handover")
        stored = str(cursor.fetchone())
    assert "gentle" not in stored
    assert callback.reference not in stored
    event = Event.objects.get(verb="hand_over.written")
    assert event.detail == {"ids": [str(callback.pk)]}


def test_each_of_the_next_shift_acknowledges_once_and_the_writer_not_at_all(
    agent, other_agent, supervisor, now
):
    hand_over = handovers.write(note="", by=agent, now=now)
    with pytest.raises(handovers.OwnHandOver):
        handovers.acknowledge(hand_over=hand_over, by=agent, now=now)
    for user in (other_agent, supervisor):
        handovers.acknowledge(hand_over=hand_over, by=user, now=now)
    with pytest.raises(handovers.AlreadyAcknowledged):
        handovers.acknowledge(hand_over=hand_over, by=other_agent, now=now)
    assert hand_over.acknowledgements.count() == 2
    assert Event.objects.filter(verb="hand_over.acknowledged").count() == 2


def test_a_shift_is_handed_over_read_and_acknowledged_without_the_url_bar(
    agent, other_agent, supervisor, client_for, frozen, now
):
    call = risky(agent, now, seizure_now="yes")
    writer, reader = client_for(agent), client_for(other_agent)
    assert WRITE in writer.get("/admin/").content.decode()
    form = writer.get(WRITE).content.decode()
    assert call.reference in form
    assert "Tue, Mar 10, 7:00 AM EDT" in form
    refused = writer.post(WRITE, {"note": "a\0b"})
    assert refused.status_code == 422
    assert call.reference in refused.content.decode()
    answer = writer.post(WRITE, {"note": "The hospital rings back at noon."})
    hand_over = HandOver.objects.get()
    assert answer.url == page(hand_over)
    assert page(hand_over) not in writer.get("/admin/").content.decode()
    assert page(hand_over) in reader.get("/admin/").content.decode()
    text = reader.get(page(hand_over)).content.decode()
    assert "The hospital rings back at noon." in text
    assert reverse("admin:intake_call_change", args=[call.pk]) in text
    assert reader.post(page(hand_over, "acknowledge")).status_code == 302
    assert page(hand_over) not in reader.get("/admin/").content.decode()
    again = reader.post(page(hand_over, "acknowledge"))
    assert again.status_code == 422
    assert "You have acknowledged" in again.content.decode()
    seen = client_for(supervisor).get(page(hand_over)).content.decode()
    assert "noor" in seen
    assert "Nobody yet." not in seen


def test_the_desk_asks_for_a_day_and_a_supervisor_hears_of_one_nobody_read(
    agent, other_agent, supervisor, client_for, frozen, now
):
    unread = handovers.write(note="", by=agent, now=now)

    def links(user):
        return client_for(user).get("/admin/").content.decode().count(f'href="{page(unread)}"')

    frozen.move_to(now + 61 * HOUR / 60)
    # A row has two links: to be read by the supervisor too, and to be asked after.
    assert links(supervisor) == 4
    handovers.acknowledge(hand_over=unread, by=other_agent, now=now)
    assert links(supervisor) == 2
    frozen.move_to(now + 25 * HOUR)
    assert links(supervisor) == 0


def test_a_hand_over_is_nobodys_who_takes_no_calls(
    agent, privacy_officer, administrator, client_for, now
):
    hand_over = handovers.write(note="", by=agent, now=now)
    for user in (privacy_officer, administrator):
        client = client_for(user)
        for address in (WRITE, page(hand_over), page(hand_over, "acknowledge")):
            assert client.get(address).status_code == 403


def test_whoever_writes_is_shown_nothing_that_is_not_in_the_audit(agent, client_for, frozen, now):
    callback = open_callback(due_at=now, now=now)
    client_for(agent).get(WRITE)
    event = Event.objects.get(verb="hand_over.drafted")
    assert event.detail == {"ids": [str(callback.pk)]}
