"""The directory of treatment facilities, in the codes of its public source."""

import math
from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from intake.models.base import Record, paired, stamped
from intake.models.insurance import LevelOfCare

# One degree of latitude; the box may be slightly too wide, never too narrow.
MILES_PER_DEGREE = 68.7


class DirectoryEdition(Record):
    """One imported edition of a directory: which file, when, and what it changed.

    Importing the newest edition's file again changes nothing and adds no row here.
    """

    class Privacy:
        personal: ClassVar[set[str]] = set()
        ordinary: ClassVar[set[str]] = {
            "id",
            "file_name",
            "file_digest",
            "imported_at",
            "rows_read",
            "rows_added",
            "rows_updated",
            "rows_unchanged",
            "rows_refused",
            "rows_relisted",
            "rows_unlisted",
        }

    file_name = models.CharField(_("file"), max_length=200)
    file_digest = models.CharField(_("SHA-256 of the file"), max_length=64)
    imported_at = models.DateTimeField(_("imported"))
    rows_read = models.PositiveIntegerField(_("rows read"))
    rows_added = models.PositiveIntegerField(_("added"))
    rows_updated = models.PositiveIntegerField(_("updated"))
    rows_unchanged = models.PositiveIntegerField(_("unchanged"))
    rows_refused = models.PositiveIntegerField(_("refused"))
    # Among the updated: facilities an earlier edition had dropped.
    rows_relisted = models.PositiveIntegerField(_("listed again"))
    # Not among the rows read: facilities this edition no longer carries.
    rows_unlisted = models.PositiveIntegerField(_("no longer listed"))

    class Meta(Record.Meta):
        verbose_name = _("directory edition")
        verbose_name_plural = _("directory editions")
        constraints = (
            models.CheckConstraint(
                condition=Q(
                    rows_read=models.F("rows_added")
                    + models.F("rows_updated")
                    + models.F("rows_unchanged")
                    + models.F("rows_refused")
                ),
                name="edition_rows_add_up",
            ),
        )


class ServiceCode(models.Model):
    """One word of the directory's vocabulary, such as BDTX: benzodiazepine detoxification."""

    class Privacy:
        personal: ClassVar[set[str]] = set()
        ordinary: ClassVar[set[str]] = {
            "code",
            "name",
            "description",
            "category_code",
            "category_name",
        }

    code = models.CharField(_("code"), max_length=12, primary_key=True)
    name = models.CharField(_("name"), max_length=300)
    description = models.TextField(_("description"), blank=True)
    category_code = models.CharField(_("category code"), max_length=12)
    category_name = models.CharField(_("category"), max_length=200)

    class Meta:
        verbose_name = _("service code")
        verbose_name_plural = _("service codes")
        default_permissions = ("add", "change", "view")

    def __str__(self) -> str:
        return f"{self.code}: {self.name}"


class FacilityQuerySet(models.QuerySet["Facility"]):
    def listed(self) -> "FacilityQuerySet":
        """Still in the newest edition and not suspended by staff."""
        return self.filter(status=Facility.Status.LISTED)

    def offering(self, *codes: str) -> "FacilityQuerySet":
        """Carries every one of the codes."""
        matched = self
        for code in codes:
            matched = matched.filter(service_codes__contains=f" {code} ")
        return matched

    def offering_any(self, codes: Iterable[str]) -> "FacilityQuerySet":
        """Carries at least one of the codes; an empty list matches nothing."""
        condition = Q(pk__in=[])
        for code in codes:
            condition |= Q(service_codes__contains=f" {code} ")
        return self.filter(condition)

    def near(self, latitude: float, longitude: float, miles: float) -> "FacilityQuerySet":
        """Inside the box around the circle of ``miles``: a superset, to be measured exactly.

        Facilities without coordinates are never near. The box crosses the 180th meridian where
        it must (western Aleutians, Guam).
        """
        degrees = miles / MILES_PER_DEGREE
        south, north = latitude - degrees, latitude + degrees
        boxed = self.filter(latitude__range=(south, north))
        # Meridians are closest together at the edge of the box that is nearer to a pole.
        edge = max(abs(south), abs(north))
        width = degrees / math.cos(math.radians(edge)) if edge < 89 else 360
        west, east = longitude - width, longitude + width
        if width >= 180:
            return boxed.filter(longitude__isnull=False)
        if west < -180:
            return boxed.filter(Q(longitude__gte=west + 360) | Q(longitude__lte=east))
        if east > 180:
            return boxed.filter(Q(longitude__gte=west) | Q(longitude__lte=east - 360))
        return boxed.filter(longitude__range=(west, east))


