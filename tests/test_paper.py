"""Paper mode: blank sheets to print, and what was written on one typed in afterwards."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from intake.actions import callbacks, calls
from intake.models import Call, Callback
from intake.reports import calls as call_report
from intake.reports.period import Period
from intake.rules import by_hand
from intake.rules.findings import Placement, Route
from intake.rules.questions import QUESTIONS, SCRIPTS
from intake.rules.rule_texts import TEXTS
from intake.rules.withdrawal import SIGNS, SYMPTOMS
from tests.sheets import ADD, all_no, posted, text_of

pytestmark = pytest.mark.django_db

PAPER = "/admin/paper/"
FROM_PAPER = f"{ADD}?from=paper"


@pytest.fixture
def browser(agent, client_for, frozen):
    return client_for(agent)


def late(**changes):
    """What Ava types in at ten: a call of half past two the same night."""
    given = {
        "call__entered_late": "on",
        "call__started_at": "2026-03-10T02:30",
        "call__ended_at": "2026-03-10T02:55",
    }
    return posted(changes.pop("then", "draft"), **{**given, **changes})


# --- The blank sheet ------------------------------------------------------------------------------


def test_paper_asks_what_the_screen_asks_in_its_order(browser, settings):
    settings.HELPLINE_NUMBER = "+18005550199"
    page = text_of(browser.get(PAPER))
    questions = [question.text for question in QUESTIONS]
    for words in [*questions, *SYMPTOMS.values(), *SIGNS.values()]:
        assert words in page, words
    asked = [question.text for question in QUESTIONS if question.group == "danger_now"]
    assert [page.index(text) for text in asked] == sorted(page.index(text) for text in asked)
    parts = ("Danger now?", "Who is calling", "Who needs help", "Substances", "Signs and symptoms")
    parts += ("Health and history", "What this asks for", "Consent and callback", "Narrative")
    places = [page.index(f"</b>{part}") for part in parts]
    assert places == sorted(places)
    assert page.index("(800) 555-0199") < page.index("Who is calling</h3>")


def test_every_label_of_the_sheet_stands_on_paper_and_none_is_empty(browser):
    response = browser.get(PAPER)
    page, shown = text_of(response), response.context
    # Not asked at night: nobody is looked up on paper, and the full name is not needed.
    for form, names in {
        "call": "call_type relationship started_at ended_at language",
        "caller": "alias phone zip_code state voicemail_rule safe_to_call may_say_who_is_calling"
        " text_ok do_not_call safe_from safe_until time_zone approach_note",
        "person": "age alias phone zip_code",
        "row": "substance dose_mg times_a_day days_a_week duration route source"
        " stopped_abruptly recent_cut_percent above_prescribed",
        "promise": "due urgency",
    }.items():
        for name in names.split():
            label = shown[form][name].label
            assert label, name
            assert label in page, name
    assert 'paper-label"></span>' not in page
    assert "></th><th" not in page


def test_paper_says_what_the_rules_say(browser):
    page = text_of(browser.get(PAPER))
    for script in (SCRIPTS[Route.CALL_911], SCRIPTS[Route.TRANSFER_988]):
        assert all(words in page for words in script.say)
    today = page.index(f"{Route.SAME_DAY_MEDICAL.label}:")
    within = page.index(f"{Route.MEDICAL_EVALUATION_72H.label}:")
    assert today < page.index(TEXTS["R10"].title) < within < page.index(TEXTS["R11"].title)
    assert "taken on 4 or more days a week for 4 weeks or more" in page
    assert by_hand.mark_of("seizure_now").route is Route.CALL_911
    assert by_hand.mark_of("suicide_thoughts").route is Route.TRANSFER_988
    assert by_hand.mark_of("epilepsy") == by_hand.Mark(
        Route.MEDICAL_EVALUATION_72H, Placement.INPATIENT_ONLY
    )
    assert by_hand.mark_of("alone").route is None
    with pytest.raises(KeyError):
        by_hand.mark_of("no_such_question")


@pytest.mark.once
@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.code)
def test_no_yes_is_milder_on_paper_than_nothing_answered(question):
    mark = by_hand.mark_of(question.code)
    assert mark.route is None or mark.route.rank > Route.FINISH_SCREEN.rank
    assert mark.route is not None or not question.red_flag


def test_paper_holds_nobody_and_no_dose(browser, agent, now):
    browser.post(ADD, posted("screened", caller__alias="Zebulon"))
    page = text_of(browser.get(PAPER))
    paper = page[page.index('<article class="paper"') : page.index("</article>")]
    for words in ("Zebulon", "555-0143", agent.username, "diazepam", "safe to stop"):
        assert words not in paper, words


def test_paper_is_for_those_who_log_calls(client_for, agent, supervisor, privacy_officer):
    assert client_for(agent).get(PAPER).status_code == 200
    assert client_for(supervisor).get(PAPER).status_code == 200
    assert client_for(agent).post(PAPER).status_code == 405
    assert client_for(privacy_officer).get(PAPER).status_code == 403


def test_desk_and_sheet_lead_to_paper_and_back(browser):
    assert f'href="{PAPER}"' in text_of(browser.get(reverse("admin:index")))
    sheet = text_of(browser.get(ADD))
    assert f'href="{PAPER}"' in sheet
    assert f'href="{FROM_PAPER}"' in sheet
    assert f'href="{FROM_PAPER}"' in text_of(browser.get(PAPER))


# --- Typing it in ---------------------------------------------------------------------------------


def test_a_sheet_from_paper_asks_for_the_time_first_and_does_not_invent_one(browser):
    page = text_of(browser.get(FROM_PAPER))
    assert page.index('name="call-started_at"') < page.index('id="danger"')
    assert page.count('name="call-started_at"') == page.count('name="call-entered_late"') == 1
    field = page[page.index('name="call-started_at"') - 100 :][:300]
    assert "value=" not in field.partition('name="call-started_at"')[2].partition(">")[0]
    assert 'name="call-entered_late"' in page
    response = browser.post(ADD, late(call__started_at=""))
    assert response.status_code == 422
    again = text_of(response)
    assert 'id="from-paper"' in again
    assert "#id_call-started_at" in again
    assert not Call.objects.exists()
    assert 'id="from-paper"' not in text_of(browser.get(ADD))


def test_a_call_from_paper_keeps_its_own_time_and_is_marked(browser, now):
    assert browser.post(ADD, late(then="screened", **all_no())).status_code == 302
    call = Call.objects.get()
    assert call.entered_late
    assert call.started_at == now - timedelta(hours=7, minutes=30)
    sheet = text_of(browser.get(reverse("admin:intake_call_change", args=[call.pk])))
    assert "Entered late" in sheet
    assert 'id="from-paper"' in sheet
    calls.close(call=call, disposition="information_given", by=call.taken_by, now=now)
    record = text_of(browser.get(reverse("admin:intake_call_change", args=[call.pk])))
    assert "Entered late" in record
    assert "2:30 AM" in record
    assert "Entered late" in text_of(browser.get(reverse("admin:intake_call_changelist")))


def test_a_call_logged_at_once_has_no_such_mark(browser):
    browser.post(ADD, posted("screened", **all_no()))
    assert "Entered late" not in text_of(browser.get(reverse("admin:intake_call_changelist")))


def test_a_call_of_a_moment_ago_is_taken_and_one_to_come_is_not(browser, now):
    refused = browser.post(ADD, late(call__started_at="2026-03-10T10:30", call__ended_at=""))
    assert refused.status_code == 422
    assert "This time is still to come." in text_of(refused)
    assert browser.post(ADD, late(call__started_at="2026-03-10T09:58")).status_code == 422
    taken = late(call__started_at="2026-03-10T09:58", call__ended_at="")
    assert browser.post(ADD, taken).status_code == 302
    assert Call.objects.get().started_at == now - timedelta(minutes=2)


def test_nobody_invents_when_a_call_from_paper_ended(browser, now):
    browser.post(ADD, late(then="screened", call__ended_at="", **all_no()))
    call = calls.close(
        call=Call.objects.get(),
        disposition="information_given",
        by=Call.objects.get().taken_by,
        now=now,
    )
    assert call.closed_at == now
    assert call.ended_at is None


def test_a_callback_promised_on_it_is_counted_from_now(browser, agent, now):
    browser.post(ADD, late(then="screened", **all_no()))
    call = Call.objects.get()
    with pytest.raises(callbacks.Refused):
        callbacks.promise(
            person=call.caller,
            call=call,
            due_at=now - timedelta(hours=1),
            urgency="routine",
            by=agent,
            now=now,
        )
    page = text_of(browser.get(reverse("admin:intake_call_callback", args=[call.pk])))
    assert 'value="2026-03-10T11:00"' in page
    promised = callbacks.promise(
        person=call.caller,
        call=call,
        due_at=now + timedelta(hours=1),
        urgency="routine",
        by=agent,
        now=now,
    )
    assert Callback.objects.get(pk=promised.pk).requested_at == now


def test_reports_count_it_on_the_day_of_the_call(browser, now):
    browser.post(
        ADD,
        late(
            then="screened",
            call__started_at="2026-03-09T02:30",
            call__ended_at="2026-03-09T02:55",
            **all_no(),
        ),
    )
    zone = timezone.get_default_timezone()
    day = timezone.localdate(now, zone) - timedelta(days=1)

    def counted(period):
        figures = call_report.read(period).figures
        return next(figure for figure in figures if figure.code == "service_calls").numerator

    assert counted(Period(day, day, zone)) == 1
    assert counted(Period(day + timedelta(days=1), day + timedelta(days=1), zone)) == 0
