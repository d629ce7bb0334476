"""Encrypted fields: what goes in comes out, at its own place, and nothing else ever does."""

import copy
import datetime as dt
import json
import uuid
from decimal import Decimal

import pytest
from django import forms
from django.contrib.admin.utils import display_for_field
from django.core import serializers
from django.core.exceptions import FieldError, ValidationError
from django.db import connection, models, transaction
from django.db.migrations.writer import MigrationWriter
from django.db.models import F, Value
from django.db.models.functions import Concat
from django.test.utils import CaptureQueriesContext, isolate_apps
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from phonenumber_field.formfields import PhoneNumberField
from phonenumber_field.phonenumber import PhoneNumber

from intake.crypto import Ciphertext, DecryptionError, EncryptedDateField, EncryptedTextField
from intake.crypto.cipher import decrypt, encrypt, place
from tests.crypto.sheets import Letter, Sheet, SheetQueue, Slip

pytestmark = pytest.mark.usefixtures("sheets")

CANARY = "canary-7f3a clonazepam"
PHONE = PhoneNumber.from_string("+12025550123")
NEW_YORK = dt.timezone(dt.timedelta(hours=-5))

VALUES = {
    "note": CANARY,
    "alias": "J.",
    "level": "detox",
    "phone": PHONE,
    "born": dt.date(1987, 2, 28),
    "seen_at": dt.datetime(2026, 3, 9, 23, 59, 59, tzinfo=dt.UTC),
    "age": 39,
    "dose": Decimal("0.50"),
    "pregnant": False,
    "answers": {"seizure": True, "since": ["yesterday", None, 2.5]},
    "topics": ["detox", "café 😀"],
}


def reread(sheet):
    return type(sheet).objects.get(pk=sheet.pk)


# --- round trips ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "value"), VALUES.items(), ids=VALUES)
def test_a_value_reads_back_as_it_was_saved(name, value, raw):
    sheet = Sheet.objects.create(name="X", **{name: value})
    again = getattr(reread(sheet), name)
    assert again == value
    assert type(again) is type(value)
    assert raw(sheet, name)[:4] == b"\x01\x02k1"


@pytest.mark.parametrize("name", VALUES)
def test_a_value_left_out_is_null_and_reads_back_as_nothing(name, raw):
    sheet = Sheet.objects.create()
    assert raw(sheet, name) is None
    empty = {"answers": {}, "topics": []}.get(
        name, "" if name in ("note", "alias", "level") else None
    )
    assert getattr(reread(sheet), name) == getattr(sheet, name) == empty


@hypothesis_settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=300))
def test_any_text_reads_back(text):
    assert reread(Sheet.objects.create(note=text)).note == text


def test_a_note_of_100_kilobytes_reads_back():
    text = "ängstlich 😰 " * 8000
    assert len(text.encode()) > 100_000
    assert reread(Sheet.objects.create(note=text)).note == text


@given(st.binary(max_size=2000))
def test_any_bytes_open_to_themselves(data):
    at = place("t", "c", 1)
    assert decrypt(encrypt(data, at=at), at=at) == data


def test_a_moment_is_returned_in_utc_to_the_microsecond():
    sheet = Sheet.objects.create(seen_at=dt.datetime(2026, 3, 8, 21, 0, 0, 7, tzinfo=NEW_YORK))
    assert reread(sheet).seen_at == dt.datetime(2026, 3, 9, 2, 0, 0, 7, tzinfo=dt.UTC)
    assert reread(sheet).seen_at.tzinfo is dt.UTC


def test_a_phone_given_as_text_is_a_number_at_once():
    sheet = Sheet.objects.create(phone="(202) 555-0123")
    assert sheet.phone == PHONE
    assert reread(sheet).phone.as_e164 == "+12025550123"
    sheet.phone = "  "
    assert sheet.phone is None


# --- what lies in the database -------------------------------------------------------------------