class Facility(Record):
    """A place that gives treatment. Its phones are public listings, not personal data.

    The directory owns what it prints; staff own ``relationship``, ``medical_cover``,
    ``verified_at`` and the suspension, and no import touches those. A suspended facility may be unlisted as well
    (``unlisted_at`` is set): lifting the suspension then leaves it unlisted.
    """

    class Privacy:
        personal: ClassVar[set[str]] = set()
        ordinary: ClassVar[set[str]] = {
            "id",
            "source_key",
            "name",
            "program_name",
            "street",
            "street2",
            "city",
            "state",
            "zip_code",
            "county",
            "phone",
            "intake_phones",
            "service_codes",
            "latitude",
            "longitude",
            "time_zone",
            "status",
            "row_digest",
            "first_listed_at",
            "last_listed_at",
            "unlisted_at",
            "verified_at",
            "medical_cover",
            "relationship",
            "suspended_at",
            "suspended_by",
            "suspension_reason",
        }

    class Status(models.TextChoices):
        LISTED = "listed", _("Listed")
        UNLISTED = "unlisted", _("No longer in the directory")
        SUSPENDED = "suspended", _("Suspended by staff")

    class Relationship(models.TextChoices):
        """Read out to the caller before an offer (Fla. Stat. 397.55)."""

        NONE = "none", _("No financial tie")
        PAID = "paid", _("Pays us")
        OWNED = "owned", _("Owned by us")

    class SuspensionReason(models.TextChoices):
        WRONG_NUMBER = "wrong_number", _("Phone number is wrong")
        MOVED = "moved", _("Moved")
        CLOSED = "closed", _("Closed")
        SERVICES_WRONG = "services_wrong", _("Does not give what it lists")
        PAYER_NOT_TAKEN = "payer_not_taken", _("Does not take the payers it lists")
        COMPLAINT = "complaint", _("Complaint being looked into")
        OTHER = "other", _("Other")

    # What makes a row itself across editions (intake.directory.identity), then "-1", "-2", ...
    source_key = models.CharField(_("source key"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=200)
    program_name = models.CharField(_("program"), max_length=200, blank=True)
    street = models.CharField(_("street"), max_length=200, blank=True)
    street2 = models.CharField(_("street, second line"), max_length=200, blank=True)
    city = models.CharField(_("city"), max_length=100)
    state = models.CharField(_("state"), max_length=2)
    zip_code = models.CharField(_("ZIP code"), max_length=10, blank=True)
    county = models.CharField(_("county"), max_length=100, blank=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    intake_phones = models.JSONField(_("intake phones"), default=list, blank=True)
    # " BDTX HID PI ": 20,000 rows are scanned in milliseconds, so no table of 800,000 links.
    service_codes = models.TextField(_("service codes"), blank=True)
    latitude = models.FloatField(_("latitude"), null=True, blank=True)
    longitude = models.FloatField(_("longitude"), null=True, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.LISTED)
    # Empty for a facility that staff entered by hand; imports leave those alone.
    row_digest = models.CharField(_("digest of the source row"), max_length=64, blank=True)
    first_listed_at = models.DateTimeField(_("first listed"))
    # When the newest edition that carries it was imported.
    last_listed_at = models.DateTimeField(_("last listed"))
    unlisted_at = models.DateTimeField(_("unlisted"), null=True, blank=True)
    verified_at = models.DateTimeField(_("last verified"), null=True, blank=True)
    # Residential detox (RD) is no proof of it, so staff ask; empty means nobody has.
    medical_cover = models.BooleanField(_("medical staff day and night"), null=True, blank=True)
    relationship = models.CharField(
        _("financial tie"), max_length=8, choices=Relationship, default=Relationship.NONE
    )
    suspended_at = models.DateTimeField(_("suspended"), null=True, blank=True)
    suspended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("suspended by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    suspension_reason = models.CharField(
        _("why suspended"), max_length=20, choices=SuspensionReason, blank=True
    )

    objects = FacilityQuerySet.as_manager()

    class Meta(Record.Meta):
        verbose_name = _("facility")
        verbose_name_plural = _("facilities")
        constraints = (
            models.CheckConstraint(
                condition=Q(status="listed", unlisted_at__isnull=True)
                | Q(status="unlisted", unlisted_at__isnull=False)
                | Q(status="suspended"),
                name="facility_unlisted_at_iff_unlisted",
            ),
            stamped("facility_suspended_at_iff_suspended", ["suspended"], field="suspended_at"),
            paired("facility_suspended_paired", "suspended_at", "suspended_by"),
            models.CheckConstraint(
                condition=Q(suspended_at__isnull=True, suspension_reason="")
                | (Q(suspended_at__isnull=False) & ~Q(suspension_reason="")),
                name="facility_reason_iff_suspended",
            ),
            models.CheckConstraint(
                condition=Q(latitude__isnull=True, longitude__isnull=True)
                | Q(latitude__isnull=False, longitude__isnull=False),
                name="facility_coordinates_paired",
            ),
        )
        indexes = (
            # The referral search's bounding box.
            models.Index(fields=["latitude", "longitude"], name="facility_place"),
            # The directory's list, in its order.
            models.Index(fields=["state", "city", "name", "id"], name="facility_list"),
        )

    def __str__(self) -> str:
        return f"{self.name}, {self.city} {self.state}"

    @property
    def codes(self) -> frozenset[str]:
        return frozenset(self.service_codes.split())


class CapacityReading(Record):
    """Beds somebody reported. After ``expires_at`` it counts as unknown, not as none.

    A reading holds no bed: the facility still has to say yes.
    """

    class Privacy:
        personal: ClassVar[set[str]] = set()
        ordinary: ClassVar[set[str]] = {
            "id",
            "facility",
            "level_of_care",
            "beds_free",
            "source",
            "read_at",
            "read_by",
            "expires_at",
        }

    class Source(models.TextChoices):
        PHONE = "phone", _("Facility, by phone")
        MESSAGE = "message", _("Facility, by message or mail")
        WEBSITE = "website", _("Facility's own website")
        REGISTRY = "registry", _("Bed registry")

    facility = models.ForeignKey(
        Facility, verbose_name=_("facility"), on_delete=models.PROTECT, related_name="capacity"
    )
    level_of_care = models.CharField(_("level of care"), max_length=8, choices=LevelOfCare)
    beds_free = models.PositiveSmallIntegerField(_("beds free"))
    # A kind, not a name: who picked up the phone is nobody's business here.
    source = models.CharField(_("told by"), max_length=10, choices=Source)
    read_at = models.DateTimeField(_("told at"))
    read_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("recorded by"),
        on_delete=models.PROTECT,
        related_name="+",
    )
    expires_at = models.DateTimeField(_("expires"))

    class Meta(Record.Meta):
        verbose_name = _("capacity reading")
        verbose_name_plural = _("capacity readings")
        constraints = (
            models.CheckConstraint(
                condition=Q(expires_at__gt=models.F("read_at")), name="capacity_expires_after_read"
            ),
        )
        indexes = (
            # The referral list: newest reading of a facility.
            models.Index(fields=["facility", "-read_at"], name="capacity_newest"),
        )

    def is_known(self, now: datetime) -> bool:
        return self.expires_at > now
