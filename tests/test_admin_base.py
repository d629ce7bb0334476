"""What the one base of every admin closes, tried on every admin that is registered."""

from urllib.parse import quote

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError
from django.db import models as fields
from django.test import RequestFactory
from django.urls import reverse

from intake import crypto
from intake.admin.base import HelplineAdmin
from intake.models import Event, InsurancePolicy, Notice, Reminder, StaffSearch
from intake.models.inserting import Insertion
from tests.canaries import PREFIX
from tests.everywhere import walked
from tests.routes import ROLES, arguments, routes
from tests.walk import client_of, log_lines, request, standing_world, table_rows, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.once]

ADMINS = list(admin.site._registry.values())
BY_MODEL = pytest.mark.parametrize("registered", ADMINS, ids=lambda made: made.opts.model_name)


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        walked()  # from a database without this world
        with standing_world() as world:
            yield world


@pytest.fixture
def superuser(db):
    """Holds every permission Django knows: what is refused here is refused by our own code."""
    return User.objects.create_superuser("root", password="x")


def as_(user, method="get"):
    made = getattr(RequestFactory(), method)("/")
    made.user = user
    return made


def listing(registered):
    return reverse(f"admin:{registered.opts.app_label}_{registered.opts.model_name}_changelist")


# --- Foreign keys (AZ4) --------------------------------------------------------------------------


@BY_MODEL
def test_a_foreign_key_offers_only_what_the_user_may_see(registered, world):
    for user in world.users.values():
        for field in registered.opts.concrete_fields:
            if not isinstance(field, fields.ForeignKey):
                continue
            offered = registered.formfield_for_foreignkey(field, as_(user)).queryset
            remote = admin.site._registry.get(field.related_model)
            if remote is None or not remote.has_view_permission(as_(user)):
                assert not offered.exists(), f"{field} for {user}"
            else:
                seen = remote.get_queryset(as_(user)).values_list("pk", flat=True)
                assert set(offered.values_list("pk", flat=True)) == set(seen)


def test_a_promise_is_given_to_nobody_who_takes_no_calls(world):
    client = client_of(world, "Agent")
    address = reverse("admin:intake_call_callback", args=[world.closed_call.pk])
    due = {"due": "2026-03-11T10:00", "urgency": "routine"}
    gone = world.users["other"]
    User.objects.filter(pk=gone.pk).update(is_active=False)
    for owner in (world.users["Privacy officer"].pk, gone.pk, 999_999, "x"):
        assert client.post(address, {**due, "owner": owner}).status_code == 422
    assert client.post(address, {**due, "owner": world.agent.pk}).status_code == 302


def test_no_form_takes_a_record_its_page_did_not_offer(world):
    """Another person's policy, a facility that was not on the list."""
    client = client_of(world, "Agent")
    theirs = InsurancePolicy(person=world.from_web, payer_name="x", created_at=world.now)
    theirs.save(force_insert=True)
    address = reverse("admin:intake_call_insurance", args=[world.open_call.pk])
    sent = {"policy": theirs.pk, "levels_wanted": "3.7-WM"}
    assert client.post(address, sent).status_code == 422
    address = reverse("admin:intake_referral_ask", args=[world.open_referral.pk])
    sent = {"facilities": world.facilities[3].pk, "ties_read": "on"}
    assert client.post(address, sent).status_code == 422


def test_a_notice_is_taken_off_a_desk_by_whom_it_is_for_alone(world):
    """An agent cannot hide a broken promise from the supervisors, nor a colleague's reminder."""
    notices = world.of(Notice)
    own = next(notice for notice in notices if notice.recipient == world.agent)
    breach = next(notice for notice in notices if notice.for_supervisors)
    pool = next(n for n in notices if n.recipient is None and not n.for_supervisors)
    for role, notice, status in (
        ("Agent", breach, 404),
        ("other", own, 404),
        ("Supervisor", own, 404),
        ("other", pool, 302),
        ("Agent", own, 302),
        ("Supervisor", breach, 302),
    ):
        address = reverse("admin:intake_notice_seen", args=[notice.pk])
        assert client_of(world, role).post(address).status_code == status, role
    assert Notice.objects.get(pk=breach.pk).seen_by == world.supervisor


# --- Lookups (AZ5) and searching (AZ6) -----------------------------------------------------------

LOOKUPS = (
    "",
    "__exact",
    "__iexact",
    "__startswith",
    "__icontains",
    "__regex",
    "__gt",
    "__in",
    "__isnull",
    "__pk",
    "__length",
)


@BY_MODEL
def test_only_the_lookups_of_the_allowlist_are_taken(registered, superuser):
    allowed = registered._lookups()
    names = [field.name for field in registered.opts.get_fields()]
    through = ("caller__name_index", "person__phone", "call__narrative", "user__password", "pk")
    for name in [*names, *through]:
        for lookup in LOOKUPS:
            asked = f"{name}{lookup}"
            taken = registered.lookup_allowed(asked, "x", as_(superuser))
            assert taken == (asked in allowed), asked


