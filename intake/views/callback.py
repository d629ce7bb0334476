"""Asking for a call: the form, and the form once more until it can be taken."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext
from django.views import View
from django.views.csrf import csrf_failure as plain_csrf_failure

from helpline.addresses import client_address
from intake import proof
from intake.actions import web_requests
from intake.actions.delivery import DATABASE_TROUBLE
from intake.actions.dialable import NotDialable
from intake.forms import CallbackRequestForm, Ticket
from intake.forms.tickets import LONGEST_FILL
from intake.views import away, manage
from intake.views.form_fields import Fields
from intake.views.frame import LANGUAGE_NAMES, frame, in_every_language
from intake.views.promises import MAINLAND, late_zones, zone_name
from intake.views.thanks import browser_of, receipt_url

# The field only robots fill in; its name is one they like and browsers do not fill by themselves.
TRAP = "website"
# Named by the buttons that show the same form in another language.
SWITCH = "switch"


@dataclass(frozen=True)
class Shown:
    """A form as it goes back to the browser. ``notice`` says why it is shown once more."""

    form: CallbackRequestForm
    ticket: Ticket
    notice: str = ""
    retry_at: datetime | None = None

    @property
    def is_filled(self) -> bool:
        """Whether it holds what somebody typed, sent or taken along from another language."""
        return self.form.is_bound or "phone" in self.form.initial

    def context(self, now: datetime) -> dict[str, Any]:
        return {
            "form": self.form,
            "fields": Fields(self.form, is_empty=not self.is_filled),
            "is_filled": self.is_filled,
            "ticket": self.ticket.sealed,
            "challenge": self._challenge(now),
            "trap": TRAP,
            "switch": SWITCH,
            "notice": self.notice,
            "wait_minutes": self.wait_seconds(now) // 60 + 1,
            "guessed_zone": self._guessed_zone(now),
            "late_in": (late := late_zones(now)),
            "late_everywhere": len(late) == len(MAINLAND),
        }

    def _challenge(self, now: datetime) -> str:
        if not self.ticket.asks_proof:
            return ""
        return json.dumps(proof.challenge(self.ticket.nonce, until=now + LONGEST_FILL))

    def _guessed_zone(self, now: datetime) -> str:
        zone = self.form.guessed_zone()
        return zone_name(now.astimezone(ZoneInfo(zone))) if zone else ""

    def wait_seconds(self, now: datetime) -> int:
        return max(int((self.retry_at - now).total_seconds()), 1) if self.retry_at else 0


class CallbackPage(View):
    """The form, and the form once more with everything typed, until it can be taken.

    What looks like a robot (the trap, a form filled in no time) is never dropped: it gets the
    filled form back with the request to press once more, as a person would need it.
    """

    def get(self, request: HttpRequest) -> HttpResponse:
        form = CallbackRequestForm(now=timezone.now(), initial={"language": page_language()})
        return show(request, Shown(form, new_ticket(request)), status=200)

    def post(self, request: HttpRequest) -> HttpResponse:
        ticket = Ticket.read(request.POST.get("ticket", ""))
        if SWITCH in request.POST:
            return self.in_another_language(request, ticket)
        form = CallbackRequestForm(request.POST, now=timezone.now())
        if not form.is_valid():
            return show(request, Shown(form, new_ticket(request) if ticket.problem else ticket))
        suspicion = ticket.problem or ("trap" if request.POST.get(TRAP) else "")
        if suspicion:
            return show(request, Shown(form, new_ticket(request), suspicion))
        return self.take(request, form, ticket)

    def take(self, request: HttpRequest, form: CallbackRequestForm, ticket: Ticket) -> HttpResponse:
        # Work that was not done turns nobody away: a human looks at that request first.
        is_proven = not ticket.asks_proof or proof.holds(
            request.POST.get("proof", ""), ticket.nonce
        )
        wanted = form.request(
            ticket,
            address=client_address(request),
            is_proven=is_proven,
            may_be_asked=not ticket.asks_proof,
        )
        try:
            callback = web_requests.take(request=wanted, now=form.now)
        except web_requests.ProofWanted:
            return show(request, Shown(form, Ticket.issue(asks_proof=True), "busy"))
        except web_requests.TooManyFromHere as refusal:
            shown = Shown(form, ticket, "limit", retry_at=refusal.retry_at)
            return show(request, shown, status=429)
        except NotDialable as refusal:
            form.add_error("phone", gettext(str(refusal)))
            return show(request, Shown(form, ticket))
        except DATABASE_TROUBLE as trouble:
            away.note(trouble)
            # The same ticket: if it was stored after all, the next press finds it.
            return away.retry_later(show(request, Shown(form, ticket, "away"), status=503))
        return HttpResponseRedirect(receipt_url(callback, browser=browser_of(request)))

    def in_another_language(self, request: HttpRequest, ticket: Ticket) -> HttpResponse:
        """The same page, everything typed included, in the language of this address."""
        form = CallbackRequestForm(now=timezone.now(), initial=translated(request.POST.dict()))
        return show(
            request,
            Shown(form, new_ticket(request) if ticket.problem else ticket),
            status=200,
        )


def page_language() -> str:
    return translation.get_language() or "en"


def translated(typed: dict[str, Any]) -> dict[str, Any]:
    """What was typed; the language of the call goes along with that of the page."""
    if typed.get("language") in LANGUAGE_NAMES:
        typed["language"] = page_language()
    return typed


def is_near_limit(request: HttpRequest) -> bool:
    try:
        return web_requests.is_near_limit(client_address(request), timezone.now())
    except DATABASE_TROUBLE as trouble:
        # The form with our number on it stands without the database.
        away.note(trouble)
        return False


def new_ticket(request: HttpRequest) -> Ticket:
    return Ticket.issue(asks_proof=is_near_limit(request))


def show(request: HttpRequest, shown: Shown, *, status: int = 422) -> HttpResponse:
    now = shown.form.now
    context = {
        **frame(request),
        **shown.context(now),
        "languages_offered": in_every_language("callback"),
    }
    response = render(request, "public/callback.html", context, status=status)
    if shown.retry_at:
        response["Retry-After"] = str(shown.wait_seconds(now))
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """Refused as forged, which also befalls people whose cookie is gone.

    The callback form comes back with everything typed and a new cookie; sent from another site it
    would still wait for the person to press the button here. So do the pages of the private link.
    """
    if request.path.startswith(reverse("manage")):
        return manage.after_lost_cookie(request)
    if request.path != reverse("callback"):
        return plain_csrf_failure(request, reason)
    form = CallbackRequestForm(request.POST, now=timezone.now())
    return show(request, Shown(form, new_ticket(request), "cookie"), status=403)
