"""One's own request by its private link: without scripts, without a name, and never the last word.

Whoever holds the link may be the person, a stranger who typed in their number, or who found it.
"""

import logging
import re
from datetime import timedelta
from urllib.parse import unquote

import pytest
from django.core import signing
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from helpline.reporting import LineFormatter
from intake.actions import blocks, callbacks, dialing
from intake.models import Callback, Event, OnlineStop
from intake.views import manage
from intake.views.private_links import token_of
from intake.views.thanks import receipt_url
from tests.callers import BEN, Page, only_callback
from tests.casting import open_callback, rung

pytestmark = pytest.mark.django_db

PAGES = ["manage", "manage-time", "manage-cancel", "manage-stop"]


@pytest.fixture
def page(client, frozen):
    return Page(client, frozen)


@pytest.fixture
def request_made(page):
    """A request as Ana made it, for tomorrow morning, and let in."""

    def made(**changes):
        given = {"day": "tomorrow", "part": "morning", "alias": "Zebrafinch", **changes}
        assert page.send(**given).status_code == 302
        return Callback.objects.select_related("person").latest("id")

    return made


def post(client, name, callback, **data):
    return client.post(reverse(name), {"token": token_of(callback), **data})


def body(response):
    """The page inside its frame, as plain text."""
    main = re.search(r"<main.*</main>", response.content.decode(), re.DOTALL)[0]
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())


def neutral(response, callback):
    """The bytes, without what differs from page to page anyway."""
    content = response.content.decode()
    for own in (callback.reference, token_of(callback)):
        content = content.replace(own, "")
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", content)


def when(**changes):
    given = {"day": "tomorrow", "on": "", "part": "afternoon", "time_zone": "", "sure": "yes"}
    return {**given, **changes}


# --- The page -------------------------------------------------------------------------------------


def test_the_link_and_the_button_show_the_request_and_nothing_of_the_person(client, request_made):
    callback = request_made(voicemail="neutral", topic="stopping", zip_code="20001")
    opened = client.get(reverse("manage-link", args=[token_of(callback)]))
    sent = post(client, "manage", callback)
    assert sent.request["PATH_INFO"] == "/manage/"
    for response in (opened, sent):
        assert response.status_code == 200
        text = body(response)
        assert callback.reference in text
        assert (
            "We call you tomorrow, Wednesday, March 11, between 8 a.m. and noon your time" in text
        )
        assert "may leave a message that does not say who we are" in text
        assert "we do not say who is calling" in text
        content = response.content.decode()
        for secret in ("Zebrafinch", "555-0101", "5550101", "0101", "20001", "topping"):
            assert secret not in content
        assert "<title>Callback</title>" in content
        assert 'content="noindex"' in content
        assert response["Cache-Control"] == "no-store"
    assert body(opened) == body(sent)


def test_the_receipt_gives_the_link_and_the_button(client, page):
    content = client.get(page.send()["Location"]).content.decode()
    token = token_of(only_callback())
    assert f'<code class="link-text">http://testserver/manage/{token}/</code>' in content
    assert 'action="/manage/"' in content
    # A link could be pressed by mistake, and would be kept in the history.
    assert f'href="/manage/{token}' not in content


def test_no_link_or_form_of_these_pages_carries_the_token_in_an_address(client, request_made):
    callback = request_made()
    token = token_of(callback)
    for name in PAGES:
        content = post(client, name, callback).content.decode()
        for address in re.findall(r'(?:href|action|formaction|src)="([^"]*)"', content):
            assert token not in unquote(address)


def test_when_the_time_has_come_no_new_time_is_told(client, request_made, frozen, agent):
    """Neither that we tried, nor what came of it."""
    callback = request_made()
    frozen.move_to(callback.due_at)
    before = neutral(post(client, "manage", callback), callback)
    assert "It is time for your call." in before
    callbacks.claim(callback=callback, by=agent, now=timezone.now())
    assert neutral(post(client, "manage", callback), callback) == before
    rung(callback, "no_answer", by=agent, now=timezone.now())
    assert neutral(post(client, "manage", callback), callback) == before


def test_a_week_after_it_was_closed_the_link_is_one_like_any_other(
    client, request_made, frozen, agent
):
    callback = request_made()
    link = reverse("manage-link", args=[token_of(callback)])
    frozen.move_to(callback.due_at)
    callbacks.claim(callback=callback, by=agent, now=timezone.now())
    rung(callback, "reached", by=agent, now=timezone.now())
    closed = client.get(link)
    assert closed.status_code == 200
    assert "This request is closed." in body(closed)
    assert "reached" not in body(closed)
    frozen.shift(timedelta(days=8))
    over = client.get(link)
    assert over.status_code == 404
    assert callback.reference not in over.content.decode()
    invented = client.get("/manage/nonsense/")
    assert over.content == invented.content.replace(b"nonsense", token_of(callback).encode())


