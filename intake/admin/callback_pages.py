"""Pages that promise, ring, move and end a callback."""

from datetime import datetime, timedelta
from typing import Any, cast

from django import forms
from django.contrib.auth.models import User
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from intake.actions import attempts, callbacks, notices, safety
from intake.admin.base import staff
from intake.admin.call_steps import record_url, steps
from intake.admin.pages import ActionForm, ActionPage
from intake.admin.safety_panel import safety_panel
from intake.admin.times import their_time
from intake.models import Attempt, Call, Callback, Person
from intake.rules import hours, phones, retries
from intake.typed_text import TypedCharField, TypedDateTimeField


def zone_name(person: Person) -> str:
    """The zone in which times with this person are written."""
    return person.time_zone or hours.UNKNOWN_PLACE_ZONE


def suggestions(person: Person, after: datetime) -> list[dict[str, Any]]:
    """The next stretches in which this person may be rung, each with its reason."""
    rule = callbacks.calling_rule(person)
    openings = hours.next_allowed(after, rule)
    zone = zone_name(person)
    return [
        {
            "from": their_time(opening.at, zone),
            "until": their_time(opening.until, zone),
            "reason": hours.allowed(opening.at, rule).reason,
        }
        for opening in openings
    ]


def who_rings() -> QuerySet[User]:
    """Whoever takes calls, and may be given a promise to keep."""
    roles = ["Agent", "Supervisor"]
    return (
        User.objects.filter(is_active=True, groups__name__in=roles).distinct().order_by("username")
    )


