"""Changing the keys of living data: nothing is lost and nothing is left behind."""

import os
import time

import pytest
from django.core.management import CommandError, call_command

from intake.crypto import DecryptionError, blind_index, get_keyring, rotation
from intake.crypto.checks import verify_keyring
from intake.crypto.keyring import ENCRYPTION, INDEX
from intake.management.commands import rotate_keys
from intake.models import Event, KeyCheck
from tests.crypto.rows import fill, key_ids, new_key, notes, rotate
from tests.crypto.sheets import Letter, Sheet

# --- encryption keys -----------------------------------------------------------------------------


def test_every_value_moves_to_the_new_key(rotating, capsys):
    fill()
    before = notes()
    rotate("--new-key")
    assert key_ids() == {"k2"}
    assert notes() == before
    assert sorted(letter.note for letter in Letter.objects.all()) == [
        f"letter {n}" for n in range(3)
    ]
    said = capsys.readouterr().out
    assert "10 rows moved to key k2" in said
    assert "Back up" in said


def test_the_old_key_can_be_retired_and_nothing_misses_it(rotating):
    fill()
    rotate("--new-key")
    rotate("--retire", "k1")
    assert set(get_keyring().encryption.keys) == {"k2"}
    verify_keyring()
    assert len(notes()) == 7
    assert KeyCheck.objects.get(key_id="k1").retired_at is not None


def test_retiring_moves_what_was_sealed_meanwhile(rotating):
    fill()
    new_key()
    rotate("--retire", "k1")
    assert key_ids() == {"k2"}
    assert len(notes()) == 7


def test_retiring_waits_until_requests_under_way_have_ended(rotating, monkeypatch, key_file):
    fill()
    new_key()
    slept = []
    monkeypatch.setattr(rotate_keys.time, "sleep", slept.append)
    call_command("rotate_keys", "--retire", "k1", "--settle-seconds=120")
    assert slept
    assert 100 < slept[0] <= 120
    new_key()
    os.utime(key_file, (time.time() - 500, time.time() - 500))
    call_command("rotate_keys", "--retire", "k2", "--settle-seconds=120")
    assert len(slept) == 1


@pytest.mark.parametrize(
    ("key_id", "message"),
    [("k1", "current key"), ("i1", "current key"), ("a1", "it stays"), ("k9", "no key k9")],
)
def test_a_key_in_use_cannot_be_retired(rotating, key_id, message):
    fill()
    with pytest.raises(CommandError, match=message):
        rotate("--retire", key_id)
    assert len(notes()) == 7


def test_a_second_run_finds_nothing_to_do(rotating, capsys, raw):
    fill()
    rotate("--new-key")
    sheet = Sheet.objects.first()
    bytes_before = raw(sheet, "note")
    capsys.readouterr()
    rotate()
    assert "0 rows moved to key k2" in capsys.readouterr().out
    assert raw(sheet, "note") == bytes_before


class Killed(BaseException):
    """What SIGKILL looks like from inside: no handler runs."""


def test_a_run_killed_midway_is_simply_started_again(rotating):
    fill()
    new_key()
    batches = []

    def kill(rows):
        batches.append(rows)
        if len(batches) == 2:
            raise Killed

    with pytest.raises(Killed):
        rotation.reseal(report=kill)
    assert key_ids() == {"k1", "k2"}
    assert len(notes()) == 7  # both keys are there, so everything reads
    outcome = rotation.reseal()
    assert key_ids() == {"k2"}
    assert outcome.complete
    assert outcome.changed == 10 - 4


def test_a_value_saved_while_its_row_is_being_moved_is_kept(rotating, monkeypatch):
    fill(1)
    new_key()
    sheet = Sheet.objects.get()
    original = rotation._resealed
    saved = []

    def slowly(columns, damaged, pk, stored):
        fresh = original(columns, damaged, pk, stored)
        if pk == sheet.pk and not saved:  # between reading and writing
            sheet.note = "written meanwhile"
            sheet.save()
            saved.append(True)
        return fresh

    monkeypatch.setattr(rotation, "_resealed", slowly)
    outcome = rotation.reseal()
    assert saved
    assert notes() == ["written meanwhile"]
    assert outcome.complete
    assert key_ids() == {"k2"}


def test_an_instance_loaded_before_does_not_bring_the_old_key_back(rotating):
    fill(1)
    unread, read = Sheet.objects.get(), Sheet.objects.get()
    assert read.note == "note 0"
    new_key()
    assert rotation.reseal().complete
    unread.save()
    read.save()
    assert key_ids() == {"k2"}
    assert notes() == ["note 0"]


