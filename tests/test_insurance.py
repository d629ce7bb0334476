"""The insurance check: never before the screen and the consent; who said what, until when."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import urlencode

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from intake.actions import consents, insurance, safety
from intake.models import Benefit, Consent, Disclosure, Event, InsuranceCheck, InsurancePolicy
from tests.casting import (
    consent,
    insurance_check,
    maria,
    open_call,
    policy,
    screened_call,
)
from tests.racing import at_once
from tests.sheets import text_of
from tests.telling import tells

pytestmark = pytest.mark.django_db

HEALTH_PLAN = Consent.Scope.HEALTH_PLAN


def verbs(record):
    return set(Event.objects.filter(subject_id=str(record.pk)).values_list("verb", flat=True))


# --- Asking -------------------------------------------------------------------------------------


def test_a_check_is_refused_before_the_screen_and_before_the_consent(agent, now):
    call = open_call(agent=agent, now=now)
    args = {"call": call, "levels_wanted": ["3.7-WM"], "by": agent, "now": now}
    with pytest.raises(safety.ScreenMissing):
        insurance.request(**args, policy=policy())
    safety.skip(call=call, reason="Line was breaking up", by=agent, now=now)
    with pytest.raises(consents.ConsentMissing):
        insurance.request(**args, policy=policy())
    consent(call, Consent.Scope.FACILITIES, agent=agent, now=now)
    with pytest.raises(consents.ConsentMissing):
        insurance.request(**args, policy=policy())
    consent(call, HEALTH_PLAN, agent=agent, now=now)
    check = insurance.request(**args, policy=policy())
    assert check.status == InsuranceCheck.Status.QUEUED
    assert verbs(check) == {"insurance_check.requested"}
    assert not Disclosure.objects.exists()  # nobody was told anything yet


def test_a_policy_has_one_open_check_and_belongs_to_its_person(agent, now):
    check = insurance_check(agent=agent, now=now)
    args = {"levels_wanted": ["3.7-WM"], "by": agent, "now": now}
    with pytest.raises(insurance.CheckAlreadyOpen):
        insurance.request(call=check.call, policy=check.policy, **args)
    other = screened_call(agent=agent, now=now, person=maria(name="John Invented"))
    consent(other, HEALTH_PLAN, agent=agent, now=now)
    with pytest.raises(insurance.OtherPersonsPolicy):
        insurance.request(call=other, policy=check.policy, **args)


# --- Working ------------------------------------------------------------------------------------


def test_a_check_is_taken_by_one_and_put_back_for_the_next(agent, other_agent, now):
    check = insurance_check(agent=agent, now=now)
    stale = InsuranceCheck.objects.get(pk=check.pk)
    insurance.take(check=check, by=agent, now=now)
    with pytest.raises(insurance.CheckTaken):
        insurance.take(check=stale, by=other_agent, now=now)
    insurance.put_back(check=check, by=other_agent, now=now)
    with pytest.raises(insurance.CheckNotTaken):
        insurance.put_back(check=check, by=agent, now=now)
    insurance.take(check=check, by=other_agent, now=now)
    assert check.taken_by == other_agent


@pytest.mark.django_db(transaction=True)
def test_two_who_take_it_at_once_have_one_winner(agent, other_agent, now):
    check = insurance_check(agent=agent, now=now)

    def take(user):
        insurance.take(check=InsuranceCheck.objects.get(pk=check.pk), by=user, now=now)

    answers = at_once(lambda: take(agent), lambda: take(other_agent))
    assert sorted(answers) == ["CheckTaken", "done"]
    assert Event.objects.filter(verb="insurance_check.taken").count() == 1


def answered(check, agent, now, **changes):
    given = {
        "coverage": InsuranceCheck.Coverage.ACTIVE,
        "representative": "Dana",
        "payer_reference": "CALL-77",
        "benefits": [Benefit(level_of_care="3.7-WM", covered="yes", copay=Decimal("25.50"))],
    }
    return insurance.record_answer(check=check, by=agent, now=now, **{**given, **changes})


def test_an_answer_keeps_who_said_it_and_accounts_for_the_telling(agent, now):
    check = insurance_check(agent=agent, now=now)
    answered(check, agent, now, disclaimer_read=True)
    check = InsuranceCheck.objects.get(pk=check.pk)
    assert (check.status, check.representative) == ("verified", "Dana")
    assert check.benefits.get().copay == Decimal("25.50")
    assert check.may_be_quoted(now)
    told = Disclosure.objects.get()
    assert (told.recipient, told.purpose) == ("Example Mutual", "insurance_check")
    assert "substances" not in told.fields_told
    event = Event.objects.get(verb="insurance_check.answered")
    assert event.detail == {"disclaimer_read": True}
    with pytest.raises(insurance.CheckNotOpen):
        answered(check, agent, now)
    assert Disclosure.objects.count() == 1


def test_an_answer_holds_for_some_time_and_never_for_more_than_a_plan_year(agent, now):
    check = insurance_check(agent=agent, now=now)
    with pytest.raises(insurance.ExpiryNotAhead):
        answered(check, agent, now, expires_at=now)
    with pytest.raises(insurance.ExpiryTooFar):
        answered(check, agent, now, expires_at=now + timedelta(days=367))
    answered(check, agent, now)
    assert check.expires_at == now + timedelta(days=30)


def test_a_consent_revoked_meanwhile_stops_the_answer_but_not_the_giving_up(agent, now):
    check = insurance_check(agent=agent, now=now)
    insurance.take(check=check, by=agent, now=now)
    consents.revoke(consent=check.consent, by=agent, now=now)
    with pytest.raises(consents.ConsentMissing):
        answered(check, agent, now)
    args = {"check": check, "notes": "Nobody answered", "by": agent, "now": now}
    with pytest.raises(consents.ConsentMissing):
        insurance.give_up(**args)
    insurance.give_up(**args, was_told=False)
    assert check.status == InsuranceCheck.Status.UNABLE
    assert not Disclosure.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_answer_and_a_revocation_at_once_never_tell_after_the_revocation(agent, now):
    check = insurance_check(agent=agent, now=now)

    def answer():
        answered(InsuranceCheck.objects.get(pk=check.pk), agent, now)

    def revoke():
        consents.revoke(consent=Consent.objects.get(pk=check.consent_id), by=agent, now=now)

    answers = at_once(answer, revoke)
    assert sorted(answers) in (["done", "done"], ["ConsentMissing", "done"])
    told = Event.objects.filter(verb="disclosure.made").values_list("id", flat=True)
    assert len(told) == answers.count("done") - 1


def test_cancelling_ends_it_and_only_once(agent, now):
    check = insurance_check(agent=agent, now=now)
    insurance.cancel(check=check, by=agent, now=now)
    with pytest.raises(insurance.CheckNotOpen):
        insurance.cancel(check=check, by=agent, now=now)
    again = insurance.request(
        call=check.call, policy=check.policy, levels_wanted=["3.7-WM"], by=agent, now=now
    )
    assert again.is_open


# --- Expiring -----------------------------------------------------------------------------------


def test_an_answer_is_not_quoted_past_its_time_and_is_swept_once(agent, now):
    check = answered(insurance_check(agent=agent, now=now), agent, now)
    later = check.expires_at
    assert not check.may_be_quoted(later)
    assert insurance.expire_due(now=later - timedelta(seconds=1)) == 0
    assert insurance.expire_due(now=later) == 1
    assert insurance.expire_due(now=later) == 0
    check.refresh_from_db()
    assert check.status == InsuranceCheck.Status.EXPIRED
    assert Event.objects.filter(verb="insurance_check.expired").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_write_one_event(agent, now):
    check = answered(insurance_check(agent=agent, now=now), agent, now)
    swept = []

    def sweep():
        swept.append(insurance.expire_due(now=check.expires_at))

    assert at_once(sweep, sweep) == ["done", "done"]
    assert sorted(swept) == [0, 1]
    assert Event.objects.filter(verb="insurance_check.expired").count() == 1


def test_the_database_refuses_a_verified_answer_without_an_end(agent, now):
    check = answered(insurance_check(agent=agent, now=now), agent, now)
    with pytest.raises(IntegrityError), transaction.atomic():
        InsuranceCheck.objects.filter(pk=check.pk).update(expires_at=None)


# --- At the desk --------------------------------------------------------------------------------


def call_page(call):
    return reverse("admin:intake_call_insurance", args=[call.pk])


def page(check, name="change"):
    return reverse(f"admin:intake_insurancecheck_{name}", args=[check.pk])


CARD = {
    "new-payer_name": "Example Mutual",
    "new-payer_kind": "PI",
    "new-member_id": "XMP-000143",
    "new-group_number": "G-7",
    "new-payer_phone": "1-888-555-0123",
    "new-rank": "primary",
    "new-policyholder_relationship": "self",
    "new-policyholder_name": "Maria Invented",
    "levels_wanted": ["4-WM", "3.7-WM"],
}
ANSWER = {
    "coverage": "active",
    "representative": "Dana at provider services",
    "payer_reference": "CALL-77",
    "level-4-WM-covered": "yes",
    "level-4-WM-preauthorization": "yes",
    "level-4-WM-copay": "$1,250.50",
    "level-4-WM-coinsurance_percent": "20",
    "level-4-WM-day_limit": "7",
    "level-2.1-covered": "no",
    "good_until": "2026-03-31",
    "not_a_guarantee": "on",
}


def test_the_page_leads_to_the_screen_then_to_the_consent_then_shows_the_form(
    agent, client_for, now
):
    call = open_call(agent=agent, now=now)
    client = client_for(agent)
    before = client.get(call_page(call))
    assert safety.ScreenMissing.default_message in text_of(before)
    assert reverse("admin:intake_call_change", args=[call.pk]) + "#danger" in text_of(before)
    assert "new-member_id" not in text_of(before)
    call = screened_call(agent=agent, now=now)
    asking = client.get(call_page(call))
    assert reverse("admin:intake_call_consent", args=[call.pk]) in text_of(asking)
    assert "new-member_id" not in text_of(asking)
    refused = client.post(call_page(call), CARD)
    assert refused.status_code == 422
    assert consents.ConsentMissing.default_message in text_of(refused)
    assert "XMP-000143" in text_of(refused)
    assert not InsurancePolicy.objects.exists()
    consent(call, HEALTH_PLAN, agent=agent, now=now)
    assert "new-member_id" in text_of(client.get(call_page(call)))


def test_an_agent_asks_takes_and_records_without_the_url_bar(agent, client_for, frozen, now):
    call = screened_call(agent=agent, now=now)
    consent(call, HEALTH_PLAN, agent=agent, now=now)
    client = client_for(agent)
    form = client.get(call_page(call)).context["form"]
    assert form["levels_wanted"].value() == ["4-WM", "3.7-WM"]  # the screen said inpatient only
    assert form.new_policy["policyholder_name"].value() == "Maria Invented"
    sent = client.post(call_page(call), CARD | {"needed_by": "2026-03-10T18:00"})
    check = InsuranceCheck.objects.get()
    assert sent.url == page(check)
    assert check.policy.policyholder_name == "Maria Invented"
    assert check.needed_by == now + timedelta(hours=8)  # 18:00 in New York
    record = text_of(client.get(page(check)))
    assert "XMP-000143" in record
    assert "Is the policy active today" in record
    client.post(page(check, "take"))
    assert "by you" in text_of(client.get(page(check)))
    done = client.post(page(check, "answer"), ANSWER)
    assert done.url == page(check)
    check.refresh_from_db()
    assert check.expires_at == datetime(2026, 4, 1, 4, 0, tzinfo=UTC)  # midnight in New York
    first, second, third = check.benefits.order_by("position")
    assert (first.level_of_care, first.copay, first.day_limit) == ("4-WM", Decimal("1250.50"), 7)
    assert (second.level_of_care, second.covered) == ("3.7-WM", "unknown")
    assert (third.level_of_care, third.covered) == ("2.1", "no")
    answer = text_of(client.get(page(check)))
    assert "Not a guarantee of payment" in answer
    assert "$1,250.50" in answer
    assert "XMP-000143" not in answer  # only its end, once nobody has to read it out
    frozen.move_to(check.expires_at)
    expired = text_of(client_for(agent).get(page(check)))
    assert "This answer has expired. Do not quote it." in expired
    assert call_page(call) in expired


def test_a_policy_already_recorded_can_be_chosen_instead(agent, client_for, now):
    check = answered(insurance_check(agent=agent, now=now), agent, now)
    client = client_for(agent)
    form = client.get(call_page(check.call)).context["form"]
    assert form["policy"].value() == str(check.policy_id)
    client.post(
        call_page(check.call), {"policy": str(check.policy_id), "levels_wanted": ["3.7-WM"]}
    )
    assert InsuranceCheck.objects.filter(policy=check.policy).count() == 2
    again = client.post(
        call_page(check.call), {"policy": str(check.policy_id), "levels_wanted": ["3.7-WM"]}
    )
    assert again.status_code == 422
    assert insurance.CheckAlreadyOpen.default_message in text_of(again)


def test_somebody_elses_policy_is_no_choice(agent, client_for, now):
    check = insurance_check(agent=agent, now=now)
    other = screened_call(agent=agent, now=now, person=maria(name="John Invented"))
    consent(other, HEALTH_PLAN, agent=agent, now=now)
    sent = client_for(agent).post(call_page(other), CARD | {"policy": str(check.policy_id)})
    assert sent.status_code == 302  # she has none stored, so the card typed below is the policy
    assert other.insurance_checks.get().policy_id != check.policy_id


def test_the_second_to_take_it_is_told_so_on_the_page(agent, other_agent, client_for, now):
    check = insurance_check(agent=agent, now=now)
    client_for(agent).post(page(check, "take"))
    late = client_for(other_agent).post(page(check, "take"))
    assert late.status_code == 422
    assert insurance.CheckTaken.default_message in text_of(late)


def test_an_answer_needs_the_disclaimer_and_loses_nothing_when_refused(agent, client_for, now):
    check = insurance_check(agent=agent, now=now)
    client = client_for(agent)
    silent = {name: value for name, value in ANSWER.items() if name != "not_a_guarantee"}
    refused = client.post(page(check, "answer"), silent)
    assert refused.status_code == 422
    for typed in ("Dana at provider services", "$1,250.50", "CALL-77"):
        assert typed in text_of(refused)
    consents.revoke(consent=check.consent, by=agent, now=now)
    revoked = client.post(page(check, "answer"), ANSWER)
    assert revoked.status_code == 422
    assert "Dana at provider services" in text_of(revoked)
    assert reverse("admin:intake_call_consent", args=[check.call_id]) in text_of(revoked)
    assert not check.benefits.exists()


def test_a_check_without_an_answer_is_closed_with_what_happened(agent, client_for, now):
    check = insurance_check(agent=agent, now=now)
    client = client_for(agent)
    assert client.post(page(check, "unable"), {"notes": ""}).status_code == 422
    client.post(page(check, "unable"), {"notes": "Closed until Monday"})
    check.refresh_from_db()
    assert check.status == "unable"
    assert "Closed until Monday" in text_of(client.get(page(check)))
    assert client.post(page(check, "cancel")).status_code == 422


def test_checks_are_found_by_reference_and_person_with_neither_in_the_url(agent, client_for, now):
    check = insurance_check(agent=agent, now=now)
    client = client_for(agent)
    for text in (check.reference, "(202) 555-0143", "maria invented"):
        answer = client.post(reverse("admin:intake_insurancecheck_search"), {"q": text})
        assert not tells(answer.url, "0143")
        assert check.reference in text_of(client.get(answer.url))
    missed = client.post(reverse("admin:intake_insurancecheck_search"), {"q": "XMP-000143\x00"})
    assert check.reference not in text_of(client.get(missed.url))


def test_the_list_holds_what_waits_longest_on_top_and_no_personal_value(agent, client_for, now):
    done = answered(insurance_check(agent=agent, now=now - timedelta(hours=3)), agent, now)
    new = insurance_check(agent=agent, now=now - timedelta(hours=1))
    old = insurance_check(agent=agent, now=now - timedelta(hours=2))
    listed = text_of(client_for(agent).get(reverse("admin:intake_insurancecheck_changelist")))
    places = [listed.index(check.reference) for check in (old, new, done)]
    assert places == sorted(places)
    assert "Example Mutual" not in listed
    assert "XMP-000143" not in listed


@pytest.mark.parametrize("role", ["privacy_officer", "administrator"])
def test_roles_that_see_no_caller_see_no_check(role, agent, client_for, now, request):
    check = insurance_check(agent=agent, now=now)
    client = client_for(request.getfixturevalue(role))
    for name in ("change", "take", "put_back", "answer", "unable", "cancel", "history"):
        assert client.get(page(check, name)).status_code == 403
    assert client.get(call_page(check.call)).status_code == 403


def test_every_page_of_a_check_is_written_to_the_audit(agent, client_for, now):
    check = insurance_check(agent=agent, now=now)
    client = client_for(agent)
    for name in ("change", "answer", "unable", "cancel"):
        before = Event.objects.filter(verb="record.read", subject_id=str(check.pk)).count()
        client.get(page(check, name))
        after = Event.objects.filter(verb="record.read", subject_id=str(check.pk)).count()
        assert after == before + 1, name


# --- Bad input ----------------------------------------------------------------------------------

BAD_TEXT = ["\x00", "a\x00b", "x" * 100_000, "a\ud800b", "a\x1bb", "a\ufffdb"]
BAD_NUMBER = ["9" * 100_000, "-1", "NaN", "1e999999", "٣" * 50, "\x00", "0x10"]
BAD_TIME = ["2026-02-30", "0000-00-00", "9999-12-31", "1-1-1", "9" * 50_000, "\x00"]


def post_raw(client, url, data):
    """A form as bytes, such as no browser sends."""
    body = urlencode(data, doseq=True, errors="surrogatepass")
    return client.post(url, body, content_type="application/x-www-form-urlencoded")


@pytest.mark.parametrize("bad", BAD_TEXT)
def test_unstorable_text_is_refused_on_the_page_and_shown_again(bad, agent, client_for, now):
    call = screened_call(agent=agent, now=now)
    consent(call, HEALTH_PLAN, agent=agent, now=now)
    client = client_for(agent)
    fields = ("payer_name", "member_id", "group_number", "plan_name", "policyholder_name")
    for name in fields:
        card = CARD | {"new-plan_name": "Gold plan", f"new-{name}": bad}
        answer = post_raw(client, call_page(call), card)
        assert answer.status_code == 422, name
        if name != "plan_name":
            assert "Gold plan" in text_of(answer)
    check = insurance_check(agent=agent, now=now, call=call)
    for name in ("representative", "payer_reference", "notes", "level-4-WM-notes"):
        answer = post_raw(client, page(check, "answer"), ANSWER | {name: bad})
        assert answer.status_code == 422, name
        assert "$1,250.50" in text_of(answer)
    assert post_raw(client, page(check, "unable"), {"notes": bad}).status_code == 422
    check.refresh_from_db()
    assert check.is_open


@pytest.mark.parametrize("bad", BAD_NUMBER)
def test_impossible_numbers_are_refused_on_the_page(bad, agent, client_for, now):
    check = insurance_check(agent=agent, now=now)
    client = client_for(agent)
    for name in ("copay", "coinsurance_percent", "deductible_left", "day_limit"):
        answer = client.post(page(check, "answer"), ANSWER | {f"level-4-WM-{name}": bad})
        assert answer.status_code == 422, name
        assert "Dana at provider services" in text_of(answer)
        assert "Hospital withdrawal management (4-WM): " in text_of(answer)
    assert not check.benefits.exists()


@pytest.mark.parametrize("bad", BAD_TIME)
def test_impossible_dates_are_refused_on_the_page(bad, agent, client_for, now):
    call = screened_call(agent=agent, now=now)
    consent(call, HEALTH_PLAN, agent=agent, now=now)
    client = client_for(agent)
    for name in ("new-policyholder_birth_date", "needed_by"):
        assert client.post(call_page(call), CARD | {name: bad}).status_code == 422, name
    check = insurance_check(agent=agent, now=now, call=call)
    assert client.post(page(check, "answer"), ANSWER | {"good_until": bad}).status_code == 422


def test_choices_nobody_offered_are_refused(agent, client_for, now):
    call = screened_call(agent=agent, now=now)
    consent(call, HEALTH_PLAN, agent=agent, now=now)
    client = client_for(agent)
    tampered = (
        {"new-payer_kind": "<script>"},
        {"new-rank": "first"},
        {"new-policyholder_relationship": "enemy"},
        {"new-policyholder_name": ""},
        {"levels_wanted": ["9-XX"]},
        {"levels_wanted": []},
        {"new-payer_phone": "911"},
        {"new-policyholder_birth_date": "2999-01-01"},
    )
    for change in tampered:
        answer = client.post(call_page(call), {**CARD, **change})
        assert answer.status_code == 422, change
    check = insurance_check(agent=agent, now=now, call=call)
    for change in ({"coverage": "maybe"}, {"level-4-WM-covered": "perhaps"}):
        assert client.post(page(check, "answer"), ANSWER | change).status_code == 422, change


def test_marks_that_turn_text_around_are_taken_out(agent, client_for, now):
    call = screened_call(agent=agent, now=now)
    consent(call, HEALTH_PLAN, agent=agent, now=now)
    client_for(agent).post(call_page(call), CARD | {"new-payer_name": "Example \u202eMutual"})
    assert InsurancePolicy.objects.get().payer_name == "Example Mutual"


def test_names_and_numbers_of_a_policy_are_not_readable_in_the_database(agent, now):
    insurance_check(agent=agent, now=now)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM intake_insurancepolicy")
        stored = str(cursor.fetchall())
    for value in ("Example Mutual", "XMP-000143", "Maria"):
        assert value not in stored
