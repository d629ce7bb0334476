"""The health part of the call sheet, and what is said live about the substances."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django import forms
from django.forms import BoundField
from django.template.loader import render_to_string
from django.utils.functional import lazy
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from intake.admin.call_sheet_forms import SheetPart
from intake.admin.safety_panel import conversion, mg_range
from intake.admin.use_notes import BAND_LABELS, BAND_TONES
from intake.models import Call
from intake.rules.answers import Exposure
from intake.rules.exposures import (
    benzodiazepine_risk,
    diazepam_total,
    is_benzodiazepine_type,
)
from intake.rules.substances import find_substance
from intake.rules.withdrawal import (
    BEYOND_PRESCRIPTION,
    SIGNS,
    SYMPTOMS,
    Severity,
    Symptoms,
    told_signs,
    told_symptoms,
)
from intake.typed_text import TypedChoiceField, TypedMultipleChoiceField

if TYPE_CHECKING:
    from intake.admin.call_live import LiveSheet

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


# --- The substances, taken together ---------------------------------------------------------------


def use_found(live: "LiveSheet") -> SafeString:
    """``#use-found``, and for a live answer ``#substances-<n>-found`` of every row before it."""
    form = live.sheet.health
    if form.is_bound:
        form.is_valid()
    signs = form.signs() if form.is_bound else told_signs(live.call.dependence_signs)
    together = use_together(live.exposures, signs)
    together_html = _fragment("_substances_found.html", live, use=together)
    if not live.oob:
        return together_html
    rows = [
        _fragment("_use_note.html", live, note=row.note, row_id=row.prefix)
        for row in live.sheet.substances.forms
    ]
    return format_html_join("", "{}", ((made,) for made in [*rows, together_html]))


def _fragment(template: str, live: "LiveSheet", **context: Any) -> SafeString:
    return render_to_string(f"admin/intake/{template}", {**context, "oob": live.oob})


def use_together(exposures: Iterable[Exposure], signs: Iterable[str] = ()) -> dict[str, Any] | None:
    """Table 2 and both conversions over everything that counts as a benzodiazepine; staff only.

    None where there is nothing of the kind.
    """
    told = list(exposures)
    beyond = not BEYOND_PRESCRIPTION.isdisjoint(signs)
    risk = benzodiazepine_risk(told, beyond_prescription=beyond)
    if risk is None:
        return None
    total = diazepam_total(told)
    counted = [item for item in told if is_benzodiazepine_type(item)]
    rows = [row for item in counted if (row := conversion(item))]
    left_out = [find_substance(code).name for code in total.left_out]
    return {
        "count": len(risk.substances),
        "band": BAND_LABELS[risk.band],
        "tone": BAND_TONES[risk.band],
        "because": ", ".join(risk.counted_as_high_because),
        "risk": risk.risk.label,
        "rows": rows,
        "va_dod": mg_range(total.va_dod) if total.va_dod[1] else "",
        "ashton": mg_range(total.ashton) if total.ashton[1] else "",
        "left_out": ", ".join(dict.fromkeys(left_out)),
    }
