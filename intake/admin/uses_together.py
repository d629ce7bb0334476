"""What is said live about the substances of a call, each and taken together."""

from collections.abc import Iterable
from typing import Any

from django.template.loader import render_to_string
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from intake.admin.live_sheet import LiveSheet
from intake.admin.safety_panel import conversion, mg_range
from intake.admin.use_notes import BAND_LABELS, BAND_TONES
from intake.rules.answers import Exposure
from intake.rules.exposures import benzodiazepine_risk, diazepam_total, is_benzodiazepine_type
from intake.rules.substances import find_substance
from intake.rules.withdrawal import BEYOND_PRESCRIPTION, told_signs


def use_found(live: LiveSheet) -> SafeString:
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


def _fragment(template: str, live: LiveSheet, **context: Any) -> SafeString:
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
