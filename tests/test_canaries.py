"""No personal value leaves its place: a token in every personal field, looked for everywhere else.

``tests/canaries.py`` plants them, ``tests/walk.py`` opens every page as every role,
``tests/typist.py`` types more of them into every form.
"""

import json

import pytest
from django.utils import timezone

from intake import models
from tests.canaries import personal_models
from tests.everywhere import walked
from tests.walk import ANONYMOUS, log_lines, made_world, table_texts

pytestmark = [pytest.mark.django_db]

# What else than the roles that take calls somebody may read: to whom something was told is what
# the accounting of disclosures is for (42 CFR 2.25), and the privacy officer answers for it.
MAY_READ = {"Privacy officer": {"Disclosure.recipient"}, "Administrator": set(), ANONYMOUS: set()}
# Nobody browses these.
NEVER_SHOWN = {"StaffSearch.terms", "PersonNameWord.word"}
STARTED_WITHIN_SECONDS = 60


@pytest.fixture(scope="session")
def walk(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        return walked()


@pytest.fixture(params=["codes and figures as they are", "tokens even there"])
def world(request, frozen):
    return made_world(is_walkable=request.param.startswith("codes"))


# --- The canaries themselves ---------------------------------------------------------------------


@pytest.mark.once
def test_every_personal_field_of_every_model_holds_something(world):
    for model in personal_models():
        assert world.of(model), f"{model.__name__} has no record in tests/canaries.py"
        for record in model.objects.filter(pk__in=[made.pk for made in world.of(model)]):
            empty = [name for name in model.Privacy.personal if getattr(record, name) in NOTHING]
            assert not empty, f"{model.__name__}: {empty}"


NOTHING = (None, "", [], {})


@pytest.mark.once
def test_every_model_has_a_record_so_that_every_page_has_something_to_show(world):
    from django.apps import apps

    for model in apps.get_app_config("intake").get_models():
        assert world.of(model), f"{model.__name__} has no record in tests/canaries.py"


@pytest.mark.once
def test_a_canary_is_recognized_however_it_is_written(frozen):
    world = made_world(is_walkable=False)
    needles = {canary.place: canary.needles for canary in world.canaries}
    assert world.sightings(needles["Call.narrative"][0].upper()) == {"Call.narrative"}
    assert world.sightings(f"to={needles['Person.phone'][1]}&x=1") == {"Person.phone"}
    assert world.sightings(f"{needles['SubstanceUse.dose_mg'][1]}.25 mg")
    assert world.sightings(needles["Call.narrative"][0][:-4])
    assert world.sightings(needles["Person.phone_index"][0]) == {"Person.phone_index"}
    assert not world.sightings("Call C-7K4M2QXD, 2026-03-10, 14:00")
    born = models.InsurancePolicy.objects.first().policyholder_birth_date
    assert world.sightings(f"{born:%B} {born.day}, {born.year}")


@pytest.mark.once
def test_whoever_takes_calls_does_see_them(walk):
    """Otherwise not seeing them elsewhere would prove nothing."""
    seen = set()
    for visit in walk.by("Agent"):
        if visit.status == 200:
            seen |= walk.world.sightings(visit.body)
    planted = [canary for canary in walk.world.canaries if "." in canary.place and canary.needles]
    fields = {canary.place for canary in planted}
    shown = {place for place in fields if place in seen}
    assert {"Call.narrative", "Person.phone", "Attempt.note", "Consent.recipient"} <= shown
    assert len(shown) > len(fields) / 2, fields - shown


# --- Pages ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", MAY_READ)
def test_no_page_shows_one_to_a_role_that_may_not_read_it(walk, role):
    """Lists, records, history, reports, files, refusals; the messages and selects on them too."""
    allowed = MAY_READ[role] | hidden_nowhere(role)
    wrong = [
        f"{visit}: {seen}"
        for visit in walk.by(role)
        if (seen := walk.world.sightings(visit.body, but=allowed))
    ]
    assert not wrong, "\n".join(wrong)


def hidden_nowhere(role):
    """A safeguard for this test itself: the roles above must not be given more in passing."""
    from django.contrib.auth.models import Group

    if role != ANONYMOUS:
        held = Group.objects.get(name=role).permissions.values_list("codename", flat=True)
        may_view = {f"view_{model._meta.model_name}" for model in personal_models()} & set(held)
        expected = {f"view_{place.split('.')[0].lower()}" for place in MAY_READ[role]}
        assert may_view == expected, f"{role} was given {may_view - expected}"
    return set()


def test_no_page_shows_what_somebody_searched_for(walk):
    """But to whoever searched, in the box that asks again."""
    own = "admin/find/<uuid:search_id>/"
    assert any(walk.world.sightings(v.body) & NEVER_SHOWN for v in walk.visits if v.route == own)
    wrong = [
        str(visit)
        for visit in walk.visits
        if walk.world.sightings(visit.body) & NEVER_SHOWN
        and not (visit.role == "Agent" and visit.route == own)
    ]
    assert not wrong, "\n".join(wrong)


def test_no_history_page_shows_one_to_anybody(walk):
    pages = [visit for visit in walk.visits if visit.route.endswith("/history/")]
    assert any(visit.status == 200 for visit in pages)
    assert not [visit for visit in pages if walk.world.sightings(visit.body)]


def test_no_address_title_or_breadcrumb_holds_one(walk):
    wrong = []
    for visit in [*walk.visits, *walk.typed]:
        said = " ".join([visit.title, visit.breadcrumbs, *visit.addresses])
        if seen := walk.world.sightings(said):
            wrong.append(f"{visit}: {seen}")
    assert not wrong, "\n".join(wrong)


def test_no_header_of_a_response_holds_one(walk):
    visits = [*walk.visits, *walk.typed]
    assert not [visit for visit in visits if walk.world.sightings(visit.headers)]


def test_no_file_is_given_to_a_role_that_may_not_export(walk):
    files = [visit for visit in walk.visits if visit.address.partition("?")[0].endswith(".csv")]
    assert {visit.role for visit in files if visit.status == 200} == {"Supervisor"}
    for visit in files:
        if visit.role != "Supervisor":
            assert visit.status in {302, 403}
            assert not walk.world.sightings(visit.body)


@pytest.mark.parametrize("reason", ["walked", "typed"])
def test_nothing_on_the_way_failed(walk, reason):
    visits = walk.visits if reason == "walked" else walk.typed
    # Without worker and beat the helpline is alive and not ready.
    failed = [visit for visit in visits if visit.status >= 500 and "/health/" not in visit.address]
    assert not failed, "\n".join(map(str, failed))


# --- What is typed -------------------------------------------------------------------------------


def test_most_forms_are_taken_by_the_typist(walk):
    """Otherwise finding nothing of what was typed would prove nothing."""
    taken = {visit.route for visit in walk.typed if visit.method == "POST" and visit.status == 302}
    for page in ("call/add", "amend", "consent", "insurance", "referral", "callback", "dial"):
        assert any(f"/{page}/" in f"/{route}" for route in taken), f"{page} was never taken"


def test_nothing_typed_is_stored_in_clear(walk):
    """No column, no session (its messages), no admin log."""
    assert not walk.stored, "\n".join(walk.stored)


def test_nothing_typed_comes_back_in_a_message_of_the_next_page(walk):
    for before, after in zip(walk.typed, walk.typed[1:], strict=False):
        if before.method == "POST" and before.status == 302 and after.method == "GET":
            told = after.body.partition('class="messagelist"')[2].partition("</ul>")[0]
            assert not walk.world.sightings(told), str(after)


# --- The log -------------------------------------------------------------------------------------


def test_no_log_line_holds_one(walk):
    lines = [json.loads(line) for line in walk.log.splitlines()]
    assert any(line["logger"].startswith("django.request") for line in lines)
    wrong = [line for line in lines if walk.world.sightings(line)]
    assert not wrong, wrong[:3]


def test_no_task_logs_or_mails_one(mailoutbox, settings):
    """Every task once, in this process, at its most talkative."""
    from helpline.celery import app

    settings.HELPLINE_STAFF_EMAIL = "desk@example.org"
    world = made_world(now=timezone.now())
    app.loader.import_default_modules()
    with log_lines() as log:
        for name in sorted(ours(app)):
            app.tasks[name].apply(throw=True)
    assert "sweep_desk" in log.getvalue()
    assert not world.sightings(log.getvalue())
    assert mailoutbox
    for message in mailoutbox:
        assert not world.sightings(message.message().as_bytes())
        assert not world.sightings(repr(vars(message)))
    assert not world.sightings(list(models.Event.objects.values()))


def ours(app):
    return [name for name in app.tasks if name.startswith("intake.")]


# --- Names ---------------------------------------------------------------------------------------


@pytest.mark.once
def test_no_record_says_one_when_it_is_named(world):
    for made in world.records:
        stored = type(made).objects.get(pk=made.pk)
        for record in (made, stored):
            for text in (str(record), repr(record), f"{record}", f"{[record]}"):
                assert not world.sightings(text), type(record)
        assert not world.sightings(repr(type(made).objects.all()))


# --- At rest -------------------------------------------------------------------------------------


def test_no_column_of_any_table_holds_one_in_clear(world):
    wrong = [
        f"{column}: {seen}"
        for column, text in table_texts().items()
        if (seen := world.sightings(text))
    ]
    assert not wrong, "\n".join(wrong)


def test_no_session_holds_one(walk):
    assert not [session for session in walk.sessions if walk.world.sightings(session)]


def test_the_audit_says_what_was_read_and_nothing_of_it(walk):
    detail = walk.tables["intake_event.detail"] + walk.tables["intake_event.verb"]
    assert "list.read" in detail
    assert "record.read" in detail
    assert not walk.world.sightings(detail)
    assert walk.tables["django_admin_log.object_repr"] == ""
