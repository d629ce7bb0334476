"""What `manage.py up` does to an empty database, and never to another."""

import pytest
from django.core.management.base import CommandError
from django.db import OperationalError

from intake.management.commands import up

pytestmark = pytest.mark.django_db

LOG_INS = "agent: ava secret\nsupervisor: sam secret\n"


@pytest.fixture
def ran(monkeypatch):
    """Which commands ran; `demo` prints its log-ins as the real one does."""
    names = []

    def call_command(name, *args, stdout=None, **options):
        names.append(name)
        if name == "demo":
            stdout.write(LOG_INS)

    monkeypatch.setattr(up, "call_command", call_command)
    return names


@pytest.fixture
def command(settings):
    settings.DEMO = True
    return up.Command()


def test_an_empty_database_is_filled_and_the_log_ins_handed_on(command, ran):
    assert command.prepare_database() == LOG_INS
    assert ran == ["migrate", "load_answers", "demo"]


def test_a_database_with_anybody_in_it_is_left_alone(command, ran, agent):
    assert command.prepare_database() == ""
    assert ran == ["migrate", "load_answers"]


def test_demo_off_leaves_it_empty(command, ran, settings):
    settings.DEMO = False
    assert command.prepare_database() == ""
    assert ran == ["migrate", "load_answers"]


def test_a_fill_that_breaks_leaves_nothing_behind(command, monkeypatch):
    from django.contrib.auth.models import User

    def call_command(name, *args, **options):
        if name == "demo":
            User.objects.create_user("half")
            raise CommandError("interrupted")

    monkeypatch.setattr(up, "call_command", call_command)
    with pytest.raises(CommandError):
        command.prepare_database()
    assert not User.objects.exists()


def test_a_database_out_of_reach_is_one_line(command, monkeypatch):
    def call_command(name, *args, **options):
        raise OperationalError("could not connect to server: secret details")

    monkeypatch.setattr(up, "call_command", call_command)
    with pytest.raises(CommandError, match=r"^The database cannot be reached"):
        command.prepare_database()


def test_the_announcement_is_made_once(monkeypatch):
    said = []
    answers = iter([False, True, True])
    monkeypatch.setattr(up, "web_answers", lambda host, port: next(answers))
    announcement = up.Announcement(said.append, LOG_INS)
    for _ in range(3):
        announcement()
    assert [line for line in said if "agent: ava secret" in line] == [LOG_INS.rstrip()]
    assert len(said) == 3
