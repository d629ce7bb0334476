"""The forms of an insurance check: what is asked, of which policy, and what the plan said."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, cast

from django import forms
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from intake.admin.call_sheet_forms import NOT_TOLD, text_area
from intake.admin.form_parts import FormOfParts
from intake.admin.pages import ActionForm
from intake.forms.numbers import OutsidePhoneField
from intake.models import Benefit, InsuranceCheck, InsurancePolicy, LevelOfCare
from intake.rules import clocks
from intake.typed_text import (
    MoneyField,
    TypedCharField,
    TypedChoiceField,
    TypedDateField,
    TypedDateTimeField,
    TypedDecimalField,
    TypedIntegerField,
    TypedMultipleChoiceField,
)

NEW_POLICY = "new"
PLAN_TYPES = (
    NOT_TOLD,
    ("HMO", "HMO"),
    ("PPO", "PPO"),
    ("EPO", "EPO"),
    ("POS", "POS"),
    ("marketplace", _("Marketplace plan")),
    ("self-funded", _("Paid by the employer itself")),
)


class PolicyForm(ActionForm):
    """A policy as it stands on the card."""

    payer_name = TypedCharField(label=_("Insurance company"), max_length=120)
    payer_kind = TypedChoiceField(
        label=_("Kind of coverage"), choices=InsurancePolicy.PayerKind.choices
    )
    member_id = TypedCharField(label=_("Member ID"), max_length=40)
    group_number = TypedCharField(label=_("Group number"), required=False, max_length=40)
    payer_phone = OutsidePhoneField(
        label=_("Phone on the card"),
        required=False,
        allow_toll_free=True,
        help_text=_("The number for providers, on the back."),
    )
    plan_name = TypedCharField(label=_("Plan name"), required=False, max_length=120)
    plan_type = TypedChoiceField(label=_("Plan type"), required=False, choices=PLAN_TYPES)
    rank = TypedChoiceField(
        label=_("Which pays first?"),
        choices=InsurancePolicy.Rank.choices,
        initial=InsurancePolicy.Rank.PRIMARY,
    )
    policyholder_relationship = TypedChoiceField(
        label=_("The person who needs help is"),
        choices=InsurancePolicy.Relationship.choices,
        initial=InsurancePolicy.Relationship.SELF,
        help_text=_("Seen from the policyholder."),
    )
    policyholder_name = TypedCharField(label=_("Policyholder's full name"), max_length=200)
    policyholder_birth_date = TypedDateField(
        label=_("Policyholder's birth date"),
        required=False,
        help_text=_("Plans ask for it before they say anything."),
    )

    def __init__(
        self, *args: Any, person_name: str, payer_name: str, today: date, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        # Most people are insured themselves.
        self.initial.setdefault("policyholder_name", person_name)
        self.initial.setdefault("payer_name", payer_name)

    def clean_policyholder_birth_date(self) -> date | None:
        born: date | None = self.cleaned_data["policyholder_birth_date"]
        if born and born > self.today:
            raise forms.ValidationError(_("This date is still to come."))
        return born

    def policy(self) -> InsurancePolicy:
        """The policy to store; call it on a valid form only."""
        return InsurancePolicy(**self.cleaned_data)


class RequestForm(FormOfParts):
    """Which policy, for which levels of care, and until when the answer is needed."""

    policy = TypedChoiceField(label=_("Which policy?"), widget=forms.RadioSelect)
    levels_wanted = TypedMultipleChoiceField(
        label=_("Levels of care to ask about"),
        choices=LevelOfCare.choices,
        widget=forms.CheckboxSelectMultiple,
    )
    needed_by = TypedDateTimeField(label=_("Needed by"), required=False)

    def __init__(
        self,
        *args: Any,
        policies: Iterable[InsurancePolicy],
        person_name: str,
        payer_name: str,
        now: datetime,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.policies = {str(policy.pk): policy for policy in policies}
        self.person_name, self.payer_name, self.now = person_name, payer_name, now
        if self.policies:
            choices = [(key, policy_label(policy)) for key, policy in self.policies.items()]
            field = cast("TypedChoiceField", self.fields["policy"])
            field.choices = [*choices, (NEW_POLICY, _("Another policy"))]
            self.initial.setdefault("policy", next(iter(self.policies)))
        else:
            del self.fields["policy"]
        self.fields["needed_by"].help_text = _("Our clock: %(zone)s.") % {"zone": zone_named()}

    @cached_property
    def new_policy(self) -> PolicyForm:
        return PolicyForm(
            data=self.data if self.is_bound else None,
            prefix="new",
            person_name=self.person_name,
            payer_name=self.payer_name,
            today=timezone.localdate(self.now),
        )

    @property
    def is_new(self) -> bool:
        return not self.policies or bool(self["policy"].value() == NEW_POLICY)

    @cached_property
    def parts(self) -> Sequence[ActionForm]:
        return (self.new_policy,) if self.is_new else ()

    def clean_needed_by(self) -> datetime | None:
        moment: datetime | None = self.cleaned_data["needed_by"]
        if moment and moment < self.now:
            raise forms.ValidationError(_("This time has passed."))
        return moment

    def chosen(self) -> InsurancePolicy:
        """The policy to ask about, stored or new; call it on a valid form only."""
        return self.new_policy.policy() if self.is_new else self.policies[self["policy"].value()]


def policy_label(policy: InsurancePolicy) -> str:
    """A policy among others of the same person: company, kind, end of the member ID."""
    ending = policy.member_id[-4:]
    return f"{policy.payer_name} · {policy.get_payer_kind_display()} · … {ending}"


def zone_named() -> str:
    """The zone in which staff read and type times."""
    return timezone.get_current_timezone_name().replace("_", " ")


class BenefitForm(ActionForm):
    """What the plan said of one level of care. Left alone it says nothing."""

    covered = TypedChoiceField(
        label=_("Covered"),
        choices=Benefit.Answer.choices,
        initial=Benefit.Answer.UNKNOWN,
        required=False,
        widget=forms.RadioSelect,
    )
    preauthorization = TypedChoiceField(
        label=_("Pre-authorization needed"),
        choices=Benefit.Answer.choices,
        initial=Benefit.Answer.UNKNOWN,
        required=False,
        widget=forms.RadioSelect,
    )
    copay = MoneyField(label=_("Copay (US$)"), required=False)
    coinsurance_percent = TypedDecimalField(
        label=_("Coinsurance (%)"),
        required=False,
        min_value=Decimal(0),
        max_value=Decimal(100),
        decimal_places=2,
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
    )
    deductible_left = MoneyField(label=_("Deductible left (US$)"), required=False)
    day_limit = TypedIntegerField(
        label=_("Day limit"),
        required=False,
        min_value=0,
        max_value=366,
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
    )
    notes = TypedCharField(label=_("Notes"), required=False, max_length=500)

    def __init__(self, *args: Any, level: str, is_wanted: bool, **kwargs: Any) -> None:
        super().__init__(*args, prefix=f"level-{level}", **kwargs)
        self.level, self.is_wanted = level, is_wanted
        self.title = LevelOfCare(level).label

    @property
    def says_something(self) -> bool:
        return any(value not in (None, "", "unknown") for value in self.cleaned_data.values())

    def benefit(self) -> Benefit:
        """The row to store; call it on a valid form only."""
        given = dict(self.cleaned_data)
        for name in ("covered", "preauthorization"):
            given[name] = given[name] or Benefit.Answer.UNKNOWN
        return Benefit(level_of_care=self.level, **given)


class AnswerForm(FormOfParts):
    """What the plan said, who said it, and until when it is believed."""

    coverage = TypedChoiceField(
        label=_("Is the policy active?"),
        choices=InsuranceCheck.Coverage.choices,
        widget=forms.RadioSelect,
    )
    representative = TypedCharField(
        label=_("Who said it"),
        max_length=120,
        help_text=_("The name the representative gave."),
    )
    payer_reference = TypedCharField(
        label=_("The plan's reference for the call"),
        required=False,
        max_length=80,
        help_text=_("Ask for it. Leave it empty only if they give none."),
    )
    good_until = TypedDateField(
        label=_("Good until the end of"),
        help_text=_("Benefits change with the month and with the plan year."),
    )
    notes = TypedCharField(label=_("Notes"), required=False, max_length=4000, widget=text_area(3))
    not_a_guarantee = forms.BooleanField(label=_("I read out: this is not a guarantee of payment"))

    def __init__(self, *args: Any, wanted: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.wanted = set(wanted)

    @cached_property
    def benefits(self) -> list[BenefitForm]:
        """One for each level of care, those that were asked about first."""
        levels = sorted(LevelOfCare.values, key=lambda level: level not in self.wanted)
        data = self.data if self.is_bound else None
        return [
            BenefitForm(data=data, level=level, is_wanted=level in self.wanted) for level in levels
        ]

    @cached_property
    def parts(self) -> Sequence[ActionForm]:
        return self.benefits

    @property
    def others_open(self) -> bool:
        """Whether the levels nobody asked about hold something to look at."""
        others = [form for form in self.benefits if not form.is_wanted]
        return self.is_bound and any(form.errors or form.says_something for form in others)

    def told(self) -> list[Benefit]:
        """The rows to store: what was asked about, answered or not, and what was told besides."""
        return [form.benefit() for form in self.benefits if form.is_wanted or form.says_something]

    def expires_at(self) -> datetime:
        """The end of that day on the helpline's clock, in UTC; call it on a valid form only."""
        following = self.cleaned_data["good_until"] + timedelta(days=1)
        return clocks.local_due(following, time(), timezone.get_current_timezone_name())


class UnableForm(ActionForm):
    """Why there is no answer."""

    notes = TypedCharField(
        label=_("What happened"),
        max_length=4000,
        widget=text_area(3),
        help_text=_("Such as: nobody answered, closed for the day, would not speak to us."),
    )
    was_told = forms.BooleanField(
        label=_("The plan heard whom it is about"),
        required=False,
        initial=True,
        help_text=_("Then it goes into the accounting of disclosures."),
    )
