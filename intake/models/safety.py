"""The safety screen: what was asked, what the rules found, what was done about it."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from intake.crypto import EncryptedJSONField, EncryptedTextField
from intake.models.base import Record, paired
from intake.models.calls import Call
from intake.rules.findings import Assessment


class SafetyScreen(Record):
    """One evaluation of one call. A new evaluation adds a row; the newest is the current one."""

    class Privacy:
        personal: ClassVar[set[str]] = {
            "answers",
            "exposures",
            "assessment",
            "skipped_reason",
            "override_reason",
        }
        # The level stays readable because the desk and the reports query it.
        ordinary: ClassVar[set[str]] = {
            "id",
            "call",
            "rule_set_version",
            "level",
            "is_current",
            "is_skipped",
            "screened_at",
            "screened_by",
            "action_taken",
            "acted_at",
            "acted_by",
            "override_level",
            "overridden_at",
            "overridden_by",
        }

    class Level(models.TextChoices):
        EMERGENCY = "emergency", _("Emergency")
        URGENT = "urgent", _("Urgent")
        HIGH = "high", _("High")
        MODERATE = "moderate", _("Moderate")
        LOW_BUT_POSSIBLE = "low_but_possible", _("Low, but possible")
        UNKNOWN = "unknown", _("Unknown")

    class Action(models.TextChoices):
        CALLED_911 = "called_911", _("911 called or being called")
        TRANSFER_988 = "transfer_988", _("Warm transfer to 988")
        POISON_HELP = "poison_help", _("Poison Help on the line")
        EMERGENCY_DEPARTMENT = "emergency_department", _("Going to an emergency department")
        NURSE = "nurse", _("Handed to a nurse or clinician")
        ADVICE_GIVEN = "advice_given", _("Advice read to the caller")
        CALLER_REFUSED = "caller_refused", _("Caller refused; supervisor told")

    call = models.ForeignKey(
        Call, verbose_name=_("call"), on_delete=models.PROTECT, related_name="screens"
    )
    answers = EncryptedJSONField(_("answers"), default=dict)
    exposures = EncryptedJSONField(_("substances as screened"), default=list)
    # Level, route, placement and findings as the rules gave them, under their own version.
    assessment = EncryptedJSONField(_("assessment"), default=dict)
    rule_set_version = models.CharField(_("rule set"), max_length=20)
    level = models.CharField(_("level"), max_length=20, choices=Level)
    is_current = models.BooleanField(_("current"), default=True)
    is_skipped = models.BooleanField(_("skipped"), default=False)
    skipped_reason = EncryptedTextField(_("why skipped"), max_length=500, blank=True)
    screened_at = models.DateTimeField(_("screened"))
    screened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("screened by"),
        on_delete=models.PROTECT,
        related_name="+",
    )
    action_taken = models.CharField(_("action taken"), max_length=24, choices=Action, blank=True)
    acted_at = models.DateTimeField(_("acted"), null=True, blank=True)
    acted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("acted by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    override_level = models.CharField(
        _("level set by staff"), max_length=20, choices=Level, blank=True
    )
    override_reason = EncryptedTextField(_("why overridden"), max_length=500, blank=True)
    overridden_at = models.DateTimeField(_("overridden"), null=True, blank=True)
    overridden_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("overridden by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )

    class Meta(Record.Meta):
        verbose_name = _("safety screen")
        verbose_name_plural = _("safety screens")
        constraints = (
            models.UniqueConstraint(
                fields=["call"], condition=Q(is_current=True), name="screen_one_current_per_call"
            ),
            paired("screen_acted_paired", "acted_at", "acted_by"),
            paired("screen_overridden_paired", "overridden_at", "overridden_by"),
            models.CheckConstraint(
                condition=Q(action_taken="", acted_at__isnull=True)
                | (~Q(action_taken="") & Q(acted_at__isnull=False)),
                name="screen_action_iff_acted",
            ),
            models.CheckConstraint(
                condition=Q(override_level="", overridden_at__isnull=True)
                | (~Q(override_level="") & Q(overridden_at__isnull=False)),
                name="screen_level_iff_overridden",
            ),
        )
        indexes = (
            # A supervisor's desk: what was skipped or judged otherwise since yesterday.
            models.Index(
                fields=["screened_at"], condition=Q(is_skipped=True), name="screen_skipped"
            ),
            models.Index(
                fields=["overridden_at"],
                condition=Q(overridden_at__isnull=False),
                name="screen_overridden",
            ),
        )

    @property
    def result(self) -> Assessment | None:
        """What the rules found; None when the screen was skipped."""
        return Assessment.from_dict(self.assessment) if self.assessment else None

    @property
    def effective_level(self) -> str:
        """The level that holds: what staff set with a reason, else what the rules found."""
        return self.override_level or self.level

    @property
    def waits_for_action(self) -> bool:
        """A red flag was found and nobody has yet recorded what was done about it."""
        if self.action_taken:
            return False
        found = self.result
        has_red_flag = found is not None and bool(found.red_flags)
        return has_red_flag or self.effective_level == self.Level.EMERGENCY
