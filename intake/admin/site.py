"""Our admin site: its index is the desk, its navigation follows the flow of a call."""

from functools import partial
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path
from django.utils.translation import gettext_lazy as _


class HelplineSite(admin.AdminSite):
    site_header = _("Helpline")
    site_title = _("Desk")
    index_title = _("Desk")
    site_url = None
    empty_value_display = "-"
    # The stock side bar lists models; ours is in the base template and follows the flow.
    enable_nav_sidebar = False

    # Imported where used: those modules register admins, which need this site to exist.

    def get_urls(self) -> list[URLPattern | URLResolver]:
        from intake.admin import desk, finder, paper, reports, session

        return [
            path("session/", session.state, name="session"),
            *desk.urls(self),
            *reports.urls(self),
            *finder.urls(self),
            *paper.urls(self),
            *super().get_urls(),
        ]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Django's context, but the list of every model is made only for a template that asks.

        Making it takes a fifth of the time of a page, and our navigation is another.
        """
        from intake.admin import navigation

        return {
            "site_title": self.site_title,
            "site_header": self.site_header,
            "site_url": self.site_url,
            "has_permission": self.has_permission(request),
            "available_apps": partial(self.get_app_list, request),
            "is_popup": False,
            "is_nav_sidebar_enabled": self.enable_nav_sidebar,
            **navigation.frame(request),
        }

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        from intake.admin import desk

        return desk.show(request, self, extra_context or {})

    def app_index(
        self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """One front door: the list of an app's models says nothing to a person at a desk."""
        return self.index(request, extra_context)
