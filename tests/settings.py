"""The helpline's settings, over servers and folders that live as long as one test run."""

from tests import patience, servers

servers.prepare_environment()

from helpline.settings import *  # noqa: E402, F403
from helpline.settings import DATABASES, STORAGES  # noqa: E402

DATABASES["default"]["CONN_MAX_AGE"] = 0
patience.with_locks(DATABASES["default"])
# A file, as in use: threads that race share it, which an in-memory database would hide.
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["TEST"] = {"NAME": servers.run_folder() / "test.sqlite3"}
    # Nothing here outlives the run, so nobody waits for the disk.
    DATABASES["default"]["OPTIONS"]["init_command"] += "PRAGMA synchronous=OFF;"

# One round instead of a million.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# The manifest needs a collectstatic run first; tests of the real one make it themselves.
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
WHITENOISE_AUTOREFRESH = False
# What one test publishes, the next must not see.
BRAND_KEPT_SECONDS = 0.0