@BY_MODEL
def test_no_lookup_of_the_allowlist_names_a_personal_field(registered):
    encrypted = (crypto.EncryptedTextField.__mro__[1], crypto.BlindIndexField)
    for name in registered.allowed_lookups:
        assert not isinstance(registered.opts.get_field(name), encrypted)


@BY_MODEL
def test_a_field_that_may_not_be_asked_about_answers_400_whatever_it_holds(
    registered, world, client_for, superuser
):
    client = client_for(superuser)
    held = registered.model.objects.first()
    for field in registered.opts.concrete_fields:
        if field.name in registered._lookups() or field.name == "id":
            continue
        for value in (getattr(held, field.attname), "no such value"):
            query = f"{field.name}__startswith={quote(str(value))}"
            assert client.get(f"{listing(registered)}?{query}").status_code == 400, query


@pytest.mark.parametrize("target", ["call", "callback", "person", "insurancecheck", "referral"])
def test_a_search_finds_nobody_by_what_is_not_searched_for(world, target):
    """Notes, ages, ZIP codes, references of others: the answer is the same as for nonsense."""
    client, registered = client_of(world, "Agent"), registry(target)
    hidden = [
        world.caller.zip_code,
        world.caller.approach_note,
        world.open_call.narrative,
        world.open_call.relationship,
        world.policies[0].member_id,
        world.policies[0].policyholder_name,
        str(world.caller.pk),
        str(world.agent),
        "%",
        "*",
        "' OR 1=1 --",
    ]
    for text in hidden:
        page = client.post(f"{listing(registered)}search/", {"q": text}, follow=True)
        assert page.status_code == 200
        assert page.context["cl"].result_count == 0, text
    for text in (str(world.caller.phone), world.caller.name.upper(), world.caller.alias):
        page = client.post(f"{listing(registered)}search/", {"q": text}, follow=True)
        if target in {"call", "callback", "person"}:
            assert page.context["cl"].result_count > 0, text


def registry(name):
    return next(made for made in ADMINS if made.opts.model_name == name)


SEARCHABLE = [made for made in ADMINS if made.can_search]


@pytest.mark.parametrize("registered", SEARCHABLE, ids=lambda made: made.opts.model_name)
def test_a_search_leaves_an_opaque_id_and_is_its_makers_alone(registered, world, frozen):
    client = client_of(world, "Agent")
    address = f"{listing(registered)}search/"
    sent = client.post(address, {"q": str(world.caller.phone)})
    made = StaffSearch.objects.exclude(pk__in=[search.pk for search in world.searches]).get()
    assert sent["Location"] == f"{listing(registered)}?s={made.pk}"
    assert client.get(sent["Location"]).status_code == 200
    # Somebody else's, one of another list, and none at all: the same answer.
    theirs = next(search.pk for search in world.searches if search.target in SEARCHED)
    for foreign in (theirs, world.searches[1].pk, world.caller.pk, "x", ""):
        refused = client.get(f"{listing(registered)}?s={foreign}")
        assert (refused.status_code, refused["Location"]) == (302, listing(registered)), foreign
    other = client_of(world, "other")
    assert other.get(sent["Location"]).status_code == 302
    frozen.shift(12.1 * 3600)
    fresh = client_of(world, "Agent")
    assert fresh.get(sent["Location"]).status_code == 302


SEARCHED = {made.opts.model_name for made in SEARCHABLE}


@pytest.mark.parametrize("registered", SEARCHABLE, ids=lambda made: made.opts.model_name)
def test_a_search_in_the_address_is_no_search(registered, world):
    """`?q=` is dropped, not carried on into the links of the page."""
    client = client_of(world, "Agent")
    answer = client.get(f"{listing(registered)}?q={quote(world.caller.name)}")
    assert (answer.status_code, answer["Location"]) == (302, listing(registered))


def test_autocomplete_answers_nobody(world, client_for, superuser):
    for client in (client_for(superuser), client_of(world, "Supervisor")):
        for registered in ADMINS:
            for field in registered.opts.concrete_fields:
                if field.is_relation:
                    asked = {
                        "app_label": registered.opts.app_label,
                        "model_name": registered.opts.model_name,
                        "field_name": field.name,
                        "term": "a",
                    }
                    assert client.get("/admin/autocomplete/", asked).status_code in {403, 404}


# --- Nothing is deleted, nothing saved past an action --------------------------------------------


