"""What a phone system tells us: signed, once, and one callback for one person who rang in vain."""

import base64
import json
import os
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.urls import get_resolver

from helpline import signatures
from intake.actions import blocks, calling_hours, calls, events, people, phone_events
from intake.models import Call, Callback, Event, Person, PhoneEvent, Reminder, TextStop
from tests import servers
from tests.casting import MARIA, maria, open_callback, tried
from tests.racing import at_once
from tests.routes import routes
from tests.telling import tells
from tests.walk import log_lines, table_texts

pytestmark = pytest.mark.django_db

SECRET, OLD_SECRET = b"the phone system's own secret...", b"the secret it had until lately.."
HOOK = "/hooks/phone"
SAN_FRANCISCO = "+14155550102"  # 07:00 there, too early to be rung
Result = PhoneEvent.Result


@pytest.fixture(autouse=True)
def secrets(settings):
    settings.PHONE_WEBHOOK_SECRETS = (SECRET, OLD_SECRET)


class PhoneSystem:
    """Signs and posts events as it would; ``clock`` stands still."""

    def __init__(self, clock):
        self.clock, self.count = clock, 0

    def tell(self, kind="missed_call", number=MARIA, *, event_id=None, at=None, **data):
        """The answer to one event."""
        self.count += 1
        message = {"type": kind, "data": {"from": number, **data}}
        if at is not None:
            message["timestamp"] = at.isoformat()
        return self.post(json.dumps(message).encode(), event_id or f"evt-{self.count}")

    def post(self, body, event_id="evt", *, secrets=(SECRET,), at=None, **options):
        headers = signatures.headers(
            secrets, message_id=event_id, at=at or datetime.now(UTC), body=body
        )
        options = {"content_type": "application/json", "headers": headers, **options}
        return Client(enforce_csrf_checks=True).post(HOOK, body, **options)

    def insist(self, **told):
        """As every phone system does: 503 means once more."""
        for _ in range(10):
            if (status := self.tell(**told).status_code) != 503:
                return status
        return 503


@pytest.fixture
def phone(frozen):
    return PhoneSystem(frozen)


def result():
    return PhoneEvent.objects.latest("received_at", "id").result


# --- A missed call -------------------------------------------------------------------------------


def test_a_missed_call_becomes_a_callback_that_is_due_at_once(phone, now):
    response = phone.tell()
    assert (response.status_code, response.content) == (202, b"{}")
    callback = Callback.objects.get()
    assert callback.source == Callback.Source.PHONE
    assert callback.due_at == now
    assert callback.urgency == Callback.Urgency.ROUTINE
    assert callback.owner is None
    assert str(callback.person.phone) == MARIA
    event = PhoneEvent.objects.get()
    assert (event.kind, event.result, event.callback) == ("missed_call", "opened", callback)


def test_nothing_is_known_of_who_rang_so_the_rules_are_the_most_careful_ones(phone):
    phone.tell()
    person = Person.objects.get()
    assert person.voicemail_rule == Person.VoicemailRule.NONE
    assert not person.may_say_who_is_calling
    assert not person.text_ok
    assert not person.safe_to_call
    assert (person.spoken_name, Callback.objects.get().reason) == ("", "")


def test_the_record_of_somebody_known_at_the_number_is_left_alone(phone, agent, now):
    known = people.save(person=maria(), by=agent, now=now)
    phone.tell()
    assert Callback.objects.get().person_id != known.pk


def test_its_reminders_are_planned_and_none_is_a_text(phone, settings):
    settings.TEXT_GATEWAY = "console"
    phone.tell()
    channels = set(Reminder.objects.values_list("channel", flat=True))
    assert channels == {"in_app", "email"}


def test_too_early_where_they_are_it_is_due_when_they_may_be_rung(phone, now):
    phone.tell(number=SAN_FRANCISCO)
    callback = Callback.objects.get()
    assert callback.due_at == datetime(2026, 3, 10, 15, 0, tzinfo=UTC)  # 08:00 there
    assert calling_hours.decide_for(callback, callback.due_at).ok