class WhenForm(ActionForm):
    """A moment in the person's own time; typed as their clock shows it."""

    due = TypedDateTimeField(label=_("When, in their time"))
    asked_outside_hours = forms.BooleanField(
        label=_("They asked for this very time themselves, outside calling hours"),
        required=False,
    )

    def __init__(self, *args: Any, zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        due = cast("TypedDateTimeField", self.fields["due"])
        due.time_zone = zone
        due.help_text = _("Their clock: %(zone)s.") % {"zone": zone.replace("_", " ")}


class PromiseForm(WhenForm):
    urgency = forms.ChoiceField(
        label=_("Urgency"),
        choices=Callback.Urgency.choices,
        initial=Callback.Urgency.ROUTINE,
        widget=forms.RadioSelect,
    )
    owner = forms.ModelChoiceField(
        label=_("Who rings"),
        queryset=User.objects.none(),
        required=False,
        empty_label=_("The pool: whoever is free"),
    )
    reason = TypedCharField(
        label=_("What it is about"),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    field_order = ("due", "asked_outside_hours", "urgency", "owner", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        owner = cast("forms.ModelChoiceField[User]", self.fields["owner"])
        owner.queryset = who_rings()


class PromisePage(ActionPage):
    """From a call: promise to ring its caller back."""

    permission = "add_callback"
    form_class = PromiseForm
    template_name = "admin/intake/callback_promise.html"
    title = _("Promise a callback")
    intro = _("The time is theirs, not ours. They may only be rung inside the hours shown.")
    submit_label = _("Promise it")
    done_message = _("The callback is promised.")

    @property
    def person(self) -> Person:
        person = self.record.caller or self.record.person_in_need
        if person is None:
            raise callbacks.NoNumber
        return person  # type: ignore[no-any-return]

    def build_form(self, **kwargs: Any) -> Any:
        person = self.record.caller or self.record.person_in_need
        zone = zone_name(person) if person else hours.UNKNOWN_PLACE_ZONE
        return PromiseForm(initial=self.initial(), zone=zone, **kwargs)

    def initial(self) -> dict[str, Any]:
        person = self.record.caller or self.record.person_in_need
        if person is None:
            return {}
        openings = hours.next_allowed(
            timezone.now() + timedelta(hours=1), callbacks.calling_rule(person), n=1
        )
        screen = safety.current(call=self.record)
        return {
            "due": openings[0].at if openings else None,
            "urgency": retries.urgency_after(screen.effective_level if screen else ""),
            "owner": self.request.user.pk,
            "reason": ", ".join(str(Call.Topic(topic).label) for topic in self.record.topics),
        }

    def act(self, request: HttpRequest, form: Any, now: datetime) -> models.Model:
        told = form.cleaned_data
        return callbacks.promise(
            person=self.person,
            call=self.record,
            due_at=told["due"],
            urgency=told["urgency"],
            owner=told["owner"],
            reason=told["reason"],
            asked_outside_hours=told["asked_outside_hours"],
            by=staff(request),
            now=now,
        )

    def done_url(self, done: models.Model | None) -> str:
        return record_url(done or self.record)

    def context(self, request: HttpRequest, form: Any) -> dict[str, Any]:
        person = self.record.caller or self.record.person_in_need
        return {
            "eyebrow": self.record.reference,
            "steps": steps(self.record, here="callback"),
            "safety": safety_panel(self.record),
            "aside_template": "admin/intake/_safety_panel.html",
            "person": person,
            "suggestions": suggestions(person, timezone.now()) if person else [],
        }


class AttemptForm(WhenForm):
    """How the try ended. Identity comes before anything is told."""

    outcome = forms.ChoiceField(
        label=_("How did it end?"), choices=Attempt.Outcome.choices, widget=forms.RadioSelect
    )
    identity_confirmed = forms.BooleanField(
        label=_("They confirmed who they are before anything was told"), required=False
    )
    note = TypedCharField(
        label=_("Note"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )
    field_order = ("identity_confirmed", "outcome", "due", "asked_outside_hours", "note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["due"].required = False
        self.fields["due"].label = _("Ring again at, in their time")


class DialPage(ActionPage):
    """What may be said comes first, then the number, then how it ended."""

    permission = "add_attempt"
    template_name = "admin/intake/callback_dial.html"
    title = _("Ring back")
    submit_label = _("Record this attempt")
    done_message = _("The attempt is recorded.")

    def build_form(self, **kwargs: Any) -> Any:
        return AttemptForm(initial=self.initial(), zone=self.record.time_zone, **kwargs)

    def act(self, request: HttpRequest, form: Any, now: datetime) -> models.Model:
        told = form.cleaned_data
        return attempts.record(
            callback=self.record,
            outcome=told["outcome"],
            identity_confirmed=told["identity_confirmed"],
            note=told["note"],
            again_at=told["due"],
            asked_outside_hours=told["asked_outside_hours"],
            by=staff(request),
            now=now,
        )

    def context(self, request: HttpRequest, form: Any) -> dict[str, Any]:
        callback: Callback = self.record
        person = callback.person
        now = timezone.now()
        made = list(callback.attempts.values_list("made_at", flat=True))
        rule = callbacks.calling_rule(person, asked_outside_hours=callback.asked_outside_hours)
        decision = hours.allowed(now, rule, attempts=made)
        is_mine = callback.is_open and callback.claimed_by_id == staff(request).pk
        is_shown = is_mine and decision.ok and bool(person.phone) and not person.do_not_call
        number = str(person.phone) if is_shown else ""
        return {
            "person": person,
            "decision": decision,
            "suggestions": [] if decision.ok else suggestions(person, now),
            "is_mine": is_mine,
            "is_closed": not is_mine,
            "number": number,
            "number_shown": phones.national(number) if number else "",
            "their_now": their_time(now, callback.time_zone),
            "due_their_time": their_time(callback.due_at, callback.time_zone),
        }


class ReschedulePage(ActionPage):
    permission = "change_callback"
    template_name = "admin/intake/callback_promise.html"
    title = _("Move this callback")
    intro = _("Its reminders move with it.")
    submit_label = _("Move it")
    done_message = _("The callback was moved.")

    def build_form(self, **kwargs: Any) -> Any:
        return WhenForm(initial=self.initial(), zone=self.record.time_zone, **kwargs)

    def initial(self) -> dict[str, Any]:
        return {"due": self.record.due_at}

    def act(self, request: HttpRequest, form: Any, now: datetime) -> None:
        callbacks.reschedule(
            callback=self.record,
            due_at=form.cleaned_data["due"],
            asked_outside_hours=form.cleaned_data["asked_outside_hours"],
            by=staff(request),
            now=now,
        )

    def context(self, request: HttpRequest, form: Any) -> dict[str, Any]:
        return {
            "person": self.record.person,
            "suggestions": suggestions(self.record.person, timezone.now()),
        }


class CancelPage(ActionPage):
    permission = "change_callback"
    title = _("Cancel this callback")
    intro = _("Only because the person wants it. Nobody will ring them about it.")
    submit_label = _("Cancel the callback")
    done_message = _("The callback is cancelled.")

    def act(self, request: HttpRequest, form: Any, now: datetime) -> None:
        callbacks.cancel(callback=self.record, by=staff(request), now=now)

    def context(self, request: HttpRequest, form: Any) -> dict[str, Any]:
        return {"danger": True}


class SeenPage(ActionPage):
    """A notice read: it leaves the desk."""

    permission = "change_notice"
    title = _("Mark this reminder as seen")
    submit_label = _("Seen")

    def act(self, request: HttpRequest, form: Any, now: datetime) -> None:
        notices.mark_seen(notice=self.record, by=staff(request), now=now)

    def done_url(self, done: models.Model | None) -> str:
        return reverse("admin:index")


CALL_PAGES: dict[str, type[ActionPage]] = {"callback": PromisePage}
