"""No personal value leaves its place: a token in every personal field, looked for everywhere else.

``tests/canaries.py`` plants them, ``tests/walk.py`` opens every page as every role,
``tests/typist.py`` types more of them into every form.
"""

import json
import subprocess
import sys
import threading
import time
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from intake import models
from tests import servers
from tests.canaries import PREFIX, personal_models
from tests.everywhere import walked
from tests.walk import ANONYMOUS, client_of, log_lines, made_world, table_texts

pytestmark = [pytest.mark.django_db]

# What else than the roles that take calls somebody may read: to whom something was told is what
# the accounting of disclosures is for (42 CFR 2.25), and the privacy officer answers for it.
MAY_READ = {"Privacy officer": {"Disclosure.recipient"}, "Administrator": set(), ANONYMOUS: set()}
# Nobody browses these, not even who wrote them.
NEVER_SHOWN = {"StaffSearch.terms"}
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
    assert world.sightings(needles["Person.name_index"][0]) == {"Person.name_index"}
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
    wrong = [str(visit) for visit in walk.visits if walk.world.sightings(visit.body) & NEVER_SHOWN]
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
    assert "sweep_reminders" in log.getvalue()
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


@pytest.mark.once
@pytest.mark.django_db(transaction=True)
def test_the_database_file_holds_none():
    """The bytes on the disk, the write-ahead log and what was deleted included."""
    world = made_world(now=timezone.now(), is_walkable=False)
    models.StaffSearch.objects.all().delete()
    path = Path(connection.settings_dict["NAME"])
    files = list(path.parent.glob(f"{path.stem}*{path.suffix}*"))
    content = b"".join(file.read_bytes() for file in files)
    assert world.open_call.reference.encode() in content
    assert not world.sightings(content)


# --- Outside this process ------------------------------------------------------------------------


@pytest.fixture
def outside(transactional_db, broker_url, valkey, run_folder):
    """The canary world in the database, and the processes that serve it: web server and worker."""
    outside = Outside(broker_url, run_folder)
    try:
        outside.start()
        yield outside
    finally:
        outside.stop()


class Outside:
    """A web server and a Celery worker as in use, logging at DEBUG, and somebody listening in on
    the broker."""

    def __init__(self, broker_url, folder):
        self.broker_url, self.folder = broker_url, folder
        self.world = made_world(now=timezone.now())
        self.port, self.processes, self.heard = servers.free_port(), [], []
        self.environment = servers.child_environment(
            DATABASE_URL=servers.database_url(connection),
            REDIS_URL=broker_url,
            HELPLINE_DATA=folder,
            HELPLINE_STAFF_EMAIL="desk@example.org",
            STATIC_ROOT=folder / "static",
            LOG_LEVEL="DEBUG",
            PORT=self.port,
        )

    def start(self):
        from redis import Redis

        done = subprocess.run(
            [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"],
            cwd=servers.ROOT,
            env=self.environment,
            check=False,
        )
        assert done.returncode == 0
        self.redis = Redis.from_url(self.broker_url)
        self.monitor = self.redis.monitor().__enter__()
        threading.Thread(target=self.listen, daemon=True).start()
        celery = ["-m", "celery", "--app", "helpline", "worker", "--concurrency", "1"]
        self.run("worker", *celery, "--loglevel", "DEBUG", "--without-gossip", "--without-mingle")
        self.run("web", "-m", "gunicorn", "-c", "python:helpline.webserver", "helpline.wsgi")

    def listen(self):
        try:
            for command in self.monitor.listen():
                self.heard.append(str(command))
        except (OSError, ValueError):
            return  # closed by stop()

    def run(self, name, *arguments):
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes.append(
                subprocess.Popen(
                    [sys.executable, *arguments],
                    cwd=servers.ROOT,
                    env=self.environment,
                    stdout=log,
                    stderr=log,
                )
            )

    def log(self, name):
        return (self.folder / f"{name}.log").read_text()

    def stop(self):
        for process in self.processes:
            process.kill()
            process.wait()
        self.monitor.__exit__(None, None, None)

    def wait(self, condition):
        deadline = time.monotonic() + STARTED_WITHIN_SECONDS
        while not condition():
            assert all(process.poll() is None for process in self.processes), self.log("web")
            assert time.monotonic() < deadline, self.log("worker")[-2000:] + self.log("web")[-2000:]
            time.sleep(0.1)

    def ring_every_bell(self):
        """Send each task as beat would, until the worker has done them all."""
        from helpline.celery import app

        app.loader.import_default_modules()
        started = timezone.now()
        with app.connection_for_write(url=self.broker_url) as broker:
            for name in sorted(ours(app), key=lambda name: name.endswith("heartbeat")):
                app.send_task(name, connection=broker)
        beats = models.Heartbeat.objects.filter(seen_at__gt=started)
        self.wait(beats.exists)

    def ask(self, method, path, body=None, **headers):
        web = HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            web.request(method, path, body, {"Host": f"localhost:{self.port}", **headers})
            return web.getresponse().status
        except OSError:
            return 0
        finally:
            web.close()


@pytest.mark.slow
def test_no_process_log_broker_or_mail_file_holds_one(outside):
    world = outside.world
    token = f"{PREFIX}-typed-outside"
    world.canaries.append(world.canaries[0].__class__("sent by a browser", (token,)))
    outside.wait(lambda: outside.ask("GET", "/health/live") == 200)
    told = {"Referer": f"http://localhost/?{token}", "User-Agent": token, "X-Phone": token}
    session = client_of(world, "Agent").cookies[settings.SESSION_COOKIE_NAME].value
    signed_in = {**told, "Cookie": f"{settings.SESSION_COOKIE_NAME}={session}; other={token}"}
    form = urlencode({"phone": token, "alias": token, "topic": token, "password": token})
    typed = {**told, "Content-Type": "application/x-www-form-urlencoded"}
    assert outside.ask("GET", f"/callback/?q={token}", **told) == 200
    assert outside.ask("POST", "/callback/", form, **typed) == 403
    assert outside.ask("POST", f"/admin/login/?next={token}", form, **typed) == 403
    assert outside.ask("GET", f"/admin/?q={token}", **signed_in) == 200
    call = f"/admin/intake/call/{world.open_call.pk}/change/"
    assert outside.ask("GET", call, **signed_in) == 200
    assert outside.ask("GET", f"/admin/intake/call/?q={token}", **signed_in) == 302
    assert outside.ask("GET", f"/admin/intake/call/?narrative={token}", **signed_in) == 400
    outside.ring_every_bell()
    # --- the logs
    for name, line in (("web", f"GET {call} 200"), ("worker", "sweep_reminders")):
        assert line in outside.log(name)
        assert not world.sightings(outside.log(name)), outside.log(name)
    # --- the broker: what passed, and what is left
    assert any("sweep_reminders" in command for command in outside.heard)
    assert not [command for command in outside.heard if world.sightings(command)]
    for key in outside.redis.scan_iter():
        assert not world.sightings(key)
        assert not world.sightings(outside.redis.dump(key) or b"")
    # --- the mail
    mails = [path.read_bytes() for path in (outside.folder / "mail").iterdir()]
    assert mails
    assert not [message for message in mails if world.sightings(message)]
