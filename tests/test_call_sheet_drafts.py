"""Nothing typed is lost: drafts are kept, brought back, thrown away, and seen by nobody else."""

import uuid
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.urls import reverse

from intake.actions import calls, drafts
from intake.models import Call, Event, SheetDraft
from tests import casting
from tests.racing import at_once
from tests.sheets import ADD, KLONOPIN, all_no, posted, text_of
from tests.test_calls_bad_input import FIELDS, FORM, HOSTILE

pytestmark = pytest.mark.django_db

DRAFT = "/admin/intake/call/draft/"
DISCARD = "/admin/intake/call/draft/discard/"
SECRET = "Zebulon Canary"


@pytest.fixture
def browser(agent, client_for, frozen):
    return client_for(agent)


@pytest.fixture
def call(agent, now, frozen):
    return casting.open_call(agent=agent, now=now)


def url(call):
    return reverse("admin:intake_call_change", args=[call.pk])


def keep(browser, key, user=None, **changes):
    data = posted(call_id=str(key), **changes)
    if user is not None:
        data["typed_by"] = str(user.pk)
    return browser.post(DRAFT, data, headers={"HX-Request": "true"})


# --- Keeping --------------------------------------------------------------------------------------


def test_a_draft_is_kept_valid_or_not_and_answered_with_the_time(browser, agent):
    key = uuid.uuid4()
    response = keep(browser, key, agent, caller__alias=SECRET, caller__phone="202 555")
    assert response.status_code == 204
    assert response["Helpline-Kept-At"] == "10:00:00 AM"
    draft = SheetDraft.objects.get()
    assert (draft.call_key, draft.typed_by, draft.version) == (key, agent, 0)
    assert ["caller-phone", "202 555"] in draft.typed
    assert not Call.objects.exists()


def test_keeping_again_replaces_it_and_is_not_written_to_the_audit_each_time(browser, agent):
    key = uuid.uuid4()
    for words in ("Sh", "She", "She said no"):
        keep(browser, key, call__narrative=words)
    draft = SheetDraft.objects.get()
    assert dict(draft.typed)["call-narrative"] == "She said no"
    verbs = list(Event.objects.values_list("verb", flat=True))
    assert verbs.count("draft.begun") == 1
    assert [verb for verb in verbs if verb.startswith("draft")] == ["draft.begun"]


def test_what_steers_the_page_is_no_part_of_it(browser, agent):
    keep(browser, uuid.uuid4(), agent, csrfmiddlewaretoken="t")
    names = {name for name, _value in SheetDraft.objects.get().typed}
    assert names.isdisjoint({"csrfmiddlewaretoken", "call_id", "version", "typed_by", "then"})


def test_a_draft_is_unreadable_in_the_database_and_in_the_audit(browser):
    keep(browser, uuid.uuid4(), caller__alias=SECRET)
    with connection.cursor() as cursor:
        cursor.execute("SELECT typed FROM intake_sheetdraft")
        assert SECRET.encode() not in bytes(cursor.fetchone()[0])
    assert not Event.objects.filter(detail__icontains="Zebulon").exists()
    assert SECRET not in str(SheetDraft.objects.get()) + repr(SheetDraft.objects.get())


def test_a_draft_is_kept_however_it_is_typed(browser):
    for typed in HOSTILE.values():
        data = posted(call_id=str(uuid.uuid4())) | dict.fromkeys(FIELDS, typed)
        body = urlencode(data, errors="surrogatepass")
        status = browser.post(DRAFT, body, content_type=FORM).status_code
        assert status == (422 if len(typed) > 1000 else 204)
        key = SheetDraft.objects.order_by("-id").first().call_key
        assert browser.get(f"{ADD}?sheet={key}").status_code == 200


def test_more_than_any_sheet_holds_is_not_kept(browser, agent, now):
    response = keep(browser, uuid.uuid4(), call__narrative="x" * 90_000)
    assert response.status_code == 422
    assert not SheetDraft.objects.exists()
    with pytest.raises(drafts.DraftTooLong):
        drafts.keep(
            call_key=uuid.uuid4(), typed=[("a", "x" * 90_000)], version=0, by=agent, now=now
        )


