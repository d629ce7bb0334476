"""Pages that search, ask facilities, and write down what they answered."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from intake.actions import needs, offers, referrals
from intake.admin.base import staff
from intake.admin.call_steps import record_url, steps
from intake.admin.gates import before_search
from intake.admin.pages import ActionPage
from intake.admin.referral_forms import AcceptForm, CloseForm, DeclineForm, NeedForm, OfferForm
from intake.admin.safety_panel import safety_panel
from intake.models import Call, Facility, Referral, ReferralOffer


def beside(call: Call) -> dict[str, Any]:
    """The way of the call above the page, and its safety panel beside it."""
    return {
        "steps": steps(call, here="referral"),
        "safety": safety_panel(call),
        "aside_template": "admin/intake/_safety_panel.html",
    }


class SearchPage(ActionPage):
    """The need, filled in as far as the call tells; its list is kept on the referral.

    What is searched for is health data, so it goes by POST and is stored, and the list is shown
    by the referral's own page.
    """

    template_name = "admin/intake/referral_search.html"
    title = _("Find a facility")
    intro = _("Nearest first. Money and ties never move a facility.")
    submit_label = _("Search")

    @property
    def call(self) -> Call:
        raise NotImplementedError

    @property
    def referral(self) -> Referral | None:
        raise NotImplementedError

    def build_form(self, **kwargs: Any) -> Any:
        call, referral, now = self.call, self.referral, timezone.now()
        person = call.person_in_need
        stored = referral.need if referral is not None else None
        return NeedForm(
            assessment=needs.assessment_of(call, now=now),
            need=needs.from_stored(stored) if stored else needs.for_call(call, now=now),
            zip_code=stored.get("zip_code", "") if stored else person.zip_code if person else "",
            **kwargs,
        )

    def act(self, request: HttpRequest, form: NeedForm, now: datetime) -> models.Model:
        return referrals.search(
            call=self.call,
            need=form.need(),
            zip_code=form.cleaned_data["zip_code"],
            by=staff(request),
            now=now,
        )

    def done_url(self, done: models.Model | None) -> str:
        return record_url(done or self.record)

    def context(self, request: HttpRequest, form: NeedForm) -> dict[str, Any]:
        gate = before_search(self.call)
        return {
            **beside(self.call),
            "gate": gate,
            "is_shown": gate is None or form.is_bound,
            "call": self.call,
            "form_template": "admin/intake/_referral_search_fields.html",
        }


class CallSearchPage(SearchPage):
    """From a call: begin a referral, or search again for the one it has."""

    permission = "add_referral"
    record: Call

    @property
    def call(self) -> Call:
        return self.record

    @property
    def referral(self) -> Referral | None:
        return referrals.open_referral(self.record)


class SearchAgainPage(SearchPage):
    """From a referral: another need, another list."""

    permission = "change_referral"
    submit_label = _("Search again")
    record: Referral

    @property
    def call(self) -> Call:
        return self.record.call

    @property
    def referral(self) -> Referral | None:
        return self.record


class AskPage(ActionPage):
    """The list again, with what is wrong with the choice; reached by POST from the referral."""

    permission = "add_referraloffer"
    template_name = "admin/intake/referral.html"
    done_message = _("Asked. Write down each answer as it comes.")
    record: Referral

    def build_form(self, **kwargs: Any) -> Any:
        return OfferForm(rows=self.record.list_shown, **kwargs)

    def act(self, request: HttpRequest, form: OfferForm, now: datetime) -> None:
        given = form.cleaned_data
        offers.offer(
            referral=self.record,
            facilities=list(Facility.objects.filter(pk__in=given["facilities"])),
            ties_read=given["ties_read"],
            by=staff(request),
            now=now,
        )

    def context(self, request: HttpRequest, form: OfferForm) -> dict[str, Any]:
        return {**self.model_admin.record_page_context(request, self.record), "form": form}


class ClosePage(ActionPage):
    permission = "change_referral"
    form_class = CloseForm
    title = _("Close without a place")
    intro = _("Facilities that were asked are withdrawn. An unmet need is counted, not forgotten.")
    submit_label = _("Close the referral")
    done_message = _("The referral is closed, and the unmet need recorded.")
    record: Referral

    def act(self, request: HttpRequest, form: CloseForm, now: datetime) -> models.Model:
        note = form.cleaned_data["note"]
        return referrals.close(referral=self.record, note=note, by=staff(request), now=now)

    def context(self, request: HttpRequest, form: CloseForm) -> dict[str, Any]:
        return {**beside(self.record.call), "eyebrow": self.record.reference, "danger": True}


# --- What a facility answered -------------------------------------------------------------------


class OfferPage(ActionPage):
    """A page of one offer; it leads back to the referral."""

    permission = "change_referraloffer"
    record: ReferralOffer

    def done_url(self, done: models.Model | None) -> str:
        return record_url(self.record.referral)

    def cancel_url(self) -> str:
        return record_url(self.record.referral)

    def context(self, request: HttpRequest, form: Any) -> dict[str, Any]:
        return {**beside(self.record.referral.call), "eyebrow": str(self.record.facility)}


class AcknowledgePage(OfferPage):
    title = _("The facility has heard")
    intro = _("It knows of the request and will answer.")
    submit_label = _("Acknowledged")
    done_message = _("Acknowledged.")

    def act(self, request: HttpRequest, form: Any, now: datetime) -> None:
        offers.acknowledge(offer=self.record, by=staff(request), now=now)


class AcceptPage(OfferPage):
    title = _("The facility accepts")
    intro = _("The first acceptance wins: every other facility still asked is withdrawn.")
    submit_label = _("Accepted")
    done_message = _("Accepted. The others are withdrawn; let them know.")

    def build_form(self, **kwargs: Any) -> Any:
        return AcceptForm(zone=zone_of(self.record.facility), **kwargs)

    def act(self, request: HttpRequest, form: AcceptForm, now: datetime) -> None:
        given = form.cleaned_data
        offers.accept(
            offer=self.record,
            contact=given["contact"],
            expected_at=given["expected_at"],
            by=staff(request),
            now=now,
        )


def zone_of(facility: Facility) -> str:
    """The zone of a facility's clock; where it is not known, ours."""
    return facility.time_zone or str(settings.HELPLINE_TIME_ZONE)


