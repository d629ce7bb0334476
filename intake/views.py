"""The public pages: what the helpline is, asking for a call, and the receipt.

No session, no cookie but the one against forged forms, nothing personal in an address. The answer
to a number we know and to one we do not is the same.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.views import View
from django.views.csrf import csrf_failure as plain_csrf_failure
from django.views.decorators.http import require_safe

from intake.actions import calling_hours, web_requests
from intake.forms import ZONES, CallbackRequestForm, Ticket
from intake.models import Callback
from intake.rules import hours, phones

# The field only robots fill in; its name is one they like and browsers do not fill by themselves.
TRAP = "website"
# Long enough to write the reference down, too short for whoever finds the address later.
RECEIPT_LIFE = timedelta(minutes=30)


def frame() -> dict[str, Any]:
    """What the frame of every public page shows."""
    return {
        "helpline_name": settings.HELPLINE_NAME,
        "helpline_number": settings.HELPLINE_NUMBER,
        "helpline_number_display": spoken(settings.HELPLINE_NUMBER),
        "exit_url": settings.EXIT_URL,
        # Messages live in a staff member's session, which these pages never open.
        "messages": (),
    }


def spoken(e164: str) -> str:
    """1-800-555-0199, as people say and dial it; other countries' numbers as usual there."""
    if e164.startswith("+1") and len(e164) == 12:
        return f"1-{e164[2:5]}-{e164[5:8]}-{e164[8:]}"
    return phones.national(e164)


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "public/home.html", frame())


# --- Asking for a call ---------------------------------------------------------------------------


class CallbackPage(View):
    """The form, and the form once more with everything typed, until it can be taken.

    What looks like a robot (the trap, a form filled in no time) is never dropped: it gets the
    filled form back with the request to press once more, as a person would need it.
    """

    def get(self, request: HttpRequest) -> HttpResponse:
        form = CallbackRequestForm(now=timezone.now())
        return show_form(request, form, Ticket.issue(), status=200)

    def post(self, request: HttpRequest) -> HttpResponse:
        now = timezone.now()
        form = CallbackRequestForm(request.POST, now=now)
        ticket = Ticket.read(request.POST.get("ticket", ""))
        if not form.is_valid():
            return show_form(request, form, Ticket.issue() if ticket.problem else ticket)
        if ticket.problem or request.POST.get(TRAP):
            return show_form(request, form, Ticket.issue(), notice=ticket.problem or "trap")
        callback = web_requests.take(request=form.request(ticket), now=now)
        return HttpResponseRedirect(receipt_url(callback))


def show_form(
    request: HttpRequest,
    form: CallbackRequestForm,
    ticket: Ticket,
    *,
    notice: str = "",
    status: int = 422,
) -> HttpResponse:
    context = {**frame(), "form": form, "ticket": ticket.sealed, "trap": TRAP, "notice": notice}
    return render(request, "public/callback.html", context, status=status)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Refused as forged, which also befalls people whose cookie is gone.

    The callback form comes back with everything typed and a new cookie; sent from another site it
    would still wait for the person to press the button here.
    """
    if request.path != reverse("callback"):
        return plain_csrf_failure(request, reason)
    form = CallbackRequestForm(request.POST, now=timezone.now())
    return show_form(request, form, Ticket.issue(), notice="cookie", status=403)


# --- The receipt ---------------------------------------------------------------------------------


def receipt_url(callback: Callback) -> str:
    """The address of a receipt: a signed id that is good for half an hour, nothing else."""
    return reverse("callback-thanks", args=[_receipt_signer().sign(callback.pk.hex)])


def _receipt_signer() -> signing.TimestampSigner:
    return signing.TimestampSigner(salt="intake.callback.receipt")


@require_safe
def thanks(request: HttpRequest, token: str) -> HttpResponse:
    """Reference and what happens next; no number, no name."""
    callback = callback_of(token)
    if callback is None:
        return render(request, "public/thanks_over.html", frame(), status=404)
    context = {
        **frame(),
        "callback": callback,
        "person": callback.person,
        "promise": Promise.of(callback, timezone.now()),
    }
    return render(request, "public/thanks.html", context)


def callback_of(token: str) -> Callback | None:
    try:
        pk = uuid.UUID(_receipt_signer().unsign(token, max_age=RECEIPT_LIFE))
    except (signing.BadSignature, ValueError):
        return None
    requested = Callback.objects.filter(source=Callback.Source.WEB)
    return requested.select_related("person").filter(pk=pk).first()


@dataclass(frozen=True)
class LocalSpan:
    """A stretch of time in one zone, in words."""

    zone: str
    day: str
    begins: str
    ends: str
    now: str


@dataclass(frozen=True)
class Promise:
    """When we will call, in the caller's own time.

    ``kind``: "right_away" (asked for at any hour), "soon" (from now on), "from" (from a moment on)
    or "between". ``spans``: one for each clock they may go by, the westernmost first.
    """

    kind: str
    spans: tuple[LocalSpan, ...]

    @classmethod
    def of(cls, callback: Callback, now: datetime) -> "Promise":
        rule = calling_hours.rule_for(callback.person)
        ends = callback.window_ends_at
        if callback.asked_outside_hours:
            kind = "right_away"
        elif callback.due_at <= callback.requested_at:
            kind = "soon"
        else:
            kind = "between" if ends else "from"
        ends = ends or _closing(callback.due_at, rule)
        return cls(kind, tuple(local_spans(rule.zones, callback.due_at, ends, now)))


def _closing(at: datetime, rule: hours.CallingRule) -> datetime:
    """The end of the hours in which ``at`` lies; ``at`` itself for a call asked for at night."""
    openings = hours.next_allowed(at, rule, n=1)
    return openings[0].until if openings and openings[0].at == at else at


def local_spans(
    zones: Iterable[str], begins: datetime, ends: datetime, now: datetime
) -> list[LocalSpan]:
    """The stretch in each zone whose clock shows something of its own."""
    clocks: dict[datetime, ZoneInfo] = {}
    for name in zones:
        zone = ZoneInfo(name)
        clocks.setdefault(begins.astimezone(zone).replace(tzinfo=None), zone)
    return [
        LocalSpan(
            zone=zone_name(begins.astimezone(zone)),
            day=day_in_words(begins.astimezone(zone), now.astimezone(zone)),
            begins=_clock(begins.astimezone(zone)),
            ends=_clock(ends.astimezone(zone)),
            now=_clock(now.astimezone(zone)),
        )
        for zone in clocks.values()
    ]


def _clock(local: datetime) -> str:
    return date_format(local, "P", use_l10n=False)


def day_in_words(local: datetime, local_now: datetime) -> str:
    day = date_format(local, gettext("l, F j"), use_l10n=False)
    ahead = (local.date() - local_now.date()).days
    if ahead == 0:
        return gettext("today, %(day)s") % {"day": day}
    if ahead == 1:
        return gettext("tomorrow, %(day)s") % {"day": day}
    return gettext("on %(day)s") % {"day": day}


def zone_name(local: datetime) -> str:
    """What people call the zone of an aware moment: "Eastern time" for Detroit too."""
    named = {name: str(label) for name, label in ZONES if name}
    key = str(local.tzinfo)
    if key in named:
        return named[key]
    for name, label in named.items():
        if local.astimezone(ZoneInfo(name)).tzname() == local.tzname():
            return label
    city = key.rpartition("/")[2].replace("_", " ")
    return gettext("%(city)s time") % {"city": city}
