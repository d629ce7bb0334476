"""The rows behind a number: the very records a figure counted, so that it can be checked."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, QuerySet
from django.utils.translation import gettext_lazy as _

from intake.models import Call, Callback
from intake.reports import callbacks, calls, funnel, safety
from intake.reports.figures import Text
from intake.reports.period import Period


@dataclass(frozen=True)
class Behind:
    """A heading and the query; ``model`` says which records it gives."""

    title: Text
    find: Callable[[Period, datetime], QuerySet[Any]]
    model: type[Call] | type[Callback] = Call


def _calls(title: Text, find: Callable[[Period], QuerySet[Call]]) -> Behind:
    return Behind(title, lambda period, now: find(period).order_by("started_at", "pk"))


def _callbacks(title: Text, find: Callable[..., QuerySet[Callback]]) -> Behind:
    return Behind(
        title, lambda period, now: find(period, now=now).order_by(F("deadline"), "pk"), Callback
    )


def _outcome(outcome: str) -> Behind:
    def find(period: Period, *, now: datetime) -> QuerySet[Callback]:
        return callbacks.with_outcome(outcome, period, now=now)

    return _callbacks(callbacks.OUTCOME_TITLES[outcome], find)


def _stage(title: Text, stage: str) -> Behind:
    return _calls(title, lambda period: funnel.reaching(stage, period))


BEHIND: dict[str, Behind] = {
    "service_calls": _calls(_("Service calls"), calls.service_calls),
    "non_service_calls": _calls(_("Calls that were not service calls"), calls.non_service_calls),
    "wrap_up_timed": _calls(_("Calls with a wrap-up time"), calls.wrap_up_timed),
    "screened": _calls(_("Service calls with the safety screen complete"), safety.screened),
    "unscreened": _calls(_("Service calls without a complete safety screen"), safety.unscreened),
    "skipped": _calls(_("Service calls whose screen was skipped"), safety.skipped),
    "safety_first": _calls(
        _("Calls screened before their insurance check"), safety.safety_came_first
    ),
    "money_first": _calls(
        _("Calls with an insurance check before a screen"), safety.money_came_first
    ),
    "red_flags": _calls(_("Calls with a red flag"), safety.with_red_flag),
    "red_flags_open": _calls(
        _("Calls with a red flag and no action after it"), safety.red_flag_without_action
    ),
    **{f"callbacks_{outcome}": _outcome(outcome) for outcome in callbacks.OUTCOMES},
    "callbacks_overdue": _callbacks(
        _("Callbacks overdue: nobody has tried yet"), callbacks.overdue
    ),
    "reached": _callbacks(_("Callbacks closed as reached"), callbacks.reached),
    "reached_soon": _callbacks(
        _("Callbacks reached in at most three attempts"), callbacks.reached_soon
    ),
    "not_reached_soon": _callbacks(
        _("Callbacks closed and not reached in three attempts"), callbacks.not_reached_soon
    ),
    "uncontacted": _callbacks(
        _("Open callbacks with fewer than three attempts"), callbacks.uncontacted
    ),
    "web_tried": _callbacks(_("Web requests due and tried"), callbacks.web_tried),
    "persons_called": _stage(_("First calls of the persons in need"), funnel.CALLED),
    "persons_checked": _stage(_("First calls of persons with an insurance check"), funnel.CHECKED),
    "persons_referred": _stage(_("First calls of persons referred"), funnel.REFERRED),
    "persons_arrived": _stage(_("First calls of persons who arrived"), funnel.ARRIVED),
}
