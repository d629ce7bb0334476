"""Finding a caller: by number, last four digits, name or reference; by POST, and audited."""

import os
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.urls import reverse

from intake.actions import finding
from intake.crypto import rotation
from intake.crypto.keyring import KeySet, forget_keyring, get_keyring
from intake.models import Call, Event, Person, PersonNameWord, StaffSearch
from tests import casting
from tests.sheets import text_of

pytestmark = pytest.mark.django_db

FIND = "/admin/find/"


@pytest.fixture
def browser(agent, client_for, frozen):
    return client_for(agent)


@pytest.fixture
def known(agent, now, frozen):
    """Maria and her sister with two surnames, at two numbers that end alike; both have called."""
    maria = casting.maria(name="Maria Elena Núñez-Ortega")
    rosa = casting.maria(alias="", name="Rosa O'Brien", phone="+13035550143", zip_code="80202")
    first = casting.screened_call(agent=agent, now=now, person=maria)
    second = casting.open_call(agent=agent, now=now + timedelta(minutes=5), person=rosa)
    promise = casting.open_callback(due_at=now + timedelta(hours=2), now=now, person=maria)
    return SimpleNamespace(maria=maria, rosa=rosa, first=first, second=second, promise=promise)


def found(text):
    return [entry.person for entry in finding.find(text).people]


def search(browser, text):
    return browser.post(FIND, {"q": text}, follow=True)


# --- What finds whom ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed",
    [
        "(202) 555-0143",
        "+1 202 555 0143",
        "2025550143",
        "Maria Elena Núñez-Ortega",
        "nunez ortega maria",
        "ORTEGA",
        "Núñez",
        "nunez  MARIA",
        "Maria",
    ],
)
def test_a_person_is_found_by_number_and_by_any_words_of_the_name(known, typed):
    assert found(typed) == [known.maria]


@pytest.mark.parametrize("typed", ["0143", "…0143", "ends 0143", "x0143", "ending in 0143 "])
def test_the_last_four_digits_find_everyone_whose_number_ends_so_the_newest_first(known, typed):
    newest_first = sorted([known.maria, known.rosa], key=lambda person: person.pk, reverse=True)
    assert found(typed.replace(" in", "")) == newest_first


@pytest.mark.parametrize(
    "typed",
    ["Maria Brien", "Mar", "143", "00143", "!!!", "a\0b", "\u202e", "\ud800", "20001", "a" * 5000],
)
def test_half_a_word_three_digits_or_words_of_two_people_find_nobody(known, typed):
    assert found(typed) == []


def test_a_name_that_changed_is_found_by_the_new_one_alone(known):
    known.rosa.name = "Rosa Almond"
    known.rosa.save()
    assert (found("Almond"), found("obrien")) == ([known.rosa], [])
    known.rosa.name = ""
    known.rosa.save(update_fields=["name"])
    assert found("Rosa") == []
    known.rosa.language = "es"
    known.rosa.save(update_fields=["language"])
    assert not PersonNameWord.objects.filter(person=known.rosa).exists()


def test_a_pasted_page_does_not_become_a_thousand_words(now):
    person = Person(name=" ".join(f"w{n}" for n in range(60)), created_at=now)
    person.save()
    assert person.name_words.count() == PersonNameWord.MOST


def test_calls_and_open_callbacks_stand_with_the_person_the_newest_first(known, agent, now):
    for minutes in range(1, 6):
        about = {"call_type": Call.CallType.ABOUT_SELF, "now": now + timedelta(hours=minutes)}
        casting.open_call(agent=agent, person=known.maria, **about)
    [entry] = finding.find("ortega").people
    newest = Call.objects.filter(caller=known.maria).order_by("-started_at")
    assert entry.calls == list(newest[: finding.CALLS_EACH])
    assert entry.callbacks == [known.promise]


def test_of_too_many_the_newest_fifty_are_shown_and_the_rest_are_counted(now, monkeypatch):
    monkeypatch.setattr(finding, "SHOWN", 3)
    for _number in range(5):
        Person(name="Pat Invented", phone=casting.MARIA, created_at=now).save()
    for typed in ("pat", "0143", casting.MARIA):
        answer = finding.find(typed, most=3)
        assert (len(answer.people), answer.more, answer.counted_all) == (3, 2, True)
    monkeypatch.setattr(finding, "COUNTED", 4)
    answer = finding.find("pat", most=3)
    assert (len(answer.people), answer.more, answer.counted_all) == (3, 1, False)


def test_the_number_of_queries_does_not_grow(known, agent, now, django_assert_num_queries):
    for n in range(8):
        person = casting.maria(name="Maria Almond", phone=f"+1202555010{n}")
        casting.open_call(agent=agent, now=now, person=person)
    with django_assert_num_queries(6):
        assert len(finding.find("maria").people) == 9


