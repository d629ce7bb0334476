"""Consent: read out, recorded on the call, in force, revoked."""

import pytest
from django.urls import reverse

from intake.actions import consents
from intake.models import Consent
from intake.rules.consent_texts import WORDING_VERSION, read_out
from tests import casting
from tests.sheets import text_of

pytestmark = pytest.mark.django_db

GIVEN = {
    "health_plan": "on",
    "health_plan_recipient": "Example Mutual",
    "health_plan_information": "Name, member number, treatment asked about",
    "facilities": "on",
    "facilities_recipient": "Facilities on the list",
    "facilities_information": "Age, substances, last use",
    "given_how": "verbal",
    "expires_on": "2026-09-10",
    "confirmed": "on",
}


@pytest.fixture
def call(agent, now, frozen):
    return casting.open_call(agent=agent, now=now)


@pytest.fixture
def browser(agent, client_for, frozen):
    return client_for(agent)


def page(call):
    return reverse("admin:intake_call_consent", args=[call.pk])


@pytest.mark.parametrize("scope", Consent.Scope.values)
def test_the_text_has_every_element_of_the_rule(scope):
    said = read_out(scope, helpline="The Helpline")
    assert {passage.paragraph for passage in said} == set(range(1, 11))
    assert any("The Helpline" in passage.text for passage in said)


def test_the_page_shows_the_text_to_read_out(browser, call, settings):
    shown = text_of(browser.get(page(call)))
    for scope in Consent.Scope.values:
        for passage in read_out(scope, helpline=settings.HELPLINE_NAME):
            assert passage.text in shown
    assert WORDING_VERSION in shown


def test_both_scopes_are_recorded_at_once_each_for_itself(browser, agent, call, now):
    response = browser.post(page(call), GIVEN)
    assert response.status_code == 302
    plan, places = Consent.objects.order_by("-scope")
    assert (plan.scope, plan.recipient) == ("health_plan", "Example Mutual")
    assert (places.scope, places.recipient) == ("facilities", "Facilities on the list")
    assert {plan.person, places.person} == {call.person_in_need}
    assert (plan.wording_version, plan.recorded_by) == (WORDING_VERSION, agent)
    # To the end of that day on the helpline's clock.
    assert plan.expires_at.isoformat() == "2026-09-11T03:59:00+00:00"
    assert consents.require(person=call.person_in_need, scope="health_plan", now=now) == plan


def test_whoever_was_sent_here_is_led_back_and_types_nothing_twice(browser, agent, now, frozen):
    call = casting.screened_call(agent=agent, now=now)
    insurance = reverse("admin:intake_call_insurance", args=[call.pk])
    way = f"{page(call)}?for=health_plan"
    assert way in text_of(browser.get(insurance))
    assert browser.get(way).context["form"]["health_plan"].value() is True
    refused = browser.post(way, GIVEN | {"confirmed": ""})
    assert refused.status_code == 422
    assert browser.post(way, GIVEN).url == insurance
    form = browser.get(insurance).context["form"]
    assert form.new_policy["payer_name"].value() == "Example Mutual"
    sheet = reverse("admin:intake_call_change", args=[call.pk])
    for elsewhere in ("", "?for=facilities", "?for=https://example.org"):
        assert browser.post(page(call) + elsewhere, GIVEN).url == f"{sheet}#next"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"health_plan": "", "facilities": ""}, "Choose at least one"),
        ({"health_plan_recipient": " "}, "A consent has to say this."),
        ({"confirmed": ""}, "required"),
        ({"given_how": ""}, "required"),
        ({"expires_on": "2026-03-09"}, consents.ExpiryNotAhead.default_message),
        ({"expires_on": "9999-12-31"}, "between 1900 and 2100"),
    ],
)
def test_a_consent_without_an_element_is_refused_and_kept_typed(browser, call, change, message):
    given = {name: value for name, value in (GIVEN | change).items() if value}
    response = browser.post(page(call), given)
    assert response.status_code == 422
    assert message in text_of(response)
    assert "Age, substances, last use" in text_of(response)
    assert not Consent.objects.exists()


def test_only_the_person_in_need_can_consent(browser, agent, now, call):
    other = casting.open_call(agent=agent, now=now, call_type="about_other")
    other.person_in_need = None
    other.save(update_fields=["person_in_need"])
    response = browser.post(page(other), GIVEN)
    assert response.status_code == 422
    assert consents.NobodyToConsent.default_message in text_of(response)


def test_a_caller_who_is_somebody_else_is_warned_about(browser, agent, now, call):
    assert "caller is not the person" not in text_of(browser.get(page(call)))
    call.person_in_need = casting.maria(alias="Leo", created_at=now)
    call.person_in_need.save()
    call.save(update_fields=["person_in_need"])
    assert "caller is not the person" in text_of(browser.get(page(call)))


def test_a_revoked_consent_is_out_of_force_at_once(browser, agent, call, now):
    given = casting.consent(call, "facilities", agent=agent, now=now)
    record = reverse("admin:intake_consent_change", args=[given.pk])
    assert "In force" in text_of(browser.get(record))
    revoke = reverse("admin:intake_consent_revoke", args=[given.pk])
    assert browser.post(revoke).status_code == 302
    with pytest.raises(consents.ConsentMissing):
        consents.require(person=call.person_in_need, scope="facilities", now=now)
    assert "Revoked" in text_of(browser.get(record))
    again = browser.post(revoke)
    assert again.status_code == 422
    assert consents.ConsentAlreadyRevoked.default_message in text_of(again)


def test_the_sheet_says_which_consents_stand(browser, agent, call, now):
    address = reverse("admin:intake_call_change", args=[call.pk])
    assert "Nothing may be told to anyone yet." in text_of(browser.get(address))
    casting.consent(call, "facilities", agent=agent, now=now)
    assert "Recorded: Tell treatment facilities" in text_of(browser.get(address))


@pytest.mark.parametrize("who", ["privacy_officer", "administrator"])
def test_consents_are_for_agents_and_supervisors(who, request, client_for, agent, call, now):
    given = casting.consent(call, "facilities", agent=agent, now=now)
    browser = client_for(request.getfixturevalue(who))
    for address in (
        page(call),
        reverse("admin:intake_consent_changelist"),
        reverse("admin:intake_consent_change", args=[given.pk]),
        reverse("admin:intake_consent_revoke", args=[given.pk]),
    ):
        assert browser.get(address).status_code == 403
        assert browser.post(address, GIVEN).status_code == 403
