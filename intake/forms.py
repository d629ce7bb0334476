"""The public callback form: who asks, how they may be reached, and when.

What decides over somebody's safety has the careful answer as its default. Insurance, date of
birth, substances and mail addresses are never asked here.
"""

import json
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from django import forms
from django.conf import settings
from django.core import signing
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db.models import TextChoices
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from intake.actions import calling_hours, web_requests
from intake.crypto import mac
from intake.models import Callback, Person
from intake.rules import callback_times
from intake.rules.callback_times import Day, Part
from intake.typed_text import PhoneField, TypedCharField, TypedDateField

# The wording of the consent below; a change of the words is a new version.
CONSENT_WORDING = "callback-2026.1"


# --- What the page carries unseen ----------------------------------------------------------------

# Nobody reads and fills the form in less; a page open for a day may speak of another "today".
LEAST_FILL = timedelta(seconds=3)
LONGEST_FILL = timedelta(hours=24)
_SEALED = re.compile(r"[A-Za-z0-9_:-]{1,200}")


class TicketProblem(TextChoices):
    """Why a form is shown once more; every one of them may also befall a person."""

    UNKNOWN = "unknown"
    TOO_FAST = "too_fast"
    TOO_OLD = "too_old"


@dataclass(frozen=True)
class Ticket:
    """A number used once, signed with the time at which the form was rendered.

    It makes the second press of a button the first one over again, and it tells a robot's speed.
    """

    nonce: str
    sealed: str
    problem: str = ""

    @classmethod
    def issue(cls) -> Self:
        nonce = secrets.token_urlsafe(16)
        return cls(nonce, cls._signer().sign(nonce))

    @classmethod
    def read(cls, sealed: str) -> Self:
        """What came back with a form; ``problem`` is "" when it may be taken."""
        if not _SEALED.fullmatch(sealed):
            return cls("", "", TicketProblem.UNKNOWN)
        try:
            nonce = cls._signer().unsign(sealed, max_age=LONGEST_FILL)
        except signing.SignatureExpired:
            return cls("", "", TicketProblem.TOO_OLD)
        except signing.BadSignature:
            return cls("", "", TicketProblem.UNKNOWN)
        try:
            cls._signer().unsign(sealed, max_age=LEAST_FILL)
        except signing.SignatureExpired:
            return cls(nonce, sealed)
        return cls("", "", TicketProblem.TOO_FAST)

    @staticmethod
    def _signer() -> signing.TimestampSigner:
        return signing.TimestampSigner(salt="intake.callback.form")

    def form_digest(self) -> str:
        return mac("callback.form", self.nonce.encode())[:16].hex()

    def content_digest(self, content: str) -> str:
        return mac("callback.content", f"{self.nonce}\n{content}".encode())[:16].hex()


# --- The answers one can choose ------------------------------------------------------------------


class Danger(TextChoices):
    NO = "no", _("No")
    UNSURE = "unsure", _("I am not sure")
    YES = "yes", _("Yes")


class YesNo(TextChoices):
    NO = "no", _("No")
    YES = "yes", _("Yes")


class Language(TextChoices):
    """The language of the call, each in its own words."""

    EN = "en", "English"
    ES = "es", "Español"


class Topic(TextChoices):
    """Words that tell nothing to someone who reads along."""

    MEDICINE = "medicine", _("A question about a medicine")
    STOPPING = "stopping", _("Stopping or cutting down")
    FINDING_HELP = "finding_help", _("Finding help near me")
    COST = "cost", _("What it costs")
    SOMEONE_ELSE = "someone_else", _("I am worried about someone")
    OTHER = "other", _("Something else")

    @property
    def for_staff(self) -> str:
        with translation.override(settings.LANGUAGE_CODE):
            return str(self.label)


WHO_FOR = [
    (Callback.WhoFor.ME, _("Me")),
    (Callback.WhoFor.SOMEONE, _("Someone I care about")),
    (Callback.WhoFor.PATIENT, _("A patient of mine")),
]
DAYS = [
    (Day.ASAP, _("As soon as possible")),
    (Day.TODAY, _("Today")),
    (Day.TOMORROW, _("Tomorrow")),
    (Day.DATE, _("On another day")),
    (Day.NOW, _("Right away, even if it is night where I am")),
]
PARTS = [
    (Part.ANY, _("Any time from 8 a.m. to 8 p.m.")),
    (Part.MORNING, _("Morning, 8 a.m. to noon")),
    (Part.AFTERNOON, _("Afternoon, noon to 5 p.m.")),
    (Part.EVENING, _("Evening, 5 p.m. to 8 p.m.")),
]
VOICEMAIL = [
    (Person.VoicemailRule.NONE, _("Leave no message")),
    (Person.VoicemailRule.NEUTRAL, _("Leave a message that does not say who we are")),
    (Person.VoicemailRule.FULL, _("Leave a message that says who we are")),
]
ZONES = [
    ("", _("Tell it from my ZIP code or number")),
    ("America/New_York", _("Eastern time")),
    ("America/Chicago", _("Central time")),
    ("America/Denver", _("Mountain time")),
    ("America/Phoenix", _("Arizona time")),
    ("America/Los_Angeles", _("Pacific time")),
    ("America/Anchorage", _("Alaska time")),
    ("Pacific/Honolulu", _("Hawaii time")),
    ("America/Puerto_Rico", _("Puerto Rico and Virgin Islands time")),
    ("Pacific/Guam", _("Guam and Northern Marianas time")),
    ("Pacific/Pago_Pago", _("American Samoa time")),
]