def test_drafts_are_for_those_who_fill_in_sheets(
    client, client_for, agent, supervisor, privacy_officer, administrator, frozen
):
    answers = {
        user: keep(client_for(user), uuid.uuid4()).status_code
        for user in (agent, supervisor, privacy_officer, administrator)
    }
    assert list(answers.values()) == [204, 204, 403, 403]
    assert keep(client, uuid.uuid4()).status_code == 401
    assert client_for(agent).get(DRAFT).status_code == 405
    assert client_for(agent).get(DISCARD).status_code == 405


@pytest.mark.django_db(transaction=True)
def test_two_keepings_at_once_leave_one_draft(agent, now):
    key = uuid.uuid4()

    def typing(words):
        return lambda: drafts.keep(
            call_key=key, typed=[("call-narrative", words)], version=0, by=agent, now=now
        )

    assert at_once(typing("one"), typing("two")) == ["done", "done"]
    assert SheetDraft.objects.count() == 1


# --- Bringing back --------------------------------------------------------------------------------


def test_a_sheet_never_saved_is_taken_up_again(browser, agent):
    key = uuid.uuid4()
    keep(browser, key, caller__alias=SECRET, screen__confusion="yes", caller__phone="202 555")
    page = text_of(browser.get(f"{ADD}?sheet={key}"))
    assert f'name="call_id" value="{key}"' in page
    assert f'value="{SECRET}"' in page
    assert 'value="202 555"' in page
    assert "Brought back: what you typed until" in page
    # What was told is heard again at once.
    assert "This needs an ambulance" in page
    assert Event.objects.filter(verb="draft.brought_back").count() == 1
    told = posted("screened", call_id=str(key), **all_no())
    assert browser.post(f"{ADD}?sheet={key}", told).status_code == 302
    assert Call.objects.get().pk == key
    assert not SheetDraft.objects.exists()
    # The address of the draft leads to the call now.
    assert browser.get(f"{ADD}?sheet={key}")["Location"] == url(Call.objects.get())


def test_a_stored_sheet_shows_what_was_typed_over_it(browser, call):
    keep(browser, call.pk, version="1", caller__alias=SECRET)
    page = text_of(browser.get(url(call)))
    assert f'value="{SECRET}"' in page
    assert "It is not saved yet." in page
    call.caller.refresh_from_db()
    assert call.caller.alias == "Maria"


def test_a_draft_older_than_the_sheet_says_so_and_replaces_nothing_unseen(
    browser, call, other_agent, client_for
):
    keep(browser, call.pk, version="1", call__narrative="Mine")
    theirs = posted(version="1", call__narrative="Theirs")
    assert client_for(other_agent).post(url(call), theirs).status_code == 302
    page = text_of(browser.get(url(call)))
    assert "saved again after you began typing this" in page
    assert 'name="version" value="1"' in page
    mine = posted(version="1", call__narrative="Mine")
    refused = browser.post(url(call), mine)
    assert refused.status_code == 422
    assert calls.SheetChanged.default_message in text_of(refused)
    # Refused is not saved: the draft stays until the second press.
    assert SheetDraft.objects.count() == 1
    assert browser.post(url(call), mine | {"version": "2"}).status_code == 302
    assert not SheetDraft.objects.exists()


def test_unsaved_sheets_are_found_from_the_next_new_one(browser, agent):
    key = uuid.uuid4()
    keep(browser, key)
    page = text_of(browser.get(ADD))
    assert "A sheet you began was never saved" in page
    assert f"{ADD}?sheet={key}" in page
    assert [draft.call_key for draft in SheetDraft.objects.unsaved_of(agent)] == [key]
    browser.post(ADD, posted(call_id=str(key)))
    assert not SheetDraft.objects.unsaved_of(agent).exists()


