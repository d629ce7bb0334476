"""Proof of work: asked when a limit is near, worth one request, and never in anybody's way."""

import base64
import json
import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake import proof
from intake.actions import web_requests
from intake.forms import Ticket
from intake.models import Callback
from tests.callers import Page, answers, only_callback, ticket_in

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 10, 14, tzinfo=UTC)
LATER = NOW + timedelta(hours=24)


@pytest.fixture(autouse=True)
def few_sums(monkeypatch):
    """The work of a test is a hundredth of that of a browser."""
    monkeypatch.setattr(proof, "MOST_SUMS", 500)


def solved(challenge, /, **changes):
    """What a browser sends after the work: the package's own form of it."""
    number = next(
        number
        for number in range(challenge["maxnumber"] + 1)
        if sha256(f"{challenge['salt']}{number}".encode()).hexdigest() == challenge["challenge"]
    )
    return packed({**challenge, "number": number} | changes)


def packed(content):
    return base64.b64encode(json.dumps(content).encode()).decode()


def challenge_in(response):
    found = re.search(r'data-challenge="([^"]+)"', response.content.decode())
    return json.loads(unescape(found[1]))


# --- The work -------------------------------------------------------------------------------------


def test_work_that_was_done_holds(frozen):
    assert proof.holds(solved(proof.challenge("nonce", until=LATER)), "nonce")


def test_a_proof_is_worth_nothing_on_another_page(frozen):
    assert not proof.holds(solved(proof.challenge("nonce", until=LATER)), "another")


def test_a_proof_grows_old(frozen):
    done = solved(proof.challenge("nonce", until=NOW + timedelta(minutes=5)))
    frozen.shift(4 * 60)
    assert proof.holds(done, "nonce")
    frozen.shift(2 * 60)
    assert not proof.holds(done, "nonce")


@pytest.mark.parametrize(
    "change",
    [
        {"number": 501},
        {"number": True},
        {"number": -1},
        {"number": 1.0},
        {"number": "7"},
        {"number": 10**400},
        {"number": None},
        {"salt": ""},
        {"salt": ["page"]},
        {"salt": None},
        {"challenge": "0" * 64},
        {"challenge": 7},
        {"signature": "0" * 64},
        {"signature": {}},
        {"algorithm": "SHA-1"},
        {"algorithm": None},
    ],
)
def test_a_changed_proof_holds_nothing(frozen, change):
    assert not proof.holds(solved(proof.challenge("nonce", until=LATER), **change), "nonce")


def test_parameters_cannot_be_moved_into_the_number(frozen):
    """The salt ends with "&", so that no digit of it can be read as part of the sum."""
    challenge = proof.challenge("nonce", until=LATER)
    assert challenge["salt"].endswith("&")
    shifted = {**challenge, "salt": challenge["salt"].rstrip("&")}
    assert json.loads(base64.b64decode(solved(challenge)))["number"] >= 0
    number = json.loads(base64.b64decode(solved(challenge)))["number"]
    assert proof.holds(packed({**shifted, "number": number}), "nonce")
    assert not proof.holds(
        packed({**shifted, "salt": f"{shifted['salt']}0", "number": number}), "nonce"
    )


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "x",
        "é" * 40,
        "\ud800",
        "=" * 40,
        base64.b64encode(b"\xff\xfe").decode(),
        base64.b64encode(b"[" * 700).decode(),
        packed([]),
        packed(7),
        packed({}),
        packed({"algorithm": "SHA-256"}),
        "A" * 1_000_000,
    ],
)
def test_whatever_comes_instead_of_a_proof_is_no_proof(payload):
    assert not proof.holds(payload, "nonce")


@pytest.mark.once
@given(
    payload=st.text(max_size=300)
    | st.binary(max_size=200).map(lambda b: base64.b64encode(b).decode())
)
def test_random_text_is_no_proof(payload):
    assert not proof.holds(payload, "nonce")


