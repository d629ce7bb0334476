"""Insurance: the policy, the verification-of-benefits request, and what each level of care costs."""

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from intake.crypto import (
    EncryptedDateField,
    EncryptedDecimalField,
    EncryptedIntegerField,
    EncryptedJSONField,
    EncryptedTextField,
)
from intake.models.base import Record, new_reference, paired, stamped
from intake.models.calls import Call
from intake.models.consents import Consent
from intake.models.people import Person


def insurance_check_reference() -> str:
    return new_reference("V")


class LevelOfCare(models.TextChoices):
    """ASAM level names, used as labels only; none of the criteria's decision rules is here."""

    WITHDRAWAL_4 = "4-WM", _("Hospital withdrawal management (4-WM)")
    WITHDRAWAL_3_7 = "3.7-WM", _("Medically monitored withdrawal management (3.7-WM)")
    RESIDENTIAL_3_7 = "3.7", _("Medically monitored residential (3.7)")
    RESIDENTIAL_3_5 = "3.5", _("Residential (3.5)")
    PARTIAL_HOSPITAL = "2.5", _("Partial hospitalization (2.5)")
    INTENSIVE_OUTPATIENT = "2.1", _("Intensive outpatient (2.1)")
    OUTPATIENT = "1", _("Outpatient (1)")
    MEDICATION = "MAT", _("Medication treatment")


class InsurancePolicy(Record):
    """One policy of the person in need. The policyholder is a field group, never their Person."""

    class Privacy:
        personal: ClassVar[set[str]] = {
            "payer_name",
            "payer_kind",
            "payer_phone",
            "plan_name",
            "plan_type",
            "member_id",
            "group_number",
            "policyholder_name",
            "policyholder_birth_date",
            "policyholder_relationship",
        }
        ordinary: ClassVar[set[str]] = {"id", "person", "rank", "created_at"}

    class Rank(models.TextChoices):
        PRIMARY = "primary", _("Primary")
        SECONDARY = "secondary", _("Secondary")
        TERTIARY = "tertiary", _("Tertiary")

    class PayerKind(models.TextChoices):
        """The values are the directory's own payment codes."""

        PRIVATE = "PI", _("Private insurance")
        MEDICAID = "MD", _("Medicaid")
        MEDICARE = "MC", _("Medicare")
        MILITARY = "MI", _("Military insurance (TRICARE)")
        STATE = "SI", _("State-financed plan other than Medicaid")

    class Relationship(models.TextChoices):
        """What the person in need is to the policyholder."""

        SELF = "self", _("The policyholder themselves")
        SPOUSE = "spouse", _("Spouse or partner")
        CHILD = "child", _("Child")
        OTHER = "other", _("Another dependent")

    person = models.ForeignKey(
        Person, verbose_name=_("person"), on_delete=models.PROTECT, related_name="policies"
    )
    rank = models.CharField(_("rank"), max_length=10, choices=Rank, default=Rank.PRIMARY)
    payer_name = EncryptedTextField(_("insurance company"), max_length=120)
    payer_kind = EncryptedTextField(
        _("kind of coverage"), max_length=4, choices=PayerKind.choices, default=PayerKind.PRIVATE
    )
    payer_phone = EncryptedTextField(_("number on the card"), max_length=40, blank=True)
    plan_name = EncryptedTextField(_("plan name"), max_length=120, blank=True)
    plan_type = EncryptedTextField(_("plan type"), max_length=40, blank=True)
    member_id = EncryptedTextField(_("member ID"), max_length=40)
    group_number = EncryptedTextField(_("group number"), max_length=40, blank=True)
    policyholder_name = EncryptedTextField(_("policyholder's name"), max_length=200)
    policyholder_birth_date = EncryptedDateField(
        _("policyholder's birth date"), null=True, blank=True
    )
    policyholder_relationship = EncryptedTextField(
        _("person's relationship to the policyholder"),
        max_length=40,
        choices=Relationship.choices,
        blank=True,
    )
    created_at = models.DateTimeField(_("recorded"))

    class Meta(Record.Meta):
        verbose_name = _("insurance policy")
        verbose_name_plural = _("insurance policies")


