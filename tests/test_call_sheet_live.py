"""The call sheet while it is being filled in: the same rules, the same parts, nothing stored."""

import re
import uuid
from urllib.parse import urlencode

import pytest
from django.urls import reverse

from intake.actions import calls, safety
from intake.models import Call, Event, Person, SafetyScreen, SheetDraft
from intake.rules.findings import Assessment
from intake.rules.safety import QUESTIONS, Answer, Answers, assess
from tests import casting
from tests.sheets import ADD, KLONOPIN, all_no, posted, text_of
from tests.test_calls_bad_input import FIELDS, FORM, HOSTILE

pytestmark = pytest.mark.django_db

LIVE = "/admin/intake/call/live/"
PARTS = ("safety-panel", "emergency", "use-found", "money-gate", "answer-cards")


@pytest.fixture
def browser(agent, client_for, frozen):
    return client_for(agent)


@pytest.fixture
def call(agent, now, frozen):
    return casting.open_call(agent=agent, now=now)


def asked(browser, call=None, **changes):
    """What the live answer holds, part by part."""
    changes.setdefault("call_id", str(call.pk) if call else str(uuid.uuid4()))
    response = browser.post(LIVE, posted(**changes), headers={"HX-Request": "true"})
    assert response.status_code == 200
    return parts_of(text_of(response))


def parts_of(page):
    """Each part with its blanks and the mark of a live answer taken out."""
    found = {}
    for name in PARTS:
        start = page.rindex("<", 0, page.index(f'id="{name}"'))
        tag = re.match(r"<(\w+)", page[start:])[1]
        depth, end = 0, start
        for piece in re.finditer(rf"<(/?){tag}\b[^>]*>", page[start:]):
            depth += -1 if piece[1] else 1
            if depth == 0:
                end = start + piece.end()
                break
        text = page[start:end].replace(' hx-swap-oob="true"', "")
        found[name] = " ".join(text.split())
    return found


def url(call, page="change"):
    return reverse(f"admin:intake_call_{page}", args=[call.pk])


# --- What it says ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answers",
    [
        {"withdrawal_seizure": "yes"},
        {"confusion": "yes"},
        {"suicide_thoughts": "yes", "epilepsy": "unknown"},
        {"pregnant": "yes", "liver_disease": "yes"},
        {},
    ],
    ids=lambda answers: "-".join(answers) or "nothing",
)
def test_live_and_saved_say_the_same(browser, answers):
    told = all_no(**answers)
    live = asked(browser, **told)
    browser.post(ADD, posted("screened", **told))
    call = Call.objects.get()
    saved = parts_of(text_of(browser.get(url(call))))
    again = asked(browser, call, version="1", **told)
    assert again == saved
    for name in ("use-found", "answer-cards"):
        mine, stored = live[name], saved[name]
        assert re.sub(r'"[^"]*"', "", mine) == re.sub(r'"[^"]*"', "", stored)
    screen = SafetyScreen.objects.get()
    for finding in screen.result.findings:
        assert finding.title in live["safety-panel"]
        assert finding.advice in live["safety-panel"]
        assert finding.say in live["safety-panel"]
        assert f"{finding.rule_id} · {finding.source}" in live["safety-panel"]
    assert ("Red flag" in live["emergency"]) is screen.waits_for_action
    assert 'data-level="emergency"' in live["safety-panel"] or screen.level != "emergency"


def test_nothing_is_stored_and_nothing_is_written_to_the_audit(browser):
    before = Event.objects.count()
    asked(browser, **all_no(confusion="yes"))
    assert Event.objects.count() == before
    for model in (Call, Person, SafetyScreen, SheetDraft):
        assert not model.objects.exists()


def test_what_is_unknown_is_listed_by_name_and_never_called_safe(browser):
    panel = asked(browser, rows=[], screen__alone="no")["safety-panel"]
    for words in ("lips or nails blue", "How old", "Which substances are taken?"):
        assert (words in panel) is (words != "How old")
    assert "Not ruled out" in panel
    assert not re.search(r"\bsafe\b", panel)
    assert "all clear" not in panel.lower()


