"""Pages that take a callback, give it back, and hand it to somebody else."""

from contextlib import suppress
from datetime import datetime
from typing import Any, cast

from django import forms
from django.contrib.auth.models import User
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from intake.actions import callbacks
from intake.admin.base import staff
from intake.admin.callback_pages import who_rings
from intake.admin.pages import ActionForm, ActionPage
from intake.models import Callback
from intake.typed_text import TypedChoiceField


class ClaimPage(ActionPage):
    """Take it, then ring: the dial page follows."""

    permission = "change_callback"
    title = _("Claim this callback")
    intro = _("Nobody else can ring this person while you have it.")
    submit_label = _("Claim and ring")

    def act(self, request: HttpRequest, form: Any, now: datetime) -> None:
        # A second press of the same hand leads on, like the first.
        with suppress(callbacks.CallbackAlreadyYours):
            callbacks.claim(callback=self.record, by=staff(request), now=now)

    def done_url(self, done: models.Model | None) -> str:
        return self.model_admin.url(self.record, "dial")


class ReleasePage(ActionPage):
    permission = "change_callback"
    title = _("Give this callback back")
    submit_label = _("Give it back")
    done_message = _("The callback is free for others again.")

    def act(self, request: HttpRequest, form: Any, now: datetime) -> None:
        callbacks.release(callback=self.record, by=staff(request), now=now)


class HandOverForm(ActionForm):
    to = forms.ModelChoiceField(
        label=_("Who rings instead"),
        queryset=User.objects.none(),
        required=False,
        empty_label=_("The pool: whoever is free"),
    )
    reason = TypedChoiceField(
        label=_("Why"), choices=Callback.HandOverReason.choices, widget=forms.RadioSelect
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("forms.ModelChoiceField[User]", self.fields["to"]).queryset = who_rings()


class HandOverPage(ActionPage):
    """To a colleague, or back to the pool; the audit keeps why."""

    permission = "change_callback"
    form_class = HandOverForm
    title = _("Hand this callback over")
    intro = _("It is theirs from then on, and on their desk. Your claim ends.")
    submit_label = _("Hand it over")
    done_message = _("The callback was handed over.")

    def act(self, request: HttpRequest, form: HandOverForm, now: datetime) -> None:
        callbacks.hand_over(
            callback=self.record,
            to=form.cleaned_data["to"],
            reason=form.cleaned_data["reason"],
            by=staff(request),
            now=now,
        )

    def done_url(self, done: models.Model | None) -> str:
        return reverse("admin:index")

    def context(self, request: HttpRequest, form: HandOverForm) -> dict[str, Any]:
        return {"eyebrow": self.record.reference}
