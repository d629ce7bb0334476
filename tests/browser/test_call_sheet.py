"""The call sheet in a real browser: by keyboard, wide and narrow, with and without its scripts."""

import re

import pytest
from django.contrib.sessions.models import Session
from django.urls import reverse
from playwright.sync_api import expect

from intake.actions import drafts, safety
from intake.models import Call, SafetyScreen, SheetDraft
from tests.browser.busy import slowly
from tests.browser.visits import GIVEN_UP, Visit, look, look_in_both_lights
from tests.conftest import PASSWORD
from tests.sheets import ADD

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

WIDTHS = {"phone": 390, "desk": 1440}
# What a browser says of an answer the page is prepared for.
EXPECTED = ("422", "401", "ERR_INTERNET_DISCONNECTED", "Unrecognized feature", *GIVEN_UP)


@pytest.fixture
def sheet(browser, live_server, settings, agent, client_for):
    """Opens the sheet of a new call as Ava; what the browser complained of is kept."""
    visits = []

    def opened(path=ADD, user=agent, **options):
        visit = SheetVisit(browser, live_server.url, **options)
        visits.append(visit)
        visit.sign_in(client_for(user), settings)
        visit.page.complaints = visit.complaints
        visit.page.goto(live_server.url + path)
        return visit.page

    yield opened
    for visit in visits:
        visit.leave()


def sign_in(context, live_server, settings, client):
    name = settings.SESSION_COOKIE_NAME
    cookie = client.cookies[name].value
    context.add_cookies([{"name": name, "value": cookie, "url": live_server.url}])


class SheetVisit(Visit):
    def note_console(self, said):
        if said.type == "error" and not any(words in said.text for words in EXPECTED):
            self.complaints.append(said.text)


def answered(page, code):
    return page.locator(f"[name=screen-{code}]:checked").input_value()


def answer(page, code, value):
    page.locator(f"[name=screen-{code}]:checked").focus()
    page.keyboard.press(value[0])


def kept(page):
    expect(page.locator("#draft-state")).to_contain_text("Draft kept")


# --- By keyboard ----------------------------------------------------------------------------------


def test_questions_are_answered_by_single_keys(sheet):
    page = sheet()
    page.locator("[name=screen-seizure_now]:checked").focus()
    for key in "nNyu":
        page.keyboard.press(key)
    codes = ("seizure_now", "cannot_be_woken", "breathing_trouble", "blue_or_gray")
    assert [answered(page, code) for code in codes] == ["no", "no", "yes", "unknown"]
    expect(page.locator("[name=screen-overdose]:checked")).to_be_focused()
    # Words are typed as words, the keys of the page among them.
    page.fill("[name=call-narrative]", "")
    page.locator("[name=call-narrative]").press_sequentially("nobody asked? 1 2 3")
    expect(page.locator("[name=call-narrative]")).to_have_value("nobody asked? 1 2 3")
    expect(page.locator("#shortcuts")).to_be_hidden()
    assert page.complaints == []


def test_the_keys_of_the_page_are_listed_and_can_be_turned_off(sheet):
    page = sheet(viewport={"width": 1440, "height": 900})
    page.keyboard.press("?")
    keys = page.locator("#shortcuts")
    expect(keys).to_be_visible()
    for label in ("Danger now?", "What next", "Save and screen", "The call has ended"):
        expect(keys).to_contain_text(label)
    look(page, "call-sheet-keys")
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    for key, section in (("7", "next"), ("6", "narrative"), ("2", "caller"), ("1", "danger")):
        page.locator("h1").evaluate("heading => { heading.tabIndex = -1; heading.focus(); }")
        page.keyboard.press(key)
        inside = page.evaluate("document.activeElement.closest('.form-section').id")
        assert inside == section
    page.locator("[data-open-shortcuts]").click()
    keys.get_by_label("Single keys are on for this page").uncheck()
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    page.keyboard.press("?")
    expect(keys).to_be_hidden()
    # From a text field, Escape leads to where the keys work, and Ctrl and S save.
    page.locator("[name=caller-alias]").focus()
    page.keyboard.press("Escape")
    expect(page.locator("#caller-heading")).to_be_focused()
    page.check("[name=call-call_type][value=about_self]")
    page.locator("[name=call-narrative]").focus()
    page.keyboard.press("Control+s")
    page.wait_for_url("**/change/**")
    assert Call.objects.count() == 1


