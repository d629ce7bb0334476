"""Referring at the desk: from the screen to the arrival, and what nobody could have typed."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.urls import reverse

from intake.actions import calls, consents, facilities, offers, safety
from intake.models import Consent, Event, InsurancePolicy, Referral
from tests.casting import (
    HOSPITAL_CODES,
    consent,
    facility,
    insurance_check,
    open_call,
    past_seizure,
    referral,
    screened_call,
)
from tests.referring import SENT, asked, hospitals, offer_of, states
from tests.sheets import text_of
from tests.telling import tells

pytestmark = pytest.mark.django_db


@pytest.fixture
def near(db, now):
    return hospitals(now)


# --- At the desk ---------------------------------------------------------------------------------


def call_page(call):
    return reverse("admin:intake_call_referral", args=[call.pk])


def page(made, name="change"):
    return reverse(f"admin:intake_referral_{name}", args=[made.pk])


def offer_page(one, name):
    return reverse(f"admin:intake_referraloffer_{name}", args=[one.pk])


NEED = {
    "zip_code": "20001",
    "detox": ["BDTX"],
    "settings": ["HID", "RD"],
    "payers": ["PI", "SF"],
    "age": "41",
}


def test_from_inpatient_only_to_arrived_without_the_url_bar(agent, client_for, frozen, now, near):
    call = screened_call(agent=agent, now=now)
    consent(call, Consent.Scope.FACILITIES, agent=agent, now=now)
    client = client_for(agent)
    form = client.get(call_page(call)).context["form"]
    assert form["zip_code"].value() == "20001"
    assert form["detox"].value() == ("BDTX",)
    assert [code for code, _label in form.fields["settings"].choices] == ["HID", "RD"]
    assert "medical_cover" not in form.fields  # the screen has decided that
    sent = client.post(call_page(call), NEED)
    made = Referral.objects.get()
    assert sent.url == page(made)
    assert "?" not in sent.url
    assert made.need["medical_cover"] is True
    listed = text_of(client.get(page(made)))
    assert [listed.index(f.name) for f in near] == sorted(listed.index(f.name) for f in near)
    for said in (
        "gives benzodiazepine detox",
        "takes private insurance",
        "Beds: unknown, ask",
        "FindTreatment.gov",
        "1-800-662-4357",
        "None of these facilities pays us",
        "tel:+12025550110",
    ):
        assert said in listed
    client.post(page(made, "ask"), {"facilities": [str(f.pk) for f in near]})
    first, second, third = (offer_of(made, site) for site in near)
    client.post(offer_page(first, "acknowledge"))
    client.post(offer_page(second, "decline"), {"reason": "no_bed", "note": "Try Friday"})
    accepted = client.post(
        offer_page(first, "accept"), {"contact": "Charge nurse", "expected_at": "2026-03-10T16:30"}
    )
    assert accepted.url == page(made)
    first.refresh_from_db()
    assert first.expected_at == now + timedelta(hours=6, minutes=30)
    record = text_of(client.get(page(made)))
    assert "Charge nurse" in record
    assert "Try Friday" in record
    assert states(made)["Cedar Center"] == "withdrawn"
    late = client.post(offer_page(third, "accept"), {})
    assert late.status_code == 422
    assert offers.AlreadyPlaced.default_message in text_of(late)
    client.post(offer_page(first, "arrived"))
    made.refresh_from_db()
    assert made.status == Referral.Status.ARRIVED
    assert "They arrived." in text_of(client.get(page(made)))
    early = client.post(offer_page(first, "stayed"))
    assert early.status_code == 422
    frozen.move_to(now + timedelta(hours=24))
    client_for(agent).post(offer_page(first, "stayed"))
    assert states(made)["Alder House"] == "stayed"


def test_the_page_leads_to_the_screen_first_and_to_the_consent_before_asking(
    agent, client_for, now, near
):
    client = client_for(agent)
    call = open_call(agent=agent, now=now)
    before = text_of(client.get(call_page(call)))
    assert safety.ScreenMissing.default_message in before
    assert reverse("admin:intake_call_change", args=[call.pk]) + "#danger" in before
    assert 'name="detox"' not in before
    refused = client.post(call_page(call), NEED)
    assert refused.status_code == 422
    assert safety.ScreenMissing.default_message in text_of(refused)
    call = screened_call(agent=agent, now=now)
    client.post(call_page(call), NEED)  # a search tells nobody anything
    made = Referral.objects.get()
    way = reverse("admin:intake_call_consent", args=[call.pk])
    assert way in text_of(client.get(page(made)))
    asked = client.post(page(made, "ask"), {"facilities": [str(near[1].pk)]})
    assert asked.status_code == 422
    assert consents.ConsentMissing.default_message in text_of(asked)
    assert asked.context["form"].ticked == {str(near[1].pk)}
    assert not made.offers.exists()


def test_a_tie_is_shown_and_asked_about_only_where_there_is_one(agent, client_for, now, near):
    client = client_for(agent)
    made = referral(agent=agent, now=now)
    assert 'name="ties_read"' not in text_of(client.get(page(made)))
    facilities.set_relationship(facility=near[0], relationship="paid", by=agent, now=now)
    shown = text_of(client.get(page(made)))
    assert 'name="ties_read"' in shown
    assert "Alder House: pays us." in shown
    ask = {"facilities": [str(near[0].pk)]}
    refused = client.post(page(made, "ask"), ask)
    assert refused.status_code == 422
    assert offers.TiesNotRead.default_message in text_of(refused)
    client.post(page(made, "ask"), ask | {"ties_read": "on"})
    assert "Read out by ava" in text_of(client.get(page(made)))


def test_beds_are_shown_while_the_count_holds_and_unknown_after(
    agent, client_for, frozen, now, near
):
    made = referral(agent=agent, now=now)
    facilities.record_capacity(
        facility=near[0], level_of_care="3.7-WM", beds_free=2, source="phone", by=agent, now=now
    )
    assert "2 beds free, 3.7-WM" in text_of(client_for(agent).get(page(made)))
    frozen.move_to(now + timedelta(hours=9))
    assert "2 beds free" not in text_of(client_for(agent).get(page(made)))


def test_a_wider_circle_and_why_others_do_not_fit_are_explained(agent, client_for, now):
    facility("Alder House", now=now)
    facility("Outpatient Place", now=now, codes=HOSPITAL_CODES.replace("PI", "MC"))
    facility("Pacific House", now=now, zip_code="90012")
    call = screened_call(agent=agent, now=now)
    client = client_for(agent)
    client.post(call_page(call), NEED | {"payers": ["PI"]})
    shown = text_of(client.get(page(Referral.objects.get())))
    assert "so the search was widened" in shown
    assert "does not take private insurance" in shown
    assert shown.index("Pacific House") < shown.index("Outpatient Place")


def test_nothing_that_fits_is_closed_as_an_unmet_need(agent, client_for, now):
    call = screened_call(agent=agent, now=now)
    client = client_for(agent)
    client.post(call_page(call), NEED)
    made = Referral.objects.get()
    assert "No facility fits" in text_of(client.get(page(made)))
    assert client.post(page(made, "close"), {"note": " "}).status_code == 422
    client.post(page(made, "close"), {"note": "Nothing with medical cover in reach"})
    assert "Nothing with medical cover in reach" in text_of(client.get(page(made)))
    made.refresh_from_db()
    assert made.status == Referral.Status.CLOSED


def test_the_search_can_be_changed_until_a_facility_accepts(agent, client_for, now, near):
    made = asked(agent, now, near)
    client = client_for(agent)
    form = client.get(page(made, "search_again")).context["form"]
    assert form["zip_code"].value() == "20001"
    changed = client.post(page(made, "search_again"), NEED | {"zip_code": "21201"})
    assert changed.url == page(made)
    made.refresh_from_db()
    assert made.list_shown[0]["name"] == "Cedar Center"
    offers.accept(offer=offer_of(made, near[0]), by=agent, now=now)
    for url in (page(made, "search_again"), call_page(made.call)):
        late = client.post(url, NEED)
        assert late.status_code == 422
        assert offers.ReferralClosed.default_message in text_of(late)


def test_a_pregnancy_told_to_the_screen_cannot_be_left_out(agent, client_for, now, near):
    call = open_call(agent=agent, now=now)
    told = past_seizure().to_dict() | {"pregnant": "yes"}
    answers = safety.rules.Answers.from_dict(told)
    safety.evaluate(call=call, answers=answers, by=agent, now=now)
    form = client_for(agent).get(call_page(call)).context["form"]
    assert "PW" not in dict(form.fields["required"].choices)
    assert any("pregnant" in line for line in form.decided)
    client_for(agent).post(call_page(call), NEED)
    assert Referral.objects.get().need["required"] == ["PW"]


def test_what_a_facility_may_be_told_holds_the_alias_and_never_the_name(
    agent, client_for, now, near
):
    made = referral(agent=agent, now=now)
    shown = text_of(client_for(agent).get(page(made)))
    assert "Clonazepam (Klonopin), 2 mg each time" in shown
    assert "seizure: yes" in shown
    assert "Maria Invented" not in shown


def test_referrals_are_found_by_reference_and_person_with_neither_in_the_url(
    agent, client_for, now, near
):
    made = referral(agent=agent, now=now)
    client = client_for(agent)
    for text in (made.reference.lower(), "(202) 555-0143", "Maria Invented"):
        answer = client.post(reverse("admin:intake_referral_search"), {"q": text})
        assert not tells(answer.url, "0143")
        assert made.reference in text_of(client.get(answer.url))
    missed = client.post(reverse("admin:intake_referral_search"), {"q": "Alder\x00"})
    assert made.reference not in text_of(client.get(missed.url))


@pytest.mark.parametrize("role", ["privacy_officer", "administrator"])
def test_roles_that_see_no_caller_see_no_referral(role, agent, client_for, now, near, request):
    made = asked(agent, now, near)
    client = client_for(request.getfixturevalue(role))
    for name in ("change", "search_again", "ask", "close", "history"):
        assert client.get(page(made, name)).status_code == 403
    one = made.offers.first()
    for name in ("change", "acknowledge", "accept", "decline", "arrived", "stayed", "no_show"):
        assert client.post(offer_page(one, name)).status_code == 403
    assert client.get(call_page(made.call)).status_code == 403


def test_a_refused_choice_shows_the_record_and_writes_that_it_was_read(
    agent, client_for, now, near
):
    made = referral(agent=agent, now=now)
    client = client_for(agent)
    reads = Event.objects.filter(verb="record.read", subject_id=str(made.pk))
    assert client.post(page(made, "ask"), {}).status_code == 422
    assert reads.count() == 1


def test_the_need_is_not_readable_in_the_database(agent, now, near):
    referral(agent=agent, now=now)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM intake_referral")
        stored = str(cursor.fetchall())
    for value in ("BDTX", "20001", "Alder House"):
        assert value not in stored


# --- Bad input -----------------------------------------------------------------------------------

BAD_TEXT = ["\x00", "a\x00b", "x" * 100_000, "a\ud800b", "a\x1bb", "a\ufffdb"]
BAD_NUMBER = ["9" * 100_000, "-1", "NaN", "1e9", "٣" * 50, "\x00", "1.5"]
BAD_TIME = ["2026-02-30T10:00", "0000-00-00T00:00", "9999-12-31T23:59", "9" * 50_000, "\x00"]


def post_raw(client, url, data):
    """A form as bytes, such as no browser sends."""
    body = urlencode(data, doseq=True, errors="surrogatepass")
    return client.post(url, body, content_type="application/x-www-form-urlencoded")


@pytest.mark.parametrize("bad", BAD_TEXT)
def test_unstorable_text_is_refused_on_the_page_and_shown_again(bad, agent, client_for, now, near):
    made = asked(agent, now, near)
    client, one = client_for(agent), made.offers.first()
    need = NEED | {"zip_code": bad, "age": "47"}
    answer = post_raw(client, page(made, "search_again"), need)
    assert answer.status_code == 422
    assert 'value="47"' in text_of(answer)
    refused = post_raw(client, offer_page(one, "accept"), {"contact": bad})
    assert refused.status_code == 422
    noted = post_raw(client, offer_page(one, "decline"), {"reason": "no_bed", "note": bad})
    assert noted.status_code == 422
    assert post_raw(client, page(made, "close"), {"note": bad}).status_code == 422
    assert states(made) == dict.fromkeys([f.name for f in near], SENT)


@pytest.mark.parametrize("bad", BAD_NUMBER)
def test_impossible_ages_are_refused_on_the_page(bad, agent, client_for, now, near):
    call = screened_call(agent=agent, now=now)
    answer = client_for(agent).post(call_page(call), NEED | {"age": bad})
    assert answer.status_code == 422
    assert not Referral.objects.exists()


@pytest.mark.parametrize("bad", BAD_TIME)
def test_impossible_arrival_times_are_refused_on_the_page(bad, agent, client_for, now, near):
    made = asked(agent, now, near)
    url = offer_page(made.offers.first(), "accept")
    sent = {"contact": "Charge nurse", "expected_at": bad}
    answer = client_for(agent).post(url, sent)
    assert answer.status_code == 422
    assert "Charge nurse" in text_of(answer)


@pytest.mark.parametrize(
    "change",
    [
        {"detox": []},
        {"detox": ["BDTX", "<script>"]},
        {"settings": []},
        {"settings": ["OD"]},  # the screen excludes outpatient detox
        {"required": ["CHLD"]},
        {"payers": ["ZZ"]},
        {"languages": ["XX"]},
        {"gender": "BOTH"},
        {"state": "ZZ"},
        {"zip_code": "00000"},
        {"zip_code": "2000"},
        {"zip_code": "٢٠٠٠١"},
    ],
)
def test_choices_nobody_offered_are_refused(change, agent, client_for, now, near):
    call = screened_call(agent=agent, now=now)
    answer = client_for(agent).post(call_page(call), {**NEED, **change})
    assert answer.status_code == 422
    assert not Referral.objects.exists()


@pytest.mark.parametrize("ids", [["x"], ["\x00"], [], ["00000000-0000-7000-8000-000000000000"]])
def test_facilities_nobody_offered_are_refused(ids, agent, client_for, now, near):
    made = referral(agent=agent, now=now)
    assert client_for(agent).post(page(made, "ask"), {"facilities": ids}).status_code == 422


def test_a_call_closed_meanwhile_can_still_be_referred(agent, client_for, now, near):
    call = screened_call(agent=agent, now=now)
    calls.close(call=call, disposition="callback_promised", by=agent, now=now)
    client_for(agent).post(call_page(call), NEED)
    assert Referral.objects.get().call == call


def test_a_policy_ticks_its_payer_beforehand(agent, client_for, now, near):
    call = screened_call(agent=agent, now=now)
    policy = InsurancePolicy(
        payer_name="Example Medicaid", payer_kind="MD", member_id="1", policyholder_name="Maria"
    )
    insurance_check(agent=agent, now=now, call=call, policy=policy)
    form = client_for(agent).get(call_page(call)).context["form"]
    assert form["payers"].value() == ("MD",)
