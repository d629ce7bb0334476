"""What web server, worker and beat do before they serve."""

import logging
import sys

from django.conf import settings
from django.core import checks
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections

logger = logging.getLogger(__name__)


def stop_on_errors() -> None:
    """Ends the process with one line per error, when a start-up check finds one.

    What a check only warns of is logged, and the process starts: above all when promises are
    late, because starting is what mends that. `manage.py` commands run the same checks by
    themselves; gunicorn and Celery do not.
    """
    lines = [f"{error.id}: {error.msg} {error.hint or ''}".strip() for error in errors()]
    if settings.SECRET_KEY_IS_TEMPORARY:
        lines.append("No SECRET_KEY. Start with `manage.py up`, or set SECRET_KEY_FILE.")
    if not lines:
        lines = key_errors()
    if lines:
        sys.stderr.write("\n".join(["The helpline does not start:", *lines]) + "\n")
        raise SystemExit(1)
    for warning in late_promises():
        logger.warning("%s: %s %s", warning.id, warning.msg, warning.hint or "")


def errors() -> list[checks.CheckMessage]:
    return [found for found in checks.run_checks() if found.level >= checks.ERROR]


def key_errors() -> list[str]:
    """Is this the key ring the database was written with? With another nobody would be found."""
    from intake.crypto.checks import verify_keyring
    from intake.crypto.keyring import KeyringError

    try:
        verify_keyring()
    except KeyringError as error:
        return [str(error)]
    except DatabaseError:
        return ["The database cannot be reached, so the keys cannot be compared with it."]
    finally:
        # A worker forks after this; two processes must not share a connection.
        connections.close_all()
    return []


def late_promises() -> list[checks.CheckMessage]:
    """What the checks find that look into the database."""
    try:
        return checks.run_checks(tags=[checks.Tags.database], databases=[DEFAULT_DB_ALIAS])
    finally:
        connections.close_all()
