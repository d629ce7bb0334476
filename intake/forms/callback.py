"""The public callback form: who asks, how they may be reached, and when.

What decides over somebody's safety has the careful answer as its default. Insurance, date of
birth, substances and mail addresses are never asked here.
"""

import json
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from intake.actions import web_requests
from intake.forms.answers import (
    VOICEMAIL,
    WHO_FOR,
    Danger,
    Language,
    Topic,
    YesNo,
    drop_down,
    radios,
)
from intake.forms.numbers import CallersPhoneField
from intake.forms.tickets import Ticket
from intake.forms.when import WhenForm, public
from intake.models import Callback, Person
from intake.models.unsaved import unsaved
from intake.rules import callback_times
from intake.rules.zone_guess import guess_zones
from intake.typed_text import TypedCharField

# The wording of the consent below; a change of the words is a new version.
CONSENT_WORDING = "callback-2026.1"


@public
class CallbackRequestForm(WhenForm):
    """A request to be called. ``now`` (UTC) decides what "today" is in the caller's zone."""

    place_fields = ("phone", "time_zone", "zip_code")
    field_order = (
        "in_danger",
        "phone",
        "alias",
        "language",
        "day",
        "on",
        "part",
        "time_zone",
        "zip_code",
        "voicemail",
        "may_say",
        "text_ok",
        "who_for",
        "topic",
        "consent",
    )

    in_danger = radios(
        Danger,
        label=_("Is someone in danger right now?"),
        help_text=_("Not waking up, trouble breathing, a seizure, thoughts of suicide."),
    )
    phone = CallersPhoneField(
        label=_("Phone number"),
        help_text=_(
            "A US number with its area code. We use it to reach you, and for nothing else."
        ),
        max_length=40,
        error_messages={"required": _("Please give the phone number we should call.")},
    )
    alias = TypedCharField(
        label=_("What should we call you?"),
        help_text=_("A first name, initials, or any name you like."),
        max_length=80,
        required=False,
        error_messages={"max_length": _("Please type 80 letters or fewer.")},
    )
    zip_code = TypedCharField(
        label=_("ZIP code"),
        help_text=_("Helps us to get your time right and to find help near you."),
        required=False,
        # Longer ones are no ZIP code either, and are told so once.
        widget=forms.TextInput(attrs={"inputmode": "numeric", "maxlength": 10}),
        validators=[
            RegexValidator(
                r"\A[0-9]{5}(-?[0-9]{4})?\Z",
                _("A ZIP code has five digits, such as 20001. You can also leave this empty."),
            )
        ],
    )
    voicemail = radios(
        VOICEMAIL, label=_("If you do not answer"), initial=Person.VoicemailRule.NONE
    )
    may_say = radios(
        YesNo,
        label=_("If someone else answers, may we say who is calling?"),
        initial=YesNo.NO,
    )
    text_ok = radios(YesNo, label=_("May we text this number?"), initial=YesNo.NO)
    who_for = radios(WHO_FOR, label=_("Who is it for?"), initial=Callback.WhoFor.ME)
    language = radios(Language, label=_("Which language do you speak?"), initial=Language.EN)
    topic = drop_down([("", _("I would rather not say")), *Topic.choices], label=_("About"))
    consent = forms.BooleanField(
        label=_("You may call me at this number about my request."),
        error_messages={"required": _("We need your yes before we may call you.")},
    )

    def person(self, cleaned: dict[str, Any]) -> Person:
        """The caller, not saved. Later tries keep to the part of the day they chose, too."""
        part = callback_times.PARTS.get(cleaned["part"])
        stated = Person.ZoneSource.STATED if cleaned["time_zone"] else Person.ZoneSource.UNKNOWN
        return unsaved(
            Person,
            alias=cleaned.get("alias", ""),
            phone=cleaned["phone"],
            zip_code=cleaned["zip_code"],
            time_zone=cleaned["time_zone"],
            time_zone_source=stated,
            language=cleaned.get("language", Language.EN),
            safe_to_call=True,
            safe_from=part.opens if part else None,
            safe_until=part.closes if part else None,
            voicemail_rule=cleaned.get("voicemail", Person.VoicemailRule.NONE),
            may_say_who_is_calling=cleaned.get("may_say") == YesNo.YES,
            text_ok=cleaned.get("text_ok") == YesNo.YES,
        )

    def guessed_zone(self) -> str:
        """The IANA zone that a form with errors tells us of without naming it; "" if in doubt."""
        cleaned = getattr(self, "cleaned_data", {})
        if cleaned.get("time_zone", "-"):
            return ""
        guess = guess_zones(zip_code=cleaned.get("zip_code", ""), number=cleaned.get("phone", ""))
        return guess.zones[0] if guess.is_certain else ""

    def request(
        self,
        ticket: Ticket,
        *,
        address: str = "",
        is_proven: bool = True,
        may_be_asked: bool = False,
    ) -> web_requests.WebRequest:
        """What ``actions.web_requests`` takes; only after ``is_valid``."""
        cleaned = self.cleaned_data
        slot: callback_times.Slot = cleaned["slot"]
        return web_requests.WebRequest(
            person=cleaned["person"],
            guess=cleaned["rule"].guess,
            due_at=slot.begins,
            window_ends_at=slot.ends,
            asked_outside_hours=slot.asked_outside_hours,
            form_digest=ticket.form_digest(),
            content_digest=ticket.content_digest(self._content()),
            consent_wording=CONSENT_WORDING,
            who_for=cleaned["who_for"],
            topic=Topic(cleaned["topic"]).for_staff if cleaned["topic"] else "",
            # Not to know is no reason to wait.
            in_danger=cleaned["in_danger"] != Danger.NO,
            address=address,
            is_proven=is_proven,
            may_be_asked=may_be_asked,
        )

    def _content(self) -> str:
        """The answers as one text, the same for the same answers whenever they are sent."""
        answers = {name: str(self.cleaned_data[name]) for name in self.fields}
        return json.dumps(answers, sort_keys=True)
