"""The rows of the call sheet in which substances are told; rows are added without JavaScript."""

from collections.abc import Iterable
from datetime import datetime
from itertools import groupby
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from intake.admin.call_sheet_forms import CLOCK_SLACK, NOT_TOLD, SheetPart, answer_field
from intake.models import Call, SubstanceUse
from intake.rules.safety import Answer
from intake.rules.substances import SUBSTANCES
from intake.typed_text import (
    TypedCharField,
    TypedChoiceField,
    TypedDateTimeField,
    TypedDecimalField,
    TypedIntegerField,
)

PREFIX = "substances"
MOST_ROWS = 20
WEEKS_IN_A_YEAR = 52


def substance_choices() -> list[Any]:
    """Grouped by class, in the order this line hears them."""
    groups: list[Any] = [("", _("Choose"))]
    for kind, listed in groupby(SUBSTANCES.values(), key=lambda item: item.substance_class):
        groups.append((kind.label, [(item.code, item.label) for item in listed]))
    return groups


class SubstanceForm(SheetPart):
    substance = TypedChoiceField(label=_("Substance"), choices=substance_choices)
    brand = TypedCharField(label=_("Brand or street name"), required=False, max_length=80)
    source = TypedChoiceField(
        label=_("Where it comes from"),
        required=False,
        choices=[NOT_TOLD, *SubstanceUse.Source.choices],
    )
    route = TypedChoiceField(
        label=_("How it is taken"), required=False, choices=[NOT_TOLD, *SubstanceUse.Route.choices]
    )
    dose_mg = TypedDecimalField(
        label=_("Each time, mg"),
        required=False,
        min_value=0,
        max_value=100_000,
        decimal_places=4,
        widget=forms.NumberInput(attrs={"step": "any", "inputmode": "decimal"}),
    )
    times_a_day = TypedDecimalField(
        label=_("Times a day"),
        required=False,
        min_value=0,
        max_value=100,
        decimal_places=2,
        widget=forms.NumberInput(attrs={"step": "any", "inputmode": "decimal"}),
    )
    days_a_week = TypedIntegerField(
        label=_("Days a week"), required=False, min_value=0, max_value=7
    )
    duration = TypedIntegerField(label=_("Taken for"), required=False, min_value=0, max_value=5000)
    duration_unit = TypedChoiceField(
        label=_("Unit"),
        choices=[("weeks", _("weeks")), ("months", _("months")), ("years", _("years"))],
        initial="months",
    )
    last_used_at = TypedDateTimeField(label=_("Last used"), required=False)
    stopped_abruptly = answer_field(label=_("Stopped suddenly?"))
    recent_cut_percent = TypedIntegerField(
        label=_("Cut in the last two weeks, %"), required=False, min_value=0, max_value=100
    )
    above_prescribed = answer_field(label=_("More than prescribed?"))

    def __init__(self, *args: Any, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now = now
        zone = timezone.get_current_timezone_name().replace("_", " ")
        self.fields["last_used_at"].help_text = zone

    def clean_last_used_at(self) -> datetime | None:
        moment: datetime | None = self.cleaned_data["last_used_at"]
        if moment and moment > self.now + CLOCK_SLACK:
            raise forms.ValidationError(_("This time is still to come."))
        return moment

    def use(self, call: Call) -> SubstanceUse:
        """The row to store; call it on a valid, filled-in form only."""
        given = dict(self.cleaned_data)
        given.pop("DELETE", None)
        duration, unit = given.pop("duration"), given.pop("duration_unit")
        for name in ("stopped_abruptly", "above_prescribed"):
            given[name] = {Answer.YES: True, Answer.NO: False}.get(given[name])
        return SubstanceUse(call=call, weeks_of_use=_weeks(duration, unit), **given)


def _weeks(duration: int | None, unit: str) -> int | None:
    if duration is None or unit == "weeks":
        return duration
    in_years = duration * WEEKS_IN_A_YEAR
    return in_years // 12 if unit == "months" else in_years


def _told_duration(weeks: int | None) -> tuple[int | None, str]:
    """The largest unit in which the stored weeks come out even, months included."""
    if weeks is None:
        return None, "months"
    if weeks and weeks % WEEKS_IN_A_YEAR == 0:
        return weeks // WEEKS_IN_A_YEAR, "years"
    for months in range(1, 12):
        if weeks == _weeks(months, "months"):
            return months, "months"
    return weeks, "weeks"


def row_initial(use: SubstanceUse) -> dict[str, Any]:
    """What a stored row shows in its form."""
    duration, unit = _told_duration(use.weeks_of_use)
    words = {True: Answer.YES.value, False: Answer.NO.value, None: Answer.UNKNOWN.value}
    return {
        **{name: getattr(use, name) for name in SubstanceForm.base_fields if hasattr(use, name)},
        "duration": duration,
        "duration_unit": unit,
        "stopped_abruptly": words[use.stopped_abruptly],
        "above_prescribed": words[use.above_prescribed],
    }


class SubstanceRows(forms.BaseFormSet):  # type: ignore[type-arg]
    """As many rows as were sent, whatever the management form says of them."""

    def __init__(self, data: QueryDict | None = None, **kwargs: Any) -> None:
        if data is not None:
            data = data.copy()
            data[f"{PREFIX}-TOTAL_FORMS"] = str(rows_sent(data))
            # Nothing is compared with what was stored: rows are replaced as a whole.
            data[f"{PREFIX}-INITIAL_FORMS"] = "0"
        super().__init__(data, prefix=PREFIX, **kwargs)

    def add_fields(self, form: SubstanceForm, index: int | None) -> None:
        super().add_fields(form, index)
        form.fields["DELETE"].label = _("Take this substance out")

    def uses(self, call: Call) -> list[SubstanceUse]:
        """The rows to store, in their order; empty and removed ones are left out."""
        return [
            form.use(call)
            for form in self.forms
            if form.has_changed() and not form.cleaned_data.get("DELETE")
        ]


def rows_sent(data: Iterable[str]) -> int:
    """How many rows the names of the fields speak of, at most ``MOST_ROWS``."""
    numbers = [0]
    for name in data:
        prefix, _dash, rest = name.partition("-")
        number = rest.partition("-")[0]
        if prefix == PREFIX and number.isascii() and number.isdigit() and len(number) < 4:
            numbers.append(int(number) + 1)
    return min(max(numbers), MOST_ROWS)


SubstanceFormSet = forms.formset_factory(
    SubstanceForm,
    formset=SubstanceRows,
    extra=1,
    can_delete=True,
    max_num=MOST_ROWS,
    absolute_max=MOST_ROWS,
)
