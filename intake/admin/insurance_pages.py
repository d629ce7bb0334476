"""Pages that ask for an insurance check, work it, and record what the plan said."""

from datetime import datetime
from typing import Any

from django.db import models
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from intake.actions import insurance, needs
from intake.admin import told
from intake.admin.base import staff
from intake.admin.call_steps import record_url, steps
from intake.admin.gates import before_telling
from intake.admin.insurance_forms import AnswerForm, RequestForm, UnableForm
from intake.admin.pages import ActionPage
from intake.admin.safety_panel import safety_panel
from intake.insurers import INSURERS
from intake.models import Call, Consent, InsuranceCheck, LevelOfCare, Person

# What a screen that excludes outpatient detox asks the plan about.
WITHDRAWAL_LEVELS = (LevelOfCare.WITHDRAWAL_4, LevelOfCare.WITHDRAWAL_3_7)


def beside(call: Call) -> dict[str, Any]:
    """The way of the call above the page, and its safety panel beside it."""
    return {
        "steps": steps(call, here="insurance"),
        "safety": safety_panel(call),
        "aside_template": "admin/intake/_safety_panel.html",
    }


def levels_asked_first(call: Call, now: datetime) -> list[str]:
    """The levels that are ticked beforehand: detox under medical cover where the screen says so.

    Otherwise none: which level somebody needs is for a clinician to say.
    """
    is_bound = bool(needs.assessment_of(call, now=now).setting_codes)
    return [str(level) for level in WITHDRAWAL_LEVELS] if is_bound else []


def plan_named(person: Person, now: datetime) -> str:
    """The plan as the person named it in their newest consent, not to be typed again."""
    given = Consent.objects.live(now).filter(person=person, scope=Consent.Scope.HEALTH_PLAN)
    newest = given.order_by("-recorded_at", "-id").first()
    return newest.recipient if newest else ""


class RequestPage(ActionPage):
    """From a call: ask for its person's benefits to be verified."""

    permission = "add_insurancecheck"
    form_class = RequestForm
    template_name = "admin/intake/insurance_request.html"
    title = _("Request an insurance check")
    intro = _("It goes into the work queue. Nobody is told anything until the plan is rung.")
    submit_label = _("Request it")
    done_message = _("The insurance check is in the queue.")

    def build_form(self, **kwargs: Any) -> Any:
        call: Call = self.record
        person, now = call.person_in_need, timezone.now()
        return RequestForm(
            initial={"levels_wanted": levels_asked_first(call, now)},
            policies=person.policies.order_by("-created_at") if person else (),
            person_name=person.name if person else "",
            payer_name=plan_named(person, now) if person else "",
            now=now,
            **kwargs,
        )

    def act(self, request: HttpRequest, form: RequestForm, now: datetime) -> models.Model:
        given = form.cleaned_data
        return insurance.request(
            call=self.record,
            policy=form.chosen(),
            levels_wanted=given["levels_wanted"],
            needed_by=given["needed_by"],
            by=staff(request),
            now=now,
        )

    def done_url(self, done: models.Model | None) -> str:
        return record_url(done or self.record)

    def context(self, request: HttpRequest, form: RequestForm) -> dict[str, Any]:
        gate = before_telling(self.record, Consent.Scope.HEALTH_PLAN, now=timezone.now())
        return {
            **beside(self.record),
            "gate": gate,
            "is_shown": gate is None or form.is_bound,
            "form_template": "admin/intake/_insurance_request_fields.html",
        }


class CheckPage(ActionPage):
    """A page of one insurance check."""

    permission = "work_insurancecheck"
    record: InsuranceCheck

    def context(self, request: HttpRequest, form: Any) -> dict[str, Any]:
        return {**beside(self.record.call), "eyebrow": self.record.reference}


class TakePage(CheckPage):
    title = _("Take this insurance check")
    intro = _("Nobody else rings the plan while you have it.")
    submit_label = _("Take it")
    done_message = _("The insurance check is yours.")

    def act(self, request: HttpRequest, form: Any, now: datetime) -> None:
        insurance.take(check=self.record, by=staff(request), now=now)


class PutBackPage(CheckPage):
    title = _("Put this insurance check back")
    intro = _("It waits in the queue again, for whoever is free.")
    submit_label = _("Put it back")
    done_message = _("The insurance check is in the queue again.")

    def act(self, request: HttpRequest, form: Any, now: datetime) -> None:
        insurance.put_back(check=self.record, by=staff(request), now=now)


class AnswerPage(CheckPage):
    template_name = "admin/intake/insurance_answer.html"
    title = _("Record the plan's answer")
    intro = _("Word for word where it matters. It is stored with your name and the time.")
    submit_label = _("Record the answer")
    done_message = _("The answer is recorded.")

    def build_form(self, **kwargs: Any) -> Any:
        lasts = timezone.now() + insurance.ANSWER_LIFE
        return AnswerForm(
            initial={"good_until": timezone.localdate(lasts)},
            wanted=self.record.levels_wanted,
            **kwargs,
        )

    def act(self, request: HttpRequest, form: AnswerForm, now: datetime) -> models.Model:
        given = form.cleaned_data
        return insurance.record_answer(
            check=self.record,
            coverage=given["coverage"],
            representative=given["representative"],
            payer_reference=given["payer_reference"],
            notes=given["notes"],
            benefits=form.told(),
            expires_at=form.expires_at(),
            disclaimer_read=given["not_a_guarantee"],
            by=staff(request),
            now=now,
        )

    def context(self, request: HttpRequest, form: AnswerForm) -> dict[str, Any]:
        return {
            **super().context(request, form),
            **conversation(self.record),
            "form_template": "admin/intake/_insurance_answer_fields.html",
        }


def conversation(check: InsuranceCheck) -> dict[str, Any]:
    """What may be told to the plan, whether it still may, and what to ask."""
    return {
        "told": told.to_plan(check),
        "gate": before_telling(check.call, Consent.Scope.HEALTH_PLAN, now=timezone.now()),
        "questions": INSURERS[check.method].questions(check),
    }


class UnablePage(CheckPage):
    form_class = UnableForm
    title = _("Could not be verified")
    intro = _("The check is closed without an answer; it can be asked for again.")
    submit_label = _("Close without an answer")
    done_message = _("The insurance check is closed without an answer.")

    def act(self, request: HttpRequest, form: Any, now: datetime) -> models.Model:
        given = form.cleaned_data
        return insurance.give_up(
            check=self.record,
            notes=given["notes"],
            was_told=given["was_told"],
            by=staff(request),
            now=now,
        )


class CancelPage(CheckPage):
    permission = "change_insurancecheck"
    title = _("Cancel this insurance check")
    intro = _("Nobody needs the answer any more.")
    submit_label = _("Cancel the check")
    done_message = _("The insurance check is cancelled.")

    def act(self, request: HttpRequest, form: Any, now: datetime) -> None:
        insurance.cancel(check=self.record, by=staff(request), now=now)

    def context(self, request: HttpRequest, form: Any) -> dict[str, Any]:
        return {**super().context(request, form), "danger": True}


CALL_PAGES: dict[str, type[ActionPage]] = {"insurance": RequestPage}
