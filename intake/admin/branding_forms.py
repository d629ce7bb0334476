"""The form of a draft: what the public pages show, each field empty for the usual."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from intake.actions.brand_text import BrandText, number_refusal
from intake.admin.call_sheet_forms import text_area
from intake.admin.pages import ActionForm
from intake.models import Branding
from intake.rules import branding as colors
from intake.rules import logos, phones, voicemails
from intake.rules.card_text import dose_words
from intake.typed_text import TypedCharField

LONGEST_PROMISE = 240


def color_field(label: Any, help_text: Any) -> TypedCharField:
    example = {"placeholder": "#0e5a66", "spellcheck": "false"}
    return TypedCharField(
        label=label,
        help_text=help_text,
        required=False,
        max_length=20,
        widget=forms.TextInput(attrs=example),
    )


def words(label: Any, help_text: Any = "", *, longest: int) -> TypedCharField:
    return TypedCharField(
        label=label, help_text=help_text, required=False, max_length=longest, widget=text_area(3)
    )


class BrandForm(ActionForm):
    name = TypedCharField(
        label=_("Name"),
        required=False,
        max_length=60,
        help_text=_("On top of every public page. Empty: as in the settings."),
    )
    number = TypedCharField(
        label=_("Telephone number"),
        required=False,
        max_length=40,
        help_text=_("The one people call. Empty: as in the settings."),
        widget=forms.TextInput(attrs={"type": "tel", "inputmode": "tel"}),
    )
    logo = forms.FileField(
        label=_("Logo"),
        required=False,
        help_text=_("PNG, JPEG or WebP, at most 512 kB. Only its pixels are kept."),
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
    )
    without_logo = forms.BooleanField(label=_("Take the logo away"), required=False)
    accent = color_field(
        _("Color on light screens"), _("Links and buttons. Empty: the color the pages come with.")
    )
    accent_dark = color_field(
        _("Color on dark screens"), _("Empty: a lighter shade of the same that can be read.")
    )
    promise_en = words(
        _("Opening promise, English"),
        _("The sentence under the heading of the first page. Promise only what you keep."),
        longest=LONGEST_PROMISE,
    )
    promise_es = words(_("Opening promise, Spanish"), longest=LONGEST_PROMISE)
    voicemail_en = words(
        _("Neutral voicemail, English"),
        _(
            "What agents say to an answering machine. Anyone may hear it: no word of treatment, no"
            " drug, no name of ours, no number."
        ),
        longest=voicemails.LONGEST,
    )
    voicemail_es = words(_("Neutral voicemail, Spanish"), longest=voicemails.LONGEST)

    def clean_accent(self) -> str:
        return color(self.cleaned_data["accent"])

    def clean_accent_dark(self) -> str:
        return color(self.cleaned_data["accent_dark"])

    def clean_number(self) -> str:
        text: str = self.cleaned_data["number"]
        if not text:
            return ""
        try:
            number = phones.parse(text)
        except phones.NotANumber as error:
            raise ValidationError(str(error), code="invalid") from None
        if refusal := number_refusal(number):
            raise ValidationError(refusal, code="not_ours")
        return number

    def clean_promise_en(self) -> str:
        return without_dose(self.cleaned_data["promise_en"])

    def clean_promise_es(self) -> str:
        return without_dose(self.cleaned_data["promise_es"])

    def clean_logo(self) -> bytes | None:
        """The file itself; what is wrong with it stands beside the field."""
        file = self.cleaned_data["logo"]
        if not file:
            return None
        data: bytes = file.read(logos.LARGEST_FILE + 1)
        try:
            logos.read(data)
        except logos.NotALogo as error:
            raise ValidationError(str(error), code="not_a_logo") from None
        return data

    def clean(self) -> None:
        super().clean()
        given = self.given()
        problems = dict(colors.refusals(given.accent, given.accent_dark)) | given.told()
        for field, problem in problems.items():
            if field not in self.errors:
                self.add_error(field, problem)

    def given(self) -> BrandText:
        """What was written, for the action; of an invalid form what of it is valid."""
        names = BrandText.__dataclass_fields__
        return BrandText(**{name: self.cleaned_data.get(name, "") for name in names})


def color(text: str) -> str:
    try:
        return colors.parse(text)
    except colors.NotAColor as error:
        raise ValidationError(str(error), code="not_a_color") from None


def without_dose(text: str) -> str:
    if found := dose_words(text):
        raise ValidationError(
            _("No caller is told an amount: take “%(words)s” out."),
            params={"words": found[0]},
            code="names_a_dose",
        )
    return text


def initial_of(version: Branding) -> dict[str, str]:
    """The version as the form shows it."""
    given = BrandText.of(version).columns()
    return given | {"number": phones.national(version.number) if version.number else ""}


class PublishForm(ActionForm):
    looked = forms.BooleanField(
        label=_("I looked at the pages, and the voicemail tells a stranger nothing")
    )
