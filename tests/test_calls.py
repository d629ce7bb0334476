"""A call: its sheet, its two people, its screen in the same transaction, its closing."""

import re
import uuid
from datetime import timedelta

import pytest
from django.urls import reverse

from intake.actions import calls, insurance, referrals, safety
from intake.models import Call, Event, Person, SafetyScreen, SubstanceUse
from tests import casting
from tests.racing import at_once
from tests.sheets import ADD, BLANK_ROW, KLONOPIN, all_no, posted, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(agent, client_for, frozen):
    return client_for(agent)


@pytest.fixture
def call(agent, now, frozen):
    return casting.open_call(agent=agent, now=now)


def url(call, page="change"):
    return reverse(f"admin:intake_call_{page}", args=[call.pk])


def save(browser, call, **changes):
    data = posted(**{"version": str(calls.sheet_version(call)), **changes})
    return browser.post(url(call), data)


# --- Logging a call -------------------------------------------------------------------------------


def test_the_sheet_opens_with_the_safety_panel_and_red_flags_first(browser):
    page = text_of(browser.get(ADD))
    assert "Not screened yet" in page
    assert 'href="tel:911"' in page
    assert page.index("having a seizure") < page.index("Who is calling")
    assert page.index("Who is calling") < page.index("Who needs help")
    assert page.index('id="substances"') < page.index('id="narrative"') < page.index('id="next"')


def test_a_saved_sheet_is_a_call_with_its_person_substances_and_screen(browser, agent, now):
    response = browser.post(ADD, posted("screened", **all_no(withdrawal_seizure="yes")))
    call = Call.objects.get()
    assert response.status_code == 302
    assert response["Location"] == url(call) + "#found"
    assert call.taken_by == agent
    assert call.caller == call.person_in_need
    assert (call.caller.alias, str(call.caller.phone)) == ("Maria", "+12025550143")
    assert (call.caller.age, call.caller.time_zone) == (41, "America/New_York")
    use = call.substances.get()
    assert (use.substance, use.weeks_of_use, use.stopped_abruptly) == ("clonazepam", 104, True)
    assert (now - use.last_used_at).total_seconds() == 48 * 3600
    screen = safety.current(call=call)
    assert screen.level == SafetyScreen.Level.URGENT
    assert screen.result.inpatient_only


def test_what_the_screen_found_is_shown_with_advice_source_words_and_what_is_unknown(browser):
    answers = all_no(withdrawal_seizure="yes", epilepsy="unknown")
    browser.post(ADD, posted("screened", **answers))
    page = text_of(browser.get(url(Call.objects.get())))
    for words in (
        "Inpatient only",
        "refer to hospital inpatient detox",
        "Please do not try it at home",
        "R9 · ASAM/Joint Clinical Practice Guideline",
        "1 thing is still unknown",
        "Do they have epilepsy",
        "Never read a conversion out.",
        "40 mg",
        'href="tel:988"',
        'href="tel:+18002221222"',
    ):
        assert words in page, words


def test_the_findings_never_say_safe(browser):
    browser.post(ADD, posted("screened", rows=[], **all_no()))
    page = text_of(browser.get(url(Call.objects.get())))
    found = page[page.index('id="found"') : page.index('id="danger"')]
    panel = page[page.index('class="safety-panel"') :]
    assert "safe " not in (found + panel).lower().replace("for staff", "")
    assert "all clear" not in page.lower()


def test_sheet_and_screen_are_saved_together_or_not_at_all(browser, monkeypatch):
    def refuse(**_given):
        raise safety.CallIsClosed

    monkeypatch.setattr(safety, "evaluate", refuse)
    data = posted("screened", caller__alias="Zebulon", **all_no(confusion="yes"))
    response = browser.post(ADD, data)
    assert response.status_code == 422
    assert "Zebulon" in text_of(response)
    assert not Call.objects.exists()
    assert not Person.objects.exists()
    monkeypatch.undo()
    assert browser.post(ADD, data).status_code == 302
    assert Call.objects.get().screens.count() == 1


def test_a_draft_without_an_answer_is_saved_without_a_screen(browser):
    response = browser.post(ADD, posted("draft"))
    assert response.status_code == 302
    assert not SafetyScreen.objects.exists()


