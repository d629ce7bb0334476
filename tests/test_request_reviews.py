"""Requests the limits of the form held back: seen by everybody, decided by a human, never lost."""

import re
import uuid
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from intake.actions import blocks, callbacks, claims, doorbell, handovers, review_mail, reviews
from intake.actions.admission import NotWaiting
from intake.channels.base import ChannelDown
from intake.models import (
    Callback,
    Event,
    Heartbeat,
    Person,
    PersonNameWord,
    ReviewOrder,
)
from intake.reports import callback_list, review_queue
from intake.reports import callbacks as callback_report
from intake.reports.period import Period
from tests.casting import maria, open_callback
from tests.racing import at_once

pytestmark = pytest.mark.django_db

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
QUEUE = "/admin/intake/callback/review/"


@pytest.fixture
def held(now):
    """A request from the web form that waits for a human; changed as named."""

    def make(because="ceiling", **changes):
        given = {"source": "web", "status": "held", "held_because": because, "urgency": "high"}
        given |= {"due_at": now + HOUR, "now": now, "person": maria(alias="Maria")} | changes
        if given.get("in_danger"):
            given["urgency"] = "urgent"
        return open_callback(**given)

    return make


@pytest.fixture
def many(now):
    """So many requests of different people, held for one reason, in two statements."""

    def make(number, because="ceiling", **changes):
        people = [
            Person(
                phone=f"+1202555{100 + n % 100:04d}", created_at=now, time_zone="America/New_York"
            )
            for n in range(number)
        ]
        Person.objects.bulk_create(people)
        given = {"due_at": now + HOUR, "requested_at": now, "urgency": "high"} | changes
        rows = [
            Callback(
                person=person,
                source="web",
                status="held",
                held_because=because,
                time_zone="America/New_York",
                **given,
            )
            for person in people
        ]
        return Callback.objects.bulk_create(rows)

    return make


@pytest.fixture
def press(frozen, client_for, agent):
    """Press a button of the page; returns the answer."""

    def send(decision, marked=(), *, user=None, **more):
        data = {"decision": decision, "marked": [str(one.pk) for one in marked], **more}
        return client_for(user or agent).post(QUEUE, data)

    return send


def told(response):
    """The page one is sent to, with its messages."""
    text = response.client.get(response["Location"]).content.decode()
    return re.sub(r"\s+", " ", text)


def state(callback):
    callback.refresh_from_db()
    return callback.status


# --- Letting through -------------------------------------------------------------------------------


@pytest.mark.parametrize("because", Callback.HeldBecause.values)
def test_whatever_it_was_held_for_a_human_may_let_it_through(held, agent, now, because):
    request = held(because)
    assert not request.reminders.exists()
    reviews.release(callback=request, by=agent, now=now)
    assert state(request) == "open"
    # Why it was held stays on record, and so does who decided.
    assert request.held_because == because
    assert set(request.reminders.values_list("stage", flat=True)) >= {"due", "overdue", "breach"}
    event = Event.objects.get(verb="callback.admitted", subject_id=str(request.pk))
    assert event.actor == agent


def test_a_time_ahead_stays_and_one_that_passed_becomes_the_next_allowed(held, agent, now):
    ahead = held(due_at=now + 3 * HOUR)
    within = held(due_at=now - HOUR, window_ends_at=now + HOUR)
    passed = held(due_at=now - 3 * HOUR, window_ends_at=now - HOUR)
    at_night = now + timedelta(hours=12)  # 22:00 in Washington
    too_late = held(due_at=now - HOUR)
    for request in (ahead, within, passed):
        reviews.release(callback=request, by=agent, now=now)
        request.refresh_from_db()
    reviews.release(callback=too_late, by=agent, now=at_night)
    too_late.refresh_from_db()
    assert (ahead.due_at, ahead.first_deadline_at) == (now + 3 * HOUR, None)
    assert (within.due_at, within.window_ends_at) == (now - HOUR, now + HOUR)
    # What was missed stays missed.
    assert (passed.due_at, passed.window_ends_at) == (now, None)
    assert passed.first_deadline_at == now - HOUR
    assert too_late.due_at == now + timedelta(hours=22)  # 8:00 the next morning
    for request in (ahead, within, passed, too_late):
        assert set(request.reminders.filter(stage="due").values_list("due_at", flat=True)) == {
            request.due_at
        }


