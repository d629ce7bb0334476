"""Settings: what they refuse, and how they say so."""

import os
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from helpline.environment import Environment
from tests.servers import ROOT

pytestmark = pytest.mark.once

LONG_KEY = "k" * 60
PRODUCTION = {
    "PRODUCTION": "1",
    "SECRET_KEY": LONG_KEY,
    "HELPLINE_KEYS": "{}",
    "BASE_URL": "https://help.example.org",
    "DATABASE_URL": "postgres://u:p@db/n",
    "REDIS_URL": "redis://redis/0",
}


def settings_with(tmp_path, show="'loaded'", **variables):
    """Loads the settings in a process of its own; returns what it printed and its error."""
    done = subprocess.run(
        [sys.executable, "-c", f"from helpline import settings as s; print({show})"],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "ENV_FILE": str(tmp_path / "absent"),
            "HELPLINE_DATA": str(tmp_path),
            **variables,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    last = (done.stderr.strip().splitlines() or [""])[-1]
    return done.stdout.strip(), last


@pytest.mark.parametrize(
    ("variables", "hint"),
    [
        ({"PORT": "0"}, "PORT must be a whole number"),
        ({"DEBUG": "ture"}, "DEBUG must be 1 or 0"),
        ({"HELPLINE_TIME_ZONE": "Mars/Olympus"}, "HELPLINE_TIME_ZONE must be a time zone"),
        ({"HELPLINE_SHIFT_STARTS": "07:00,25:00"}, "HELPLINE_SHIFT_STARTS must be times of day"),
        ({"HELPLINE_NUMBER": "555-0199"}, "HELPLINE_NUMBER must be in international form"),
        ({"HELPLINE_OWN_NUMBERS": "+18005550100,0100"}, "HELPLINE_OWN_NUMBERS must be numbers"),
        ({"HELPLINE_STATE": "Florida"}, "HELPLINE_STATE must be two letters"),
        ({"HELPLINE_CALLS_ON_HOLIDAYS": "never"}, "HELPLINE_CALLS_ON_HOLIDAYS must be 1 or 0"),
        ({"DATABASE_URL": "mysql://u:hunter2@h/n"}, "DATABASE_URL must look like"),
        ({"REDIS_URL": "valkey://:hunter2@h"}, "REDIS_URL must look like"),
        ({"EMAIL_URL": "mailto:hunter2"}, "EMAIL_URL must look like"),
        ({"BASE_URL": "help.example.org"}, "BASE_URL must look like"),
        ({"BASE_URL": "https://help.example.org/desk"}, "BASE_URL must look like"),
        ({"SECRET_KEY": "hunter2"}, "SECRET_KEY must have at least 50"),
        ({"SECRET_KEY": LONG_KEY, "SECRET_KEY_FILE": "x"}, "not both"),
        ({"DATABASE_URL_FILE": "absent"}, "DATABASE_URL_FILE: the file cannot be read"),
        ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL must be"),
        ({**PRODUCTION, "SECRET_KEY": ""}, "Set SECRET_KEY or SECRET_KEY_FILE"),
        ({**PRODUCTION, "HELPLINE_KEYS": ""}, "Set HELPLINE_KEYS_FILE"),
        ({**PRODUCTION, "BASE_URL": "http://help.example.org"}, "must start with https://"),
    ],
)
def test_a_wrong_or_missing_variable_stops_with_a_hint_that_quotes_no_value(
    tmp_path, variables, hint
):
    printed, error = settings_with(tmp_path, **variables)
    assert printed == ""
    assert hint in error
    assert "hunter2" not in error


def test_nothing_set_gives_the_embedded_default(tmp_path):
    printed, _ = settings_with(
        tmp_path, "s.DATABASES['default']['ENGINE'], s.EMBEDDED_BROKER, s.PRODUCTION, s.DEBUG"
    )
    assert printed == "django.db.backends.sqlite3 True False False"


def test_production_is_https_only(tmp_path):
    printed, _ = settings_with(
        tmp_path,
        "s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SECURE_SSL_REDIRECT,"
        "s.SECURE_HSTS_SECONDS >= 31536000, s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME",
        **PRODUCTION,
    )
    assert printed == "True True True True __Host-session __Host-csrf"


def test_postgresql_gives_up_in_time(tmp_path):
    printed, _ = settings_with(tmp_path, "s.DATABASES['default']['OPTIONS']", **PRODUCTION)
    for limit in (
        "'connect_timeout': 5",
        "statement_timeout=30s",
        "lock_timeout=5s",
        "idle_in_transaction_session_timeout=60s",
    ):
        assert limit in printed


def test_a_secret_may_come_from_a_file(tmp_path):
    (tmp_path / "url").write_text("postgres://u:p%2F%3A@db:5433/calls\n")
    printed, _ = settings_with(
        tmp_path,
        "[s.DATABASES['default'][k] for k in ('USER', 'PASSWORD', 'HOST', 'PORT', 'NAME')]",
        DATABASE_URL_FILE=str(tmp_path / "url"),
    )
    assert printed == "['u', 'p/:', 'db', 5433, 'calls']"


def test_the_socket_of_a_database_may_be_a_folder(tmp_path):
    printed, _ = settings_with(
        tmp_path, "s.DATABASES['default']['HOST']", DATABASE_URL="postgres://u@%2Frun%2Fpg/n"
    )
    assert printed == "/run/pg"


def test_a_relative_data_folder_is_taken_from_the_project(tmp_path):
    printed, _ = settings_with(tmp_path, "s.HELPLINE_DATA", HELPLINE_DATA="some/where")
    assert printed == str(ROOT / "some" / "where")


def test_an_env_file_is_read_and_variables_win_over_it(tmp_path):
    (tmp_path / "env").write_text("HELPLINE_NAME='From the file'\nPORT=9001\n")
    printed, _ = settings_with(
        tmp_path, "s.HELPLINE_NAME, s.PORT", ENV_FILE=str(tmp_path / "env"), PORT="9002"
    )
    assert printed == "From the file 9002"


def test_an_empty_variable_counts_as_unset():
    assert Environment({"PORT": " "}).number("PORT", 8000) == 8000
    assert Environment({"DEMO": ""}).flag("DEMO", default=True) is True


def test_an_empty_secret_file_is_an_error(tmp_path):
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(ImproperlyConfigured, match="empty"):
        Environment({"X_FILE": str(tmp_path / "empty")}).secret("X")
