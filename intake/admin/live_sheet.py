"""The call sheet with what the rules say of it at this moment; nothing is stored."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.http import HttpRequest

from intake.actions import safety
from intake.admin.base import staff
from intake.admin.filled_sheet import FilledSheet
from intake.models import Call
from intake.rules import safety as rules
from intake.rules.findings import Assessment
from intake.rules.safety import Exposure


@dataclass(frozen=True)
class LiveSheet:
    """A sheet with what the rules say of it now.

    ``rows``: each exposure with the number of its row on the page, counted from 0.
    ``assessment``: None while nothing was told. ``is_stored``: it is that of the stored screen.
    ``is_answered``: something was, so that saving the sheet will screen it.
    ``oob``: made for a live answer, not for the page itself.
    """

    request: HttpRequest
    user: User
    now: datetime
    call: Call
    sheet: FilledSheet
    rows: tuple[tuple[int, Exposure], ...] = ()
    assessment: Assessment | None = None
    is_answered: bool = False
    is_stored: bool = True
    oob: bool = False

    @property
    def exposures(self) -> tuple[Exposure, ...]:
        return tuple(exposure for _number, exposure in self.rows)

    @property
    def waits_for_action(self) -> bool:
        """A red flag, and nobody has recorded what was done about it."""
        stored = self.sheet.screen
        if self.is_stored:
            return stored is not None and stored.waits_for_action
        found = self.assessment
        if stored is not None and self.kept_level:
            return stored.waits_for_action
        if found is None or not found.red_flags:
            return False
        return stored is None or not safety.is_acted_on(found, after=stored)

    @property
    def kept_level(self) -> str:
        """The level staff had set and that outlives the answers told since; "" for none."""
        stored, found = self.sheet.screen, self.assessment
        if self.is_stored or stored is None or found is None or not stored.override_level:
            return ""
        return safety.raised_level(stored, over=found)

    @property
    def money_is_closed(self) -> str:
        """Why plan and facility may not be asked yet; "" when they may, once this is saved."""
        if self.waits_for_action:
            return safety.EmergencyFirst.default_message
        if self.sheet.screen is None and not self.is_answered:
            return safety.ScreenMissing.default_message
        return ""


def evaluated(
    request: HttpRequest, call: Call, sheet: FilledSheet, *, now: datetime, oob: bool = False
) -> LiveSheet:
    """The sheet under the rules: as stored where it was not sent, else as filled in."""
    told = sheet.rows_now()
    uses = [use for _number, use in told]
    exposures = safety.exposures(uses, now=now)
    answers = sheet.answers_now() if sheet.call.is_bound else None
    is_stored = not sheet.call.is_bound or sheet.is_heard(answers, uses)
    if is_stored:
        found = sheet.screen.result if sheet.screen else None
    elif answers or exposures:
        found = rules.assess(sheet.answers(), exposures)
    else:
        found = None
    return LiveSheet(
        request=request,
        user=staff(request),
        now=now,
        call=call,
        sheet=sheet,
        rows=tuple(zip((number for number, _use in told), exposures, strict=True)),
        assessment=found,
        is_answered=answers is not None,
        is_stored=is_stored,
        oob=oob,
    )
