"""The audit: rows that are only ever added, each with a keyed MAC, sealed into one chain."""

import json
from datetime import UTC
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from intake.crypto import EncryptedJSONField, mac, verify_mac
from intake.models.base import Record

# The same content is the same bytes, or no MAC would hold.
_in_one_form = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode


class Event(Record):
    """Who did what to which record, and when. Holds codes and ids, never a personal value.

    ``position`` and ``link`` are null until the sealer chains the row; database triggers
    refuse every other change and every deletion.
    """

    class Privacy:
        personal: ClassVar[set[str]] = set()
        ordinary: ClassVar[set[str]] = {
            "id",
            "at",
            "actor_kind",
            "actor",
            "verb",
            "subject_type",
            "subject_id",
            "detail",
            "mac",
            "position",
            "link",
        }

    class ActorKind(models.TextChoices):
        USER = "user", _("Staff")
        SYSTEM = "system", _("System")
        PUBLIC = "public", _("Public form")

    at = models.DateTimeField(_("at"))
    actor_kind = models.CharField(_("actor"), max_length=8, choices=ActorKind)
    # No database constraint: an event outlives whoever caused it and blocks nothing.
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("staff member"),
        null=True,
        blank=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    verb = models.CharField(_("verb"), max_length=60)
    subject_type = models.CharField(_("kind of record"), max_length=40, blank=True)
    subject_id = models.CharField(_("record"), max_length=36, blank=True)
    detail = models.JSONField(_("detail"), default=dict, blank=True)
    mac = models.CharField(_("MAC"), max_length=64)
    position = models.BigIntegerField(_("position"), null=True, blank=True, unique=True)
    link = models.CharField(_("link"), max_length=64, blank=True)

    class Meta(Record.Meta):
        verbose_name = _("event")
        verbose_name_plural = _("events")
        default_permissions = ("view",)
        indexes = (
            # The sealer: rows not yet chained.
            models.Index(fields=["id"], condition=Q(position__isnull=True), name="event_unsealed"),
            # The history of one record.
            models.Index(fields=["subject_type", "subject_id", "at"], name="event_subject"),
            # The privacy officer: what one person did; what happened when, newest first; one verb.
            models.Index(
                fields=["actor", "at"], condition=Q(actor__isnull=False), name="event_actor"
            ),
            models.Index(fields=["at", "id"], name="event_at"),
            models.Index(fields=["verb", "at", "id"], name="event_verb"),
            # What the public form and the system did, among the millions of what staff did.
            models.Index(
                fields=["at", "id"], condition=Q(actor_kind="system"), name="event_by_system"
            ),
            models.Index(
                fields=["at", "id"], condition=Q(actor_kind="public"), name="event_by_public"
            ),
        )

    def content(self) -> bytes:
        """The bytes the MAC covers: everything but the MAC, the position and the link."""
        return _in_one_form(
            [
                str(self.id),
                self.at.astimezone(UTC).isoformat(timespec="microseconds"),
                self.actor_kind,
                self.actor_id,
                self.verb,
                self.subject_type,
                self.subject_id,
                self.detail,
            ]
        ).encode()

    def computed_mac(self) -> str:
        return mac("event", self.content()).hex()

    def computed_link(self, previous: str, position: int) -> str:
        """The chain value after this row, given the one before it."""
        return mac("event.link", self._link_content(previous, position)).hex()

    def has_true_mac(self) -> bool:
        """Whether the content is what some audit key of ours once signed."""
        return _is_signed("event", self.content(), self.mac)

    def has_true_link(self, previous: str, position: int) -> bool:
        """Whether the row stands where the sealer put it, after the row that ended so."""
        return _is_signed("event.link", self._link_content(previous, position), self.link)

    def _link_content(self, previous: str, position: int) -> bytes:
        return f"{previous}|{position}|{self.mac}".encode()


def _is_signed(purpose: str, content: bytes, signature: str) -> bool:
    try:
        return verify_mac(purpose, content, bytes.fromhex(signature))
    except ValueError:
        return False


class EventSeal(Record):
    """The head of the chain after one batch; the newest is published outside the database."""

    class Privacy:
        personal: ClassVar[set[str]] = set()
        ordinary: ClassVar[set[str]] = {"id", "position", "head", "sealed_at", "published_at"}

    position = models.BigIntegerField(_("position"), unique=True)
    head = models.CharField(_("head"), max_length=64)
    sealed_at = models.DateTimeField(_("sealed"))
    published_at = models.DateTimeField(_("published"), null=True, blank=True)

    class Meta(Record.Meta):
        verbose_name = _("event seal")
        verbose_name_plural = _("event seals")
        default_permissions = ("view",)


class StaffSearch(Record):
    """The terms of one staff search, kept here so that no URL has to carry them."""

    class Privacy:
        personal: ClassVar[set[str]] = {"terms"}
        ordinary: ClassVar[set[str]] = {"id", "target", "made_at", "made_by"}

    target = models.CharField(_("searched"), max_length=40)
    terms = EncryptedJSONField(_("terms"), default=dict)
    made_at = models.DateTimeField(_("made"))
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("made by"),
        on_delete=models.CASCADE,
        related_name="+",
    )

    class Meta(Record.Meta):
        verbose_name = _("staff search")
        verbose_name_plural = _("staff searches")
        default_permissions = ()
        indexes = (
            # The sweep that forgets old searches.
            models.Index(fields=["made_at"], name="staff_search_made"),
        )