@BY_MODEL
def test_nothing_is_deleted_by_anybody(registered, world, client_for, superuser):
    client = client_for(superuser)
    before = rows_of(registered)
    for record in registered.model.objects.all():
        address = f"{listing(registered)}{quote(str(record.pk), safe='')}/delete/"
        assert client.get(address).status_code == 403
        assert client.post(address, {"post": "yes"}).status_code == 403
    ids = list(registered.model.objects.values_list("pk", flat=True))
    selected = {"action": "delete_selected", "_selected_action": ids, "post": "yes"}
    client.post(listing(registered), selected)
    # The audit itself has grown by these attempts.
    assert set(before) <= set(rows_of(registered))


def rows_of(registered):
    table = registered.opts.db_table
    rows = next(rows for name, _columns, rows in table_rows() if name == table)
    return [tuple(map(text_of, row)) for row in rows]


@BY_MODEL
def test_nothing_is_saved_by_the_stock_form(registered, world, client_for, superuser):
    if registered.opts.model_name == "user":
        return  # tests/test_accounts.py
    client = client_for(superuser)
    before = rows_of(registered)
    record = registered.model.objects.first()
    names = [field.name for field in registered.opts.concrete_fields]
    sent = dict.fromkeys(names, "x") | {"_save": "Save"}
    client.post(f"{listing(registered)}{quote(str(record.pk), safe='')}/change/", sent)
    client.post(f"{listing(registered)}add/", sent)
    assert set(before) <= set(rows_of(registered))
    if registered.opts.model_name != "event":
        assert len(before) == len(rows_of(registered))


@pytest.mark.parametrize("option", ["raw_id_fields", "autocomplete_fields", "search_fields"])
def test_an_admin_that_would_show_people_to_whoever_guesses_an_id_is_refused(option):
    kind = type("Careless", (HelplineAdmin,), {option: ("caller",)})
    with pytest.raises(ImproperlyConfigured):
        kind(ADMINS[0].model, admin.site)


def test_an_admin_action_without_a_permission_is_refused():
    def export(self, request, queryset):
        raise AssertionError

    kind = type("Careless", (HelplineAdmin,), {"actions": [export]})
    with pytest.raises(ImproperlyConfigured):
        kind(ADMINS[0].model, admin.site)


def test_an_action_chosen_by_hand_does_nothing_for_a_role_without_it(world):
    """The supervisors' "try again" posted by an agent."""
    dead = Reminder.objects.filter(status="dead")
    ids = list(dead.values_list("pk", flat=True))
    selected = {"action": "revive", "_selected_action": ids}
    address = listing(registry("reminder"))
    assert client_of(world, "Agent").post(address, selected).status_code == 403
    assert dead.count() == len(ids) > 0
    client_of(world, "Supervisor").post(address, selected)
    assert not dead.count()


# --- History and audit ---------------------------------------------------------------------------


def test_the_history_is_the_audit_and_djangos_own_log_stays_empty(world):
    client = client_of(world, "Agent")
    LogEntry.objects.create(
        user=world.agent, action_flag=1, object_id=world.open_call.pk, object_repr="x" * 9
    )
    page = client.get(reverse("admin:intake_call_history", args=[world.open_call.pk]))
    body = page.content.decode()
    assert "call.opened" in body
    assert "record.read" in body
    assert "x" * 9 not in body


@pytest.mark.parametrize("role", ROLES)
def test_without_its_event_nothing_is_shown(world, role, monkeypatch):
    """If what a page writes to the audit cannot be written, the page fails, and says nothing."""
    client = client_of(world, role)
    first = [visit for visit in walked().by(role) if visit.is_first]
    wrote = {visit.route for visit in first if visit.status == 200 and visit.events}
    monkeypatch.setattr(Insertion, "run", unable)
    assert len(wrote) > 5
    with log_lines() as log:
        for route in routes():
            if str(route) in wrote:
                visit = request(client, "GET", route.address(arguments(route, world)[0]))
                assert visit.status == 500, route
                assert not world.sightings(visit.body), route
    assert "DatabaseError" in log.getvalue()
    assert not world.sightings(log.getvalue())


def unable(self):
    """As PostgreSQL would say it, with what it was about."""
    raise DatabaseError(f"DETAIL:  Failing row contains ({self.record.pk}, {PREFIX}-typed-row)")


def test_without_its_event_no_search_is_kept(world, monkeypatch):
    client = client_of(world, "Agent")
    kept = StaffSearch.objects.count()
    monkeypatch.setattr(Insertion, "run", unable)
    assert request(client, "POST", "/admin/intake/call/search/", {"q": "x"}).status == 500
    assert StaffSearch.objects.count() == kept


@pytest.mark.parametrize("method", ["head", "put"])
def test_no_method_reads_a_record_past_the_audit(world, method):
    """Django shows a change form to any method that is not POST."""
    client = client_of(world, "Agent")
    for route in routes():
        if route.takes_record and route.label in {"change", "history", "dial"}:
            before = Event.objects.count()
            address = route.address(arguments(route, world)[0])
            response = getattr(client, method)(address)
            if response.status_code == 200 and world.sightings(response.content):
                assert Event.objects.count() > before, f"{method} {route}"
