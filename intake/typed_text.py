"""What people type, made storable: form fields that answer every input with a value or a message.

Text that no database keeps is refused rather than repaired in silence, numbers and dates have
limits before anything computes with them, and whatever was refused can be shown again.
"""

import re
from collections.abc import Collection
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from intake.rules import clocks, phones

# What Word and chat programs put where a line ends.
_LINE_ENDS: Final = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
# The marks that make text read backward, and so say something else than what is stored.
_DIRECTION_MARKS: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_CONTROLS: Final = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
_HALF_CHARACTERS: Final = re.compile("[\ud800-\udfff]")
# Django reads bytes that are no UTF-8 as this.
_UNREADABLE: Final = "\ufffd"

# Room for every date of this trade, and none at which adding a day or a time zone overflows.
EARLIEST: Final = date(1900, 1, 1)
LATEST: Final = date(2100, 12, 31)
LARGEST_INTEGER: Final = 2_147_483_647
_LONGEST_NUMBER: Final = 40


def clean_text(value: str) -> str:
    """The text with its line ends made plain and its direction marks taken out.

    Raises ``ValidationError`` for NUL and other control characters, half characters (lone
    surrogates) and characters that were unreadable on arrival. The message never quotes the text.
    """
    text = _DIRECTION_MARKS.sub("", _LINE_ENDS.sub("\n", value))
    if _CONTROLS.search(text):
        raise ValidationError(
            _("This holds control characters that cannot be kept. Delete them, or type it anew."),
            code="control_characters",
        )
    if _HALF_CHARACTERS.search(text) or _UNREADABLE in text:
        raise ValidationError(
            _("Some characters could not be read; they are shown as \ufffd. Type them anew."),
            code="unreadable_characters",
        )
    return text


def showable(value: Any) -> Any:
    """What was typed, fit to be sent back: half characters, which no page can hold, as a mark."""
    return _HALF_CHARACTERS.sub(_UNREADABLE, value) if isinstance(value, str) else value


class Showable(forms.Field):
    """Sends back what was refused, whatever it was, so that nothing typed is lost."""

    def bound_data(self, data: Any, initial: Any) -> Any:
        return showable(super().bound_data(data, initial))


class TypedCharField(Showable, forms.CharField):
    """Text: one line, or several where the widget is a ``Textarea``."""

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not isinstance(text, str):
            return text
        text = clean_text(text)
        if not isinstance(self.widget, forms.Textarea):
            text = text.replace("\n", " ")
        # Again: what was taken out may have stood around the blanks.
        return text.strip() if self.strip else text


def _speak_plainly(field: forms.Field) -> None:
    """Say the limit as a person would; stock Django says "Ensure this value is less than"."""
    for validator in field.validators:
        if isinstance(validator, MaxValueValidator):
            validator.message = _("Type %(limit_value)s or less.")
        elif isinstance(validator, MinValueValidator):
            validator.message = _("Type %(limit_value)s or more.")


class TypedIntegerField(Showable, forms.IntegerField):
    """A whole number that fits a database column, whatever its form says of limits."""

    def __init__(
        self,
        *,
        max_value: int = LARGEST_INTEGER,
        min_value: int = -LARGEST_INTEGER,
        **kwargs: Any,
    ) -> None:
        super().__init__(max_value=max_value, min_value=min_value, **kwargs)
        _speak_plainly(self)

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and len(value.strip()) > _LONGEST_NUMBER:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(value)


class TypedDecimalField(Showable, forms.DecimalField):
    """A finite number of ordinary size: no NaN, no infinity, no 1e999999."""

    default_error_messages = {
        "size": _("This number is too large or too small."),
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        _speak_plainly(self)

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and len(value.strip()) > _LONGEST_NUMBER:
            raise ValidationError(self.error_messages["size"], code="size")
        try:
            number = super().to_python(value)
        except (InvalidOperation, ValueError) as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error
        if not isinstance(number, Decimal):
            return number
        if not number.is_finite():
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        if abs(number.adjusted()) > _LONGEST_NUMBER:
            raise ValidationError(self.error_messages["size"], code="size")
        return number


class MoneyField(TypedDecimalField):
    """US dollars and cents, as they are written: ``$1,250.50``. Never below zero."""

    default_error_messages = {
        "invalid": _("Type an amount in dollars, such as 1250 or 1250.50."),
    }

    def __init__(self, *, max_digits: int = 9, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.TextInput(attrs={"inputmode": "decimal"}))
        kwargs.setdefault("min_value", Decimal(0))
        super().__init__(max_digits=max_digits, decimal_places=2, **kwargs)

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str):
            value = value.strip().removeprefix("$").replace(",", "")
        return super().to_python(value)


