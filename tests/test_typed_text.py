"""Form fields that answer whatever is typed with a value or a message, never with an error."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django import forms
from django.core.exceptions import ValidationError

from intake import typed_text
from intake.typed_text import (
    MoneyField,
    PhoneField,
    TypedCharField,
    TypedChoiceField,
    TypedDateField,
    TypedDateTimeField,
    TypedDecimalField,
    TypedIntegerField,
    TypedTimeField,
    clean_text,
)

HOSTILE = {
    "NUL": "a\0b",
    "escape": "a\x1b[31mb",
    "lone surrogate": "a\ud800b",
    "unreadable bytes": "a\ufffdb",
    "override": "\u202e123",
    "a million digits": "9" * 1_000_000,
    "ten megabytes": "x" * 10_000_000,
    "exponent": "1e999999",
    "small exponent": "1e-999999",
    "not a number": "NaN",
    "signaling not a number": "sNaN",
    "infinity": "-Infinity",
    "year zero": "0000-01-01T00:00",
    "last year": "9999-12-31T23:59:59.999999-14:00",
    "first year": "0001-01-01T00:00+14:00",
    "no such day": "2026-02-30T10:00",
    "digits of another script": "١٢٣",
    "superscript": "²",
    "blank": " \t\n ",
}

FIELDS = {
    "line": lambda: TypedCharField(max_length=80),
    "text": lambda: TypedCharField(max_length=80, widget=forms.Textarea),
    "integer": TypedIntegerField,
    "decimal": TypedDecimalField,
    "money": MoneyField,
    "date": TypedDateField,
    "moment": TypedDateTimeField,
    "phone": PhoneField,
    "time": TypedTimeField,
    "choice": lambda: TypedChoiceField(choices=[("yes", "Yes")]),
}


@pytest.mark.parametrize("typed", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("make", FIELDS.values(), ids=FIELDS)
def test_whatever_is_typed_gets_a_value_that_can_be_kept_or_a_message(make, typed):
    field = make()
    try:
        value, messages = field.clean(typed), []
    except ValidationError as refusal:
        value, messages = "", refusal.messages
    # It can be stored; what is refused is never repeated in the message.
    assert "\0" not in str(value).encode().decode()
    assert not any(typed.strip() and typed.strip() in message for message in messages)
    # A form also compares what came with what was there.
    field.has_changed(Decimal(1), typed)
    str(field.bound_data(typed, None)).encode()


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("Word\x0bbreaks\u2028lines", "Word\nbreaks\nlines"),
        ("\u202egnp.exe\u202c", "gnp.exe"),
        ("José, 東京, 👩\u200d⚕️", "José, 東京, 👩\u200d⚕️"),
    ],
)
def test_text_is_kept_with_plain_line_ends_and_without_direction_marks(typed, kept):
    assert clean_text(typed) == kept


def test_one_line_stays_one_line():
    assert TypedCharField().clean(" Ana\nMaria \u200f ") == "Ana Maria"


def test_the_limit_counts_a_line_end_as_one_character():
    field = TypedCharField(max_length=5, widget=forms.Textarea)
    assert field.clean("ab\r\ncd") == "ab\ncd"
    with pytest.raises(ValidationError, match="at most 5"):
        field.clean("ab\r\ncde")


@pytest.mark.parametrize(
    ("typed", "amount"),
    [("$1,250.50", "1250.50"), ("0", "0"), ("1250", "1250"), (" $ 40 ", "40")],
)
def test_dollars_are_read_as_they_are_written(typed, amount):
    assert MoneyField().clean(typed) == Decimal(amount)


@pytest.mark.parametrize("typed", ["-1", "1.005", "12345678.00", "1e9", "dollars"])
def test_an_amount_that_is_none_is_refused(typed):
    with pytest.raises(ValidationError):
        MoneyField().clean(typed)


def test_a_date_outside_two_centuries_is_refused():
    assert TypedDateField().clean("2026-03-10") == date(2026, 3, 10)
    for typed in ("1899-12-31", "2101-01-01"):
        with pytest.raises(ValidationError, match="between 1900 and 2100"):
            TypedDateField().clean(typed)


@pytest.mark.parametrize(
    ("zone", "typed", "utc"),
    [
        ("America/New_York", "2026-03-10T09:00", datetime(2026, 3, 10, 13, tzinfo=UTC)),
        ("America/Los_Angeles", "2026-03-10T09:00", datetime(2026, 3, 10, 16, tzinfo=UTC)),
        ("America/New_York", "2026-03-08T02:30", datetime(2026, 3, 8, 7, tzinfo=UTC)),
        ("America/New_York", "2026-11-01T01:30", datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),
        ("America/New_York", "2026-03-10 09:00:00Z", datetime(2026, 3, 10, 9, tzinfo=UTC)),
    ],
    ids=["east", "west", "skipped hour", "hour that comes twice", "zone typed along"],
)
def test_a_local_time_becomes_one_moment(zone, typed, utc):
    field = TypedDateTimeField()
    field.time_zone = zone
    assert field.clean(typed) == utc


def test_a_moment_is_shown_in_the_zone_it_is_typed_in():
    field = TypedDateTimeField()
    field.time_zone = "America/Los_Angeles"
    shown = field.prepare_value(datetime(2026, 3, 10, 16, 5, tzinfo=UTC))
    assert field.widget.format_value(shown) == "2026-03-10T09:05"


@pytest.mark.parametrize("typed", ["(202) 555-0123", "202.555.0123", "+1 202 555 0123"])
def test_a_number_is_kept_in_one_form(typed):
    assert PhoneField().clean(typed) == "+12025550123"


@pytest.mark.parametrize(
    "typed", ["911", "988", "555-0123", "900 555 0123", "876 555 0123", "202 555 0123 x12"]
)
def test_a_number_that_cannot_be_rung_is_refused_with_the_reason(typed):
    with pytest.raises(ValidationError):
        PhoneField().clean(typed)


def test_invented_numbers_are_refused_in_production_only(settings):
    settings.PRODUCTION = True
    with pytest.raises(ValidationError, match="invented people"):
        PhoneField().clean("(202) 555-0123")


def test_our_own_line_is_refused(settings):
    settings.HELPLINE_NUMBER = "+12024561111"
    with pytest.raises(ValidationError, match="our own"):
        PhoneField().clean("202-456-1111")


def test_a_toll_free_number_passes_where_the_form_says_so():
    with pytest.raises(ValidationError):
        PhoneField().clean("800-225-5288")
    assert PhoneField(allow_toll_free=True).clean("800-225-5288") == "+18002255288"


def test_a_stored_number_is_shown_as_it_is_read_out():
    assert PhoneField().prepare_value("+12025550123") == "(202) 555-0123"
    assert PhoneField().prepare_value("202 555") == "202 555"


def test_numbers_have_limits_even_where_a_form_forgot_them():
    with pytest.raises(ValidationError):
        TypedIntegerField().clean(str(typed_text.LARGEST_INTEGER + 1))
    assert TypedIntegerField(max_value=7).clean("7") == 7