def test_a_voicemail_goes_before_a_call_that_was_only_missed(phone):
    phone.tell("voicemail")
    assert Callback.objects.get().urgency == Callback.Urgency.HIGH


def test_the_audit_says_what_happened_in_codes(phone):
    phone.tell()
    callback = Callback.objects.get()
    written = Event.objects.filter(subject_id=str(callback.pk))
    assert {event.actor_kind for event in written} == {"public"}
    assert {event.verb: event.detail for event in written} == {
        "callback.requested": {"phone_event": "missed_call"},
        "callback.phone_event": {"kind": "missed_call", "result": "opened"},
    }


# --- One callback for one person -----------------------------------------------------------------


def test_ringing_again_makes_no_second_callback(phone):
    phone.tell()
    phone.tell()
    phone.tell("voicemail")
    callback = Callback.objects.get()
    assert sorted(PhoneEvent.objects.values_list("result", "callback")) == [
        (Result.ALREADY_OPEN, callback.pk),
        (Result.ALREADY_OPEN, callback.pk),
        (Result.OPENED, callback.pk),
    ]


def test_a_promise_made_on_a_call_or_the_web_is_the_one_callback(phone, now):
    promised = open_callback(due_at=now + timedelta(days=2), now=now)
    phone.tell()
    assert Callback.objects.get() == promised
    assert PhoneEvent.objects.get().callback == promised


@pytest.mark.parametrize("number", ["+12025550143", "2025550143", "(202) 555-0143", "12025550143"])
def test_a_number_is_the_same_however_it_is_written(phone, number):
    phone.tell()
    phone.tell(number=number)
    assert Callback.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_fifty_copies_of_one_event_at_once_make_one_callback(frozen):
    statuses = []
    copies = [
        lambda: statuses.append(PhoneSystem(frozen).insist(event_id="evt-1")) for _ in range(50)
    ]
    assert at_once(*copies) == ["done"] * 50
    assert statuses == [202] * 50
    assert Callback.objects.count() == Person.objects.count() == PhoneEvent.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_fifty_calls_of_one_number_at_once_make_one_callback(frozen):
    statuses = []
    ring = [
        lambda number=number: statuses.append(PhoneSystem(frozen).insist(event_id=f"evt-{number}"))
        for number in range(50)
    ]
    assert at_once(*ring) == ["done"] * 50
    assert statuses == [202] * 50
    assert Callback.objects.count() == Person.objects.count() == 1
    results = list(PhoneEvent.objects.values_list("result", flat=True))
    assert sorted(results) == [Result.ALREADY_OPEN] * 49 + [Result.OPENED]


def test_a_copy_changes_nothing_whatever_it_says(phone):
    phone.tell(event_id="evt-1")
    before = Event.objects.count()
    assert phone.tell("voicemail", SAN_FRANCISCO, event_id="evt-1").status_code == 202
    assert (Callback.objects.count(), PhoneEvent.objects.count()) == (1, 1)
    assert Event.objects.count() == before


# --- Too late ------------------------------------------------------------------------------------


def closed(now, outcome, agent):
    callback = open_callback(due_at=now, now=now)
    tried(callback, now, by=agent, outcome=outcome, identity_confirmed=outcome == "reached")
    Callback.objects.filter(pk=callback.pk).update(status="reached", closed_at=now)
    return callback


def test_an_event_from_before_they_were_reached_opens_nothing_and_reopens_nothing(
    phone, agent, now
):
    kept = closed(now, "reached", agent)
    phone.tell(at=now - timedelta(minutes=5))
    assert result() == Result.ALREADY_TALKED
    kept.refresh_from_db()
    assert (Callback.objects.count(), kept.status) == (1, "reached")


def test_whoever_rings_after_they_were_reached_is_called_back(phone, agent, now, frozen):
    closed(now, "reached", agent)
    frozen.shift(timedelta(hours=1))
    phone.tell(at=now + timedelta(minutes=50))
    assert result() == Result.OPENED
    assert Callback.objects.filter(status="open").count() == 1


def test_a_try_that_reached_nobody_does_not_count_as_talking(phone, agent, now):
    closed(now, "no_answer", agent)
    phone.tell(at=now - timedelta(minutes=5))
    assert result() == Result.OPENED