@pytest.mark.parametrize(
    "named", ["x", "", "7b0c2f6e-5a51-4d3e-9c39-2f0f6f3f1b11", "\u0000", "9" * 500]
)
def test_an_address_that_names_no_draft_is_a_blank_sheet(browser, named):
    response = browser.get(ADD, {"sheet": named})
    assert response.status_code in (200, 400)
    assert named in ("", "x") or f'name="call_id" value="{named}"' not in text_of(response)


# --- Throwing away --------------------------------------------------------------------------------


def test_what_was_typed_is_thrown_away_on_request(browser, agent, call):
    keep(browser, call.pk, version="1", caller__alias=SECRET)
    response = browser.post(DISCARD, {"call_id": str(call.pk)})
    assert response["Location"] == url(call)
    assert SECRET not in text_of(browser.get(url(call)))
    assert Event.objects.filter(verb="draft.thrown_away").count() == 1
    # Twice is once.
    assert browser.post(DISCARD, {"call_id": str(call.pk)}).status_code == 302
    assert Event.objects.filter(verb="draft.thrown_away").count() == 1
    key = uuid.uuid4()
    keep(browser, key)
    assert browser.post(DISCARD, {"call_id": str(key)})["Location"] == reverse("admin:index")
    assert not SheetDraft.objects.exists()


# --- Somebody else --------------------------------------------------------------------------------


def test_nobody_sees_or_throws_away_the_draft_of_another(browser, other_agent, client_for, call):
    keep(browser, call.pk, version="1", caller__alias=SECRET)
    key = uuid.uuid4()
    keep(browser, key, caller__alias=SECRET)
    noor = client_for(other_agent)
    for address in (url(call), f"{ADD}?sheet={key}", ADD):
        assert SECRET not in text_of(noor.get(address))
    for lost in (call.pk, key):
        noor.post(DISCARD, {"call_id": str(lost)})
    assert SheetDraft.objects.count() == 2


def test_a_page_typed_by_another_is_neither_kept_nor_saved(client_for, agent, other_agent, call):
    noor = client_for(other_agent)
    assert keep(noor, call.pk, agent, caller__alias=SECRET).status_code == 409
    assert not SheetDraft.objects.exists()
    data = posted(version="1", typed_by=str(agent.pk), caller__alias=SECRET)
    for address in (url(call), ADD):
        response = noor.post(address, data)
        assert response.status_code == 422
        assert "typed by somebody else" in text_of(response)
        # Whose it is stays on the page, so that a second press is refused as well.
        assert f'name="typed_by" value="{agent.pk}"' in text_of(response)
    call.caller.refresh_from_db()
    assert call.caller.alias == "Maria"
    assert Call.objects.count() == 1
    mine = posted(version="1", typed_by=str(other_agent.pk), rows=[KLONOPIN])
    assert noor.post(url(call), mine).status_code == 302


# --- The session ----------------------------------------------------------------------------------


def test_the_page_learns_who_is_signed_in_and_the_token_of_now(client, client_for, agent):
    address = reverse("admin:session")
    nobody = client.get(address)
    assert nobody.status_code == 401
    assert nobody.json()["user"] == ""
    assert nobody.json()["token"]
    answer = client_for(agent).get(address)
    assert answer.json()["user"] == str(agent.pk)
    assert "no-store" in answer["Cache-Control"]
    assert client.post(address).status_code == 405


def test_asking_does_not_keep_a_session_alive(client_for, agent, frozen, settings):
    browser = client_for(agent)
    address, poll = reverse("admin:session"), {"X-Helpline-Poll": "1"}
    for _minute in range(settings.SESSION_IDLE_SECONDS // 60 - 1):
        frozen.shift(60)
        assert browser.get(address, headers=poll).status_code == 200
    frozen.shift(60)
    assert browser.get(address, headers=poll).status_code == 401


def test_the_token_of_the_session_endpoint_is_good_for_a_form(client_for, agent, frozen):
    browser = client_for(agent, enforce_csrf_checks=True)
    token = browser.get(reverse("admin:session")).json()["token"]
    data = posted(call_id=str(uuid.uuid4()))
    assert browser.post(DRAFT, data).status_code == 403
    assert browser.post(DRAFT, data | {"csrfmiddlewaretoken": token}).status_code == 204
