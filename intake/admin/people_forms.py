"""The forms of the call sheet for its two people: who rings, and who needs help."""

import re
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from intake.actions import people
from intake.admin.call_sheet_forms import NOT_TOLD, SheetPart, text_area
from intake.forms.numbers import OutsidePhoneField
from intake.models import Call, Person
from intake.rules.zones import LOWER_48_ZONES, STATE_ZONES
from intake.typed_text import (
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
# What a known caller's record puts into the fields of a sheet that are still as they were.
FILLED_FROM_RECORD = (
    "alias",
    "name",
    "zip_code",
    "state",
    "time_zone",
    "safe_to_call",
    "safe_from",
    "safe_until",
    "voicemail_rule",
    "may_say_who_is_calling",
    "text_ok",
    "approach_note",
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
    phone = OutsidePhoneField(label=_("Phone"), required=False)
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
    # Set by "Same person" alone: whom of those at this number the agent found to be calling.
    same_as = forms.UUIDField(required=False, widget=forms.HiddenInput)
    number_withheld = forms.BooleanField(
        label=_("Number withheld, or does not want to say"), required=False
    )
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
        {
            "safe_to_call",
            "voicemail_rule",
            "may_say_who_is_calling",
            "text_ok",
            "do_not_call",
            "number_withheld",
        }
    )

    def __init__(self, *args: Any, call: Call, person: Person, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person
        self.known: Person | None = None
        self.initial.setdefault("number_withheld", call.number_withheld)
        self.fields["phone"].widget.attrs |= {
            "hx-post": reverse_lazy("admin:intake_call_known_caller"),
            # Not on change: leaving the field to press an answer would replace the answers.
            "hx-trigger": "input changed delay:600ms",
            "hx-target": "#known-caller",
            "hx-include": "#call-sheet [name=csrfmiddlewaretoken], #call-sheet [name=call_id],"
            " #call-sheet [name=caller-same_as]",
            "hx-sync": "this:replace",
        }
        if person.time_zone_source != Person.ZoneSource.STATED:
            self.initial.setdefault("time_zone", "")
        self.initial_of(person)
        if person.do_not_call:
            # It is for good; a supervisor lifts a slip, nobody takes it back in passing.
            self.initial["do_not_call"] = True
            self.fields["do_not_call"].disabled = True

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        begins, ends = given.get("safe_from"), given.get("safe_until")
        if "safe_from" in given and "safe_until" in given and bool(begins) != bool(ends):
            self.add_error("safe_until", _("Give both ends of their safe hours, or neither."))
        if begins and begins == ends:
            self.add_error("safe_until", _("These hours are empty."))
        if given.get("same_as") and "phone" in given:
            self._recognize(given["same_as"], given["phone"])
        return given

    def _recognize(self, same_as: UUID, number: str) -> None:
        """Take the person who was recognized, but only at their own number."""
        if same_as == self.person.pk:
            return
        known = Person.objects.filter(pk=same_as).first() if number else None
        if known is not None and people.is_at(known, number):
            self.known = known
            return
        # Forgotten on the page that comes back: saved again, it is a person of its own.
        self.data = {**self.data, self.add_prefix("same_as"): ""}
        self.add_error(
            "phone",
            _(
                "This is not the number of the person you chose as the same. Ask again who is"
                " calling and choose anew, or save as it is: then it is somebody else."
            ),
        )

    @property
    def is_filled_in(self) -> bool:
        """Whether anything was told of the caller."""
        return any(value for name, value in self.cleaned_data.items() if name not in self.RULES)

    @property
    def asks_to_be_blocked(self) -> bool:
        is_blocked = self.known is not None and self.known.do_not_call
        asked = bool(self.cleaned_data["do_not_call"]) and not self.fields["do_not_call"].disabled
        return asked and not is_blocked

    @property
    def is_withheld(self) -> bool:
        """Asked for and not given; a number that stands there after all was given."""
        return bool(self.cleaned_data["number_withheld"]) and not self.cleaned_data["phone"]

    def apply(self, record: Person) -> None:
        given = dict(self.cleaned_data)
        stated = given.pop("time_zone")
        for name in ("do_not_call", "same_as", "number_withheld"):
            given.pop(name)
        is_recognized = record is self.known
        for name, value in given.items():
            # What was not told again of somebody known stays as it was told before.
            if not (is_recognized and value in ("", None)):
                setattr(record, name, value)
        if stated:
            record.time_zone, record.time_zone_source = stated, Person.ZoneSource.STATED
        elif record.time_zone_source == Person.ZoneSource.STATED and not is_recognized:
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