# --- The page -------------------------------------------------------------------------------------


def test_people_come_first_masked_but_for_the_last_four(browser, known):
    response = search(browser, "0143")
    page = text_of(response)
    assert page.count("•••-•••-0143") == 2
    for shown in (known.first.reference, known.second.reference, known.promise.reference, "Maria"):
        assert shown in page
    for hidden in ("202) 555", "2025550143", "20001", "Elena"):
        assert hidden not in page
    assert "confirm nothing about anyone" in page


def test_the_terms_are_in_no_address_and_the_answer_is_its_makers_alone(
    browser, known, other_agent, client_for, frozen
):
    sent = browser.post(FIND, {"q": "Maria Ortega"})
    made = StaffSearch.objects.get()
    assert sent["Location"] == reverse("admin:found", args=[made.pk])
    page = browser.get(sent["Location"])
    assert "Ortega" not in page.request["PATH_INFO"] + page.request["QUERY_STRING"]
    assert "<title>Find a caller" in text_of(page)
    assert client_for(other_agent).get(sent["Location"])["Location"] == FIND
    frozen.shift(12.1 * 3600)
    assert client_for(known.first.taken_by).get(sent["Location"])["Location"] == FIND


def test_a_search_and_everyone_it_showed_are_in_the_audit_and_no_word_of_it(browser, known, agent):
    search(browser, "Maria Ortega")
    made, read = (Event.objects.get(verb=verb) for verb in ("search.made", "list.read"))
    assert (made.actor, read.actor) == (agent, agent)
    assert read.detail["ids"] == [str(known.maria.pk)]
    assert read.detail["calls"] == [str(known.first.pk)]
    assert read.detail["callbacks"] == [str(known.promise.pk)]
    assert "aria" not in str(made.detail) + str(read.detail)


def test_a_reference_of_any_kind_leads_straight_to_its_record(browser, agent, now, known):
    referral = casting.referral(agent=agent, now=now, call=known.first)
    check = casting.insurance_check(agent=agent, now=now, call=known.first)
    for record in (known.second, known.promise, referral, check):
        spoken = f" {record.reference.lower().replace('-', ' ')} "
        last = search(browser, spoken).redirect_chain[-1][0]
        kind = record._meta.model_name
        assert last == reverse(f"admin:intake_{kind}_change", args=[record.pk]), spoken
    assert "Nobody was found" in text_of(search(browser, "C-ZZZZZZZZ"))


def test_a_name_that_could_be_a_reference_is_still_a_name(browser, now, frozen):
    Person(name="Bonnie Christina", created_at=now).save()
    Person(name="B-ABCDEFGH", created_at=now).save()
    for typed in ("Christina", "B-ABCDEFGH"):
        assert "1 record was found" in text_of(search(browser, typed))


@pytest.mark.parametrize("typed", ["", "   ", "\x00"])
def test_nothing_typed_is_said_kindly(browser, typed):
    response = search(browser, typed)
    assert response.status_code == 200
    assert ("Type a phone number" in text_of(response)) == (not typed.strip())


def test_looking_at_the_box_searches_nothing(browser):
    assert browser.get(f"{FIND}?q=Maria").status_code == 200
    assert not StaffSearch.objects.exists()


def test_whoever_takes_no_calls_finds_nobody(
    known, agent, privacy_officer, administrator, client_for, frozen
):
    sent = client_for(agent).post(FIND, {"q": "0143"})
    for user in (privacy_officer, administrator):
        client = client_for(user)
        assert client.post(FIND, {"q": "0143"}).status_code == 403
        assert client.get(FIND).status_code == 403
        assert client.get(sent["Location"]).status_code == 403
        assert FIND not in text_of(client.get("/admin/"))


# --- Keys and indexes -----------------------------------------------------------------------------


def test_a_new_index_key_reaches_last_four_and_every_word(known, monkeypatch, settings):
    ring = get_keyring()
    both = KeySet("i2", {**ring.index.keys, "i2": os.urandom(32)})
    fresh = KeySet("i2", {"i2": both.keys["i2"]})
    monkeypatch.setattr(settings, "HELPLINE_KEYS", with_index(ring, both))
    forget_keyring()
    # While it goes on, rows under either key are found.
    for typed in ("0143", "ortega", "maria nunez"):
        assert known.maria in found(typed)
    assert rotation.reindex().complete
    monkeypatch.setattr(settings, "HELPLINE_KEYS", with_index(ring, fresh))
    forget_keyring()
    for typed in ("0143", casting.MARIA, "ortega", "maria nunez"):
        assert known.maria in found(typed)
    monkeypatch.undo()
    forget_keyring()


def with_index(ring, keys):
    from dataclasses import replace

    return replace(ring, index=keys).to_json()
