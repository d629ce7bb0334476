"""Saving, reading and looking up: no plaintext slips past the fields."""

import copy
import datetime as dt
from decimal import Decimal

import pytest
from django.core import serializers
from django.core.exceptions import FieldError
from django.db import models, transaction
from django.db.models import F, Value
from django.db.models.functions import Concat

from intake.crypto import Ciphertext, EncryptedTextField
from intake.crypto.cipher import encrypt
from tests.crypto.rows import CANARY, PHONE, VALUES, reread
from tests.crypto.sheets import Sheet, SheetQueue

pytestmark = pytest.mark.usefixtures("sheets")

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


def test_of_a_plaintext_a_reading_query_learns_only_that_there_is_one():
    note = Sheet._meta.get_field("note")
    Sheet.objects.create()
    texts = {"one": CANARY, "other": "other", "none": ""}
    sent = {name: Value(text, output_field=note) for name, text in texts.items()}
    seen = Sheet.objects.annotate(**sent).values(*sent).get()
    assert seen["one"] == seen["other"] == Ciphertext(b"\1")
    assert seen["none"] is None


def test_presence_can_be_looked_up():
    sheet = Sheet.objects.create(note=CANARY)
    Sheet.objects.create()
    assert Sheet.objects.get(note__isnull=False) == sheet
    assert Sheet.objects.filter(note__isnull=True).count() == 1
