"""Every address the project answers, with the arguments that reach the canary world."""

import re
from urllib.parse import urlsplit

from django.contrib import admin
from django.urls import Resolver404, get_resolver, resolve
from django.urls.resolvers import LocalePrefixPattern, URLPattern
from django.utils import translation

from intake.models import Callback, StaffSearch
from intake.reports.rows import BEHIND
from intake.views.private_links import token_of
from intake.views.thanks import receipt_url

ROLES = ("Agent", "Supervisor", "Privacy officer", "Administrator")


class Route:
    """One pattern of the resolver: ``admin/intake/call/<path:object_id>/amend/``."""

    def __init__(self, pattern, text):
        self.pattern, self.text = pattern, text

    def __str__(self):
        return self.text

    @property
    def model(self):
        """The model whose records this route speaks of, if it is an address of the admin."""
        parts = self.text.split("/")
        for model in admin.site._registry:
            if parts[:3] == ["admin", model._meta.app_label, model._meta.model_name]:
                return model
        return None

    @property
    def takes_record(self):
        return self.model is not None and "<" in self.text

    @property
    def label(self):
        """``search`` or ``amend``: the last word of the address that is no argument."""
        words = [word for word in self.text.split("/")[3:] if word and "<" not in word]
        return words[-1] if words else "changelist"

    def address(self, argument=""):
        """The address with every argument replaced by ``argument``."""
        text = re.sub(r"<[^>]*>", lambda _: str(argument), self.text)
        return f"/{text}"


def routes():
    """All of them, in the order in which Django tries them."""
    return list(_walk(get_resolver(), ""))


def route_of(address):
    """The pattern that answers this address, in whatever language; "" if none does."""
    path = urlsplit(address).path
    with translation.override(translation.get_language_from_path(path) or "en"):
        try:
            return str(resolve(path).route)
        except Resolver404:
            return ""


def _walk(resolver, before):
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLPattern):
            yield Route(pattern, before + _plain(str(pattern.pattern)))
        else:
            for prefix in _prefixes(pattern.pattern):
                yield from _walk(pattern, before + prefix)


def _prefixes(pattern):
    """One, or of pages with a language one for each: English has none."""
    if isinstance(pattern, LocalePrefixPattern):
        return ["", "es/"]
    return [_plain(str(pattern))]


def _plain(text):
    """The two regular expressions of the admin, written like the other patterns."""
    text = re.sub(r"\(\?P<(\w+)>(?:\([^)]*\)|[^()])*\)", r"<\1>", text)
    return text.lstrip("^").rstrip("$")


# What stands for the arguments that are no id of a record.
ARGUMENTS = {
    "admin/reports/rows/<slug:code>/": [next(iter(BEHIND))],
    "admin/reports/<slug:code>.csv": ["callback-list", "figures"],
    "admin/r/<path:content_type_id>/<path:object_id>/": ["1"],
    "admin/<app_label>/": ["intake", "auth"],
    "admin/<url>": ["no-such-page/"],
}


def receipt(callback):
    return receipt_url(callback).rstrip("/").rpartition("/")[2]


# What stands for a token: it is made for the request that came by the public form.
TOKENS = {"callback-thanks": receipt, "manage-link": token_of}


def arguments(route, world):
    """What to put into a route: ids of the world, or a word from ``ARGUMENTS``."""
    if "<" not in route.text:
        return [""]
    if route.takes_record:
        if route.model._meta.app_label == "auth":
            found = route.model.objects.order_by("pk")
        else:
            found = world.of(route.model)
        return [record.pk for record in found]
    if make_token := TOKENS.get(route.pattern.name):
        from_web = [one for one in world.of(Callback) if one.source == Callback.Source.WEB]
        return [*map(make_token, from_web), "no-such-token"]
    if route.pattern.name == "found":
        return [search.pk for search in world.of(StaffSearch)]
    return ARGUMENTS[route.text]