def test_a_callback_that_was_no_web_request_has_no_link(client, now, frozen):
    promised = open_callback(due_at=now, now=now)
    assert client.get(reverse("manage-link", args=[token_of(promised)])).status_code == 404


def spoiled():
    return [
        pytest.param(lambda token: token[:-1], id="cut short"),
        pytest.param(lambda token: ("B" if token[0] == "A" else "A") + token[1:], id="changed"),
        pytest.param(lambda token: token + "=", id="padded"),
        pytest.param(lambda token: "nonsense", id="invented"),
        pytest.param(lambda token: "", id="none"),
        pytest.param(lambda token: "é" * 66, id="not ASCII"),
        pytest.param(lambda token: "\0" * 66, id="NUL"),
        pytest.param(lambda token: "x" * 500_000, id="half a megabyte"),
        pytest.param(
            lambda token: signing.Signer(salt="intake.callback.receipt").sign(token.split(":")[0]),
            id="signed for another page",
        ),
        pytest.param(
            lambda token: signing.Signer(salt="intake.callback.manage").sign("A" * 22),
            id="of a request that is gone",
        ),
        pytest.param(
            lambda token: signing.Signer(salt="intake.callback.manage").sign("short"),
            id="of nothing",
        ),
    ]


@pytest.mark.parametrize("spoil", spoiled())
def test_a_token_we_did_not_sign_shows_and_does_nothing(client, request_made, spoil):
    callback = request_made()
    token = spoil(token_of(callback))
    for name in PAGES:
        response = client.post(reverse(name), {"token": token, **when()})
        assert response.status_code == 404
        assert callback.reference not in response.content.decode()
    callback.refresh_from_db()
    assert (callback.plan, callback.status) == (1, "open")


@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=st.sampled_from(PAGES),
    data=st.dictionaries(
        st.sampled_from(["day", "on", "part", "time_zone", "sure", "switch", "token"]),
        st.text(max_size=30) | st.sampled_from(["yes", "date", "now", "2026-03-12", "any"]),
    ),
)
def test_whatever_is_sent_is_answered(client, request_made, name, data):
    callback = Callback.objects.first() or request_made()
    response = client.post(reverse(name), {"token": token_of(callback), **data})
    assert response.status_code in (200, 404, 409, 422)


def test_no_line_of_the_log_holds_a_link_that_was_opened(client, request_made, page):
    """Whoever reads the log could take calls back with it."""
    callback = request_made()
    formatter = LineFormatter()
    for address in (reverse("manage-link", args=[token_of(callback)]), receipt_url(callback)):
        for path in (address, f"/es{address}", address.replace(":", "%3A"), f"{address}?x=1"):
            record = logging.LogRecord("gunicorn.access", 20, "", 1, "GET %s 200", (path,), None)
            line = formatter.format(record)
            assert token_of(callback)[:20] not in line
            assert callback.pk.hex not in line
            assert "/-/ 200" in line


# --- Known and unknown numbers --------------------------------------------------------------------


def test_a_blocked_number_and_a_new_one_are_told_the_same_at_every_step(
    client, request_made, agent, now
):
    blocks.block(number="+12025550101", reason="asked", by=agent, now=now)
    blocked, new = request_made(), request_made(phone="(202) 555-0177")
    assert (blocked.status, new.status) == ("cancelled", "open")

    def both(name, **data):
        told = [post(client, name, one, **data) for one in (blocked, new)]
        assert told[0].status_code == told[1].status_code
        texts = [neutral(response, one) for response, one in zip(told, (blocked, new), strict=True)]
        assert texts[0] == texts[1]
        return body(told[0])

    assert "We have your request." in both("manage")
    both("manage-time")
    assert "The time is changed." in both("manage-time", **when())
    assert "between noon and 5 p.m." in both("manage")
    both("manage-time", **when(day=""))
    both("manage-stop")
    both("manage-cancel")
    assert "taken back" in both("manage-cancel", sure="yes")
    assert "taken back" in both("manage")


def statements(client, name, callback, **data):
    with CaptureQueriesContext(connection) as ran:
        assert post(client, name, callback, **data).status_code == 200
    return len([one for one in ran.captured_queries if not one["sql"].startswith("ROLLBACK TO")])


