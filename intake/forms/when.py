"""When to call: a day and a part of it, on the caller's own clock."""

from datetime import datetime, timedelta
from typing import Any, TypeVar

from django import forms
from django.forms import BoundField
from django.utils.translation import gettext_lazy as _

from intake.actions import calling_hours
from intake.forms.answers import DAYS, PARTS, ZONES, drop_down, radios
from intake.models import Person
from intake.rules import callback_times
from intake.rules.callback_times import Day, Part
from intake.typed_text import TypedDateField


class SharedFields(dict[str, forms.Field]):
    """The fields of a form, made once for all requests, none of which changes them.

    Django copies every field with its widget and choices for each form otherwise, which was a
    tenth of the work of taking a request.
    """

    def __deepcopy__(self, memo: Any) -> dict[str, forms.Field]:
        return dict(self)


class ShownLater(BoundField):
    """What only a page needs is worked out when a page shows it, not when the answer is checked.

    Django translates every help text for that.
    """

    def __init__(self, form: forms.BaseForm, field: forms.Field, name: str) -> None:
        self.form, self.field, self.name = form, field, name
        self.html_name = form.add_prefix(name)

    def __getattr__(self, name: str) -> Any:
        """The rest of what Django's own holds, once the first of it is asked for."""
        held = vars(self)
        if "form" not in held or "renderer" in held:
            raise AttributeError(name)
        super().__init__(held["form"], held["field"], held["name"])
        return getattr(self, name)


class DayAheadOnForm(ShownLater):
    """Its control offers the days of the form's own two weeks, wide enough for every zone."""

    form: "WhenForm"

    def build_widget_attrs(self, attrs: Any, widget: Any = None) -> dict[str, Any]:
        ahead = timedelta(days=callback_times.MOST_DAYS_AHEAD)
        return {
            **super().build_widget_attrs(attrs, widget),
            "min": (self.form.now - timedelta(hours=12)).date().isoformat(),
            "max": (self.form.now + ahead + timedelta(hours=12)).date().isoformat(),
        }


class DayAheadField(TypedDateField):
    """Shared by all forms: what is of today stands on the bound field alone."""

    def get_bound_field(self, form: forms.BaseForm, field_name: str) -> BoundField:
        return DayAheadOnForm(form, self, field_name)


FormClass = TypeVar("FormClass", bound=type[forms.Form])


def public(form: FormClass) -> FormClass:
    """A form that strangers fill in: quick to make, and its browser remembers nothing of it."""
    for field in form.base_fields.values():
        # A shared device must not offer to the next person what this one typed.
        field.widget.attrs["autocomplete"] = "off"
    form.base_fields = SharedFields(form.base_fields)
    form.bound_field_class = ShownLater
    return form


class WhenForm(forms.Form):
    """A wish for a time. ``now`` (UTC) decides what "today" is in the caller's zone.

    A form that holds more says whose hours count (``person``) and, with ``place_fields``, which of
    its answers those hours come from. After ``is_valid``, ``cleaned_data`` holds that person, the
    ``rule`` of their hours, and the ``slot`` that answers the wish.
    """

    use_required_attribute = False
    place_fields: tuple[str, ...] = ("time_zone",)

    day = radios(
        DAYS,
        label=_("When should we call?"),
        initial=Day.ASAP,
        help_text=_(
            "We call between 8 a.m. and 9 p.m. your time, in some states to 8 p.m. At night we call"
            " only if you ask us to."
        ),
    )
    on = DayAheadField(
        label=_("Which day?"),
        help_text=_("A day in the next two weeks."),
        required=False,
        error_messages={"invalid": _("Please give a date that exists, such as 2026-03-10.")},
    )
    part = radios(
        PARTS,
        label=_("What part of the day?"),
        initial=Part.ANY,
        help_text=_("If we miss you, we try again in the same part of the day."),
    )
    time_zone = drop_down(ZONES, label=_("Your time zone"))

    def __init__(self, *args: Any, now: datetime, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        self.now = now

    def person(self, cleaned: dict[str, Any]) -> Person:
        """Who is to be called, with the part of the day they chose as their safe hours."""
        raise NotImplementedError

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        self._check_wish(cleaned)
        if not {"day", "on", "part", *self.place_fields} & set(self.errors):
            self._find_slot(cleaned)
        return cleaned

    def _check_wish(self, cleaned: dict[str, Any]) -> None:
        """Two answers that exclude each other are asked about, never guessed at."""
        day, on, part = cleaned.get("day"), cleaned.get("on"), cleaned.get("part")
        if day == Day.DATE and on is None and "on" not in self.errors:
            self.add_error("on", _("Please say which day."))
        if day and day != Day.DATE and on is not None:
            self.add_error(
                "on",
                _(
                    "You gave a date here and another answer above. Clear this date, or choose"
                    ' "On another day".'
                ),
            )
        if day == Day.NOW and part and part != Part.ANY:
            self.add_error(
                "part",
                _('You asked us to call right away. Choose "Any time" here, or another day.'),
            )

    def _find_slot(self, cleaned: dict[str, Any]) -> None:
        cleaned["person"] = self.person(cleaned)
        cleaned["rule"] = rule = calling_hours.rule_for(cleaned["person"])
        try:
            cleaned["slot"] = callback_times.first_slot(
                Day(cleaned["day"]), rule=rule, now=self.now, on=cleaned["on"]
            )
        except callback_times.DayOver:
            self.add_error(
                "day" if cleaned["part"] == Part.ANY else "part",
                _("That time is over, or almost over, where you are. Please choose a later one."),
            )
        except callback_times.DayOutOfReach:
            self.add_error("on", _("Please choose a day from today to two weeks ahead."))
        except callback_times.DayWithoutCalls:
            self.add_error(
                "on" if cleaned["day"] == Day.DATE else "day",
                _(
                    "That day is a federal holiday, on which we make no calls. Please choose another day."
                ),
            )
        except callback_times.PlaceUnclear:
            self.add_error(
                "time_zone",
                _("We cannot tell your time zone from your number. Please choose it here."),
            )
