"""The known caller: shown as soon as the number is typed, and taken to be nobody in particular."""

import uuid
from datetime import timedelta

import pytest
from django.urls import reverse

from intake.actions import calls, consents
from intake.models import Call, Consent, Event, Person
from tests import casting
from tests.sheets import ADD, posted, text_of

pytestmark = pytest.mark.django_db

KNOWN = "/admin/intake/call/known-caller/"


@pytest.fixture
def browser(agent, client_for, frozen):
    return client_for(agent)


@pytest.fixture
def earlier(agent, now, frozen):
    """Ria called an hour ago, was promised a callback, and asked for her own name."""
    person = casting.maria(
        alias="Ria", approach_note="Ask for Ria, never for Maria.", age=52, state="DC"
    )
    before = now - timedelta(hours=1)
    call = casting.screened_call(agent=agent, now=before, person=person, narrative="Secret words")
    casting.open_callback(due_at=now + timedelta(hours=2), now=now, person=person)
    return call


def typed(browser, phone="(202) 555-0143", **more):
    return browser.post(KNOWN, {"caller-phone": phone, "call_id": str(uuid.uuid4()), **more})


def saved(browser, then="draft", **changes):
    """The call that this sheet became."""
    before = set(Call.objects.values_list("pk", flat=True))
    response = browser.post(ADD, posted(then, **changes))
    assert response.status_code == 302, text_of(response)
    return Call.objects.exclude(pk__in=before).get()


# --- As the number is typed -----------------------------------------------------------------------


def test_the_number_shows_calls_callbacks_and_how_to_approach_but_no_narrative(browser, earlier):
    page = text_of(typed(browser))
    promise = earlier.caller.callbacks.get()
    for shown in (earlier.reference, promise.reference, "Ask for Ria", "Goes by Ria", "data-level"):
        assert shown in page
    assert "Secret words" not in page
    assert 'aria-pressed="true">Somebody else' in page
    assert "Do not call" not in page
    assert "<html" not in page


def test_a_number_that_asked_not_to_be_called_says_so_at_once(browser, earlier):
    Person.objects.update(do_not_call=True)
    assert "Do not call this number" in text_of(typed(browser))


@pytest.mark.parametrize("phone", ["", "202", "555-0143", "0143", "Ria", "\0", "9" * 5000])
def test_less_than_a_whole_number_shows_nobody(browser, earlier, phone):
    page = text_of(typed(browser, phone))
    assert "Ria" not in page
    assert not Event.objects.filter(verb="search.made").exists()


def test_a_number_nobody_has_says_so(browser, earlier):
    assert "Nobody is recorded at this number." in text_of(typed(browser, "202-555-0144"))


def test_looking_a_number_up_is_a_search_in_the_audit_and_what_it_showed_is_read(
    browser, earlier, agent
):
    typed(browser)
    made, read = (Event.objects.get(verb=verb) for verb in ("search.made", "list.read"))
    assert made.detail["target"] == "known_caller"
    assert read.detail["ids"] == [str(earlier.pk)]
    assert read.detail["people"] == [str(earlier.caller.pk)]
    assert "55501" not in str(made.detail)


def test_only_whoever_takes_calls_may_look_and_only_by_post(
    browser, earlier, privacy_officer, administrator, client_for
):
    assert browser.get(KNOWN).status_code == 405
    for user in (privacy_officer, administrator):
        assert typed(client_for(user)).status_code == 403


def test_no_more_than_the_newest_five_are_shown(browser, agent, now, frozen):
    for n in range(7):
        person = casting.maria(alias=f"Pat {n}")
        casting.open_call(agent=agent, now=now, person=person)
    page = text_of(typed(browser))
    assert page.count("Goes by Pat") == 5
    assert "And 2 older records at this number." in page


# --- Same person, or somebody else ---------------------------------------------------------------


def test_without_an_answer_the_caller_is_a_person_of_their_own(browser, earlier):
    call = saved(browser)
    assert call.caller != earlier.caller
    page = text_of(browser.get(reverse("admin:intake_call_change", args=[call.pk])))
    assert earlier.reference in page
    assert "A household shares a number" in page
    shown = Event.objects.get(verb="list.read", subject_id=str(call.pk))
    assert shown.detail["ids"] == [str(earlier.pk)]


