"""Numbers nobody rings again: when, why and by whom. No number: there is none to show."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.translation import gettext as __
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from intake.actions import blocks
from intake.admin.base import HelplineAdmin, staff
from intake.admin.call_steps import record_url
from intake.admin.pages import ActionForm, ActionPage
from intake.admin.times import staff_time
from intake.models import BlockedNumber, Callback
from intake.typed_text import TypedChoiceField


class LiftForm(ActionForm):
    slip = TypedChoiceField(
        label=_("What the slip was"),
        choices=BlockedNumber.Slip.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Say what the slip was.")},
    )


class LiftPage(ActionPage):
    """A supervisor's correction; what somebody wanted holds for good."""

    permission = "lift_blockednumber"
    form_class = LiftForm
    title = _("Lift this block")
    intro = _(
        "Only if it was a slip. Whoever wanted no call is not rung again, whatever is asked for"
        " later. What the block ended stays ended, and is promised anew."
    )
    submit_label = _("Lift it")

    def act(self, request: HttpRequest, form: LiftForm, now: datetime) -> None:
        again = blocks.lift(
            block=self.record, slip=form.cleaned_data["slip"], by=staff(request), now=now
        )
        told = ngettext(
            "The block is lifted, and %(n)d callback is promised anew.",
            "The block is lifted, and %(n)d callbacks are promised anew.",
            len(again),
        )
        messages.success(request, told % {"n": len(again)})

    def context(self, request: HttpRequest, form: LiftForm) -> dict[str, Any]:
        return {"eyebrow": _reason(self.record), "is_closed": self.record.is_lifted}


@admin.register(BlockedNumber)
class BlockedNumberAdmin(HelplineAdmin):
    list_display = ("__str__", "blocked", "reason", "recorded_by", "state")
    list_filter = ("reason",)
    allowed_lookups = ("reason", "user", "blocked_at")
    list_select_related = ("user", "lifted_by")
    ordering = ("-blocked_at", "-id")
    dated = "blocked_at"
    sortable_by = ("blocked",)
    record_template = "admin/intake/block.html"
    pages = {"lift": LiftPage}

    @admin.display(description=_("blocked"), ordering="blocked_at")
    def blocked(self, record: BlockedNumber) -> str:
        return staff_time(record.blocked_at)

    @admin.display(description=_("recorded by"))
    def recorded_by(self, record: BlockedNumber) -> str:
        return record.user.get_username() if record.user else __("nobody: said by text")

    @admin.display(description=_("state"))
    def state(self, record: BlockedNumber) -> str:
        return __("lifted as a slip") if record.is_lifted else __("holds")

    def record_context(self, request: HttpRequest, record: BlockedNumber) -> dict[str, Any]:
        ended = Callback.objects.filter(closed_by_block=record).order_by("-due_at", "-id")
        return {
            "reason": _reason(record),
            "blocked": staff_time(record.blocked_at),
            "recorded_by": self.recorded_by(record),
            "lifted": staff_time(record.lifted_at) if record.lifted_at else "",
            "lifted_by": record.lifted_by.get_username() if record.lifted_by else "",
            "ended": [
                {
                    "reference": callback.reference,
                    "url": record_url(callback),
                    "status": callback.get_status_display(),
                }
                for callback in ended.defer("reason")[:50]
            ],
            "lift_url": self.url(record, "lift")
            if not record.is_lifted and self.may(request, "lift_blockednumber")
            else "",
        }


def _reason(record: BlockedNumber) -> str:
    return str(BlockedNumber.Reason(record.reason).label)
