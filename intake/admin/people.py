"""Callers and people in need, found by exact number, name or reference."""

from typing import Any

from django.contrib import admin

from intake.actions import searches
from intake.admin.base import HelplineAdmin
from intake.models import Person


@admin.register(Person)
class PersonAdmin(HelplineAdmin):
    list_display = ("__str__", "language", "time_zone", "do_not_call", "created_at")
    list_filter = ("do_not_call", "language")
    allowed_lookups = ("do_not_call", "language")
    ordering = ("-created_at", "-id")
    can_search = True

    def find(self, queryset: Any, text: str) -> Any:
        return queryset.filter(searches.matching_people(text))
