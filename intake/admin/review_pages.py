"""One request that waits for a human: letting it through, or turning it down."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import models
from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as __
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from intake.actions import reviews
from intake.admin.base import staff
from intake.admin.pages import ActionForm, ActionPage
from intake.models import Callback
from intake.reports import review_queue
from intake.typed_text import TypedChoiceField

PERMISSION = "review_callback"
# What a row shows. Nothing of it is encrypted.
COLUMNS = (
    "reference",
    "status",
    "held_because",
    "turned_down_because",
    "in_danger",
    "requested_at",
    "due_at",
    "window_ends_at",
    "time_zone",
    "person_id",
)


def address(because: str = "") -> str:
    """The list, or what is held for one reason."""
    page = reverse("admin:intake_callback_review")
    return f"{page}?because={because}" if because else page


class TurnDownForm(ActionForm):
    reason = TypedChoiceField(
        label=_("Why nobody rings"),
        choices=Callback.TurnedDownBecause.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Say why nobody rings.")},
    )
    others = forms.BooleanField(required=False)

    def offer_others(self, number: int, in_danger: int) -> None:
        """Only where others wait for the same number is anything asked about them, and nothing
        about those in danger."""
        if not number:
            del self.fields["others"]
            return
        field = self.fields["others"]
        field.label = ngettext(
            "Also the %(n)d other request that waits for this number",
            "Also the %(n)d other requests that wait for this number",
            number,
        ) % {"n": number}
        field.help_text = stay(in_danger)


class DecisionPage(ActionPage):
    """A page of one request that reads nothing of it but why it waits."""

    permission = PERMISSION

    def get_record(self, request: HttpRequest, object_id: str) -> Callback:
        if not self.model_admin.has_view_permission(request):
            raise Http404
        try:
            record = Callback.objects.only(*COLUMNS).filter(pk=object_id).first()
        except ValidationError:
            record = None
        if record is None:
            raise Http404
        return record

    def context(self, request: HttpRequest, form: Any) -> dict[str, Any]:
        return {
            "eyebrow": f"{self.record.reference} · {why(self.record)}",
            "is_closed": self.record.status not in review_queue.WAITING,
        }


class LetThroughPage(DecisionPage):
    title = _("Let this request through")
    intro = _("It becomes a callback like any other: on the desk, and rung when it is due.")
    submit_label = _("Let it through")

    def act(self, request: HttpRequest, form: ActionForm, now: datetime) -> models.Model:
        released = reviews.release(callback=self.record, by=staff(request), now=now)
        messages.success(request, _told(released))
        return released


class TurnDownPage(DecisionPage):
    form_class = TurnDownForm
    title = _("Turn this request down")
    intro = _("Nobody rings. In doubt let it through: one call too many harms less than none.")
    submit_label = _("Turn it down")

    def build_form(self, **kwargs: Any) -> TurnDownForm:
        form = TurnDownForm(**kwargs)
        number, in_danger = (
            review_queue.others_for_its_number(self.record, in_danger=they)
            for they in (False, True)
        )
        form.offer_others(number, in_danger)
        return form

    def act(self, request: HttpRequest, form: TurnDownForm, now: datetime) -> models.Model:
        told: dict[str, Any] = {"reason": form.cleaned_data["reason"], "by": staff(request)}
        done = reviews.turn_down(callback=self.record, now=now, **told)
        number = 1
        if form.cleaned_data.get("others"):
            number += reviews.turn_down_others(callback=done, now=now, **told)
            say_who_stays(request, review_queue.others_for_its_number(done, in_danger=True))
        messages.success(request, turned_down(number))
        return done

    def done_url(self, done: models.Model | None) -> str:
        return address()

    def context(self, request: HttpRequest, form: Any) -> dict[str, Any]:
        return {**super().context(request, form), "danger": True}


def why(callback: Callback) -> str:
    """Why it waits, in words."""
    if callback.status == Callback.Status.RECEIVED:
        return __("Nobody has looked at it: the helpline's sweep stands still")
    if callback.held_because == Callback.HeldBecause.STOPPED and callback.in_danger:
        # The stop of another request does not hold this one: its own link did.
        return __("Somebody took it back by its private link")
    return str(Callback.HeldBecause(callback.held_because).label) if callback.held_because else ""


def _told(released: Callback) -> str:
    if released.is_open:
        return __("It is on the desk now.")
    if released.closed_by_block_id is not None:
        return __("Its number asked not to be called, so it has ended: nobody rings.")
    return __("Its number was tried as often as it may be, so it has ended: nobody rings.")


def say_who_stays(request: HttpRequest, in_danger: int) -> None:
    if in_danger:
        messages.warning(request, stay(in_danger))


def stay(in_danger: int) -> str:
    """That so many are not turned down unseen; "" for none."""
    if not in_danger:
        return ""
    return ngettext(
        "%(n)d request said to be in danger stays: look at it by itself.",
        "%(n)d requests said to be in danger stay: look at each by itself.",
        in_danger,
    ) % {"n": in_danger}


def turned_down(number: int) -> str:
    """How many were, in words."""
    return ngettext("%(n)d request is turned down.", "%(n)d requests are turned down.", number) % {
        "n": number
    }