def test_a_draft_with_one_answer_is_screened_too(browser):
    browser.post(ADD, posted("draft", screen__confusion="yes"))
    assert SafetyScreen.objects.get().level == SafetyScreen.Level.EMERGENCY


def test_saving_again_without_a_new_answer_adds_no_screen(browser):
    browser.post(ADD, posted("screened", **all_no()))
    call = Call.objects.get()
    assert save(browser, call, call__narrative="More.", **all_no()).status_code == 302
    assert call.screens.count() == 1
    save(browser, call, **all_no(pregnant="yes"))
    assert call.screens.count() == 2
    save(browser, call, rows=[KLONOPIN | {"dose_mg": "3"}], **all_no(pregnant="yes"))
    assert call.screens.count() == 3


def test_two_presses_of_the_button_log_one_call(browser):
    data = posted(call_id=str(uuid.uuid4()))
    first, second = browser.post(ADD, data), browser.post(ADD, data)
    assert first["Location"] == second["Location"]
    assert Call.objects.count() == 1
    assert Person.objects.count() == 1


def test_the_line_dialed_is_ours_on_a_phone_call(browser, settings):
    browser.post(ADD, posted())
    assert str(Call.objects.get().line_dialled) == settings.HELPLINE_NUMBER


def test_no_personal_value_is_in_title_or_address(browser):
    browser.post(ADD, posted("screened", caller__name="Maria Invented", **all_no()))
    response = browser.get(url(Call.objects.get()))
    title = text_of(response).partition("<title>")[2].partition("</title>")[0]
    assert "Maria" not in title
    assert "Maria" not in response.request["PATH_INFO"]


def test_reading_a_sheet_is_written_down(browser, agent, call):
    browser.get(url(call))
    read = Event.objects.filter(verb="record.read", subject_id=str(call.pk))
    assert [event.actor for event in read] == [agent]


# --- Two people -----------------------------------------------------------------------------------


def about_son(**changes):
    return posted(
        **{
            "call__call_type": "about_other",
            "call__relationship": "Mother",
            "person__alias": "Leo",
            "person__age": "24",
            **changes,
        }
    )


def test_a_call_about_someone_else_has_two_people(browser):
    browser.post(ADD, about_son())
    call = Call.objects.get()
    assert call.caller != call.person_in_need
    assert (call.caller.alias, call.caller.age) == ("Maria", None)
    assert (call.person_in_need.alias, call.person_in_need.age) == ("Leo", 24)


def test_two_people_are_two_even_when_nothing_is_known_of_one(browser):
    browser.post(ADD, about_son(person__alias="", person__age="", caller__phone=""))
    call = Call.objects.get()
    assert call.caller_id != call.person_in_need_id
    assert call.person_in_need is not None


def test_a_second_person_on_a_call_about_the_caller_is_asked_about(browser):
    response = browser.post(ADD, posted(person__alias="Leo"))
    assert response.status_code == 422
    assert "Somebody else is written down here" in text_of(response)
    assert not Call.objects.exists()


def test_a_professional_may_leave_nobody_in_need(browser):
    data = posted(call__call_type="professional", person__age="", rows=[])
    browser.post(ADD, data)
    call = Call.objects.get()
    assert call.caller is not None
    assert call.person_in_need is None


def test_the_person_cannot_be_exchanged_once_a_plan_was_asked_about_them(browser, agent, call, now):
    safety.evaluate(call=call, answers=casting.past_seizure(), by=agent, now=now)
    casting.consent(call, "health_plan", agent=agent, now=now)
    insurance.request(call=call, policy=casting.policy(), levels_wanted=[], by=agent, now=now)
    response = save(browser, call, call__call_type="about_other", person__alias="Leo")
    assert response.status_code == 422
    assert calls.PersonFixed.default_message in text_of(response)
    assert save(browser, call, caller__alias="Mia").status_code == 302


# --- Substances -----------------------------------------------------------------------------------


def test_rows_are_kept_in_their_order_and_blank_ones_left_out(browser):
    other = KLONOPIN | {"substance": "oxycodone"}
    browser.post(ADD, posted(rows=[KLONOPIN, BLANK_ROW, other]))
    stored = [(use.position, use.substance) for use in SubstanceUse.objects.order_by("position")]
    assert stored == [(0, "clonazepam"), (1, "oxycodone")]