def test_who_got_through_after_all_is_not_called_back(phone, agent, now):
    call = Call(started_at=now, taken_by=agent, call_type=Call.CallType.ABOUT_SELF)
    caller = maria()
    calls.save_sheet(
        sheet=calls.Sheet(call=call, caller=caller, person_in_need=caller, substances=[]),
        by=agent,
        now=now,
    )
    phone.tell(at=now - timedelta(seconds=30))
    assert result() == Result.ALREADY_TALKED
    assert not Callback.objects.exists()


def test_a_clock_that_is_ahead_does_not_outdate_what_follows(phone, agent, now, frozen):
    closed(now, "reached", agent)
    frozen.shift(timedelta(hours=1))
    phone.tell(at=now + timedelta(days=400))
    assert PhoneEvent.objects.get().occurred_at == now + timedelta(hours=1)


@pytest.mark.parametrize(
    "timestamp", [None, 5, "", "soon", "2026-13-45T00:00:00Z", "0001-01-01T00:00:00+23:59", []]
)
def test_a_call_is_not_lost_over_a_date_nobody_can_read(phone, now, timestamp):
    body = {"type": "missed_call", "timestamp": timestamp, "data": {"from": MARIA}}
    assert phone.post(json.dumps(body).encode()).status_code == 202
    assert PhoneEvent.objects.get().occurred_at == now
    assert result() == Result.OPENED


@pytest.mark.parametrize("when", ["0001-01-01T00:00:00Z", "1970-01-01T00:05:00Z", "2026-02-01"])
def test_a_phone_system_that_does_not_know_the_day_loses_no_call(
    phone, agent, now, frozen, supervisor, client_for, when
):
    closed(now, "reached", agent)
    frozen.shift(timedelta(hours=1))
    body = {"type": "missed_call", "timestamp": when, "data": {"from": MARIA}}
    assert phone.post(json.dumps(body).encode()).status_code == 202
    assert result() == Result.OPENED
    assert PhoneEvent.objects.get().occurred_at == now + timedelta(hours=1)
    page = client_for(supervisor).get("/admin/intake/phoneevent/")
    assert page.status_code == 200


# --- Not to be rung ------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["", None, "anonymous", "Restricted", "unavailable", 5, []])
def test_a_withheld_number_is_recorded_and_nothing_rung(phone, number):
    assert phone.tell(number=number).content == b"{}"
    assert result() == Result.NUMBER_WITHHELD
    assert not Person.objects.exists()


@pytest.mark.parametrize(
    "number",
    [
        "911",
        "+19005550101",
        "+18005550199",  # our own line
        "+18765550123",
        "+442079460123",
        "101",
        "2025550143 x 12",
        "9" * 5000,
        "+1202555\x000143",
        "+1202555\ud8000143",
    ],
)
def test_a_number_we_may_not_call_is_recorded_and_nothing_rung(phone, number):
    assert phone.tell(number=number).content == b"{}"
    assert result() == Result.NOT_DIALABLE
    assert not Person.objects.exists()


def test_a_blocked_number_is_recorded_and_nothing_rung(phone, now):
    blocks.block(number=MARIA, reason="declined", by=events.SYSTEM, now=now)
    assert phone.tell().content == b"{}"
    assert result() == Result.BLOCKED
    assert not Callback.objects.exists()


def test_what_we_know_nothing_of_is_taken_so_that_it_is_not_sent_for_ever(phone):
    assert phone.tell("fax_received").content == b"{}"
    event = PhoneEvent.objects.get()
    assert (event.kind, event.result) == (PhoneEvent.Kind.OTHER, Result.IGNORED)


# --- A text --------------------------------------------------------------------------------------


@pytest.fixture
def texter(agent, now):
    return open_callback(due_at=now + timedelta(hours=2), now=now, person=maria(text_ok=True))


def test_stop_ends_the_texts_at_once_and_leaves_the_call(phone, texter):
    phone.tell("text_received", text="STOP")
    assert result() == Result.TEXTS_STOPPED
    assert not Person.objects.filter(text_ok=True).exists()
    assert TextStop.objects.get().person_id == texter.person_id
    texter.refresh_from_db()
    assert texter.is_open
    assert not blocks.is_blocked(MARIA)


