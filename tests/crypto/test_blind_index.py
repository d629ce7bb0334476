"""Blind indexes: the same person is found again, and the index tells nobody who it is."""

import pytest
from django.core.exceptions import FieldError
from django.db import models, transaction
from django.test.utils import isolate_apps
from hypothesis import given
from hypothesis import strategies as st
from phonenumber_field.phonenumber import PhoneNumber

from intake.crypto import (
    BlindIndexField,
    EncryptedTextField,
    blind_index,
    blind_index_candidates,
    declare_purpose,
    normalise_identifier,
    normalise_name,
    normalise_phone,
    with_blind_indexes,
)
from intake.crypto.keyring import INDEX, edit_keyring_file
from tests.crypto.sheets import Sheet

pytestmark = pytest.mark.usefixtures("sheets")

PHONE = PhoneNumber.from_string("+12025550123")


def found_by_phone(number):
    candidates = blind_index_candidates("sheet.phone", number)
    return list(Sheet.objects.filter(phone_index__in=candidates))


# --- looking up ----------------------------------------------------------------------------------


def test_a_number_is_found_however_it_is_written():
    sheet = Sheet.objects.create(phone=PHONE)
    Sheet.objects.create(phone="+13055550199")
    Sheet.objects.create()
    for written in (PHONE, "+12025550123", "(202) 555-0123", "1-202-555-0123", " 202.555.0123 "):
        assert found_by_phone(written) == [sheet]
    assert found_by_phone("+12025550124") == []
    assert Sheet.objects.get(phone_index=blind_index("sheet.phone", PHONE)) == sheet


def test_a_name_is_found_however_it_is_written():
    sheet = Sheet.objects.create(name="Zoë  Núñez-O\u2019Brien")
    index = blind_index("sheet.name", "zoe nunez obrien")
    assert Sheet.objects.get(name_index=index) == sheet


def test_equal_numbers_for_different_purposes_have_different_indexes():
    declare_purpose("other.phone", "phone")
    assert blind_index("sheet.phone", PHONE) != blind_index("other.phone", PHONE)
    assert len(blind_index("sheet.phone", PHONE)) == 32


def test_the_index_depends_on_its_key(key_file):
    before = blind_index("sheet.phone", PHONE)
    edit_keyring_file(lambda ring: ring.with_new_key(INDEX)[0])
    assert blind_index("sheet.phone", PHONE) != before
    assert blind_index_candidates("sheet.phone", PHONE)[1] == before


def test_a_row_under_the_previous_key_is_found_while_rotating():
    sheet = Sheet.objects.create(phone=PHONE)
    edit_keyring_file(lambda ring: ring.with_new_key(INDEX)[0])
    newer = Sheet.objects.create(phone=PHONE)
    assert set(found_by_phone(PHONE)) == {sheet, newer}


@pytest.mark.parametrize("value", ["", "   ", "?!"])
def test_nothing_is_looked_up_for_nothing(value):
    with pytest.raises(ValueError, match="nothing to look up"):
        blind_index("sheet.name", value)


@pytest.mark.parametrize("value", ["", "call me", "+1202555", "+12025550123;ext=5"])
def test_what_is_no_number_is_refused_without_being_quoted(value):
    with pytest.raises(ValueError, match="phone number") as refusal:
        blind_index("sheet.phone", value)
    assert "202555" not in str(refusal.value)


def test_text_that_is_none_is_refused_without_being_quoted():
    with pytest.raises(ValueError, match=r"nothing to look up|not text") as refusal:
        blind_index("sheet.name", "\ud83d")
    assert refusal.value.__cause__ is None


def test_a_mistyped_purpose_is_an_error_not_an_empty_answer():
    with pytest.raises(ValueError, match="not a declared purpose"):
        blind_index("sheet.fone", PHONE)
    with pytest.raises(ValueError, match="declared twice"):
        declare_purpose("sheet.phone", "name")
    with pytest.raises(ValueError, match="not one of"):
        declare_purpose("sheet.email", "email")


@pytest.mark.parametrize("lookup", ["phone_index__gt", "phone_index__contains", "phone_index__x"])
def test_only_equality_can_be_asked(lookup):
    with pytest.raises(FieldError, match="digests"):
        Sheet.objects.filter(**{lookup: b"x" * 32}).exists()


