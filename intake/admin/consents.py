"""Consents and the accounting of disclosures. A consent is recorded on a call, with its text."""

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from intake.actions import branding, consents
from intake.admin.base import HelplineAdmin, staff
from intake.admin.call_sheet_forms import text_area
from intake.admin.call_steps import record_url, steps
from intake.admin.gates import FOR
from intake.admin.pages import ActionForm, ActionPage
from intake.admin.safety_panel import safety_panel, sheet_url
from intake.models import Call, Consent, Disclosure
from intake.rules import clocks
from intake.rules.consent_texts import WORDING_VERSION, covers, read_out
from intake.typed_text import TypedCharField, TypedChoiceField, TypedDateField

# Long enough to find a place and come back once; the person may name another day.
USUAL_LIFE = timedelta(days=365)
SCOPES = (Consent.Scope.HEALTH_PLAN, Consent.Scope.FACILITIES)
RECIPIENTS = {
    Consent.Scope.HEALTH_PLAN: _("Name of the health plan"),
    Consent.Scope.FACILITIES: _("Which facilities"),
}


class ConsentForm(ActionForm):
    """Both scopes at once or one of them; each becomes a consent of its own."""

    given_how = TypedChoiceField(
        label=_("How was it given?"), choices=Consent.GivenHow.choices, widget=forms.RadioSelect
    )
    expires_on = TypedDateField(label=_("It ends on"))
    confirmed = forms.BooleanField(
        label=_("I read the text out, and the person who needs help agreed themselves"),
        help_text=_(
            "Or whoever may decide for them by law. Nobody else can: not a parent of an adult, not"
            " a spouse."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for scope in SCOPES:
            self.fields |= {
                scope.value: forms.BooleanField(label=scope.label, required=False),
                f"{scope.value}_recipient": TypedCharField(
                    label=RECIPIENTS[scope], required=False, max_length=500
                ),
                f"{scope.value}_information": TypedCharField(
                    label=_("What may be told"),
                    required=False,
                    max_length=1000,
                    initial=covers(scope.value),
                    widget=text_area(3),
                ),
            }

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        if not self.scopes:
            self.add_error(None, _("Choose at least one: the health plan, or facilities."))
        for scope in self.scopes:
            for name in ("recipient", "information"):
                field = f"{scope}_{name}"
                if field in given and not given[field]:
                    self.add_error(field, _("A consent has to say this."))
        return given

    @property
    def scopes(self) -> list[str]:
        return [scope.value for scope in SCOPES if self.cleaned_data.get(scope.value)]

    def block(self, scope: str) -> dict[str, Any]:
        """What the page shows of one scope: its text and its fields."""
        return {
            "text": read_out(scope, helpline=branding.current().name),
            "chosen": self[scope],
            "recipient": self[f"{scope}_recipient"],
            "information": self[f"{scope}_information"],
        }

    @property
    def blocks(self) -> list[dict[str, Any]]:
        return [self.block(scope.value) for scope in SCOPES]


class ConsentPage(ActionPage):
    """Read the text out, write down the answer. A page of the call."""

    permission = "add_consent"
    form_class = ConsentForm
    template_name = "admin/intake/call_consent.html"
    title = _("Record consent")
    intro = _("Tick what is asked for: the text to read out opens with it.")
    submit_label = _("Record the consent")
    done_message = _("The consent is recorded.")

    def initial(self) -> dict[str, Any]:
        ends = timezone.localdate() + USUAL_LIFE
        facilities = f"{Consent.Scope.FACILITIES.value}_recipient"
        return {
            "expires_on": ends,
            facilities: _("Facilities chosen together from the list shown on this call"),
            self.asked_for: True,
        }

    @property
    def asked_for(self) -> str:
        """The scope another page sent the agent here for; "" where none did."""
        scope = self.request.GET.get(FOR, "")
        return scope if scope in Consent.Scope.values else ""

    def act(self, request: HttpRequest, form: ConsentForm, now: datetime) -> None:
        person = self.record.person_in_need
        if person is None:
            raise consents.NobodyToConsent
        given = form.cleaned_data
        zone = timezone.get_current_timezone_name()
        consents.record_all(
            person=person,
            wanted=[
                consents.Wanted(
                    scope=scope,
                    information=given[f"{scope}_information"],
                    recipient=given[f"{scope}_recipient"],
                )
                for scope in form.scopes
            ],
            given_how=given["given_how"],
            by=staff(request),
            now=now,
            expires_at=clocks.local_due(given["expires_on"], time(23, 59), zone),
        )

    def done_url(self, done: models.Model | None) -> str:
        """Back to the page that asked for this consent, else to the sheet."""
        call: Call = self.record
        if self.asked_for == Consent.Scope.HEALTH_PLAN:
            return self.model_admin.url(call, "insurance")
        referral = call.referrals.filter(status="open").order_by("-searched_at").first()
        if self.asked_for == Consent.Scope.FACILITIES and referral is not None:
            return record_url(referral)
        return f"{sheet_url(call)}#next"

    def context(self, request: HttpRequest, form: ConsentForm) -> dict[str, Any]:
        call: Call = self.record
        two_people = call.person_in_need_id != call.caller_id
        return {
            "eyebrow": call,
            "steps": steps(call, here="call"),
            "aside_template": "admin/intake/_safety_panel.html",
            "safety": safety_panel(call),
            "form_template": "admin/intake/_consent_form.html",
            "wording_version": WORDING_VERSION,
            "nobody": call.person_in_need is None,
            "two_people": two_people and call.person_in_need is not None,
        }


class RevokePage(ActionPage):
    permission = "change_consent"
    title = _("Revoke this consent")
    intro = _(
        "From now on nothing more is told under it. What was already told stays told; the"
        " accounting of disclosures says what and to whom."
    )
    submit_label = _("Revoke")
    done_message = _("Revoked. Nothing more is told under it.")

    def act(self, request: HttpRequest, form: ActionForm, now: datetime) -> models.Model:
        return consents.revoke(consent=self.record, by=staff(request), now=now)

    def context(self, request: HttpRequest, form: ActionForm) -> dict[str, Any]:
        return {"eyebrow": self.record, "danger": True}


@admin.register(Consent)
class ConsentAdmin(HelplineAdmin):
    list_display = ("__str__", "scope", "given_how", "recorded_at", "expires_at", "revoked_at")
    list_filter = ("scope", "given_how")
    allowed_lookups = ("scope", "given_how", "person")
    ordering = ("-id",)
    pages = {"revoke": RevokePage}
    record_template = "admin/intake/consent.html"

    def record_context(self, request: HttpRequest, record: Consent) -> dict[str, Any]:
        now = timezone.now()
        is_live = Consent.objects.live(now).filter(pk=record.pk).exists()
        return {
            "is_live": is_live,
            "disclosures": record.disclosures.select_related("disclosed_by").order_by(
                "-disclosed_at"
            ),
            "revoke_url": self.url(record, "revoke")
            if record.revoked_at is None and self.may(request, "change_consent")
            else "",
        }


@admin.register(Disclosure)
class DisclosureAdmin(HelplineAdmin):
    list_display = ("__str__", "purpose", "disclosed_at", "disclosed_by", "notice_version")
    list_filter = ("purpose",)
    allowed_lookups = ("purpose", "person", "disclosed_by")
    ordering = ("-id",)
    list_select_related = ("disclosed_by",)
