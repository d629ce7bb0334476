"""Staff accounts: who may raise whom, and how soon a right that was taken away is gone."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.contrib.sessions.models import Session
from django.urls import reverse

from intake.models import Event
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.once]

NEW = "a battery of nine correct horses"


def change(user):
    return reverse("admin:auth_user_change", args=[user.pk])


def form_of(user, **changes):
    """The change form of an account as its page would send it."""
    return {
        "username": user.username,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "email": user.email,
        "groups": [group.pk for group in user.groups.all()],
        **({"is_active": "on"} if user.is_active else {}),
        **changes,
    }


HOSTILE = {
    "is_superuser": "on",
    "is_staff": "on",
    "user_permissions": ["1", "2", "3"],
    "password": "md5$x$y",
    "last_login_0": "2020-01-01",
    "date_joined": "2020-01-01",
}


@pytest.fixture
def office(administrator, client_for):
    return client_for(administrator)


def test_an_administrator_gives_a_role_and_takes_it(office, agent):
    supervisor = Group.objects.get(name="Supervisor")
    response = office.post(change(agent), form_of(agent, groups=[supervisor.pk]))
    assert response.status_code == 302
    assert [group.name for group in agent.groups.all()] == ["Supervisor"]
    assert Event.objects.filter(verb="user.changed", subject_id=str(agent.pk)).count() == 1


def test_no_form_makes_a_superuser_or_gives_a_single_permission(office, administrator, agent):
    for user in (agent, administrator):
        office.post(change(user), form_of(user, **HOSTILE))
        before = User.objects.get(pk=user.pk)
        assert not before.is_superuser
        assert not before.user_permissions.exists()
        assert before.check_password(PASSWORD)
    made = {"username": "nina", "password1": NEW, "password2": NEW, "usable_password": "true"}
    made |= {"groups": [Group.objects.get(name="Agent").pk]}
    office.post(reverse("admin:auth_user_add"), {**made, **HOSTILE, "password": ""})
    nina = User.objects.get(username="nina")
    assert (nina.is_superuser, nina.is_staff) == (False, True)
    assert not nina.user_permissions.exists()


def test_no_page_of_an_account_offers_the_superuser_box(office, agent):
    body = office.get(change(agent)).content.decode()
    assert "is_superuser" not in body
    assert "user_permissions" not in body


def test_an_administrator_cannot_raise_themselves(office, administrator):
    everything = [group.pk for group in Group.objects.all()]
    office.post(change(administrator), form_of(administrator, groups=everything))
    assert [group.name for group in administrator.groups.all()] == ["Administrator"]
    office.post(change(administrator), {**form_of(administrator), "is_active": ""})
    assert User.objects.get(pk=administrator.pk).is_active


def test_an_administrator_does_not_touch_a_superuser(office):
    root = User.objects.create_superuser("root", password=PASSWORD)
    assert office.post(change(root), form_of(root, is_active="")).status_code == 403
    address = reverse("admin:auth_user_password_change", args=[root.pk])
    assert office.get(address).status_code == 403
    assert office.post(address, {"password1": NEW, "password2": NEW}).status_code == 403
    root.refresh_from_db()
    assert root.is_active
    assert root.check_password(PASSWORD)


def test_the_right_to_change_accounts_alone_is_no_way_to_more(agent, other_agent, client_for):
    agent.user_permissions.add(Permission.objects.get(codename="change_user"))
    agent.user_permissions.add(Permission.objects.get(codename="view_user"))
    client = client_for(User.objects.get(pk=agent.pk))
    everything = [group.pk for group in Group.objects.all()]
    client.post(change(agent), form_of(agent, groups=everything, **HOSTILE))
    client.post(change(other_agent), form_of(other_agent, **HOSTILE))
    for user in (agent, other_agent):
        fresh = User.objects.get(pk=user.pk)
        assert not fresh.is_superuser
        assert [group.name for group in fresh.groups.all()] == ["Agent"]


@pytest.mark.parametrize("role", ["agent", "supervisor", "privacy_officer"])
def test_nobody_else_opens_an_account(role, client_for, request, administrator):
    client = client_for(request.getfixturevalue(role))
    for address in (change(administrator), reverse("admin:auth_user_add")):
        assert client.get(address).status_code == 403
        assert client.post(address, {"username": "x"}).status_code == 403


# --- Taken away ----------------------------------------------------------------------------------


def test_a_deactivated_member_is_out_with_the_next_request_everywhere(office, agent, client_for):
    phone, desk = client_for(agent), client_for(agent)
    assert desk.get("/admin/").status_code == 200
    office.post(change(agent), form_of(agent, is_active=""))
    assert not User.objects.get(pk=agent.pk).is_active
    for client in (phone, desk):
        assert client.get("/admin/").status_code == 302
        assert client.get("/admin/intake/call/")["Location"].startswith("/admin/login/")
    theirs = [
        session
        for session in Session.objects.all()
        if session.get_decoded().get("_auth_user_id") == str(agent.pk)
    ]
    assert not theirs


def test_a_deactivated_member_does_not_come_back_with_the_old_password(office, agent, client):
    office.post(change(agent), form_of(agent, is_active=""))
    client.post("/admin/login/", {"username": agent.username, "password": PASSWORD})
    assert client.get("/admin/").status_code == 302


def test_a_role_taken_away_is_gone_with_the_next_request(office, agent, client_for):
    client = client_for(agent)
    assert client.get("/admin/intake/call/").status_code == 200
    office.post(change(agent), form_of(agent, groups=[Group.objects.get(name="Administrator").pk]))
    assert client.get("/admin/intake/call/").status_code == 403
    office.post(change(agent), form_of(User.objects.get(pk=agent.pk), groups=[]))
    assert client.get("/admin/auth/user/").status_code == 403


def test_a_new_password_set_by_an_administrator_ends_the_sessions_of_the_old(
    office, agent, client_for
):
    client = client_for(agent)
    address = reverse("admin:auth_user_password_change", args=[agent.pk])
    office.post(address, {"usable_password": "true", "password1": NEW, "password2": NEW})
    assert User.objects.get(pk=agent.pk).check_password(NEW)
    assert client.get("/admin/").status_code == 302


def test_a_new_password_is_written_to_the_audit_and_not_its_value(office, agent):
    address = reverse("admin:auth_user_password_change", args=[agent.pk])
    office.post(address, {"usable_password": "true", "password1": NEW, "password2": NEW})
    written = Event.objects.filter(subject_type="user", subject_id=str(agent.pk))
    assert written.exists()
    assert NEW not in str(list(written.values()))