def test_no_plaintext_lies_in_the_row(raw):
    sheet = Sheet.objects.create(name=CANARY, **VALUES)
    encrypted = [
        field for field in Sheet._meta.concrete_fields if field.name not in ("id", "title")
    ]
    stored = b"".join(raw(sheet, field.name) for field in encrypted)
    for secret in (CANARY, "2025550123", "1987", "seizure", "0.50", "detox"):
        assert secret.encode() not in stored


def test_no_plaintext_travels_in_the_sql():
    with CaptureQueriesContext(
        connection,
    ) as queries:
        sheet = Sheet.objects.create(name=CANARY, **VALUES)
        sheet.full_clean()
        sheet.save()
        reread(sheet).save()
    sent = json.dumps([query["sql"] for query in queries], default=str)
    assert len(queries) > 3
    assert "canary" not in sent
    assert "2025550123" not in sent


def test_the_same_value_is_sealed_differently_each_time(raw):
    one, two = Sheet.objects.create(note=CANARY), Sheet.objects.create(note=CANARY)
    assert raw(one, "note") != raw(two, "note")


@pytest.mark.parametrize("pair", [("J.", "Jonathan-Maria"), ("", "x" * 12)])
def test_short_values_are_equally_long(pair, raw):
    sizes = {len(raw(Sheet.objects.create(note=f"N{text}"), "note")) for text in pair}
    assert sizes == {4 + 12 + 32 + 16}


# --- bound to its place --------------------------------------------------------------------------


def test_a_value_moved_to_another_row_does_not_open(raw, write_raw):
    one, two = Sheet.objects.create(note=CANARY), Sheet.objects.create(note="two")
    write_raw(two, "note", raw(one, "note"))
    with pytest.raises(DecryptionError) as refusal:
        _ = reread(two).note
    assert "crypto_tests_sheet.note" in str(refusal.value)
    assert "canary" not in str(refusal.value)


def test_a_value_moved_to_another_column_does_not_open(raw, write_raw):
    sheet = Sheet.objects.create(note=CANARY)
    write_raw(sheet, "other_note", raw(sheet, "note"))
    assert reread(sheet).note == CANARY
    with pytest.raises(DecryptionError):
        _ = reread(sheet).other_note


def test_a_value_moved_to_another_table_does_not_open(raw, write_raw):
    sheet = Sheet.objects.create(note=CANARY)
    letter = Letter.objects.create(pk=sheet.pk, note="letter")
    write_raw(letter, "note", raw(sheet, "note"))
    with pytest.raises(DecryptionError):
        _ = reread(letter).note


def test_a_damaged_value_never_reads_as_something_else(raw, write_raw):
    sheet = Sheet.objects.create(note=CANARY)
    good = raw(sheet, "note")
    flipped = [good[:i] + bytes([good[i] ^ 1]) + good[i + 1 :] for i in range(len(good))]
    cut_off = [good[:i] for i in range(len(good))]
    for bad in [*flipped, *cut_off, good + b"\0", b"plain text left by someone"]:
        write_raw(sheet, "note", bad)
        with pytest.raises(DecryptionError):
            _ = reread(sheet).note


def test_a_row_without_its_key_is_refused_before_it_is_sealed():
    with pytest.raises(ValueError, match="assign the primary key"), transaction.atomic():
        Slip.objects.create(note=CANARY)
    with pytest.raises(ValueError, match="assign the primary key"), transaction.atomic():
        Slip.objects.bulk_create([Slip(note=CANARY)])
    assert Slip.objects.create(pk=7, note=CANARY).note == Slip.objects.get(pk=7).note == CANARY


def test_a_key_given_as_text_binds_like_the_key_itself():
    pk = uuid.uuid4()
    Sheet(pk=str(pk).upper(), note=CANARY).save(force_insert=True)
    assert Sheet.objects.get(pk=pk).note == CANARY


def test_a_copy_under_a_new_key_is_sealed_anew_or_refused():
    original = Sheet.objects.create(note=CANARY, alias="J.")
    unread = reread(original)
    unread.pk, unread._state.adding = uuid.uuid4(), True
    with pytest.raises(DecryptionError), transaction.atomic():
        unread.save()
    read = reread(original)
    assert read.note == CANARY
    assert read.alias == "J."
    for field in Sheet._meta.concrete_fields:
        getattr(read, field.attname)
    read.pk, read._state.adding = uuid.uuid4(), True
    read.save()
    assert reread(read).note == reread(original).note == CANARY


