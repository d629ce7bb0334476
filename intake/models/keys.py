"""Which keys this database was written with, so that a wrong key ring is found at start."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from intake.models.base import Record


class KeyCheck(Record):
    """The fingerprint of one key: an HMAC made with it, from which it cannot be guessed.

    Written by `intake.crypto.checks.verify_keyring` when a key is first seen. `rotate_keys --retire`
    stamps `retired_at` once no row needs the key; from then on the key ring may lack it.
    """

    class Privacy:
        personal: ClassVar[set[str]] = set()
        ordinary: ClassVar[set[str]] = {
            "id",
            "purpose",
            "key_id",
            "fingerprint",
            "first_seen_at",
            "retired_at",
        }

    class Purpose(models.TextChoices):
        ENCRYPTION = "encryption", _("Encrypted columns")
        INDEX = "index", _("Blind indexes")
        AUDIT = "audit", _("Event log")

    purpose = models.CharField(_("purpose"), max_length=10, choices=Purpose)
    key_id = models.CharField(_("key"), max_length=32)
    fingerprint = models.CharField(_("fingerprint"), max_length=64)
    first_seen_at = models.DateTimeField(_("first seen"))
    retired_at = models.DateTimeField(_("retired"), null=True, blank=True)

    class Meta(Record.Meta):
        verbose_name = _("key check")
        verbose_name_plural = _("key checks")
        constraints = (
            models.UniqueConstraint(fields=["purpose", "key_id"], name="key_check_once_per_key"),
        )
