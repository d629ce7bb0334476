"""The call log: one row a call, its substances, and amendments that only ever add."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, FilteredRelation, Q, Value
from django.db.models.functions import Coalesce, NullIf
from django.utils.translation import gettext_lazy as _
from phonenumber_field.modelfields import PhoneNumberField

from intake.crypto import (
    EncryptedBooleanField,
    EncryptedDateTimeField,
    EncryptedDecimalField,
    EncryptedIntegerField,
    EncryptedJSONField,
    EncryptedTextField,
)
from intake.models.base import Record, new_reference, paired, stamped
from intake.models.people import Person


def call_reference() -> str:
    return new_reference("C")


class CallQuerySet(models.QuerySet["Call"]):
    def with_level(self) -> "CallQuerySet":
        """Adds ``screen_level``: the level that holds for the call, NULL before the first screen."""
        current = FilteredRelation("screens", condition=Q(screens__is_current=True))
        level = Coalesce(
            NullIf(F("current_screen__override_level"), Value("")), F("current_screen__level")
        )
        return self.annotate(current_screen=current).annotate(screen_level=level)


class Call(Record):
    """One conversation, from first ring to disposition."""

    class Privacy:
        personal: ClassVar[set[str]] = {
            "relationship",
            "topics",
            "narrative",
            "dependence_signs",
            "withdrawal_symptoms",
        }
        ordinary: ClassVar[set[str]] = {
            "id",
            "reference",
            "direction",
            "channel",
            "line_dialled",
            "started_at",
            "answered_at",
            "ended_at",
            "wrap_up_seconds",
            "taken_by",
            "call_type",
            "how_heard",
            "language",
            "interpreter",
            "entered_late",
            "number_withheld",
            "caller",
            "person_in_need",
            "status",
            "disposition",
            "closed_at",
            "closed_by",
        }

    class Direction(models.TextChoices):
        INBOUND = "inbound", _("Inbound")
        OUTBOUND = "outbound", _("Outbound")

    class Channel(models.TextChoices):
        PHONE = "phone", _("Phone")
        WEB = "web", _("Web form")
        CHAT = "chat", _("Chat")
        WALK_IN = "walk_in", _("Walk-in")

    class CallType(models.TextChoices):
        ABOUT_SELF = "about_self", _("About themselves")
        ABOUT_OTHER = "about_other", _("About someone else")
        PROFESSIONAL = "professional", _("Professional")
        INFORMATION = "information", _("Information only")
        WRONG_NUMBER = "wrong_number", _("Wrong number")
        SILENT = "silent", _("Silent call")
        HANG_UP = "hang_up", _("Hang-up")
        ABUSIVE = "abusive", _("Abusive call")
        TEST = "test", _("Test call")
        INQUIRY = "inquiry", _("Office inquiry")

    # Closed without a caller, a screen or a narrative.
    NON_SERVICE: ClassVar[tuple[str, ...]] = (
        CallType.WRONG_NUMBER,
        CallType.SILENT,
        CallType.HANG_UP,
        CallType.ABUSIVE,
        CallType.TEST,
        CallType.INQUIRY,
    )

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        CLOSED = "closed", _("Closed")

    class Disposition(models.TextChoices):
        EMERGENCY = "emergency", _("Emergency services")
        WARM_TRANSFER = "warm_transfer", _("Warm transfer to 988 or Poison Help")
        REFERRED = "referred", _("Referred to a facility")
        INSURANCE_CHECK = "insurance_check", _("Insurance check under way")
        CALLBACK_PROMISED = "callback_promised", _("Callback promised")
        REACHED = "reached", _("Callback kept, nothing further")
        INFORMATION_GIVEN = "information_given", _("Information given")
        NO_MATCH = "no_match", _("Need not met")
        CALLER_DECLINED = "caller_declined", _("Caller declined help for now")
        DISCONNECTED = "disconnected", _("Caller hung up or line lost")
        NON_SERVICE = "non_service", _("Not a service call")

    class HowHeard(models.TextChoices):
        """Codes only: this column is not encrypted, and a free text would name people."""

        SEARCH = "search", _("Web search or our website")
        FRIEND = "friend", _("Friend or family")
        CLINICIAN = "clinician", _("Doctor, nurse or pharmacist")
        FACILITY = "facility", _("Treatment facility")
        OTHER_LINE = "other_line", _("988, 211 or another helpline")
        PLAN = "plan", _("Health plan")
        COURT = "court", _("Court, police or probation")
        PRINT = "print", _("Leaflet, poster or advertisement")
        RETURNING = "returning", _("Called before")
        OTHER = "other", _("Other")

    class Topic(models.TextChoices):
        WITHDRAWAL = "withdrawal", _("Withdrawal or stopping")
        DETOX = "detox", _("Finding detox or treatment")
        MEDICATION = "medication", _("Medicine and prescriber")
        OVERDOSE = "overdose", _("Overdose or naloxone")
        COST = "cost", _("Insurance and cost")
        MENTAL_HEALTH = "mental_health", _("Mental health")
        FAMILY = "family", _("Family and support")
        PREGNANCY = "pregnancy", _("Pregnancy")
        HOUSING = "housing", _("Housing or travel")
        LEGAL = "legal", _("Legal or work")
        OTHER = "other", _("Something else")

    reference = models.CharField(
        _("reference"), max_length=12, unique=True, default=call_reference, editable=False
    )
    direction = models.CharField(
        _("direction"), max_length=8, choices=Direction, default=Direction.INBOUND
    )
    channel = models.CharField(_("channel"), max_length=8, choices=Channel, default=Channel.PHONE)
    line_dialled = PhoneNumberField(_("line dialed"), blank=True)
    started_at = models.DateTimeField(_("started"))
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    # From the end of the talk to the closing of the sheet; NULL where nobody marked the end.
    wrap_up_seconds = models.PositiveIntegerField(
        _("wrap-up time (seconds)"), null=True, blank=True, editable=False
    )
    taken_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("taken by"),
        on_delete=models.PROTECT,
        related_name="calls_taken",
    )
    call_type = models.CharField(_("call type"), max_length=16, choices=CallType)
    relationship = EncryptedTextField(
        _("caller's relationship to the person in need"), max_length=80, blank=True
    )
    how_heard = models.CharField(
        _("how they heard of us"), max_length=16, choices=HowHeard, blank=True
    )
    topics = EncryptedJSONField(_("topics"), default=list, blank=True)
    # Codes of rules.withdrawal: the signs that were told, and each symptom with its severity.
    dependence_signs = EncryptedJSONField(_("signs of dependence"), default=list, blank=True)
    withdrawal_symptoms = EncryptedJSONField(_("withdrawal symptoms"), default=dict, blank=True)
    language = models.CharField(_("language"), max_length=8, default="en")
    interpreter = models.BooleanField(_("interpreter used"), default=False)
    entered_late = models.BooleanField(_("entered later from paper"), default=False)
    # Asked for and not given, or not shown by the line: nobody asks again.
    number_withheld = models.BooleanField(_("number withheld"), default=False)
    caller = models.ForeignKey(
        Person,
        verbose_name=_("caller"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="calls_made",
    )
    person_in_need = models.ForeignKey(
        Person,
        verbose_name=_("person in need"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="calls_about",
    )
    narrative = EncryptedTextField(_("narrative"), max_length=20_000, blank=True)
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.OPEN)
    disposition = models.CharField(_("disposition"), max_length=20, choices=Disposition, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True, editable=False)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("closed by"),
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
    )

    objects = CallQuerySet.as_manager()

    class Meta(Record.Meta):
        verbose_name = _("call")
        verbose_name_plural = _("calls")
        permissions = (
            ("view_reports", "Can read the reports"),
            ("export_reports", "Can export the reports"),
        )
        constraints = (
            stamped("call_closed_at_iff_closed", ["closed"], field="closed_at"),
            paired("call_closed_paired", "closed_at", "closed_by"),
            models.CheckConstraint(
                condition=Q(status="open", disposition="")
                | (Q(status="closed") & ~Q(disposition="")),
                name="call_disposition_iff_closed",
            ),
        )
        indexes = (
            # The change list and its days, newest first; the reports by day.
            models.Index(fields=["started_at", "id"], name="call_started"),
            # The change list by each of its filters, newest first; nearly all calls are closed.
            models.Index(
                fields=["status", "started_at", "id"],
                condition=Q(status="open"),
                name="call_by_status",
            ),
            models.Index(fields=["call_type", "started_at", "id"], name="call_by_type"),
            models.Index(fields=["disposition", "started_at", "id"], name="call_by_ending"),
            # The desk: this agent's unfinished sheets.
            models.Index(
                fields=["taken_by", "started_at"], condition=Q(status="open"), name="call_open"
            ),
        )

    @property
    def is_open(self) -> bool:
        return self.status == self.Status.OPEN

    @property
    def is_service_call(self) -> bool:
        """Somebody wanted help: not a wrong number, silence, hang-up, abuse or a test."""
        return self.call_type not in self.NON_SERVICE


class CallAmendment(Record):
    """An addition to a call's narrative; rows are only ever added (Fla. Admin. Code 65D-30)."""

    class Privacy:
        personal: ClassVar[set[str]] = {"text"}
        ordinary: ClassVar[set[str]] = {"id", "call", "made_at", "made_by"}

    call = models.ForeignKey(
        Call, verbose_name=_("call"), on_delete=models.PROTECT, related_name="amendments"
    )
    text = EncryptedTextField(_("text"), max_length=20_000)
    made_at = models.DateTimeField(_("made"))
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("made by"),
        on_delete=models.PROTECT,
        related_name="+",
    )

    class Meta(Record.Meta):
        verbose_name = _("call amendment")
        verbose_name_plural = _("call amendments")


