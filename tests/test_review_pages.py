"""Requests the limits of the form held back: the page they are looked at and decided on."""

import functools
import re
import uuid

import pytest
from django.db import connection
from django.urls import reverse

from intake.actions import blocks, reviews
from intake.models import Callback, Event, Person
from tests import reviewing
from tests.casting import maria
from tests.link_holder import asked, withdraw
from tests.reviewing import HOUR, MINUTE, QUEUE, hold, hold_many, state, told
from tests.telling import tells

pytestmark = pytest.mark.django_db


@pytest.fixture
def held(now):
    return functools.partial(hold, now=now)


@pytest.fixture
def many(now):
    return functools.partial(hold_many, now=now)


@pytest.fixture
def press(frozen, client_for, agent):
    """Press a button of the page; returns the answer."""

    def send(decision, marked=(), *, user=None, **more):
        return reviewing.press(client_for(user or agent), decision, marked, **more)

    return send


def test_those_in_danger_stand_on_top_and_then_the_oldest(held, frozen, client_for, agent, now):
    old = held(now=now - HOUR)
    # Ids are in the order of time, and it stands still.
    frozen.shift(1)
    danger, new = held("number", in_danger=True), held("unproven")
    unswept = held("", status="received", now=now - 5 * MINUTE)
    fresh = held("", status="received", now=now)
    text = client_for(agent).get(QUEUE).content.decode()
    places = [text.index(f">{one.reference}<") for one in (danger, unswept, old, new)]
    assert places == sorted(places)
    # A sweep takes it in a moment.
    assert fresh.reference not in text
    assert "said: in danger" in text
    assert "Several requests for this number within a day" in text
    assert "Nobody has looked at it" in text
    event = Event.objects.get(verb="list.read")
    assert set(event.detail["ids"]) == {str(one.pk) for one in (danger, unswept, old, new)}


def test_the_page_says_how_many_wait_for_the_same_number_and_shows_no_number(
    held, frozen, client_for, agent
):
    for _n in range(3):
        held("number", person=maria(phone="+12025550187"))
    held(person=maria(phone="+12025550188"))
    text = client_for(agent).get(QUEUE).content.decode()
    counts = re.findall(r'data-label="For this number" class="number">(\d+)<', text)
    assert sorted(counts) == ["1", "3", "3", "3"]
    assert not tells(text, "0187")
    assert "Maria" not in text


def test_one_page_after_the_other_holds_each_request_once(many, frozen, client_for, agent):
    made = many(70) + many(60, "unproven", in_danger=True, urgency="urgent")
    client, seen = client_for(agent), []
    for number in (1, 2, 3):
        response = client.get(QUEUE, {"page": number})
        seen += [row["reference"] for row in response.context["rows"]]
    assert sorted(seen) == sorted(one.reference for one in made)
    assert "Page 3 of 3" in response.content.decode()
    only = client.get(QUEUE, {"because": "unproven"}).context["page"]
    assert only.paginator.count == 60


@pytest.mark.parametrize("query", ["?page=0", "?page=x", "?page=99999999999999", "?because=x"])
def test_an_address_made_up_is_the_nearest_page(held, frozen, client_for, agent, query):
    request = held()
    response = client_for(agent).get(QUEUE + query)
    assert response.status_code == 200
    assert request.reference in response.content.decode()


def test_the_marked_ones_are_let_through_and_the_others_stay(held, press, client_for, agent, now):
    first, second, third = held(), held(), held()
    response = press("release", [first, second])
    assert (state(first), state(second), state(third)) == ("open", "open", "held")
    assert "2 requests are on the desk now." in told(response)


def test_what_was_decided_meanwhile_is_named_and_keeps_no_other(
    held, press, client_for, agent, now
):
    mine, theirs = held(), held()
    blocks.block(number="+12025550187", reason="declined", by=agent, now=now)
    blocked = held(person=maria(phone="+12025550187"))
    reviews.release(callback=theirs, by=agent, now=now)
    text = told(press("release", [mine, theirs, blocked]))
    assert state(mine) == "open"
    assert f"{theirs.reference}: This request was decided already." in text
    assert "1 request is on the desk now. 1 has ended: its number may not be rung." in text


def test_turning_down_takes_a_reason_and_keeps_the_marks(held, press):
    request, other = held(), held()
    response = press("turn_down", [request])
    assert response.status_code == 422
    assert "Say why nobody rings." in response.content.decode()
    assert f'value="{request.pk}" aria-label="Mark {request.reference}" checked' in (
        response.content.decode()
    )
    assert press("turn_down", [request], reason="not_genuine").status_code == 302
    assert (state(request), state(other)) == ("cancelled", "held")


