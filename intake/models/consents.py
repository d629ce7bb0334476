"""What a person agreed may be told to whom, and the accounting of what was told."""

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from intake.crypto import EncryptedTextField
from intake.models.base import Record, paired
from intake.models.people import Person


class ConsentQuerySet(models.QuerySet["Consent"]):
    def live(self, now: datetime) -> "ConsentQuerySet":
        """Given, not revoked, not expired at ``now``."""
        return self.filter(revoked_at__isnull=True, recorded_at__lte=now).filter(
            Q(expires_at__isnull=True) | Q(expires_at__gt=now)
        )


class Consent(Record):
    """The elements of 42 CFR 2.31(a): who, what, to whom, why, until when, how to revoke."""

    class Privacy:
        personal: ClassVar[set[str]] = {"information", "recipient"}
        ordinary: ClassVar[set[str]] = {
            "id",
            "person",
            "scope",
            "given_how",
            "wording_version",
            "recorded_at",
            "recorded_by",
            "expires_at",
            "revoked_at",
            "revoked_by",
        }

    class Scope(models.TextChoices):
        HEALTH_PLAN = "health_plan", _("Ask the health plan about benefits")
        FACILITIES = "facilities", _("Tell treatment facilities what they need to decide")

    class GivenHow(models.TextChoices):
        VERBAL = "verbal", _("Said yes on the phone after the text was read")
        WRITTEN = "written", _("Signed on paper")
        ELECTRONIC = "electronic", _("Signed electronically")

    person = models.ForeignKey(
        Person, verbose_name=_("person"), on_delete=models.PROTECT, related_name="consents"
    )
    scope = models.CharField(_("scope"), max_length=12, choices=Scope)
    information = EncryptedTextField(_("information that may be told"), max_length=1000)
    recipient = EncryptedTextField(_("who may be told"), max_length=500)
    given_how = models.CharField(_("how given"), max_length=12, choices=GivenHow)
    wording_version = models.CharField(_("wording"), max_length=20)
    recorded_at = models.DateTimeField(_("recorded"))
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("recorded by"),
        on_delete=models.PROTECT,
        related_name="+",
    )
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("revoked by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )

    objects = ConsentQuerySet.as_manager()

    class Meta(Record.Meta):
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        constraints = (paired("consent_revoked_paired", "revoked_at", "revoked_by"),)


class Disclosure(Record):
    """One telling to one recipient: the accounting of 42 CFR 2.25. Rows are only ever added."""

    class Privacy:
        personal: ClassVar[set[str]] = {"recipient"}
        ordinary: ClassVar[set[str]] = {
            "id",
            "person",
            "consent",
            "purpose",
            "fields_told",
            "notice_version",
            "disclosed_at",
            "disclosed_by",
        }

    class Purpose(models.TextChoices):
        INSURANCE_CHECK = "insurance_check", _("Insurance check")
        REFERRAL = "referral", _("Referral")

    person = models.ForeignKey(
        Person, verbose_name=_("person"), on_delete=models.PROTECT, related_name="disclosures"
    )
    consent = models.ForeignKey(
        Consent, verbose_name=_("consent"), on_delete=models.PROTECT, related_name="disclosures"
    )
    purpose = models.CharField(_("purpose"), max_length=16, choices=Purpose)
    recipient = EncryptedTextField(_("recipient"), max_length=300)
    fields_told = models.JSONField(_("fields told"), default=list)
    notice_version = models.CharField(_("notice"), max_length=20)
    disclosed_at = models.DateTimeField(_("disclosed"))
    disclosed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("disclosed by"),
        on_delete=models.PROTECT,
        related_name="+",
    )

    class Meta(Record.Meta):
        verbose_name = _("disclosure")
        verbose_name_plural = _("disclosures")
