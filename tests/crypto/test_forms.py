"""Encrypted fields in forms, in the admin, in migrations and in checks."""

import datetime as dt
import json
from decimal import Decimal

import pytest
from django import forms
from django.contrib.admin.utils import display_for_field
from django.core.exceptions import ValidationError
from django.db import connection, models
from django.db.migrations.writer import MigrationWriter
from django.test.utils import isolate_apps
from phonenumber_field.formfields import PhoneNumberField

from intake.crypto import EncryptedDateField, EncryptedTextField
from tests.crypto.rows import CANARY, PHONE, VALUES, reread
from tests.crypto.sheets import Sheet

pytestmark = pytest.mark.usefixtures("sheets")

# --- validation and forms ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("alias", "x" * 21),
        ("note", "nul \0"),
        ("note", "half \ud83d a pair"),
        ("level", "heroin"),
        ("age", 131),
        ("age", "thirty"),
        ("dose", Decimal("1.234")),
        ("dose", "much"),
        ("born", "1987-02-30"),
        ("born", "some day"),
        ("seen_at", "2026-03-09T10:00"),
        ("pregnant", "perhaps"),
        ("phone", "+12025550123;ext=5"),
        ("phone", "911"),
        ("phone", "+1 202 555 012"),
        ("answers", {"not": {1}}),
    ],
)
def test_full_clean_refuses_what_cannot_be_stored(name, value):
    with pytest.raises(ValidationError) as refusal:
        Sheet(**{name: value}).full_clean()
    assert list(refusal.value.message_dict) == [name]
    assert str(value) not in str(refusal.value)


def test_full_clean_converts_what_was_typed():
    sheet = Sheet(
        born="1987-02-28", name="X", age="39", dose="0.5", pregnant="true", phone="202-555-0123"
    )
    sheet.full_clean()
    assert (sheet.born, sheet.age, sheet.dose) == (dt.date(1987, 2, 28), 39, Decimal("0.5"))
    assert sheet.pregnant is True
    assert sheet.phone == PHONE


def test_full_clean_tries_constraints_on_presence():
    Sheet(born=dt.date(1987, 2, 28), name="X").full_clean()
    with pytest.raises(ValidationError, match="sheet_born_has_name"):
        Sheet(born=dt.date(1987, 2, 28)).full_clean()


class SheetForm(forms.ModelForm):
    class Meta:
        model = Sheet
        fields = [*VALUES, "name"]


TYPED = {
    "note": CANARY,
    "alias": "J.",
    "level": "detox",
    "phone": "(202) 555-0123",
    "born": "1987-02-28",
    "seen_at": "2026-03-09 23:59:59",
    "age": "39",
    "dose": "0.50",
    "pregnant": "false",
    "answers": json.dumps(VALUES["answers"]),
    "topics": json.dumps(VALUES["topics"]),
    "name": "Ana",
}


def test_a_form_stores_what_was_typed(settings):
    settings.TIME_ZONE = "UTC"
    form = SheetForm(TYPED)
    assert form.is_valid(), form.errors
    sheet = reread(form.save())
    assert {name: getattr(sheet, name) for name in VALUES} == VALUES


def test_a_form_shows_what_is_stored_and_sees_no_change(settings):
    settings.TIME_ZONE = "UTC"
    sheet = reread(Sheet.objects.create(name="Ana", **VALUES))
    form = SheetForm(instance=sheet)
    page = form.as_p()
    assert CANARY in page
    assert "(202) 555-0123" in page
    assert page.count(CANARY) == 1
    assert not SheetForm(TYPED, instance=sheet).has_changed()


def test_an_empty_form_stores_nothing(raw):
    form = SheetForm(dict.fromkeys(TYPED, ""))
    assert form.is_valid(), form.errors
    sheet = form.save()
    assert all(raw(sheet, name) is None for name in VALUES)


def test_each_field_has_the_form_field_of_its_kind():
    kinds = {name: type(field) for name, field in SheetForm().fields.items()}
    assert kinds == {
        "note": forms.CharField,
        "alias": forms.CharField,
        "level": forms.TypedChoiceField,
        "phone": PhoneNumberField,
        "born": forms.DateField,
        "seen_at": forms.DateTimeField,
        "age": forms.IntegerField,
        "dose": forms.DecimalField,
        "pregnant": forms.NullBooleanField,
        "answers": forms.JSONField,
        "topics": forms.JSONField,
        "name": forms.CharField,
    }
    fields = SheetForm().fields
    assert isinstance(fields["note"].widget, forms.Textarea)
    assert isinstance(fields["alias"].widget, forms.TextInput)
    assert fields["alias"].max_length == 20
    assert all(field.widget.attrs["autocomplete"] == "off" for field in fields.values())
    assert not any(field.show_hidden_initial for field in fields.values())


def test_a_form_refuses_half_a_surrogate_pair_kindly():
    form = SheetForm({**TYPED, "note": "half \ud83d a pair"})
    assert not form.is_valid()
    assert "surrogate" in str(form.errors["note"])


def test_the_admin_shows_the_plain_value():
    sheet = reread(Sheet.objects.create(note=CANARY, level="detox"))
    assert sheet.get_level_display() == "Medical detox"
    shown = {
        name: display_for_field(getattr(sheet, name), Sheet._meta.get_field(name), "-")
        for name in ("note", "level", "age")
    }
    assert shown == {"note": CANARY, "level": "Medical detox", "age": "-"}


# --- migrations and checks -----------------------------------------------------------------------


@pytest.mark.parametrize("field", Sheet._meta.concrete_fields, ids=lambda field: field.name)
def test_a_field_is_the_same_after_a_migration_wrote_it(field):
    name, _path, args, options = field.deconstruct()
    twin = type(field)(*args, **options)
    twin.set_attributes_from_name(name)
    assert twin.deconstruct()[2:] == field.deconstruct()[2:]
    assert twin.null == field.null
    MigrationWriter.serialize(field)


def test_a_column_can_be_added_to_a_table_with_rows(django_db_blocker):
    for field in (
        EncryptedTextField(),
        EncryptedTextField(default=""),
        EncryptedDateField(null=True),
    ):
        field.set_attributes_from_name("added")
        assert connection.schema_editor(collect_sql=True).effective_default(field) is None


def test_the_sheets_pass_their_checks():
    assert Sheet.check() == []


@isolate_apps("intake")
def test_options_that_cannot_work_are_found_by_the_checks():
    class Wrong(models.Model):
        one = EncryptedTextField(unique=True)
        two = EncryptedTextField(db_index=True)
        three = EncryptedDateField(blank=True)
        four = EncryptedTextField(db_default="x")

        class Meta:
            app_label = "crypto_tests"

        def __str__(self):
            return "Wrong"

    found = {(error.obj.name, error.id) for error in Wrong.check() if error.id.startswith("crypto")}
    assert found == {
        ("one", "crypto.E001"),
        ("two", "crypto.E001"),
        ("three", "crypto.E003"),
        ("four", "crypto.E002"),
    }
