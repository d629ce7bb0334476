"""The receipt of a request: its reference and what happens next, for half an hour."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import get_script_prefix, reverse
from django.utils import timezone, translation
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe

from intake.actions import own_requests
from intake.actions.own_requests import Stage
from intake.crypto import mac
from intake.models import Callback
from intake.views import manage
from intake.views.away import or_away
from intake.views.frame import frame
from intake.views.private_links import token_of, url_of
from intake.views.promises import Promise

# Long enough to write the reference down, too short for whoever finds the address later.
RECEIPT_LIFE = timedelta(minutes=30)
# No hex digits.
_AT_ANY_HOUR, _BROWSER = "n", "-"


@dataclass(frozen=True)
class Receipt:
    """What the address of a receipt says. ``at_any_hour``: they asked to be rung even at night."""

    callback: Callback
    at_any_hour: bool


def browser_of(request: HttpRequest) -> str:
    """A mark of the one cookie this browser holds, which the exit takes away; "" without it."""
    cookie = request.COOKIES.get(settings.CSRF_COOKIE_NAME, "")
    return mac("callback.receipt_browser", cookie.encode())[:8].hex() if cookie else ""


def receipt_url(callback: Callback, *, browser: str = "") -> str:
    """The address of a receipt: a signed id that is good for half an hour, and one wish.

    With ``browser`` it opens there alone, and not after leaving: neither the "back" of a browser
    without scripts nor its history brings the receipt up again.
    """
    content = f"{callback.pk.hex}{_AT_ANY_HOUR if callback.asked_outside_hours else ''}"
    if browser:
        content = f"{content}{_BROWSER}{browser}"
    # A signed token holds nothing that an address would spell otherwise.
    return f"{_receipts(translation.get_language(), get_script_prefix())}{_receipt_signer().sign(content)}/"


@cache
def _receipts(language: str, prefix: str) -> str:
    """Where the receipts of one language are; to find that for each took as long as signing it."""
    return reverse("callback-thanks", args=["-"]).removesuffix("-/")


def receipt_of(token: str, *, browser: str = "") -> Receipt | None:
    """The receipt at an address, unless it was not signed by us, is another browser's, or half an
    hour has gone by."""
    try:
        content = _receipt_signer().unsign(token, max_age=RECEIPT_LIFE)
        content, _, owner = content.partition(_BROWSER)
        pk = uuid.UUID(content.removesuffix(_AT_ANY_HOUR))
    except (signing.BadSignature, ValueError):
        return None
    if owner and not constant_time_compare(owner, browser):
        return None
    requested = Callback.objects.filter(source=Callback.Source.WEB)
    callback = requested.select_related("person").filter(pk=pk).first()
    return Receipt(callback, content.endswith(_AT_ANY_HOUR)) if callback else None


def _receipt_signer() -> signing.TimestampSigner:
    return signing.TimestampSigner(salt="intake.callback.receipt")


@require_safe
@or_away
def thanks(request: HttpRequest, token: str) -> HttpResponse:
    """Reference and what happens next; no number, no name, and nothing of what came of it."""
    receipt, now = receipt_of(token, browser=browser_of(request)), timezone.now()
    if receipt is None:
        return render(request, "public/thanks_over.html", frame(request), status=404)
    callback = receipt.callback
    stage = own_requests.stage(callback, now)
    if not stage.is_pending:
        # Taken back, or over: the page behind the private link says so in the right words.
        return manage.show(request, token_of(callback))
    context = {
        **frame(request),
        "callback": callback,
        "person": callback.person,
        "promise": promise_at(stage, receipt, now),
        "private_link": url_of(request, callback),
        "private_token": token_of(callback),
    }
    return render(request, "public/thanks.html", context)


def promise_at(stage: Stage, receipt: Receipt, now: datetime) -> Promise | None:
    """From the time they chose on, by the clock alone: a try in vain moves the callback, and where
    to is not for whoever looks at this page."""
    if stage is Stage.AHEAD:
        return Promise.of(receipt.callback, now)
    return Promise.from_now(receipt.callback, now, at_any_hour=receipt.at_any_hour)
