"""Pages of a facility: what staff heard of it by phone, and what a supervisor decides."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.db import models
from django.http import HttpRequest
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from intake.actions import facilities
from intake.admin.base import staff
from intake.admin.pages import ActionForm, ActionPage
from intake.models import CapacityReading, Facility, LevelOfCare
from intake.typed_text import TypedChoiceField, TypedIntegerField

HOURS = [(str(n), format_lazy(_("{n} hours"), n=n)) for n in (4, 8, 12, 24, 48, 72)]
COVER = (("", _("Nobody asked")), ("yes", _("Yes")), ("no", _("No")))


class FacilityPage(ActionPage):
    record: Facility

    def context(self, request: HttpRequest, form: Any) -> dict[str, Any]:
        return {"eyebrow": str(self.record)}


class CapacityForm(ActionForm):
    level_of_care = TypedChoiceField(label=_("Level of care"), choices=LevelOfCare.choices)
    beds_free = TypedIntegerField(label=_("Beds free"), min_value=0, max_value=facilities.MOST_BEDS)
    source = TypedChoiceField(
        label=_("Told by"), choices=CapacityReading.Source.choices, widget=forms.RadioSelect
    )
    holds_for = TypedChoiceField(
        label=_("Counts for"),
        choices=HOURS,
        initial="8",
        help_text=_("After that it counts as unknown, not as none."),
    )


class CapacityPage(FacilityPage):
    permission = "add_capacityreading"
    form_class = CapacityForm
    title = _("Record free beds")
    intro = _("As told just now. It holds no bed: the facility still has to say yes.")
    submit_label = _("Record it")
    done_message = _("The bed count is recorded.")

    def act(self, request: HttpRequest, form: CapacityForm, now: datetime) -> models.Model:
        given = form.cleaned_data
        return facilities.record_capacity(
            facility=self.record,
            level_of_care=given["level_of_care"],
            beds_free=given["beds_free"],
            source=given["source"],
            holds_for=timedelta(hours=int(given["holds_for"])),
            by=staff(request),
            now=now,
        )


class VerifyForm(ActionForm):
    medical_cover = TypedChoiceField(
        label=_("Medical staff day and night?"),
        choices=COVER,
        required=False,
        widget=forms.RadioSelect,
        help_text=_("A residential detox may have none. Searches for medical cover rely on this."),
    )


class VerifyPage(FacilityPage):
    permission = "add_capacityreading"
    form_class = VerifyForm
    title = _("The entry is right")
    intro = _("You reached them on the number listed, and they give what is listed.")
    submit_label = _("Verified")
    done_message = _("The facility is verified.")

    def act(self, request: HttpRequest, form: VerifyForm, now: datetime) -> None:
        answer = {"yes": True, "no": False}.get(form.cleaned_data["medical_cover"])
        facilities.verify(facility=self.record, medical_cover=answer, by=staff(request), now=now)


class SuspendForm(ActionForm):
    reason = TypedChoiceField(
        label=_("Why"), choices=Facility.SuspensionReason.choices, widget=forms.RadioSelect
    )


class SuspendPage(FacilityPage):
    permission = "change_facility"
    form_class = SuspendForm
    title = _("Suspend this facility")
    intro = _("It is in no search until somebody relists it; imports leave it out as well.")
    submit_label = _("Suspend it")
    done_message = _("The facility is suspended.")

    def act(self, request: HttpRequest, form: SuspendForm, now: datetime) -> None:
        facilities.suspend(
            facility=self.record, reason=form.cleaned_data["reason"], by=staff(request), now=now
        )

    def context(self, request: HttpRequest, form: SuspendForm) -> dict[str, Any]:
        return {**super().context(request, form), "danger": True}


class RelistPage(FacilityPage):
    permission = "change_facility"
    title = _("Lift the suspension")
    intro = _("It is searched again, unless the directory has dropped it meanwhile.")
    submit_label = _("Lift it")
    done_message = _("The suspension is lifted.")

    def act(self, request: HttpRequest, form: Any, now: datetime) -> None:
        facilities.relist(facility=self.record, by=staff(request), now=now)


class TieForm(ActionForm):
    relationship = TypedChoiceField(
        label=_("Financial tie"),
        choices=Facility.Relationship.choices,
        widget=forms.RadioSelect,
    )


class TiePage(FacilityPage):
    permission = "change_facility"
    form_class = TieForm
    title = _("Financial tie")
    intro = _("It is read out before an offer (Fla. Stat. 397.55) and never moves a facility.")
    submit_label = _("Set it")
    done_message = _("The financial tie is recorded.")

    def initial(self) -> dict[str, Any]:
        return {"relationship": self.record.relationship}

    def act(self, request: HttpRequest, form: TieForm, now: datetime) -> None:
        facilities.set_relationship(
            facility=self.record,
            relationship=form.cleaned_data["relationship"],
            by=staff(request),
            now=now,
        )
