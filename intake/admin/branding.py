"""How this helpline shows itself: versions, a draft to work on, and publishing it."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as __
from django.utils.translation import gettext_lazy as _

from intake.actions import branding
from intake.admin import branding_pages
from intake.admin.base import HelplineAdmin
from intake.admin.branding_facts import facts
from intake.admin.times import staff_time
from intake.models import Branding

# What a view shows: a page, its language, how wide it is, and whether it is night.
VIEWS = (
    ("home", "en", "phone", "day"),
    ("home", "es", "phone", "night"),
    ("thanks", "en", "phone", "day"),
    ("thanks", "es", "phone", "night"),
    ("home", "en", "wide", "day"),
    ("thanks", "en", "wide", "night"),
)


@admin.register(Branding)
class BrandingAdmin(HelplineAdmin):
    """Administrators and supervisors prepare a draft; a supervisor publishes it."""

    list_display = ("__str__", "status", "begun", "published", "published_by")
    ordering = ("-id",)
    list_select_related = ("published_by",)
    record_template = "admin/intake/branding.html"
    pages = {
        "edit": branding_pages.EditPage,
        "publish": branding_pages.PublishPage,
        "give_up": branding_pages.GiveUpPage,
        "again": branding_pages.AgainPage,
    }

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "change_branding") and branding.draft() is None

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        return branding_pages.BeginPage.as_view(model_admin=self)(request, object_id="")

    @admin.display(description=_("begun"))
    def begun(self, record: Branding) -> str:
        return staff_time(record.begun_at)

    @admin.display(description=_("published"))
    def published(self, record: Branding) -> str:
        return staff_time(record.published_at) if record.published_at else __("never")

    def record_context(self, request: HttpRequest, record: Branding) -> dict[str, Any]:
        return {
            "title": __("Branding: %(status)s") % {"status": record.get_status_display().lower()},
            "brand": branding.brand_of(record),
            "facts": facts(record),
            "views": views() if record.is_draft else (),
            "public_url": reverse("home"),
            "may_change": self.may(request, "change_branding"),
            "may_publish": self.may(request, "publish_branding"),
            "has_draft": branding.draft() is not None,
            "pages": {page: self.url(record, page) for page in self.pages},
        }


def views() -> list[dict[str, str]]:
    """The small views of the public pages, with the address of the page itself."""
    pages = {"home": __("First page"), "thanks": __("Thank-you page")}
    widths = {"phone": __("phone"), "wide": __("computer")}
    times = {"day": __("light"), "night": __("dark")}
    languages = {"en": __("English"), "es": __("Spanish")}
    made = []
    for page, language, width, when in VIEWS:
        with translation.override(language):
            url = reverse(f"brand-preview-{page}")
        told = (pages[page], widths[width], times[when], languages[language])
        style = reverse(f"brand-preview-{when}")
        made.append({"url": url, "style": style, "width": width, "label": ", ".join(told)})
    return made
