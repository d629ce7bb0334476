"""Numbers nobody rings again. What is kept is no number."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from intake.crypto import LoneDigestField
from intake.models.base import Record, paired


class BlockedNumber(Record):
    """A number that is not rung again, recognized when it turns up and never to be read.

    It knows no person and no callback, so it outlives them all; it does not expire. A supervisor
    may lift it as the correction of a slip: then nothing is recognized by the row any more.
    """

    class Privacy:
        personal: ClassVar[set[str]] = {"number_digest"}
        ordinary: ClassVar[set[str]] = {
            "id",
            "key_id",
            "reason",
            "blocked_at",
            "user",
            "lifted_at",
            "lifted_by",
            "lifted_because",
        }

    class Reason(models.TextChoices):
        WRONG_NUMBER = "wrong_number", _("Wrong number")
        DECLINED = "declined", _("Does not want a call")
        ASKED = "asked", _("Asked on a call never to be called again")
        ASKED_BY_TEXT = "asked_by_text", _("Asked by text never to be called again")

    class Slip(models.TextChoices):
        """Why a block was no block. A change of mind is none of these: it is for good."""

        WRONG_BUTTON = "wrong_button", _("The wrong button was pressed")
        WRONG_CALLBACK = "wrong_callback", _("It was meant for another callback")
        MISUNDERSTOOD = "misunderstood", _("They were misunderstood")

    number_digest = LoneDigestField(
        purpose="blocked.number", normalise="phone", key_field="key_id", unique=True
    )
    key_id = models.CharField(_("index key"), max_length=32, editable=False)
    reason = models.CharField(_("reason"), max_length=16, choices=Reason)
    blocked_at = models.DateTimeField(_("blocked"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("recorded by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("Nobody means that they said so by text."),
    )
    lifted_at = models.DateTimeField(_("lifted"), null=True, blank=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("lifted by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    lifted_because = models.CharField(
        _("lifted because"), max_length=16, choices=Slip, blank=True, default=""
    )

    class Meta(Record.Meta):
        verbose_name = _("blocked number")
        verbose_name_plural = _("blocked numbers")
        default_permissions = ("view",)
        permissions = (("lift_blockednumber", "Can lift a block that was a slip"),)
        constraints = (
            paired("blocked_number_lifted_paired", "lifted_at", "lifted_by"),
            models.CheckConstraint(
                condition=Q(lifted_at__isnull=True, number_digest__isnull=False, lifted_because="")
                | Q(lifted_at__isnull=False, number_digest__isnull=True) & ~Q(lifted_because=""),
                name="blocked_number_holds_until_lifted",
            ),
        )
        indexes = (
            # The list of blocks and its days.
            models.Index(fields=["blocked_at", "id"], name="blocked_number_list"),
        )

    @property
    def is_lifted(self) -> bool:
        return self.lifted_at is not None