def test_stop_from_a_number_nobody_knows_is_recorded(phone):
    phone.tell("text_received", text="Alto")
    assert result() == Result.TEXTS_STOPPED
    assert not Person.objects.exists()


def test_who_writes_that_they_want_no_calls_is_shown_to_a_person_who_decides(phone, texter):
    phone.tell("text_received", text="No me llamen")
    event = PhoneEvent.objects.get()
    assert (event.result, event.callback) == (Result.WANTS_NO_CALLS, texter)
    assert not Person.objects.filter(text_ok=True).exists()
    texter.refresh_from_db()
    assert texter.is_open
    assert not blocks.is_blocked(MARIA)


def test_start_lifts_a_stop_and_is_no_consent(phone, texter, frozen):
    phone.tell("text_received", text="stop")
    frozen.shift(60)
    phone.tell("text_received", text="START")
    assert result() == Result.TEXTS_AGAIN
    assert not TextStop.objects.filter(lifted_at=None).exists()
    assert not Person.objects.filter(text_ok=True).exists()


def test_any_other_text_is_to_be_read_where_texts_are_kept(phone, texter):
    phone.tell("text_received", text="I can't stop drinking, please help")
    assert (result(), PhoneEvent.objects.get().callback) == (Result.TEXT_TO_READ, texter)
    assert Person.objects.filter(text_ok=True).exists()


# --- Who may tell us -----------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["get", "post", "put", "delete", "head", "options"])
def test_without_a_secret_there_is_no_such_address(settings, method):
    settings.PHONE_WEBHOOK_SECRETS = ()
    assert getattr(Client(), method)(HOOK).status_code == 404


@pytest.mark.parametrize("method", ["get", "put", "delete", "head", "options", "patch"])
def test_only_post_is_taken(method):
    response = getattr(Client(), method)(HOOK)
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")


def refused(response, status, code):
    assert (response.status_code, response.json()) == (status, {"error": code})
    assert not PhoneEvent.objects.exists()
    assert not Person.objects.exists()


BODY = json.dumps({"type": "missed_call", "data": {"from": MARIA}}).encode()


def test_what_is_not_signed_by_the_phone_system_is_refused(phone, now):
    refused(phone.post(BODY, headers={}), 401, "headers_missing")
    refused(phone.post(BODY, secrets=[b"x" * 32]), 401, "wrong_signature")
    refused(phone.post(BODY, secrets=[]), 401, "wrong_signature")
    signed = signatures.headers([SECRET], message_id="evt", at=now, body=BODY + b" ")
    refused(phone.post(BODY, headers=signed), 401, "wrong_signature")


@pytest.mark.parametrize("minutes", [-6, 6, -600])
def test_a_message_caught_and_sent_again_later_is_refused(phone, now, minutes):
    at = now + timedelta(minutes=minutes)
    refused(phone.post(BODY, at=at), 401, "not_from_now")


def test_a_message_caught_and_sent_again_at_once_changes_nothing(phone):
    for _ in range(2):
        assert phone.post(BODY, "evt-1").status_code == 202
    assert Callback.objects.count() == 1


@pytest.mark.parametrize("secret", [SECRET, OLD_SECRET])
def test_while_the_secret_is_changed_both_are_taken(phone, secret):
    assert phone.post(BODY, secrets=[secret]).status_code == 202


@pytest.mark.parametrize(
    "body",
    [
        b" ",
        b"{",
        b"null",
        b"[]",
        b'"missed_call"',
        b"{}",
        b'{"type": 5}',
        b'{"type": null, "data": {}}',
        b"\xff\xfe",
        b"[" * 16_000,
        b"1" * 16_000,
        b'{"type": "missed_call"',
    ],
)
def test_what_is_no_event_is_refused_without_a_fault_of_ours(phone, body):
    refused(phone.post(body), 400, "not_an_event")


