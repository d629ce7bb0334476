"""The call sheet: one page in flow order, saved and screened in one transaction.

Every button of the page saves the whole sheet first and then does its own thing, so that nobody
loses what they typed by pressing the wrong one.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from intake.actions import calls, people, safety
from intake.actions.base import Refused
from intake.admin.base import HelplineAdmin, staff
from intake.admin.call_steps import money_is_closed, next_steps, steps
from intake.admin.earlier_calls import earlier_calls
from intake.admin.filled_sheet import FilledSheet
from intake.admin.safety_panel import (
    result_details,
    result_panel,
    safety_panel,
    screen_details,
    screen_panel,
    scripts,
    sheet_url,
)
from intake.admin.times import staff_time
from intake.models import Call, SafetyScreen
from intake.rules.safety import Group

# Insurance checks and referrals wait for the screen, and for an emergency to be dealt with.
GATED = ("insurance", "referral")
# The groups asked after the substances; danger comes before everything else.
LATER_GROUPS = (Group.AROUND, Group.HISTORY, Group.USE, Group.HEALTH)


def begun_call(request: HttpRequest, now: datetime) -> Call:
    """The call a posted add page speaks of.

    The page carries the id its call will have, so a second press of the button, or a posted page
    gone back to, finds the first one's call instead of logging another.
    """
    try:
        given = UUID(request.POST.get("call_id", ""))
    except ValueError:
        return Call(started_at=now)
    known = Call.objects.filter(pk=given).first()
    return known or Call(id=given, started_at=now)


class CallSheetPage:
    """The sheet of one open call, or of one not yet saved."""

    template_name = "admin/intake/call_sheet.html"

    def __init__(self, model_admin: HelplineAdmin, request: HttpRequest, call: Call) -> None:
        self.model_admin, self.request, self.call = model_admin, request, call
        self.user, self.now = staff(request), timezone.now()
        self.is_new = call._state.adding
        self.version = 0 if self.is_new else calls.sheet_version(call)

    # --- answering ------------------------------------------------------------------------------

    def get(self) -> HttpResponse:
        return self.render(FilledSheet(self.call, now=self.now))

    def post(self) -> HttpResponse:
        then = self.request.POST.get("then", "draft")
        self.version = self._posted_version()
        if then == "add_row":
            return self.render(FilledSheet(self.call, now=self.now, typed=self.request.POST))
        sheet = FilledSheet(self.call, now=self.now, data=self.request.POST)
        if not sheet.is_valid(then):
            return self.render(sheet, status=422)
        try:
            screen = self.store(sheet, then)
        except Refused as refusal:
            if isinstance(refusal, calls.SheetChanged):
                # Now they know; the next press may replace it.
                self.version = calls.sheet_version(self.call)
            self.call._state.adding = self.is_new
            sheet.refusals.append(refusal.message)
            return self.render(sheet, status=422)
        except IntegrityError:
            if not self.is_new:
                raise
            # Both presses of a double click arrived at once: the other one logged the call.
            first = Call.objects.get(pk=self.call.pk)
            return CallSheetPage(self.model_admin, self.request, first).post()
        return self.go_on(then, sheet, screen)

    def _posted_version(self) -> int:
        text = self.request.POST.get("version", "")
        posted = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1
        if posted == 0 and not self.is_new and self.call.taken_by == self.user:
            return 1
        return posted

    @transaction.atomic
    def store(self, sheet: FilledSheet, then: str) -> SafetyScreen | None:
        """Sheet, screen and what was done about it: all or nothing. Returns a new screen."""
        filled = sheet.filled_in(self.version)
        by, now = self.user, self.now
        call = calls.save_sheet(sheet=filled, by=by, now=now)
        if filled.caller is not None and sheet.caller.asks_to_be_blocked:
            people.block_number(person=filled.caller, reason="asked", by=by, now=now)
        screen = None
        if sheet.is_to_be_screened(then):
            answers = sheet.answers()
            screen = safety.evaluate(call=call, answers=answers, by=by, now=now)
        if then == "acted":
            current = screen or safety.current(call=call)
            if current is None:
                raise safety.ScreenMissing
            action = sheet.acted.cleaned_data["action_taken"]
            safety.record_action(screen=current, action=action, by=by, now=now)
        return screen

    def go_on(self, then: str, sheet: FilledSheet, screen: SafetyScreen | None) -> HttpResponse:
        """Do what the button says, after the sheet is saved."""
        if then == "close":
            return self.close(sheet.closing.cleaned_data["disposition"])
        if then in GATED and (closed := money_is_closed(self.call)):
            messages.warning(self.request, closed)
            return HttpResponseRedirect(f"{sheet_url(self.call)}#danger")
        if then in self.model_admin.pages:
            return HttpResponseRedirect(self.model_admin.url(self.call, then))
        current = safety.current(call=self.call)
        if then == "override" and current is not None:
            return HttpResponseRedirect(
                reverse("admin:intake_safetyscreen_override", args=[current.pk])
            )
        if then == "screened" and current is None:
            messages.warning(
                self.request,
                _("Saved, but not screened: answer a question, or skip with a reason."),
            )
        else:
            messages.success(self.request, _("Saved."))
        place = "#found" if screen else ""
        if current is not None and current.waits_for_action:
            place = "#emergency"
        return HttpResponseRedirect(sheet_url(self.call) + place)

    def close(self, disposition: str) -> HttpResponse:
        # What was typed and found is kept even where the call may not be closed yet.
        try:
            calls.close(call=self.call, disposition=disposition, by=self.user, now=self.now)
        except Refused as refusal:
            messages.error(
                self.request, _("Saved, but not closed. %(why)s") % {"why": refusal.message}
            )
        else:
            messages.success(self.request, _("Saved and closed."))
        return HttpResponseRedirect(sheet_url(self.call))

    # --- showing --------------------------------------------------------------------------------

    def render(self, sheet: FilledSheet, status: int = 200) -> HttpResponse:
        call = self.call
        if not self.is_new:
            self.model_admin.audit_read(self.request, call)
        context = {
            **self.model_admin.admin_site.each_context(self.request),
            "opts": self.model_admin.opts,
            "title": _("Log a call") if self.is_new else str(call),
            "eyebrow": self._eyebrow(),
            "record": None if self.is_new else call,
            "history_url": "" if self.is_new else self.model_admin.url(call, "history"),
            "call_id": call.pk,
            "version": self.version,
            "sheet": sheet,
            "danger_now": sheet.questions.group(Group.DANGER_NOW),
            "later_groups": [(group.label, sheet.questions.group(group)) for group in LATER_GROUPS],
            "problems": list(sheet.problems()) if status == 422 else [],
            "steps": steps(call, here="call"),
            "next_steps": next_steps(call, now=self.now),
            "earlier": earlier_calls(call, by=self.user, now=self.now),
            **self._findings(sheet, is_refused=status == 422),
        }
        return TemplateResponse(self.request, self.template_name, context, status=status)

    def _eyebrow(self) -> str:
        if self.is_new:
            return staff_time(self.now)
        return _("Started %(time)s, taken by %(who)s") % {
            "time": staff_time(self.call.started_at),
            "who": self.call.taken_by.get_username(),
        }

    def _findings(self, sheet: FilledSheet, *, is_refused: bool) -> dict[str, Any]:
        """Panel, findings and scripts: of the stored screen, or of answers just refused."""
        if is_refused and (found := sheet.provisional()):
            unsaved, exposures = found
            return {
                "safety": _brief(result_panel(unsaved) | {"screened_text": _("Not saved yet.")}),
                "found": result_details(unsaved, exposures),
                "scripts": scripts(unsaved) if unsaved.is_emergency else [],
                "is_provisional": True,
            }
        screen = None if self.is_new else safety.current(call=self.call)
        if screen is None:
            return {"safety": screen_panel(None)}
        result = screen.result
        waits = screen.waits_for_action
        return {
            "safety": _brief(safety_panel(self.call)),
            "found": screen_details(screen),
            "screen": screen,
            "scripts": scripts(result) if waits and result else [],
            "waits": waits,
        }


def _brief(panel: dict[str, Any]) -> dict[str, Any]:
    """The panel beside findings that stand there in full: without their sources."""
    found = [row | {"source": ""} for row in panel.get("findings", ())]
    return panel | {"findings": found}