class SubstanceUse(Record):
    """One substance as told on one call. All of it is health data, so all of it is encrypted."""

    class Privacy:
        personal: ClassVar[set[str]] = {
            "substance",
            "brand",
            "source",
            "route",
            "dose_mg",
            "times_a_day",
            "days_a_week",
            "weeks_of_use",
            "last_used_at",
            "last_used_precision",
            "stopped_abruptly",
            "recent_cut_percent",
            "above_prescribed",
        }
        ordinary: ClassVar[set[str]] = {"id", "call", "position"}

    class Source(models.TextChoices):
        """The values are the safety rules' own (``rules.answers.Source``)."""

        OWN_PRESCRIPTION = "own_prescription", _("Own prescription")
        OTHER = "other", _("Somebody else's prescription or gift")
        STREET = "street", _("Street, online or unlabeled")
        UNKNOWN = "unknown", _("Unknown")

    class Route(models.TextChoices):
        SWALLOWED = "swallowed", _("Swallowed")
        UNDER_TONGUE = "under_tongue", _("Under the tongue")
        SNORTED = "snorted", _("Snorted")
        SMOKED = "smoked", _("Smoked or vaped")
        INJECTED = "injected", _("Injected")
        OTHER = "other", _("Other")

    call = models.ForeignKey(
        Call, verbose_name=_("call"), on_delete=models.CASCADE, related_name="substances"
    )
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    substance = EncryptedTextField(_("substance"), max_length=40)
    brand = EncryptedTextField(_("brand or street name"), max_length=80, blank=True)
    source = EncryptedTextField(_("source"), max_length=20, choices=Source.choices, blank=True)
    route = EncryptedTextField(_("route"), max_length=20, choices=Route.choices, blank=True)
    dose_mg = EncryptedDecimalField(
        _("dose (mg)"), max_digits=10, decimal_places=4, null=True, blank=True
    )
    times_a_day = EncryptedDecimalField(
        _("times a day"), max_digits=6, decimal_places=2, null=True, blank=True
    )
    days_a_week = EncryptedIntegerField(_("days a week"), null=True, blank=True)
    weeks_of_use = EncryptedIntegerField(_("weeks of use"), null=True, blank=True)
    last_used_at = EncryptedDateTimeField(_("last used"), null=True, blank=True)
    # A day and "about" are not a time (rules.last_use.Precision); empty counts as a time.
    last_used_precision = EncryptedTextField(_("precision of last use"), max_length=12, blank=True)
    stopped_abruptly = EncryptedBooleanField(_("stopped suddenly"), null=True, blank=True)
    recent_cut_percent = EncryptedIntegerField(
        _("cut in the last two weeks (%)"), null=True, blank=True
    )
    above_prescribed = EncryptedBooleanField(_("more than prescribed"), null=True, blank=True)

    class Meta(Record.Meta):
        verbose_name = _("substance use")
        verbose_name_plural = _("substance use")
        constraints = (
            models.UniqueConstraint(fields=["call", "position"], name="substance_position_once"),
        )
