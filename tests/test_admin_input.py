"""Whatever stands in an address of the admin, the answer is never a failure (IN1).

Query parameters and ids, as the superuser: nothing is refused before it is read.
"""

from contextlib import suppress
from urllib.parse import quote

import pytest
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.auth.models import User
from django.contrib.messages.storage.fallback import FallbackStorage
from django.core.exceptions import SuspiciousOperation
from django.test import RequestFactory

from intake.actions.base import Refused
from tests.routes import routes
from tests.walk import request, standing_world

pytestmark = pytest.mark.django_db

ADMINS = list(admin.site._registry.values())
# Already percent-encoded: not every one of them is text.
ANYTHING = {
    "NUL": "%00",
    "NUL inside": "a%00b",
    "no UTF-8": "%ff%fe",
    "cut UTF-8": "%c3",
    "lone surrogate": "%ed%a0%80",
    "a million digits": "9" * 1_000_000,
    "too many digits for int()": "9" * 5_000,
    "more than 64 bits": "9" * 20,
    "below zero": "-1",
    "not a number": "NaN",
    "huge": "1e999999",
    "reading backward": "%E2%80%AEgnirts",
    "zero width": "%E2%80%8B",
    "emoji": "%F0%9F%99%82",
    "brackets": "%5B%5B%5B%28%28%28",
    "quotes": "%27%22%3B--",
    "path": "..%2F..%2Fetc%2Fpasswd",
    "line breaks": "a%0D%0AX-Evil:%201",
    "template": "%7B%7B%20settings%20%7D%7D",
    "empty": "",
    "UUID of nobody": "00000000-0000-0000-0000-000000000000",
    "date that is none": "2026-02-30",
    "year 0": "0000-01-01",
    "year 10000": "10000-01-01",
    "first day there is": "0001-01-01",
    "last moment there is": "9999-12-31T23:59:59",
    "ten thousand": "10000",
    "zero": "0",
    "very long": "x" * 100_000,
    "quoted like Django does": "_5F_00",
}
# Parameters Django's change lists know by themselves.
OF_EVERY_LIST = (
    "p",
    "o",
    "e",
    "all",
    "s",
    "_facets",
    "_popup",
    "_to_field",
    "_changelist_filters",
    "pk",
    "page",
)
NEVER = range(500, 600)


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), standing_world() as world:
        User.objects.create_superuser("root", password="x")
        yield world


@pytest.fixture
def client(world, client_for):
    return client_for(User.objects.get(username="root"), raise_request_exception=False)


def is_refused_for_all(value):
    """NUL and what is not UTF-8 never reaches a view: one address stands for all of them."""
    return value in ("%00", "a%00b", "%ff%fe", "%c3", "%ed%a0%80")


def distinct(found, key):
    """One of each kind: what differs in the key may behave differently."""
    return list({key(item): item for item in found}.values())


@pytest.mark.parametrize("kind", ANYTHING)
def test_any_id_in_an_address_is_answered(client, kind):
    """Every kind of page, and a record page for every kind of key."""
    value = ANYTHING[kind]
    with_ids = [route for route in routes() if "<" in route.text and "slug:" not in route.text]
    # A million digits are slow to find a route for.
    tried = with_ids[:3] if len(value) > 10_000 else distinct(with_ids, kind_of_page)
    for route in tried:
        visit = request(client, "GET", route.address(value), route=str(route))
        assert visit.status not in NEVER, route
        if is_refused_for_all(value):
            assert visit.status == 400, route


def kind_of_page(route):
    key = type(route.model._meta.pk) if route.model else None
    return route.label, key if route.label == "change" else ""


def asked_of(registered, query, user):
    """The list as far as it is computed; a refusal is fine, and all else is a failure."""
    made = RequestFactory().get(f"/?{query}")
    made.user, made.session = user, {}
    made._messages = FallbackStorage(made)
    # Refused is fine: the list is shown without the parameter, or 400 is answered.
    with suppress(IncorrectLookupParameters, SuspiciousOperation, Refused):
        registered.get_changelist_instance(made)


