"""Fields written out by Python are, to the sign, what Django's own templates make of them."""

import pytest
from django import forms
from django.forms.renderers import DjangoTemplates
from django.utils.safestring import mark_safe

from intake.admin.filled_sheet import FilledSheet
from intake.admin.rendering import QUICK
from intake.models import Call
from tests import casting

HOSTILE = "\"><script>alert('x')</script>&amp; é \u202e"
CHOICES = [("", "None"), ("a", HOSTILE), (HOSTILE, mark_safe("<b>B</b>")), (3, "Three")]
WIDGETS = [
    forms.TextInput({"size": 3, "autofocus": True, "hidden": False, "title": HOSTILE}),
    forms.NumberInput(),
    forms.HiddenInput(),
    forms.CheckboxInput(),
    forms.DateInput(),
    forms.TimeInput(),
    forms.PasswordInput(),
    forms.Textarea({"rows": 2}),
    forms.Select(choices=CHOICES),
    forms.SelectMultiple(choices=CHOICES),
    forms.Select(choices=[("Group", CHOICES)]),
    forms.RadioSelect({"class": HOSTILE}, choices=CHOICES),
    forms.CheckboxSelectMultiple(choices=CHOICES),
    forms.CheckboxSelectMultiple(choices=[("Group", CHOICES)]),
]


@pytest.mark.once
@pytest.mark.parametrize("widget", WIDGETS, ids=lambda widget: type(widget).__name__)
@pytest.mark.parametrize("value", [None, "", "a", HOSTILE, 3, True, ["a", "3"]])
@pytest.mark.parametrize("attrs", [{}, {"id": 'id"x', "aria-describedby": HOSTILE}])
def test_a_widget_is_written_as_django_writes_it(widget, value, attrs):
    asked = (f"n{HOSTILE}", value, attrs)
    assert widget.render(*asked, renderer=QUICK) == widget.render(*asked, DjangoTemplates())


@pytest.mark.once
@pytest.mark.django_db
@pytest.mark.parametrize("is_stored", [False, True])
def test_every_field_of_the_call_sheet_is_written_as_django_writes_it(
    agent, now, frozen, is_stored
):
    call = casting.screened_call(agent=agent, now=now) if is_stored else Call(started_at=now)
    sheet = FilledSheet(call, now=now)
    for form in (*sheet.parts, *sheet.substances.forms):
        assert form.renderer is QUICK
        quick = [str(field) for field in form]
        form.renderer = DjangoTemplates()
        assert quick == [str(field) for field in form]
