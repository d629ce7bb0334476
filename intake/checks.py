"""Start-up checks that `check --deploy` does not make."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core import checks

LONGEST_MAIL_TIMEOUT_SECONDS = 60
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
def lease_outlives_a_mail(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """A lease shorter than one mail takes hands the same reminder to a second worker."""
    if (settings.EMAIL_TIMEOUT or 0) < settings.REMINDER_LEASE_SECONDS:
        return []
    return [
        checks.Error(
            "A reminder's lease ends before its mail does.",
            hint="Raise REMINDER_LEASE_SECONDS above EMAIL_TIMEOUT.",
            id="helpline.E005",
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
