"""What was saved on a sheet while somebody typed on it: read before theirs replaces it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.forms import BoundField, CheckboxInput
from django.utils.html import strip_tags
from django.utils.translation import gettext as _

from intake.admin.filled_sheet import FilledSheet, told
from intake.admin.substance_forms import SubstanceForm

SEEN_ONLY = re.compile(r'<span aria-hidden="true">.*?</span>')
# Said to the page, not told by anybody.
NOT_TOLD_BY_ANYBODY = frozenset({"same_as"})


def saved_otherwise(sheet: FilledSheet, saved: FilledSheet) -> Iterator[str]:
    """A line for each answer that is saved otherwise than it stands on ``sheet``, a valid one."""
    for typed, stored in zip(sheet.records, saved.records, strict=True):
        for name in typed.fields:
            if name in NOT_TOLD_BY_ANYBODY:
                continue
            is_same = typed.cleaned_data.get(name) == stored[name].initial
            if not is_same and shown(typed[name]) != shown(stored[name]):
                yield _line(str(stored[name].label), shown(stored[name]))
    yield from _rows_saved_otherwise(sheet, saved)


def _rows_saved_otherwise(sheet: FilledSheet, saved: FilledSheet) -> Iterator[str]:
    typed, stored = told(sheet.substances.uses(sheet.call_record)), saved.told_before
    for number in range(max(len(typed), len(stored))):
        now = _row(typed, number, sheet)
        before = _row(stored, number, sheet)
        for name in before.fields:
            if shown(now[name]) != shown(before[name]):
                part = _("Substance %(number)s") % {"number": number + 1}
                yield _line(f"{part}, {before[name].label}", shown(before[name]))


def _row(rows: list[dict[str, Any]], number: int, sheet: FilledSheet) -> SubstanceForm:
    initial: Mapping[str, Any] = rows[number] if number < len(rows) else {}
    return SubstanceForm(initial=dict(initial), now=sheet.now)


def _line(label: str, value: str) -> str:
    if not value:
        return _("%(label)s: saved is nothing.") % {"label": label}
    return _("%(label)s: saved is “%(value)s”.") % {"label": label, "value": value}


def shown(field: BoundField) -> str:
    """The answer as the page shows it, in words."""
    value, widget = field.value(), field.field.widget
    if isinstance(widget, CheckboxInput):
        return str(_("Yes") if value else _("No"))
    choices = getattr(field.field, "choices", None)
    if choices is not None:
        chosen = {str(each) for each in (value if isinstance(value, list) else [value])}
        return ", ".join(_spoken(label) for code, label in choices if str(code) in chosen)
    text = str(widget.format_value(value) or "")
    return text.replace("\r\n", "\n").strip()


def _spoken(label: Any) -> str:
    """A label as it is read aloud, where a shorter one is seen."""
    return strip_tags(SEEN_ONLY.sub("", str(label)))
