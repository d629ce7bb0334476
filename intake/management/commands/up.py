"""`manage.py up`: the whole helpline on one machine, from one command."""

import io
import os
import signal
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import checks
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections, transaction

from helpline import embedded
from helpline.probe import web_answers
from helpline.supervisor import Child, Supervisor
from intake.crypto.checks import verify_keyring
from intake.crypto.keyring import KeyringError, create_keyring_file

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Longer than any task may take (helpline.celery), so that none is killed at work.
WORKER_GRACE_SECONDS = 95.0
# A mail on its way may take a time-out or two.
SWEEPER_GRACE_SECONDS = 30.0


class Command(BaseCommand):
    help = (
        "Starts broker, web server, worker, beat and sweeper, and keeps them alive. On the first "
        "start it makes keys and database in HELPLINE_DATA and fills them with invented calls "
        "(DEMO=0: not)."
    )
    # They need the keys, which the first start makes.
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        for number in STOP_SIGNALS:
            signal.signal(number, stop_before_the_start)
        try:
            self.up(settings.HELPLINE_DATA)
        except embedded.CannotStart as error:
            raise CommandError(str(error)) from None

    def up(self, data: Path) -> None:
        # What we and our children write is nobody else's to read.
        os.umask(0o077)
        data.mkdir(parents=True, exist_ok=True)
        with embedded.lock_folder(data), embedded.listen_on(settings.HOST, settings.PORT) as web:
            make_missing_keys(data)
            log_ins = self.prepare_database()
            call_command("collectstatic", interactive=False, verbosity=0)
            connections.close_all()

            supervisor = Supervisor(
                children(data, web.fileno()), environment=child_environment(data), say=self.say
            )
            for number in STOP_SIGNALS:
                signal.signal(number, supervisor.stop)
            supervisor.run(on_tick=Announcement(self.say, log_ins))
        for number in STOP_SIGNALS:
            # All has ended; what comes now must not turn that into a failure.
            signal.signal(number, signal.SIG_IGN)

    def prepare_database(self) -> str:
        """Migrates, checks, and fills an empty database; returns the log-ins it made."""
        try:
            call_command("migrate", interactive=False, verbosity=0)
        except OperationalError:
            raise CommandError("The database cannot be reached or written to.") from None
        self.check(databases=[DEFAULT_DB_ALIAS], fail_level=checks.ERROR)
        try:
            verify_keyring()
        except KeyringError as error:
            raise CommandError(str(error)) from None
        call_command("load_answers", verbosity=0)
        if get_user_model().objects.exists() or not settings.DEMO:
            return ""
        self.say("Filling the empty database with invented calls …")
        output = io.StringIO()
        # All or nothing: a fill that was interrupted starts anew.
        with transaction.atomic():
            call_command("demo", stdout=output)
        return output.getvalue()

    def say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def stop_before_the_start(number: int, frame: object) -> None:
    raise SystemExit(0)


def make_missing_keys(data: Path) -> None:
    """On the very first start only: data without its keys is never given new ones."""
    if settings.PRODUCTION:
        return
    if not settings.SECRET_KEY_PATH.exists() and settings.SECRET_KEY_IS_TEMPORARY:
        embedded.create_secret_key(settings.SECRET_KEY_PATH)
    keys = settings.HELPLINE_KEYS_FILE
    if settings.HELPLINE_KEYS or keys.exists():
        return
    if (data / "db.sqlite3").exists():
        raise embedded.CannotStart(
            f"{data} holds a database, but its key ring {keys} is gone. Put the key ring back."
        )
    create_keyring_file(keys)


def children(data: Path, web_socket: int) -> list[Child]:
    """In the order they start; they end in the opposite one."""
    celery = [sys.executable, "-m", "celery", "--quiet", "--app", "helpline"]
    web = [sys.executable, "-m", "gunicorn", "--config", "python:helpline.webserver"]
    found = [
        Child("web", [*web, "--bind", f"fd://{web_socket}", "helpline.wsgi"], [web_socket]),
        Child(
            "worker",
            [*celery, "worker", "--concurrency", "2", "--without-gossip", "--without-mingle"],
            grace_seconds=WORKER_GRACE_SECONDS,
        ),
        Child("beat", [*celery, "beat", "--pidfile="]),
        Child(
            "sweeper",
            [sys.executable, "-m", "django", "sweep"],
            grace_seconds=SWEEPER_GRACE_SECONDS,
        ),
    ]
    if settings.EMBEDDED_BROKER:
        path = embedded.socket_path(data)
        broker = Child(
            "broker", embedded.broker_command(data), ready=lambda: embedded.answers(path)
        )
        found.insert(0, broker)
    return found


def child_environment(data: Path) -> dict[str, str]:
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": os.environ["DJANGO_SETTINGS_MODULE"],
        "HELPLINE_DATA": str(data),
        "PYTHONPATH": str(settings.BASE_DIR),
        "PYTHONUNBUFFERED": "1",
    }


class Announcement:
    """Prints the address and the log-ins, once, as soon as the web server answers."""

    def __init__(self, say: Any, log_ins: str) -> None:
        self.say = say
        self.log_ins = log_ins
        self.made = False

    def __call__(self) -> None:
        if self.made or not web_answers(settings.HOST, settings.PORT):
            return
        self.made = True
        self.say(
            f"The helpline is at {settings.BASE_URL}/ and its desk at {settings.BASE_URL}/admin/"
        )
        if self.log_ins:
            self.say(self.log_ins.rstrip())
        self.say("Stop with Ctrl-C.")