@pytest.mark.parametrize("data", [None, [], "x", 5])
def test_an_event_without_its_data_is_one_of_a_withheld_number(phone, data):
    body = json.dumps({"type": "missed_call", "data": data}).encode()
    assert phone.post(body).status_code == 202
    assert result() == Result.NUMBER_WITHHELD


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_only_json_is_taken(phone, kind):
    refused(phone.post(BODY, content_type=kind), 415, "not_json")


def test_another_encoding_than_utf_8_is_refused(phone):
    response = phone.post(BODY, content_type="application/json; charset=utf-7")
    assert response.status_code == 400


@pytest.mark.parametrize("size", [16 * 1024 + 1, 900_000])
def test_a_long_message_is_refused(phone, size):
    refused(phone.post(b" " * size), 413, "too_long")


def test_the_longest_message_that_is_taken(phone):
    body = BODY + b" " * (16 * 1024 - len(BODY))
    assert phone.post(body).status_code == 202


def test_what_cannot_be_stored_now_is_asked_for_again(phone, monkeypatch):
    def fail(**told):
        raise OperationalError("canceling statement due to lock timeout: +12025550143")

    monkeypatch.setattr(phone_events, "take", fail)
    with log_lines() as log:
        response = phone.tell()
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert not tells(log.getvalue(), "0143")


def test_a_fault_on_the_way_leaves_nothing_behind_and_the_copy_is_taken(phone, monkeypatch):
    def fail(**named):
        raise OperationalError

    with monkeypatch.context() as broken:
        broken.setattr(phone_events.reminders, "plan", fail)
        assert phone.tell(event_id="evt-1").status_code == 503
    assert not PhoneEvent.objects.exists()
    assert not Person.objects.exists()
    assert phone.tell(event_id="evt-1").status_code == 202
    assert Callback.objects.count() == 1


def test_it_is_the_only_address_without_a_token_against_forged_forms():
    exempt = {
        str(route) for route in routes() if getattr(route.pattern.callback, "csrf_exempt", False)
    }
    # Django's own: it shows the address of a record, and changes nothing.
    assert exempt - {"admin/jsi18n/"} == {"hooks/phone"}
    assert get_resolver().resolve(HOOK).url_name == "hooks-phone"


# --- Nobody learns who called --------------------------------------------------------------------


def test_every_answer_is_the_same_and_sets_no_cookie(phone, agent, now):
    people.save(person=maria(), by=agent, now=now)
    blocks.block(number=SAN_FRANCISCO, reason="declined", by=events.SYSTEM, now=now)
    answers = [
        phone.tell(),
        phone.tell(),
        phone.tell(number=SAN_FRANCISCO),
        phone.tell(number=""),
        phone.tell(number="911"),
        phone.tell("fax"),
        phone.tell("text_received", text="STOP"),
        phone.tell("text_received", text="hello"),
    ]
    assert {(answer.status_code, answer.content) for answer in answers} == {(202, b"{}")}
    assert len({repr(sorted(answer.headers.items())) for answer in answers}) == 1
    assert not any(answer.cookies for answer in answers)
    assert answers[0].headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("kind", ["missed_call", "voicemail", "text_received", "fax"])
def test_neither_log_nor_database_holds_number_text_or_the_senders_id(phone, kind):
    with log_lines() as log:
        phone.tell(kind, text="STOP zebrafinch", event_id="call-12025550143-zebrafinch")
        phone.post(b'{"type": "zebrafinch 2025550143"', "evt-zebrafinch")
    stored = json.dumps(table_texts(), default=str)
    for secret in ("5550143", "555-0143", "zebrafinch"):
        assert secret not in log.getvalue()
        assert secret not in stored
        assert secret not in repr(phone_events.Told("zebrafinch", "x", datetime.now(UTC), MARIA))


def test_supervisors_see_what_came_of_each_event_and_no_number(
    phone, supervisor, agent, client_for
):
    phone.tell()
    phone.tell("text_received", text="call me never, do not call")
    listing = "/admin/intake/phoneevent/"
    page = client_for(supervisor).get(listing)
    content = page.content.decode()
    assert page.status_code == 200
    assert "A callback was opened" in content
    assert "They wrote that they want no calls: decide" in content
    assert not tells(content, "0143")
    event = PhoneEvent.objects.first()
    assert client_for(supervisor).get(f"{listing}{event.pk}/change/").status_code == 200
    assert client_for(agent).get(listing).status_code == 403