class InsuranceCheck(Record):
    """A verification-of-benefits request, and who answered it and when."""

    class Privacy:
        personal: ClassVar[set[str]] = {
            "levels_wanted",
            "coverage",
            "representative",
            "payer_reference",
            "notes",
        }
        ordinary: ClassVar[set[str]] = {
            "id",
            "reference",
            "call",
            "policy",
            "consent",
            "method",
            "status",
            "requested_at",
            "requested_by",
            "needed_by",
            "taken_at",
            "taken_by",
            "answered_at",
            "answered_by",
            "expires_at",
        }

    class Method(models.TextChoices):
        MANUAL = "manual", _("Phone call to the plan")

    class Status(models.TextChoices):
        QUEUED = "queued", _("Waiting to be worked")
        IN_PROGRESS = "in_progress", _("Being worked")
        VERIFIED = "verified", _("Verified")
        UNABLE = "unable", _("Could not be verified")
        CANCELLED = "cancelled", _("Cancelled")
        EXPIRED = "expired", _("Expired")

    OPEN: ClassVar[tuple[str, ...]] = (Status.QUEUED, Status.IN_PROGRESS)
    ANSWERED: ClassVar[tuple[str, ...]] = (Status.VERIFIED, Status.UNABLE, Status.EXPIRED)

    class Coverage(models.TextChoices):
        ACTIVE = "active", _("Policy active")
        INACTIVE = "inactive", _("Policy not active")
        NOT_FOUND = "not_found", _("Member not found")
        UNKNOWN = "unknown", _("Not told")

    reference = models.CharField(
        _("reference"),
        max_length=12,
        unique=True,
        default=insurance_check_reference,
        editable=False,
    )
    call = models.ForeignKey(
        Call, verbose_name=_("call"), on_delete=models.PROTECT, related_name="insurance_checks"
    )
    policy = models.ForeignKey(
        InsurancePolicy, verbose_name=_("policy"), on_delete=models.PROTECT, related_name="checks"
    )
    consent = models.ForeignKey(
        Consent,
        verbose_name=_("consent"),
        on_delete=models.PROTECT,
        related_name="insurance_checks",
    )
    method = models.CharField(_("method"), max_length=8, choices=Method, default=Method.MANUAL)
    levels_wanted = EncryptedJSONField(_("levels of care wanted"), default=list)
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.QUEUED)
    requested_at = models.DateTimeField(_("requested"))
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("requested by"),
        on_delete=models.PROTECT,
        related_name="+",
    )
    needed_by = models.DateTimeField(_("needed by"), null=True, blank=True)
    taken_at = models.DateTimeField(_("taken up"), null=True, blank=True)
    taken_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("taken up by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="insurance_checks_taken",
    )
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("answer recorded by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    coverage = EncryptedTextField(
        _("coverage"), max_length=12, choices=Coverage.choices, blank=True
    )
    representative = EncryptedTextField(_("who said it"), max_length=120, blank=True)
    payer_reference = EncryptedTextField(_("plan's call reference"), max_length=80, blank=True)
    notes = EncryptedTextField(_("notes"), max_length=4000, blank=True)
    expires_at = models.DateTimeField(_("answer expires"), null=True, blank=True)

    class Meta(Record.Meta):
        verbose_name = _("insurance check")
        verbose_name_plural = _("insurance checks")
        permissions = (("work_insurancecheck", "Can take up and answer insurance checks"),)
        constraints = (
            models.UniqueConstraint(
                fields=["policy"],
                condition=Q(status__in=["queued", "in_progress"]),
                name="insurance_check_one_open_per_policy",
            ),
            stamped(
                "insurance_check_answered_at_iff_answered",
                ["verified", "unable", "expired"],
                field="answered_at",
            ),
            paired("insurance_check_answered_paired", "answered_at", "answered_by"),
            paired("insurance_check_taken_paired", "taken_at", "taken_by"),
            # An answer without an end would be believed for ever.
            stamped(
                "insurance_check_expiry_iff_verified", ["verified", "expired"], field="expires_at"
            ),
        )
        indexes = (
            # The work queue on the desk.
            models.Index(
                fields=["requested_at"],
                condition=Q(status__in=["queued", "in_progress"]),
                name="insurance_check_queue",
            ),
            # The sweep that expires answers.
            models.Index(
                fields=["expires_at"],
                condition=Q(status="verified"),
                name="insurance_check_expiring",
            ),
            # The list of checks and its days, newest first; then by its filter.
            models.Index(fields=["requested_at", "id"], name="insurance_check_list"),
            models.Index(fields=["status", "requested_at", "id"], name="insurance_check_by_status"),
        )

    @property
    def is_open(self) -> bool:
        return self.status in self.OPEN

    def may_be_quoted(self, now: datetime) -> bool:
        """Verified, and not past its time: the sweep that marks it expired may be a minute late."""
        is_verified = self.status == self.Status.VERIFIED
        return is_verified and self.expires_at is not None and self.expires_at > now


class Benefit(Record):
    """What the plan said of one level of care. Not a guarantee of payment."""

    class Privacy:
        personal: ClassVar[set[str]] = {
            "level_of_care",
            "covered",
            "preauthorization",
            "copay",
            "coinsurance_percent",
            "deductible_left",
            "day_limit",
            "notes",
        }
        ordinary: ClassVar[set[str]] = {"id", "insurance_check", "position"}

    class Answer(models.TextChoices):
        YES = "yes", _("Yes")
        NO = "no", _("No")
        UNKNOWN = "unknown", _("Not told")

    insurance_check = models.ForeignKey(
        InsuranceCheck,
        verbose_name=_("insurance check"),
        on_delete=models.PROTECT,
        related_name="benefits",
    )
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    level_of_care = EncryptedTextField(
        _("level of care"), max_length=8, choices=LevelOfCare.choices
    )
    covered = EncryptedTextField(
        _("covered"), max_length=8, choices=Answer.choices, default=Answer.UNKNOWN
    )
    preauthorization = EncryptedTextField(
        _("pre-authorization needed"), max_length=8, choices=Answer.choices, default=Answer.UNKNOWN
    )
    copay = EncryptedDecimalField(
        _("copay (US$)"), max_digits=11, decimal_places=2, null=True, blank=True
    )
    coinsurance_percent = EncryptedDecimalField(
        _("coinsurance (%)"), max_digits=5, decimal_places=2, null=True, blank=True
    )
    deductible_left = EncryptedDecimalField(
        _("deductible left (US$)"), max_digits=11, decimal_places=2, null=True, blank=True
    )
    day_limit = EncryptedIntegerField(_("day limit"), null=True, blank=True)
    notes = EncryptedTextField(_("notes"), max_length=500, blank=True)

    class Meta(Record.Meta):
        verbose_name = _("benefit")
        verbose_name_plural = _("benefits")
        constraints = (
            models.UniqueConstraint(
                fields=["insurance_check", "position"], name="benefit_position_once"
            ),
        )