class TypedDateField(Showable, forms.DateField):
    """A calendar date between 1900 and 2100, in a browser's own date input."""

    default_error_messages = {
        "range": _("Type a date between 1900 and 2100."),
    }

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}))
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> date | None:
        try:
            day = super().to_python(value)
        except (OverflowError, ValueError) as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error
        if day is not None and not EARLIEST <= day <= LATEST:
            raise ValidationError(self.error_messages["range"], code="range")
        return day


class TypedTimeField(Showable, forms.TimeField):
    """A time of day in a browser's own time input."""

    default_error_messages = {"invalid": _("Type a time, such as 9:30 AM or 21:30.")}

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.TimeInput(format="%H:%M", attrs={"type": "time"}))
        kwargs.setdefault("input_formats", ["%H:%M", "%H:%M:%S", "%I:%M %p", "%I %p"])
        super().__init__(**kwargs)


class TypedChoiceField(Showable, forms.ChoiceField):
    """One of the choices; anything else is refused without repeating it."""

    default_error_messages = {"invalid_choice": _("Choose one of the answers.")}


class TypedMultipleChoiceField(Showable, forms.MultipleChoiceField):
    """Some of the choices; anything else is refused without repeating it."""

    default_error_messages = {
        "invalid_choice": _("Choose among the answers."),
        "invalid_list": _("Choose among the answers."),
    }


class TypedDateTimeField(Showable, forms.DateTimeField):
    """A local date and time, read and shown in ``time_zone`` (an IANA name) or the staff's own.

    The value is in UTC. A time the clocks skip is the end of the gap; one that comes twice is its
    first coming. A form may set ``time_zone`` when it is made: the label must name the zone.
    """

    default_error_messages = {
        "invalid": _("Type a date and a time that exist, such as 2026-03-10 14:30."),
        "range": _("Type a date between 1900 and 2100."),
    }
    time_zone: str = ""

    def __init__(self, **kwargs: Any) -> None:
        local = forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"})
        kwargs.setdefault("widget", local)
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> datetime | None:
        if value in self.empty_values:
            return None
        moment = value if isinstance(value, datetime) else self._parse(str(value))
        if not EARLIEST <= moment.date() <= LATEST:
            raise ValidationError(self.error_messages["range"], code="range")
        if timezone.is_aware(moment):
            return moment.astimezone(UTC)
        return clocks.local_due(moment.date(), moment.time(), self._zone())

    def _parse(self, text: str) -> datetime:
        """Only ISO, which is what browsers send, with a blank or a T in the middle."""
        try:
            moment = parse_datetime(text.strip())
        except (OverflowError, ValueError):
            moment = None
        if moment is None:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return moment

    def _zone(self) -> str:
        return self.time_zone or timezone.get_current_timezone_name()

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, datetime) and timezone.is_aware(value):
            return timezone.make_naive(value, clocks.zone_of(self._zone()))
        return value


class PhoneField(TypedCharField):
    """A phone number in the United States that may be rung; the value is E.164.

    Numbers of the range for invented people pass everywhere but in production.
    """

    def __init__(self, *, allow_toll_free: bool = False, **kwargs: Any) -> None:
        attributes = {"type": "tel", "inputmode": "tel", "autocomplete": "off"}
        kwargs.setdefault("widget", forms.TextInput(attrs=attributes))
        super().__init__(**kwargs)
        self.allow_toll_free = allow_toll_free

    def to_python(self, value: Any) -> Any:
        text = super().to_python(str(value) if value else "")
        if not text:
            return self.empty_value
        try:
            number = phones.parse(text)
        except phones.NotANumber as error:
            # The rules speak English; tests/catalog.py collects what they say.
            raise ValidationError(gettext(str(error)), code="invalid") from None
        decision = phones.dialable(
            number,
            own=self.own_numbers(),
            allow_fictional=not settings.PRODUCTION,
            allow_toll_free=self.allow_toll_free,
        )
        if not decision.ok:
            raise ValidationError(gettext(decision.reason), code="not_dialable")
        return number

    def own_numbers(self) -> Collection[str]:
        """Our lines (E.164) as far as the settings name them; none of them is anybody's own."""
        return (settings.HELPLINE_NUMBER, *settings.HELPLINE_OWN_NUMBERS)

    def prepare_value(self, value: Any) -> Any:
        """As it is read out, unless it is what was just typed."""
        text = str(value) if value else ""
        return phones.national(text) if text.startswith("+1") and len(text) == 12 else text
