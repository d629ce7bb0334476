"""The forms of a referral: the need, whom to ask, and what a facility answered."""

from collections.abc import Iterable
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from intake.admin.call_sheet_forms import text_area
from intake.admin.pages import ActionForm
from intake.admin.people_forms import STATES, ZIP
from intake.directory import places
from intake.models import ReferralOffer
from intake.rules import safety
from intake.rules.needs import Need
from intake.rules.service_codes import (
    ANY_DETOX,
    DUAL_DIAGNOSIS,
    HOSPITAL_DETOX,
    LANGUAGES,
    OUTPATIENT_DETOX,
    PREGNANT,
    RESIDENTIAL_DETOX,
    VETERANS,
    label_of,
)
from intake.typed_text import (
    TypedCharField,
    TypedChoiceField,
    TypedDateTimeField,
    TypedIntegerField,
    TypedMultipleChoiceField,
)


def labelled(*codes: str) -> list[tuple[str, str]]:
    """Directory codes with their meaning, as choices."""
    return [(code, label_of(code)[:1].upper() + label_of(code)[1:]) for code in codes]


DETOX = [
    *labelled("BDTX", "ADTX", "ODTX", "CDTX", "MDTX"),
    (ANY_DETOX, _("Another substance: any detox")),
]
SETTINGS = labelled(HOSPITAL_DETOX, RESIDENTIAL_DETOX, OUTPATIENT_DETOX)
PROGRAMS = labelled(PREGNANT, DUAL_DIAGNOSIS, VETERANS)
PAYERS = labelled("PI", "MD", "MC", "MI", "SI", "SF", "SS", "PA")
GENDERS = (("", _("Any")), *labelled("FEM", "MALE"))


def many(**options: Any) -> TypedMultipleChoiceField:
    return TypedMultipleChoiceField(widget=forms.CheckboxSelectMultiple, **options)


class NeedForm(ActionForm):
    """What the person needs. What the screen has decided is not offered for choice."""

    zip_code = TypedCharField(
        label=_("ZIP code to search around"),
        required=False,
        max_length=10,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "size": 10}),
        help_text=_("Distances are measured from here."),
    )
    state = TypedChoiceField(
        label=_("State"),
        required=False,
        choices=STATES,
        help_text=_("Where no ZIP code is known. Also whose Medicaid pays, if not the ZIP code's."),
    )
    detox = many(
        label=_("Detox from"), choices=DETOX, help_text=_("A facility has to give each of them.")
    )
    settings = many(label=_("Where"), choices=SETTINGS, help_text=_("Any of them will do."))
    medical_cover = forms.BooleanField(
        label=_("Only with medical staff day and night"), required=False
    )
    required = many(
        label=_("Programs needed"),
        choices=PROGRAMS,
        required=False,
        help_text=_("A facility has to have each of them."),
    )
    payers = many(
        label=_("How it can be paid"),
        choices=PAYERS,
        required=False,
        help_text=_("Any of them will do. None ticked: it does not matter."),
    )
    languages = many(
        label=_("Languages"),
        choices=labelled(*LANGUAGES),
        required=False,
        help_text=_("Only if nothing else will do: many facilities list none."),
    )
    age = TypedIntegerField(
        label=_("Age of the person"), required=False, min_value=0, max_value=120
    )
    gender = TypedChoiceField(label=_("Gender taken"), required=False, choices=GENDERS)

    def __init__(
        self, *args: Any, assessment: safety.Assessment, need: Need, zip_code: str, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.assessment = assessment
        known = ("state", "detox", "settings", "medical_cover", "required", "payers", "languages")
        for name in (*known, "age", "gender"):
            self.initial.setdefault(name, getattr(need, name))
        self.initial.setdefault("zip_code", zip_code)
        if assessment.setting_codes:
            bound = cast("TypedMultipleChoiceField", self.fields["settings"])
            bound.choices = labelled(*assessment.setting_codes)
            # Medical staff is then no choice either.
            del self.fields["medical_cover"]
        programs = cast("TypedMultipleChoiceField", self.fields["required"])
        programs.choices = [
            choice for choice in PROGRAMS if choice[0] not in assessment.required_codes
        ]

    @property
    def decided(self) -> list[str]:
        """What the screen asks of every facility, in words."""
        said: list[Any] = []
        if self.assessment.setting_codes:
            said.append(_("No outpatient detox, and medical staff day and night."))
        said += [
            _("A program for %(group)s.") % {"group": label_of(code)} for code in self._programs()
        ]
        if self.assessment.hospital_first:
            said.append(_("Hospitals first, because of an illness."))
        return [str(line) for line in said]

    def _programs(self) -> tuple[str, ...]:
        """Programs the screen requires; its age group is matched by the age."""
        offered = {code for code, _label in PROGRAMS}
        return tuple(code for code in self.assessment.required_codes if code in offered)

    def clean_zip_code(self) -> str:
        code: str = self.cleaned_data["zip_code"]
        if code and not ZIP.fullmatch(code):
            raise forms.ValidationError(_("A ZIP code has five digits, such as 20001."))
        if code and places.place_of(code) is None:
            raise forms.ValidationError(
                _("There is no such ZIP code. Correct it, or leave it empty and choose the state.")
            )
        return code

    def need(self) -> Need:
        """The need to search for; call it on a valid form only."""
        given = self.cleaned_data
        return Need(
            detox=tuple(given["detox"]),
            settings=tuple(given["settings"]),
            required=(*self._programs(), *given["required"]),
            payers=tuple(given["payers"]),
            languages=tuple(given["languages"]),
            state=given["state"],
            age=given["age"],
            gender=given["gender"],
            medical_cover=bool(self.assessment.setting_codes) or given.get("medical_cover", False),
            hospital_first=self.assessment.hospital_first,
        )


class OfferForm(ActionForm):
    """Whom of the list to ask."""

    facilities = many(
        label=_("Facilities to ask"),
        error_messages={"required": _("Choose at least one facility to ask.")},
    )
    ties_read = forms.BooleanField(
        label=_("I read out to the caller which of them pay us or are ours"), required=False
    )

    def __init__(self, *args: Any, rows: Iterable[dict[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = cast("TypedMultipleChoiceField", self.fields["facilities"])
        chosen.choices = [(row["facility"], row["name"]) for row in rows]

    @property
    def ticked(self) -> set[str]:
        """The ids that were ticked, to tick them again."""
        value = self["facilities"].value()
        return {str(one) for one in value} if isinstance(value, list | tuple) else set()


class AcceptForm(ActionForm):
    contact = TypedCharField(
        label=_("Who said so"),
        required=False,
        max_length=120,
        help_text=_("Name or function at the facility."),
    )
    expected_at = TypedDateTimeField(label=_("Expected there"), required=False)

    def __init__(self, *args: Any, zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        expected = cast("TypedDateTimeField", self.fields["expected_at"])
        expected.time_zone = zone
        expected.help_text = _("The facility's clock: %(zone)s.") % {"zone": zone.replace("_", " ")}


class DeclineForm(ActionForm):
    reason = TypedChoiceField(
        label=_("Why"), choices=ReferralOffer.DeclineReason.choices, widget=forms.RadioSelect
    )
    note = TypedCharField(label=_("Note"), required=False, max_length=1000, widget=text_area(3))


class CloseForm(ActionForm):
    note = TypedCharField(
        label=_("What was needed and not found"),
        max_length=500,
        widget=text_area(3),
        help_text=_("It is counted as an unmet need."),
    )