def test_the_odd_hour_they_asked_for_holds_as_long_as_it_is_what_allows_the_call(held, agent, now):
    at_night = now + timedelta(hours=12)
    asked = held(due_at=at_night, asked_outside_hours=True)
    missed = held(due_at=at_night, asked_outside_hours=True)
    reviews.release(callback=asked, by=agent, now=at_night + 10 * MINUTE)
    reviews.release(callback=missed, by=agent, now=at_night + timedelta(hours=5))
    asked.refresh_from_db(), missed.refresh_from_db()
    assert (asked.due_at, asked.asked_outside_hours) == (at_night + 10 * MINUTE, True)
    assert (missed.due_at, missed.asked_outside_hours) == (now + timedelta(hours=22), False)


def test_somebody_in_danger_is_on_the_desk_the_moment_it_is_let_through(
    held, agent, now, monkeypatch, django_capture_on_commit_callbacks
):
    rung = []
    monkeypatch.setattr(doorbell, "ring", rung.append)
    request = held(due_at=now, in_danger=True)
    with django_capture_on_commit_callbacks(execute=True):
        reviews.release(callback=request, by=agent, now=now + 20 * MINUTE)
    assert doorbell.BELLS["in_app"] in rung
    request.refresh_from_db()
    assert request.due_at == now + 20 * MINUTE


def test_a_number_that_is_blocked_or_tried_out_ends_it_as_admission_would(
    held, agent, now, monkeypatch
):
    block = blocks.block(number="+12025550187", reason="declined", by=agent, now=now)
    blocked = held(person=maria(phone="+12025550187"))
    reviews.release(callback=blocked, by=agent, now=now)
    assert (state(blocked), blocked.closed_by_block) == ("cancelled", block)
    tried = held(due_at=now - HOUR)
    monkeypatch.setattr("intake.actions.calling_hours.is_tried_out", lambda callback: True)
    reviews.release(callback=tried, by=agent, now=now)
    assert (state(tried), tried.due_at) == ("exhausted", now - HOUR)
    assert not tried.reminders.exists()


def test_what_no_sweep_looked_at_is_let_through_and_can_be_found_by_name(held, agent, now):
    request = held("", status="received")
    PersonNameWord.objects.all().delete()
    reviews.release(callback=request, by=agent, now=now)
    assert state(request) == "open"
    assert PersonNameWord.objects.filter(person=request.person).exists()


def test_of_two_who_decide_at_once_one_wins_and_the_other_is_told(held, agent, other_agent, now):
    first, second = held(), held()
    reviews.release(callback=first, by=agent, now=now)
    with pytest.raises(NotWaiting):
        reviews.turn_down(callback=first, reason="not_genuine", by=other_agent, now=now)
    with pytest.raises(NotWaiting):
        reviews.release(callback=first, by=other_agent, now=now)
    reviews.turn_down(callback=second, reason="not_genuine", by=agent, now=now)
    with pytest.raises(NotWaiting):
        reviews.release(callback=second, by=other_agent, now=now)
    assert (state(first), state(second)) == ("open", "cancelled")


@pytest.mark.django_db(transaction=True)
def test_of_many_who_press_at_the_same_moment_one_wins(held, agent, now):
    request = held()

    def release():
        reviews.release(callback=Callback.objects.get(pk=request.pk), by=agent, now=now)

    def turn_down():
        one = Callback.objects.get(pk=request.pk)
        reviews.turn_down(callback=one, reason="not_genuine", by=agent, now=now)

    answers = at_once(*[release, turn_down] * 6)
    assert sorted(set(answers)) == ["NotWaiting", "done"]
    assert answers.count("done") == 1
    verbs = Event.objects.values_list("verb", flat=True)
    assert len({"callback.admitted", "callback.turned_down"} & set(verbs)) == 1
    assert request.reminders.exists() is (state(request) == "open")


