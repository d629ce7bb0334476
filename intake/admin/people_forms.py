"""The forms of the call sheet for its two people: who rings, and who needs help."""

import re
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from intake.admin.call_sheet_forms import NOT_TOLD, SheetPart, text_area
from intake.models import Person
from intake.rules.zones import LOWER_48_ZONES, STATE_ZONES
from intake.typed_text import (
    PhoneField,
    TypedCharField,
    TypedChoiceField,
    TypedIntegerField,
    TypedTimeField,
)

STATES = (NOT_TOLD, *((code, code) for code in sorted(STATE_ZONES)))
STATED_ZONES = (
    ("", _("Found from ZIP, state or number")),
    *((zone, zone.replace("_", " ")) for zone in LOWER_48_ZONES),
    *((zone, zone.replace("_", " ")) for zone in ("America/Anchorage", "Pacific/Honolulu")),
    ("America/Puerto_Rico", "America/Puerto Rico"),
)
ZIP = re.compile(r"[0-9]{5}(-[0-9]{4})?")


class ReachForm(SheetPart):
    """Who somebody is and where; the base of caller and person in need."""

    alias = TypedCharField(
        label=_("What to call them"),
        required=False,
        max_length=80,
        help_text=_("Any name or initials. It need not be true."),
    )
    name = TypedCharField(label=_("Full name"), required=False, max_length=200)
    phone = PhoneField(label=_("Phone"), required=False)
    zip_code = TypedCharField(
        label=_("ZIP code"),
        required=False,
        max_length=10,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "size": 10}),
    )

    def clean_zip_code(self) -> str:
        code: str = self.cleaned_data["zip_code"]
        if code and not ZIP.fullmatch(code):
            raise forms.ValidationError(_("A ZIP code has five digits, such as 20001."))
        return code


class CallerForm(ReachForm):
    state = TypedChoiceField(label=_("State"), required=False, choices=STATES)
    time_zone = TypedChoiceField(
        label=_("Time zone, if they say it"), required=False, choices=STATED_ZONES
    )
    safe_to_call = forms.BooleanField(label=_("It is safe to call this number"), required=False)
    safe_from = TypedTimeField(
        label=_("Safe from"), required=False, help_text=_("Their own clock.")
    )
    safe_until = TypedTimeField(label=_("Safe until"), required=False)
    voicemail_rule = TypedChoiceField(
        label=_("If nobody answers"),
        choices=Person.VoicemailRule.choices,
        initial=Person.VoicemailRule.NONE,
        widget=forms.RadioSelect,
    )
    may_say_who_is_calling = forms.BooleanField(
        label=_("We may say who is calling"), required=False
    )
    text_ok = forms.BooleanField(label=_("Text messages are fine"), required=False)
    do_not_call = forms.BooleanField(label=_("Asked never to be called again"), required=False)
    approach_note = TypedCharField(
        label=_("How to approach them"),
        required=False,
        max_length=2000,
        widget=text_area(2),
        help_text=_("What the next agent should know before ringing."),
    )
    # These describe the number, not the person: alone they do not make a caller.
    RULES: ClassVar[frozenset[str]] = frozenset(
        {"safe_to_call", "voicemail_rule", "may_say_who_is_calling", "text_ok", "do_not_call"}
    )

    def __init__(self, *args: Any, person: Person, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if person.time_zone_source != Person.ZoneSource.STATED:
            self.initial.setdefault("time_zone", "")
        self.initial_of(person)
        if person.do_not_call:
            # It is taken back on the person's own page, not in passing.
            self.initial["do_not_call"] = True
            self.fields["do_not_call"].disabled = True

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        begins, ends = given.get("safe_from"), given.get("safe_until")
        if "safe_from" in given and "safe_until" in given and bool(begins) != bool(ends):
            self.add_error("safe_until", _("Give both ends of their safe hours, or neither."))
        if begins and begins == ends:
            self.add_error("safe_until", _("These hours are empty."))
        return given

    @property
    def is_filled_in(self) -> bool:
        """Whether anything was told of the caller."""
        return any(value for name, value in self.cleaned_data.items() if name not in self.RULES)

    @property
    def asks_to_be_blocked(self) -> bool:
        return bool(self.cleaned_data["do_not_call"]) and not self.fields["do_not_call"].disabled

    def apply(self, record: Person) -> None:
        given = dict(self.cleaned_data)
        stated, _block = given.pop("time_zone"), given.pop("do_not_call")
        for name, value in given.items():
            setattr(record, name, value)
        if stated:
            record.time_zone, record.time_zone_source = stated, Person.ZoneSource.STATED
        elif record.time_zone_source == Person.ZoneSource.STATED:
            record.time_zone, record.time_zone_source = "", Person.ZoneSource.UNKNOWN


class PersonForm(ReachForm):
    """The person in need where that is not the caller. The age is asked of either."""

    age = TypedIntegerField(
        label=_("Age of the person who needs help"), required=False, min_value=0, max_value=120
    )

    def __init__(self, *args: Any, person: Person | None, age: int | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("age", age)
        self.initial_of(person)

    @property
    def names_somebody(self) -> bool:
        """Whether more than the age was told."""
        return any(value for name, value in self.cleaned_data.items() if name != "age")