# --- The ticket -----------------------------------------------------------------------------------


def test_a_ticket_remembers_that_work_was_asked_for(frozen):
    plain, asking = Ticket.issue(), Ticket.issue(asks_proof=True)
    frozen.shift(10)
    assert not Ticket.read(plain.sealed).asks_proof
    read = Ticket.read(asking.sealed)
    assert read.asks_proof
    assert read.nonce == asking.nonce
    assert not read.problem


def test_the_demand_cannot_be_cut_off_a_ticket(frozen):
    asking = Ticket.issue(asks_proof=True).sealed
    frozen.shift(10)
    assert Ticket.read(asking.replace(":proof", "")).problem == "unknown"


# --- The form -------------------------------------------------------------------------------------


@pytest.fixture
def page(client, frozen):
    return Page(client, frozen)


@pytest.fixture
def near(monkeypatch):
    """A limit is near."""
    monkeypatch.setattr(web_requests, "is_near_limit", lambda address, now: True)


def test_nobody_is_asked_while_no_limit_is_near(page, client):
    assert b"data-challenge" not in client.get("/callback/").content
    assert page.send(admit=False).status_code == 302
    assert not only_callback().held_because


def test_near_a_limit_the_page_brings_the_work_along_and_takes_it(page, client, near):
    shown = client.get("/callback/")
    assert 'name="proof" value=""' in shown.content.decode()
    done = solved(challenge_in(shown))
    response = page.send(ticket=ticket_in(shown), proof=done, admit=False)
    assert response.status_code == 302
    assert not only_callback().held_because


@pytest.mark.parametrize("sent", ["", "false"])
def test_without_scripts_the_request_is_taken_all_the_same_and_waits_for_a_human(
    page, client, near, sent
):
    shown = client.get("/callback/")
    response = page.send(ticket=ticket_in(shown), proof=sent, admit=False)
    assert response.status_code == 302
    assert only_callback().held_because == Callback.HeldBecause.UNPROVEN
    assert "We have your request." in client.get(response["Location"]).content.decode()


def test_a_page_opened_before_the_rush_is_shown_once_more_with_the_work(page, client, monkeypatch):
    ticket = page.open()
    monkeypatch.setattr(web_requests, "_is_near_ceiling", lambda now: True)
    response = page.send(ticket=ticket, alias="Robin", topic="cost")
    content = response.content.decode()
    assert response.status_code == 422
    assert "Many requests come in right now" in content
    assert 'value="Robin"' in content
    assert not Callback.objects.exists()

    done = solved(challenge_in(response))
    again = page.send(ticket=ticket_in(response), proof=done, alias="Robin", admit=False)
    assert again.status_code == 302
    assert not only_callback().held_because


def test_a_refused_form_keeps_asking_for_the_work_of_its_own_ticket(page, client, near):
    shown = client.get("/callback/")
    refused = page.send(ticket=ticket_in(shown), phone="")
    assert refused.status_code == 422
    assert ticket_in(refused) == ticket_in(shown)
    done = solved(challenge_in(refused))
    assert page.send(ticket=ticket_in(refused), proof=done, admit=False).status_code == 302
    assert not only_callback().held_because


def test_one_proof_buys_one_request(page, client, near):
    shown = client.get("/callback/")
    done = solved(challenge_in(shown))
    page.send(ticket=ticket_in(shown), proof=done, admit=False)
    other = client.get("/callback/")
    page.send(ticket=ticket_in(other), proof=done, admit=False)
    held = Callback.objects.filter(held_because=Callback.HeldBecause.UNPROVEN)
    assert held.count() == 1
    assert Callback.objects.count() == 2


def test_the_work_changes_nothing_in_what_the_page_asks(page, client, near):
    content = client.get("/callback/").content.decode()
    assert not re.search(r"captcha|puzzle|robot", content, re.IGNORECASE)
    assert answers().keys() - {"website"} <= set(re.findall(r'name="([^"]+)"', content))