# --- Live -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_a_red_flag_is_on_top_at_once_before_any_save(sheet, width):
    page = sheet(viewport={"width": width, "height": 900})
    look_in_both_lights(page, f"call-sheet-{width}")
    expect(page.locator(".safety-bar")).to_be_in_viewport()
    page.check("[name=call-call_type][value=about_self]")
    answer(page, "withdrawal_seizure", "yes")
    expect(page.locator("#safety-panel")).to_have_attribute("data-level", "high")
    expect(page.locator("#level-announcement")).to_contain_text("High")
    expect(page.locator("#emergency-announcement")).to_be_empty()
    answer(page, "confusion", "yes")
    on_top = page.get_by_role("heading", name="Red flag: help first")
    expect(on_top).to_be_in_viewport()
    expect(page.get_by_role("alert").filter(has_text="Call 911 now")).to_have_count(1)
    # The next question keeps the focus, for whoever goes on asking.
    expect(page.locator("[name=screen-chest_pain]:checked")).to_be_focused()
    for number in ("911", "988", "+18002221222"):
        expect(page.locator(f'.safety-bar [href="tel:{number}"]')).to_be_in_viewport()
    expect(page.locator("#go-insurance")).to_be_disabled()
    expect(page.locator("#go-referral")).to_be_disabled()
    assert not Call.objects.exists()
    look_in_both_lights(page, f"call-sheet-red-flag-{width}")
    # Done is recorded from here; the sheet is saved with it.
    page.get_by_label("911 called or being called").check()
    page.get_by_role("button", name="Record what was done").click()
    page.wait_for_url("**/change/**")
    assert SafetyScreen.objects.get().action_taken == "called_911"
    expect(on_top).to_have_count(0)
    expect(page.locator("#go-insurance")).to_be_enabled()
    assert page.complaints == []


def test_the_focus_is_never_lost_when_a_part_changes(sheet):
    page = sheet(viewport={"width": 1440, "height": 900})
    page.check("[name=call-call_type][value=about_self]")
    answer(page, "confusion", "yes")
    done = page.get_by_label("Going to an emergency department")
    done.check()
    unknown = page.locator("#still-unknown > summary")
    unknown.click()
    expect(page.locator("#still-unknown")).not_to_have_attribute("open", "")
    done.focus()
    # Another red flag changes the very part that holds the focus.
    answer_elsewhere(page, "suicide_act")
    expect(page.locator("#emergency")).to_contain_text("Warm transfer to 988")
    expect(done).to_be_checked()
    expect(done).to_be_focused()
    # What was closed stays closed.
    expect(page.locator("#still-unknown")).not_to_have_attribute("open", "")
    # The part goes away under the focus: it goes back to the questions.
    answer_elsewhere(page, "suicide_act", "no")
    answer_elsewhere(page, "confusion", "no")
    expect(page.locator("#emergency")).to_be_hidden()
    expect(page.locator("#danger-heading")).to_be_focused()
    assert page.complaints == []


def answer_elsewhere(page, code, value="yes"):
    """An answer given without moving the focus."""
    page.locator(f"[name=screen-{code}][value={value}]").evaluate(
        "radio => { radio.checked = true;"
        " radio.dispatchEvent(new Event('change', {bubbles: true})); }"
    )


def test_the_bar_of_a_narrow_window_opens_and_closes(sheet):
    page = sheet(viewport={"width": 390, "height": 844})
    answer(page, "pregnant", "yes")
    expect(page.locator("#safety-panel")).to_have_attribute("data-level", "high")
    expect(page.locator("#found")).to_be_hidden()
    page.locator("#safety-open").click()
    expect(page.locator("#found")).to_be_visible()
    # It stays open while it changes.
    answer_elsewhere(page, "alcohol_daily")
    expect(page.locator("#found")).to_contain_text("alcohol")
    look(page, "call-sheet-panel-390")
    page.keyboard.press("Escape")
    expect(page.locator("#found")).to_be_hidden()
    expect(page.locator("#safety-open")).to_be_focused()


