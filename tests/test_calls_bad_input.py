"""The call sheet answers whatever is typed with a message, and gives back what was typed."""

from html import escape
from urllib.parse import quote, urlencode

import pytest
from django.http import QueryDict

from intake.actions import calls
from intake.admin.filled_sheet import FilledSheet
from intake.models import Call, Person
from tests import casting
from tests.sheets import ADD, KLONOPIN, all_no, posted, text_of

FORM = "application/x-www-form-urlencoded"

HOSTILE = {
    "NUL": "a\0b",
    "escape": "a\x1bb",
    "unreadable": "a\ufffdb",
    "lone surrogate": "a\ud800b",
    "override": "\u202ereversed",
    "markup": "<script>alert('1')</script>",
    "template": "{{ 7|add:7 }}{% now %}",
    "five thousand digits": "9" * 5000,
    "exponent": "1e999999",
    "not a number": "NaN",
    "year zero": "0000-01-01T00:00",
    "last moment": "9999-12-31T23:59:59-14:00",
    "no such day": "2026-02-30T25:61",
    "negative": "-1",
    "list": "['a']",
}
FIELDS = [name for name in posted() if name not in ("then", "version")]
# The number of rows is counted, not believed; see test_calls.
FIELDS = [name for name in FIELDS if not name.endswith("_FORMS")]


@pytest.fixture
def browser(agent, client_for, frozen):
    return client_for(agent)


def filled(now, **changes):
    data = QueryDict(mutable=True)
    data.update(posted(**changes))
    return FilledSheet(Call(started_at=now), now=now, data=data)


def bound(sheet, name):
    prefix, _dash, field = name.partition("-")
    if prefix == "substances":
        return sheet.substances.forms[0][field.partition("-")[2]]
    parts = {
        "call": sheet.call,
        "caller": sheet.caller,
        "person": sheet.person,
        "screen": sheet.questions,
        "closing": sheet.closing,
        "health": sheet.health,
    }
    return parts[prefix][field]


# Nothing is written: what a database makes of such a sheet is asked below.
@pytest.mark.once
@pytest.mark.django_db
@pytest.mark.parametrize("name", FIELDS)
def test_every_field_takes_every_input(now, name):
    for typed in HOSTILE.values():
        sheet = filled(now, **{name: typed})
        is_valid = sheet.is_valid("screened")
        field = bound(sheet, name)
        problems = list(sheet.problems())
        sheet.answers_now()
        sheet.rows_now()
        assert all(row.note for row in sheet.substances.forms)
        shown = str(field)
        shown.encode()
        assert bool(problems) is not is_valid, (name, typed)
        if field.widget_type in ("text", "textarea", "tel") and not is_valid:
            assert escape(typed.replace("\ud800", "\ufffd")) in shown


@pytest.mark.django_db
@pytest.mark.parametrize("typed", HOSTILE.values(), ids=HOSTILE)
def test_a_whole_sheet_of_it_is_stored_or_comes_back(browser, typed):
    """Through HTTP, in every field where a person types words, on the real database."""
    words = {
        "call-narrative": typed,
        "call-relationship": typed,
        "caller-alias": typed,
        "caller-name": typed,
        "caller-approach_note": typed,
    }
    # A browser cannot send half a character; what arrives is unreadable bytes.
    body = urlencode(posted("screened", **words, **all_no()), errors="surrogatepass")
    response = browser.post(ADD, body, content_type=FORM)
    if response.status_code == 302:
        call = Call.objects.get()
        assert call.narrative == typed.replace("\u202e", "")
        assert call.caller.name == typed.replace("\u202e", "")
        browser.get(response["Location"])
    else:
        assert response.status_code == 422
        page = text_of(response)
        assert page.count("a" if "\ud800" in typed else typed) >= 5
        assert not Person.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("raw", ["%FF%FE", "%C3%28", "%ED%A0%80", "%00"])
def test_bytes_that_are_no_text_come_back_marked(browser, raw):
    body = urlencode(posted(caller__approach_note="Ring twice")) + f"&call-narrative=So{raw}long"
    body = body.replace("call-narrative=&", "")
    response = browser.post(ADD, body, content_type=FORM)
    assert response.status_code == 422
    assert "Ring twice" in text_of(response)
    assert "Narrative: " in text_of(response)


