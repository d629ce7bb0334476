"""The rows of the call sheet in which substances are told; rows are added without JavaScript."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from functools import cache, cached_property
from typing import Any

from django import forms
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from intake.admin.call_sheet_forms import NOT_TOLD, SheetPart, answer_field
from intake.admin.use_notes import UseNote, note_of
from intake.models import Call, SubstanceUse
from intake.rules import last_use
from intake.rules.last_use import LastUse, Precision, Unread
from intake.rules.safety import Answer
from intake.rules.substance_names import (
    LONGEST_TEXT,
    NAMES,
    Ambiguous,
    Meant,
    understand,
    written,
)
from intake.rules.substances import SUBSTANCES
from intake.typed_text import (
    TypedCharField,
    TypedChoiceField,
    TypedDecimalField,
    TypedIntegerField,
)

PREFIX = "substances"
MOST_ROWS = 20
WEEKS_IN_A_YEAR = 52
LONGEST_BRAND = 80
# As short as a chip may be; the record says it in full.
SOURCES = (
    NOT_TOLD,
    (SubstanceUse.Source.OWN_PRESCRIPTION.value, _("Own prescription")),
    (SubstanceUse.Source.OTHER.value, _("Somebody else's")),
    (SubstanceUse.Source.STREET.value, _("Street or online")),
)
UNREAD = {
    Unread.NOT_UNDERSTOOD: _(
        "This was not understood. Type “5 days ago”, “last night”, “Monday”, “11/20” or"
        " “11/20 3 pm”."
    ),
    Unread.STILL_TO_COME: _("This time is still to come."),
    Unread.TOO_LONG_AGO: _("This is too long ago."),
}


def _words(**attributes: Any) -> forms.TextInput:
    """A box for words no browser should correct, complete or remember."""
    plain = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
    return forms.TextInput(attrs={**plain, **attributes})


class NameField(TypedCharField):
    """A substance by any of its names; the value is a ``Meant``."""

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        meant = understand(text)
        if isinstance(meant, Ambiguous):
            names = [f"{name.text} ({name.substance.name})" for name in meant.names]
            raise forms.ValidationError(
                _("More than one substance is called so. Choose: %(names)s.")
                % {"names": "; ".join(names)}
            )
        if len(meant.brand) > LONGEST_BRAND:
            raise forms.ValidationError(_("Keep it to 80 characters."))
        return meant


class LastUseField(TypedCharField):
    """A last use in the agent's words, by the clock of the staff; the value is a ``LastUse``.

    A form sets ``now`` when it is made.
    """

    now: datetime

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        zone = timezone.get_current_timezone_name()
        found = last_use.read_last_use(text, now=self.now, zone=zone)
        if isinstance(found, Unread):
            raise forms.ValidationError(UNREAD[found])
        return found


class MilligramField(TypedDecimalField):
    """Milligrams, with or without "mg" behind the number."""

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str):
            value = value.strip().casefold().removesuffix("mg").strip()
        return super().to_python(value)


class SubstanceForm(SheetPart):
    substance = NameField(
        label=_("What is it?"),
        max_length=LONGEST_TEXT,
        widget=_words(list="substance-names", placeholder=_("Klonopin, xannies, beer …")),
    )
    source = TypedChoiceField(
        label=_("Where it comes from"), required=False, choices=SOURCES, widget=forms.RadioSelect
    )
    route = TypedChoiceField(
        label=_("How it is taken"),
        required=False,
        choices=[NOT_TOLD, *SubstanceUse.Route.choices],
        widget=forms.RadioSelect,
    )
    dose_mg = MilligramField(
        label=_("Each time, mg"),
        required=False,
        min_value=0,
        max_value=100_000,
        decimal_places=4,
        widget=_words(inputmode="decimal"),
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
    last_used_at = LastUseField(
        label=_("Last used"),
        required=False,
        max_length=last_use.LONGEST_TEXT,
        widget=_words(placeholder=_("5 days ago, last night, 11/20 …")),
    )
    stopped_abruptly = answer_field(label=_("Stopped suddenly?"))
    recent_cut_percent = TypedIntegerField(
        label=_("Cut in the last two weeks, %"), required=False, min_value=0, max_value=100
    )
    above_prescribed = answer_field(label=_("More than prescribed?"))

    def __init__(self, *args: Any, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now = now
        self.fields["last_used_at"].now = now  # type: ignore[attr-defined]
        # Said back beside the row: what was understood, and what the rules make of it.
        for name in ("substance", "last_used_at"):
            self.fields[name].widget.attrs["aria-describedby"] = f"{self.prefix}-found"

    def use(self, call: Call) -> SubstanceUse:
        """The row to store, of a form that was checked and names a substance.

        What could not be read counts as not told: a slip hides no danger.
        """
        given: dict[str, Any] = {
            name: self.cleaned_data.get(name, made.initial or getattr(made, "empty_value", None))
            for name, made in self.fields.items()
        }
        given.pop("DELETE", None)
        meant: Meant = given.pop("substance")
        duration, unit = given.pop("duration"), given.pop("duration_unit")
        last: LastUse | None = given.pop("last_used_at") or None
        dose: Decimal | None = given.pop("dose_mg")
        for name in ("stopped_abruptly", "above_prescribed"):
            given[name] = {Answer.YES: True, Answer.NO: False}.get(given[name])
        return SubstanceUse(
            call=call,
            substance=meant.code,
            brand=meant.brand,
            dose_mg=meant.dose_mg if dose is None else dose,
            weeks_of_use=_weeks(duration, unit),
            last_used_at=last.at if last else None,
            last_used_precision=last.precision if last else "",
            **given,
        )

    @cached_property
    def note(self) -> UseNote:
        """What is said back of the row as it is shown, sent or not, right or not."""
        if self.is_bound:
            return note_of(self)
        shown = {self.add_prefix(name): self[name].value() for name in self.fields}
        return note_of(SubstanceForm(shown, prefix=self.prefix, now=self.now))


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
        "substance": written(use.substance, use.brand),
        "source": "" if use.source == SubstanceUse.Source.UNKNOWN else use.source,
        "last_used_at": _told_last_use(use),
        "duration": duration,
        "duration_unit": unit,
        "stopped_abruptly": words[use.stopped_abruptly],
        "above_prescribed": words[use.above_prescribed],
    }


def _told_last_use(use: SubstanceUse) -> str:
    """As words that read the same on any later day."""
    if use.last_used_at is None:
        return ""
    precision = Precision(use.last_used_precision or Precision.TIME)
    zone = timezone.get_current_timezone_name()
    return last_use.written(LastUse(use.last_used_at, precision), zone=zone)


@cache
def names_offered() -> SafeString:
    """The list behind the box "What is it?": every name, and each substance with its strengths."""
    given = {"names": NAMES, "listed": SUBSTANCES.values()}
    return render_to_string("admin/intake/_substance_names.html", given)


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

    @property
    def names(self) -> SafeString:
        return names_offered()

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