def test_a_row_taken_out_is_gone(browser, call):
    save(browser, call, rows=[KLONOPIN | {"DELETE": "on"}])
    assert not call.substances.exists()


def test_one_more_row_keeps_everything_typed_and_saves_nothing(browser):
    data = posted("add_row", caller__phone="202 555", call__narrative="She said \u00abno\u00bb")
    response = browser.post(ADD, data)
    page = text_of(response)
    assert response.status_code == 200
    assert "202 555" in page
    assert "She said \u00abno\u00bb" in page
    assert 'name="substances-1-substance"' in page
    assert not Call.objects.exists()


def test_a_stored_row_is_shown_as_it_was_told(browser, call):
    page = text_of(browser.get(url(call)))
    assert 'value="2026-03-08 10:00"' in page
    assert 'value="Klonopin"' in page
    assert '<option value="years" selected>' in page


@pytest.mark.parametrize("count", ["0", "1", "99999999999", "x", ""])
def test_the_number_of_rows_is_counted_not_believed(browser, count):
    data = posted(rows=[KLONOPIN]) | {"substances-TOTAL_FORMS": count}
    assert browser.post(ADD, data).status_code == 302
    assert SubstanceUse.objects.count() == 1


# --- An emergency ---------------------------------------------------------------------------------


@pytest.fixture
def emergency(browser):
    browser.post(ADD, posted("screened", **all_no(confusion="yes")))
    return Call.objects.get()


def test_an_emergency_puts_the_script_on_top_and_closes_money(browser, emergency):
    page = text_of(browser.get(url(emergency)))
    assert page.index("This needs an ambulance") < page.index('id="found"')
    assert 'value="insurance" disabled' in page
    assert 'value="referral" disabled' in page
    assert "Record what was done" in page


def test_recording_what_was_done_opens_money(browser, emergency):
    answers = all_no(confusion="yes")
    response = save(browser, emergency, then="acted", acted__action_taken="called_911", **answers)
    assert response.status_code == 302
    assert safety.require_screen(call=emergency).action_taken == "called_911"
    page = text_of(browser.get(url(emergency)))
    assert 'value="insurance" disabled' not in page
    assert "Done: 911 called or being called" in page


def test_recording_nothing_is_refused(browser, emergency):
    response = save(browser, emergency, then="acted", **all_no(confusion="yes"))
    assert response.status_code == 422
    assert "Choose what was done" in text_of(response)


def test_money_is_asked_for_after_the_screen_only(agent, call, now):
    casting.consent(call, "health_plan", agent=agent, now=now)

    def ask():
        policy = casting.policy()
        return insurance.request(call=call, policy=policy, levels_wanted=[], by=agent, now=now)

    with pytest.raises(safety.ScreenMissing):
        ask()
    with pytest.raises(safety.ScreenMissing):
        referrals.start(call=call, need={}, list_shown=[], by=agent, now=now)
    safety.evaluate(call=call, answers=casting.told(confusion="yes"), by=agent, now=now)
    with pytest.raises(safety.EmergencyFirst):
        ask()
    screen = safety.current(call=call)
    safety.record_action(screen=screen, action="called_911", by=agent, now=now)
    assert ask().pk


def test_danger_is_shown_even_while_the_sheet_is_refused(browser):
    data = posted("screened", caller__phone="911", **all_no(cannot_be_woken="yes"))
    response = browser.post(ADD, data)
    page = text_of(response)
    assert response.status_code == 422
    assert "This needs an ambulance" in page
    assert "Not saved yet" in page
    assert not SafetyScreen.objects.exists()


# --- Closing --------------------------------------------------------------------------------------


def test_a_screened_call_is_closed_with_its_disposition(browser, agent, call):
    response = save(browser, call, then="close", closing__disposition="referred", **all_no())
    assert response.status_code == 302
    call.refresh_from_db()
    assert (call.status, call.disposition, call.closed_by) == ("closed", "referred", agent)


def test_a_call_without_a_screen_is_saved_but_not_closed(browser, call):
    response = save(
        browser, call, then="close", closing__disposition="referred", call__narrative="Kept."
    )
    call.refresh_from_db()
    assert (call.status, call.narrative) == ("open", "Kept.")
    page = text_of(browser.get(response["Location"]))
    assert calls.ScreenMissingAtClose.default_message in page


