"""A new row made from one pattern is the one Django would have made."""

import pytest

from intake.models import Call, Callback, Event, Person
from intake.models.unsaved import unsaved
from tests.casting import maria

MADE_ANEW = {"id", "reference"}


def held(row):
    """All it holds, what stands for its relations among it."""
    own = {name: value for name, value in vars(row).items() if name not in {"_state", *MADE_ANEW}}
    state = row._state
    return own, state.adding, state.db, state.fields_cache


@pytest.mark.parametrize("model", [Call, Callback, Event, Person])
def test_nothing_given_is_all_by_default(model):
    assert held(unsaved(model)) == held(model())


def test_what_is_given_is_taken_as_django_takes_it(now):
    person = maria()
    given = {
        "person": person,
        "due_at": now,
        "requested_at": now,
        "urgency": "urgent",
        "in_danger": True,
        "request_token": "x" * 64,
    }
    assert held(unsaved(Callback, **given)) == held(Callback(**given))
    assert unsaved(Callback, **given).person is person


def test_a_number_given_as_text_becomes_a_number():
    given = {"alias": "Mia", "phone": "+12025550143", "zip_code": "20001"}
    assert held(unsaved(Person, **given)) == held(Person(**given))
    assert unsaved(Person, **given).phone == Person(**given).phone
    assert unsaved(Person).phone is None


def test_each_has_an_id_a_reference_and_details_of_its_own():
    first, second = unsaved(Callback), unsaved(Callback)
    assert first.pk.version == 7
    assert first.pk != second.pk
    assert first.reference != second.reference
    unsaved(Event).detail["of"] = "the first"
    assert unsaved(Event).detail == {}


def test_a_given_id_is_kept(now):
    pk = Callback(due_at=now).pk
    assert unsaved(Callback, id=pk).pk == pk


def test_a_misspelled_name_is_an_error():
    with pytest.raises(TypeError, match="Person has no field alais"):
        unsaved(Person, alais="Mia")


@pytest.mark.django_db
def test_it_is_saved_like_any_other(now):
    row = unsaved(Person, alias="Mia", phone="+12025550143", created_at=now)
    row.save()
    assert Person.objects.get(pk=row.pk).alias == "Mia"
