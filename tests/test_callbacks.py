"""The promise: made inside their hours, claimed by one, tried, moved, ended; identity first."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse

from intake.actions import attempts, callbacks, dialing, people, safety
from intake.models import Attempt, Callback, Event, Notice, Person
from tests.casting import MARIA, maria, open_call, open_callback, rung, told, tried
from tests.telling import tells

pytestmark = pytest.mark.django_db

TEN_IN_NEW_YORK = timedelta(0)  # the standing clock: 14:00 UTC


def promised(agent, now, *, due_in=timedelta(hours=2), **fields):
    call = open_call(agent=agent, now=now)
    return callbacks.promise(
        person=call.caller,
        call=call,
        due_at=now + due_in,
        urgency=fields.pop("urgency", Callback.Urgency.ROUTINE),
        by=agent,
        now=now,
        **fields,
    )


def test_a_promise_is_kept_in_their_zone_and_written_to_the_audit(agent, now):
    callback = promised(agent, now)
    assert callback.is_open
    assert callback.time_zone == "America/New_York"
    assert Event.objects.filter(verb="callback.promised", subject_id=str(callback.pk)).exists()
    assert callback.reminders.count() == 7


def test_a_time_outside_their_hours_is_refused_with_the_reason_unless_they_asked(agent, now):
    call = open_call(agent=agent, now=now)
    night = now + timedelta(hours=12, minutes=30)  # 22:30 in Washington
    args = {"person": call.caller, "call": call, "due_at": night, "urgency": "routine"}
    with pytest.raises(callbacks.OutsideCallingHours, match="8:00 AM to 9:00 PM"):
        callbacks.promise(**args, by=agent, now=now)
    callback = callbacks.promise(**args, asked_outside_hours=True, by=agent, now=now)
    assert callback.asked_outside_hours


def test_no_number_a_blocked_number_or_a_time_gone_by_is_no_promise(agent, now):
    call = open_call(agent=agent, now=now, person=maria(phone=None))
    args = {"call": call, "urgency": "routine", "by": agent, "now": now}
    due = now + timedelta(hours=1)
    with pytest.raises(callbacks.NoNumber):
        callbacks.promise(person=call.caller, due_at=due, **args)
    other = open_call(agent=agent, now=now)
    with pytest.raises(callbacks.DueInThePast):
        callbacks.promise(person=other.caller, due_at=now - timedelta(hours=1), **args)
    people.block_number(person=other.caller, reason="asked", by=agent, now=now)
    with pytest.raises(callbacks.NumberBlocked):
        callbacks.promise(person=other.caller, due_at=due, **args)


def test_blocking_a_number_holds_for_everyone_stored_under_it(agent, now):
    first, second = (open_call(agent=agent, now=now).caller for _call in range(2))
    people.block_number(person=first, reason="asked", by=agent, now=now)
    second.refresh_from_db()
    assert second.do_not_call
    with pytest.raises(people.AlreadyDoNotCall):
        people.block_number(person=second, reason="asked", by=agent, now=now)


def test_one_call_has_one_open_callback(agent, now):
    callback = promised(agent, now)
    args = {"person": callback.person, "call": callback.call, "urgency": "routine"}
    with pytest.raises(callbacks.CallbackAlreadyOpen):
        callbacks.promise(**args, due_at=now + timedelta(hours=3), by=agent, now=now)
    callbacks.cancel(callback=callback, by=agent, now=now)
    again = callbacks.promise(**args, due_at=now + timedelta(hours=3), by=agent, now=now)
    assert again.is_open


def claimed(agent, now, **fields):
    callback = promised(agent, now, **fields)
    return callbacks.claim(callback=callback, by=agent, now=now)


def test_reached_needs_the_claim_and_a_confirmed_identity(agent, other_agent, now):
    callback = claimed(agent, now)
    args = {"callback": callback, "outcome": "reached", "now": now}
    with pytest.raises(callbacks.CallbackNotYours):
        attempts.record(**args, by=other_agent)
    dialing.show_number(callback=callback, by=agent, now=now)
    with pytest.raises(callbacks.IdentityNotConfirmed):
        attempts.record(**args, by=agent)
    assert callback.attempts.count() == 0
    dialing.confirm_identity(callback=callback, by=agent, now=now)
    attempts.record(**args, by=agent)
    assert callback.status == "reached"
    assert callback.closed_at == now
    assert not callback.reminders.filter(status="planned").exists()


def test_a_finished_callback_cannot_be_reopened_by_a_late_outcome(agent, now):
    callback = claimed(agent, now)
    rung(callback, "reached", by=agent, now=now)
    with pytest.raises(callbacks.CallbackAlreadyClosed):
        attempts.record(callback=callback, outcome="no_answer", by=agent, now=now)
    with pytest.raises(callbacks.CallbackAlreadyClosed):
        callbacks.claim(callback=callback, by=agent, now=now)
    assert callback.attempts.count() == 1


def test_no_answer_moves_the_promise_inside_their_hours_with_its_reminders(agent, now):
    callback = claimed(agent, now)
    rung(callback, "no_answer", by=agent, now=now)
    assert callback.is_open
    assert callback.due_at == now + timedelta(hours=1)
    assert (callback.plan, callback.claimed_by) == (2, None)
    due = callback.reminders.get(stage="due", channel="in_app")
    assert (due.plan, due.due_at) == (2, callback.due_at)


def test_call_later_at_the_time_they_named(agent, now):
    callback = claimed(agent, now)
    night = now + timedelta(hours=12, minutes=30)
    args = {"callback": callback, "outcome": "call_later", "by": agent, "now": now}
    dialing.show_number(callback=callback, by=agent, now=now)
    dialing.confirm_identity(callback=callback, by=agent, now=now)
    with pytest.raises(callbacks.OutsideCallingHours):
        attempts.record(**args, again_at=night)
    assert callback.attempts.count() == 0
    attempts.record(**args, again_at=night, asked_outside_hours=True)
    assert callback.due_at == night


@pytest.mark.parametrize(
    ("outcome", "ends_as"), [("wrong_number", "wrong_number"), ("declined", "declined")]
)
def test_a_wrong_number_or_a_no_ends_it_and_blocks_the_number(agent, now, outcome, ends_as):
    callback = claimed(agent, now)
    rung(callback, outcome, by=agent, now=now)
    assert callback.status == ends_as
    assert people.is_blocked(MARIA)


def test_trying_ends_at_the_ceiling_and_says_so(agent, now):
    callback = open_callback(due_at=now, now=now, source=Callback.Source.WEB)
    moment = now
    for _try in range(3):
        callbacks.claim(callback=callback, by=agent, now=moment)
        rung(callback, "no_answer", by=agent, now=moment)
        moment = callback.due_at
    assert callback.status == "exhausted"
    assert [a.number for a in callback.attempts.order_by("number")] == [1, 2, 3]


def test_suspected_danger_makes_it_urgent_and_soon(agent, now):
    callback = claimed(agent, now)
    rung(callback, "danger_suspected", by=agent, now=now)
    assert callback.urgency == "urgent"
    assert callback.due_at == now + timedelta(minutes=15)


def test_the_database_refuses_reached_without_identity(agent, now):
    from django.db import IntegrityError, transaction

    callback = claimed(agent, now)
    attempt = Attempt(
        callback=callback,
        number=1,
        outcome="reached",
        number_shown_at=now,
        made_at=now,
        made_by=agent,
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        attempt.save(force_insert=True)


# --- At the desk ---------------------------------------------------------------------------------


def page(callback, name="change"):
    return reverse(f"admin:intake_callback_{name}", args=[callback.pk])


def test_an_agent_promises_claims_rings_and_reaches_without_the_url_bar(
    agent, client_for, frozen, now
):
    call = open_call(agent=agent, now=now)
    client = client_for(agent)
    form = client.get(reverse("admin:intake_call_callback", args=[call.pk]))
    assert "8:00 AM to 9:00 PM" in form.content.decode() or "calling" in form.content.decode()
    client.post(
        reverse("admin:intake_call_callback", args=[call.pk]),
        {"due": "2026-03-10T15:00", "urgency": "routine", "owner": agent.pk, "reason": "detox"},
    )
    callback = Callback.objects.get()
    assert callback.due_at == now + timedelta(hours=5)  # 15:00 in Washington
    assert MARIA not in client.get(page(callback)).content.decode()
    assert client.post(page(callback, "claim")).url == page(callback, "dial")
    before = client.get(page(callback, "dial")).content.decode()
    assert "Neutral voicemail only" in before
    assert f"tel:{MARIA}" not in before
    client.post(page(callback, "dial"), {"step": "show"})
    assert f"tel:{MARIA}" in client.get(page(callback, "dial")).content.decode()
    refused = client.post(page(callback, "dial"), {"outcome": "reached", "note": "spoke"})
    assert refused.status_code == 422
    assert "spoke" in refused.content.decode()
    client.post(page(callback, "dial"), {"step": "identity"})
    client.post(page(callback, "dial"), {"outcome": "reached"})
    callback.refresh_from_db()
    assert callback.status == "reached"


def test_what_the_call_told_is_carried_into_the_promise(agent, client_for, frozen, now):
    call = open_call(agent=agent, now=now)
    call.topics = ["withdrawal", "detox"]
    call.save()
    screen = safety.evaluate(call=call, answers=told(pregnant="yes"), by=agent, now=now)
    assert screen.level == "urgent"
    address = reverse("admin:intake_call_callback", args=[call.pk])
    page = client_for(agent).get(address).content.decode()
    assert re.search(r'value="urgent"[^>]*checked', page)
    assert "Withdrawal or stopping, Finding detox or treatment" in page
    # What must not be forgotten stays in sight, and the way back to the call.
    assert "safety-panel" in page
    assert call.reference in page


def test_the_number_stays_hidden_until_claimed_and_outside_their_hours(
    agent, other_agent, client_for, frozen, now
):
    callback = promised(agent, now)
    client = client_for(other_agent)
    assert f"tel:{MARIA}" not in client.get(page(callback, "dial")).content.decode()
    client.post(page(callback, "claim"))
    client.post(page(callback, "dial"), {"step": "show"})
    assert f"tel:{MARIA}" in client.get(page(callback, "dial")).content.decode()
    frozen.move_to(now + timedelta(hours=13))  # 23:00 in Washington
    client = client_for(other_agent)
    client.post(page(callback, "claim"))
    late = client.get(page(callback, "dial")).content.decode()
    assert f"tel:{MARIA}" not in late
    assert "Not now." in late


def test_a_promised_window_is_said_wherever_its_callback_is_seen(agent, client_for, frozen, now):
    callback = open_callback(
        due_at=now - timedelta(hours=1),
        now=now - timedelta(hours=2),
        owner=agent,
        window_ends_at=now + timedelta(hours=1),
    )
    client = client_for(agent)
    client.post(page(callback, "claim"))
    window = "9:00 AM to 11:00 AM EDT"
    for path in (
        page(callback),
        page(callback, "dial"),
        reverse("admin:intake_callback_changelist"),
    ):
        assert window in client.get(path).content.decode()
    record = client.get(page(callback)).content.decode()
    assert "The promised window ends in 1 h 0 min" in record
    assert " late<" not in record
    frozen.move_to(now + timedelta(minutes=61))
    assert "1 min late" in client_for(agent).get(page(callback)).content.decode()


def test_callbacks_are_found_by_number_and_reference_without_either_in_the_url(
    agent, client_for, now
):
    callback = promised(agent, now)
    client = client_for(agent)
    for text in ("(202) 555-0143", callback.reference.lower()):
        answer = client.post(reverse("admin:intake_callback_search"), {"q": text})
        assert not tells(answer.url, "0143")
        assert callback.reference not in answer.url
        assert callback.reference in client.get(answer.url).content.decode()
    missed = client.post(reverse("admin:intake_callback_search"), {"q": "(202) 555-0100"})
    assert callback.reference not in client.get(missed.url).content.decode()


def test_moving_and_cancelling_from_the_page(agent, client_for, frozen, now):
    callback = promised(agent, now)
    client = client_for(agent)
    client.post(page(callback, "reschedule"), {"due": "2026-03-11T09:00"})
    callback.refresh_from_db()
    assert callback.plan == 2
    assert callback.due_at.isoformat() == "2026-03-11T13:00:00+00:00"
    client.post(page(callback, "cancel"))
    callback.refresh_from_db()
    assert callback.status == "cancelled"
    again = client.post(page(callback, "cancel"))
    assert again.status_code == 422


@pytest.mark.parametrize("role", ["privacy_officer", "administrator"])
def test_roles_that_see_no_caller_see_no_callback(role, agent, client_for, now, request):
    callback = promised(agent, now)
    client = client_for(request.getfixturevalue(role))
    for name in ("change", "claim", "dial", "reschedule", "cancel"):
        assert client.get(page(callback, name)).status_code == 403


def test_a_stored_person_keeps_the_number_readable_only_through_the_key(agent, now):
    callback = promised(agent, now)
    with connection.cursor() as cursor:
        cursor.execute("SELECT phone, alias FROM intake_person")
        stored = str(cursor.fetchone())
    assert MARIA not in stored
    assert Person.objects.get(pk=callback.person_id).phone == MARIA


def test_a_notice_marked_seen_leaves_the_desk_with_the_earlier_ones_of_its_promise(
    agent, client_for, frozen, now
):
    callback = promised(agent, now, owner=agent)
    for minute, stage in enumerate(("due_soon", "due")):
        reminder = callback.reminders.get(stage=stage, channel="in_app")
        Notice.objects.create(
            reminder=reminder, plan=1, recipient=agent, shown_from=now + timedelta(minutes=minute)
        )
    client = client_for(agent)
    desk = client.get(reverse("admin:index")).content.decode()
    latest = Notice.objects.latest("shown_from")
    seen = reverse("admin:intake_notice_seen", args=[latest.pk])
    assert seen in desk
    assert desk.count("/seen/") == 1
    client.post(seen)
    assert not Notice.objects.filter(seen_at=None).exists()
    assert client.post(seen).status_code == 422


def test_danger_suspected_stays_before_a_supervisor_until_it_has_ended(
    agent, supervisor, client_for, frozen, now
):
    callback = claimed(agent, now)
    rung(callback, "danger_suspected", by=agent, now=now)
    frozen.move_to(now + timedelta(days=3))
    for_supervisors = "danger suspected"
    assert for_supervisors in client_for(supervisor).get(reverse("admin:index")).text
    assert for_supervisors not in client_for(agent).get(reverse("admin:index")).text
    callbacks.cancel(callback=callback, by=agent, now=now)
    assert for_supervisors not in client_for(supervisor).get(reverse("admin:index")).text


def test_the_desk_says_that_a_number_was_tried_as_often_as_may_be(agent, client_for, frozen, now):
    callback = open_callback(due_at=now, now=now, source=Callback.Source.WEB)
    desk = client_for(agent).get(reverse("admin:index")).text
    assert page(callback, "claim") in desk
    tried(callback, now - timedelta(hours=2), now - timedelta(hours=1), by=agent)
    desk = client_for(agent).get(reverse("admin:index")).text
    assert "not now: tried as often as may be" in desk
    assert page(callback, "claim") not in desk


# --- A time that is refused, and one that is offered ---------------------------------------------


def times_offered(answer):
    """The buttons that take a time at one press: value and words."""
    found = re.findall(r'name="choose" value="([^"]+)"[^>]*>([^<]+)</button>', answer.text)
    return [(value, words.strip()) for value, words in found]


def test_a_refused_time_says_why_and_offers_the_next_ones_at_one_press(
    agent, client_for, frozen, now
):
    call = open_call(agent=agent, now=now)
    client = client_for(agent)
    address = reverse("admin:intake_call_callback", args=[call.pk])
    typed = {"due": "2026-03-10T22:30", "urgency": "high", "owner": "", "reason": "her own words"}

    refused = client.post(address, typed)

    assert refused.status_code == 422
    assert (
        "That is 10:30 PM for them (New York time); the federal calling hours are" in refused.text
    )
    assert (
        "Within the federal calling hours, 8:00 AM to 9:00 PM their time (New York)."
        in refused.text
    )
    assert [value for value, _words in times_offered(refused)] == [
        "2026-03-11T08:00",
        "2026-03-12T08:00",
        "2026-03-13T08:00",
    ]
    assert times_offered(refused)[0][1] == "Promise Wed, Mar 11, 8:00 AM EDT"
    # Nothing typed is lost: neither the refused time nor the rest.
    assert 'value="2026-03-10T22:30"' in refused.text
    assert "her own words" in refused.text
    assert re.search(r'value="high"[^>]*checked', refused.text)
    assert not Callback.objects.exists()

    client.post(address, {**typed, "choose": "2026-03-11T08:00", "asked_outside_hours": "on"})
    callback = Callback.objects.get()
    assert callback.due_at.isoformat() == "2026-03-11T12:00:00+00:00"
    assert (callback.urgency, callback.reason) == ("high", "her own words")
    # It is inside their hours: no wish of theirs goes on record.
    assert not callback.asked_outside_hours


def test_the_promise_page_offers_times_before_anything_is_typed(agent, client_for, frozen, now):
    call = open_call(agent=agent, now=now)

    answer = client_for(agent).get(reverse("admin:intake_call_callback", args=[call.pk]))

    # An hour from now, rather than what is done at once.
    assert times_offered(answer)[0][0] == "2026-03-10T11:00"
    assert 'name="due" value="2026-03-10T11:00"' in answer.text
    # The Enter key presses the first button of a form: not one of the times.
    buttons = re.findall(r'<button type="submit" form="action"[^>]*>', answer.text)
    assert "name=" not in buttons[0]
    assert len(buttons) == 1 + len(times_offered(answer))
    assert '<form method="post" id="action"' in answer.text


def test_moving_to_a_refused_time_offers_the_next_ones_too(agent, client_for, frozen, now):
    callback = promised(agent, now)
    client = client_for(agent)

    refused = client.post(page(callback, "reschedule"), {"due": "2026-03-14T06:00"})

    assert refused.status_code == 422
    assert "That is 6:00 AM for them (New York time)" in refused.text
    value, words = times_offered(refused)[0]
    assert (value, words) == ("2026-03-14T08:00", "Move it to Sat, Mar 14, 8:00 AM EDT")
    client.post(page(callback, "reschedule"), {"due": "2026-03-14T06:00", "choose": value})
    callback.refresh_from_db()
    assert (callback.plan, callback.due_at.isoformat()) == (2, "2026-03-14T12:00:00+00:00")


def test_an_offered_time_is_checked_again_when_it_is_pressed(agent, client_for, frozen, now):
    callback = promised(agent, now)

    late = client_for(agent).post(page(callback, "reschedule"), {"choose": "2026-03-10T23:00"})

    assert late.status_code == 422
    assert "That is 11:00 PM for them" in late.text


@pytest.mark.parametrize("pressed", ["", "soon", "\0", "9" * 5000, "2026-02-30T25:61"])
def test_a_button_that_was_never_offered_leaves_what_was_typed(
    agent, client_for, frozen, now, pressed
):
    callback = promised(agent, now)
    typed = {"due": "2026-03-11T09:00", "choose": pressed}

    client_for(agent).post(page(callback, "reschedule"), typed)

    callback.refresh_from_db()
    assert callback.due_at.isoformat() == "2026-03-11T13:00:00+00:00"


NIGHTS = [
    ("skipped in spring: 02:30 is 03:00", "2027-03-14T02:30", "2027-03-14T07:00:00+00:00"),
    ("twice in autumn: the first 01:30", "2026-11-01T01:30", "2026-11-01T05:30:00+00:00"),
]


@pytest.mark.parametrize(
    ("typed", "due_at"), [pytest.param(*case[1:], id=case[0]) for case in NIGHTS]
)
def test_in_the_nights_the_clocks_change_a_promise_falls_due_once(
    agent, client_for, frozen, now, typed, due_at
):
    callback = promised(agent, now)
    due = {"due": typed, "asked_outside_hours": "on"}

    answer = client_for(agent).post(page(callback, "reschedule"), due)

    assert answer.status_code == 302
    callback.refresh_from_db()
    assert callback.due_at.isoformat() == due_at
    found = callback.reminders.get(stage="due", channel="in_app")
    assert (found.plan, found.due_at) == (2, callback.due_at)


# --- Whatever is typed ---------------------------------------------------------------------------

HOSTILE = {
    "NUL": "a\0b",
    "unreadable": "a\ufffdb",
    "escape": "a\x1bb",
    "override": "\u202ereversed",
    "digits": "9" * 5000,
    "no such day": "2026-02-30T25:61",
    "last moment": "9999-12-31T23:59",
    "year zero": "0000-01-01T00:00",
    "not a number": "NaN",
}
PAGES = {
    "promise": ("due", "urgency", "owner", "reason", "asked_outside_hours"),
    "dial": ("outcome", "due", "note", "shown"),
    "reschedule": ("due",),
}


@pytest.mark.parametrize("typed", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("name", PAGES)
def test_every_field_of_every_page_answers_every_input(agent, client_for, frozen, now, name, typed):
    client = client_for(agent)
    call = open_call(agent=agent, now=now)
    address = reverse("admin:intake_call_callback", args=[call.pk])
    good = {"due": "2026-03-10T15:00", "urgency": "routine", "reason": "detox", "owner": ""}
    if name != "promise":
        callback = claimed(agent, now)
        dialing.show_number(callback=callback, by=agent, now=now)
        dialing.confirm_identity(callback=callback, by=agent, now=now)
        address = page(callback, name)
        good = {"outcome": "call_later", "due": "2026-03-10T15:00", "note": "detox"}
    promises = Callback.objects.count()
    for field in PAGES[name]:
        if field == "asked_outside_hours":
            continue  # a box is ticked by any value
        answer = client.post(address, {**good, field: typed})
        if answer.status_code == 302:
            assert field in (
                "reason",
                "note",
                "shown",
            )  # direction marks are taken out, the rest kept
            break
        assert answer.status_code == 422, field
        kept = {key: good[key] for key in PAGES[name] if key != field and good.get(key)}
        assert all(f'{value}"' in answer.text or value in answer.text for value in kept.values())
        assert Callback.objects.count() == promises
        assert not Attempt.objects.exists()


def test_bytes_that_are_no_text_and_ten_megabytes_get_a_clear_page(agent, client_for, now):
    client, callback = client_for(agent), claimed(agent, now)
    form = "application/x-www-form-urlencoded"
    for body in (b"outcome=no_answer&note=%ff%fe", b"outcome=no_answer&note=%ed%a0%80"):
        answer = client.post(page(callback, "dial"), body, content_type=form)
        assert answer.status_code in (400, 422)
        assert answer.text
    long = client.post(page(callback, "dial"), b"note=" + b"x" * 10_000_000, content_type=form)
    assert long.status_code in (400, 413)
    assert not Attempt.objects.exists()