def test_the_same_person_is_one_record_and_what_was_not_asked_again_stays(browser, earlier):
    call = saved(browser, caller__same_as=str(earlier.caller.pk), caller__alias="", person__age="")
    assert call.caller == call.person_in_need == earlier.caller
    person = Person.objects.get(pk=earlier.caller.pk)
    assert (person.alias, person.age) == ("Ria", 52)
    assert person.approach_note == "Ask for Ria, never for Maria."
    # What was told now is what holds now.
    again = saved(browser, caller__same_as=str(person.pk), caller__alias="R.", person__age="53")
    person.refresh_from_db()
    assert (again.caller, person.alias, person.age) == (person, "R.", 53)


@pytest.mark.parametrize("whose", ["another number's", "nobody's", "none typed"])
def test_a_person_who_is_not_at_that_number_is_refused_and_then_forgotten(
    browser, earlier, agent, now, whose
):
    other = casting.open_call(agent=agent, now=now, person=casting.maria(phone=casting.JOHN))
    given = {
        "another number's": {"caller__same_as": str(other.caller.pk)},
        "nobody's": {"caller__same_as": str(uuid.uuid4())},
        "none typed": {"caller__same_as": str(earlier.caller.pk), "caller__phone": ""},
    }[whose]
    count = Call.objects.count()
    response = browser.post(ADD, posted("screened", **given))
    page = text_of(response)
    assert response.status_code == 422
    assert "not the number of the person you chose" in page
    assert given["caller__same_as"] not in page.replace(f'data-same-as="{earlier.caller.pk}"', "")
    assert Call.objects.count() == count


@pytest.mark.parametrize("same_as", ["x", "\0", "0" * 5000])
def test_an_id_that_is_none_saves_nothing(browser, earlier, same_as):
    assert browser.post(ADD, posted(caller__same_as=same_as)).status_code == 422


def test_a_caller_recognized_after_the_first_save_leaves_no_second_record(browser, earlier):
    call = saved(browser, caller__phone="", caller__alias="")
    begun = call.caller
    changed = posted(version="1", caller__same_as=str(earlier.caller.pk))
    address = reverse("admin:intake_call_change", args=[call.pk])
    assert browser.post(address, changed).status_code == 302
    call.refresh_from_db()
    assert call.caller == call.person_in_need == earlier.caller
    assert not Person.objects.filter(pk=begun.pk).exists()
    told = Event.objects.get(verb="person.recognized")
    assert (told.subject_id, told.detail) == (str(begun.pk), {"as": str(earlier.caller.pk)})


def test_a_caller_on_whom_something_hangs_stays_a_record_of_their_own(browser, earlier, agent, now):
    call = saved(browser)
    casting.consent(call, Consent.Scope.FACILITIES, agent=agent, now=now)
    changed = posted(version="1", caller__same_as=str(earlier.caller.pk))
    response = browser.post(reverse("admin:intake_call_change", args=[call.pk]), changed)
    assert response.status_code == 422
    assert "keep a record of their own" in text_of(response)
    call.refresh_from_db()
    assert call.caller != earlier.caller
    assert consents.Consent.objects.get().person == call.caller


def test_a_caller_who_asked_not_to_be_called_stays_so(browser, earlier):
    Person.objects.filter(pk=earlier.caller.pk).update(do_not_call=True)
    same = {"caller__same_as": str(earlier.caller.pk)}
    for box in ({}, {"caller__do_not_call": "on"}):
        assert saved(browser, **same, **box).caller.do_not_call


# --- No number ------------------------------------------------------------------------------------


def test_a_withheld_number_is_one_press_and_is_asked_about_no_more(browser):
    call = saved(browser, caller__phone="", caller__number_withheld="on")
    assert call.number_withheld
    page = text_of(browser.get(reverse("admin:intake_call_change", args=[call.pk])))
    assert "They gave no number" in page
    assert calls.sheet_version(call) == 1


def test_a_number_that_is_told_after_all_is_not_withheld(browser):
    assert not saved(browser, caller__number_withheld="on").number_withheld


def test_a_withheld_number_alone_makes_nobody_of_an_enquiry(browser):
    blank = dict.fromkeys(("caller__alias", "caller__phone", "caller__zip_code", "person__age"), "")
    call = saved(browser, **blank, call__call_type="information", caller__number_withheld="on")
    assert (call.caller, call.number_withheld) == (None, True)
