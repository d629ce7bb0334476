"""Referrals: the need, the list that was shown and why, and each facility's answer."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from intake.crypto import EncryptedJSONField, EncryptedTextField
from intake.models.base import Record, new_reference, paired, stamped
from intake.models.calls import Call
from intake.models.consents import Consent
from intake.models.facilities import Facility


def referral_reference() -> str:
    return new_reference("R")


class Referral(Record):
    """One need of one person, the search run for it, and how it ended."""

    class Privacy:
        personal: ClassVar[set[str]] = {"need", "list_shown", "list_explained", "closed_note"}
        ordinary: ClassVar[set[str]] = {
            "id",
            "reference",
            "call",
            "consent",
            "status",
            "searched_at",
            "searched_by",
            "ties_read_at",
            "ties_read_by",
            "closed_at",
            "closed_by",
        }

    class Status(models.TextChoices):
        OPEN = "open", _("Looking for a place")
        PLACED = "placed", _("Accepted by a facility")
        ARRIVED = "arrived", _("Arrived")
        CLOSED = "closed", _("Closed without a place")

    reference = models.CharField(
        _("reference"), max_length=12, unique=True, default=referral_reference, editable=False
    )
    call = models.ForeignKey(
        Call, verbose_name=_("call"), on_delete=models.PROTECT, related_name="referrals"
    )
    consent = models.ForeignKey(
        Consent,
        verbose_name=_("consent"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="referrals",
    )
    need = EncryptedJSONField(_("need"), default=dict)
    # What the agent saw, in order, each with its reasons: the neutral referral ledger.
    list_shown = EncryptedJSONField(_("list shown"), default=list)
    # How the list came about: the sentence, how wide, and whom it left out for which reason.
    list_explained = EncryptedJSONField(_("how the list came about"), default=dict)
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.OPEN)
    searched_at = models.DateTimeField(_("searched"))
    searched_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("searched by"),
        on_delete=models.PROTECT,
        related_name="+",
    )
    ties_read_at = models.DateTimeField(_("financial ties read out"), null=True, blank=True)
    ties_read_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("ties read out by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("closed by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    closed_note = EncryptedTextField(_("why closed"), max_length=500, blank=True)

    class Meta(Record.Meta):
        verbose_name = _("referral")
        verbose_name_plural = _("referrals")
        constraints = (
            models.UniqueConstraint(
                fields=["call"],
                condition=Q(status__in=["open", "placed"]),
                name="referral_one_open_per_call",
            ),
            stamped("referral_closed_at_iff_closed", ["arrived", "closed"], field="closed_at"),
            paired("referral_closed_paired", "closed_at", "closed_by"),
            paired("referral_ties_read_paired", "ties_read_at", "ties_read_by"),
        )
        indexes = (
            # The desk: referrals still without a place.
            models.Index(fields=["searched_at"], condition=Q(status="open"), name="referral_open"),
            # The list of referrals and its days, newest first; then by its filter.
            models.Index(fields=["searched_at", "id"], name="referral_list"),
            models.Index(fields=["status", "searched_at", "id"], name="referral_by_status"),
        )

    @property
    def is_open(self) -> bool:
        return self.status in (self.Status.OPEN, self.Status.PLACED)


class ReferralOffer(Record):
    """One facility asked. The first acceptance wins; the others are withdrawn with it."""

    class Privacy:
        personal: ClassVar[set[str]] = {"contact", "note"}
        ordinary: ClassVar[set[str]] = {
            "id",
            "referral",
            "facility",
            "status",
            "decline_reason",
            "sent_at",
            "sent_by",
            "acknowledged_at",
            "decided_at",
            "decided_by",
            "expected_at",
            "arrived_at",
            "stayed_at",
        }

    class Status(models.TextChoices):
        SENT = "sent", _("Asked")
        ACKNOWLEDGED = "acknowledged", _("Acknowledged")
        ACCEPTED = "accepted", _("Accepted")
        DECLINED = "declined", _("Declined")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        ARRIVED = "arrived", _("Arrived")
        STAYED = "stayed", _("Still there after 24 hours")
        NO_SHOW = "no_show", _("Did not arrive")

    WAITING: ClassVar[tuple[str, ...]] = (Status.SENT, Status.ACKNOWLEDGED)
    # Nothing is expected of it any more: the facility may be asked anew.
    OVER: ClassVar[tuple[str, ...]] = (Status.DECLINED, Status.WITHDRAWN, Status.NO_SHOW)
    DECIDED: ClassVar[tuple[str, ...]] = (
        Status.ACCEPTED,
        Status.DECLINED,
        Status.WITHDRAWN,
        Status.ARRIVED,
        Status.STAYED,
        Status.NO_SHOW,
    )

    class DeclineReason(models.TextChoices):
        NO_BED = "no_bed", _("No bed")
        CLINICAL = "clinical", _("Clinical reasons")
        PAYER = "payer", _("Payer not taken")
        OUT_OF_NETWORK = "out_of_network", _("Out of network")
        AGE = "age", _("Age")
        SEX = "sex", _("Sex")
        PREGNANCY = "pregnancy", _("Pregnancy")
        MEDICAL_ACUITY = "medical_acuity", _("Medically too ill")
        PSYCHIATRIC_ACUITY = "psychiatric_acuity", _("Psychiatrically too ill")
        NO_REPLY = "no_reply", _("No reply")
        CALLER_DECLINED = "caller_declined", _("Caller declined the place")
        OTHER = "other", _("Other")

    referral = models.ForeignKey(
        Referral, verbose_name=_("referral"), on_delete=models.PROTECT, related_name="offers"
    )
    facility = models.ForeignKey(
        Facility, verbose_name=_("facility"), on_delete=models.PROTECT, related_name="offers"
    )
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.SENT)
    decline_reason = models.CharField(
        _("reason declined"), max_length=20, choices=DeclineReason, blank=True
    )
    contact = EncryptedTextField(_("spoke to"), max_length=120, blank=True)
    note = EncryptedTextField(_("note"), max_length=1000, blank=True)
    sent_at = models.DateTimeField(_("asked"))
    sent_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("asked by"),
        on_delete=models.PROTECT,
        related_name="+",
    )
    acknowledged_at = models.DateTimeField(_("acknowledged"), null=True, blank=True)
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("decision recorded by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    expected_at = models.DateTimeField(_("expected"), null=True, blank=True)
    arrived_at = models.DateTimeField(_("arrived"), null=True, blank=True)
    stayed_at = models.DateTimeField(_("still there, checked"), null=True, blank=True)

    class Meta(Record.Meta):
        verbose_name = _("referral offer")
        verbose_name_plural = _("referral offers")
        constraints = (
            # Whoever said no, was withdrawn or waited in vain may be asked again.
            models.UniqueConstraint(
                fields=["referral", "facility"],
                condition=~Q(status__in=["declined", "withdrawn", "no_show"]),
                name="offer_facility_asked_once",
            ),
            models.UniqueConstraint(
                fields=["referral"],
                condition=Q(status__in=["accepted", "arrived", "stayed"]),
                name="offer_one_acceptance_per_referral",
            ),
            stamped(
                "offer_decided_at_iff_decided",
                ["accepted", "declined", "withdrawn", "arrived", "stayed", "no_show"],
                field="decided_at",
            ),
            paired("offer_decided_paired", "decided_at", "decided_by"),
            stamped("offer_arrived_at_iff_arrived", ["arrived", "stayed"], field="arrived_at"),
            stamped("offer_stayed_at_iff_stayed", ["stayed"], field="stayed_at"),
            models.CheckConstraint(
                condition=(Q(status="declined") & ~Q(decline_reason=""))
                | (~Q(status="declined") & Q(decline_reason="")),
                name="offer_reason_iff_declined",
            ),
        )
        indexes = (
            # The desk: offers nobody has answered.
            models.Index(
                fields=["sent_at"],
                condition=Q(status__in=["sent", "acknowledged"]),
                name="offer_unanswered",
            ),
        )

    @property
    def is_waiting(self) -> bool:
        return self.status in self.WAITING