def test_an_emergency_found_at_closing_keeps_the_call_open(browser, call):
    answers = all_no(blue_or_gray="yes")
    response = save(browser, call, then="close", closing__disposition="referred", **answers)
    call.refresh_from_db()
    assert call.is_open
    assert safety.current(call=call).level == "emergency"
    assert "This needs an ambulance" in text_of(browser.get(response["Location"]))


def test_closing_needs_an_ending(browser, call):
    response = save(browser, call, then="close", **all_no())
    assert response.status_code == 422
    assert "Choose how the call ended" in text_of(response)


@pytest.mark.parametrize(
    ("kind", "ending", "status"),
    [
        ("hang_up", "non_service", 302),
        ("hang_up", "referred", 422),
        ("about_self", "non_service", 422),
    ],
)
def test_the_ending_goes_with_the_kind_of_call(browser, call, kind, ending, status):
    response = save(
        browser, call, then="close", call__call_type=kind, closing__disposition=ending, **all_no()
    )
    assert response.status_code == status


def test_a_sheet_saved_after_closing_comes_back_with_everything_typed(browser, agent, call, now):
    safety.skip(call=call, reason="Line lost", by=agent, now=now)
    calls.close(call=call, disposition="disconnected", by=agent, now=now)
    response = save(browser, call, call__narrative="A long night's work")
    assert response.status_code == 422
    assert calls.CallClosed.default_message in text_of(response)
    assert "A long night's work" in text_of(response)
    call.refresh_from_db()
    assert call.narrative == ""


def test_a_sheet_changed_by_another_is_not_overwritten_unseen(
    browser, call, other_agent, client_for
):
    mine = posted(version="1", caller__state="DC", call__narrative="Mine")
    save(client_for(other_agent), call, call__narrative="Theirs")
    refused = browser.post(url(call), mine)
    assert refused.status_code == 422
    assert "Mine" in text_of(refused)
    # Only what is saved otherwise is said, and all of it.
    summary = text_of(refused).partition('class="error-summary"')[2].partition("</ul>")[0]
    said = re.findall(r"<li>(.*?)</li>", summary)
    assert said == [calls.SheetChanged.default_message, "Narrative: saved is “Theirs”."]
    call.refresh_from_db()
    assert call.narrative == "Theirs"
    assert 'name="version" value="2"' in text_of(refused)
    rows = [KLONOPIN | {"last_used_at": "2 days ago", "dose_mg": "1"}]
    other = browser.post(url(call), posted(version="1", rows=rows, health__symptom_tremor="severe"))
    assert "Each time, mg: saved is “2”." in text_of(other)
    assert "Shaking: saved is “Unknown”." in text_of(other)
    assert browser.post(url(call), mine | {"version": "2"}).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_closing_and_saving_at_once_leave_nothing_half_done(agent, now):
    call = casting.screened_call(agent=agent, now=now)

    def closing():
        mine = Call.objects.get(pk=call.pk)
        calls.close(call=mine, disposition="referred", by=agent, now=now)

    def saving():
        mine = Call.objects.get(pk=call.pk)
        mine.narrative = "Late words"
        sheet = calls.Sheet(call=mine, caller=mine.caller, person_in_need=mine.caller)
        calls.save_sheet(sheet=sheet, by=agent, now=now)

    answers = at_once(closing, saving)
    call.refresh_from_db()
    assert call.status == "closed"
    was_saved = answers == ["done", "done"]
    assert was_saved or sorted(answers) == ["CallClosed", "done"]
    assert call.narrative == ("Late words" if was_saved else "")
    assert call.substances.exists() is not was_saved


@pytest.mark.django_db(transaction=True)
def test_an_emergency_found_while_closing_is_never_closed_over(agent, now):
    call = casting.screened_call(agent=agent, now=now)

    def closing():
        mine = Call.objects.get(pk=call.pk)
        calls.close(call=mine, disposition="referred", by=agent, now=now)

    def screening():
        answers = casting.told(blue_or_gray="yes")
        safety.evaluate(call=Call.objects.get(pk=call.pk), answers=answers, by=agent, now=now)

    answers = sorted(at_once(closing, screening))
    call.refresh_from_db()
    if call.is_open:
        assert answers == ["EmergencyNotActedOn", "done"]
        assert safety.current(call=call).waits_for_action
    else:
        assert answers == ["CallIsClosed", "done"]