def radios(choices: Any, *, label: Any, initial: Any = None, help_text: Any = "") -> Any:
    """One answer of a few, all in sight."""
    return forms.ChoiceField(
        choices=choices,
        label=label,
        initial=initial,
        help_text=help_text,
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Please choose one answer."),
            "invalid_choice": _("Please choose one of the answers."),
        },
    )


def drop_down(choices: Any, *, label: Any, help_text: Any = "") -> Any:
    return forms.ChoiceField(
        choices=choices,
        label=label,
        help_text=help_text,
        required=False,
        error_messages={"invalid_choice": _("Please choose one of the answers.")},
    )


class CallersPhoneField(PhoneField):
    """The number to call back; a refusal says what would help."""

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except ValidationError as refusal:
            if refusal.code != "not_dialable":
                raise
            message = _("%(reason)s Please give another number where we can reach you.")
            reason = gettext(str(refusal.message))
            raise ValidationError(message, code=refusal.code, params={"reason": reason}) from None


# --- The form ------------------------------------------------------------------------------------


class CallbackRequestForm(forms.Form):
    """A request to be called. ``now`` (UTC) decides what "today" is in the caller's zone."""

    use_required_attribute = False

    in_danger = radios(
        Danger,
        label=_("Is someone in danger right now?"),
        help_text=_("Not waking up, trouble breathing, a seizure, thoughts of suicide."),
    )
    phone = CallersPhoneField(
        label=_("Phone number"),
        help_text=_("A US number with its area code. We use it to call you, and for nothing else."),
        max_length=40,
        error_messages={"required": _("Please give the phone number we should call.")},
    )
    alias = TypedCharField(
        label=_("What should we call you?"),
        help_text=_("A first name, initials, or any name you like."),
        max_length=80,
        required=False,
    )
    day = radios(
        DAYS,
        label=_("When should we call?"),
        initial=Day.ASAP,
        help_text=_(
            "We call from 8 a.m. to 8 p.m. your time. At night we call only if you ask us to."
        ),
    )
    on = TypedDateField(
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
    zip_code = TypedCharField(
        label=_("ZIP code"),
        help_text=_("Helps us to get your time right and to find help near you."),
        max_length=10,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
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

    def __init__(self, *args: Any, now: datetime, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        self.now = now
        for field in self.fields.values():
            # A shared device must not offer to the next person what this one typed.
            field.widget.attrs["autocomplete"] = "off"
        # Wide enough for every zone; the form itself asks for the caller's own two weeks.
        ahead = timedelta(days=callback_times.MOST_DAYS_AHEAD)
        self.fields["on"].widget.attrs |= {
            "min": (now - timedelta(hours=12)).date().isoformat(),
            "max": (now + ahead + timedelta(hours=12)).date().isoformat(),
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        self._check_wish(cleaned)
        if not {"phone", "day", "on", "part", "time_zone", "zip_code"} & set(self.errors):
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
        rule = calling_hours.rule_for(self._person(cleaned))
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

    def _person(self, cleaned: dict[str, Any]) -> Person:
        """The caller, not saved. Later tries keep to the part of the day they chose, too."""
        part = callback_times.PARTS.get(cleaned["part"])
        stated = Person.ZoneSource.STATED if cleaned["time_zone"] else Person.ZoneSource.UNKNOWN
        return Person(
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

    def request(self, ticket: Ticket) -> web_requests.WebRequest:
        """What ``actions.callbacks`` takes; only after ``is_valid``."""
        cleaned = self.cleaned_data
        slot: callback_times.Slot = cleaned["slot"]
        return web_requests.WebRequest(
            person=self._person(cleaned),
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
        )

    def _content(self) -> str:
        """The answers as one text, the same for the same answers whenever they are sent."""
        answers = {name: str(self.cleaned_data[name]) for name in self.fields}
        return json.dumps(answers, sort_keys=True)
