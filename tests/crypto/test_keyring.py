"""The key ring: kept private, and read with care."""

import base64
import json
import multiprocessing
import os
import pickle

import pytest

from intake.crypto import KeyringError, get_keyring, mac, verify_mac
from intake.crypto.keyring import (
    AUDIT,
    ENCRYPTION,
    INDEX,
    create_keyring_file,
    edit_keyring_file,
    forget_keyring,
    new_keyring,
)
from tests.crypto.rows import all_keys

# --- the file ------------------------------------------------------------------------------------


def test_a_new_file_is_private_and_complete(key_file):
    assert key_file.stat().st_mode & 0o777 == 0o600
    ring = get_keyring()
    assert [len(key) for key in all_keys(ring)] == [32, 32, 32]
    assert len(set(all_keys(ring))) == 3
    assert (ring.encryption.current, ring.index.current, ring.audit.current) == ("k1", "i1", "a1")


def test_a_file_that_exists_is_never_overwritten(key_file):
    before = key_file.read_bytes()
    with pytest.raises(KeyringError, match="exists already"):
        create_keyring_file(key_file)
    assert key_file.read_bytes() == before


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666, 0o644])
def test_a_file_others_can_read_is_refused(key_file, mode):
    key_file.chmod(mode)
    with pytest.raises(KeyringError, match="chmod 600"):
        get_keyring()
    key_file.chmod(0o400)
    assert get_keyring()


def test_a_missing_file_is_refused_with_advice(key_file):
    key_file.unlink()
    with pytest.raises(KeyringError, match="Restore the key file"):
        get_keyring()


def test_a_changed_file_is_used_at_once(key_file):
    before = get_keyring()
    edit_keyring_file(lambda ring: ring.with_new_key(ENCRYPTION)[0])
    assert get_keyring().encryption.current == "k2"
    assert get_keyring().encryption.keys["k1"] == before.encryption.keys["k1"]
    assert get_keyring() is get_keyring()
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert os.listdir(key_file.parent) == [key_file.name]


def test_a_file_spoiled_while_running_does_not_stop_the_helpline(key_file, caplog):
    ring = get_keyring()
    key_file.write_text("{")
    assert get_keyring() is ring
    assert "cannot be used" in caplog.text
    key_file.unlink()
    assert get_keyring() is ring
    forget_keyring()
    with pytest.raises(KeyringError):
        get_keyring()


def test_an_edit_that_was_killed_leaves_the_file_whole(key_file):
    leftover = key_file.with_name("keys.json.new")
    leftover.write_text("half a ri")
    edit_keyring_file(lambda ring: ring.with_new_key(INDEX)[0])
    assert get_keyring().index.current == "i2"
    assert not leftover.exists()


def test_two_edits_at_once_lose_no_key(key_file):
    """Two operators, two processes: the new keys of both are in the file."""

    def rotate_often():
        for _ in range(20):
            edit_keyring_file(lambda ring: ring.with_new_key(ENCRYPTION)[0])

    running = [multiprocessing.get_context("fork").Process(target=rotate_often) for _ in range(2)]
    for process in running:
        process.start()
    for process in running:
        process.join(30)
    assert [process.exitcode for process in running] == [0, 0]
    forget_keyring()
    assert len(get_keyring().encryption.keys) == 41


# --- the document --------------------------------------------------------------------------------


def test_the_ring_may_come_from_the_environment(settings, key_file):
    ring = new_keyring()
    settings.HELPLINE_KEYS = ring.to_json()
    assert get_keyring() == ring
    with pytest.raises(KeyringError, match="HELPLINE_KEYS"):
        edit_keyring_file(lambda ring: ring.with_new_key(ENCRYPTION)[0])


def broken(change):
    document = json.loads(new_keyring().to_json())
    change(document)
    return json.dumps(document)


SHORT = base64.b64encode(b"x" * 31).decode()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "No key ring"),
        ("{", "not valid JSON"),
        ("[]", "exactly the parts"),
        (broken(lambda d: d.pop("audit")), "exactly the parts"),
        (broken(lambda d: d.update(spare={})), "exactly the parts"),
        (broken(lambda d: d["index"].pop("current")), "current key"),
        (broken(lambda d: d["index"].update(current="i9")), "current key"),
        (broken(lambda d: d["index"].update(keys=[])), "needs a 'current'"),
        (broken(lambda d: d["index"]["keys"].update(i1=SHORT)), "not 32 bytes"),
        (broken(lambda d: d["index"]["keys"].update(i1="%%%")), "not base64"),
        (broken(lambda d: d["index"]["keys"].update(i1=7)), "not base64"),
        (broken(lambda d: d["index"]["keys"].update({"I 1": SHORT})), "key id"),
        (broken(lambda d: d["index"]["keys"].update(i1=d["audit"]["keys"]["a1"])), "twice"),
    ],
)
def test_a_malformed_ring_is_refused_and_not_quoted(settings, key_file, text, message):
    key_file.unlink()
    settings.HELPLINE_KEYS = text
    with pytest.raises(KeyringError, match=message) as refusal:
        get_keyring()
    for key in (
        json.loads(text).get("audit", {}).get("keys", {}).values() if text[:2] == '{"' else ()
    ):
        assert key not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_a_ring_shows_and_pickles_no_key():
    ring = get_keyring()
    shown = f"{ring!r} {ring} {ring.encryption!r}"
    assert "k1" in shown
    for key in all_keys(ring):
        assert repr(key) not in shown
        assert base64.b64encode(key).decode() not in shown
    for secret in (ring, ring.audit):
        with pytest.raises(TypeError, match="never pickled"):
            pickle.dumps(secret)


# --- digests -------------------------------------------------------------------------------------


def test_digests_of_different_purposes_differ():
    assert mac("event", b"x") != mac("event.link", b"x")
    assert mac("event", b"x") == mac("event", b"x")
    assert len(mac("event", b"x")) == 32
    for purpose in ("", "a\0b"):
        with pytest.raises(ValueError, match="purpose"):
            mac(purpose, b"x")


def test_a_digest_under_an_old_audit_key_is_still_verified():
    digest = mac("event", b"x")
    edit_keyring_file(lambda ring: ring.with_new_key(AUDIT)[0])
    assert mac("event", b"x") != digest
    assert verify_mac("event", b"x", digest)
    assert not verify_mac("event", b"y", digest)
    assert not verify_mac("event.link", b"x", digest)
