"""Every view and every task, made to raise: what is said of it names nobody (PR3)."""

import json
import logging
import time

import pytest
from django.core.handlers.base import BaseHandler
from django.db import IntegrityError, transaction
from django.utils.log import AdminEmailHandler

from intake.models import Callback, Event, Person
from tests import servers
from tests.canaries import PREFIX, Canary
from tests.routes import arguments, routes
from tests.walk import client_of, log_lines, request, standing_world

pytestmark = pytest.mark.django_db

TOKEN = f"{PREFIX}-typed-request"
# How PostgreSQL says it.
QUOTING = f"duplicate key\nDETAIL:  Key (phone)=({TOKEN}) already exists."


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), standing_world() as world:
        world.canaries.append(Canary("request", (TOKEN,)))
        yield world


@pytest.fixture
def mailing(settings, mailoutbox):
    """Somebody turns Django's error mails on, which we never do; what they would be sent."""
    settings.ADMINS = [("Root", "root@example.org")]
    return mailoutbox


def sent_by_a_browser(client, address):
    """A post with a canary everywhere a browser can put one."""
    client.cookies["other"] = TOKEN
    return request(
        client,
        "POST",
        f"{address}?q={TOKEN}",
        {"narrative": TOKEN, "password": TOKEN, "phone": TOKEN, TOKEN: "x"},
        headers={"Referer": f"http://testserver/?{TOKEN}", "User-Agent": TOKEN, "X-Phone": TOKEN},
    )


def test_no_view_that_raises_tells_whom_it_was_about(world, monkeypatch, mailing):
    def raising(self, view):
        def failing(request, *args, **options):
            narrative = TOKEN
            try:
                raise KeyError(narrative)
            except KeyError as error:
                raise IntegrityError(QUOTING) from error

        return failing

    monkeypatch.setattr(BaseHandler, "make_view_atomic", raising)
    client = client_of(world, "Supervisor")
    with log_lines() as log:
        logging.getLogger("django").addHandler(AdminEmailHandler(include_html=True))
        for route in routes():
            visit = sent_by_a_browser(client, route.address(arguments(route, world)[0]))
            assert visit.status == 500, route
            assert not world.sightings(visit.body), route
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    failed = [line for line in lines if line.get("error") == "django.db.utils.IntegrityError"]
    assert len(failed) == len(routes())
    assert not world.sightings(log.getvalue())
    assert "DETAIL" not in log.getvalue()
    assert len(mailing) >= len(routes())
    for mail in mailing:
        told = str(mail.message()) + "".join(str(page) for page, _kind in mail.alternatives)
        assert "failing" in told
        assert "DETAIL" not in told
        assert not world.sightings(told)


def test_no_task_that_raises_tells_whom_it_was_about(world, monkeypatch):
    from helpline.celery import app

    def failing(*args, **options):
        narrative = TOKEN
        raise ValueError(narrative) from IntegrityError(QUOTING)

    app.loader.import_default_modules()
    ours = [task for name, task in app.tasks.items() if name.startswith("intake.")]
    with log_lines() as log:
        for task in ours:
            monkeypatch.setattr(task, "run", failing)
            assert task.apply().state == "FAILURE"
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert len([line for line in lines if line["level"] == "ERROR"]) == len(ours)
    assert not world.sightings(log.getvalue())


def test_no_reminder_that_fails_keeps_or_logs_the_text_of_its_error(world, monkeypatch):
    from intake.actions import sweeping
    from intake.channels import CHANNELS
    from intake.channels.base import Board
    from intake.models import Reminder

    def failing(*args, **options):
        raise ValueError(TOKEN)

    due = Reminder.objects.filter(status="planned").update(
        due_at="2000-01-01T00:00Z", next_try_at="2000-01-01T00:00Z"
    )
    assert due
    Callback.objects.update(plan=1, status="open", closed_at=None)
    for channel in CHANNELS.values():
        monkeypatch.setattr(channel, "show" if isinstance(channel, Board) else "deliver", failing)
    with log_lines() as log:
        sweeping.sweep(seconds=20, monotonic=time.monotonic)
    assert set(Reminder.objects.exclude(last_error="").values_list("last_error")) == {
        ("ValueError",)
    }
    assert "ValueError" in log.getvalue()
    assert not world.sightings(log.getvalue())
    assert not world.sightings(str(list(Event.objects.values("detail"))))


# --- What the database itself says ---------------------------------------------------------------


def refusals(world):
    """Statements the database refuses, each about a record full of canaries."""
    person = Person.objects.get(pk=world.caller.pk)
    person.safe_from = "09:00"
    yield person.save
    yield lambda: Person.objects.get(pk=world.caller.pk).save(force_insert=True)
    without_call = Callback.objects.filter(call=None).first()
    Callback.objects.filter(pk=without_call.pk).update(request_token=TOKEN)
    taken = Callback.objects.exclude(call=None).first()
    taken.request_token = TOKEN
    yield taken.save


@pytest.fixture
def refused(world):
    """The errors of the database, as logged with their tracebacks."""
    texts = []
    with log_lines() as log:
        for refusal in refusals(world):
            try:
                with transaction.atomic():
                    refusal()
            except IntegrityError as error:
                texts.append(str(error))
                logging.getLogger("intake").exception("It broke: %s", error)
    assert len(texts) == 3
    return texts, log.getvalue()


def test_what_the_database_refuses_is_logged_without_its_detail(world, refused):
    _texts, log = refused
    assert log.count('"error": "django.db.utils.IntegrityError"') == 3
    assert "DETAIL" not in log
    assert not world.sightings(log)


@pytest.mark.postgresql
def test_postgresql_does_say_it_so_that_the_test_above_means_something(world, refused):
    texts, _log = refused
    assert TOKEN in "".join(texts)


def test_no_error_of_the_database_quotes_a_personal_field(world, refused):
    """They are sealed before any statement is made, and so they are in the detail."""
    texts, _log = refused
    assert not world.sightings("".join(texts), but={"request"})


@pytest.mark.postgresql
def test_the_log_of_the_database_server_holds_no_personal_field(world, refused):
    """It holds statements with their values; of a personal field that is its sealed form, and the
    keyed digest by which equal numbers find each other."""
    log = (servers.run_folder() / "postgresql" / "server.log").read_text()
    assert "DETAIL" in log
    digests = {"Person.phone_index", "Person.phone_last_four", "PersonNameWord.word_index"}
    assert not world.sightings(log, but={"request", *digests})
