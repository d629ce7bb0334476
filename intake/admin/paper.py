"""The call sheet on paper, for the night when the network is down.

Two pages, made from the same questions, rules and forms as the sheet on the screen, so that what is
written down by hand can be typed in as it stands. It holds no record of anybody.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from intake.actions import branding
from intake.admin.callback_pages import PromiseForm
from intake.admin.filled_sheet import FilledSheet
from intake.models import Call, Consent, SafetyScreen
from intake.rules import by_hand, hours, phones
from intake.rules.exposures import ONE_MONTH_WEEKS, REGULAR_DAYS, STOPPED_AFTER_HOURS
from intake.rules.findings import Placement, Route
from intake.rules.safety import QUESTIONS, RULE_SET_VERSION, SCRIPTS, Group
from intake.rules.withdrawal import SIGNS, SYMPTOMS, Severity

METHODS = ("GET", "HEAD")
SUBSTANCE_ROWS = 4
# Nobody fills two pages about a wrong number, and a kept callback is told on its own page.
NOT_ON_PAPER = (Call.Disposition.NON_SERVICE, Call.Disposition.REACHED)
# What is promised; who rings is settled when it is entered.
PROMISED = ("due", "urgency")
# A longer list of choices is written, not ticked.
MOST_BOXES = 8
# More than any paper holds: the page cuts off what does not fit on it.
WRITING_LINES = 30


def urls(site: AdminSite) -> list[URLPattern]:
    """``paper``, to stand before the site's own URLs."""

    def page(request: HttpRequest) -> HttpResponse:
        return show(site, request)

    return [path("paper/", site.admin_view(page), name="paper")]


def show(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """Blank sheets to print; for whoever may log a call."""
    if not request.user.has_perm("intake.add_call"):
        raise PermissionDenied
    if request.method not in METHODS:
        return HttpResponseNotAllowed(METHODS)
    context = {
        **site.each_context(request),
        "title": _("Call sheet on paper"),
        **_head(),
        **_questions(),
        **_blanks(),
    }
    return TemplateResponse(request, "admin/intake/paper.html", context)


def blank_call(request: HttpRequest, now: datetime) -> Call:
    """A call to be logged: it begins now, or was on paper and its time is still to be given."""
    if request.GET.get("from") == "paper":
        return Call(entered_late=True)
    return Call(started_at=now)


def entered_late_badge() -> SafeString:
    """The mark of a call that was typed in from paper, for a cell of a list."""
    return render_to_string("admin/intake/_entered_late.html")


def _head() -> dict[str, Any]:
    brand = branding.current()
    return {
        "helpline_name": brand.name,
        "our_number": phones.national(brand.number),
        "our_zone": timezone.get_current_timezone_name().replace("_", " "),
        "rule_set": RULE_SET_VERSION,
    }


# --- What is asked --------------------------------------------------------------------------------

# Room for one word beside a question; the whole sentence stands below.
_ROUTE_WORDS = {
    Route.CALL_911: "911",
    Route.ED_NOW: "ED",
    Route.TRANSFER_988: "988",
    Route.POISON_HELP: "Poison",
    Route.SAME_DAY_MEDICAL: "today",
    Route.SUPERVISOR_NOW: "superv.",
    Route.MEDICAL_EVALUATION_72H: "72 h",
    Route.ASK_PRESCRIBER: "prescriber",
}
# The two that close a door; where to go otherwise is settled by the evaluation.
_PLACEMENT_SIGNS = {Placement.INPATIENT_ONLY: "†", Placement.NEVER_OUTPATIENT_ONLY: "‡"}
EMERGENCIES = (Route.CALL_911, Route.TRANSFER_988, Route.POISON_HELP)


@dataclass(frozen=True)
class Asked:
    """One question with its boxes; ``mark`` says what a yes alone asks for."""

    text: str
    mark: str


def _asked(group: Group) -> list[Asked]:
    return [
        Asked(question.text, _mark(question.code))
        for question in QUESTIONS
        if question.group is group
    ]


def _mark(code: str) -> str:
    found = by_hand.mark_of(code)
    if found.route is None:
        return ""
    sign = _PLACEMENT_SIGNS.get(found.placement, "")
    return f"{_ROUTE_WORDS[found.route]} {sign}".strip()


def _questions() -> dict[str, Any]:
    later = [asked for group in Group if group is not Group.DANGER_NOW for asked in _asked(group)]
    return {
        "danger_now": _asked(Group.DANGER_NOW),
        "emergencies": [SCRIPTS[route] for route in EMERGENCIES],
        "later": later,
        "symptoms": list(SYMPTOMS.values()),
        "severities": [level.label for level in Severity if level is not Severity.UNKNOWN],
        "signs": list(SIGNS.values()),
        "lines_by_hand": _lines_by_route(),
        "days_a_week": REGULAR_DAYS,
        "weeks": int(ONE_MONTH_WEEKS),
        "stopped_hours": int(STOPPED_AFTER_HOURS),
        "legend": [(sign, place.label) for place, sign in _PLACEMENT_SIGNS.items()],
    }


def _lines_by_route() -> list[tuple[str, list[str]]]:
    """Each next step with the rules that ask for it, the gravest first."""
    routes: dict[str, list[str]] = {}
    for line in by_hand.lines():
        routes.setdefault(line.route.label, []).append(line.title)
    return list(routes.items())


# --- What is written down -------------------------------------------------------------------------


@dataclass(frozen=True)
class Blank:
    """A label with a line to write on, or with boxes to tick."""

    label: str
    choices: tuple[str, ...] = ()


def _blanks() -> dict[str, Any]:
    now = timezone.now()
    sheet = FilledSheet(Call(started_at=now), now=now)
    return {
        "call": _of_form(sheet.call),
        "caller": _of_form(sheet.caller),
        "person": _of_form(sheet.person),
        "row": _of_form(sheet.substances.empty_form),
        "substance_rows": range(1, SUBSTANCE_ROWS + 1),
        "levels": _labels(SafetyScreen.Level.choices),
        "actions": _labels(SafetyScreen.Action.choices),
        "scopes": _labels(Consent.Scope.choices),
        "promise": _of_form(PromiseForm(zone=hours.UNKNOWN_PLACE_ZONE), PROMISED),
        "endings": _labels(
            choice for choice in Call.Disposition.choices if choice[0] not in NOT_ON_PAPER
        ),
        "writing_lines": range(WRITING_LINES),
    }


def _of_form(form: Any, names: Iterable[str] = ()) -> dict[str, Blank]:
    return {name: _blank(form[name]) for name in names or form.fields}


def _blank(field: Any) -> Blank:
    choices = list(getattr(field.field, "choices", ()))
    return Blank(str(field.label), _labels(choices) if len(choices) <= MOST_BOXES else ())


def _labels(choices: Any) -> tuple[str, ...]:
    """The words of the choices; "not told" is a box left empty."""
    return tuple(str(label) for value, label in choices if value != "")
