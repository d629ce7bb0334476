"""Whatever is sent to the public form, it answers; and what was typed is not lost."""

from datetime import UTC, datetime
from io import BytesIO
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from intake.forms import CallbackRequestForm, Ticket
from tests.callers import Page, answers, only_callback

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client, frozen):
    return Page(client, frozen)


TEXT_FIELDS = ("phone", "alias", "on", "zip_code")
CHOICES = tuple(name for name in answers() if name not in {*TEXT_FIELDS, "website"})
HOSTILE = {
    "NUL": b"a\0b",
    "escape": b"\x1b[31m",
    "lone surrogate": b"\xed\xa0\x80",
    "override": "\u202e1010-555 202".encode(),
    "invalid UTF-8": b"\xff\xfe caf\xe9",
    "long": b"9" * 50_000,
    "impossible number": b"+1 000 000 0000",
    "impossible date": b"2026-13-45",
    "year ten thousand": b"99999-01-01",
    "digits of another script": "٢٠٢٥٥٥٠١٠١".encode(),
    "markup": b"<script>alert(1)</script>",
    "template": b"{{ settings.SECRET_KEY }}",
    "statement": b"'; DROP TABLE intake_person; --",
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("field", TEXT_FIELDS)
def test_no_text_breaks_the_form_and_what_is_refused_is_explained(client, frozen, field, raw):
    ticket = Ticket.issue().sealed
    frozen.shift(10)
    response = post_raw(client, answers(topic="cost", ticket=ticket) | {field: raw})
    assert b"<script>alert" not in response.content
    if response.status_code == 302:
        # What was taken can be read back, on PostgreSQL too.
        assert str(only_callback().person.phone).startswith("+1")
    else:
        assert response.status_code == 422
        assert set(response.context["form"].errors) == {field}
        assert '<option value="cost" selected>' in response.content.decode()


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE)
def test_no_answer_that_was_not_offered_is_taken(client, frozen, raw):
    ticket = Ticket.issue().sealed
    frozen.shift(10)
    forged = dict.fromkeys(CHOICES, raw) | {"ticket": ticket, "alias": "Robin"}
    response = post_raw(client, answers() | forged)
    assert response.status_code == 422
    # Any value of a ticked box means that it was ticked.
    assert set(response.context["form"].errors) == set(CHOICES) - {"consent"}
    assert 'value="Robin"' in response.content.decode()


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE)
def test_no_text_breaks_the_change_of_language(client, frozen, raw):
    everything = dict.fromkeys((*TEXT_FIELDS, *CHOICES, "ticket", "proof", "switch"), raw)
    response = post_raw(client, everything, path="/es/callback/")
    assert response.status_code == 200
    assert b"<script>alert" not in response.content


def post_raw(client, data, path="/callback/"):
    """A form as bytes, such as no browser sends."""
    body = urlencode(data)
    return client.post(path, body, content_type="application/x-www-form-urlencoded")


@pytest.mark.parametrize(
    ("field", "value"), [("alias", "x" * 500_000), ("phone", "2" * 500_000)], ids=["alias", "phone"]
)
def test_what_is_too_long_comes_back_whole(page, field, value):
    response = page.send(**{field: value})
    assert response.status_code == 422
    assert value in response.content.decode()


def test_ten_megabytes_get_a_page_that_says_so(client):
    response = client.post("/callback/", answers(alias="x" * 10_000_000))
    assert response.status_code == 413
    assert b"too long" in response.content


def test_a_file_instead_of_text_is_no_fault_of_ours(client):
    response = client.post("/callback/", {**answers(), "alias": BytesIO(b"file")})
    assert response.status_code in {400, 422}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"broken", "multipart/form-data"),
        (b"{}", "application/json"),
        (b"", "application/x-www-form-urlencoded"),
        (b"phone=+AGE-", "application/x-www-form-urlencoded; charset=utf-7"),
        (b"&".join(b"a=b" for _ in range(5000)), "application/x-www-form-urlencoded"),
    ],
    ids=["broken parts", "no boundary", "JSON", "empty", "another encoding", "too many fields"],
)
def test_a_broken_body_is_answered_with_a_page(client, body, content_type):
    response = client.post("/callback/", body, content_type=content_type)
    assert response.status_code in {400, 422}


@pytest.mark.once
@hypothesis_settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.dictionaries(st.sampled_from([*answers()]), st.binary(max_size=60), max_size=15))
def test_random_bytes_in_any_field_never_break_it(client, data):
    assert post_raw(client, answers() | data).status_code == 422


@pytest.mark.once
@hypothesis_settings(max_examples=40, deadline=None)
@given(
    data=st.dictionaries(
        st.sampled_from([*answers()]), st.text(st.characters(), max_size=40), max_size=15
    )
)
def test_the_form_itself_answers_any_text_half_characters_included(data):
    form = CallbackRequestForm(answers() | data, now=datetime(2026, 3, 10, 14, tzinfo=UTC))
    form.is_valid()
    str(form).encode()
