"""Invented rows of the test models, and what the tests ask about them."""

import datetime as dt
from decimal import Decimal

from django.core.management import call_command
from phonenumber_field.phonenumber import PhoneNumber

from intake.crypto import inventory
from intake.crypto.keyring import AUDIT, ENCRYPTION, INDEX, edit_keyring_file, forget_keyring
from tests.crypto.sheets import Letter, Sheet

CANARY = "canary-7f3a clonazepam"
PHONE = PhoneNumber.from_string("+12025550123")

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


def fill(count=7):
    """`count` sheets and three letters, sealed with the current key."""
    Sheet.objects.bulk_create(
        [Sheet(note=f"note {n}", phone=f"+120255501{n:02}", topics=[n]) for n in range(count)]
    )
    Letter.objects.bulk_create([Letter(note=f"letter {n}") for n in range(3)])


def notes():
    return sorted(sheet.note for sheet in Sheet.objects.all())


def key_ids():
    """The keys with which anything is sealed."""
    columns = [(m, f.name) for m in (Sheet, Letter) for f in inventory.encrypted_fields(m)]
    return {
        value.key_id
        for model, name in columns
        for value in model.objects.values_list(name, flat=True)
        if value is not None
    }


def new_key(purpose=ENCRYPTION):
    edit_keyring_file(lambda ring: ring.with_new_key(purpose)[0])


def all_keys(ring):
    return [key for p in (ENCRYPTION, INDEX, AUDIT) for key in ring.purpose(p).keys.values()]


def replace_file(path, ring):
    path.unlink()
    path.touch(mode=0o600)
    path.write_text(ring.to_json())
    forget_keyring()


def rotate(*options):
    call_command("rotate_keys", "--settle-seconds=0", *options)
