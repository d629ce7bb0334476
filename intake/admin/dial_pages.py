"""The page on which a promised call is made, one step at a time (``rules.dialing``)."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as __
from django.utils.translation import gettext_lazy as _

from intake.actions import attempts, branding, claims, dialing
from intake.actions.base import Refused
from intake.admin import briefing, opening_times
from intake.admin.base import staff
from intake.admin.call_steps import record_url
from intake.admin.opening_times import WhenForm, WhenPage
from intake.admin.times import relative, staff_time, their_time, their_window
from intake.models import Attempt, Callback
from intake.rules import phones
from intake.rules.dialing import Step
from intake.typed_text import TypedCharField, TypedChoiceField

Outcome = Attempt.Outcome
# Beside the outcomes: a message that was to be left to nobody.
BY_MISTAKE = "by_mistake"
# How long the page goes on saying what followed from what one did there.
REMEMBERED = timedelta(hours=2)
TYPED = ("note", "due", "asked_outside_hours")


class DialForm(WhenForm):
    """What may be typed beside the buttons; each button is one outcome."""

    outcome = TypedChoiceField(
        label=_("How it ended"),
        choices=[*Outcome.choices, (BY_MISTAKE, _("A machine recorded something"))],
        widget=forms.HiddenInput,
        error_messages={"required": _("Press how it ended.")},
    )
    note = TypedCharField(
        label=_("Note"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2})
    )
    shown = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)
    field_order = ("note", "due", "asked_outside_hours")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["due"].required = False
        self.fields["due"].label = _("Ring again at, in their time")
        self.fields["asked_outside_hours"].label = _(
            "They asked for that very time themselves, outside calling hours"
        )

    def clean_shown(self) -> datetime | None:
        """Which try this is the end of; what was not written by the page names none."""
        try:
            moment = parse_datetime(self.cleaned_data["shown"])
        except ValueError:
            return None
        return moment if moment is not None and timezone.is_aware(moment) else None


class DialPage(WhenPage):
    """What may be said comes first, then the number, then who it is, then what it is about."""

    permission = "add_attempt"
    template_name = "admin/intake/callback_dial.html"
    title = _("Ring back")
    choose_label = _("Ring again %(time)s")
    STEPS: ClassVar[dict[str, Any]] = {
        "show": dialing.show_number,
        "identity": dialing.confirm_identity,
        "not_them": dialing.withdraw_identity,
        # The Enter key in a field presses the first button: it must do nothing.
        "keep": None,
    }

    def get_record(self, request: HttpRequest, object_id: str) -> Callback:
        """Without what the call is about: it is read once the person has said who they are."""
        if not self.model_admin.has_view_permission(request):
            raise Http404
        found = Callback.objects.select_related("person", "claimed_by").defer("reason")
        try:
            record = found.filter(pk=object_id).first()
        except ValidationError:
            record = None
        if record is None:
            raise Http404
        return record

    # --- What is pressed --------------------------------------------------------------------------

    def post(self, request: HttpRequest) -> HttpResponse:
        step = request.POST.get("step", "")
        return self.take(request, step) if step in self.STEPS else super().post(request)

    def take(self, request: HttpRequest, step: str) -> HttpResponse:
        """One step of the state machine. What was typed stays: it is judged with the outcome."""
        move = self.STEPS[step]
        try:
            if move is not None:
                move(callback=self.record, by=staff(request), now=timezone.now())
        except Refused as refusal:
            form = self.build_form(data=request.POST)
            form.fields["outcome"].required = False
            form.is_valid()
            form.add_error(None, refusal.message)
            return self.render(request, form)
        typed = {name: request.POST.get(name, "") for name in TYPED}
        if not any(typed.values()):
            return HttpResponseRedirect(self.model_admin.url(self.record, "dial"))
        return self.render(request, DialForm(initial=typed, zone=self.record.time_zone))

    def build_form(self, data: Any = None, **kwargs: Any) -> Any:
        if data is not None:
            data = data.dict()
            # A time that was offered is pressed for the outcome that was refused for want of one.
            data.setdefault("outcome", data.get("asked", "") if data.get("choose") else "")
        return DialForm(data=data, initial=self.initial(), zone=self.record.time_zone)

    def act(self, request: HttpRequest, form: DialForm, now: datetime) -> models.Model:
        told = form.cleaned_data
        by_mistake = told["outcome"] == BY_MISTAKE
        with self.keeping_offers():
            return attempts.record(
                callback=self.record,
                outcome=Outcome.VOICEMAIL_LEFT if by_mistake else told["outcome"],
                by_mistake=by_mistake,
                note=told["note"],
                again_at=told["due"],
                asked_outside_hours=told["asked_outside_hours"],
                shown_at=told["shown"],
                by=staff(request),
                now=now,
            )

    def done_url(self, done: models.Model | None) -> str:
        return self.model_admin.url(self.record, "dial")

    # --- What is shown ----------------------------------------------------------------------------

    def context(self, request: HttpRequest, form: Any) -> dict[str, Any]:
        now, user = timezone.now(), staff(request)
        callback = self.get_record(request, str(self.record.pk))
        is_mine = callback.is_open and callback.claimed_by_id == user.pk
        context = {
            # Pieces of the record, each when its step has come; never the record.
            "record": None,
            "reference": callback.reference,
            "their_now": their_time(now, callback.time_zone),
            "due_their_time": their_window(
                callback.due_at, callback.window_ends_at, callback.time_zone
            ),
            "pages": {
                page: self.model_admin.url(callback, page) for page in self.model_admin.pages
            },
            "asked": request.POST.get("outcome") or request.POST.get("asked", ""),
            "is_mine": is_mine,
            "has_typed": any(form[name].value() for name in TYPED),
        }
        if not is_mine:
            return context | _elsewhere(callback, user, now)
        is_held = claims.is_claimed(callback, now)
        context |= {
            "step": callback.step.value,
            "is_held": is_held,
            "danger": Outcome.DANGER_SUSPECTED.value,
        }
        if self.refused is not None:
            context |= self.opening_times((), callback.time_zone)
        if callback.step is Step.BRIEFING:
            return context | self._before(callback, now)
        context |= _ringing(callback, is_held=is_held)
        return context | self._talking(request, callback)

    def _before(self, callback: Callback, now: datetime) -> dict[str, Any]:
        """The briefing, and whether the number may be shown now."""
        context: dict[str, Any] = {"briefing": briefing.briefing(callback), "may_show": True}
        try:
            dialing.require_ringable(callback, now=now)
        except Refused as refusal:
            offers = getattr(refusal, "offers", None)
            context |= {"may_show": False, "why_not": refusal.message}
            if offers is not None:
                when = opening_times.suggestions(offers, callback.time_zone)
                context |= {"suggestions": when, "is_later": True}
        return context

    def _talking(self, request: HttpRequest, callback: Callback) -> dict[str, Any]:
        """Who we are and what it is about: only after they have said who they are."""
        if callback.step is not Step.TALKING:
            return {}
        call = callback.call
        return {
            "helpline_name": branding.current().name,
            "about": callback.reason,
            "who_for": callback.get_who_for_display(),
            "promised": their_time(callback.requested_at, callback.time_zone),
            "call": call.reference if call else "",
            "call_url": record_url(call) if call else "",
            "callback_url": self.model_admin.url(callback),
            "log_url": reverse("admin:intake_call_add")
            if self.model_admin.may(request, "add_call")
            else "",
        }


def _ringing(callback: Callback, *, is_held: bool) -> dict[str, Any]:
    """The number, while the claim lasts, and everything that can come of ringing it."""
    number = dialing.number_on_screen(callback) if is_held else ""
    return {
        "number": number,
        "number_shown": phones.national(number) if number else "",
        "shown_at": callback.number_shown_at.isoformat() if callback.number_shown_at else "",
        "rules": briefing.while_ringing(callback),
        "may_say": callback.person.may_say_who_is_calling,
        "may_leave_message": attempts.may_leave_message(callback),
        "theirs": briefing.asked_how(callback),
        "outcomes": _not_reached(callback),
    }


def _not_reached(callback: Callback) -> list[dict[str, str]]:
    """The buttons while it rings, in the order of ``rules.dialing``."""
    hints = {
        Outcome.NO_ANSWER: __("Or a machine, and you hung up"),
        Outcome.BUSY: __("The line is engaged"),
        Outcome.VOICEMAIL_LEFT: __("The neutral words, nothing else"),
        Outcome.WRONG_PERSON: __("Or they would not say who they are"),
    }
    return [
        {"value": outcome.value, "label": str(outcome.label), "hint": hint}
        for outcome, hint in hints.items()
        if outcome != Outcome.VOICEMAIL_LEFT or attempts.may_leave_message(callback)
    ]


def _elsewhere(callback: Callback, user: Any, now: datetime) -> dict[str, Any]:
    """It is not in this person's hands: what they did last follows, or who has it."""
    is_taken = claims.is_claimed(callback, now)
    context: dict[str, Any] = {
        "is_closed": not callback.is_pending,
        "waits_for_review": callback.is_pending and not callback.is_open,
        "status": callback.get_status_display(),
        "taken_by": callback.claimed_by.get_username() if is_taken and callback.claimed_by else "",
        "callback_url": record_url(callback),
    }
    latest = callback.attempts.order_by("-number").first()
    if latest is None or latest.made_by_id != user.pk or latest.made_at < now - REMEMBERED:
        return context
    return context | {"followed": _followed(callback, latest, now)}


def _followed(callback: Callback, latest: Attempt, now: datetime) -> dict[str, Any]:
    """What the page says after an outcome: what follows and when, in their time, and why."""
    step = attempts.what_follows(callback, now=now)
    tones = {Outcome.REACHED: "done", Outcome.DANGER_SUSPECTED: "danger"}
    followed: dict[str, Any] = {
        "outcome": latest.get_outcome_display(),
        "tone": tones.get(Outcome(latest.outcome), "info"),
        "reason": step.reason if step else "",
        "against_their_wish": latest.against_their_wish,
        "is_blocked": callback.closed_by_block_id is not None,
    }
    if callback.is_open:
        followed |= {
            "due_theirs": their_time(callback.due_at, callback.time_zone),
            "due_staff": staff_time(callback.due_at),
            "due_in": relative(callback.due_at, now),
            "owner": callback.owner.get_username() if callback.owner else "",
        }
    return followed
