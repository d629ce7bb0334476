"""Who may do what: every address, every role, GET and POST, against a table that people read.

The table is ``tests/access_matrix.csv``. An address it does not name fails the build, with the line
that is missing: look at it, ask whether it should be so, and only then add it.
"""

import csv
from pathlib import Path

import pytest
from django.contrib import admin
from django.test import Client

from intake.models import Callback
from intake.models.base import new_id
from intake.views.private_links import token_of
from tests.canaries import personal_models
from tests.everywhere import posted_everywhere, walked
from tests.routes import ROLES, arguments, routes
from tests.walk import (
    ANONYMOUS,
    EVERYBODY,
    client_of,
    request,
    standing_world,
)

pytestmark = [pytest.mark.django_db, pytest.mark.once]

MATRIX = Path(__file__).parent / "access_matrix.csv"
METHODS = ("GET", "POST")
HEAD = ["address", "method", *(role.lower().replace(" ", "_") for role in EVERYBODY)]
# The pages for callers, each in both languages.
FOR_CALLERS = {
    "",
    "info/",
    "callback/",
    "callback/thanks/<str:token>/",
    "manage/",
    "manage/time/",
    "manage/cancel/",
    "manage/stop/",
    "manage/<str:token>/",
}
# The way out of them, to a page of somebody else.
WAY_OUT = "leave/"
# Reachable without signing in: these, what they look like, what machines ask and tell, the door.
PUBLIC = {
    *FOR_CALLERS,
    *(f"es/{address}" for address in FOR_CALLERS),
    WAY_OUT,
    "brand/style.css",
    "brand/logo",
    "health/live",
    "health/ready",
    "metrics",
    "hooks/phone",
    "admin/login/",
}
# Posted by machines, which have no page: the body itself is signed.
SIGNED = {"hooks/phone"}
# What the roles that take no calls may open of a model with personal fields.
OFFICERS_SHARE = {"Privacy officer": {"disclosure"}, "Administrator": set()}


def matrix():
    """``{(address, method): {role: status}}`` as the file says."""
    with MATRIX.open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == HEAD
    return {(row[0], row[1]): dict(zip(EVERYBODY, row[2:], strict=True)) for row in rows[1:]}


@pytest.fixture(scope="session")
def walk(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        return walked()


@pytest.fixture(scope="session")
def posted(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        return posted_everywhere()


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), standing_world() as world:
        yield world


@pytest.fixture
def measured(walk, posted):
    """What the matrix should say."""
    found = {}
    for visit in [*(visit for visit in walk.visits if visit.is_first), *posted]:
        found.setdefault((visit.route, visit.method), {})[visit.role] = str(visit.status)
    return found


def line(key, statuses):
    return ",".join([*key, *(statuses[role] for role in EVERYBODY)])


# --- The table -----------------------------------------------------------------------------------


def test_every_address_is_in_the_matrix(measured):
    missing = [line(key, cells) for key, cells in measured.items() if key not in matrix()]
    assert not missing, "say who may open this:\n" + "\n".join(missing)


def test_the_matrix_names_no_address_that_is_gone(measured):
    gone = set(matrix()) - set(measured)
    assert not gone


@pytest.mark.parametrize("role", EVERYBODY)
def test_every_cell_of_the_matrix_holds(measured, role):
    expected = matrix()
    wrong = [
        f"{key[1]} {key[0]}: {cells[role]}, the matrix says {expected[key][role]}"
        for key, cells in measured.items()
        if key in expected and cells[role] != expected[key][role]
    ]
    assert not wrong, "\n".join(wrong)


# --- What no table may allow ---------------------------------------------------------------------


def test_nobody_gets_in_without_signing_in(measured):
    for (address, method), cells in measured.items():
        if address not in PUBLIC:
            assert cells[ANONYMOUS] in {"302", "401", "403", "404", "405"}, (address, method)


def test_who_is_not_signed_in_is_sent_to_the_door_and_nowhere_else(walk):
    for visit in walk.by(ANONYMOUS):
        if visit.route == WAY_OUT:
            continue
        target = visit.headers.get("Location", "/admin/")
        assert target == "/admin/" or target.startswith("/admin/login/"), visit


@pytest.mark.parametrize("role", OFFICERS_SHARE)
def test_roles_that_take_no_calls_open_nothing_about_a_caller(measured, role):
    about_people = {model._meta.model_name for model in personal_models()} - OFFICERS_SHARE[role]
    for (address, method), cells in measured.items():
        parts = address.split("/")
        if parts[:2] == ["admin", "intake"] and parts[2] in about_people:
            # 302: the old address of a record, which only leads on to the one that refuses.
            is_old_address = address.endswith("<path:object_id>/")
            assert cells[role] == "403" or (is_old_address and cells[role] == "302"), (
                address,
                method,
            )


@pytest.mark.parametrize("role", ROLES)
def test_nobody_deletes_anything_of_ours(measured, role):
    for (address, _method), cells in measured.items():
        if address.endswith("/delete/"):
            assert cells[role] == "403", address


def test_an_agent_reads_no_report_no_audit_and_no_account(measured):
    for (address, method), cells in measured.items():
        closed = ("admin/reports/", "admin/intake/event", "admin/auth/")
        if address.startswith(closed) and not address.endswith("<path:object_id>/"):
            assert cells["Agent"] == "403", (address, method)


# --- Ids -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_an_id_out_of_reach_answers_like_one_that_does_not_exist(walk, world, role):
    """Who may not see a record does not learn either that it exists."""
    client = client_of(world, role)
    shown = {visit.route for visit in walk.by(role) if visit.is_first and visit.status == 200}
    for route in routes():
        if not route.takes_record:
            continue
        missing = request(client, "GET", route.address(unused_id(route.model)))
        if str(route) in shown:
            assert missing.status in {302, 404}, route
        else:
            real = request(client, "GET", route.address(arguments(route, world)[0]))
            assert missing.status == real.status, route
            assert missing.body == real.body, route


def unused_id(model):
    return 987_654 if model._meta.app_label == "auth" else new_id()


# --- Forged requests -----------------------------------------------------------------------------


def test_every_address_refuses_a_post_without_the_token_of_its_page(world):
    for role in ("Supervisor", ANONYMOUS):
        client = client_of(world, role)
        client.handler.enforce_csrf_checks = True
        for route in routes():
            if str(route) in SIGNED:
                continue
            # The pages of a private link say nothing at all without its token.
            token = {"token": private_token(world)}
            visit = request(client, "POST", route.address(arguments(route, world)[0]), token)
            assert visit.status == 403, route


def private_token(world):
    from_web = [one for one in world.of(Callback) if one.source == Callback.Source.WEB]
    return token_of(from_web[0])


def test_a_token_sent_from_elsewhere_is_refused(world, settings):
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.users["Agent"])
    client.get("/admin/intake/call/add/")
    token = client.cookies[settings.CSRF_COOKIE_NAME].value
    form, address = {"csrfmiddlewaretoken": token, "q": "x"}, "/admin/intake/call/search/"
    for origin, status in (("https://evil.example", 403), ("http://testserver", 302)):
        assert client.post(address, form, headers={"Origin": origin}).status_code == status


# --- Admins --------------------------------------------------------------------------------------


def test_every_admin_action_names_the_permission_it_needs():
    for model, registered in admin.site._registry.items():
        for function, name, _description in registered._get_base_actions():
            if name != "delete_selected":
                assert function.allowed_permissions, f"{model.__name__}: {name}"
                for permission in function.allowed_permissions:
                    assert hasattr(registered, f"has_{permission}_permission")
