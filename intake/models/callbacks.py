"""The promise: we will ring this person at that time."""

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from intake.crypto import EncryptedTextField
from intake.models import callback_codes
from intake.models.base import Record, new_reference, of_the_few, paired, stamped
from intake.models.blocks import BlockedNumber
from intake.models.calls import Call
from intake.models.people import Person, validate_time_zone
from intake.rules import dialing


def callback_reference() -> str:
    return new_reference("B")


# When a promise is broken unless somebody has tried: the end of its window, else its due time.
DEADLINE = Coalesce("first_deadline_at", "window_ends_at", "due_at")


class Callback(Record):
    """A promised call. The row is the promise; nothing else has to survive for it to be kept."""

    class Privacy:
        personal: ClassVar[set[str]] = {"reason"}
        ordinary: ClassVar[set[str]] = {
            "id",
            "reference",
            "person",
            "call",
            "source",
            "who_for",
            "due_at",
            "window_ends_at",
            "time_zone",
            "urgency",
            "in_danger",
            "asked_outside_hours",
            "owner",
            "plan",
            "status",
            "held_because",
            "turned_down_because",
            "requested_at",
            "claimed_at",
            "claimed_by",
            "number_shown_at",
            "identity_confirmed_at",
            "closed_by_block",
            "first_attempt_at",
            "first_deadline_at",
            "closed_at",
            "request_token",
        }

    Source = callback_codes.Source
    WhoFor = callback_codes.WhoFor
    Urgency = callback_codes.Urgency
    Status = callback_codes.Status
    HeldBecause = callback_codes.HeldBecause
    TurnedDownBecause = callback_codes.TurnedDownBecause
    HandOverReason = callback_codes.HandOverReason

    reference = models.CharField(
        _("reference"), max_length=12, unique=True, default=callback_reference, editable=False
    )
    person = models.ForeignKey(
        Person, verbose_name=_("person"), on_delete=models.PROTECT, related_name="callbacks"
    )
    call = models.ForeignKey(
        Call,
        verbose_name=_("call"),
        db_index=False,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="callbacks",
    )
    source = models.CharField(_("source"), max_length=8, choices=Source)
    who_for = models.CharField(_("who it is for"), max_length=8, choices=WhoFor, default=WhoFor.ME)
    reason = EncryptedTextField(_("what it is about"), max_length=1000, blank=True)
    due_at = models.DateTimeField(_("due"))
    window_ends_at = models.DateTimeField(_("window ends"), null=True, blank=True)
    time_zone = models.CharField(
        _("person's time zone"), max_length=64, validators=[validate_time_zone]
    )
    urgency = models.CharField(_("urgency"), max_length=8, choices=Urgency, default=Urgency.ROUTINE)
    in_danger = models.BooleanField(_("said: in danger right now"), default=False)
    asked_outside_hours = models.BooleanField(
        _("asked for a time outside calling hours"), default=False
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("owner"),
        db_index=False,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="callbacks_owned",
        help_text=_("Nobody means the pool: whoever is free."),
    )
    # Counts how often the promise was moved; reminders of an older plan are void.
    plan = models.PositiveIntegerField(_("plan"), default=1)
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.OPEN)
    # On a received one: what it is to be held for anyway. Afterwards it stays as the record of why.
    held_because = models.CharField(
        _("held because"), max_length=8, choices=HeldBecause, blank=True, default="", editable=False
    )
    # Set for good by whoever looked at it and let nobody ring: it was never a promise.
    turned_down_because = models.CharField(
        _("turned down because"),
        max_length=12,
        choices=TurnedDownBecause,
        blank=True,
        default="",
        editable=False,
    )
    requested_at = models.DateTimeField(_("promised"))
    claimed_at = models.DateTimeField(_("claimed"), null=True, blank=True)
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("claimed by"),
        db_index=False,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="callbacks_claimed",
    )
    # Where the call stands (rules.dialing): the steps are taken by whoever has claimed it, and end
    # with the claim.
    number_shown_at = models.DateTimeField(_("number shown"), null=True, blank=True, editable=False)
    identity_confirmed_at = models.DateTimeField(
        _("identity confirmed"), null=True, blank=True, editable=False
    )
    # What a block ended in passing is promised anew if the block turns out to be a slip.
    closed_by_block = models.ForeignKey(
        BlockedNumber,
        verbose_name=_("ended by the block of its number"),
        db_index=False,
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="ended_callbacks",
    )
    first_attempt_at = models.DateTimeField(_("first attempt"), null=True, blank=True)
    # The deadline the first attempt had to meet: kept when the promise moves on afterwards, or is
    # moved once it was already broken, so that moving it can never mend the record.
    first_deadline_at = models.DateTimeField(
        _("first deadline"), null=True, blank=True, editable=False
    )
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    # Digest of the form's one-time token: a second press of the button finds the first row.
    request_token = models.CharField(
        _("request token"), max_length=64, null=True, blank=True, unique=True, editable=False
    )

    class Meta(Record.Meta):
        verbose_name = _("callback")
        verbose_name_plural = _("callbacks")
        permissions = (("review_callback", "Can let a held request through or turn it down"),)
        constraints = (
            models.UniqueConstraint(
                fields=["call"], condition=Q(status="open"), name="callback_one_open_per_call"
            ),
            stamped(
                "callback_closed_at_iff_closed",
                ["reached", "exhausted", "declined", "wrong_number", "cancelled"],
                field="closed_at",
            ),
            paired("callback_claimed_paired", "claimed_at", "claimed_by"),
            models.CheckConstraint(
                condition=~Q(status="held") | ~Q(held_because=""),
                name="callback_held_says_why",
            ),
            models.CheckConstraint(
                condition=Q(turned_down_because="") | Q(status="cancelled"),
                name="callback_turned_down_is_cancelled",
            ),
            # No step without the one before, and none at all on a callback that has ended.
            models.CheckConstraint(
                condition=Q(claimed_at__isnull=True) | Q(status="open"),
                name="callback_claimed_while_open",
            ),
            models.CheckConstraint(
                condition=Q(number_shown_at__isnull=True) | Q(claimed_at__isnull=False),
                name="callback_shown_to_who_claimed",
            ),
            models.CheckConstraint(
                condition=Q(identity_confirmed_at__isnull=True) | Q(number_shown_at__isnull=False),
                name="callback_confirmed_after_shown",
            ),
            models.CheckConstraint(
                condition=Q(closed_by_block__isnull=True) | Q(closed_at__isnull=False),
                name="callback_ended_by_block_is_closed",
            ),
            models.CheckConstraint(
                condition=Q(window_ends_at__isnull=True) | Q(window_ends_at__gt=models.F("due_at")),
                name="callback_window_ends_after_due",
            ),
            models.CheckConstraint(
                condition=Q(first_attempt_at__isnull=True) | Q(first_deadline_at__isnull=False),
                name="callback_attempt_had_a_deadline",
            ),
        )
        indexes = (
            # The list of promises and its days, the last due first; then by each of its filters.
            models.Index(fields=["due_at", "id"], name="callback_list"),
            models.Index(fields=["status", "due_at", "id"], name="callback_by_status"),
            models.Index(fields=["urgency", "due_at", "id"], name="callback_by_urgency"),
            models.Index(fields=["source", "due_at", "id"], name="callback_by_source"),
            # The report of kept, late and missed promises; its expression is theirs.
            models.Index(DEADLINE, name="callback_deadline"),
            # The desk of a supervisor: what is due, in order.
            models.Index(fields=["due_at", "id"], condition=Q(status="open"), name="callback_due"),
            # The desk of one agent: their own, and the pool's, in order. That SQLite prefers it to
            # callback_by_status takes the status as a column, though it is the same in each row.
            models.Index(
                fields=["status", "owner", "due_at", "id"],
                condition=Q(status="open"),
                name="callback_owner_due",
            ),
            # The desk: urgent ones, which go before those that are merely later.
            models.Index(
                fields=["status", "urgency", "due_at", "id"],
                condition=Q(status="open"),
                name="callback_urgent_due",
            ),
            # The desk: those somebody is ringing right now.
            models.Index(
                fields=["claimed_at"],
                condition=Q(claimed_at__isnull=False),
                name="callback_claimed",
            ),
            # What each hangs on, without the many that hang on none: every row a stranger asks for
            # would be written into each of these.
            *of_the_few("callback", "call", "owner", "claimed_by", "closed_by_block"),
            # The cap at a number: those shown whose try is not recorded yet.
            models.Index(
                fields=["person"],
                condition=Q(number_shown_at__isnull=False),
                name="callback_number_shown",
            ),
            # Admission, and the review of what it holds: those in danger first, then by age.
            models.Index(
                fields=["status", "-in_danger", "id"],
                condition=Q(status="received"),
                name="callback_received",
            ),
            models.Index(
                fields=["status", "-in_danger", "id"],
                condition=Q(status="held"),
                name="callback_held",
            ),
            # The ceiling: what the public form took in the last hour.
            models.Index(
                fields=["requested_at", "id"],
                condition=Q(source="web"),
                name="callback_asked_online",
            ),
            # A supervisor's desk: people never reached, since yesterday.
            models.Index(
                fields=["closed_at"], condition=Q(status="exhausted"), name="callback_exhausted"
            ),
        )

    @property
    def is_open(self) -> bool:
        return self.status == self.Status.OPEN

    @property
    def is_pending(self) -> bool:
        """Not ended, though perhaps nobody may ring yet."""
        return self.status in callback_codes.PENDING

    @property
    def step(self) -> dialing.Step:
        """Where whoever claimed it stands."""
        if self.identity_confirmed_at is not None:
            return dialing.Step.TALKING
        if self.number_shown_at is not None:
            return dialing.Step.RINGING
        return dialing.Step.BRIEFING

    @property
    def deadline_at(self) -> datetime:
        """What ``DEADLINE`` is in SQL: the moment by which the first attempt has to be made."""
        return self.first_deadline_at or self.window_ends_at or self.due_at
