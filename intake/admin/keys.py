"""Fingerprints of the keys in use, read-only: no key is ever shown."""

from django.contrib import admin

from intake.admin.base import HelplineAdmin
from intake.models import KeyCheck


@admin.register(KeyCheck)
class KeyCheckAdmin(HelplineAdmin):
    list_display = ("__str__",)
