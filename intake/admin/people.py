"""Callers and people in need, found by number, last four digits or name."""

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from intake.actions import finding
from intake.admin.base import HelplineAdmin
from intake.admin.lists import HeldValuesFilter
from intake.models import Person


@admin.register(Person)
class PersonAdmin(HelplineAdmin):
    list_display = ("__str__", "language", "time_zone", "do_not_call", "created_at")
    list_filter = ("do_not_call", ("language", HeldValuesFilter))
    allowed_lookups = ("do_not_call", "language")
    ordering = ("-id",)
    can_search = True
    search_help_text = _("Number, last four, name")

    def find(self, queryset: Any, text: str) -> Any:
        ids = list(finding.people_ids(text)[: finding.COUNTED])
        return queryset.filter(pk__in=ids)
