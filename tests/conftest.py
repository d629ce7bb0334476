"""The fixed cast, the standing clock, the servers, and a wall to the outside."""

import os
import re
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import hypothesis
import pytest
import time_machine

from tests import servers, tally, together

NOW = datetime(2026, 3, 10, 14, 0, tzinfo=UTC)
LOOPBACK = {"127.0.0.1", "::1", "localhost", "0.0.0.0", "", None}  # noqa: S104
FILE_ONCE = re.compile(r"^pytestmark = .*pytest\.mark\.(once|browser)\b", re.MULTILINE)
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")


# --- What runs -----------------------------------------------------------------------------------


def pytest_configure(config):
    sys.addaudithook(refuse_outside)
    # How long an example takes says how busy the machine is. CI keeps what else it has of its own.
    hypothesis.settings.register_profile(
        "helpline", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
    )
    hypothesis.settings.load_profile("helpline")


def refuse_outside(event, args):
    """No test reaches another machine. (A test of ours that tries is a bug of ours.)"""
    if event == "socket.connect" and isinstance(args[1], tuple):
        host = args[1][0]
    elif event == "socket.getaddrinfo":
        host = args[0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host not in LOOPBACK and not str(host).startswith("127."):
        raise RuntimeError(f"A test tried to reach {host}.")


def pytest_xdist_make_scheduler(config, log):
    return together.TogetherScheduling(config, log)


def pytest_ignore_collect(collection_path, config):
    """A file of which no test would be left on this database is not even read."""
    is_named = any(collection_path.name in str(argument) for argument in config.args)
    if servers.chosen_database() == "postgresql" and collection_path.is_file() and not is_named:
        return bool(FILE_ONCE.search(collection_path.read_text(encoding="utf-8"))) or None
    return None


def pytest_collection_modifyitems(config, items):
    """A test that has nothing to say on this database is left out, not skipped."""
    items.sort(key=together.longest_first)
    on_postgresql = servers.chosen_database() == "postgresql"
    left_out = []
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker("once")
        unwanted = "once" if on_postgresql else "postgresql"
        if item.get_closest_marker(unwanted):
            left_out.append(item)
    # Named on the command line, a test is run whatever its marker.
    if left_out and not any("::" in str(argument) for argument in config.args):
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_terminal_summary(terminalreporter):
    tally.write(terminalreporter.stats)


# --- The clock -----------------------------------------------------------------------------------


@pytest.fixture
def frozen():
    """It is Tuesday 10 March 2026, 14:00 UTC: 10:00 in New York. Move it with .move_to()."""
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def now():
    return NOW


@pytest.fixture(autouse=True)
def _nothing_kept():
    """What a process keeps in memory for some seconds, no test hands on to the next."""
    doorbell = sys.modules.get("intake.actions.doorbell")
    if doorbell is not None:
        doorbell._silent_until = doorbell._rung_lately_until = 0.0
    requests = sys.modules.get("intake.actions.web_requests")
    if requests is not None:
        requests._count = requests._Count(0, False, 0.0)
    branding = sys.modules.get("intake.actions.branding")
    if branding is not None:
        branding._published = branding._Published()


# --- The cast ------------------------------------------------------------------------------------

PASSWORD = "correct horse battery staple"


def member_of(group, username, **fields):
    from django.contrib.auth.models import Group, User

    user = User.objects.create_user(username, password=PASSWORD, is_staff=True, **fields)
    user.groups.add(Group.objects.get(name=group))
    return user


@pytest.fixture
def agent(db):
    return member_of("Agent", "ava", email="ava@example.org")


@pytest.fixture
def other_agent(db):
    return member_of("Agent", "noor", email="noor@example.org")


@pytest.fixture
def supervisor(db):
    return member_of("Supervisor", "sam", email="sam@example.org")


@pytest.fixture
def privacy_officer(db):
    return member_of("Privacy officer", "priya", email="priya@example.org")


@pytest.fixture
def administrator(db):
    return member_of("Administrator", "adam", email="adam@example.org")


@pytest.fixture
def client_for():
    """A signed-in browser without a browser: client_for(agent).get(...)."""
    from django.test import Client

    def signed_in(user, **options):
        client = Client(**options)
        client.force_login(user)
        return client

    return signed_in


# --- Servers, browser, real data -----------------------------------------------------------------


@pytest.fixture(scope="session")
def postgresql():
    """A real PostgreSQL; .create(name) makes a fresh database and returns its URL."""
    return servers.PostgreSQL.start()


@pytest.fixture(scope="session")
def valkey():
    """A real Valkey; .url(n) is one of its 64 databases."""
    return servers.Valkey.start()


@pytest.fixture
def broker_url(valkey, worker_id):
    """An empty database of the real Valkey, of this test process alone."""
    number = 1 + int(worker_id.removeprefix("gw")) if worker_id != "master" else 0
    valkey.client(number).flushdb()
    return valkey.url(number)


@pytest.fixture
def run_folder(tmp_path_factory):
    """A folder with a short path, good for sockets: removed when the run ends."""
    import tempfile

    return Path(tempfile.mkdtemp(dir=servers.run_folder()))


@pytest.fixture(scope="session")
def chromium():
    """The path of the browser; where none is installed, CI fails and a developer is told."""
    for name in CHROMIUM_NAMES:
        if path := shutil.which(name):
            return path
    message = "no Chromium: install it (apt-get install chromium) to run the browser tests"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def real_data():
    """The folder of real-world files that are not part of the repository."""
    folder = Path(os.environ.get("HELPLINE_TEST_DATA") or servers.ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"{tally.NO_REAL_DATA}: set HELPLINE_TEST_DATA to its folder")
    return folder


# --- The database between tests ------------------------------------------------------------------


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings):
    """Migrate once a run."""
    from django.db import connection

    from tests import fresh_database

    connection.creation.create_test_db = fresh_database.shared(connection.creation)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """After a transactional test everything is again as migrating left it."""
    from django.test import TransactionTestCase

    from tests import fresh_database

    with django_db_blocker.unblock():
        furniture = fresh_database.Furniture()
    TransactionTestCase._fixture_teardown = lambda self: furniture.put_back()


@pytest.fixture
def keys(tmp_path, settings, db):
    """A key ring of this test alone, in a file that can be rotated."""
    from intake.crypto.checks import verify_keyring
    from intake.crypto.keyring import create_keyring_file, forget_keyring
    from intake.models import KeyCheck

    KeyCheck.objects.all().delete()
    path = tmp_path / "keys.json"
    create_keyring_file(path)
    settings.HELPLINE_KEYS = ""
    settings.HELPLINE_KEYS_FILE = path
    forget_keyring()
    verify_keyring()
    yield path
    forget_keyring()