# --- saving --------------------------------------------------------------------------------------


def test_what_did_not_change_keeps_its_bytes(raw):
    sheet = Sheet.objects.create(name="X", **VALUES)
    before = {name: raw(sheet, name) for name in VALUES}
    reread(sheet).save()  # never opened
    opened = reread(sheet)
    for name in VALUES:
        setattr(opened, name, getattr(opened, name))
    opened.save()
    sheet.save()  # the instance that was created
    assert {name: raw(sheet, name) for name in VALUES} == before


def test_what_changed_is_sealed_anew(raw):
    sheet = Sheet.objects.create(note=CANARY)
    before = raw(sheet, "note")
    again = reread(sheet)
    again.note += "!"
    again.save()
    assert raw(sheet, "note") != before
    assert reread(sheet).note == CANARY + "!"


def test_a_list_or_dict_changed_in_place_is_saved():
    sheet = Sheet.objects.create(answers={"seizure": None})
    again = reread(sheet)
    again.answers["seizure"] = True
    again.topics.append("detox")
    again.save()
    assert reread(sheet).answers == {"seizure": True}
    assert reread(sheet).topics == ["detox"]
    again.topics.clear()
    again.save()
    assert reread(sheet).topics == []


def test_emptying_a_value_makes_it_null(raw):
    sheet = Sheet.objects.create(note=CANARY, age=39)
    sheet.note, sheet.age = "", None
    sheet.save(update_fields=["note", "age"])
    assert raw(sheet, "note") is None
    assert raw(sheet, "age") is None
    assert not hasattr(sheet, "_note_sealed")


def test_many_rows_are_created_at_once():
    Sheet.objects.bulk_create([Sheet(note=f"{CANARY} {n}", phone=PHONE) for n in range(3)])
    assert sorted(sheet.note[-1] for sheet in Sheet.objects.all()) == ["0", "1", "2"]


@pytest.mark.parametrize(
    "value",
    [
        CANARY,
        F("other_note"),
        Value(CANARY),
        Value(CANARY, output_field=EncryptedTextField()),
        Concat(Value("canary"), Value("x"), output_field=models.TextField()),
    ],
    ids=["text", "F", "Value", "typed Value", "Concat"],
)
def test_update_writes_no_plaintext(value):
    sheet = Sheet.objects.create(note="before")
    with pytest.raises(TypeError, match="only save") as refusal, transaction.atomic():
        Sheet.objects.update(note=value)
    assert "canary" not in str(refusal.value)
    assert reread(sheet).note == "before"


def test_update_may_erase():
    sheet = Sheet.objects.create(note=CANARY)
    Sheet.objects.update(note=None)
    assert reread(sheet).note == ""


@pytest.mark.parametrize("note", [CANARY, ""])
def test_bulk_update_is_refused(note):
    sheet = Sheet.objects.create(note="before")
    sheet.note = note
    with pytest.raises(TypeError, match="bulk_update"), transaction.atomic():
        Sheet.objects.bulk_update([sheet], ["note"])
    assert reread(sheet).note == "before"