@pytest.mark.django_db(transaction=True)
def test_a_double_click_logs_one_call(agent, client_for):
    data = posted("screened", call_id=str(uuid.uuid4()), **all_no())
    data["call-started_at"] = "2026-03-10T10:00"

    def press():
        response = client_for(agent).post(ADD, data)
        assert response.status_code == 302

    assert at_once(press, press) == ["done", "done"]
    assert (Call.objects.count(), Person.objects.count()) == (1, 1)


# --- After closing --------------------------------------------------------------------------------


@pytest.fixture
def closed(agent, now, frozen):
    call = casting.screened_call(agent=agent, now=now, narrative="She stopped two days ago.")
    return calls.close(call=call, disposition="referred", by=agent, now=now)


def test_a_closed_call_is_shown_in_flow_order_and_cannot_be_changed(browser, closed):
    page = text_of(browser.get(url(closed)))
    order = ["Maria", "Clonazepam (Klonopin, Rivotril)", "What the screen found"]
    order += ["She stopped two days ago.", "What followed"]
    places = [page.index(words) for words in order]
    assert places == sorted(places)
    assert "<textarea" not in page
    assert url(closed, "history") in page


def test_an_amendment_is_added_beside_the_narrative(browser, agent, closed):
    response = browser.post(url(closed, "amend"), {"text": "She called back."})
    assert response.status_code == 302
    closed.refresh_from_db()
    assert closed.narrative == "She stopped two days ago."
    page = text_of(browser.get(url(closed)))
    assert "She called back." in page
    assert agent.username in page


def test_an_open_call_takes_no_amendment(browser, call):
    response = browser.post(url(call, "amend"), {"text": "Too early"})
    assert response.status_code == 422
    assert calls.CallStillOpen.default_message in text_of(response)


# --- Not a service call ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", Call.NON_SERVICE)
def test_a_call_that_is_no_service_call_is_logged_with_one_press(browser, kind):
    # Opened with the first click on the desk.
    assert f'name="call_type" value="{kind}"' in text_of(browser.get(reverse("admin:index")))
    response = browser.post(reverse("admin:intake_call_non_service"), {"call_type": kind})
    assert response["Location"] == reverse("admin:index")
    call = Call.objects.get()
    assert (call.call_type, call.status, call.disposition) == (kind, "closed", "non_service")
    assert browser.get(url(call)).status_code == 200


@pytest.mark.parametrize("kind", ["about_self", "", "x" * 5000])
def test_any_other_kind_needs_the_sheet(browser, kind):
    browser.post(reverse("admin:intake_call_non_service"), {"call_type": kind})
    assert not Call.objects.exists()


def test_looking_at_the_address_logs_nothing(browser):
    assert browser.get(reverse("admin:intake_call_non_service")).status_code == 302
    assert not Call.objects.exists()


# --- Known numbers --------------------------------------------------------------------------------


@pytest.fixture
def earlier(agent, now, frozen):
    person = casting.maria(alias="Ria", approach_note="Ask for Ria, never for Maria.")
    return casting.screened_call(agent=agent, now=now, person=person)


def test_earlier_calls_from_the_number_are_shown_and_taken_for_nobody(browser, earlier):
    browser.post(ADD, posted(caller__phone="202-555-0143"))
    call = Call.objects.exclude(pk=earlier.pk).get()
    page = text_of(browser.get(url(call)))
    assert earlier.reference in page
    assert "A household shares a number" in page
    assert "Ask for Ria, never for Maria." in page
    assert call.caller != earlier.caller
    shown = Event.objects.filter(verb="list.read", subject_id=str(call.pk)).first()
    assert shown.detail["ids"] == [str(earlier.pk)]


def test_another_number_shows_nothing_of_it(browser, earlier):
    browser.post(ADD, posted(caller__phone="202-555-0144"))
    call = Call.objects.exclude(pk=earlier.pk).get()
    page = text_of(browser.get(url(call)))
    assert earlier.reference not in page
    assert "never for Maria" not in page


