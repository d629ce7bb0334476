"""Models that exist in these tests only, so that nothing here depends on the helpline's own."""

import uuid

from django.core.validators import MaxValueValidator
from django.db import models
from django.test.utils import isolate_apps

from intake.crypto import (
    BlindIndexField,
    EncryptedBooleanField,
    EncryptedDateField,
    EncryptedDateTimeField,
    EncryptedDecimalField,
    EncryptedIntegerField,
    EncryptedJSONField,
    EncryptedPhoneField,
    EncryptedTextField,
)

with isolate_apps("intake"):

    class Sheet(models.Model):
        """One column of every kind."""

        class Level(models.TextChoices):
            DETOX = "detox", "Medical detox"
            RESIDENTIAL = "res", "Residential"

        id = models.UUIDField(primary_key=True, default=uuid.uuid4)
        title = models.CharField(max_length=40, blank=True)
        note = EncryptedTextField(blank=True)
        other_note = EncryptedTextField(blank=True)
        alias = EncryptedTextField(max_length=20, blank=True)
        level = EncryptedTextField(max_length=8, choices=Level.choices, blank=True)
        name_index = BlindIndexField(source="name", purpose="sheet.name", normalise="name")
        name = EncryptedTextField(max_length=80, blank=True)
        phone = EncryptedPhoneField(null=True, blank=True)
        phone_index = BlindIndexField(source="phone", purpose="sheet.phone")
        born = EncryptedDateField(null=True, blank=True)
        seen_at = EncryptedDateTimeField(null=True, blank=True)
        age = EncryptedIntegerField(null=True, blank=True, validators=[MaxValueValidator(130)])
        dose = EncryptedDecimalField(max_digits=6, decimal_places=2, null=True, blank=True)
        pregnant = EncryptedBooleanField(null=True, blank=True)
        answers = EncryptedJSONField(default=dict, blank=True)
        topics = EncryptedJSONField(default=list, blank=True)

        class Meta:
            app_label = "crypto_tests"
            constraints = (
                # As the helpline's models have them: a date of birth only with a name.
                models.CheckConstraint(
                    condition=models.Q(born__isnull=True) | models.Q(name__isnull=False),
                    name="sheet_born_has_name",
                ),
            )

        def __str__(self) -> str:
            return f"Sheet {self.pk}"

    class SheetQueue(Sheet):
        """Another view of the same table, as the admin has them."""

        class Meta:
            app_label = "crypto_tests"
            proxy = True

    class Slip(models.Model):
        """Its key comes from the database, after the insert: too late to bind to."""

        note = EncryptedTextField()

        class Meta:
            app_label = "crypto_tests"

        def __str__(self) -> str:
            return f"Slip {self.pk}"

    class Letter(models.Model):
        """Same column name as Sheet, in another table."""

        id = models.UUIDField(primary_key=True, default=uuid.uuid4)
        note = EncryptedTextField()

        class Meta:
            app_label = "crypto_tests"

        def __str__(self) -> str:
            return f"Letter {self.pk}"


TABLES = (Sheet, Slip, Letter)
