"""What the phone system told us and what came of it; the texts that went out. No number anywhere."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db import models
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from intake.actions import phone_events
from intake.admin.base import HelplineAdmin, staff
from intake.admin.call_steps import record_url
from intake.admin.pages import ActionForm, ActionPage
from intake.admin.times import staff_time
from intake.models import PhoneEvent, TextMessage, TextStop

# What a person does about an event that the program does not decide.
TO_DO = {
    PhoneEvent.Result.WANTS_NO_CALLS: _(
        "A text from this number asks for no calls. Texts to it have ended. An open callback stands"
        " until you decide: cancel it, or mark the person as never to be called."
    ),
    PhoneEvent.Result.TEXT_TO_READ: _(
        "Texts are not kept here. Read it in the phone system: somebody may be asking for help who"
        " cannot speak."
    ),
}


class LookedAtPage(ActionPage):
    """Somebody took it in hand: it leaves the desk."""

    permission = "change_phoneevent"
    title = _("Mark this as looked at")
    submit_label = _("I have looked at it")

    def act(self, request: HttpRequest, form: ActionForm, now: datetime) -> None:
        phone_events.mark_looked_at(event=self.record, by=staff(request), now=now)

    def done_url(self, done: models.Model | None) -> str:
        return reverse("admin:index")

    def context(self, request: HttpRequest, form: ActionForm) -> dict[str, Any]:
        return {
            "eyebrow": self.record.get_result_display(),
            "intro": TO_DO.get(self.record.result, ""),
            "is_closed": not self.record.waits_for_somebody,
        }


@admin.register(PhoneEvent)
class PhoneEventAdmin(HelplineAdmin):
    list_display = ("__str__", "received", "kind", "result", "callback", "looked_by")
    list_filter = ("result", "kind")
    allowed_lookups = ("kind", "result", "callback", "received_at")
    list_select_related = ("callback", "looked_by")
    dated = "received_at"
    on_top = Q(result__in=PhoneEvent.TO_DECIDE, looked_at=None)
    ordering = ("-received_at", "-id")
    sortable_by = ("received",)
    record_template = "admin/intake/phone_event.html"
    pages = {"looked_at": LookedAtPage}

    @admin.display(description=_("received"), ordering="received_at")
    def received(self, record: PhoneEvent) -> str:
        return staff_time(record.received_at)

    def record_context(self, request: HttpRequest, record: PhoneEvent) -> dict[str, Any]:
        callback = record.callback
        return {
            "occurred": staff_time(record.occurred_at),
            "received": staff_time(record.received_at),
            "looked": staff_time(record.looked_at) if record.looked_at else "",
            "looked_by": record.looked_by.get_username() if record.looked_by else "",
            "to_do": TO_DO.get(PhoneEvent.Result(record.result), ""),
            "looked_url": (
                self.url(record, "looked_at")
                if record.waits_for_somebody and self.may(request, "change_phoneevent")
                else ""
            ),
            "callback": callback,
            "callback_url": record_url(callback) if callback else "",
        }


@admin.register(TextMessage)
class TextMessageAdmin(HelplineAdmin):
    list_display = ("__str__", "tried", "reminder", "outcome", "code", "wording")
    list_filter = ("outcome",)
    allowed_lookups = ("outcome", "reminder")
    list_select_related = ("reminder",)
    ordering = ("-id",)

    @admin.display(description=_("tried"))
    def tried(self, record: TextMessage) -> str:
        return staff_time(record.tried_at)


@admin.register(TextStop)
class TextStopAdmin(HelplineAdmin):
    list_display = ("__str__", "person", "stopped", "lifted_at")
    allowed_lookups = ("person",)
    list_select_related = ("person",)
    ordering = ("-id",)

    @admin.display(description=_("stopped"))
    def stopped(self, record: TextStop) -> str:
        return staff_time(record.stopped_at)