def test_the_numbers_are_there_whatever_is_told(browser):
    for told in ({}, all_no(), all_no(confusion="yes")):
        panel = asked(browser, **told)["safety-panel"]
        assert all(f'href="tel:{number}"' in panel for number in ("911", "988", "+18002221222"))


def test_both_conversions_are_for_staff_only_and_no_taper_follows(browser):
    panel = asked(browser, **all_no())["safety-panel"]
    doses = panel[panel.index('id="doses"') :]
    assert "Staff only" in doses
    assert "VA/DoD 2021" in doses
    assert "40 mg" in doses
    assert "Ashton 2002" in doses
    assert "no taper follows" in doses
    assert "diazepam" not in panel[: panel.index('id="doses"')].lower()


def test_a_slip_in_one_field_hides_no_danger(browser):
    live = asked(
        browser,
        rows=[KLONOPIN | {"dose_mg": "two"}],
        screen__confusion="yes",
        screen__seizure_hours_ago="x",
        person__age="-5",
        caller__phone="911",
    )
    assert "This needs an ambulance" in live["emergency"]
    assert "Clonazepam: dose each time" in live["safety-panel"]


# --- Red flags ------------------------------------------------------------------------------------


RED_FLAGS = [question.code for question in QUESTIONS if question.red_flag]


@pytest.mark.parametrize("code", RED_FLAGS)
def test_every_red_flag_alone_asks_for_somebody_on_the_line(code):
    assert assess(Answers(**{code: Answer.YES})).red_flags


@pytest.mark.parametrize("code", ["suicide_thoughts", "danger_to_others", "overdose"])
def test_a_red_flag_closes_money_until_something_is_done(browser, code):
    told = all_no(**{code: "yes"})
    live = asked(browser, **told)
    assert "Red flag: help first" in live["emergency"]
    assert "Record what was done" in live["emergency"]
    assert 'value="insurance" disabled' in live["money-gate"]
    assert 'value="referral" disabled' in live["money-gate"]
    assert safety.EmergencyFirst.default_message in live["money-gate"]
    # From the sheet as it stands, not yet saved.
    response = browser.post(ADD, posted("acted", acted__action_taken="transfer_988", **told))
    assert response.status_code == 302
    call = Call.objects.get()
    assert safety.require_screen(call=call).action_taken == "transfer_988"
    after = asked(browser, call, version="1", **told)
    assert "Red flag" not in after["emergency"]
    assert 'value="insurance" disabled' not in after["money-gate"]


def test_an_emergency_of_another_kind_is_acted_on_again(browser, agent, call, now):
    screen = safety.evaluate(call=call, answers=casting.told(confusion="yes"), by=agent, now=now)
    safety.record_action(screen=screen, action="called_911", by=agent, now=now)
    same = asked(browser, call, **all_no(confusion="yes", pregnant="yes"))
    other = asked(browser, call, **all_no(confusion="yes", suicide_act="yes"))
    assert "Red flag" not in same["emergency"]
    assert "Red flag" in other["emergency"]
    assert "Warm transfer to 988" in other["emergency"]


def test_a_level_staff_had_raised_is_not_talked_down(browser, agent, call, now):
    screen = safety.evaluate(call=call, answers=casting.past_seizure(), by=agent, now=now)
    safety.override(screen=screen, level="emergency", reason="Voice", by=agent, now=now)
    live = asked(browser, call, **all_no(pregnant="yes"))
    assert 'data-level="emergency"' in live["safety-panel"]
    assert "Record what was done" in live["emergency"]


def test_what_next_opens_with_what_is_told(browser):
    nothing = asked(browser, call__call_type="professional", caller__phone="", person__age="")
    assert all(
        f'value="{page}" disabled' in nothing["money-gate"]
        for page in ("consent", "insurance", "referral", "callback")
    )
    told = asked(browser, **all_no())
    assert "disabled" not in told["money-gate"]


def test_an_unscreened_call_leads_to_no_money(browser):
    live = asked(browser)
    assert 'value="insurance" disabled' in live["money-gate"]
    assert safety.ScreenMissing.default_message in live["money-gate"]


# --- Rights, and what else may be sent ------------------------------------------------------------


