"""Numbers somebody asked online not to be called. What is kept is no number."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from intake.crypto import LoneDigestField
from intake.models.base import Record


class OnlineStop(Record):
    """Whoever held the private link of a request asked that its number not be called.

    Weaker than a block, on purpose: anyone may have typed the number and got the link. Nobody is
    rung for a web request to it until a human has looked at it, and nothing else changes. Like a
    block it knows no person and no callback, and outlives them.
    """

    class Privacy:
        personal: ClassVar[set[str]] = {"number_digest"}
        ordinary: ClassVar[set[str]] = {"id", "key_id", "stopped_at"}

    number_digest = LoneDigestField(
        purpose="stopped.number", normalise="phone", key_field="key_id", unique=True
    )
    key_id = models.CharField(_("index key"), max_length=32, editable=False)
    stopped_at = models.DateTimeField(_("asked"))

    class Meta(Record.Meta):
        verbose_name = _("online stop")
        verbose_name_plural = _("online stops")
        default_permissions = ()
        constraints = (
            models.CheckConstraint(
                condition=models.Q(number_digest__isnull=False), name="online_stop_has_a_number"
            ),
        )
