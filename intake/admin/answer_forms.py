"""The form in which a card is written: plain text, one source a line, and what it fits."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from intake.actions.answers import KEY_LENGTH, REVIEW_MONTHS, REVIEW_MONTHS_CHOICES, CardText
from intake.admin.call_sheet_forms import text_area
from intake.admin.pages import ActionForm
from intake.models import AnswerCard, Call
from intake.rules.card_fit import sign_groups
from intake.rules.card_text import dose_words
from intake.rules.substances import SUBSTANCES, SubstanceClass
from intake.typed_text import (
    TypedCharField,
    TypedChoiceField,
    TypedIntegerField,
    TypedMultipleChoiceField,
)

BETWEEN = "|"
LONGEST_SOURCE = 300


def substance_groups() -> list[tuple[str, dict[str, str]]]:
    """The classes as a whole, then each class's substances."""
    kinds = {kind.value: kind.label for kind in SubstanceClass}
    # Alcohol and GHB are a class and its one substance: one box is enough.
    single = {code: item.label for code, item in SUBSTANCES.items() if code not in kinds}
    return [("Any of a kind", kinds), ("One substance", single)]


def signs() -> list[tuple[str, dict[str, str]]]:
    topics = {value: f"Topic: {label}" for value, label in Call.Topic.choices}
    return sign_groups(topics)


def names_of(groups: list[tuple[str, dict[str, str]]]) -> dict[str, str]:
    """Every code of the groups with its label."""
    return {code: label for _title, names in groups for code, label in names.items()}


def _choices(groups: list[tuple[str, dict[str, str]]]) -> list[tuple[str, list[tuple[str, str]]]]:
    return [(title, list(names.items())) for title, names in groups]


class CardForm(ActionForm):
    title = TypedCharField(label=_("Title"), max_length=120)
    say = TypedCharField(
        label=_("To read aloud"),
        max_length=300,
        widget=text_area(2),
        help_text=_("One or two short sentences. This line is in view before the card is opened."),
    )
    text = TypedCharField(
        label=_("Text"),
        max_length=6000,
        widget=text_area(16),
        help_text=_(
            "Plain words. An empty line begins a new paragraph; lines that begin with a dash and a"
            " blank make a list. No amount, no pace, no conversion: cards are read to callers."
        ),
    )
    topic = TypedChoiceField(label=_("Topic"), choices=AnswerCard.Topic.choices)
    sources = TypedCharField(
        label=_("Sources"),
        max_length=4000,
        widget=text_area(4),
        help_text=_("One a line: what it is | where to find it."),
    )
    for_substances = TypedMultipleChoiceField(
        label=_("Comes up for these substances"),
        required=False,
        choices=lambda: _choices(substance_groups()),
        widget=forms.CheckboxSelectMultiple,
    )
    for_signs = TypedMultipleChoiceField(
        label=_("Comes up for these signs"),
        required=False,
        choices=lambda: _choices(signs()),
        widget=forms.CheckboxSelectMultiple,
    )
    position = TypedIntegerField(
        label=_("Place among cards that fit equally well"),
        min_value=0,
        max_value=10_000,
        initial=100,
        help_text=_("Lower comes first."),
    )
    is_public = forms.BooleanField(
        label=_("May stand on the public site, once reviewed"), required=False
    )

    def clean_text(self) -> str:
        return self._without_doses("text")

    def clean_say(self) -> str:
        return self._without_doses("say")

    def clean_title(self) -> str:
        return self._without_doses("title")

    def _without_doses(self, name: str) -> str:
        text: str = self.cleaned_data[name]
        if found := dose_words(text):
            raise ValidationError(
                _("Cards are read to callers: take “%(words)s” out."),
                params={"words": found[0]},
                code="names_a_dose",
            )
        return text

    def clean_sources(self) -> list[dict[str, str]]:
        lines = [line for line in self.cleaned_data["sources"].splitlines() if line.strip()]
        return [_source(line) for line in lines]

    def given(self) -> CardText:
        """What was written, for the action; of a valid form only."""
        names = CardText.__dataclass_fields__
        return CardText(**{name: self.cleaned_data[name] for name in names})


def _source(line: str) -> dict[str, str]:
    title, between, where = (part.strip() for part in line.partition(BETWEEN))
    if not (title and between and where) or len(line) > LONGEST_SOURCE:
        raise ValidationError(
            _("Write each source as: what it is | where to find it."), code="source"
        )
    return {"title": title, "where": where}


def initial_of(card: AnswerCard) -> dict[str, Any]:
    """The card as the form shows it."""
    given = {name: getattr(card, name) for name in CardText.__dataclass_fields__}
    lines = [f"{source['title']} {BETWEEN} {source['where']}" for source in card.sources]
    return given | {"sources": "\n".join(lines)}


class NewCardForm(CardForm):
    language = TypedChoiceField(
        label=_("Language"), choices=AnswerCard.Language.choices, initial=AnswerCard.Language.EN
    )
    key = TypedCharField(
        label=_("Key"),
        required=False,
        max_length=KEY_LENGTH,
        help_text=_("For a translation: the key of the card it translates. Otherwise leave empty."),
    )
    field_order = ("language", "key")

    def clean_key(self) -> str:
        key: str = self.cleaned_data["key"]
        AnswerCard._meta.get_field("key").run_validators(key)
        return key


class ReviewForm(ActionForm):
    confirmed = forms.BooleanField(
        label=_("I read it, checked it against its sources, and it is right for this helpline")
    )
    months = TypedChoiceField(
        label=_("Read it again after"),
        choices=[
            (str(n), _("one month") if n == 1 else f"{n} months") for n in REVIEW_MONTHS_CHOICES
        ],
        initial=str(REVIEW_MONTHS),
    )


class MarkForm(ActionForm):
    """Two buttons and what they are about; nobody types here."""

    card = forms.UUIDField()
    version = TypedIntegerField(min_value=1)
    call_key = forms.UUIDField(required=False)
    helped = TypedChoiceField(choices=[("yes", ""), ("no", "")])
