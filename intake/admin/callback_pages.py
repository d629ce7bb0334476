"""Pages that promise, move and end a callback."""

from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, cast

from django import forms
from django.contrib.auth.models import User
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from intake.actions import callbacks, calling_hours, notices, safety
from intake.actions.calling_hours import Offer
from intake.admin import opening_times
from intake.admin.base import staff
from intake.admin.call_steps import record_url, steps
from intake.admin.opening_times import WhenForm, WhenPage, next_minute
from intake.admin.pages import ActionPage
from intake.admin.safety_panel import safety_panel
from intake.models import Call, Callback, Person
from intake.rules import hours, retries
from intake.typed_text import TypedCharField


def zone_name(person: Person) -> str:
    """The zone in which times with this person are written."""
    return person.time_zone or hours.UNKNOWN_PLACE_ZONE


def suggestions(person: Person, after: datetime) -> list[dict[str, str]]:
    """The next stretches in which this person may be rung, each with its reason."""
    return opening_times.suggestions(calling_hours.offers(person, after), zone_name(person))


def who_rings() -> QuerySet[User]:
    """Whoever takes calls, and may be given a promise to keep."""
    roles = ["Agent", "Supervisor"]
    return (
        User.objects.filter(is_active=True, groups__name__in=roles).distinct().order_by("username")
    )


def _soonest() -> datetime:
    """Nobody needs a promise for what is done at once."""
    return timezone.now() + timedelta(hours=1)


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


class PromisePage(WhenPage):
    """From a call: promise to ring its caller back."""

    permission = "add_callback"
    form_class = PromiseForm
    template_name = "admin/intake/callback_promise.html"
    title = _("Promise a callback")
    intro = _("The time is theirs, not ours. They may only be rung inside the hours shown.")
    submit_label = _("Promise it")
    done_message = _("The callback is promised.")
    choose_label = _("Promise %(time)s")

    @property
    def person(self) -> Person | None:
        return self.record.caller or self.record.person_in_need  # type: ignore[no-any-return]

    @cached_property
    def offers(self) -> list[Offer]:
        return calling_hours.offers(self.person, _soonest()) if self.person else []

    def build_form(self, **kwargs: Any) -> Any:
        zone = zone_name(self.person) if self.person else hours.UNKNOWN_PLACE_ZONE
        return PromiseForm(initial=self.initial(), zone=zone, **kwargs)

    def initial(self) -> dict[str, Any]:
        if self.person is None:
            return {}
        screen = safety.current(call=self.record)
        return {
            "due": next_minute(self.offers[0].at) if self.offers else None,
            "urgency": retries.urgency_after(screen.effective_level if screen else ""),
            "owner": self.request.user.pk,
            "reason": ", ".join(str(Call.Topic(topic).label) for topic in self.record.topics),
        }

    def act(self, request: HttpRequest, form: Any, now: datetime) -> models.Model:
        if self.person is None:
            raise callbacks.NoNumber
        told = form.cleaned_data
        with self.keeping_offers():
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
        zone = zone_name(self.person) if self.person else hours.UNKNOWN_PLACE_ZONE
        return {
            "eyebrow": self.record.reference,
            "steps": steps(self.record, here="callback"),
            "safety": safety_panel(self.record),
            "aside_template": "admin/intake/_safety_panel.html",
            "person": self.person,
            "form_template": "admin/intake/_when_form.html",
            **self.opening_times(self.offers, zone),
        }


class ReschedulePage(WhenPage):
    permission = "change_callback"
    template_name = "admin/intake/callback_promise.html"
    title = _("Move this callback")
    intro = _("Its reminders move with it.")
    submit_label = _("Move it")
    done_message = _("The callback was moved.")
    choose_label = _("Move it to %(time)s")

    def build_form(self, **kwargs: Any) -> Any:
        return WhenForm(initial=self.initial(), zone=self.record.time_zone, **kwargs)

    def initial(self) -> dict[str, Any]:
        return {"due": self.record.due_at}

    def act(self, request: HttpRequest, form: Any, now: datetime) -> None:
        with self.keeping_offers():
            callbacks.reschedule(
                callback=self.record,
                due_at=form.cleaned_data["due"],
                asked_outside_hours=form.cleaned_data["asked_outside_hours"],
                by=staff(request),
                now=now,
            )

    def context(self, request: HttpRequest, form: Any) -> dict[str, Any]:
        offers = calling_hours.offers_for(self.record, _soonest())
        return {
            "person": self.record.person,
            "form_template": "admin/intake/_when_form.html",
            **self.opening_times(offers, self.record.time_zone),
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
