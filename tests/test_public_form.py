"""Asking for a call: what is asked, what is stored, once, and the same for everyone."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client

from intake.actions import callbacks, dialable, events, people
from intake.actions.dialable import NotDialable
from intake.forms import CallbackRequestForm, Ticket
from intake.models import Callback, Event, Person, Reminder
from tests.callers import ANA, BEN, Page, answers, only_callback, text_of, ticket_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client, frozen):
    return Page(client, frozen)


# --- What is asked --------------------------------------------------------------------------------


def test_the_form_asks_these_and_nothing_else(client):
    names = set(re.findall(r'name="([^"]+)"', client.get("/callback/").content.decode()))
    names -= {"viewport", "color-scheme", "referrer", "format-detection", "switch"}
    unseen = {"csrfmiddlewaretoken", "ticket", "website"}
    assert names - unseen == set(CallbackRequestForm(now=datetime.now(UTC)).fields)
    assert unseen < names
    assert not {"insurance", "member_id", "birth_date", "email", "substance", "dose"} & names


def test_an_empty_form_stays_empty_whatever_others_typed_into_theirs(page, client):
    """Its fields are made once for everybody."""

    def empty():
        content = client.get("/callback/").content.decode()
        return re.sub(r'name="(csrfmiddlewaretoken|ticket)" value="[^"]+"', "", content)

    before = empty()
    page.send(alias="Zebrafinch", phone="", voicemail="full", who_for="patient", topic="cost")
    client.post("/es/callback/", answers(alias="Zebrafinch", switch="es"))
    assert empty() == before
    assert "Zebrafinch" not in before


def test_errors_are_listed_in_the_order_of_the_page(page):
    response = page.send(in_danger="", phone="", day="", voicemail="", who_for="", consent="")
    listed = re.findall(r'<li><a href="#id_(\w+?)(?:_0)?">', response.content.decode())
    shown = re.findall(
        r'(?:for|aria-describedby)="id_(\w+?)(?:_0|_helptext|_error)?[" ]',
        response.content.decode(),
    )
    assert listed == ["in_danger", "phone", "day", "voicemail", "who_for", "consent"]
    assert [name for name in dict.fromkeys(shown) if name in listed] == listed


def test_careful_answers_are_chosen_beforehand_and_danger_is_not(client):
    content = client.get("/callback/").content.decode()
    checked = {
        (re.search('name="([^"]+)"', tag)[1], re.search('value="([^"]+)"', tag)[1])
        for tag in re.findall(r"<input[^>]*checked[^>]*>", content)
    }
    assert {("voicemail", "none"), ("may_say", "no"), ("text_ok", "no")} < checked
    assert not {"in_danger", "consent"} & {name for name, _ in checked}


def test_no_field_offers_what_somebody_typed_before(client):
    content = client.get("/callback/").content.decode()
    fields = re.findall(r"<(?:input|select|textarea)[^>]*>", content)
    for field in fields:
        assert 'autocomplete="off"' in field or "csrfmiddlewaretoken" in field, field


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"phone": ""}, "phone", "give the phone number"),
        ({"phone": "202 555"}, "phone", "digits"),
        ({"phone": "911"}, "phone", "Emergency"),
        ({"phone": "(900) 555-0101"}, "phone", "another number"),
        ({"phone": "876 555 0123"}, "phone", "another number"),
        ({"phone": "800 225 5288"}, "phone", "another number"),
        ({"phone": "202 555 0123 x 12"}, "phone", "extension"),
        ({"in_danger": ""}, "in_danger", "choose one answer"),
        ({"consent": ""}, "consent", "We need your yes"),
        ({"voicemail": ""}, "voicemail", "choose one answer"),
        ({"zip_code": "2000"}, "zip_code", "five digits"),
        ({"zip_code": "20001 or so"}, "zip_code", "five digits"),
        ({"day": "date"}, "on", "which day"),
        ({"day": "date", "on": "2026-02-30"}, "on", "date that exists"),
        ({"day": "date", "on": "2026-03-09"}, "on", "two weeks"),
        ({"day": "date", "on": "2026-04-09"}, "on", "two weeks"),
        ({"day": "today", "on": "2026-03-12"}, "on", "another answer above"),
        ({"day": "now", "part": "evening"}, "part", "right away"),
        ({"time_zone": "Europe/Paris"}, "time_zone", "one of the answers"),
    ],
)
def test_a_wrong_answer_is_explained_beside_it_and_the_rest_is_kept(page, changes, field, message):
    response = page.send(alias="B. from the café", **changes)
    assert response.status_code == 422
    assert message in " ".join(response.context["form"].errors[field])
    assert "B. from the café" in response.content.decode()
    assert not Callback.objects.exists()


def test_one_fault_is_said_once_and_never_in_the_words_of_the_machine(page):
    form = page.send(alias="R" * 500, zip_code="2" * 500, phone="2" * 500).context["form"]
    assert {name: len(said) for name, said in form.errors.items()} == dict.fromkeys(
        ("alias", "zip_code", "phone"), 1
    )
    assert "80 letters or fewer" in str(form.errors["alias"])
    assert "Ensure" not in str(form.errors)


@pytest.mark.parametrize(
    ("typed", "guessed"),
    [
        ({"phone": ANA}, "Eastern time"),
        ({"phone": ANA, "zip_code": "94103"}, "Pacific time"),
        # Two zones meet there: no guess, and the form asks if it has to know.
        ({"phone": "(850) 555-0103"}, ""),
        ({"phone": ANA, "time_zone": "America/Denver"}, ""),
        ({"phone": "555"}, ""),
    ],
)
def test_the_zone_we_guessed_is_shown_before_it_counts(page, typed, guessed):
    content = page.send(consent="", **typed).content.decode()
    found = re.search(r"we take it to be ([^.]*)\.", content)
    assert (found[1] if found else "") == guessed


def test_a_refused_form_can_be_put_right_and_sent(page, client):
    refused = page.send(phone="555", alias="R.", voicemail="neutral")
    assert re.search(r'value="neutral"[^>]*checked', refused.content.decode())
    # Nobody has to wait again: the page was open long enough.
    response = page.send(ticket=ticket_in(refused), after=0, alias="R.", voicemail="neutral")
    assert response.status_code == 302
    assert only_callback().person.alias == "R."


def test_invented_numbers_are_refused_in_production(page, settings):
    settings.PRODUCTION = True
    response = page.send()
    assert "another number" in response.context["form"].errors["phone"][0]


def test_an_own_line_added_meanwhile_is_refused_beside_the_number(page, monkeypatch):
    """The list of our own lines may grow between the check of the form and the taking."""

    def refuse(number):
        raise NotDialable("That is one of our own lines.")

    monkeypatch.setattr(dialable, "require", refuse)
    response = page.send(alias="Robin")
    assert response.status_code == 422
    assert "own lines" in response.context["form"].errors["phone"][0]
    assert 'value="Robin"' in response.content.decode()


@pytest.mark.parametrize(
    ("at", "late"),
    [
        # 10 in the morning in Washington, 7 in Phoenix and San Francisco.
        (datetime(2026, 3, 10, 14, tzinfo=UTC), "Arizona time, Pacific time."),
        # 8 in the evening in Washington.
        (datetime(2026, 3, 11, 0, tzinfo=UTC), "Eastern time."),
        # Four in the morning in Washington.
        (datetime(2026, 3, 10, 8, tzinfo=UTC), "most of the United States."),
        # 11:30 in San Francisco.
        (datetime(2026, 3, 10, 18, 30, tzinfo=UTC), ""),
    ],
)
def test_the_form_says_beforehand_where_a_call_has_to_wait_for_the_morning(
    client, frozen, at, late
):
    frozen.move_to(at)
    found = re.search(r"It is late or night now in:? ([^.]*\.)", client.get("/callback/").text)
    assert (found[1] if found else "") == late


# --- A limit --------------------------------------------------------------------------------------


def test_one_too_many_brings_the_filled_form_back_with_the_time_and_our_number(page, settings):
    settings.HELPLINE_REQUESTS_PER_ADDRESS = 2
    for _ in range(2):
        assert page.send().status_code == 302
    response = page.send(alias="Robin", topic="cost")
    content = response.content.decode()
    assert response.status_code == 429
    assert int(response["Retry-After"]) <= 65 * 60
    minutes = int(re.search(r"try again in (\d+) minutes", content)[1])
    assert minutes == int(response["Retry-After"]) // 60 + 1
    assert 'value="Robin"' in content
    assert re.search(r'<option value="cost"[^>]*selected', content)
    assert "tel:+18005550199" in content

    page.clock.shift(minutes * 60)
    again = page.send(ticket=ticket_in(response), alias="Robin", topic="cost", admit=False)
    assert again.status_code == 302


# --- What is stored -------------------------------------------------------------------------------


def test_every_answer_arrives_at_the_desk(page):
    page.send(
        phone=ANA,
        alias="A. M.",
        zip_code="20001",
        voicemail="neutral",
        may_say="yes",
        text_ok="yes",
        who_for="someone",
        language="es",
        topic="stopping",
        in_danger="yes",
        part="evening",
        day="tomorrow",
    )
    callback = only_callback()
    person = callback.person
    assert callback.source == Callback.Source.WEB
    assert callback.who_for == Callback.WhoFor.SOMEONE
    assert callback.reason == "Stopping or cutting down"
    assert callback.in_danger
    assert callback.urgency == Callback.Urgency.URGENT
    assert str(person.phone) == "+12025550101"
    assert (person.alias, person.zip_code, person.language) == ("A. M.", "20001", "es")
    assert person.voicemail_rule == Person.VoicemailRule.NEUTRAL
    assert person.may_say_who_is_calling
    assert person.text_ok
    assert person.safe_to_call
    # The evening they chose holds for later tries too.
    assert (person.safe_from.hour, person.safe_until.hour) == (17, 20)


def test_silence_means_no(page):
    page.send()
    person = only_callback().person
    assert person.voicemail_rule == Person.VoicemailRule.NONE
    assert not person.may_say_who_is_calling
    assert not person.text_ok


def test_not_knowing_about_danger_is_no_reason_to_wait(page):
    page.send(in_danger="unsure")
    assert only_callback().in_danger


def test_the_consent_is_recorded_with_its_wording_and_no_word_of_the_person(page):
    page.send(alias="Zebrafinch")
    event = Event.objects.get(verb="callback.requested")
    assert event.detail["consent"] == "callback-2026.1"
    assert event.actor_kind == events.PUBLIC.value
    assert "Zebrafinch" not in str(event.detail)


def test_a_taken_request_has_its_reminders(page):
    page.send()
    due = Reminder.objects.filter(callback=only_callback(), stage=Reminder.Stage.DUE)
    assert due.exists()


# --- Once -----------------------------------------------------------------------------------------


def test_a_second_press_makes_no_second_callback_and_shows_the_same_receipt(page, client):
    ticket = page.open()
    first = page.send(ticket=ticket)
    second = page.send(ticket=ticket)
    assert first.status_code == second.status_code == 302
    reference = only_callback().reference
    for response in (first, second):
        assert reference in text_of(client.get(response["Location"]))


def test_a_number_corrected_after_going_back_replaces_the_wrong_one(page):
    ticket = page.open()
    page.send(ticket=ticket, phone="(202) 555-0198")
    page.send(ticket=ticket, phone=ANA)
    still_open = Callback.objects.get(status=Callback.Status.OPEN)
    assert str(still_open.person.phone) == "+12025550101"
    cancelled = Callback.objects.get(status=Callback.Status.CANCELLED)
    assert not Reminder.objects.filter(callback=cancelled, status="planned").exists()


def test_a_reference_given_before_is_not_given_again_and_loses_nothing(page, monkeypatch):
    page.send(phone=ANA)
    taken = only_callback().reference
    references = iter([taken, "B-ZZZZZZZZ"])
    field = Callback._meta.get_field("reference")
    monkeypatch.setitem(vars(field), "_get_default", lambda: next(references))
    assert "B-ZZZZZZZZ" in text_of(page.client.get(page.send(phone=BEN)["Location"]))
    assert set(Callback.objects.values_list("reference", flat=True)) == {taken, "B-ZZZZZZZZ"}


def test_a_correction_taken_back_again_leaves_the_last_number_to_be_rung(page):
    ticket = page.open()
    for number in (ANA, BEN, ANA, ANA):
        response = page.send(ticket=ticket, phone=number)
    pending = Callback.objects.select_related("person").get(status="open")
    assert str(pending.person.phone) == "+12025550101"
    assert pending.reference in text_of(page.client.get(response["Location"]))
    assert Callback.objects.filter(status="cancelled").count() == 2


def test_a_request_somebody_is_already_acting_on_is_not_taken_from_them(page, agent, now):
    ticket = page.open()
    page.send(ticket=ticket)
    callbacks.claim(callback=only_callback(), by=agent, now=now)
    page.send(ticket=ticket, phone=BEN)
    assert Callback.objects.filter(status=Callback.Status.OPEN).count() == 2


def test_two_pages_are_two_requests(page):
    page.send()
    page.send()
    assert Callback.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_fifty_identical_posts_at_once_make_one_callback():
    ticket = aged_ticket()
    data = answers(ticket=ticket)

    def post(_):
        try:
            return Client().post("/callback/", data)
        finally:
            connection.close()

    with ThreadPoolExecutor(50) as pool:
        responses = list(pool.map(post, range(50)))
    assert {response.status_code for response in responses} == {302}
    assert Callback.objects.count() == 1
    # What the losers began is gone with them.
    assert Person.objects.count() == 1
    assert Event.objects.filter(verb="callback.requested").count() == 1


def aged_ticket():
    """A ticket of a page opened a minute ago."""
    with time_machine.travel(datetime.now(UTC) - timedelta(minutes=1)):
        return Ticket.issue().sealed


# --- Robots, and people mistaken for them ---------------------------------------------------------


@pytest.mark.parametrize(
    "suspicion",
    [
        pytest.param({"after": 1}, id="too fast"),
        pytest.param({"website": "https://example.org"}, id="trap filled in"),
        pytest.param({"ticket": "forged:abc:def"}, id="forged ticket"),
        pytest.param({"ticket": ""}, id="no ticket"),
        pytest.param({"ticket": "\ud800".encode("utf-8", "surrogatepass")}, id="unreadable ticket"),
        pytest.param({"after": 25 * 3600}, id="page left open for a day"),
    ],
)
def test_who_looks_like_a_robot_presses_once_more_and_loses_nothing(page, suspicion):
    response = page.send(alias="Robin", topic="cost", **suspicion)
    content = response.content.decode()
    assert response.status_code == 422
    assert "press Send once more" in content
    assert 'value="Robin"' in content
    assert re.search(r'<option value="cost"[^>]*selected', content)
    assert not Callback.objects.exists()

    again = page.send(ticket=ticket_in(response), after=5, alias="Robin", topic="cost")
    assert again.status_code == 302
    assert only_callback().person.alias == "Robin"


def test_the_trap_comes_back_empty(page):
    response = page.send(website="https://example.org")
    assert "https://example.org" not in response.content.decode()


def test_a_suspected_robot_is_told_the_same_whatever_gave_it_away(page):
    fast = page.send(after=1)
    trapped = page.send(website="x")
    assert without_secrets(fast) == without_secrets(trapped)


# --- Nobody learns who is known -------------------------------------------------------------------


def without_secrets(response):
    """The answer without what differs by design: CSRF token, ticket, reference, receipt address."""
    text = (
        f"{response.status_code}\n{sorted(response.headers.items())}\n{response.content.decode()}"
    )
    text = re.sub(r'(name="csrfmiddlewaretoken" value=")[^"]+', r"\1", text)
    text = re.sub(r'(name="(?:ticket|token)" value=")[^"]+', r"\1", text)
    text = re.sub(r"/manage/[^/<]+/", "/manage/PRIVATE/", text)
    text = re.sub(r"B-[0-9A-HJKMNP-TV-Z]{8}", "B-REFERENCE", text)
    return re.sub(r"/callback/thanks/[^/]+/", "/callback/thanks/RECEIPT/", text)


@pytest.fixture
def known(frozen, now, agent):
    """Ana rang before; the number ending 0107 asked never to be called."""
    ana = Person(phone="+12025550101", alias="Ana", created_at=now)
    people.save(person=ana, by=agent, now=now)
    blocked = Person(phone="+12025550107", created_at=now)
    people.save(person=blocked, by=agent, now=now)
    people.block_number(person=blocked, reason="declined", by=agent, now=now)


@pytest.mark.parametrize(
    "number", [pytest.param(ANA, id="known"), pytest.param("202-555-0107", id="asked for no calls")]
)
def test_a_known_number_and_an_unknown_one_get_the_same_answer(page, client, known, number):
    def both(phone):
        page.clock.move_to(datetime(2026, 3, 10, 14, tzinfo=UTC))
        response = page.send(phone=phone)
        receipt = client.get(response["Location"])
        lengths = len(response["Location"]), len(receipt.content)
        return without_secrets(response), without_secrets(receipt), lengths

    assert both(number) == both("(202) 555-0109")


def test_a_number_that_asked_for_no_calls_is_never_rung(page, known):
    page.send(phone="202-555-0107")
    callback = only_callback()
    assert callback.status == Callback.Status.CANCELLED
    assert not Reminder.objects.filter(callback=callback).exists()