@pytest.mark.parametrize(
    "marked",
    [[], ["x"], ["\x00"], [str(uuid.uuid4())], ["1" * 9000]],
    ids=["none", "a word", "NUL", "nobody's", "long"],
)
def test_marks_that_are_none_are_refused_with_a_word(held, frozen, client_for, agent, marked):
    request = held()
    response = client_for(agent).post(QUEUE, {"decision": "release", "marked": marked})
    assert response.status_code == 422
    assert "Mark" in response.content.decode()
    assert state(request) == "held"


def test_no_more_than_one_page_is_decided_in_one_request(many, press):
    response = press("release", many(51))
    assert response.status_code == 422
    assert Callback.objects.filter(status="held").count() == 51


@pytest.mark.parametrize("decision", ["", "delete", "release_all"])
def test_a_press_that_is_none_of_the_buttons_changes_nothing(held, press, decision):
    request = held()
    assert press(decision, [request]).status_code == 422
    assert state(request) == "held"


def test_a_supervisor_is_led_to_what_was_decided_for_many_at_once(client_for, agent, supervisor):
    orders = reverse("admin:intake_revieworder_changelist")
    assert orders in client_for(supervisor).get(QUEUE).content.decode()
    assert orders not in client_for(agent).get(QUEUE).content.decode()


def test_the_page_is_for_those_who_may_review(
    held, frozen, client_for, agent, supervisor, privacy_officer, administrator
):
    request = held()
    for user, status in (
        (agent, 200),
        (supervisor, 200),
        (privacy_officer, 403),
        (administrator, 403),
    ):
        client = client_for(user)
        assert client.get(QUEUE).status_code == status
        for page in ("let_through", "turn_down"):
            address = reverse(f"admin:intake_callback_{page}", args=[request.pk])
            assert client.get(address).status_code == status
    marked = {"decision": "release", "marked": [str(request.pk)]}
    assert client_for(administrator).post(QUEUE, marked).status_code == 403
    assert state(request) == "held"


def test_one_in_danger_that_was_taken_back_is_said_to_be_just_that(frozen, client_for, agent, now):
    """Nobody asked that the number not be called: whoever decides must not think so."""
    request = asked(now, in_danger=True, urgency="urgent")
    withdraw(request, now)
    assert state(request) == "held"
    client = client_for(agent)
    for page in (QUEUE, reverse("admin:intake_callback_change", args=[request.pk])):
        text = client.get(page).content.decode()
        assert "Somebody took it back by its private link" in text


def test_the_record_says_why_it_waits_and_offers_both_ways(held, frozen, client_for, agent, now):
    request, client = held("stopped"), client_for(agent)
    page = reverse("admin:intake_callback_change", args=[request.pk])
    text = client.get(page).content.decode()
    assert "Waits for review: nobody rings yet" in text
    assert "Somebody asked online that this number not be called" in text
    assert "Claim and ring" not in text
    response = client.post(reverse("admin:intake_callback_let_through", args=[request.pk]))
    assert response["Location"] == page
    text = client.get(page).content.decode()
    assert "Claim and ring" in text
    assert re.search(r"Let through</p>.*?· ava", text, re.DOTALL)
    other = held()
    turn_down = reverse("admin:intake_callback_turn_down", args=[other.pk])
    assert client.post(turn_down).status_code == 422
    assert client.post(turn_down, {"reason": "helped"})["Location"] == QUEUE
    text = client.get(reverse("admin:intake_callback_change", args=[other.pk])).content.decode()
    assert "Turned down: They were helped already" in text
    assert client.post(turn_down, {"reason": "helped"}).status_code == 422


def test_the_record_names_the_language_in_words(held, frozen, client_for, agent):
    request = held()
    Person.objects.filter(pk=request.person_id).update(language="es")
    record = reverse("admin:intake_callback_change", args=[request.pk])
    page = client_for(agent).get(record).content.decode()
    assert "<dt>Language</dt><dd>Spanish</dd>" in page


def test_a_request_that_cannot_be_read_stands_in_the_list_and_can_be_turned_down(
    held, press, client_for, agent
):
    broken, whole = held("failed"), held()
    table = Person._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET phone = %s WHERE id = %s",  # noqa: S608
            [b"\x00" * 40, Person._meta.pk.get_db_prep_value(broken.person_id, connection)],
        )
    client = client_for(agent)
    assert broken.reference in client.get(QUEUE).content.decode()
    text = told(press("release", [broken, whole]))
    assert f"{broken.reference}: This request cannot be read." in text
    assert (state(whole), state(broken)) == ("open", "held")
    assert press("turn_down", [broken], reason="supervisor").status_code == 302
    assert state(broken) == "cancelled"
