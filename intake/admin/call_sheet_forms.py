"""The forms of the call sheet: the call, the safety questions, the ending."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django import forms
from django.forms import BoundField
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from intake.admin.pages import ActionForm
from intake.models import Call, SafetyScreen
from intake.rules.safety import QUESTIONS, Answer, Answers, Group
from intake.typed_text import (
    TypedCharField,
    TypedChoiceField,
    TypedDateTimeField,
    TypedIntegerField,
    TypedMultipleChoiceField,
)

# A clock that runs a little ahead is no mistake of the agent's.
CLOCK_SLACK = timedelta(minutes=5)

LANGUAGES = (
    ("en", _("English")),
    ("es", _("Spanish")),
    ("zh", _("Chinese")),
    ("vi", _("Vietnamese")),
    ("tl", _("Tagalog")),
    ("ar", _("Arabic")),
    ("fr", _("French")),
    ("ht", _("Haitian Creole")),
    ("ko", _("Korean")),
    ("pt", _("Portuguese")),
    ("ru", _("Russian")),
    ("ase", _("American Sign Language")),
    ("und", _("Another language")),
)
NOT_TOLD = ("", _("Not told"))
ANSWERS = (
    (Answer.YES.value, _("Yes")),
    (Answer.NO.value, _("No")),
    (Answer.UNKNOWN.value, _("Unknown")),
)


def answer_field(**options: Any) -> TypedChoiceField:
    """Yes, no or unknown; left alone it is unknown, never no."""
    options.setdefault("initial", Answer.UNKNOWN.value)
    return TypedChoiceField(choices=ANSWERS, widget=forms.RadioSelect, required=False, **options)


def text_area(rows: int, **attributes: Any) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows, **attributes})


class SheetPart(ActionForm):
    """One form of the sheet. Its fields are called as the fields of the record it fills."""

    def initial_of(self, record: Any) -> None:
        """Begin from what is stored."""
        for name in self.fields:
            if hasattr(record, name):
                self.initial.setdefault(name, getattr(record, name))

    def apply(self, record: Any) -> None:
        """Put the cleaned answers on the record; call it on a valid form only."""
        for name, value in self.cleaned_data.items():
            if hasattr(record, name):
                setattr(record, name, value)


class CallForm(SheetPart):
    SERVICE: ClassVar[tuple[tuple[str, Any], ...]] = tuple(
        choice for choice in Call.CallType.choices if choice[0] not in Call.NON_SERVICE
    )

    call_type = TypedChoiceField(
        label=_("Whom is the call about?"), choices=SERVICE, widget=forms.RadioSelect
    )
    relationship = TypedCharField(
        label=_("The caller is their"),
        required=False,
        max_length=80,
        help_text=_("Mother, husband, friend, nurse."),
    )
    topics = TypedMultipleChoiceField(
        label=_("What it was about"),
        required=False,
        choices=Call.Topic.choices,
        widget=forms.CheckboxSelectMultiple,
    )
    narrative = TypedCharField(
        label=_("Narrative"),
        required=False,
        max_length=20_000,
        widget=text_area(8),
        help_text=_("What was said and what was done. After closing it is only added to."),
    )
    started_at = TypedDateTimeField(label=_("Started"))
    ended_at = TypedDateTimeField(
        label=_("Ended"),
        required=False,
        # To the second: the wrap-up is counted from here.
        widget=forms.DateTimeInput(
            format="%Y-%m-%dT%H:%M:%S", attrs={"type": "datetime-local", "step": "1"}
        ),
    )
    direction = TypedChoiceField(label=_("Direction"), choices=Call.Direction.choices)
    channel = TypedChoiceField(label=_("Channel"), choices=Call.Channel.choices)
    language = TypedChoiceField(label=_("Language"), choices=LANGUAGES)
    how_heard = TypedChoiceField(
        label=_("How they heard of us"),
        required=False,
        choices=[NOT_TOLD, *Call.HowHeard.choices],
    )
    interpreter = forms.BooleanField(label=_("An interpreter helped"), required=False)
    entered_late = forms.BooleanField(
        label=_("Entered later, from paper"),
        required=False,
        help_text=_("Set the times above to when the call really was."),
    )

    def __init__(self, *args: Any, call: Call, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now = now
        self.initial_of(call)
        zone = timezone.get_current_timezone_name().replace("_", " ")
        for name in ("started_at", "ended_at"):
            self.fields[name].help_text = zone
        if not call._state.adding:
            # An open sheet may turn out to be a hang-up.
            self.fields["call_type"].choices = Call.CallType.choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        started, ended = given.get("started_at"), given.get("ended_at")
        for name, moment in (("started_at", started), ("ended_at", ended)):
            if moment and moment > self.now + CLOCK_SLACK:
                self.add_error(name, _("This time is still to come."))
        if started and ended and ended < started:
            self.add_error("ended_at", _("The call cannot end before it started."))
        return given


class ScreenForm(SheetPart):
    """Every question of the rule set, in its order, by group."""

    seizure_hours_ago = TypedIntegerField(
        label=_("How many hours since their last seizure?"),
        required=False,
        min_value=0,
        max_value=1_000_000,
        help_text=_("Leave empty if there was none or nobody knows."),
    )

    def __init__(self, *args: Any, screen: SafetyScreen | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for question in QUESTIONS:
            self.fields[question.code] = answer_field(label=question.text, help_text=question.help)
        for code, value in (screen.answers if screen else {}).items():
            if code in self.fields:
                self.initial.setdefault(code, value)

    def group(self, group: Group) -> list[BoundField]:
        return [self[question.code] for question in QUESTIONS if question.group is group]

    @property
    def is_answered(self) -> bool:
        """Whether anything but "unknown" was told."""
        given = dict(self.cleaned_data)
        figure = given.pop("seizure_hours_ago", None)
        return figure is not None or any(
            value not in ("", Answer.UNKNOWN) for value in given.values()
        )

    def answers(self, *, age: int | None) -> Answers:
        given = dict(self.cleaned_data)
        figure = given.pop("seizure_hours_ago", None)
        told: dict[str, Any] = {
            code: Answer(value or Answer.UNKNOWN) for code, value in given.items()
        }
        return Answers(**told, age=age, seizure_hours_ago=figure)


class ActedForm(SheetPart):
    action_taken = TypedChoiceField(
        label=_("What was done?"),
        required=False,
        choices=SafetyScreen.Action.choices,
        widget=forms.RadioSelect,
    )


class ClosingForm(SheetPart):
    disposition = TypedChoiceField(
        label=_("How did it end?"),
        required=False,
        choices=[("", _("Not yet")), *Call.Disposition.choices],
    )
    wants_debrief = forms.BooleanField(
        label=_("This was a hard call: ask for a debrief"), required=False
    )