def test_the_sheet_can_be_worked_at_200_percent(sheet):
    page = sheet(viewport={"width": 720, "height": 450}, device_scale_factor=2)
    look_in_both_lights(page, "call-sheet-200-percent")
    answer(page, "confusion", "yes")
    expect(page.get_by_role("heading", name="Red flag: help first")).to_be_in_viewport()
    expect(page.locator(".safety-bar")).to_be_in_viewport()
    look_in_both_lights(page, "call-sheet-200-percent-red-flag")


def test_the_end_of_the_talk_is_marked_without_leaving_the_page(sheet):
    page = sheet(viewport={"width": 1440, "height": 900})
    page.check("[name=call-call_type][value=about_self]")
    page.get_by_role("button", name="Call ended").click()
    clock = page.locator("#call-clock")
    expect(clock).to_contain_text(re.compile(r"Wrap-up 00:\d\d"))
    expect(page.locator("#call-ended")).to_be_focused()
    marked = page.locator("[name=call-ended_at]").input_value()
    assert len(marked) == len("2026-03-10T10:10:15")
    kept(page)
    page.keyboard.press("Control+s")
    page.wait_for_url("**/change/**")
    assert Call.objects.get().ended_at is not None
    expect(page.locator("[name=call-ended_at]")).to_have_value(marked)


def test_the_other_persons_fields_step_aside_when_there_is_none(sheet):
    page = sheet()
    alias = page.locator("[name=person-alias]")
    expect(alias).to_be_visible()
    page.check("[name=call-call_type][value=about_self]")
    expect(alias).to_be_hidden()
    page.check("[name=call-call_type][value=about_other]")
    expect(alias).to_be_visible()


# --- Nothing typed is lost ------------------------------------------------------------------------


def test_what_was_typed_is_there_after_a_reload(sheet):
    page = sheet()
    page.fill("[name=caller-alias]", "Maria")
    answer(page, "confusion", "yes")
    kept(page)
    page.reload()
    expect(page.locator("[name=caller-alias]")).to_have_value("Maria")
    assert answered(page, "confusion") == "yes"
    expect(page.get_by_text("Brought back: what you typed until")).to_be_visible()
    expect(page.get_by_role("heading", name="Red flag: help first")).to_be_visible()
    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
    look(page, "call-sheet-brought-back")
    page.get_by_role("button", name="Throw away what was typed").click()
    page.wait_for_url("**/admin/")
    assert not SheetDraft.objects.exists()
    assert not Call.objects.exists()


def test_what_was_typed_since_is_not_said_to_be_kept(sheet):
    page = sheet()
    waiting = []
    page.route("**/draft/", lambda route: waiting.append(route))
    with page.expect_request("**/draft/"):
        page.check("[name=call-call_type][value=about_self]")
    page.fill("[name=caller-alias]", "Maria")
    with page.expect_response("**/draft/"):
        waiting[0].continue_()
    # If it is said, then now.
    page.wait_for_timeout(200)
    expect(page.locator("#draft-state")).to_have_text("Typing …")


def test_a_session_that_ended_is_begun_again_without_leaving_the_page(sheet):
    page = sheet(viewport={"width": 1440, "height": 900})
    page.check("[name=call-call_type][value=about_self]")
    page.fill("[name=call-narrative]", "She stopped two days ago.")
    kept(page)
    Session.objects.all().delete()
    address = page.url
    page.fill("[name=caller-alias]", "Maria")
    # The press finds out first, and nothing is sent.
    page.keyboard.press("Control+s")
    again = page.get_by_role("dialog", name="Your session has ended")
    expect(again).to_be_visible()
    look(page, "call-sheet-session-ended")
    again.get_by_label("Password").fill("wrong")
    again.get_by_role("button", name="Log in").click()
    expect(again.get_by_text("That did not work")).to_be_visible()
    assert page.url == address
    again.get_by_label("Password").fill(PASSWORD)
    again.get_by_role("button", name="Log in").click()
    # Signed in, the press goes on by itself.
    page.wait_for_url("**/change/**")
    call = Call.objects.get()
    assert call.narrative == "She stopped two days ago."
    assert call.caller.alias == "Maria"
    assert not SheetDraft.objects.exists()
    # A draft on its way while the token changes is refused, and sent again.
    assert [text for text in page.complaints if "403" not in text] == []


