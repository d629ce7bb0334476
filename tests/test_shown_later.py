"""A field of a public form costs its page's words when a page shows them, and not before."""

from datetime import UTC, datetime

import pytest
from django.forms import BoundField

from intake.forms import CallbackRequestForm
from intake.forms.when import DayAheadField, ShownLater
from tests.callers import answers

pytestmark = pytest.mark.django_db

NAMES = list(CallbackRequestForm.base_fields)
ON_PAGES = ("label", "help_text", "html_initial_name", "html_initial_id", "renderer")


@pytest.fixture
def form():
    return CallbackRequestForm(answers(), now=datetime(2026, 3, 10, 15, 0, tzinfo=UTC))


@pytest.mark.parametrize("name", NAMES)
def test_a_page_shows_what_django_would_show(form, name):
    ours, django = form[name], BoundField(form, form.fields[name], name)
    assert isinstance(ours, ShownLater)
    assert [getattr(ours, one) for one in ON_PAGES] == [getattr(django, one) for one in ON_PAGES]
    if not isinstance(ours.field, DayAheadField):
        assert str(ours) == str(django)
    assert str(ours.label_tag()) == str(django.label_tag())


def test_checking_the_answers_works_nothing_out_for_a_page(form):
    assert form.is_valid(), form.errors
    assert not set(ON_PAGES) & {held for name in NAMES for held in vars(form[name])}


def test_what_no_field_has_is_no_attribute(form):
    with pytest.raises(AttributeError, match="color"):
        _ = form["phone"].color
    assert not hasattr(form["phone"], "color")