def test_one_damaged_value_holds_up_nobody_and_is_named(rotating, write_raw, raw, capsys):
    fill()
    verify_keyring()
    bad = Sheet.objects.order_by("pk").first()
    write_raw(bad, "note", raw(bad, "note")[:-1])
    new_key()
    with pytest.raises(CommandError, match="1 values do not open"):
        rotate()
    assert f"crypto_tests_sheet.note:{bad.pk}" in capsys.readouterr().err
    assert rotation.count_sealed_with("k1", "default") == 1
    with pytest.raises(CommandError):
        rotate("--retire", "k1")
    assert "k1" in get_keyring().encryption.keys
    with pytest.raises(DecryptionError):
        _ = Sheet.objects.get(pk=bad.pk).note


def test_a_wrong_ring_rotates_nothing(rotating, key_file):
    fill()
    verify_keyring()
    key_file.unlink()
    from intake.crypto.keyring import create_keyring_file

    create_keyring_file(key_file)
    with pytest.raises(CommandError, match="Restore the key file"):
        rotate("--new-key")
    assert set(get_keyring().encryption.keys) == {"k1"}


def test_with_keys_from_the_environment_the_operator_edits_them(rotating, settings):
    fill()
    old = get_keyring()
    settings.HELPLINE_KEYS = old.to_json()
    with pytest.raises(CommandError, match="HELPLINE_KEYS"):
        rotate("--new-key")
    both = old.with_new_key(ENCRYPTION)[0].with_new_key(INDEX)[0]
    settings.HELPLINE_KEYS = both.to_json()
    rotate("--retire", "k1")
    rotate("--retire", "i1")
    settings.HELPLINE_KEYS = both.without_key(ENCRYPTION, "k1").without_key(INDEX, "i1").to_json()
    verify_keyring()
    assert len(notes()) == 7


def test_a_prepared_key_is_known_before_it_is_used(rotating):
    """Where processes see a new file only after a restart: first known everywhere, then used."""
    fill()
    rotate("--prepare", "encryption")
    rotate("--prepare", "index")
    ring = get_keyring()
    assert (ring.encryption.current, ring.index.current) == ("k1", "i1")
    assert (ring.prepared(ENCRYPTION), ring.prepared(INDEX)) == ("k2", "i2")
    assert key_ids() == {"k1"}
    rotate("--new-key", "--new-index-key")
    assert set(get_keyring().encryption.keys) == {"k1", "k2"}
    assert get_keyring().encryption.keys["k2"] == ring.encryption.keys["k2"]
    assert get_keyring().index.current == "i2"
    assert key_ids() == {"k2"}


def test_a_key_file_that_cannot_be_replaced_is_left_as_it_is(rotating, key_file, monkeypatch):
    def read_only(*paths):
        raise OSError(30, "Read-only file system")

    before = key_file.read_bytes()
    monkeypatch.setattr("intake.crypto.keyring.os.replace", read_only)
    with pytest.raises(CommandError, match="cannot be replaced: Read-only"):
        rotate("--new-key")
    assert key_file.read_bytes() == before


def test_every_step_is_in_the_audit_without_a_key_in_it(rotating):
    fill()
    rotate("--new-key")
    rotate("--retire", "k1")
    events = Event.objects.filter(verb="keys.rotated").order_by("id")
    steps = [(event.detail["step"], event.detail["key"]) for event in events]
    assert steps == [("current", "k2"), ("moved", "k2"), ("moved", "k2"), ("retired", "k1")]
    assert {event.actor_kind for event in events} == {"system"}
    assert events[1].detail["rows"] == 10


# --- index keys ----------------------------------------------------------------------------------


def test_every_index_moves_to_the_new_key(rotating):
    fill()
    rotate("--new-index-key")
    assert get_keyring().index.current == "i2"
    rotate("--retire", "i1")
    assert set(get_keyring().index.keys) == {"i2"}
    found = Sheet.objects.get(phone_index=blind_index("sheet.phone", "+12025550103"))
    assert found.note == "note 3"
    assert key_ids() == {"k1"}
    verify_keyring()


def test_reindexing_killed_midway_is_simply_started_again(rotating):
    fill()
    new_key(INDEX)

    def kill(rows):
        raise Killed

    with pytest.raises(Killed):
        rotation.reindex(report=kill)
    outcome = rotation.reindex()
    assert outcome.complete
    assert outcome.changed == 7 - 2
    assert rotation.reindex().changed == 0


def test_reindexing_repairs_a_lost_index_and_names_a_damaged_source(rotating, write_raw, raw):
    fill(3)
    one, two, _three = Sheet.objects.order_by("pk")
    Sheet.objects.filter(pk=one.pk).update(phone_index=None)
    write_raw(two, "phone", raw(two, "phone")[:-1])
    outcome = rotation.reindex()
    assert outcome.changed == 1
    assert outcome.damaged == {f"crypto_tests_sheet.phone:{two.pk}"}
    assert Sheet.objects.get(phone_index=blind_index("sheet.phone", one.phone)) == one