def test_a_draft_refused_late_takes_no_words_out_of_the_dialog(sheet):
    page = sheet()
    page.check("[name=call-call_type][value=about_self]")
    kept(page)
    Session.objects.all().delete()
    waiting = []
    page.route("**/draft/", lambda route: waiting.append(route))
    page.fill("[name=caller-alias]", "Maria")
    with page.expect_request("**/draft/"):
        page.keyboard.press("Control+s")
    again = page.get_by_role("dialog", name="Your session has ended")
    again.get_by_label("Password").fill("wrong")
    again.get_by_role("button", name="Log in").click()
    expect(again.get_by_text("That did not work")).to_be_visible()
    with page.expect_response("**/draft/"):
        waiting[0].continue_()
    # If it does harm, then now.
    page.wait_for_timeout(200)
    expect(again.get_by_text("That did not work")).to_be_visible()


def test_a_draft_on_its_way_is_not_kept_once_the_sheet_is_saved(sheet, live_server, monkeypatch):
    page = sheet()
    keep, let_keep = slowly(drafts.keep)
    monkeypatch.setattr(drafts, "keep", keep)
    with page.expect_request("**/draft/"):
        page.check("[name=call-call_type][value=about_self]")
    page.keyboard.press("Control+s")
    # The press must not overtake it; this is long enough for one that does.
    page.wait_for_timeout(1000)
    let_keep.set()
    page.wait_for_url("**/change/**")
    live_server.thread.httpd.get_app().wait_until_idle()
    assert Call.objects.count() == 1
    assert not SheetDraft.objects.exists()


def test_somebody_else_signing_in_gets_nothing_of_it(
    sheet, live_server, settings, client_for, other_agent, agent
):
    page = sheet()
    page.check("[name=call-call_type][value=about_self]")
    page.fill("[name=caller-alias]", "Maria")
    kept(page)
    sign_in(page.context, live_server, settings, client_for(other_agent))
    page.fill("[name=call-narrative]", "More.")
    again = page.get_by_role("dialog", name="Your session has ended")
    expect(again.get_by_text("Somebody else is logged in")).to_be_visible()
    again.get_by_role("button", name="Not now").click()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(again).to_be_visible()
    assert not Call.objects.exists()
    assert not SheetDraft.objects.filter(typed_by=other_agent).exists()
    again.get_by_label("Password").fill(PASSWORD)
    again.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/change/**")
    assert Call.objects.get().taken_by == agent
    assert Call.objects.get().narrative == "More."


def test_a_lost_line_is_said_calmly_and_made_good(sheet):
    page = sheet(viewport={"width": 1440, "height": 900})
    page.check("[name=call-call_type][value=about_self]")
    kept(page)
    page.context.set_offline(True)
    page.fill("[name=call-narrative]", "The line went.")
    said = page.locator("#connection")
    expect(said).to_contain_text("No connection")
    look(page, "call-sheet-offline")
    # A press sends nothing and loses nothing.
    page.keyboard.press("Control+s")
    expect(said).to_contain_text("Not sent")
    expect(page.locator("[name=call-narrative]")).to_have_value("The line went.")
    page.context.set_offline(False)
    kept(page)
    assert dict(SheetDraft.objects.get().typed)["call-narrative"] == "The line went."
    page.keyboard.press("Control+s")
    page.wait_for_url("**/change/**")
    assert Call.objects.get().narrative == "The line went."
    # On a slow machine a live question was still under way when the line went.
    assert [text for text in page.complaints if "htmx:sendError" not in text] == []


def test_the_sheet_works_without_scripts(sheet):
    page = sheet(java_script_enabled=False)
    page.check("[name=call-call_type][value=about_self]")
    page.fill("[name=caller-alias]", "Maria")
    page.get_by_role("button", name="One more substance").click()
    page.fill("[name=substances-1-substance]", "Alcohol")
    expect(page.locator("[name=caller-alias]")).to_have_value("Maria")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    call = Call.objects.get()
    assert call.substances.get().substance == "alcohol"
    assert safety.current(call=call) is None
    page.goto(page.url.partition("/admin/")[0] + reverse("admin:intake_call_add"))
    page.locator("[name=screen-confusion][value=yes]").check(force=True)
    page.check("[name=call-call_type][value=about_self]")
    page.locator("#danger button[value=screened]").click()
    expect(page.get_by_role("heading", name="Red flag: help first")).to_be_visible()
