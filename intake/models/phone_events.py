"""What a phone system told us: that somebody rang in vain, spoke to a machine, or wrote a text."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from intake.models.base import Record, paired
from intake.models.callbacks import Callback


class PhoneEventQuerySet(models.QuerySet["PhoneEvent"]):
    def to_decide(self) -> "PhoneEventQuerySet":
        """What nobody has looked at yet, the longest waiting first."""
        waiting = self.filter(result__in=PhoneEvent.TO_DECIDE, looked_at=None)
        return waiting.order_by("received_at", "id")


class PhoneEvent(Record):
    """One event, and what came of it. Holds no number and no word of a text.

    The sender's own id is kept as a keyed digest: some phone systems write the number into it.
    """

    class Privacy:
        personal: ClassVar[set[str]] = set()
        ordinary: ClassVar[set[str]] = {
            "id",
            "event_digest",
            "kind",
            "occurred_at",
            "received_at",
            "result",
            "callback",
            "looked_at",
            "looked_by",
        }

    class Kind(models.TextChoices):
        MISSED_CALL = "missed_call", _("Missed call")
        VOICEMAIL = "voicemail", _("Voicemail")
        TEXT_RECEIVED = "text_received", _("Text received")
        OTHER = "other", _("Something else")

    class Result(models.TextChoices):
        OPENED = "opened", _("A callback was opened")
        ALREADY_OPEN = "already_open", _("There was an open callback")
        ALREADY_TALKED = "already_talked", _("Somebody talked with them since")
        BLOCKED = "blocked", _("The number is not to be called")
        NOT_DIALABLE = "not_dialable", _("Not a number we may call")
        NUMBER_WITHHELD = "number_withheld", _("The number was withheld")
        TEXTS_STOPPED = "texts_stopped", _("They want no texts; stopped")
        WANTS_NO_CALLS = "wants_no_calls", _("They wrote that they want no calls: decide")
        TEXTS_AGAIN = "texts_again", _("They may be asked about texts again")
        TEXT_TO_READ = "text_to_read", _("A text to be read in the phone system")
        IGNORED = "ignored", _("Nothing we act on")

    # What a person has to look at: the program decides nothing of it.
    TO_DECIDE: ClassVar[tuple[str, ...]] = (Result.WANTS_NO_CALLS, Result.TEXT_TO_READ)

    # HMAC-SHA256 of the sender's id, in hex: the second copy of an event finds the first.
    event_digest = models.CharField(
        _("digest of the event"), max_length=64, unique=True, editable=False
    )
    kind = models.CharField(_("kind"), max_length=14, choices=Kind)
    occurred_at = models.DateTimeField(_("happened"))
    received_at = models.DateTimeField(_("received"))
    result = models.CharField(_("what came of it"), max_length=16, choices=Result)
    callback = models.ForeignKey(
        Callback,
        verbose_name=_("callback"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="phone_events",
    )
    looked_at = models.DateTimeField(_("looked at"), null=True, blank=True)
    looked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("looked at by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )

    objects = PhoneEventQuerySet.as_manager()

    class Meta(Record.Meta):
        verbose_name = _("phone event")
        verbose_name_plural = _("phone events")
        default_permissions = ("view", "change")
        constraints = (
            paired("phone_event_looked_paired", "looked_at", "looked_by"),
            models.CheckConstraint(
                condition=~Q(result__in=["opened", "already_open"]) | Q(callback__isnull=False),
                name="phone_event_names_its_callback",
            ),
        )
        indexes = (
            # The list of a supervisor and its days.
            models.Index(fields=["received_at", "id"], name="phone_event_list"),
            # The desk of a supervisor: what nobody has looked at, the longest waiting first.
            models.Index(
                fields=["received_at", "id"],
                condition=Q(result__in=["text_to_read", "wants_no_calls"], looked_at__isnull=True),
                name="phone_event_to_decide",
            ),
        )

    @property
    def waits_for_somebody(self) -> bool:
        """Whether a person still has to look at it."""
        return self.result in self.TO_DECIDE and self.looked_at is None
