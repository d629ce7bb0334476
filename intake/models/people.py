"""The people of a call: who rang, who needs help. Never one row for two of them."""

import zoneinfo
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from intake.crypto import (
    BlindIndexField,
    EncryptedIntegerField,
    EncryptedPhoneField,
    EncryptedTextField,
)
from intake.models.base import Record


def validate_time_zone(name: str) -> None:
    """Raise ``ValidationError`` unless ``name`` is an IANA time zone this machine knows."""
    if name not in zoneinfo.available_timezones():
        raise ValidationError(_("That is not a known time zone."))


class Person(Record):
    """A caller or a person in need, and how they may be reached."""

    class Privacy:
        personal: ClassVar[set[str]] = {
            "alias",
            "name",
            "name_index",
            "phone",
            "phone_index",
            "zip_code",
            "age",
            "approach_note",
        }
        ordinary: ClassVar[set[str]] = {
            "id",
            "state",
            "time_zone",
            "time_zone_source",
            "language",
            "safe_to_call",
            "safe_from",
            "safe_until",
            "voicemail_rule",
            "may_say_who_is_calling",
            "text_ok",
            "do_not_call",
            "created_at",
        }

    class VoicemailRule(models.TextChoices):
        NONE = "none", _("Leave no voicemail")
        NEUTRAL = "neutral", _("Neutral voicemail only")
        FULL = "full", _("Voicemail may say who we are")

    class ZoneSource(models.TextChoices):
        ZIP = "zip", _("ZIP code")
        STATED = "stated", _("Stated by the person")
        STATE = "state", _("State")
        NUMBER = "number", _("Phone number")
        UNKNOWN = "unknown", _("Not known")

    alias = EncryptedTextField(_("preferred name or initials"), max_length=80, blank=True)
    name = EncryptedTextField(_("name"), max_length=200, blank=True)
    name_index = BlindIndexField(source="name", purpose="person.name", normalise="name")
    phone = EncryptedPhoneField(_("phone"), blank=True, null=True)
    phone_index = BlindIndexField(source="phone", purpose="person.phone", normalise="phone")
    zip_code = EncryptedTextField(_("ZIP code"), max_length=10, blank=True)
    age = EncryptedIntegerField(_("age"), blank=True, null=True)
    state = models.CharField(_("state"), max_length=2, blank=True)
    time_zone = models.CharField(
        _("time zone"), max_length=64, blank=True, validators=[validate_time_zone]
    )
    time_zone_source = models.CharField(
        _("time zone taken from"),
        max_length=8,
        choices=ZoneSource,
        default=ZoneSource.UNKNOWN,
    )
    language = models.CharField(_("language"), max_length=8, default="en")
    safe_to_call = models.BooleanField(_("safe to call this number"), default=False)
    safe_from = models.TimeField(_("safe from"), null=True, blank=True)
    safe_until = models.TimeField(_("safe until"), null=True, blank=True)
    voicemail_rule = models.CharField(
        _("voicemail"), max_length=8, choices=VoicemailRule, default=VoicemailRule.NONE
    )
    may_say_who_is_calling = models.BooleanField(_("may say who is calling"), default=False)
    text_ok = models.BooleanField(_("text messages are fine"), default=False)
    do_not_call = models.BooleanField(_("do not call"), default=False)
    approach_note = EncryptedTextField(_("approach note"), max_length=2000, blank=True)
    created_at = models.DateTimeField(_("first recorded"))

    class Meta(Record.Meta):
        verbose_name = _("person")
        verbose_name_plural = _("people")
        permissions = (("search_person", "Can look a caller up by number, name or reference"),)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(safe_from__isnull=True, safe_until__isnull=True)
                | models.Q(safe_from__isnull=False, safe_until__isnull=False),
                name="person_safe_hours_paired",
            ),
        )

    @property
    def spoken_name(self) -> str:
        """What to call them: the alias they chose, else their name, else nothing."""
        return self.alias or self.name