@pytest.mark.django_db
def test_a_million_digits_are_a_message(browser):
    response = browser.post(ADD, posted(person__age="9" * 1_000_000))
    assert response.status_code == 422
    assert "Enter a whole number" in text_of(response)
    assert "Maria" in text_of(response)


@pytest.mark.django_db
def test_ten_megabytes_are_too_long_and_say_so(browser):
    response = browser.post(ADD, posted(call__narrative="x" * 10_000_000))
    assert response.status_code == 413
    assert not Call.objects.exists()


@pytest.mark.django_db
def test_a_narrative_over_its_limit_comes_back_whole(browser):
    story = "x" * 20_001
    response = browser.post(ADD, posted(call__narrative=story))
    assert response.status_code == 422
    assert story in text_of(response)
    assert browser.post(ADD, posted(call__narrative=story[1:])).status_code == 302


@pytest.mark.django_db
@pytest.mark.parametrize("charset", ["utf-7", "utf-16", "unicode_escape"])
def test_another_encoding_is_refused(browser, charset):
    body = urlencode(posted())
    response = browser.post(ADD, body, content_type=f"{FORM}; charset={charset}")
    assert response.status_code == 400


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "typed", "message"),
    [
        ("call__started_at", "2026-03-10T18:00", "still to come"),
        ("call__ended_at", "2026-03-10T09:00", "cannot end before it started"),
        ("caller__zip_code", "2000", "five digits"),
        ("caller__phone", "911", "cannot be called back"),
        ("caller__safe_from", "09:00", "both ends"),
        ("person__age", "121", "120 or less"),
        ("call__call_type", None, "required"),
    ],
)
def test_a_wrong_answer_is_named_and_the_rest_is_kept(browser, field, typed, message):
    rows = [KLONOPIN | {"substance": "Clonazepam: The blue ones"}]
    response = browser.post(ADD, posted("screened", rows=rows, **{field: typed}, **all_no()))
    page = text_of(response)
    assert response.status_code == 422
    assert message in page
    assert 'class="error-summary"' in page
    assert "The blue ones" in page
    assert not Call.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("item", "typed", "message"),
    [
        ("substance", "", "required"),
        ("substance", "blues", "More than one substance"),
        ("substance", f"Other: {'x' * 90}", "80 characters"),
        ("last_used_at", "a while back", "not understood"),
        ("dose_mg", "two", "Enter a number"),
        ("dose_mg", "-2", "0 or more"),
        ("days_a_week", "8", "7 or less"),
        ("last_used_at", "2026-03-11T10:00", "still to come"),
        ("recent_cut_percent", "101", "100 or less"),
    ],
)
def test_a_wrong_row_is_named_and_every_row_is_kept(browser, item, typed, message):
    wrong = KLONOPIN | {"duration": "4711", item: typed}
    response = browser.post(ADD, posted(rows=[KLONOPIN, wrong]))
    page = text_of(response)
    assert response.status_code == 422
    assert "Substance 2, " in page
    assert message in page
    assert 'value="4711"' in page
    assert not typed or escape(typed) in response.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("page", ["amend", "skip", "consent"])
@pytest.mark.parametrize("typed", HOSTILE.values(), ids=HOSTILE)
def test_the_pages_of_a_call_take_every_input(browser, agent, now, page, typed):
    call = casting.open_call(agent=agent, now=now)
    data = {
        "text": typed,
        "reason": typed,
        "health_plan": "on",
        "health_plan_recipient": typed,
        "health_plan_information": typed,
        "expires_on": typed,
        "given_how": typed,
        "confirmed": typed,
    }
    body = urlencode(data, errors="surrogatepass")
    response = browser.post(f"/admin/intake/call/{call.pk}/{page}/", body, content_type=FORM)
    assert response.status_code in (302, 422)


@pytest.mark.django_db
@pytest.mark.parametrize("version", ["", "-1", "x", "9" * 50, "\u0661"])
def test_a_version_that_is_none_overwrites_nothing(browser, agent, now, version):
    call = casting.open_call(agent=agent, now=now)
    response = browser.post(f"/admin/intake/call/{call.pk}/change/", posted(version=version))
    assert response.status_code == 422
    assert calls.SheetChanged.default_message in text_of(response)


@pytest.mark.django_db
@pytest.mark.parametrize("given", ["", "x", quote("a\0b"), "9" * 40])
def test_an_id_that_is_none_is_replaced(browser, given):
    assert browser.post(ADD, posted(call_id=given)).status_code == 302
    assert Call.objects.count() == 1
