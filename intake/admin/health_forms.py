"""The health part of the call sheet: signs of dependence, and symptoms of withdrawal."""

from typing import Any

from django import forms
from django.forms import BoundField
from django.utils.functional import lazy
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from intake.admin.call_sheet_forms import SheetPart
from intake.models import Call
from intake.rules.withdrawal import (
    SIGNS,
    SYMPTOMS,
    Severity,
    Symptoms,
    told_signs,
    told_symptoms,
)
from intake.typed_text import TypedChoiceField, TypedMultipleChoiceField

format_html_lazy = lazy(format_html, SafeString)

SYMPTOM_PREFIX = "symptom_"
# Unknown takes little room: most of it stays so.
SEVERITIES = (
    (
        Severity.UNKNOWN.value,
        format_html_lazy(
            '<span aria-hidden="true">?</span><span class="visually-hidden">{}</span>',
            _("Unknown"),
        ),
    ),
    (Severity.NONE.value, _("None")),
    (Severity.MILD.value, _("Mild")),
    (
        Severity.MODERATE.value,
        format_html_lazy(
            '<span aria-hidden="true">{}</span><span class="visually-hidden">{}</span>',
            _("Mod."),
            _("Moderate"),
        ),
    ),
    (Severity.SEVERE.value, _("Severe")),
)


class HealthForm(SheetPart):
    """Signs of dependence, and each symptom of withdrawal with its severity; stored on the call."""

    dependence_signs = TypedMultipleChoiceField(
        label=_("Signs of dependence"),
        required=False,
        choices=list(SIGNS.items()),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("What they tell of themselves; nothing is asked for one by one."),
    )

    def __init__(self, *args: Any, call: Call, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial_of(call)
        for code, label in SYMPTOMS.items():
            self.fields[SYMPTOM_PREFIX + code] = TypedChoiceField(
                label=label,
                required=False,
                choices=SEVERITIES,
                initial=Severity.UNKNOWN.value,
                widget=forms.RadioSelect,
            )
            if stored := call.withdrawal_symptoms.get(code):
                self.initial.setdefault(SYMPTOM_PREFIX + code, stored)

    @property
    def symptom_fields(self) -> list[BoundField]:
        return [self[SYMPTOM_PREFIX + code] for code in SYMPTOMS]

    def symptoms(self) -> Symptoms:
        """What was told, of a form that was checked; what could not be read is unknown."""
        given = self.cleaned_data
        return told_symptoms({code: given.get(SYMPTOM_PREFIX + code, "") for code in SYMPTOMS})

    def signs(self) -> tuple[str, ...]:
        return told_signs(self.cleaned_data.get("dependence_signs", []))

    @property
    def is_answered(self) -> bool:
        return bool(self.symptoms() or self.signs())

    def apply(self, record: Call) -> None:
        record.dependence_signs = list(self.signs())
        record.withdrawal_symptoms = {code: str(severity) for code, severity in self.symptoms()}
