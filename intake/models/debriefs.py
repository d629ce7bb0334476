"""After a hard call somebody asks to talk it over, and a supervisor does."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from intake.crypto import EncryptedTextField
from intake.models.base import Record, paired
from intake.models.calls import Call


class Debrief(Record):
    """One call that stayed with whoever took it; waiting until a supervisor has held it."""

    class Privacy:
        # About a member of staff rather than a caller, and no less private.
        personal: ClassVar[set[str]] = {"note"}
        ordinary: ClassVar[set[str]] = {
            "id",
            "call",
            "asked_at",
            "asked_by",
            "held_at",
            "held_by",
        }

    call = models.OneToOneField(
        Call, verbose_name=_("call"), on_delete=models.PROTECT, related_name="debrief"
    )
    asked_at = models.DateTimeField(_("asked for"))
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("asked for by"),
        on_delete=models.PROTECT,
        related_name="+",
    )
    held_at = models.DateTimeField(_("held"), null=True, blank=True)
    held_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("held by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    note = EncryptedTextField(_("note"), max_length=4000, blank=True)

    class Meta(Record.Meta):
        verbose_name = _("debrief")
        verbose_name_plural = _("debriefs")
        constraints = (paired("debrief_held_paired", "held_at", "held_by"),)
        indexes = (
            # A supervisor's desk: those still to be held.
            models.Index(
                fields=["asked_at"], condition=Q(held_at__isnull=True), name="debrief_waiting"
            ),
            # The list, newest first, and the count a worker.
            models.Index(fields=["asked_at", "id"], name="debrief_list"),
        )

    @property
    def is_held(self) -> bool:
        return self.held_at is not None
