"""The directory: facilities, its vocabulary, its editions, and free beds as told."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from intake.admin import facility_facts, facility_pages
from intake.admin.base import HelplineAdmin
from intake.admin.times import staff_time
from intake.models import CapacityReading, DirectoryEdition, Facility, ServiceCode
from intake.typed_text import clean_text

READINGS_SHOWN = 20
NON_BREAKING_HYPHEN = "\u2011"


@admin.register(Facility)
class FacilityAdmin(HelplineAdmin):
    list_display = (
        "name",
        "program_name",
        "city",
        "state",
        "phone_listed",
        "status",
        "tied",
        "verified",
    )
    list_display_links = ("name",)
    list_filter = ("status", "relationship", "medical_cover", "state")
    allowed_lookups = ("status", "relationship", "medical_cover", "state", "verified_at")
    ordering = ("state", "city", "name", "id")
    # A whole country has some twenty thousand: each page can be counted and turned to.
    counted, pages_ahead = 1_000_000, 10_000
    sortable_by = ("name", "city", "state", "status", "verified")
    can_search = True
    search_help_text = _("Name, city, ZIP or phone")
    record_template = "admin/intake/facility.html"
    pages = {
        "capacity": facility_pages.CapacityPage,
        "verify": facility_pages.VerifyPage,
        "suspend": facility_pages.SuspendPage,
        "relist": facility_pages.RelistPage,
        "tie": facility_pages.TiePage,
    }

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        queryset: QuerySet[Any] = super().get_queryset(request)
        return queryset.select_related("suspended_by")

    @admin.display(description=_("phone"), empty_value="")
    def phone_listed(self, record: Facility) -> str:
        return record.phone.replace("-", NON_BREAKING_HYPHEN)

    @admin.display(description=_("financial tie"), ordering="relationship", empty_value="")
    def tied(self, record: Facility) -> str:
        return facility_facts.tie(record).get("label", "")

    @admin.display(description=_("verified"), ordering="verified_at", empty_value="")
    def verified(self, record: Facility) -> str:
        return staff_time(record.verified_at) if record.verified_at else ""

    def find(self, queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
        """By part of a name, by city, by ZIP code or by phone number, as listed."""
        try:
            text = clean_text(text)
        except ValidationError:
            return queryset.none()
        condition = Q(name__icontains=text) | Q(program_name__icontains=text)
        condition |= Q(city__iexact=text) | Q(zip_code__startswith=text)
        if number := facility_facts.phone(text)["phone"]:
            # The directory writes 614-555-0101.
            area, exchange, line = number[2:5], number[5:8], number[8:]
            condition |= Q(phone=f"{area}-{exchange}-{line}")
        return queryset.filter(condition)

    def record_context(self, request: HttpRequest, record: Facility) -> dict[str, Any]:
        now = timezone.now()
        readings = record.capacity.select_related("read_by").order_by("-read_at", "-id")
        return {
            "phones": facility_facts.all_phones(record),
            "tie": facility_facts.tie(record),
            "verified": facility_facts.verified(record, now),
            "services": services(record),
            "readings": [
                {"reading": reading, "is_known": reading.is_known(now)}
                for reading in readings[:READINGS_SHOWN]
            ],
            "listed_since": staff_time(record.first_listed_at),
            "listed_last": staff_time(record.last_listed_at),
            "may_record": self.may(request, "add_capacityreading"),
            "may_decide": self.may(request, "change_facility"),
            "pages": {page: self.url(record, page) for page in self.pages},
        }


def services(facility: Facility) -> list[dict[str, Any]]:
    """What the directory lists, by category; a code it does not explain stands for itself."""
    known = ServiceCode.objects.in_bulk(facility.codes)
    groups: dict[str, list[str]] = {}
    for code in sorted(facility.codes):
        entry = known.get(code)
        title = entry.category_name.strip() if entry else str(_("Not explained by the directory"))
        groups.setdefault(title, []).append(entry.name.strip() if entry else code)
    return [{"title": title, "names": sorted(names)} for title, names in sorted(groups.items())]


@admin.register(ServiceCode)
class ServiceCodeAdmin(HelplineAdmin):
    list_display = ("code", "name", "category_name")
    list_filter = ("category_name",)
    allowed_lookups = ("category_name",)
    ordering = ("category_name", "code")


@admin.register(DirectoryEdition)
class DirectoryEditionAdmin(HelplineAdmin):
    list_display = (
        "file_name",
        "imported_at",
        "rows_read",
        "rows_added",
        "rows_updated",
        "rows_unchanged",
        "rows_refused",
        "rows_relisted",
        "rows_unlisted",
    )
    ordering = ("-imported_at", "-id")


@admin.register(CapacityReading)
class CapacityReadingAdmin(HelplineAdmin):
    list_display = (
        "__str__",
        "facility",
        "level_of_care",
        "beds_free",
        "source",
        "read_at",
        "expires_at",
    )
    list_filter = ("level_of_care", "source")
    allowed_lookups = ("level_of_care", "source", "facility", "read_at", "expires_at")
    list_select_related = ("facility",)
    ordering = ("-id",)
