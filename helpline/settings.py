"""All settings, read from the environment (see .env.example). Times are seconds unless named."""

import re
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from helpline.embedded import socket_path
from helpline.environment import Environment, is_gateway_address
from helpline.signatures import BadSecret, read_secrets

BASE_DIR = Path(__file__).resolve().parent.parent

env = Environment()
_env_file = env.folder("ENV_FILE", BASE_DIR / ".env", base=BASE_DIR)
if _env_file.exists():
    # Variables already set win over the file.
    environ.Env.read_env(_env_file)

# --- What kind of start is this? -----------------------------------------------------------------

# Off: plain http on this machine. On: HTTPS only, and nothing is generated or assumed.
PRODUCTION = env.flag("PRODUCTION", default=False)
DEBUG = env.flag("DEBUG", default=False)

# The folder of the database, broker, mail and keys of the embedded default.
HELPLINE_DATA = env.folder("HELPLINE_DATA", BASE_DIR / "var", base=BASE_DIR)

# An empty database is filled with invented calls by `manage.py up`.
DEMO = env.flag("DEMO", default=not PRODUCTION)

# --- The helpline itself -------------------------------------------------------------------------

HELPLINE_NAME = env.text("HELPLINE_NAME", "The Helpline")
HELPLINE_NUMBER = env.text("HELPLINE_NUMBER", "+18005550199")
if not re.fullmatch(r"\+[1-9]\d{6,14}", HELPLINE_NUMBER):
    raise ImproperlyConfigured(
        "HELPLINE_NUMBER must be in international form, such as +18005550199."
    )
# Further lines of ours: none of them is ever rung as if it were a caller's.
HELPLINE_OWN_NUMBERS = tuple(env.words("HELPLINE_OWN_NUMBERS"))
if not all(re.fullmatch(r"\+[1-9]\d{6,14}", number) for number in HELPLINE_OWN_NUMBERS):
    raise ImproperlyConfigured(
        "HELPLINE_OWN_NUMBERS must be numbers in international form, separated by commas."
    )
# The state this helpline sits in: in Florida its stricter calling hours hold for everybody.
HELPLINE_STATE = env.text("HELPLINE_STATE").upper()
if HELPLINE_STATE and not re.fullmatch(r"[A-Z]{2}", HELPLINE_STATE):
    raise ImproperlyConfigured("HELPLINE_STATE must be two letters, such as FL.")
# Off: nobody is rung on a federal holiday unless they asked for that very time.
HELPLINE_CALLS_ON_HOLIDAYS = env.flag("HELPLINE_CALLS_ON_HOLIDAYS", default=True)
# Where a due promise without an owner is mailed, as a count and a link; empty mails nobody.
HELPLINE_STAFF_EMAIL = env.text("HELPLINE_STAFF_EMAIL")
# Where "Leave this page" on the public pages leads: a page anyone might be looking at.
EXIT_URL = env.text("EXIT_URL", "https://www.weather.gov/")
if not EXIT_URL.startswith(("https://", "http://")):
    raise ImproperlyConfigured("EXIT_URL must look like https://www.weather.gov/.")
# Staff read times in this zone; callers in their own.
HELPLINE_TIME_ZONE = env.zone("HELPLINE_TIME_ZONE", "America/New_York")
# When a shift begins, on the clock of that zone: what a hand-over covers.
HELPLINE_SHIFT_STARTS = env.clock_times("HELPLINE_SHIFT_STARTS", "07:00,15:00,23:00")
# How often a desk that is open asks what is new.
DESK_POLL_SECONDS = env.number("DESK_POLL_SECONDS", 15, most=300)
# Is this helpline itself a "program" under 42 CFR 2.11? Counsel decides; yes is the careful answer.
PART2_PROGRAM = env.flag("PART2_PROGRAM", default=True)

# What is published in the admin (name, number, logo ...) is on every page within this time.
BRAND_KEPT_SECONDS = 10.0

# A worker that took a reminder has this long to deliver it; then another may take it.
REMINDER_LEASE_SECONDS = env.number("REMINDER_LEASE_SECONDS", 60, most=3600)
REMINDER_SWEEP_SECONDS = env.number("REMINDER_SWEEP_SECONDS", 10, most=600)

# What the public form takes: from one address in an hour, for one number in a day, and in all in an
# hour. What goes beyond the last two is not refused but waits until somebody has looked at it.
HELPLINE_REQUESTS_PER_ADDRESS = env.number("HELPLINE_REQUESTS_PER_ADDRESS", 5, most=10_000)
HELPLINE_REQUESTS_PER_NUMBER = env.number("HELPLINE_REQUESTS_PER_NUMBER", 3, most=10_000)
HELPLINE_REQUESTS_PER_HOUR = env.number("HELPLINE_REQUESTS_PER_HOUR", 200, most=1_000_000)

