"""A missing or wrong key: nothing opens, and nothing starts."""

from dataclasses import replace

import pytest
from django.core import checks
from django.db import connection

from intake.crypto import DecryptionError, KeyringError, cipher, get_keyring
from intake.crypto.checks import verify_keyring
from intake.crypto.cipher import encrypt, header, place
from intake.crypto.keyring import (
    AUDIT,
    ENCRYPTION,
    INDEX,
    KeySet,
    forget_keyring,
    new_keyring,
)
from intake.models import KeyCheck
from tests.crypto.rows import all_keys, replace_file
from tests.crypto.sheets import Sheet

PHONE = "+12025550123"

# --- missing and wrong keys ----------------------------------------------------------------------


def test_a_value_whose_key_is_gone_does_not_open(sheets, key_file):
    sheet = Sheet.objects.create(note="canary")
    forgetful = get_keyring().with_new_key(ENCRYPTION)[0].without_key(ENCRYPTION, "k1")
    replace_file(key_file, forgetful)
    with pytest.raises(DecryptionError, match="needs key k1"):
        _ = Sheet.objects.get(pk=sheet.pk).note


def test_a_value_sealed_with_another_key_of_the_same_id_does_not_open(sheets, key_file):
    sheet = Sheet.objects.create(note="canary")
    replace_file(key_file, new_keyring())
    with pytest.raises(DecryptionError, match="does not open"):
        _ = Sheet.objects.get(pk=sheet.pk).note


def test_the_first_start_remembers_the_keys(sheets):
    KeyCheck.objects.all().delete()
    verify_keyring(store=False)
    assert not KeyCheck.objects.exists()
    verify_keyring()
    verify_keyring()
    stored = KeyCheck.objects.order_by("purpose").values_list("purpose", "key_id")
    assert list(stored) == [("audit", "a1"), ("encryption", "k1"), ("index", "i1")]
    text = " ".join(KeyCheck.objects.values_list("fingerprint", flat=True))
    assert all(key.hex() not in text for key in all_keys(get_keyring()))


@pytest.fixture
def remembered(sheets):
    """A database that has seen the ring of this test."""
    KeyCheck.objects.all().delete()
    verify_keyring()


@pytest.mark.parametrize("purpose", [ENCRYPTION, INDEX, AUDIT])
def test_a_ring_with_one_wrong_key_refuses_the_start(remembered, key_file, purpose):
    wrong = replace(get_keyring(), **{purpose: new_keyring().purpose(purpose)})
    replace_file(key_file, wrong)
    with pytest.raises(KeyringError, match=f"{purpose}.*Restore the key file"):
        verify_keyring()
    assert KeyCheck.objects.count() == 3


@pytest.mark.parametrize("purpose", [ENCRYPTION, INDEX, AUDIT])
def test_a_ring_that_lacks_a_key_in_use_refuses_the_start(remembered, key_file, purpose):
    Sheet.objects.create(note="canary", phone=PHONE)
    ring, added = get_keyring().with_new_key(purpose)
    old = next(key_id for key_id in ring.purpose(purpose).keys if key_id != added)
    replace_file(key_file, ring.without_key(purpose, old))
    with pytest.raises(KeyringError, match=f"lacks key {old}"):
        verify_keyring()


def test_a_new_key_beside_the_old_ones_is_welcome(remembered, key_file):
    Sheet.objects.create(note="canary", phone=PHONE)
    for purpose in (ENCRYPTION, INDEX, AUDIT):
        replace_file(key_file, get_keyring().with_new_key(purpose)[0])
    verify_keyring()
    assert KeyCheck.objects.count() == 6


def test_fingerprints_are_not_stored_over_data_that_does_not_open(sheets, key_file):
    """A restored dump with a new key file: valid, plausible, and wrong."""
    KeyCheck.objects.all().delete()
    Sheet.objects.create(note="canary")
    replace_file(key_file, new_keyring())
    with pytest.raises(KeyringError, match="does not open"):
        verify_keyring()
    assert not KeyCheck.objects.exists()


def test_fingerprints_are_not_stored_over_data_of_an_unknown_key(sheets, key_file, write_raw):
    KeyCheck.objects.all().delete()
    sheet = Sheet.objects.create(note="canary")
    write_raw(sheet, "note", header("k7") + b"x" * 60)
    with pytest.raises(KeyringError, match="not in the key ring"):
        verify_keyring()
    assert not KeyCheck.objects.exists()


def test_fingerprints_are_not_stored_over_indexes_of_another_key(sheets, key_file):
    KeyCheck.objects.all().delete()
    Sheet.objects.create(phone=PHONE)
    replace_file(key_file, replace(get_keyring(), index=new_keyring().index))
    with pytest.raises(KeyringError, match="not made with an index key"):
        verify_keyring()
    assert not KeyCheck.objects.exists()


def test_data_from_before_the_first_check_is_accepted_when_it_opens(sheets):
    KeyCheck.objects.all().delete()
    Sheet.objects.create(note="canary", phone=PHONE)
    verify_keyring()
    assert KeyCheck.objects.count() == 3


def test_a_database_that_is_not_migrated_yet_has_nothing_to_say(sheets, monkeypatch):
    monkeypatch.setattr(connection.introspection, "table_names", lambda *args: [])
    verify_keyring()


def test_the_database_check_reports_a_wrong_ring_and_a_missing_one(remembered, key_file):
    def found():
        errors = checks.run_checks(tags=[checks.Tags.database], databases=["default"])
        return [error.id for error in errors if error.id.startswith("crypto")]

    assert found() == []
    replace_file(key_file, new_keyring())
    assert found() == ["crypto.E021"]
    key_file.unlink()
    forget_keyring()
    assert found() == ["crypto.E021"]


def test_an_index_key_opens_nothing(monkeypatch):
    ring = get_keyring()
    at = place("t", "c", 1)
    sealed = encrypt(b"canary", at=at)
    swapped = replace(ring, encryption=KeySet("k1", {"k1": ring.index.keys["i1"]}))
    monkeypatch.setattr(cipher, "get_keyring", lambda: swapped)
    with pytest.raises(DecryptionError):
        cipher.decrypt(sealed, at=at)
