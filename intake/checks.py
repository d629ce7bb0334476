"""Start-up checks that `check --deploy` does not make."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.db import DEFAULT_DB_ALIAS, DatabaseError

from intake.channels import email
from intake.channels.gateways import base as gateways
from intake.models.clock import database_now
from intake.reports import watch

LONGEST_MAIL_TIMEOUT_SECONDS = 60
# What a busy mail server may take to answer one question.
PATIENT_SECONDS = 5
# intake.actions.delivery begins nothing with less of the lease left; intake.channels.email asks no
# question with a shorter time-out.
LAST_SHARE = 1 / 3
LEAST_TIMEOUT = 0.1
LONGEST_IDLE_SECONDS = 60 * 60
LONGEST_SESSION_SECONDS = 24 * 60 * 60


@checks.register()
def mail_gives_up(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """A mail server that takes the connection and then says nothing holds a worker for ever."""
    if settings.EMAIL_TIMEOUT and settings.EMAIL_TIMEOUT <= LONGEST_MAIL_TIMEOUT_SECONDS:
        return []
    return [checks.Error("Mail has no time-out.", hint="Set EMAIL_TIMEOUT.", id="helpline.E001")]


@checks.register()
def sessions_end(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """NIST SP 800-63B-4, AAL2: idle at most an hour, at most 24 hours in all."""
    found: list[checks.CheckMessage] = []
    if settings.SESSION_IDLE_SECONDS > LONGEST_IDLE_SECONDS:
        found.append(
            checks.Error(
                "Sessions may be idle for over an hour.",
                hint="Lower SESSION_IDLE_SECONDS.",
                id="helpline.E002",
            )
        )
    if settings.SESSION_COOKIE_AGE > LONGEST_SESSION_SECONDS:
        found.append(
            checks.Error(
                "Sessions last over a day.", hint="Lower SESSION_MAX_SECONDS.", id="helpline.E003"
            )
        )
    return found


@checks.register()
def production_shows_no_debug_pages(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[checks.CheckMessage]:
    if not (settings.PRODUCTION and settings.DEBUG):
        return []
    return [
        checks.Error(
            "DEBUG is on in production.", hint="Unset DEBUG or PRODUCTION.", id="helpline.E004"
        )
    ]


@checks.register()
def lease_outlives_a_batch(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """Else the last of what was claimed together is sent when another worker has it already.

    The last one is begun while ``LAST_SHARE`` of the lease is left, so it has to fit into that.
    """
    last_share = settings.REMINDER_LEASE_SECONDS * LAST_SHARE
    longest = email.ROUND_TRIPS * LEAST_TIMEOUT
    if settings.TEXT_GATEWAY != "off":
        longest = max(longest, gateways.LONGEST.total_seconds())
    if longest <= last_share:
        return []
    return [
        checks.Error(
            "A reminder's lease ends before its batch is sent.",
            hint=f"Raise REMINDER_LEASE_SECONDS to {math.ceil(longest / LAST_SHARE)} at least.",
            id="helpline.E005",
        )
    ]


@checks.register()
def mail_servers_have_time_to_answer(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """All questions of a mail share the lease; a slow server would count as one that is out."""
    if settings.REMINDER_LEASE_SECONDS / email.ROUND_TRIPS >= PATIENT_SECONDS:
        return []
    return [
        checks.Warning(
            "A mail server that is slow to answer is taken for one that is down.",
            hint=f"Raise REMINDER_LEASE_SECONDS to {email.ROUND_TRIPS * PATIENT_SECONDS}.",
            id="helpline.W004",
        )
    ]


@checks.register()
def production_sends_mail(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[checks.CheckMessage]:
    if not settings.PRODUCTION or settings.EMAIL_BACKEND.endswith("smtp.EmailBackend"):
        return []
    return [
        checks.Warning(
            "Mail is written to files and reaches nobody.",
            hint="Set EMAIL_URL.",
            id="helpline.W001",
        )
    ]


@checks.register()
def callers_are_told_apart(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """Production speaks HTTPS, which a proxy in front does, and then it is the only address seen."""
    if not settings.PRODUCTION or settings.TRUSTED_PROXIES:
        return []
    return [
        checks.Warning(
            "Everybody who uses the public form shares one address, the proxy's, and its few"
            " requests an hour.",
            hint="Set TRUSTED_PROXIES to the number of proxies in front of the web server: mostly 1.",
            id="helpline.W005",
        )
    ]


@checks.register(checks.Tags.database)
def promises_are_kept(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """Warns when nobody looked for due reminders lately, or some are late; says since when.

    Never more than a warning: a helpline that stood still must be able to start.
    """
    if DEFAULT_DB_ALIAS not in (databases or ()):
        return []
    try:
        return _stopped_since() + _late_since()
    except DatabaseError:
        # Not there, or not migrated: others say so.
        return []


def _stopped_since() -> list[checks.CheckMessage]:
    swept_at = watch.swept_at()
    if swept_at is None or watch.is_swept(database_now()):
        return []
    return [
        checks.Warning(
            f"Nobody has looked for due reminders since {_minute(swept_at)}.",
            hint="Right after a stop that is to be expected; later see docs/monitoring.md.",
            id="helpline.W002",
        )
    ]


def _late_since() -> list[checks.CheckMessage]:
    now = database_now()
    since = watch.late_since(now)
    if since is None:
        return []
    number = watch.late(now).count()
    late = "1 reminder is late: it" if number == 1 else f"{number} reminders are late: the oldest"
    return [
        checks.Warning(
            f"{late} was due at {_minute(since)}.",
            hint="They go out once worker and beat, or the sweeper, run; the urgent ones first.",
            id="helpline.W003",
        )
    ]


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