# --- Keys ----------------------------------------------------------------------------------------

SECRET_KEY_PATH = HELPLINE_DATA / "secret_key"
# The key ring of the encrypted fields: its text, or the file that holds it.
HELPLINE_KEYS = env.text("HELPLINE_KEYS")
if HELPLINE_KEYS and env.text("HELPLINE_KEYS_FILE"):
    raise ImproperlyConfigured("Set HELPLINE_KEYS or HELPLINE_KEYS_FILE, not both.")
HELPLINE_KEYS_FILE = env.folder("HELPLINE_KEYS_FILE", HELPLINE_DATA / "keys.json", base=BASE_DIR)


def _secret_key() -> str:
    """From the environment, else as `manage.py up` left it in HELPLINE_DATA."""
    if key := env.secret("SECRET_KEY"):
        return key
    if PRODUCTION:
        raise ImproperlyConfigured(
            "Set SECRET_KEY or SECRET_KEY_FILE; `manage.py make_secrets FOLDER` writes one."
        )
    if SECRET_KEY_PATH.exists():
        return SECRET_KEY_PATH.read_text(encoding="ascii").strip()
    return ""


SECRET_KEY = _secret_key()
# Before the first `up`, commands such as `check` run with a key of their own; nothing is served
# with it (helpline.startup).
SECRET_KEY_IS_TEMPORARY = not SECRET_KEY
if SECRET_KEY_IS_TEMPORARY:
    SECRET_KEY = secrets.token_urlsafe(64)
elif len(SECRET_KEY) < 50:
    raise ImproperlyConfigured("SECRET_KEY must have at least 50 characters.")
if PRODUCTION and not (HELPLINE_KEYS or env.text("HELPLINE_KEYS_FILE")):
    raise ImproperlyConfigured(
        "Set HELPLINE_KEYS_FILE to the key ring; `manage.py make_secrets FOLDER` writes one."
    )

# --- Address -------------------------------------------------------------------------------------

PORT = env.number("PORT", 8000, most=65535)
HOST = env.text("HOST", "127.0.0.1")
# How many proxies of ours stand in front, each of which adds the address it was asked from to
# X-Forwarded-For. With 0 that header is not believed at all.
TRUSTED_PROXIES = env.number("TRUSTED_PROXIES", 0, least=0, most=10)
# Links in mail start with this.
BASE_URL = env.text("BASE_URL", f"http://localhost:{PORT}").rstrip("/")
_address = urlsplit(BASE_URL)
if _address.scheme not in {"http", "https"} or not _address.hostname or _address.path:
    raise ImproperlyConfigured("BASE_URL must look like https://help.example.org, no path.")
if PRODUCTION and _address.scheme != "https":
    raise ImproperlyConfigured("BASE_URL must start with https:// when PRODUCTION is on.")

# localhost is for the health check inside a container.
ALLOWED_HOSTS = [_address.hostname, "localhost", "127.0.0.1", "[::1]", *env.words("ALLOWED_HOSTS")]

# --- Monitoring ----------------------------------------------------------------------------------

# What Prometheus shows to read /metrics; unset, there is no such page.
METRICS_TOKEN = env.secret("METRICS_TOKEN")
if METRICS_TOKEN and len(METRICS_TOKEN) < 32:
    raise ImproperlyConfigured("METRICS_TOKEN must have at least 32 characters.")

# --- Application ---------------------------------------------------------------------------------

INSTALLED_APPS = [
    "intake",
    "helpline.apps.HelplineAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "phonenumber_field",
    "django_htmx",
    "csp",
]

# The first four set headers and stand outside everything, so that static files, redirects to
# HTTPS and refused requests carry them too.
MIDDLEWARE = [
    "helpline.headers.PrivateByDefault",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "helpline.headers.ContentSecurityPolicy",
    "django.middleware.security.SecurityMiddleware",
    "helpline.requests.RefuseMalformed",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "helpline.languages.LanguageOfTheAddress",
    "django.middleware.common.CommonMiddleware",
    "helpline.requests.FilesWhereWanted",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "helpline.sessions.SessionLimits",
    "helpline.zones.StaffTimeZone",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "helpline.urls"
WSGI_APPLICATION = "helpline.wsgi.application"
ASGI_APPLICATION = "helpline.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
            ],
        },
    },
]

# --- Database ------------------------------------------------------------------------------------


