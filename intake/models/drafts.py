"""What somebody is typing: the call sheet as it stands in the browser, kept until it is saved."""

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _

from intake.crypto import EncryptedJSONField
from intake.models.base import Record
from intake.models.calls import Call


class SheetDraftQuerySet(models.QuerySet["SheetDraft"]):
    def unsaved_of(self, user: User) -> "SheetDraftQuerySet":
        """What ``user`` typed about calls that were never saved, newest first."""
        saved = Call.objects.filter(pk=OuterRef("call_key"))
        return self.filter(~Exists(saved), typed_by=user).order_by("-typed_at", "-id")


class SheetDraft(Record):
    """One person's typing on one call's sheet, valid or not; saving the sheet deletes it."""

    class Privacy:
        personal: ClassVar[set[str]] = {"typed"}
        ordinary: ClassVar[set[str]] = {"id", "call_key", "typed_by", "version", "typed_at"}

    # Of a call that may not be saved yet, so no foreign key.
    call_key = models.UUIDField(_("id of the call"))
    typed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("typed by"),
        on_delete=models.PROTECT,
        related_name="+",
    )
    # How often the sheet had been saved when this was typed on it.
    version = models.PositiveIntegerField(_("version"), default=0)
    # The fields as they were posted: pairs of name and value, unchecked.
    typed = EncryptedJSONField(_("typed"), default=list)
    typed_at = models.DateTimeField(_("typed"))

    objects = SheetDraftQuerySet.as_manager()

    class Meta(Record.Meta):
        verbose_name = _("sheet draft")
        verbose_name_plural = _("sheet drafts")
        # Whoever may fill in a sheet has drafts of their own; nobody sees another's.
        default_permissions: ClassVar[tuple[str, ...]] = ()
        constraints = (
            models.UniqueConstraint(fields=["call_key", "typed_by"], name="draft_one_each"),
        )
        indexes = (
            # The desk and "Log a call": what this user typed and never saved, newest first.
            models.Index(fields=["typed_by", "-typed_at"], name="draft_newest"),
        )
