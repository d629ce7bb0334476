"""A desk nobody sits at signs itself out."""

from datetime import timedelta

import pytest

from helpline.sessions import POLL_HEADER

pytestmark = pytest.mark.django_db

DESK = "/admin/"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def desk(frozen, client_for, agent):
    return client_for(agent)


def is_signed_in(client):
    return client.get(DESK).status_code == 200


def test_fifteen_minutes_without_activity_end_a_session(desk, frozen):
    assert is_signed_in(desk)
    frozen.shift(14 * MINUTE)
    assert is_signed_in(desk)
    frozen.shift(15 * MINUTE)
    response = desk.get(DESK)
    assert (response.status_code, response["Location"]) == (302, f"/admin/login/?next={DESK}")


def test_twelve_hours_end_a_session_however_busy(desk, frozen):
    for _ in range(12 * 6 - 1):
        frozen.shift(10 * MINUTE)
        assert is_signed_in(desk)
    frozen.shift(10 * MINUTE)
    assert not is_signed_in(desk)


def test_a_page_that_refreshes_itself_is_no_activity(desk, frozen):
    for _ in range(3):
        frozen.shift(5 * MINUTE)
        response = desk.get(DESK, headers={"HX-Request": "true", POLL_HEADER: "1"})
    assert response.status_code == 401


def test_a_script_is_told_and_the_page_with_its_text_stays(desk, frozen):
    frozen.shift(16 * MINUTE)
    response = desk.post(DESK, {"narrative": "typed"}, headers={"HX-Request": "true"})
    assert (response.status_code, response.content) == (401, b"")


def test_the_row_of_an_ended_session_is_gone(desk, frozen):
    from django.contrib.sessions.models import Session

    key = desk.session.session_key
    frozen.shift(16 * MINUTE)
    desk.get(DESK)
    assert not Session.objects.filter(session_key=key).exists()


def test_signing_in_gives_a_new_key(client, agent):
    from tests.conftest import PASSWORD

    client.get("/admin/login/")
    client.session["probe"] = 1
    before = client.session.session_key
    client.post("/admin/login/", {"username": agent.username, "password": PASSWORD})
    assert client.session.session_key not in {None, before}
    assert is_signed_in(client)


def test_activity_is_written_at_most_twice_a_minute(desk, frozen, django_assert_num_queries):
    desk.get(DESK)
    first = desk.session["active_at"]
    frozen.shift(timedelta(seconds=20))
    desk.get(DESK)
    assert desk.session["active_at"] == first
    frozen.shift(timedelta(seconds=20))
    desk.get(DESK)
    assert desk.session["active_at"] == first + 40


def test_a_session_without_clocks_is_over(desk):
    session = desk.session
    del session["started_at"]
    session.save()
    assert not is_signed_in(desk)


def test_a_role_taken_away_counts_from_the_next_request(desk, agent):
    assert is_signed_in(desk)
    agent.is_active = False
    agent.save()
    assert not is_signed_in(desk)


def test_cookies_are_closed_to_scripts_and_other_sites(client, agent, settings):
    from tests.conftest import PASSWORD

    client.get("/admin/login/")
    client.post("/admin/login/", {"username": agent.username, "password": PASSWORD})
    session = client.cookies[settings.SESSION_COOKIE_NAME]
    token = client.cookies[settings.CSRF_COOKIE_NAME]
    assert (session["httponly"], session["samesite"], session["expires"]) == (True, "Strict", "")
    assert (token["httponly"], token["samesite"]) == (True, "Lax")
