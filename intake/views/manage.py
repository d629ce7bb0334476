"""Looking after one's own request, by the private link of its receipt.

The link may be opened, or its token sent by a button, which leaves nothing in an address or in the
history. From there on everything is sent, so that the token stays out of both. No number, no name,
and nothing of what came of the request but what ``own_requests`` lets its holder know.
"""

import time
from datetime import datetime
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.http import require_safe

from intake.actions import events, own_requests, own_stops
from intake.actions.base import Refused
from intake.actions.own_requests import Stage
from intake.forms.own_request import OtherTimeForm
from intake.models import Callback
from intake.views.away import or_away
from intake.views.frame import frame, in_every_language
from intake.views.private_links import callback_of
from intake.views.promises import Promise

# What a refusal is called in the templates; whatever else is refused is said like the first.
NOTICES = {
    own_requests.BeingRung: "busy",
    own_requests.MovedTooOften: "too_often",
    own_requests.NotMovedInDanger: "by_phone",
}
# However many other requests it holds back, which nobody may learn. Once for each link.
STOP_TAKES_SECONDS = 0.25


@require_safe
@or_away
def private_link(request: HttpRequest, token: str) -> HttpResponse:
    """The link itself, opened."""
    return show(request, token)


@method_decorator(or_away, name="dispatch")
class OwnRequestPage(View):
    """A page about one's own request, asked for with the token in the body.

    Opened without one, as from the history, it says nothing.
    """

    http_method_names: ClassVar[list[str]] = ["get", "head", "post", "options"]  # type: ignore[misc]

    def get(self, request: HttpRequest) -> HttpResponse:
        return over(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        return show(request, request.POST.get("token", ""))


class SurePage(OwnRequestPage):
    """Something to be done about it, once the person has said that they are sure."""

    template_name: str
    view_name: str

    def post(self, request: HttpRequest) -> HttpResponse:
        token, now = request.POST.get("token", ""), timezone.now()
        callback = callback_of(token)
        if callback is None or not self.may(own_requests.stage(callback, now)):
            return show(request, token)
        if request.POST.get("sure") != "yes" or request.POST.get("switch"):
            return self.ask(request, callback, token, now)
        try:
            return self.act(request, callback, token, now)
        except own_requests.RequestClosed:
            # Ended, by the other of two tabs or by a second press, while this one asked.
            return show(request, token)
        except Refused as refused:
            return show(request, token, notice=NOTICES.get(type(refused), "busy"))

    def may(self, stage: Stage) -> bool:
        return stage.is_pending

    def ask(
        self, request: HttpRequest, callback: Callback, token: str, now: datetime
    ) -> HttpResponse:
        context = {**posted(request, self.view_name), "token": token}
        return render(request, self.template_name, context)

    def act(
        self, request: HttpRequest, callback: Callback, token: str, now: datetime
    ) -> HttpResponse:
        raise NotImplementedError


class TimePage(SurePage):
    """Another time, by the same questions as on the form."""

    template_name = "public/manage_time.html"
    view_name = "manage-time"

    def ask(
        self, request: HttpRequest, callback: Callback, token: str, now: datetime
    ) -> HttpResponse:
        if callback.in_danger:
            return show(request, token, notice="by_phone")
        is_switched = bool(request.POST.get("switch"))
        form = OtherTimeForm(request.POST if is_switched else None, callback=callback, now=now)
        return self.show_form(request, form, token, status=200)

    def act(
        self, request: HttpRequest, callback: Callback, token: str, now: datetime
    ) -> HttpResponse:
        form = OtherTimeForm(request.POST, callback=callback, now=now)
        if not form.is_valid():
            return self.show_form(request, form, token, status=422)
        own_requests.change_time(
            callback=callback,
            slot=form.cleaned_data["slot"],
            own_hours=form.own_hours(form.cleaned_data),
            by=events.PUBLIC,
            now=now,
        )
        return show(request, token, done="moved")

    def show_form(
        self, request: HttpRequest, form: OtherTimeForm, token: str, *, status: int
    ) -> HttpResponse:
        context = {**posted(request, self.view_name), "form": form, "token": token}
        return render(request, self.template_name, context, status=status)


class CancelPage(SurePage):
    template_name = "public/manage_cancel.html"
    view_name = "manage-cancel"

    def act(
        self, request: HttpRequest, callback: Callback, token: str, now: datetime
    ) -> HttpResponse:
        own_requests.withdraw(callback=callback, by=events.PUBLIC, now=now)
        return show(request, token)


class StopPage(SurePage):
    template_name = "public/manage_stop.html"
    view_name = "manage-stop"

    def may(self, stage: Stage) -> bool:
        """Also from another tab, in which it was still open."""
        return stage.is_pending or stage is Stage.WITHDRAWN

    def act(
        self, request: HttpRequest, callback: Callback, token: str, now: datetime
    ) -> HttpResponse:
        begun = time.monotonic()
        if own_stops.stop_calls(callback=callback, by=events.PUBLIC, now=now):
            time.sleep(max(0.0, STOP_TAKES_SECONDS - (time.monotonic() - begun)))
        return show(request, token, done="stopped")


# --- The answers ----------------------------------------------------------------------------------


def show(request: HttpRequest, token: str, *, notice: str = "", done: str = "") -> HttpResponse:
    """The request as it stands, for the holder of its token.

    ``notice``: why something was not done; ``done``: what was.
    """
    now = timezone.now()
    callback = callback_of(token)
    stage = own_requests.stage(callback, now) if callback else Stage.GONE
    if callback is None or stage is Stage.GONE:
        return over(request)
    context: dict[str, Any] = {
        **posted(request, "manage"),
        "callback": callback,
        "person": callback.person,
        "token": token,
        "stage": stage,
        "notice": notice,
        "done": done,
    }
    if not stage.is_pending:
        return render(request, "public/manage_closed.html", context)
    if stage is Stage.AHEAD:
        context["promise"] = Promise.of(callback, now)
    return render(request, "public/manage.html", context, status=409 if notice else 200)


@or_away
def after_lost_cookie(request: HttpRequest) -> HttpResponse:
    """Refused as forged, which also befalls people whose cookie is gone: nothing is done, and the
    page comes back with a new cookie."""
    response = show(request, request.POST.get("token", ""), notice="cookie")
    if response.status_code != 404:
        response.status_code = 403
    return response


def over(request: HttpRequest) -> HttpResponse:
    """The same for a link that is no link, was closed long ago, or was left out."""
    context = {**frame(request), "languages_offered": in_every_language("manage")}
    return render(request, "public/manage_over.html", context, status=404)


def posted(request: HttpRequest, view_name: str) -> dict[str, Any]:
    """The frame. On the answer to a post, ``languages_sent``: where its form goes in each language;
    a link would leave the token behind."""
    context = frame(request)
    if request.method == "POST":
        context["languages_sent"] = in_every_language(view_name)
    return context