def test_what_waits_is_rung_by_nobody(held, agent, now):
    request = held(due_at=now)
    for refused in (
        lambda: callbacks.claim(callback=request, by=agent, now=now),
        lambda: callbacks.hand_over(callback=request, to=None, reason="busy", by=agent, now=now),
    ):
        with pytest.raises(claims.RequestNotReviewed) as refusal:
            refused()
        assert "review" in refusal.value.message


# --- Turning down ----------------------------------------------------------------------------------


def test_turned_down_it_has_ended_with_who_and_why_and_is_rung_by_nobody(held, supervisor, now):
    request = held("unproven")
    reviews.turn_down(callback=request, reason="duplicate", by=supervisor, now=now)
    assert (state(request), request.closed_at) == ("cancelled", now)
    assert (request.turned_down_because, request.held_because) == ("duplicate", "unproven")
    event = Event.objects.get(verb="callback.turned_down")
    assert (event.actor, event.detail) == (supervisor, {"reason": "duplicate"})
    assert not request.reminders.exists()


def test_a_trick_on_one_number_is_turned_down_in_one_go(held, frozen, client_for, agent, now):
    one, *others = (held("number") for _n in range(4))
    unswept = held("", status="received")
    somebody_else, opened = (
        held(person=maria(phone="+12025550188")),
        open_callback(due_at=now, now=now),
    )
    client, page = client_for(agent), reverse("admin:intake_callback_turn_down", args=[one.pk])
    assert (
        "Also the 4 other requests that wait for this number" in client.get(page).content.decode()
    )
    response = client.post(page, {"reason": "not_genuine", "others": "on"})
    assert "5 requests are turned down." in told(response)
    assert {state(ended) for ended in (one, *others, unswept)} == {"cancelled"}
    assert (state(somebody_else), state(opened)) == ("held", "open")
    page = reverse("admin:intake_callback_turn_down", args=[somebody_else.pk])
    assert "Also the" not in client.get(page).content.decode()


def test_a_made_up_reason_is_none(held, agent, now):
    with pytest.raises(ValueError, match="because"):
        reviews.turn_down(callback=held(), reason="because", by=agent, now=now)


def test_what_was_open_is_not_turned_down(held, agent, now):
    request = open_callback(due_at=now, now=now)
    with pytest.raises(NotWaiting):
        reviews.turn_down(callback=request, reason="not_genuine", by=agent, now=now)
    assert state(request) == "open"


# --- The page --------------------------------------------------------------------------------------


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
    assert "0187" not in text
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


# --- All at once -----------------------------------------------------------------------------------


def carried_out(now):
    while reviews.carry_out(now=now):
        pass


def test_one_press_lets_everything_through_that_waits_for_that_reason(
    many, held, press, client_for, agent, now
):
    made, other, later = many(120), held("unproven"), held(now=now + HOUR)
    assert press("release_all", because="ceiling").status_code == 302
    # The request only says so; the sweep does it.
    assert Callback.objects.filter(status="open").count() == 0
    assert reviews.carry_out(now=now) == reviews.BATCH
    text = client_for(agent).get(QUEUE).content.decode()
    assert "Being let through" in text
    assert "25 requests so far" in text
    carried_out(now)
    assert Callback.objects.filter(status="open").count() == len(made)
    # What came after the press was not meant by it.
    assert (state(other), state(later)) == ("held", "held")
    order = ReviewOrder.objects.get()
    assert (order.decided, order.done_at, order.ordered_by) == (120, now, agent)
    admitted = Event.objects.filter(verb="callback.admitted")
    assert set(admitted.values_list("actor", flat=True)) == {agent.pk}
    assert reviews.carry_out(now=now) == 0


def test_those_in_danger_go_first(many, held, agent, now):
    many(3)
    danger = held(in_danger=True)
    reviews.order(because="ceiling", by=agent, now=now)
    assert reviews.carry_out(now=now, limit=1) == 1
    assert state(danger) == "open"


