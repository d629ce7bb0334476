"""One shift tells the next what is still under way, and each of the next says: I have read it."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from intake.crypto import EncryptedJSONField, EncryptedTextField
from intake.models.base import Record


class HandOver(Record):
    """What was under way when it was written: a digest that stays as it was, and a note."""

    class Privacy:
        # The digest says how badly off somebody was: health data, though it names nobody.
        personal: ClassVar[set[str]] = {"note", "digest"}
        ordinary: ClassVar[set[str]] = {"id", "written_at", "written_by", "covers_until"}

    note = EncryptedTextField(_("note"), max_length=4000, blank=True)
    # Ids, references, levels and times only; see ``actions.shift_digest``.
    digest = EncryptedJSONField(_("digest"), default=dict)
    written_at = models.DateTimeField(_("written"))
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("written by"),
        on_delete=models.PROTECT,
        related_name="hand_overs",
    )
    # The end of the shift it was written for: callbacks due until then stand in the digest.
    covers_until = models.DateTimeField(_("covers until"))

    class Meta(Record.Meta):
        verbose_name = _("hand-over")
        verbose_name_plural = _("hand-overs")
        default_permissions = ("add", "view")
        constraints = (
            models.CheckConstraint(
                condition=models.Q(covers_until__gt=models.F("written_at")),
                name="hand_over_looks_ahead",
            ),
        )
        indexes = (
            # The desk: the hand-overs of the last day; their list, newest first.
            models.Index(fields=["written_at", "id"], name="hand_over_written"),
        )


class HandOverAcknowledgement(Record):
    """One person has read one hand-over. Rows are only ever added."""

    class Privacy:
        personal: ClassVar[set[str]] = set()
        ordinary: ClassVar[set[str]] = {"id", "hand_over", "acknowledged_at", "acknowledged_by"}

    hand_over = models.ForeignKey(
        HandOver,
        verbose_name=_("hand-over"),
        on_delete=models.PROTECT,
        related_name="acknowledgements",
    )
    acknowledged_at = models.DateTimeField(_("acknowledged"))
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("acknowledged by"),
        on_delete=models.PROTECT,
        related_name="+",
    )

    class Meta(Record.Meta):
        verbose_name = _("hand-over acknowledgement")
        verbose_name_plural = _("hand-over acknowledgements")
        default_permissions = ("add", "view")
        constraints = (
            models.UniqueConstraint(
                fields=["hand_over", "acknowledged_by"], name="hand_over_acknowledged_once"
            ),
        )
