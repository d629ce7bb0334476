"""The audit, read-only, for the privacy officer."""

from django.contrib import admin

from intake.admin.base import HelplineAdmin
from intake.admin.lists import HeldValuesFilter
from intake.models import Event, EventSeal


@admin.register(Event)
class EventAdmin(HelplineAdmin):
    list_display = ("at", "verb", "actor_kind", "actor", "subject_type", "subject_id", "position")
    list_filter = ("actor_kind", ("verb", HeldValuesFilter))
    allowed_lookups = ("actor_kind", "verb", "actor", "subject_type", "subject_id", "at")
    dated = "at"
    ordering = ("-at", "-id")
    list_select_related = ("actor",)


@admin.register(EventSeal)
class EventSealAdmin(HelplineAdmin):
    list_display = ("position", "head", "sealed_at", "published_at")
    ordering = ("-position",)