def test_a_second_press_orders_nothing_twice(held, press, now):
    held()
    assert press("release_all", because="ceiling").status_code == 302
    response = press("release_all", because="ceiling")
    assert response.status_code == 422
    assert "under way" in response.content.decode()
    carried_out(now)
    assert press("release_all", because="ceiling").status_code == 302


@pytest.mark.parametrize("because", ["number", "stopped", "failed", ""])
def test_what_needs_a_look_at_each_is_not_decided_at_once(held, press, because):
    held()
    assert press("release_all", because=because).status_code == 422
    assert not ReviewOrder.objects.exists()


def test_only_a_supervisor_turns_down_what_nobody_looked_at(many, press, supervisor, now):
    many(3, "unproven")
    data = {"because": "unproven", "reason": "not_genuine"}
    assert press("turn_down_all", **data).status_code == 422
    assert press("turn_down_all", user=supervisor, because="unproven").status_code == 422
    assert press("turn_down_all", user=supervisor, **data).status_code == 302
    carried_out(now)
    found = Callback.objects.values_list("status", "turned_down_because").distinct()
    assert list(found) == [("cancelled", "not_genuine")]


def test_one_that_cannot_be_decided_is_set_aside_and_stands_in_nobodys_way(
    many, agent, now, monkeypatch, caplog
):
    first, second, third = many(3)
    release = reviews.release

    def sometimes(*, callback, **named):
        if callback.pk == second.pk:
            raise RuntimeError("+12025550187")
        return release(callback=callback, **named)

    monkeypatch.setattr(reviews, "release", sometimes)
    reviews.order(because="ceiling", by=agent, now=now)
    carried_out(now)
    assert (state(first), state(second), state(third)) == ("open", "held", "open")
    assert second.held_because == "failed"
    told = Event.objects.get(subject_id=str(second.pk), verb="callback.held")
    assert told.detail == {"because": "failed"}
    assert ReviewOrder.objects.get().decided == 2


def test_trouble_with_the_database_is_no_fault_of_a_request(many, agent, now, monkeypatch):
    (only,) = many(1)

    def lost(**named):
        raise OperationalError("the connection is lost")

    reviews.order(because="ceiling", by=agent, now=now)
    with monkeypatch.context() as patched:
        patched.setattr(reviews, "release", lost)
        with pytest.raises(OperationalError):
            reviews.carry_out(now=now)
    assert (state(only), only.held_because) == ("held", "ceiling")
    carried_out(now)
    assert state(only) == "open"


@pytest.mark.django_db(transaction=True)
def test_any_number_of_sweeps_carry_one_order_out_and_decide_each_request_once(many, agent, now):
    made = many(60)
    reviews.order(because="ceiling", by=agent, now=now)
    answers = at_once(*[lambda: carried_out(now)] * 4)
    carried_out(now)
    assert set(answers) == {"done"}
    assert Callback.objects.filter(status="open").count() == len(made)
    assert Event.objects.filter(verb="callback.admitted").count() == len(made)
    assert Event.objects.filter(verb="review.done").count() == 1
    order = ReviewOrder.objects.get()
    assert (order.decided, order.done_at) == (len(made), now)


def test_the_sweep_of_the_desk_carries_orders_out(many, agent, now):
    import time

    from intake.actions import sweeping

    many(3)
    reviews.order(because="ceiling", by=agent, now=now)
    sweeping.sweep(channels=["in_app"], seconds=5, monotonic=time.monotonic)
    assert Callback.objects.filter(status="open").count() == 3


def test_letting_one_through_costs_the_same_however_many_wait(many, agent, now):
    counted = []
    for number in (2, 40):
        many(number)
        reviews.order(because="ceiling", by=agent, now=now)
        with CaptureQueriesContext(connection) as queries:
            reviews.carry_out(now=now, limit=2)
        counted.append(len(queries))
        ReviewOrder.objects.update(done_at=now)
    assert counted[1] <= counted[0] <= 50


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
