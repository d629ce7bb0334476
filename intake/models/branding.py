"""How this helpline shows itself to the public: its name, number, colors and words, by version."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from intake.models.base import Record, paired, stamped


class Branding(Record):
    """One version. What is left empty comes from the settings, or from the page itself.

    One draft is worked on, one version is published; the others are kept, to be used again.
    ``revision`` counts the changes of a draft. A draft that was given up has no ``published_at``.
    Nothing here is anybody's: it is what the public pages say, and what is left on voicemail.
    """

    class Privacy:
        personal: ClassVar[set[str]] = set()
        ordinary: ClassVar[set[str]] = {
            "id",
            "status",
            "revision",
            "name",
            "number",
            "accent",
            "accent_dark",
            "promise_en",
            "promise_es",
            "voicemail_en",
            "voicemail_es",
            "logo",
            "logo_width",
            "logo_height",
            "begun_at",
            "begun_by",
            "published_at",
            "published_by",
            "retired_at",
        }

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PUBLISHED = "published", _("Published")
        RETIRED = "retired", _("No longer used")

    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT)
    revision = models.PositiveIntegerField(_("changes"), default=0)
    name = models.CharField(_("name"), max_length=60, blank=True)
    # Our own line, printed on every page: not a caller's number, so it is not encrypted.
    number = models.CharField(_("telephone number"), max_length=16, blank=True)
    accent = models.CharField(_("color on light screens"), max_length=7, blank=True)
    accent_dark = models.CharField(_("color on dark screens"), max_length=7, blank=True)
    promise_en = models.CharField(_("opening promise, English"), max_length=240, blank=True)
    promise_es = models.CharField(_("opening promise, Spanish"), max_length=240, blank=True)
    voicemail_en = models.CharField(_("voicemail, English"), max_length=200, blank=True)
    voicemail_es = models.CharField(_("voicemail, Spanish"), max_length=200, blank=True)
    # A PNG of 16 kB at most, written by rules.logos. In the row, so that a backup holds it.
    logo = models.BinaryField(_("logo"), max_length=16 * 1024, null=True, blank=True)
    logo_width = models.PositiveSmallIntegerField(_("width of the logo"), null=True, blank=True)
    logo_height = models.PositiveSmallIntegerField(_("height of the logo"), null=True, blank=True)
    begun_at = models.DateTimeField(_("begun"))
    begun_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("begun by"),
        on_delete=models.PROTECT,
        related_name="+",
    )
    published_at = models.DateTimeField(_("published"), null=True, blank=True)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("published by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    retired_at = models.DateTimeField(_("no longer used since"), null=True, blank=True)

    class Meta(Record.Meta):
        verbose_name = _("branding")
        verbose_name_plural = _("branding")
        default_permissions = ("change", "view")
        permissions = (("publish_branding", "Can publish what the public pages show"),)
        constraints = (
            models.UniqueConstraint(
                fields=["status"], condition=Q(status="draft"), name="branding_one_draft"
            ),
            models.UniqueConstraint(
                fields=["status"], condition=Q(status="published"), name="branding_one_published"
            ),
            paired("branding_published_paired", "published_at", "published_by"),
            paired("branding_logo_paired", "logo", "logo_width", "logo_height"),
            stamped("branding_retired_stamped", ["retired"], field="retired_at"),
            models.CheckConstraint(
                condition=Q(status="retired")
                | Q(status="draft", published_at__isnull=True)
                | Q(status="published", published_at__isnull=False),
                name="branding_published_stamped",
            ),
            models.CheckConstraint(
                condition=Q(accent_dark="") | ~Q(accent=""), name="branding_light_color_first"
            ),
        )

    @property
    def is_draft(self) -> bool:
        return self.status == self.Status.DRAFT

    @property
    def is_published(self) -> bool:
        return self.status == self.Status.PUBLISHED