def every_lookup():
    """(admin, parameter), one for each kind of column and comparison."""
    found = [(registered, name) for registered in ADMINS for name in sorted(registered._lookups())]
    return distinct(found, kind_of_lookup)


def kind_of_lookup(found):
    registered, name = found
    field, _lookup, comparison = name.partition("__")
    return type(registered.opts.get_field(field)), comparison


@pytest.mark.parametrize("kind", ANYTHING)
def test_any_value_of_any_parameter_of_a_list_is_answered(client, kind):
    value, root = ANYTHING[kind], User.objects.get(username="root")
    if is_refused_for_all(value):
        return  # never gets this far: the next test
    for registered, name in every_lookup():
        asked_of(registered, f"{name}={value}", root)
    for registered in ADMINS:
        asked_of(registered, f"o={value}", root)
    for name in OF_EVERY_LIST:
        asked_of(ADMINS[0], f"{name}={value}", root)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("taken_by=99999999999999999999", 400),
        ("taken_by__id__exact=2147483648", 400),
        ("status=" + "x" * 201, 400),
        ("started_at__gte=9999-12-31T23:59:59", 302),
        ("started_at__gte=soon", 302),
        ("started_at__lt=0001-01-01", 302),
        ("started_at__gte=2026-03-10", 200),
        ("started_at__gte=2026-03-10T00:00:00-04:00", 200),
        ("started_at__year=2026", 400),
        ("taken_by=10000", 200),
    ],
)
def test_a_list_asked_for_the_impossible_says_so(client, query, status):
    answer = client.get(f"/admin/intake/call/?{query}")
    assert answer.status_code == status
    if status == 302:
        assert answer["Location"] == "/admin/intake/call/?e=1"


@pytest.mark.parametrize("kind", [kind for kind in ANYTHING if is_refused_for_all(ANYTHING[kind])])
def test_what_is_no_text_is_refused_in_every_query(client, kind):
    for route in routes():
        visit = request(client, "GET", f"{route.address('x')}?a={ANYTHING[kind]}")
        assert visit.status == 400, route
    # The leak Django has on PostgreSQL: a lookup with NUL.
    assert client.get(f"/admin/intake/call/?reason__startswith={ANYTHING[kind]}").status_code == 400


def test_a_million_digits_in_a_query_are_answered(client):
    for name in ("p", "o", "s", "all", "status__exact", "taken_by__id__exact", "started_at__year"):
        visit = request(client, "GET", f"/admin/intake/call/?{name}={'9' * 1_000_000}")
        assert visit.status not in NEVER, name


@pytest.mark.parametrize("kind", ANYTHING)
def test_anything_may_be_searched_for(client, kind):
    """The body of a form; its bytes are Django's to decode."""
    for registered in ADMINS:
        if registered.can_search:
            address = f"/admin/{registered.opts.app_label}/{registered.opts.model_name}/search/"
            body = f"q={ANYTHING[kind]}"[:900_000]
            form = "application/x-www-form-urlencoded"
            sent = client.generic("POST", address, body, content_type=form)
            assert sent.status_code in {302, 400}, address
            if sent.status_code == 302:
                assert client.get(sent["Location"]).status_code in {200, 302}


@pytest.mark.parametrize("kind", ANYTHING)
def test_anything_may_be_asked_of_the_reports(client, kind):
    value = ANYTHING[kind][:5_000]
    for page in ("reports/", "reports/rows/calls_offered/", "reports/figures.csv"):
        for query in (f"period={value}", f"period=custom&first={value}&last={value}"):
            visit = request(client, "GET", f"/admin/{page}?{query}&page={value}")
            assert visit.status not in NEVER, f"{page} {query[:80]}"


def test_names_of_parameters_may_be_anything(client):
    for value in ANYTHING.values():
        if not is_refused_for_all(value) and len(value) < 10_000:
            for name in (value, f"{value}__exact", f"status__{value}", f"call__{value}__in"):
                visit = request(client, "GET", f"/admin/intake/callback/?{quote(name)}=1")
                assert visit.status in {200, 302, 400}, name