def test_a_number_that_asked_not_to_be_called_says_so(browser, call):
    save(browser, call, caller__do_not_call="on")
    call.caller.refresh_from_db()
    assert call.caller.do_not_call
    browser.post(ADD, posted(caller__alias="Somebody else"))
    newest = Call.objects.exclude(pk=call.pk).get()
    assert "Do not call this number" in text_of(browser.get(url(newest)))
    # Saving once more does not take the block back.
    save(browser, call, caller__do_not_call=None)
    call.caller.refresh_from_db()
    assert call.caller.do_not_call


# --- The list -------------------------------------------------------------------------------------


LIST = "/admin/intake/call/"


def test_the_list_is_newest_first_with_level_and_without_narrative(browser, agent, earlier, now):
    later = casting.open_call(agent=agent, now=now + timedelta(minutes=5), narrative="Secret words")
    page = text_of(browser.get(LIST))
    assert page.index(later.reference) < page.index(earlier.reference)
    assert 'data-level="high"' in page or 'data-level="urgent"' in page
    assert "EDT" in page
    for hidden in ("Secret words", "Ria", "555-0143"):
        assert hidden not in page


@pytest.mark.parametrize("query", ["status=open", "call_type=about_self", "disposition=referred"])
def test_the_list_is_filtered_by_codes(browser, call, query):
    assert browser.get(f"{LIST}?{query}").status_code == 200


@pytest.mark.parametrize("lookup", ["narrative__startswith=a", "caller__name=x", "topics=1"])
def test_no_other_field_can_be_asked_through_the_address(browser, lookup):
    assert browser.get(f"{LIST}?{lookup}").status_code in (302, 400)


@pytest.mark.parametrize(
    "typed",
    [
        "(202) 555-0143",
        "0143",
        "Maria",
        "invented maria",
        "{reference}",
        " {reference_lower} ",
        "{bare}",
    ],
)
def test_a_call_is_found_by_number_last_four_name_or_reference(browser, call, typed):
    words = typed.format(
        reference=call.reference,
        reference_lower=call.reference.lower(),
        bare=call.reference.replace("-", " "),
    )
    response = browser.post(f"{LIST}search/", {"q": words}, follow=True)
    assert call.reference in text_of(response)
    assert words.strip() not in response.redirect_chain[-1][0]


@pytest.mark.parametrize("typed", ["Mar", "!!!", "C-ZZZZZZZZ", "a\0b", "202 555", "\u202e"])
def test_what_matches_nothing_finds_nothing(browser, call, typed):
    response = browser.post(f"{LIST}search/", {"q": typed}, follow=True)
    assert response.status_code == 200
    assert call.reference not in text_of(response)


def test_amendments_and_substances_are_listed_without_what_they_say(browser, agent, closed, now):
    calls.amend(call=closed, text="Secret words", by=agent, now=now)
    for name in ("callamendment", "substanceuse"):
        page = text_of(browser.get(f"/admin/intake/{name}/"))
        assert closed.reference in page
        assert "Secret words" not in page
        assert "lonazepam" not in page
    amendment = closed.amendments.get()
    record = reverse("admin:intake_callamendment_change", args=[amendment.pk])
    assert "Secret words" in text_of(browser.get(record))


# --- Who may --------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["agent", "supervisor", "privacy_officer", "administrator"])
def test_calls_are_for_agents_and_supervisors(who, request, client_for, call):
    browser = client_for(request.getfixturevalue(who))
    expected = 200 if who in ("agent", "supervisor") else 403
    for address in (LIST, ADD, url(call), url(call, "amend"), url(call, "consent")):
        assert browser.get(address).status_code == expected, address
    refused = {200: 302, 403: 403}[expected]
    assert browser.post(ADD, posted()).status_code == refused
    assert browser.post(url(call), posted(version="1")).status_code == refused
    non_service = reverse("admin:intake_call_non_service")
    assert browser.post(non_service, {"call_type": "silent"}).status_code == refused


def test_an_unknown_call_answers_like_one_out_of_reach(browser):
    missing = reverse("admin:intake_call_change", args=[uuid.uuid4()])
    assert browser.get(missing).status_code == 302
    assert browser.post(missing, posted()).status_code == 302
    assert browser.get("/admin/intake/call/nonsense/change/").status_code == 302
