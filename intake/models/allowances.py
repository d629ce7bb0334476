"""How much the public form took from one place lately: enough to stop a flood, no diary."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from intake.crypto import LoneDigestField
from intake.models.base import Record


class Allowance(Record):
    """What one source address has used of its share within five minutes.

    The address itself is stored nowhere. The row is deleted as soon as it counts no more, an hour
    and a little later.
    """

    class Privacy:
        personal: ClassVar[set[str]] = {"address_digest"}
        ordinary: ClassVar[set[str]] = {"id", "key_id", "began_at", "used"}

    address_digest = LoneDigestField(
        purpose="form.address", normalise="identifier", key_field="key_id"
    )
    key_id = models.CharField(_("index key"), max_length=32, editable=False)
    began_at = models.DateTimeField(_("five minutes from"))
    used = models.PositiveIntegerField(_("used"), default=1)

    class Meta(Record.Meta):
        verbose_name = _("allowance")
        verbose_name_plural = _("allowances")
        # Nobody browses who asked from where.
        default_permissions: ClassVar[tuple[str, ...]] = ()
        constraints = (
            models.UniqueConstraint(fields=["address_digest", "began_at"], name="allowance_once"),
        )
        indexes = (
            # The sweep that deletes what counts no more.
            models.Index(fields=["began_at"], name="allowance_age"),
        )
