"""The safety screen as rows and pages: evaluated, skipped, acted on, judged otherwise."""

import pytest
from django.urls import reverse

from intake.actions import calls, safety
from intake.models import Event, SafetyScreen
from tests import casting
from tests.sheets import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def call(agent, now, frozen):
    return casting.open_call(agent=agent, now=now)


@pytest.fixture
def browser(agent, client_for, frozen):
    return client_for(agent)


def screened(call, agent, now, **answers):
    return safety.evaluate(call=call, answers=casting.told(**answers), by=agent, now=now)


def url(record, page="change"):
    return reverse(f"admin:intake_{record._meta.model_name}_{page}", args=[record.pk])


# --- Evaluating -----------------------------------------------------------------------------------


def test_a_new_evaluation_is_a_new_row_and_the_only_current_one(call, agent, now):
    first = screened(call, agent, now)
    second = screened(call, agent, now, withdrawal_seizure="yes")
    first.refresh_from_db()
    assert (first.is_current, second.is_current) == (False, True)
    assert safety.current(call=call) == second
    assert second.rule_set_version == second.result.rule_set
    verbs = Event.objects.filter(verb="screen.evaluated").count()
    assert verbs == 2


def test_the_screen_keeps_what_was_told_at_the_time(call, agent, now):
    screen = screened(call, agent, now)
    call.substances.all().delete()
    screen.refresh_from_db()
    assert screen.exposures[0]["substance"] == "clonazepam"
    assert screen.exposures[0]["last_used_hours_ago"] == "48"


def test_a_closed_call_is_not_screened_again(call, agent, now):
    screened(call, agent, now)
    calls.close(call=call, disposition="referred", by=agent, now=now)
    with pytest.raises(safety.CallIsClosed):
        screened(call, agent, now, pregnant="yes")


def test_what_was_done_stays_recorded_for_the_same_emergency_only(call, agent, now):
    screen = screened(call, agent, now, confusion="yes")
    safety.record_action(screen=screen, action="called_911", by=agent, now=now)
    same = screened(call, agent, now, confusion="yes", pregnant="yes")
    assert same.action_taken == "called_911"
    other = screened(call, agent, now, confusion="yes", suicide_act="yes")
    assert other.waits_for_action
    with pytest.raises(safety.EmergencyFirst):
        safety.require_screen(call=call)


def test_a_call_is_not_closed_over_an_emergency(call, agent, now):
    screen = screened(call, agent, now, chest_pain="yes")
    with pytest.raises(calls.EmergencyNotActedOn):
        calls.close(call=call, disposition="emergency", by=agent, now=now)
    safety.record_action(screen=screen, action="called_911", by=agent, now=now)
    calls.close(call=call, disposition="emergency", by=agent, now=now)


# --- Skipping -------------------------------------------------------------------------------------


def test_skipping_needs_a_reason_and_opens_the_way(browser, call):
    page = url(call, "skip")
    assert browser.post(page, {"reason": "  "}).status_code == 422
    with pytest.raises(safety.ScreenMissing):
        safety.require_screen(call=call)
    assert browser.post(page, {"reason": "The line is about to drop."}).status_code == 302
    screen = safety.require_screen(call=call)
    assert (screen.is_skipped, screen.level) == (True, SafetyScreen.Level.UNKNOWN)
    assert "The line is about to drop." in text_of(browser.get(url(call)))


def test_a_skip_does_not_cover_up_what_was_found(browser, call, agent, now):
    screened(call, agent, now, seizure_now="yes")
    response = browser.post(url(call, "skip"), {"reason": "In a hurry"})
    assert response.status_code == 422
    assert safety.AlreadyScreened.default_message in text_of(response)
    assert safety.current(call=call).level == "emergency"


def test_a_skipped_screen_can_still_be_done(call, agent, now):
    safety.skip(call=call, reason="Hurry", by=agent, now=now)
    assert screened(call, agent, now).is_current


# --- Acting ---------------------------------------------------------------------------------------


def test_what_was_done_is_recorded_once_chosen(browser, call, agent, now):
    screen = screened(call, agent, now, breathing_trouble="yes")
    assert browser.post(url(screen, "act"), {"action": ""}).status_code == 422
    response = browser.post(url(screen, "act"), {"action": "called_911"})
    assert response["Location"] == f"{url(call)}#found"
    screen.refresh_from_db()
    assert (screen.action_taken, screen.acted_by) == ("called_911", agent)


