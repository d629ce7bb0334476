"""One statement composed once writes what Django would write."""

import pytest
from django.db import connection

from intake.actions import allowances
from intake.models import Allowance, Callback, Person
from intake.models.inserting import Insertion, insert_if
from tests.casting import maria, open_callback

pytestmark = pytest.mark.django_db


def stored(model, pk):
    """The row as the database holds it, nothing converted or opened."""
    key = model._meta.pk.get_db_prep_value(pk, connection)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {model._meta.db_table} WHERE id = %s", [key])  # noqa: S608
        (row,) = cursor.fetchall()
        named = zip([column[0] for column in cursor.description], row, strict=True)
        return {name: bytes(v) if isinstance(v, memoryview) else v for name, v in named}


def written_anew(model, pk):
    """The same row, taken out and put in again by one prepared statement."""
    row = model.objects.get(pk=pk)
    model.objects.filter(pk=pk)._raw_delete(using="default")
    row._state.adding = True
    Insertion.of(row).run()
    return stored(model, pk)


@pytest.mark.parametrize("filled", [{}, {"reason": "about my son", "in_danger": True}])
def test_a_callback_is_written_as_saving_writes_it(now, agent, filled):
    pk = open_callback(due_at=now, now=now, owner=agent, **filled).pk
    saved = stored(Callback, pk)
    assert saved["person_id"] is not None
    assert saved["call_id"] is None
    assert written_anew(Callback, pk) == saved


@pytest.mark.parametrize("fields", [{}, {"zip_code": "20001", "alias": "M.", "text_ok": True}])
def test_a_person_is_written_as_saving_writes_it(now, fields):
    person = maria(**fields)
    person.created_at = now
    person.save()
    pk = person.pk
    saved = stored(Person, pk)
    assert saved["phone_index"] is not None
    assert written_anew(Person, pk) == saved


@pytest.mark.postgresql
def test_rows_are_written_with_what_they_depend_on_or_not_at_all(now):
    def written(**fields):
        person = maria(created_at=now, **fields)
        one_more = allowances.use(address="203.0.113.7", most=("%s", [1]), now=now)
        wait = [("SELECT pg_advisory_xact_lock(%s, %s)", [7, 8])]
        return insert_if(one_more, [Insertion.of(person)], after=wait), person

    is_first, first = written(alias="50 %s; M.", zip_code="20001")
    is_second, second = written(alias="Zebrafinch")
    assert (is_first, is_second) == (True, False)
    saved = stored(Person, first.pk)
    assert saved == written_anew(Person, first.pk)
    assert Person.objects.get(pk=first.pk).alias == "50 %s; M."
    assert not Person.objects.filter(pk=second.pk).exists()
    assert (first._state.adding, second._state.adding) == (False, True)
    assert Allowance.objects.get().used == 1