def _sqlite(path: Path) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        # The last connection to close folds the log into the file: with one for each request that
        # is half the cost of a request.
        "CONN_MAX_AGE": 60,
        "OPTIONS": {
            # Writers wait for each other instead of failing with "database is locked".
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            # secure_delete overwrites what is deleted. synchronous stays at FULL: a promise that
            # was saved survives a power cut.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA secure_delete=ON;",
        },
    }


def _database(url: str) -> dict[str, Any]:
    """`url` is postgres://user:password@host:port/name, or sqlite:////path, or empty for SQLite
    in HELPLINE_DATA."""
    if not url:
        return _sqlite(HELPLINE_DATA / "db.sqlite3")
    if url.startswith("sqlite:///"):
        return _sqlite(BASE_DIR / url.removeprefix("sqlite:///"))
    hint = "DATABASE_URL must look like postgres://user:password@host:5432/name."
    if not url.startswith(("postgres://", "postgresql://")):
        raise ImproperlyConfigured(hint)
    try:
        database: dict[str, Any] = dict(environ.Env.db_url_config(url))
    except (ValueError, ImproperlyConfigured):
        raise ImproperlyConfigured(hint) from None
    # The folder of a unix socket is written with %2F for each slash.
    database["HOST"] = unquote(database["HOST"])
    limits = {
        "statement_timeout": "30s",
        "lock_timeout": "5s",
        "idle_in_transaction_session_timeout": "60s",
    }
    database["CONN_MAX_AGE"] = 60
    database["CONN_HEALTH_CHECKS"] = True
    database["OPTIONS"] = {
        **database.get("OPTIONS", {}),
        "connect_timeout": 5,
        # A server whose machine is gone says nothing, and Linux waits a quarter of an hour for it.
        "tcp_user_timeout": 30_000,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "application_name": "helpline",
        "options": " ".join(f"-c {name}={value}" for name, value in limits.items()),
    }
    return database


DATABASES = {"default": _database(env.secret("DATABASE_URL"))}

# --- Broker --------------------------------------------------------------------------------------

# Unset: `manage.py up` starts a Valkey of its own on this socket.
REDIS_URL = env.secret("REDIS_URL")
EMBEDDED_BROKER = not REDIS_URL
BROKER_URL = REDIS_URL or f"redis+socket://{socket_path(HELPLINE_DATA)}"
if not BROKER_URL.startswith(("redis://", "rediss://", "redis+socket://")):
    raise ImproperlyConfigured("REDIS_URL must look like redis://host:6379/0 (Valkey too).")

# --- Mail ----------------------------------------------------------------------------------------

# Unset: every mail becomes a file in HELPLINE_DATA/mail, where an operator can read it.
try:
    _email = environ.Env.email_url_config(env.secret("EMAIL_URL") or "filemail://")
except (ValueError, KeyError, ImproperlyConfigured):
    raise ImproperlyConfigured(
        "EMAIL_URL must look like smtp+tls://user:password@host:587."
    ) from None
EMAIL_BACKEND = _email["EMAIL_BACKEND"]
EMAIL_HOST = _email.get("EMAIL_HOST") or "localhost"
EMAIL_PORT = _email.get("EMAIL_PORT") or 25
EMAIL_HOST_USER = _email.get("EMAIL_HOST_USER") or ""
EMAIL_HOST_PASSWORD = env.secret("EMAIL_PASSWORD") or _email.get("EMAIL_HOST_PASSWORD") or ""
EMAIL_USE_TLS = _email.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = _email.get("EMAIL_USE_SSL", False)
EMAIL_FILE_PATH = HELPLINE_DATA / "mail"
# A mail server that never answers must not stop the reminders behind it.
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("EMAIL_FROM", f"desk@{_address.hostname}")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
# Errors are never mailed: see LOGGING.
ADMINS: list[tuple[str, str]] = []
MANAGERS: list[tuple[str, str]] = []

# --- Texts to callers, and what a phone system tells us -------------------------------------------


def _signing_secrets(name: str, text: str) -> tuple[bytes, ...]:
    try:
        return read_secrets(text)
    except BadSecret as error:
        raise ImproperlyConfigured(f"{name}: {error} Make one: openssl rand -base64 32") from None


# off: no text is ever planned. console: a line in the log instead. http: TEXT_GATEWAY_URL.
TEXT_GATEWAY = env.text("TEXT_GATEWAY", "off").lower()
if TEXT_GATEWAY not in {"off", "console", "http"}:
    raise ImproperlyConfigured("TEXT_GATEWAY must be off, console or http.")
if PRODUCTION and TEXT_GATEWAY == "console":
    raise ImproperlyConfigured(
        "TEXT_GATEWAY must be off or http when PRODUCTION is on: console sends nothing."
    )