class DeclinePage(OfferPage):
    form_class = DeclineForm
    title = _("The facility declines")
    submit_label = _("Declined")
    done_message = _("Declined. The reason is counted.")

    def act(self, request: HttpRequest, form: DeclineForm, now: datetime) -> None:
        given = form.cleaned_data
        offers.decline(
            offer=self.record,
            reason=given["reason"],
            note=given["note"],
            by=staff(request),
            now=now,
        )


class ArrivedPage(OfferPage):
    title = _("They have arrived")
    intro = _("Arrived, not merely accepted: the referral is done.")
    submit_label = _("Arrived")
    done_message = _("Arrived. Ask again after 24 hours.")

    def act(self, request: HttpRequest, form: Any, now: datetime) -> None:
        offers.mark_arrived(offer=self.record, by=staff(request), now=now)


class StayedPage(OfferPage):
    title = _("Still there after 24 hours")
    submit_label = _("Still there")
    done_message = _("Still there after 24 hours.")

    def act(self, request: HttpRequest, form: Any, now: datetime) -> None:
        offers.mark_stayed(offer=self.record, by=staff(request), now=now)


class NoShowPage(OfferPage):
    title = _("They did not arrive")
    intro = _("The referral looks for a place again. Promise a callback while you are at it.")
    submit_label = _("Did not arrive")
    done_message = _("They did not arrive. The referral is open again.")

    def act(self, request: HttpRequest, form: Any, now: datetime) -> None:
        offers.mark_no_show(offer=self.record, by=staff(request), now=now)

    def context(self, request: HttpRequest, form: Any) -> dict[str, Any]:
        return {**super().context(request, form), "danger": True}


CALL_PAGES: dict[str, type[ActionPage]] = {"referral": CallSearchPage}