def test_a_text_that_needs_a_person_stands_on_a_supervisors_desk_until_one_has_looked(
    phone, texter, supervisor, agent, client_for, now
):
    phone.tell("text_received", text="do not call me again")
    event = PhoneEvent.objects.get()
    assert phone_events.asked_for_no_calls(texter) == event
    desk = client_for(supervisor)
    assert "wrote: no calls" in desk.get("/admin/").content.decode()
    assert "wrote: no calls" not in client_for(agent).get("/admin/").content.decode()
    page = f"/admin/intake/phoneevent/{event.pk}/looked_at/"
    assert client_for(agent).get(page).status_code == 403
    record = desk.get(f"/admin/intake/phoneevent/{event.pk}/change/").content.decode()
    assert page in record
    assert texter.reference in record
    assert desk.get(page).status_code == 200
    assert PhoneEvent.objects.to_decide().exists()
    assert desk.post(page).status_code == 302
    event.refresh_from_db()
    assert (event.looked_at, event.looked_by) == (now, supervisor)
    assert "wrote: no calls" not in desk.get("/admin/").content.decode()
    # What was looked at is still told to whoever is about to ring.
    assert phone_events.asked_for_no_calls(texter) == event
    with pytest.raises(phone_events.NothingToDecide):
        phone_events.mark_looked_at(event=event, by=supervisor, now=now)


def test_what_came_of_itself_is_nobodys_to_decide(phone, supervisor, now, client_for):
    phone.tell()
    event = PhoneEvent.objects.get()
    assert not PhoneEvent.objects.to_decide().exists()
    with pytest.raises(phone_events.NothingToDecide):
        phone_events.mark_looked_at(event=event, by=supervisor, now=now)
    response = client_for(supervisor).post(f"/admin/intake/phoneevent/{event.pk}/looked_at/")
    assert response.status_code == 422


def test_what_nobody_looked_at_stands_on_top_of_the_list(phone, supervisor, client_for, frozen):
    phone.tell("text_received", text="hello?")
    waiting = PhoneEvent.objects.get()
    frozen.shift(timedelta(hours=1))
    phone.tell()
    page = client_for(supervisor).get("/admin/intake/phoneevent/")
    assert next(iter(page.context["cl"].result_list)) == waiting


# --- The page for operators ----------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("number", "outcome"), [(MARIA, Result.OPENED), ("", "number_withheld")])
def test_the_example_for_operators_works_as_it_stands(live_server, tmp_path, number, outcome):
    """The very lines of docs/phone-system.md, in a shell, with curl and openssl."""
    missing = [name for name in ("bash", "curl", "openssl") if not shutil.which(name)]
    if missing:
        pytest.skip(f"{missing} not installed: the example of docs/phone-system.md was not run")
    page = (servers.ROOT / "docs" / "phone-system.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```\n(#!/bin/bash\n.*?)```", page, re.DOTALL)
    script = tmp_path / "missed-call"
    script.write_text(example)
    secret = tmp_path / "secret"
    secret.write_text(f"whsec_{base64.b64encode(SECRET).decode()}\n")
    environment = {
        "PATH": os.environ["PATH"],
        "HELPLINE": live_server.url,
        "HELPLINE_SECRET_FILE": str(secret),
    }
    for _ in range(2):  # and once more, as a phone system does that heard no answer
        done = subprocess.run(
            ["bash", script, "missed_call", number, "1741615200.77"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert PhoneEvent.objects.get().result == outcome
    wrong = tmp_path / "wrong"
    wrong.write_text(f"whsec_{base64.b64encode(b'x' * 32).decode()}\n")
    environment["HELPLINE_SECRET_FILE"] = str(wrong)
    done = subprocess.run(
        ["bash", script, "missed_call", number, "2"],
        env=environment,
        capture_output=True,
        check=False,
    )
    assert done.returncode != 0, "a refusal must show in the phone system's log"
    connection.close()
