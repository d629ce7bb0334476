"""Our admin site: its index is the desk, its navigation follows the flow of a call."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver
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
        from intake.admin import reports

        return [*reports.urls(self), *super().get_urls()]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        from intake.admin import navigation

        return {**super().each_context(request), **navigation.frame(request)}

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