TEXT_GATEWAY_URL = env.text("TEXT_GATEWAY_URL")
TEXT_GATEWAY_SECRETS = _signing_secrets("TEXT_GATEWAY_SECRET", env.secret("TEXT_GATEWAY_SECRET"))
if TEXT_GATEWAY == "http":
    if not is_gateway_address(TEXT_GATEWAY_URL):
        raise ImproperlyConfigured(
            "TEXT_GATEWAY_URL must look like https://texts.example.org/send (http only for"
            " 127.0.0.1 or localhost), without a name or password in it."
        )
    if not TEXT_GATEWAY_SECRETS:
        raise ImproperlyConfigured("Set TEXT_GATEWAY_SECRET or TEXT_GATEWAY_SECRET_FILE.")

# Several, separated by blanks, while one is changed. None: the address /hooks/phone does not exist.
PHONE_WEBHOOK_SECRETS = _signing_secrets("PHONE_WEBHOOK_SECRET", env.secret("PHONE_WEBHOOK_SECRET"))

# --- Staff, sessions, cookies --------------------------------------------------------------------

LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
LOGOUT_REDIRECT_URL = "admin:login"

# Length and a list of known passwords; no composition rules (ASVS 5.0, 6.2.5).
_VALIDATORS = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {"NAME": f"{_VALIDATORS}.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": f"{_VALIDATORS}.CommonPasswordValidator"},
    {"NAME": f"{_VALIDATORS}.UserAttributeSimilarityValidator"},
]

# In the database, so that an emptied broker does not sign the night shift out.
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_IDLE_SECONDS = env.number("SESSION_IDLE_SECONDS", 15 * 60)
SESSION_COOKIE_AGE = env.number("SESSION_MAX_SECONDS", 12 * 60 * 60)
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Strict"
SESSION_COOKIE_SECURE = PRODUCTION
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = PRODUCTION
# Gone when the browser closes. Django's default is a year: a trace on the device that the page
# was opened.
CSRF_COOKIE_AGE = None
CSRF_FAILURE_VIEW = "intake.views.csrf_failure"
# __Host- ties a cookie to this very host; browsers accept the name over HTTPS only.
_PREFIX = "__Host-" if PRODUCTION else ""
SESSION_COOKIE_NAME = f"{_PREFIX}session"
CSRF_COOKIE_NAME = f"{_PREFIX}csrf"
LANGUAGE_COOKIE_NAME = f"{_PREFIX}language"
LANGUAGE_COOKIE_SECURE = PRODUCTION
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
# On the server, not in a cookie.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# --- Headers -------------------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
    },
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
# Not no-referrer: with it browsers send `Origin: null` with our own forms, and the CSRF check
# refuses them. Other sites get no referrer either way.
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = PRODUCTION
# The health check inside a container speaks plain http to its own process.
SECURE_REDIRECT_EXEMPT = [r"^health/"]
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = PRODUCTION
# To enter the browsers' built-in list is a step of the operator's own, hard to take back.
SILENCED_SYSTEM_CHECKS = ["security.W021"]

# --- What a request may send ---------------------------------------------------------------------

DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
# The web takes no files, but for the one page of helpline.requests.FilesWhereWanted.
FILE_UPLOAD_HANDLERS: list[str] = []

# --- Static files --------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = env.folder("STATIC_ROOT", HELPLINE_DATA / "static", base=BASE_DIR)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# --- Language and time ---------------------------------------------------------------------------

USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = "en"
# Of the public pages; staff read English (helpline.urls).
LANGUAGES = [("en", _("English")), ("es", _("Spanish"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
PHONENUMBER_DEFAULT_REGION = "US"
PHONENUMBER_DB_FORMAT = "E164"

# --- Errors and logs -----------------------------------------------------------------------------

DEFAULT_EXCEPTION_REPORTER = "helpline.reporting.Reporter"
DEFAULT_EXCEPTION_REPORTER_FILTER = "helpline.reporting.ReporterFilter"

LOG_LEVEL = env.text("LOG_LEVEL", "INFO").upper()
if LOG_LEVEL not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
    raise ImproperlyConfigured("LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR.")

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "helpline.reporting.LineFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        # Replaces Django's own handlers, one of which would mail whole requests.
        "django": {"handlers": ["console"], "level": "INFO", "propagate": False},
        "django.server": {"handlers": ["console"], "level": "INFO", "propagate": False},
        # A line for every tick would bury the others; failures are logged as errors.
        **{
            name: {"level": "WARNING"}
            for name in ("celery.beat", "celery.worker.strategy", "celery.app.trace")
            if LOG_LEVEL == "INFO"
        },
        # At DEBUG it prints every statement with its values.
        "django.db.backends": {"level": "INFO"},
    },
}
