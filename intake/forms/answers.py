"""The answers one can choose on the public forms, and the fields that offer them."""

from typing import Any

from django import forms
from django.conf import settings
from django.db.models import TextChoices
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from intake.models import Callback, Person
from intake.rules.callback_times import Day, Part


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
    (Part.ANY, _("Any time of the day")),
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