def test_what_we_know_of_a_number_costs_no_statement_more_or_less(client, request_made, agent, now):
    """Or the time of the answer would tell it."""
    blocks.block(number="+12025550101", reason="asked", by=agent, now=now)
    blocked, new = request_made(), request_made(phone="(202) 555-0177")
    held = request_made(phone="(202) 555-0178")
    Callback.objects.filter(pk=held.pk).update(status="held", held_because="number")
    for name, data in (
        ("manage", {}),
        ("manage-time", when()),
        ("manage-time", when(part="evening")),
        ("manage-time", when(day="asap", part="any")),
        ("manage-cancel", {}),
        ("manage-cancel", {"sure": "yes"}),
        ("manage", {}),
    ):
        ran = {statements(client, name, one, **data) for one in (blocked, new, held)}
        assert len(ran) == 1, (name, data, ran)


def test_a_stop_takes_as_long_however_much_it_holds_back(client, request_made, monkeypatch):
    """And only once: whoever asks again and again makes nobody wait."""
    slept = []
    monkeypatch.setattr(manage.time, "sleep", slept.append)
    alone, busy = request_made(phone="(202) 555-0177"), request_made()
    request_made()
    for one in (alone, busy, alone, busy):
        assert "taken back" in body(post(client, "manage-stop", one, sure="yes"))
    assert len(slept) == 2
    assert all(0 < seconds <= manage.STOP_TAKES_SECONDS for seconds in slept)


def test_no_word_of_a_danger_they_told_us_of(client, request_made):
    """Whoever found the link must not read it."""
    calm = request_made()
    danger = request_made(in_danger="yes", phone="(202) 555-0177")
    for name in PAGES:
        if name != "manage-time":
            pages = [neutral(post(client, name, one), one) for one in (calm, danger)]
            assert pages[0] == pages[1]
    for one in (calm, danger):
        post(client, "manage-cancel", one, sure="yes")
    assert neutral(post(client, "manage", calm), calm) == neutral(
        post(client, "manage", danger), danger
    )
    danger.refresh_from_db()
    assert danger.status == "held"


def test_a_call_for_somebody_in_danger_is_not_put_off_here(client, request_made):
    callback = request_made(in_danger="yes")
    for response in (
        post(client, "manage-time", callback),
        post(client, "manage-time", callback, **when()),
    ):
        assert response.status_code == 409
        assert "To change it, please call us." in body(response)
        assert "danger" not in body(response)


# --- Another time ---------------------------------------------------------------------------------


def test_another_time_is_asked_for_by_the_same_questions_and_told_in_their_time(
    client, request_made
):
    callback = request_made(phone=BEN)
    asked = post(client, "manage-time", callback)
    assert asked.status_code == 200
    assert not re.search(r"<input[^>]*name=\"day\"[^>]*checked", asked.content.decode())
    done = post(
        client, "manage-time", callback, **when(day="date", on="2026-03-20", part="evening")
    )
    assert done.status_code == 200
    assert "The time is changed." in body(done)
    assert "on Friday, March 20, between 5 p.m. and 8 p.m. your time" in body(done)
    callback.refresh_from_db()
    assert (callback.due_at.day, callback.due_at.hour, callback.plan) == (21, 0, 2)
    again = post(
        client, "manage-time", callback, **when(day="date", on="2026-03-20", part="evening")
    )
    assert body(again) == body(done)
    callback.refresh_from_db()
    assert callback.plan == 2


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"day": ""}, "Please choose one answer."),
        ({"day": "never"}, "Please choose one of the answers."),
        ({"day": "date"}, "Please say which day."),
        ({"day": "date", "on": "2026-02-30"}, "Please give a date that exists"),
        ({"day": "date", "on": "2026-03-09"}, "from today to two weeks ahead"),
        ({"day": "date", "on": "2027-03-09"}, "from today to two weeks ahead"),
        ({"day": "today", "part": "morning", "later": 7}, "That time is over"),
        ({"day": "now", "part": "evening"}, "You asked us to call right away."),
        ({"day": "today", "time_zone": "Mars/Base"}, "Please choose one of the answers."),
        ({"part": "\x00"}, "Please choose one of the answers."),
    ],
)
def test_what_cannot_be_is_said_at_its_question_and_nothing_is_lost(
    client, request_made, frozen, changes, says
):
    callback = request_made()
    frozen.shift(timedelta(hours=changes.pop("later", 0)))
    given = when(**changes)
    response = post(client, "manage-time", callback, **given)
    assert response.status_code == 422
    assert says in body(response).replace("&quot;", '"')
    content = response.content.decode()
    assert token_of(callback) in content
    if given["on"]:
        assert f'value="{given["on"]}"' in content
    callback.refresh_from_db()
    assert callback.plan == 1


