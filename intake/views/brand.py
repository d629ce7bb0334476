"""What makes the public pages an operator's own: a few colors and a logo; and looking at a draft.

Nothing of it is kept by a browser: a logo left in a cache would tell who was here.
"""

import functools
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from intake.actions import branding
from intake.models import Branding, Callback, Person
from intake.rules.branding import stylesheet
from intake.rules.preview_style import contained
from intake.views.frame import frame
from intake.views.private_links import token_of, url_of
from intake.views.promises import Promise

PUBLIC_STYLE = Path(__file__).resolve().parent.parent / "static" / "intake" / "public.css"
View = Callable[[HttpRequest], HttpResponse]


@require_safe
def brand_style(request: HttpRequest) -> HttpResponse:
    """The colors that are published; 404 where the pages keep their own."""
    return style_of(branding.published())


@require_safe
def brand_logo(request: HttpRequest) -> HttpResponse:
    """The logo that is published, a PNG written by us; 404 where there is none."""
    return logo_of(branding.published())


def style_of(version: Branding | None) -> HttpResponse:
    if version is None or not version.accent:
        raise Http404
    return as_style(stylesheet(version.accent, version.accent_dark))


def as_style(css: str) -> HttpResponse:
    return HttpResponse(css, content_type="text/css; charset=utf-8")


def logo_of(version: Branding | None) -> HttpResponse:
    if version is None or version.logo is None:
        raise Http404
    return HttpResponse(bytes(version.logo), content_type="image/png")


# --- Looking at it before it is published ---------------------------------------------------------

# Staff pages, and yet here: they are the public pages in every word. The draft is shown, or what is
# published where nobody works on one.


def for_staff(view: View) -> View:
    """For whoever may see the branding; the admin's own guard stands around it (intake.urls)."""

    @require_safe
    @functools.wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        if not request.user.has_perm("intake.view_branding"):
            raise PermissionDenied
        return view(request)

    return guarded


def in_view() -> Branding | None:
    return branding.draft() or branding.published()


def preview_frame(request: HttpRequest) -> dict[str, Any]:
    brand = branding.brand_of(
        in_view(),
        logo_url=reverse("brand-preview-logo"),
        style_url=reverse("brand-preview-style"),
    )
    note = gettext("A look at the draft. Nothing of it is public yet.")
    return {**frame(request, brand), "messages": (note,)}


@for_staff
def preview_home(request: HttpRequest) -> HttpResponse:
    return render(request, "public/home.html", preview_frame(request))


@for_staff
def preview_thanks(request: HttpRequest) -> HttpResponse:
    """The receipt of a request that nobody made."""
    now = timezone.now()
    person = Person(
        time_zone="America/New_York",
        time_zone_source=Person.ZoneSource.STATED,
        voicemail_rule=Person.VoicemailRule.NEUTRAL,
        language=translation.get_language() or "en",
    )
    callback = Callback(
        person=person,
        source=Callback.Source.WEB,
        requested_at=now,
        due_at=now,
        window_ends_at=now + timedelta(hours=2),
        time_zone=person.time_zone,
    )
    context = {
        "callback": callback,
        "person": person,
        "promise": Promise.of(callback, now),
        # Leads to the page of a request that does not exist.
        "private_link": url_of(request, callback),
        "private_token": token_of(callback),
    }
    return render(request, "public/thanks.html", {**preview_frame(request), **context})


@for_staff
def preview_style(request: HttpRequest) -> HttpResponse:
    return style_of(in_view())


@for_staff
def preview_logo(request: HttpRequest) -> HttpResponse:
    return logo_of(in_view())


@for_staff
def preview_day(request: HttpRequest) -> HttpResponse:
    """The sheet of the small views by day."""
    return as_style(view_style(in_view(), is_night=False))


@for_staff
def preview_night(request: HttpRequest) -> HttpResponse:
    """The sheet of the small views by night."""
    return as_style(view_style(in_view(), is_night=True))


def view_style(version: Branding | None, *, is_night: bool) -> str:
    sheets = [PUBLIC_STYLE.read_text(encoding="utf-8")]
    if version is not None and version.accent:
        sheets.append(stylesheet(version.accent, version.accent_dark))
    return contained("\n".join(sheets), is_night=is_night)