@pytest.mark.parametrize("value", ["+12025550123", b"short", PHONE, ["+12025550123"]])
def test_a_plaintext_is_never_compared_with_an_index(value):
    name = "phone_index__in" if isinstance(value, list) else "phone_index"
    with pytest.raises(TypeError, match="digests") as refusal:
        Sheet.objects.filter(**{name: value}).exists()
    assert "2025550123" not in str(refusal.value)


# --- keeping the index ---------------------------------------------------------------------------


def test_the_index_follows_its_source(raw):
    sheet = Sheet.objects.create(phone=PHONE)
    sheet.phone = "+13055550199"
    sheet.save()
    assert found_by_phone(PHONE) == []
    assert found_by_phone("+13055550199") == [sheet]
    sheet.phone = None
    sheet.save(update_fields=with_blind_indexes(Sheet, ["phone"]))
    assert raw(sheet, "phone_index") is None


def test_rows_created_in_bulk_are_found():
    Sheet.objects.bulk_create([Sheet(phone=PHONE, name="Ana"), Sheet(phone="+13055550199")])
    assert len(found_by_phone(PHONE)) == 1
    assert Sheet.objects.filter(name_index=blind_index("sheet.name", "ANA")).count() == 1


@pytest.mark.parametrize("half", [["phone"], ["phone_index"], ["name", "phone", "phone_index"]])
def test_saving_source_or_index_alone_is_refused(half):
    sheet = Sheet.objects.create(phone=PHONE, name="Ana")
    sheet.phone, sheet.name = "+13055550199", "Eve"
    with pytest.raises(ValueError, match="together"), transaction.atomic():
        sheet.save(update_fields=half)
    assert found_by_phone(PHONE) == [sheet]
    sheet.save(update_fields=with_blind_indexes(Sheet, [*half, "phone"]))
    assert found_by_phone("+13055550199") == [sheet]


def test_a_partly_loaded_row_keeps_its_index():
    sheet = Sheet.objects.create(phone=PHONE)
    Sheet.objects.defer("phone").get().save()
    Sheet.objects.only("title", "phone").get().save()  # loaded, but not read: not changed
    assert found_by_phone(PHONE) == [sheet]
    changed = Sheet.objects.only("phone").get()
    changed.phone = "+13055550199"
    with pytest.raises(ValueError, match="together"):
        changed.save()


def test_an_instance_from_before_a_rotation_does_not_bring_the_old_key_back():
    stale = Sheet.objects.get(pk=Sheet.objects.create(phone=PHONE, note="x").pk)
    edit_keyring_file(lambda ring: ring.with_new_key(INDEX)[0])
    stale.save()
    assert Sheet.objects.get(phone_index=blind_index("sheet.phone", PHONE)) == stale


# --- what counts as equal ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("Ana", "ana"),
        ("  ANA   MARÍA ", "ana maria"),
        ("O'Brien", "obrien"),
        ("O\u2019Brien", "obrien"),
        ("Smith-Jones", "smith jones"),
        ("Smith\u2013Jones", "smith jones"),
        ("Straße", "strasse"),
        ("İpek", "ipek"),
        ("Dr. J. R. Doe, Jr.", "dr j r doe jr"),
        ("ﬁona", "fiona"),
        ("李小龙", "李小龙"),
        ("😀", ""),
    ],
)
def test_names_are_equal_when_they_sound_in_the_ear_of_a_clerk(written, normal):
    assert normalise_name(written) == normal


@given(st.text(max_size=40))
def test_normalising_a_name_twice_changes_nothing(text):
    assert normalise_name(normalise_name(text)) == normalise_name(text)


def test_a_member_id_is_equal_with_and_without_its_dashes():
    assert normalise_identifier("xyz 123-45.6") == normalise_identifier("XYZ123456") == "xyz123456"


def test_a_number_is_normalised_to_e164():
    assert normalise_phone("(202) 555-0123") == "+12025550123"


# --- checks --------------------------------------------------------------------------------------


@isolate_apps("intake")
def test_an_index_of_readable_text_is_found_by_the_checks():
    class Open(models.Model):
        name = models.CharField(max_length=10)
        name_index = BlindIndexField(source="name", purpose="open.name", normalise="name")
        gone_index = BlindIndexField(source="gone", purpose="open.gone", normalise="name")
        note = EncryptedTextField()
        note_index = BlindIndexField(source="note", purpose="open.note", normalise="name")

        class Meta:
            app_label = "crypto_tests"

        def __str__(self):
            return "Open"

    found = [(error.obj.name, error.id) for error in Open.check() if "crypto" in error.id]
    assert found == [("name_index", "crypto.E011"), ("gone_index", "crypto.E011")]
