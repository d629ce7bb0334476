"""What every public page shows around its own text."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext, gettext_noop

from intake.actions import branding
from intake.actions.branding import Brand

# Stands in the settings until somebody gives a name; a name is nobody's to translate.
UNNAMED = gettext_noop("The Helpline")
# Each in its own words, so that whoever needs one finds it.
LANGUAGE_NAMES = {"en": "English", "es": "Español"}


def frame(request: HttpRequest, brand: Brand | None = None) -> dict[str, Any]:
    """The context of ``public/base.html``, on every public page; in the published brand, or in
    one that is only being looked at."""
    brand = brand or branding.current()
    return {
        "brand": brand,
        "brand_logo": brand.logo_url,
        "brand_style": brand.style_url,
        "helpline_name": gettext(UNNAMED) if brand.name == UNNAMED else brand.name,
        "helpline_number": brand.number,
        "helpline_number_display": brand.number_display,
        "exit_url": reverse("leave"),
        "languages_offered": languages_offered(request),
        # Messages live in a staff member's session, which these pages never open.
        "messages": (),
    }


def languages_offered(request: HttpRequest) -> list[dict[str, str]]:
    """This very page in each language; nothing where the page is the answer to a form."""
    match = request.resolver_match
    if match is None or request.method not in {"GET", "HEAD"}:
        return []
    return in_every_language(match.view_name, *match.args, **match.kwargs)


def in_every_language(view_name: str, *args: Any, **kwargs: Any) -> list[dict[str, str]]:
    """One page in each language: ``code``, ``name`` in its own words, and ``url``."""
    pages = []
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            url = reverse(view_name, args=args, kwargs=kwargs)
        pages.append({"code": code, "name": LANGUAGE_NAMES[code], "url": url})
    return pages