def test_an_old_screen_cannot_be_acted_on(browser, call, agent, now):
    old = screened(call, agent, now, breathing_trouble="yes")
    screened(call, agent, now, breathing_trouble="yes", pregnant="yes")
    response = browser.post(url(old, "act"), {"action": "called_911"})
    assert response.status_code == 422
    assert safety.ScreenOutdated.default_message in text_of(response)


# --- Judging otherwise ----------------------------------------------------------------------------


def test_staff_set_another_level_with_a_reason(browser, call, agent, now):
    screen = screened(call, agent, now)
    page = url(screen, "override")
    assert browser.post(page, {"level": "urgent", "reason": ""}).status_code == 422
    given = {"level": "urgent", "reason": "She sounds much worse than she says."}
    assert browser.post(page, given).status_code == 302
    screen.refresh_from_db()
    assert (screen.effective_level, screen.overridden_by) == ("urgent", agent)
    shown = text_of(browser.get(url(call)))
    assert "She sounds much worse than she says." in shown
    assert "the rules say" in shown


def test_an_emergency_is_acted_on_before_it_is_judged_away(call, agent, now):
    screen = screened(call, agent, now, overdose="yes", cannot_be_woken="yes")

    def judge():
        safety.override(screen=screen, level="moderate", reason="A mistake", by=agent, now=now)

    with pytest.raises(safety.EmergencyFirst):
        judge()
    safety.record_action(screen=screen, action="advice_given", by=agent, now=now)
    judge()
    assert screen.effective_level == "moderate"


def test_a_raised_level_outlives_new_answers_and_a_lowered_one_does_not(call, agent, now):
    screen = screened(call, agent, now)
    safety.override(screen=screen, level="emergency", reason="Voice", by=agent, now=now)
    again = screened(call, agent, now, pregnant="yes")
    assert (again.effective_level, again.override_reason) == ("emergency", "Voice")
    assert again.waits_for_action
    safety.record_action(screen=again, action="called_911", by=agent, now=now)
    safety.override(screen=again, level="moderate", reason="All fine", by=agent, now=now)
    assert screened(call, agent, now, pregnant="yes", epilepsy="yes").override_level == ""


# --- Pages ----------------------------------------------------------------------------------------


def test_a_screen_is_shown_with_answers_and_findings(browser, call, agent, now):
    screen = screened(call, agent, now, withdrawal_seizure="yes", epilepsy="unknown")
    page = text_of(browser.get(url(screen)))
    assert "Have they ever had a seizure when cutting down or stopping?" in page
    assert "1 thing is still unknown" in page
    assert "Inpatient only" in page
    assert call.reference in page


def test_a_skipped_screen_has_a_page(browser, call, agent, now):
    screen = safety.skip(call=call, reason="Line dropped", by=agent, now=now)
    assert "Line dropped" in text_of(browser.get(url(screen)))


def test_the_list_shows_levels_and_no_answer(browser, call, agent, now):
    screened(call, agent, now, withdrawal_seizure="yes")
    page = text_of(browser.get("/admin/intake/safetyscreen/"))
    assert call.reference in page
    assert "seizure" not in page
    for query in ("level=urgent", "is_skipped__exact=0", "is_current__exact=1"):
        assert browser.get(f"/admin/intake/safetyscreen/?{query}").status_code == 200
    hidden = browser.get("/admin/intake/safetyscreen/?answers__startswith=a")
    assert hidden.status_code in (302, 400)


def test_supervisors_read_what_was_skipped_and_judged_otherwise(
    browser, supervisor, client_for, call, agent, now
):
    address = reverse("admin:intake_safetyscreen_overrides")
    screen = screened(call, agent, now)
    safety.override(screen=screen, level="low_but_possible", reason="Ask me", by=agent, now=now)
    other = casting.open_call(agent=agent, now=now)
    safety.skip(call=other, reason="Bad line", by=agent, now=now)
    page = text_of(client_for(supervisor).get(address))
    for words in ("Ask me", "Bad line", call.reference, other.reference, agent.username):
        assert words in page
    assert browser.get(address).status_code == 403
    assert address not in text_of(browser.get("/admin/intake/safetyscreen/"))
    assert address in text_of(client_for(supervisor).get("/admin/intake/safetyscreen/"))


@pytest.mark.parametrize("who", ["privacy_officer", "administrator"])
def test_screens_are_for_agents_and_supervisors(who, request, client_for, call, agent, now):
    screen = screened(call, agent, now)
    browser = client_for(request.getfixturevalue(who))
    addresses = [url(screen), url(screen, "act"), url(screen, "override"), url(call, "skip")]
    for address in ["/admin/intake/safetyscreen/", *addresses]:
        assert browser.get(address).status_code == 403
    assert browser.post(url(call, "skip"), {"reason": "x"}).status_code == 403
