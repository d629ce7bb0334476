"""Where a phone system says that somebody called in vain (docs/phone-system.md).

For machines: no cookie, no page, and one answer to whatever was taken, so that it tells nobody
which numbers we know.
"""

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.csrf import csrf_exempt

from helpline import signatures
from helpline.requests import content_length, drain
from intake.actions import phone_events

LONGEST_BODY_BYTES = 16 * 1024
# Senders try again for a day or so. What is older comes of a clock that was never set.
OLDEST = timedelta(days=7)
SCHEME_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")

logger = logging.getLogger(__name__)


class NotAnEvent(Exception):
    """What was signed is no event of ours: the sender's mistake, which asking again repeats."""


# No browser sends this, no cookie is read: the signature stands where a form has its token.
@csrf_exempt
def phone(request: HttpRequest) -> HttpResponse:
    """Take one signed event: 202, and the same for a copy of it.

    404 while no secret is set; 405, 413, 415 for what is no POST of a little JSON; 401 for what is
    not signed now by us; 400 for what is no event; 503 when it could not be stored and should be
    sent again.
    """
    if not settings.PHONE_WEBHOOK_SECRETS:
        return HttpResponse(status=404)
    if request.method != "POST":
        return HttpResponse(status=405, headers={"Allow": "POST"})
    if content_length(request) > LONGEST_BODY_BYTES:
        drain(request)
        return _refused(413, "too_long")
    if request.content_type != "application/json":
        return _refused(415, "not_json")
    return _taken(request, now=timezone.now())


def _taken(request: HttpRequest, *, now: datetime) -> HttpResponse:
    given = {name: request.headers.get(name, "") for name in SCHEME_HEADERS}
    secrets = settings.PHONE_WEBHOOK_SECRETS
    try:
        event_id = signatures.verify(given, body=request.body, keys=secrets, now=now)
        phone_events.take(told=_told(event_id, request.body, now), now=now)
    except signatures.NotSigned as error:
        return _refused(401, error.code)
    except NotAnEvent:
        return _refused(400, "not_an_event")
    except (OperationalError, InterfaceError) as error:
        logger.warning("phone event not stored: %s", error)
        return JsonResponse({"error": "try_again"}, status=503, headers={"Retry-After": "5"})
    return JsonResponse({}, status=202)


def _refused(status: int, code: str) -> JsonResponse:
    return JsonResponse({"error": code}, status=status)


def _told(event_id: str, body: bytes, now: datetime) -> phone_events.Told:
    """The event in the body. Raises ``NotAnEvent``, which says nothing of it."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        raise NotAnEvent from None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise NotAnEvent
    data = message.get("data")
    data = data if isinstance(data, dict) else {}
    return phone_events.Told(
        event_id=event_id,
        kind=message["type"],
        occurred_at=_moment(message.get("timestamp"), now),
        number=_word(data.get("from")),
        text=_word(data.get("text")),
    )


def _word(value: Any) -> str:
    """Text, or nothing: phone systems write null where a number was withheld."""
    return value if isinstance(value, str) else ""


def _moment(value: Any, now: datetime) -> datetime:
    """When it happened (UTC): ISO 8601, read as UTC without a zone; ``now`` when that is none, or
    a day on which nobody would still be asking us again.

    Better a call too many than one that is lost over a date: what seems to have happened years ago
    would be older than every conversation since.
    """
    try:
        moment = parse_datetime(_word(value))
        if moment is None:
            return now
        moment = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return now
    return moment if now - moment < OLDEST else now
