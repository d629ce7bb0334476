"""The health part of the call sheet: symptoms, signs of dependence, conditions of the route."""

import pytest
from django.urls import reverse

from intake.actions import calls, needs, safety
from intake.admin.health_forms import HealthForm
from intake.models import Call, SafetyScreen
from intake.rules.questions import QUESTION
from intake.rules.withdrawal import SIGNS, SYMPTOMS, Severity
from tests.sheets import ADD, KLONOPIN, all_no, posted, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(agent, client_for, frozen):
    return client_for(agent)


def address(call):
    return reverse("admin:intake_call_change", args=[call.pk])


STILL_TAKING = KLONOPIN | {"stopped_abruptly": "no", "recent_cut_percent": "0", "dose_mg": "0.25"}


def test_symptoms_and_signs_are_kept_on_the_call_and_shown_again(browser):
    data = posted(health__symptom_tremor="severe", health__symptom_nausea="none")
    data["health-dependence_signs"] = ["craving", "tolerance"]
    browser.post(ADD, data)
    call = Call.objects.get()
    assert call.withdrawal_symptoms == {"tremor": "severe", "nausea": "none"}
    assert call.dependence_signs == ["tolerance", "craving"]
    shown = HealthForm(prefix="health", call=call)
    assert shown["symptom_tremor"].value() == "severe"
    assert shown["symptom_anxiety"].value() == "unknown"
    page = text_of(browser.get(address(call)))
    assert 'name="health-symptom_tremor" value="severe"' in page
    assert page.count('value="craving"') == 1


def test_severe_symptoms_raise_the_level_and_leave_no_outpatient_list(browser):
    denied = posted("screened", rows=[STILL_TAKING], **all_no())
    browser.post(ADD, denied)
    call = Call.objects.get()
    assert safety.current(call=call).level == SafetyScreen.Level.MODERATE
    version = str(calls.sheet_version(call))
    told = all_no() | {"health__symptom_tremor": "severe"}
    cut = STILL_TAKING | {"recent_cut_percent": ""}
    browser.post(address(call), posted("screened", rows=[cut], version=version, **told))
    screen = safety.current(call=call)
    assert screen.level == SafetyScreen.Level.URGENT
    assert screen.result.never_outpatient_only
    assert "Told: shaking (severe)" in text_of(browser.get(address(call)))


def test_a_symptom_alone_is_enough_for_a_screen(browser):
    browser.post(ADD, posted("draft", health__symptom_fast_heartbeat="severe"))
    assert SafetyScreen.objects.get().level == SafetyScreen.Level.EMERGENCY


def test_unknown_is_shown_as_still_unknown_and_is_not_none(browser):
    answers = all_no() | {f"health__symptom_{code}": "unknown" for code in SYMPTOMS}
    browser.post(ADD, posted("screened", **answers))
    call = Call.objects.get()
    assert "symptoms" in safety.current(call=call).result.unknowns
    assert "Which signs of withdrawal are there?" in text_of(browser.get(address(call)))


@pytest.mark.parametrize("condition", ["depression", "bipolar", "ptsd"])
def test_a_mental_illness_asks_for_dual_diagnosis_care_without_typing_it_twice(
    browser, now, condition
):
    browser.post(ADD, posted("screened", **all_no()))
    call = Call.objects.get()
    before = safety.current(call=call).level
    assert "CO" not in needs.for_call(call, now=now).required
    version = str(calls.sheet_version(call))
    changed = posted("screened", version=version, **all_no(**{condition: "yes"}))
    assert browser.post(address(call), changed).status_code == 302
    assert "CO" in needs.for_call(call, now=now).required
    assert safety.current(call=call).level == before
    assert "R25" in safety.current(call=call).result.rule_ids


def test_nothing_is_asked_twice():
    at_the_top = {QUESTION[code].text for code in ("seizure_now", "hallucinations", "confusion")}
    assert not at_the_top & set(SYMPTOMS.values())
    assert not {"seizure", "hallucinations", "confusion", "suicide"} & set(SYMPTOMS)
    assert not set(SYMPTOMS) & set(QUESTION)
    assert not set(SIGNS) & set(QUESTION)


def test_every_answer_has_a_chip_and_the_whole_question_for_who_hears_the_page(browser):
    page = text_of(browser.get(ADD))
    assert "COPD or another lung disease" in page
    assert "Do they have COPD or another lung disease?" in page
    for code in SYMPTOMS:
        for severity in Severity:
            assert f'name="health-symptom_{code}" value="{severity}"' in page
    assert 'href="#danger"' in page


def test_the_record_of_a_closed_call_shows_symptoms_and_signs(browser):
    answers = all_no() | {"health__symptom_tremor": "moderate"}
    data = posted("close", closing__disposition="information_given", **answers)
    data["health-dependence_signs"] = ["craving"]
    browser.post(ADD, data)
    call = Call.objects.get()
    assert not call.is_open
    page = text_of(browser.get(address(call)))
    for words in ("Withdrawal symptoms", "Shaking", "Moderate", "Signs of dependence", "Craves it"):
        assert words in page, words


@pytest.mark.parametrize("typed", ["dreadful", "a\0b", "1" * 5000])
def test_a_severity_that_is_none_comes_back_with_a_message(browser, typed):
    response = browser.post(ADD, posted(health__symptom_tremor=typed))
    assert response.status_code == 422
    assert "Choose one of the answers" in text_of(response)