def test_outside_the_hours_only_right_away_is_taken(client, request_made, frozen):
    callback = request_made()
    frozen.move_to("2026-03-11T06:10:00+00:00")  # 02:10 there
    asap = post(client, "manage-time", callback, **when(day="asap", part="any"))
    assert "from 8 a.m. on, your time" in body(asap)
    now = post(client, "manage-time", callback, **when(day="now", part="any"))
    assert "It is time for your call." in body(now)
    callback.refresh_from_db()
    assert (callback.due_at, callback.asked_outside_hours) == (timezone.now(), True)


def test_moved_very_often_it_takes_a_talk(client, request_made):
    callback = request_made()
    for number in range(8):
        part = ("afternoon", "evening")[number % 2]
        assert post(client, "manage-time", callback, **when(part=part)).status_code == 200
    refused = post(client, "manage-time", callback, **when(part="any"))
    assert refused.status_code == 409
    assert "To change it once more, please call us." in body(refused)


# --- Taken back, and never again ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "question"),
    [
        ("manage-cancel", "Take your request back?"),
        ("manage-stop", "Should we not call you again?"),
    ],
)
def test_it_is_asked_first_and_done_once(client, request_made, name, question):
    callback = request_made()
    for data in ({}, {"sure": ""}, {"sure": "no"}, {"sure": "yes", "switch": "en"}):
        assert question in body(post(client, name, callback, **data))
    callback.refresh_from_db()
    assert callback.is_open
    first = post(client, name, callback, sure="yes")
    assert first.status_code == 200
    assert "Your request is taken back." in body(first)
    assert body(post(client, name, callback, sure="yes")) == body(first)
    callback.refresh_from_db()
    assert callback.status == "cancelled"
    assert Event.objects.filter(verb="callback.withdrawn").count() == 1
    assert OnlineStop.objects.count() == (name == "manage-stop")
    # And they can change their mind.
    assert reverse("callback") in first.content.decode()


def test_what_a_stop_cannot_do_is_said_before_it_is_asked_for(client, request_made):
    text = body(post(client, "manage-stop", request_made()))
    assert "If we promised you a call on the phone, that promise stays." in text
    assert "You can always call us." in text


def test_other_requests_of_the_number_are_not_told_of(client, request_made):
    """Not that there are any, and not what became of them."""
    alone = request_made(phone="(202) 555-0177")
    of_two, other = request_made(), request_made()
    told = [neutral(post(client, "manage-stop", one, sure="yes"), one) for one in (alone, of_two)]
    assert told[0] == told[1]
    other.refresh_from_db()
    assert other.status == "held"
    assert "We have your request." in body(post(client, "manage", other))


def test_a_link_opened_or_followed_by_a_machine_does_nothing(client, request_made):
    callback = request_made()
    link = reverse("manage-link", args=[token_of(callback)])
    for method in ("get", "head", "options"):
        getattr(client, method)(link, {"sure": "yes"})
        for name in PAGES:
            query = {"token": token_of(callback), "sure": "yes"}
            answer = getattr(client, method)(reverse(name), query)
            assert answer.status_code == (200 if method == "options" else 404)
    assert client.post(link, {"sure": "yes"}).status_code == 405
    callback.refresh_from_db()
    assert callback.is_open
    assert not Event.objects.filter(verb="callback.withdrawn").exists()


# --- In two tabs, and while somebody rings --------------------------------------------------------


def test_a_page_left_open_in_another_tab_learns_that_it_is_over(client, request_made):
    callback = request_made()
    post(client, "manage-cancel", callback, sure="yes")
    for name, data in (("manage-time", when()), ("manage-cancel", {}), ("manage", {})):
        response = post(client, name, callback, **data)
        assert response.status_code == 200
        assert "Your request is taken back." in body(response)
    callback.refresh_from_db()
    assert (callback.plan, callback.status) == (1, "cancelled")


@pytest.mark.parametrize(
    ("name", "data"),
    [("manage-time", when()), ("manage-cancel", {"sure": "yes"}), ("manage-stop", {"sure": "yes"})],
)
def test_while_the_phone_rings_it_is_refused_without_telling_so(
    client, request_made, frozen, agent, name, data
):
    callback = request_made()
    frozen.move_to(callback.due_at)
    callbacks.claim(callback=callback, by=agent, now=timezone.now())
    dialing.show_number(callback=callback, by=agent, now=timezone.now())
    response = post(
        client,
        name,
        callback,
        **{**data, **({"day": "asap", "part": "any"} if "day" in data else {})},
    )
    assert response.status_code == 409
    text = body(response)
    assert "This cannot be changed right now." in text
    assert "We may be about to call." in text
    callback.refresh_from_db()
    assert (callback.status, callback.claimed_by) == ("open", agent)
    assert not OnlineStop.objects.exists()


