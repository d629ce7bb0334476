"""Start-up checks: a set-up that would break a promise does not start."""

import pytest
from django.core import checks

from helpline import startup

pytestmark = [pytest.mark.once, pytest.mark.django_db]


def ids():
    return {found.id for found in checks.run_checks()}


def test_the_tests_own_set_up_is_sound():
    assert {found.id for found in startup.errors()} == set()


@pytest.mark.parametrize(
    ("found", "wrong"),
    [
        ("helpline.E001", {"EMAIL_TIMEOUT": None}),
        ("helpline.E001", {"EMAIL_TIMEOUT": 300}),
        ("helpline.E002", {"SESSION_IDLE_SECONDS": 7200}),
        ("helpline.E003", {"SESSION_COOKIE_AGE": 14 * 24 * 3600}),
        ("helpline.E004", {"PRODUCTION": True, "DEBUG": True}),
        ("helpline.E005", {"REMINDER_LEASE_SECONDS": 10}),
        ("helpline.W001", {"PRODUCTION": True, "EMAIL_BACKEND": "x.filebased.EmailBackend"}),
    ],
)
def test_a_set_up_that_breaks_a_promise_is_found(settings, found, wrong):
    assert found not in ids()
    for name, value in wrong.items():
        setattr(settings, name, value)
    assert found in ids()


def test_serving_stops_with_a_line_per_error(settings, capsys):
    settings.EMAIL_TIMEOUT = None
    settings.SECRET_KEY_IS_TEMPORARY = True
    with pytest.raises(SystemExit) as stopped:
        startup.stop_on_errors()
    assert stopped.value.code == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "The helpline does not start:"
    assert any(line.startswith("helpline.E001") for line in lines)
    assert any("SECRET_KEY" in line for line in lines)


def test_serving_stops_with_a_key_ring_of_another_database(settings, capsys, monkeypatch):
    from intake.crypto.keyring import forget_keyring

    # Closing the connection would end the transaction of the test.
    monkeypatch.setattr(startup.connections, "close_all", lambda: None)
    startup.stop_on_errors()
    settings.HELPLINE_KEYS = settings.HELPLINE_KEYS.replace("LS0t", "LS0u")
    forget_keyring()
    with pytest.raises(SystemExit):
        startup.stop_on_errors()
    forget_keyring()
    assert "not the" in capsys.readouterr().err


def test_djangos_own_deployment_checks_are_content_in_production(tmp_path):
    import subprocess
    import sys

    from tests.servers import ROOT, child_environment

    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env=child_environment(
            PRODUCTION="1",
            BASE_URL="https://help.example.org",
            EMAIL_URL="smtp://mail.example.org:25",
            REDIS_URL="redis://redis:6379/0",
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