def test_fixtures_are_refused_both_ways():
    sheet = Sheet.objects.create(note=CANARY, born=dt.date(1987, 2, 28), name="X")
    for format_ in ("json", "python", "xml"):
        with pytest.raises(TypeError, match="database dump"):
            serializers.serialize(format_, [sheet])
    with pytest.raises(TypeError, match="fixtures"):
        sheet.save_base(raw=True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("note", 5),
        ("note", b"bytes"),
        ("note", "half \ud83d a pair"),
        ("note", F("other_note")),
        ("answers", {"half": "\ud83d"}),
        ("answers", {"not": {1, 2}}),
        ("answers", float("nan")),
        ("born", "1987-02-28"),
        ("born", dt.datetime(1987, 2, 28, tzinfo=dt.UTC)),
        ("seen_at", dt.datetime(2026, 3, 9)),  # noqa: DTZ001 - the point of this case
        ("seen_at", dt.date(2026, 3, 9)),
        ("age", True),
        ("age", "39"),
        ("age", 1.5),
        ("dose", 0.5),
        ("dose", Decimal("NaN")),
        ("pregnant", "yes"),
        ("phone", "not a number"),
        ("phone", "+1202555"),
        ("phone", "+12025550123;ext=5"),
        ("phone", 12025550123),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_without_being_quoted(name, value):
    with pytest.raises((TypeError, ValueError)) as refusal:
        Sheet.objects.create(**{name: value})
    for text in ("1987", "half", "ud83d", "2025550123", "not a number"):
        assert text not in str(refusal.value)
    assert refusal.value.__cause__ is None
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None


# --- reading -------------------------------------------------------------------------------------


def test_a_row_is_opened_only_where_it_is_read():
    sheet = Sheet.objects.create(note=CANARY, alias="J.")
    again = reread(sheet)
    assert isinstance(again.__dict__["note"], Ciphertext)
    assert again.note == CANARY
    assert again.__dict__["note"] == CANARY
    assert isinstance(again.__dict__["alias"], Ciphertext)


def test_a_sealed_value_shows_nothing():
    sheet = Sheet.objects.create(note=CANARY)
    (sealed,) = Sheet.objects.values_list("note", flat=True)
    assert f"{sealed} {sealed!r} {[sealed]}" == "<Ciphertext> <Ciphertext> [<Ciphertext>]"
    assert Sheet._meta.get_field("note").open(sealed, sheet.pk) == CANARY


def test_deferred_columns_load_when_read():
    sheet = Sheet.objects.create(note=CANARY, alias="J.")
    deferred = Sheet.objects.defer("note").get()
    assert "note" in deferred.get_deferred_fields()
    assert deferred.note == CANARY
    only = Sheet.objects.only("title").get()
    only.title = "changed"
    only.save()
    assert only.get_deferred_fields() >= {"note", "alias"}
    assert reread(sheet).note == CANARY
    assert reread(sheet).title == "changed"


def test_a_row_can_be_refreshed_copied_and_seen_through_a_proxy():
    sheet = Sheet.objects.create(note="before")
    other = reread(sheet)
    other.note = CANARY
    other.save()
    sheet.refresh_from_db()
    assert sheet.note == CANARY
    sheet.refresh_from_db(fields=["note"])
    queue = SheetQueue.objects.get(pk=sheet.pk)
    assert queue.note == CANARY
    queue.note = "through the proxy"
    queue.save()
    assert reread(sheet).note == "through the proxy"


def test_a_sealed_value_is_pickled_and_copied_sealed():
    import pickle

    sealed = encrypt(b"canary", at=b"here:1")
    assert pickle.loads(pickle.dumps(sealed)) == copy.deepcopy(sealed) == sealed  # noqa: S301


@pytest.mark.parametrize("opened", [False, True])
def test_an_instance_survives_pickling_and_copying(opened, monkeypatch):
    import pickle

    from django.apps import apps

    monkeypatch.setattr(apps, "get_model", lambda *label: Sheet)  # the isolated model
    sheet = reread(Sheet.objects.create(note=CANARY))
    if opened:
        assert sheet.note == CANARY
    for twin in (pickle.loads(pickle.dumps(sheet)), copy.copy(sheet), copy.deepcopy(sheet)):  # noqa: S301
        assert twin.note == CANARY
        twin.save()
    assert reread(sheet).note == CANARY


# --- looking up ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lookup",
    ["note", "note__icontains", "note__in", "note__gt", "note__regex", "born__year", "answers__a"],
)
def test_nothing_can_be_looked_up(lookup):
    with pytest.raises(FieldError, match="encrypted") as refusal:
        Sheet.objects.filter(**{lookup: CANARY}).exists()
    assert "canary" not in str(refusal.value)


def test_presence_can_be_looked_up():
    sheet = Sheet.objects.create(note=CANARY)
    Sheet.objects.create()
    assert Sheet.objects.get(note__isnull=False) == sheet
    assert Sheet.objects.filter(note__isnull=True).count() == 1


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
