"""How long a staff session lasts: 15 minutes without activity, 12 hours in all."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone

STARTED = "started_at"
ACTIVE = "active_at"
# Pages that refresh themselves send this header; a desk nobody sits at must still fall idle.
POLL_HEADER = "X-Helpline-Poll"
# Activity is written at most this often, to spare the database a write per request.
WRITE_EVERY_SECONDS = 30


def epoch() -> int:
    return int(timezone.now().timestamp())


@receiver(user_logged_in)
def start_the_clocks(sender: type[AbstractBaseUser], request: HttpRequest, **kwargs: Any) -> None:
    request.session[STARTED] = request.session[ACTIVE] = epoch()


class SessionLimits:
    """Signs out who was away too long or signed in too long ago.

    A page then goes on as anonymous and ends at the sign-in form. A request made by a script
    gets 401 and no body instead: the page around it, with what was typed there, stays.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.user.is_authenticated:
            now = epoch()
            if is_over(request, now):
                logout(request)
                if request.META.get("HTTP_HX_REQUEST"):
                    return HttpResponse(status=401)
            elif not request.headers.get(POLL_HEADER):
                note_activity(request, now)
        elif request.META.get("HTTP_HX_REQUEST"):
            # The session ended earlier, or was ended elsewhere.
            return HttpResponse(status=401)
        return self.get_response(request)


def is_over(request: HttpRequest, now: int) -> bool:
    started: int = request.session.get(STARTED, 0)
    active: int = request.session.get(ACTIVE, 0)
    return bool(
        now - active >= settings.SESSION_IDLE_SECONDS
        or now - started >= settings.SESSION_COOKIE_AGE
    )


def note_activity(request: HttpRequest, now: int) -> None:
    if now - request.session[ACTIVE] >= WRITE_EVERY_SECONDS:
        request.session[ACTIVE] = now
