"""Encrypted fields: what goes in comes out, at its own place, and nowhere else."""

import datetime as dt
import json
import uuid

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from intake.crypto import DecryptionError
from intake.crypto.cipher import decrypt, encrypt, place
from tests.crypto.rows import CANARY, PHONE, VALUES, reread
from tests.crypto.sheets import Letter, Sheet, Slip

pytestmark = pytest.mark.usefixtures("sheets")

NEW_YORK = dt.timezone(dt.timedelta(hours=-5))

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
    stored = b"".join(raw(sheet, field.name) or b"" for field in encrypted)
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


def test_no_nonce_is_used_twice():
    sealed = [encrypt(b"same", at=place("t", "c", 1)).blob for _ in range(1000)]
    assert len({blob[4:16] for blob in sealed}) == 1000


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
    plain = [b"plain text left by someone", b"\x01\x11plain text by someone" + b"x" * 40]
    for bad in [*flipped, *cut_off, good + b"\0", *plain]:
        write_raw(sheet, "note", bad)
        with pytest.raises(DecryptionError) as refusal:
            _ = reread(sheet).note
        assert "plain" not in str(refusal.value)


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
