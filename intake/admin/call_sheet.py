"""The call sheet: one page in flow order, saved and screened in one transaction.

Every button of the page saves the whole sheet first and then does its own thing, so that nobody
loses what they typed by pressing the wrong one.
"""

from typing import Any

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from intake.actions import blocks, calls, debriefs, drafts, events, people, safety
from intake.actions.base import Refused
from intake.admin.base import HelplineAdmin, staff
from intake.admin.call_drafts import (
    as_posted,
    brought_back,
    posted_version,
    typed_by_another,
    unfinished,
)
from intake.admin.call_live import ended_now, parts
from intake.admin.call_steps import money_is_closed, steps
from intake.admin.filled_sheet import FilledSheet
from intake.admin.known_caller import for_sheet
from intake.admin.live_sheet import LiveSheet, evaluated
from intake.admin.safety_panel import sheet_url
from intake.admin.sheet_differences import saved_otherwise
from intake.admin.times import staff_time
from intake.models import Call, Debrief, SafetyScreen
from intake.rules.safety import Group

# Insurance checks and referrals wait for the screen, and for an emergency to be dealt with.
GATED = ("insurance", "referral")
# The groups asked after the substances; danger comes before everything else.
LATER_GROUPS = (Group.AROUND, Group.HISTORY, Group.USE, Group.HEALTH)
TYPED_BY_ANOTHER = _lazy(
    "This page was typed by somebody else, who has to log in to save it. Nothing was saved."
)


def has_debrief(call: Call) -> bool:
    """Whether somebody asked to talk this call over."""
    return Debrief.objects.filter(call=call).exists()


class CallSheetPage:
    """The sheet of one open call, or of one not yet saved."""

    template_name = "admin/intake/call_sheet.html"

    def __init__(self, model_admin: HelplineAdmin, request: HttpRequest, call: Call) -> None:
        self.model_admin, self.request, self.call = model_admin, request, call
        self.user, self.now = staff(request), timezone.now()
        self.is_new = call._state.adding
        self.brought_back: dict[str, Any] = {}
        self.version = 0 if self.is_new else calls.sheet_version(call)

    # --- answering ------------------------------------------------------------------------------

    def get(self) -> HttpResponse:
        draft = drafts.mine(call_key=self.call.pk, by=self.user)
        if draft is None:
            return self.render(FilledSheet(self.call, now=self.now))
        events.write("draft.brought_back", by=self.user, now=self.now, subject=draft)
        self.brought_back = brought_back(draft, self.call)
        self.version = draft.version
        return self.show_typed(as_posted(draft))

    def post(self) -> HttpResponse:
        then = self.request.POST.get("then", "draft")
        self.version = self._posted_version()
        if then == "add_row":
            return self.show_typed(self.request.POST)
        data = ended_now(self.request.POST, self.now) if then == "ended" else self.request.POST
        sheet = FilledSheet(self.call, now=self.now, data=data)
        if typed_by_another(self.request):
            sheet.refusals.append(str(TYPED_BY_ANOTHER))
            return self.render(sheet, status=422)
        if not sheet.is_valid(then):
            return self.render(sheet, status=422)
        try:
            screen = self.store(sheet, then)
        except Refused as refusal:
            if isinstance(refusal, calls.SheetChanged):
                # Now they know; the next press may replace it.
                self.version = calls.sheet_version(self.call)
                sheet.refusals.extend([refusal.message, *self.saved_meanwhile(sheet)])
            else:
                sheet.refusals.append(refusal.message)
            self.call._state.adding = self.is_new
            return self.render(sheet, status=422)
        except IntegrityError:
            if not self.is_new:
                raise
            # Both presses of a double click arrived at once: the other one logged the call.
            first = Call.objects.get(pk=self.call.pk)
            return CallSheetPage(self.model_admin, self.request, first).post()
        return self.go_on(then, sheet, screen)

    def show_typed(self, typed: QueryDict) -> HttpResponse:
        """What was typed, unchecked, with what the rules say of it."""
        checked = FilledSheet(self.call, now=self.now, data=typed)
        live = evaluated(self.request, self.call, checked, now=self.now)
        return self.render(FilledSheet(self.call, now=self.now, typed=typed), live=live)

    def _posted_version(self) -> int:
        posted = posted_version(self.request)
        if posted == 0 and not self.is_new and self.call.taken_by == self.user:
            return 1
        return posted

    def saved_meanwhile(self, sheet: FilledSheet) -> list[str]:
        """What is stored and stands otherwise on this page, to be read before it is replaced."""
        stored = Call.objects.get(pk=self.call.pk)
        return list(saved_otherwise(sheet, FilledSheet(stored, now=self.now)))

    @transaction.atomic
    def store(self, sheet: FilledSheet, then: str) -> SafetyScreen | None:
        """Sheet, screen and what was done about it: all or nothing. Returns a new screen."""
        filled = sheet.filled_in(self.version)
        by, now = self.user, self.now
        to_block = filled.caller if sheet.caller.asks_to_be_blocked else None
        if to_block is not None and to_block.number:
            # Before the people, as on the dial screen: two orders would deadlock.
            blocks.hold(to_block.number)
        call = calls.save_sheet(sheet=filled, by=by, now=now)
        if to_block is not None:
            people.block_number(person=to_block, reason="asked", by=by, now=now)
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
        if sheet.closing.cleaned_data["wants_debrief"] and not has_debrief(call):
            debriefs.ask(call=call, by=by, now=now)
        drafts.was_saved(call_key=call.pk, by=by)
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

    def render(
        self, sheet: FilledSheet, status: int = 200, *, live: LiveSheet | None = None
    ) -> HttpResponse:
        """``live``: where the rules have heard more than ``sheet`` itself can tell."""
        call = self.call
        if not self.is_new:
            self.model_admin.audit_read(self.request, call)
        live = live or evaluated(self.request, call, sheet, now=self.now)
        context = {
            **self.model_admin.admin_site.each_context(self.request),
            "opts": self.model_admin.opts,
            "title": _("Log a call") if self.is_new else str(call),
            "eyebrow": self._eyebrow(),
            "record": None if self.is_new else call,
            "history_url": "" if self.is_new else self.model_admin.url(call, "history"),
            "call_id": call.pk,
            "version": self.version,
            # Whoever typed it, should somebody else have signed in meanwhile.
            "typed_by": self.request.POST.get("typed_by") or self.user.pk,
            "brought_back": self.brought_back,
            # Typed and not stored: a refused sheet, or one with a row more.
            "is_typed": self.request.method == "POST",
            "unfinished": unfinished(self.user, but=call) if self.is_new else [],
            "has_debrief": not self.is_new and has_debrief(call),
            "sheet": sheet,
            "live": live,
            "parts": parts(live),
            "danger_now": sheet.questions.group(Group.DANGER_NOW),
            "later_groups": [(group.label, sheet.questions.group(group)) for group in LATER_GROUPS],
            "problems": list(sheet.problems()) if status == 422 else [],
            "steps": steps(call, here="call"),
            **for_sheet(sheet, by=self.user, now=self.now),
        }
        return TemplateResponse(self.request, self.template_name, context, status=status)

    def _eyebrow(self) -> str:
        if self.is_new:
            return staff_time(self.now)
        return _("Started %(time)s, taken by %(who)s") % {
            "time": staff_time(self.call.started_at),
            "who": self.call.taken_by.get_username(),
        }
