"""Encrypted model fields, one per type of value. What they share is in `column`."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

import phonenumbers
from django import forms
from django.core import validators
from django.db import models
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext_lazy as _
from phonenumber_field import formfields as phone_forms
from phonenumber_field.phonenumber import PhoneNumber
from phonenumber_field.phonenumber import to_python as to_phone
from phonenumber_field.validators import validate_international_phonenumber

from .column import EncryptedField

PHONE_REGION = "US"
_SURROGATE = re.compile("[\ud800-\udfff]")


class EncryptedTextField(EncryptedField[str, str]):
    """Text of any length; `max_length` counts characters of the plaintext.

    Never None: NULL and "" are the same, so the column is always nullable and `null` is ignored.
    """

    description = _("Text, encrypted")
    empty_strings_allowed = True
    always_nullable = True
    default_validators = [validators.ProhibitNullCharactersValidator()]
    default_error_messages = {
        "invalid": _("Remove characters that are not text (half of a surrogate pair)."),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.max_length is not None:
            self.validators.append(validators.MaxLengthValidator(self.max_length))

    def absent(self) -> str:
        return ""

    def to_python(self, value: Any) -> Any:
        return "" if value is None else str(value)

    def to_bytes(self, value: Any) -> bytes:
        if not isinstance(value, str):
            raise TypeError(f"{self} takes text, not {type(value).__name__}.")
        return _utf8(value, self)

    def from_bytes(self, data: bytes) -> str:
        return data.decode()

    def formfield(self, *args: Any, **kwargs: Any) -> Any:
        if self.max_length is None and self.choices is None:
            kwargs.setdefault("widget", forms.Textarea)
        return super().formfield(*args, **{"max_length": self.max_length, **kwargs})


class EncryptedPhoneField(EncryptedField["PhoneNumber | str | None", "PhoneNumber | None"]):
    """A phone number, stored as E.164. Text is parsed when assigned, as a US number if national.

    An extension is refused: it would be lost in E.164. `full_clean` asks for a number that is
    assigned to somebody's plan; saving asks only for one that is possible, so that a change of
    the numbering plan does not make an old row unsavable.
    """

    description = _("Phone number, encrypted")
    default_validators = [validate_international_phonenumber]
    default_error_messages = {
        "invalid": _("Enter a valid phone number without an extension."),
    }

    def adopt(self, value: Any) -> Any:
        if isinstance(value, str):
            value = value.strip() or None
        if isinstance(value, str | phonenumbers.PhoneNumber):
            return to_phone(value, PHONE_REGION)
        return value

    def to_python(self, value: Any) -> Any:
        return self.adopt(value)

    def to_bytes(self, value: Any) -> bytes:
        if not isinstance(value, PhoneNumber):
            raise TypeError(f"{self} takes a phone number, not {type(value).__name__}.")
        if value.extension or value.country_code is None:
            raise ValueError(f"{self} takes a phone number without an extension.")
        if not phonenumbers.is_possible_number(value):
            raise ValueError(f"{self} takes a possible phone number.")
        return str(value.as_e164).encode()

    def from_bytes(self, data: bytes) -> PhoneNumber:
        return PhoneNumber.from_string(data.decode())

    def formfield(self, *args: Any, **kwargs: Any) -> Any:
        defaults = {"form_class": phone_forms.PhoneNumberField, "region": PHONE_REGION}
        return super().formfield(*args, **{**defaults, "empty_value": None, **kwargs})


class EncryptedDateField(EncryptedField["dt.date | None", "dt.date | None"]):
    """A calendar date, such as a date of birth."""

    description = _("Date, encrypted")
    default_error_messages = {"invalid": _("Enter a valid date.")}

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str):
            value = _parsed(parse_date, value, self)
        if isinstance(value, dt.datetime):
            raise self.invalid()  # which date it is depends on the time zone: the caller decides
        return value

    def to_bytes(self, value: Any) -> bytes:
        if not isinstance(value, dt.date) or isinstance(value, dt.datetime):
            raise TypeError(f"{self} takes a date, not {type(value).__name__}.")
        return value.isoformat().encode()

    def from_bytes(self, data: bytes) -> dt.date:
        return dt.date.fromisoformat(data.decode())

    def formfield(self, *args: Any, **kwargs: Any) -> Any:
        return super().formfield(*args, **{"form_class": forms.DateField, **kwargs})


class EncryptedDateTimeField(EncryptedField["dt.datetime | None", "dt.datetime | None"]):
    """A moment. Aware on the way in, UTC on the way out, exact to the microsecond."""

    description = _("Date and time, encrypted")
    default_error_messages = {"invalid": _("Enter a valid date and time.")}

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str):
            value = _parsed(parse_datetime, value, self)
        if isinstance(value, dt.datetime) and timezone.is_naive(value):
            raise self.invalid()
        return value

    def to_bytes(self, value: Any) -> bytes:
        if not isinstance(value, dt.datetime):
            raise TypeError(f"{self} takes a datetime, not {type(value).__name__}.")
        if timezone.is_naive(value):
            raise ValueError(f"{self} takes a datetime with a time zone.")
        return value.astimezone(dt.UTC).isoformat().encode()

    def from_bytes(self, data: bytes) -> dt.datetime:
        return dt.datetime.fromisoformat(data.decode())

    def formfield(self, *args: Any, **kwargs: Any) -> Any:
        return super().formfield(*args, **{"form_class": forms.DateTimeField, **kwargs})


class EncryptedIntegerField(EncryptedField["int | None", "int | None"]):
    """A whole number of any size; give the limits as `validators`."""

    description = _("Whole number, encrypted")
    default_error_messages = {"invalid": _("Enter a whole number.")}

    def to_python(self, value: Any) -> Any:
        return _parsed(int, value, self) if isinstance(value, str) else value

    def to_bytes(self, value: Any) -> bytes:
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"{self} takes a whole number, not {type(value).__name__}.")
        return str(int(value)).encode()

    def from_bytes(self, data: bytes) -> int:
        return int(data)

    def formfield(self, *args: Any, **kwargs: Any) -> Any:
        return super().formfield(*args, **{"form_class": forms.IntegerField, **kwargs})


class EncryptedDecimalField(EncryptedField["Decimal | None", "Decimal | None"]):
    """An exact decimal number, such as a dose. Reads back with the digits it was given."""

    description = _("Decimal number, encrypted")
    default_error_messages = {"invalid": _("Enter a number.")}

    def __init__(
        self,
        *args: Any,
        max_digits: int | None = None,
        decimal_places: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.max_digits = max_digits
        self.decimal_places = decimal_places
        self.validators.append(validators.DecimalValidator(max_digits, decimal_places))

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str | int) and not isinstance(value, bool):
            return _parsed(Decimal, value, self)
        return value

    def to_bytes(self, value: Any) -> bytes:
        if not isinstance(value, Decimal):
            raise TypeError(f"{self} takes a Decimal, not {type(value).__name__}.")
        if not value.is_finite():
            raise ValueError(f"{self} takes a finite number.")
        return str(value).encode()

    def from_bytes(self, data: bytes) -> Decimal:
        return Decimal(data.decode())

    def formfield(self, *args: Any, **kwargs: Any) -> Any:
        limits = {"max_digits": self.max_digits, "decimal_places": self.decimal_places}
        return super().formfield(*args, **{"form_class": forms.DecimalField, **limits, **kwargs})

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        limits = {"max_digits": self.max_digits, "decimal_places": self.decimal_places}
        kwargs |= {option: limit for option, limit in limits.items() if limit is not None}
        return name, path, args, kwargs


class EncryptedBooleanField(EncryptedField["bool | None", "bool | None"]):
    """Yes or no; with `null=True` also "not asked". All three look alike in size but NULL."""

    description = _("Yes or no, encrypted")
    default_error_messages = {"invalid": _("Enter yes or no.")}
    _WORDS = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}

    def to_python(self, value: Any) -> Any:
        if value is None or value == "":
            return None
        known = self._WORDS.get(str(value).lower())
        if known is None:
            raise self.invalid()
        return known

    def to_bytes(self, value: Any) -> bytes:
        if not isinstance(value, bool):
            raise TypeError(f"{self} takes True or False, not {type(value).__name__}.")
        return b"1" if value else b"0"

    def from_bytes(self, data: bytes) -> bool:
        return data == b"1"

    def formfield(self, *args: Any, **kwargs: Any) -> Any:
        if self.choices is None:
            # An unticked box is an answer (no), so it is never "required".
            form_class = forms.NullBooleanField if self.null else forms.BooleanField
            kwargs = {"form_class": form_class, "required": False, **kwargs}
        return super().formfield(*args, **kwargs)


class EncryptedJSONField(EncryptedField[Any, Any]):
    """A JSON value. A list or dict may be changed in place; saving notices.

    With `default=list` or `default=dict` the empty value is stored as NULL, otherwise None is.
    The column is always nullable and `null` is ignored.
    """

    description = _("JSON, encrypted")
    always_nullable = True
    default_error_messages = {"invalid": _("Enter valid JSON.")}

    def __init__(
        self,
        *args: Any,
        encoder: type[json.JSONEncoder] | None = None,
        decoder: type[json.JSONDecoder] | None = None,
        **kwargs: Any,
    ) -> None:
        self.encoder = encoder
        self.decoder = decoder
        super().__init__(*args, **kwargs)

    def absent(self) -> Any:
        return self.default() if self.default in (list, dict) else None

    def to_bytes(self, value: Any) -> bytes:
        compact = json.dumps(
            value, cls=self.encoder, ensure_ascii=False, allow_nan=False, separators=(",", ":")
        )
        return _utf8(compact, self)

    def from_bytes(self, data: bytes) -> Any:
        return json.loads(data, cls=self.decoder)

    def formfield(self, *args: Any, **kwargs: Any) -> Any:
        coders = {"encoder": self.encoder, "decoder": self.decoder}
        return super().formfield(*args, **{"form_class": forms.JSONField, **coders, **kwargs})

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        coders = {"encoder": self.encoder, "decoder": self.decoder}
        kwargs |= {option: coder for option, coder in coders.items() if coder is not None}
        return name, path, args, kwargs


def _utf8(text: str, field: models.Field[Any, Any]) -> bytes:
    # Asked before encoding: a UnicodeEncodeError would carry the whole text.
    if _SURROGATE.search(text):
        raise ValueError(f"{field} takes text without lone surrogates.")
    return text.encode()


def _parsed(parse: Callable[[Any], Any], value: Any, field: EncryptedField[Any, Any]) -> Any:
    """What was typed as a value; "" is None. Raises ValidationError that does not quote it."""
    if isinstance(value, str):
        value = value.strip()
        if not value:
            return None
    try:
        parsed = parse(value)
    except (ValueError, InvalidOperation):
        parsed = None
    if parsed is None:
        raise field.invalid() from None
    return parsed


__all__ = [
    "EncryptedBooleanField",
    "EncryptedDateField",
    "EncryptedDateTimeField",
    "EncryptedDecimalField",
    "EncryptedIntegerField",
    "EncryptedJSONField",
    "EncryptedPhoneField",
    "EncryptedTextField",
]