def test_live_answers_are_for_those_who_fill_in_sheets(
    client_for, agent, supervisor, privacy_officer, administrator, call, frozen
):
    data = posted(call_id=str(call.pk))
    assert [
        client_for(user).post(LIVE, data).status_code
        for user in (agent, supervisor, privacy_officer, administrator)
    ] == [200, 200, 403, 403]
    assert client_for(agent).get(LIVE).status_code == 405


def test_a_session_that_ended_gets_401_and_no_page(client, db):
    assert client.post(LIVE, posted(), headers={"HX-Request": "true"}).status_code == 401
    assert client.post(LIVE, posted()).status_code == 302


@pytest.mark.parametrize("typed", HOSTILE.values(), ids=HOSTILE)
def test_whatever_is_typed_gets_an_answer(browser, typed):
    data = posted(**all_no()) | dict.fromkeys(FIELDS, typed)
    for call_id in (str(uuid.uuid4()), typed):
        body = urlencode(data | {"call_id": call_id, "then": "ended"}, errors="surrogatepass")
        assert browser.post(LIVE, body, content_type=FORM).status_code == 200, typed


def test_an_empty_post_gets_an_answer(browser):
    assert browser.post(LIVE, {}).status_code == 200


def test_a_live_answer_takes_few_queries(browser, call, django_assert_max_num_queries):
    data = posted(call_id=str(call.pk), **all_no(withdrawal_seizure="yes"))
    browser.post(LIVE, data)
    # Four of them are the session, the user and the user's rights.
    with django_assert_max_num_queries(14):
        browser.post(LIVE, data)


# --- The end of the talk --------------------------------------------------------------------------


def test_call_ended_marks_the_moment_and_keeps_the_sheet_going(browser, call, frozen, now):
    frozen.shift(600)
    data = posted(call_id=str(call.pk), version="1", then="ended", **all_no())
    page = text_of(browser.post(LIVE, data))
    assert 'data-ended="2026-03-10T10:10:00"' in page
    assert "Call ended 10:10:00 AM" in page
    call.refresh_from_db()
    assert call.ended_at is None
    # Without scripts the button saves.
    assert browser.post(url(call), data).status_code == 302
    call.refresh_from_db()
    assert (call.ended_at - now).total_seconds() == 600
    assert call.is_open


def test_wrap_up_is_counted_from_the_marked_end(browser, agent, call, frozen, now):
    frozen.shift(615)
    told = all_no()
    browser.post(url(call), posted("ended", version="1", **told))
    frozen.shift(90)
    page = text_of(browser.get(url(call)))
    assert 'value="2026-03-10T10:10:15"' in page
    assert "Wrap-up" in page
    ended = {"call__ended_at": "2026-03-10T10:10:15", "closing__disposition": "referred"}
    response = browser.post(url(call), posted("close", version="2", **told, **ended))
    assert response.status_code == 302
    call.refresh_from_db()
    assert (call.status, call.wrap_up_seconds) == ("closed", 90)
    assert "1 min" in text_of(browser.get(url(call)))


@pytest.mark.parametrize("late", [False, True], ids=["nobody marked it", "from paper"])
def test_wrap_up_that_was_not_measured_is_no_figure(agent, now, late):
    ended = now if late else None
    call = casting.screened_call(agent=agent, now=now, entered_late=late, ended_at=ended)
    calls.close(call=call, disposition="referred", by=agent, now=now)
    assert call.wrap_up_seconds is None


# --- A hard call ----------------------------------------------------------------------------------


def test_a_hard_call_asks_for_one_debrief(browser, call):
    hard = posted(version="1", closing__wants_debrief="on", **all_no())
    assert browser.post(url(call), hard).status_code == 302
    assert call.debrief.asked_by.username == "ava"
    page = text_of(browser.get(url(call)))
    assert "A debrief was asked for." in page
    assert browser.post(url(call), hard | {"version": "2"}).status_code == 302
    assert Event.objects.filter(verb="debrief.asked").count() == 1


def test_an_assessment_without_a_red_flag_has_none():
    found = assess(Answers(withdrawal_seizure=Answer.YES))
    assert isinstance(found, Assessment)
    assert found.red_flags == ()