# --- Languages, cookies and headers ---------------------------------------------------------------


def test_in_spanish_the_pages_stay_in_spanish(client, request_made):
    callback = request_made()
    link = reverse("manage-link", args=[token_of(callback)])
    for address in [reverse(name) for name in PAGES]:
        response = client.post(f"/es{address}", {"token": token_of(callback)})
        content = response.content.decode()
        assert '<html lang="es"' in content
        addresses = re.findall(r'<form[^>]*action="([^"]*)"', content)
        addresses += re.findall(r'<button[^>]*formaction="([^"]*)"', content)
        assert [one for one in addresses if not one.startswith("/es/")] == [address]
    assert '<html lang="es"' in client.get(f"/es{link}").content.decode()


def test_another_language_keeps_what_was_chosen_and_saves_nothing(client, request_made):
    callback = request_made()
    shown = post(client, "manage-time", callback).content.decode()
    assert re.search(
        r'<button type="submit" form="manage-form" formaction="/es/manage/time/" name="switch"',
        shown,
    )
    typed = when(day="date", on="2026-03-20", part="evening", switch="es")
    response = client.post("/es/manage/time/", {"token": token_of(callback), **typed})
    assert response.status_code == 200
    content = response.content.decode()
    assert 'value="2026-03-20"' in content
    assert re.search(r'<input[^>]*value="evening"[^>]*checked', content)
    callback.refresh_from_db()
    assert callback.plan == 1


def test_a_lost_cookie_changes_nothing_and_brings_the_page_back(request_made):
    callback = request_made()
    client = Client(enforce_csrf_checks=True)
    for name in PAGES:
        response = client.post(reverse(name), {"token": token_of(callback), "sure": "yes"})
        assert response.status_code == 403
        assert "Nothing is changed yet. Please try once more." in body(response)
    callback.refresh_from_db()
    assert callback.is_open
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', response.content.decode())[1]
    data = {"token": token_of(callback), "sure": "yes", "csrfmiddlewaretoken": token}
    assert client.post(reverse("manage-cancel"), data).status_code == 200
    callback.refresh_from_db()
    assert callback.status == "cancelled"


def test_a_forged_post_without_a_token_of_ours_says_nothing():
    response = Client(enforce_csrf_checks=True).post(reverse("manage-cancel"), {"token": "x"})
    assert response.status_code == 404


def test_no_cookie_but_the_one_against_forgery_and_no_session(client, request_made, settings):
    from django.contrib.sessions.models import Session

    callback = request_made()
    client.get(reverse("manage-link", args=[token_of(callback)]))
    for name in PAGES:
        post(client, name, callback, sure="yes")
    assert set(client.cookies) == {settings.CSRF_COOKIE_NAME}
    assert not Session.objects.exists()


def test_the_pages_hold_no_script_no_style_and_nothing_from_elsewhere(client, request_made):
    callback = request_made()
    answers = [post(client, name, callback) for name in PAGES]
    answers += [client.get("/manage/"), client.get(f"/manage/{token_of(callback)}/")]
    answers += [post(client, "manage-cancel", callback, sure="yes")]
    for response in answers:
        content = response.content.decode()
        assert not re.findall(r'(?:src|action)="(?!/)', content)
        assert not re.search(r"<style|<script(?![^>]*src=)|\sstyle=|\son\w+=", content)
        assert content.index("Leave this page") < content.index("<main")


@pytest.mark.parametrize("because", Callback.HeldBecause.values)
def test_a_request_that_waits_for_a_human_looks_like_any_other(
    client, request_made, frozen, because
):
    """On the receipt, behind the link, and once its time has come."""
    held, new = request_made(), request_made(phone="(202) 555-0177")
    Callback.objects.filter(pk=held.pk).update(status="held", held_because=because)
    held.refresh_from_db()

    def receipt(one):
        address = receipt_url(one)
        return neutral(client.get(address), one).replace(address, "")

    def own(one):
        return neutral(post(client, "manage", one), one)

    assert receipt(held) == receipt(new)
    assert own(held) == own(new)
    frozen.move_to(held.due_at)
    assert "It is time for your call." in own(held)
    assert own(held) == own(new)
