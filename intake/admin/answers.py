"""What was answered on a sheet, in words, for pages that only show it."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from intake.admin.safety_panel import mg
from intake.admin.times import told_time
from intake.models import Call, SafetyScreen, SubstanceUse
from intake.rules.answers import Answers
from intake.rules.questions import QUESTIONS, Group
from intake.rules.substances import find_substance
from intake.rules.withdrawal import SIGNS, SYMPTOMS, Symptoms, told_signs, told_symptoms


def answers_told(screen: SafetyScreen) -> list[dict[str, Any]]:
    """Group by group what was answered yes or no; a group nobody answered is left out."""
    shown: list[dict[str, Any]] = []
    for group in Group:
        rows = [
            {"question": question.text, "answer": _answer(given), "is_yes": given == "yes"}
            for question in QUESTIONS
            if question.group is group
            and (given := screen.answers.get(question.code)) in ("yes", "no")
        ]
        hours = screen.answers.get("seizure_hours_ago")
        if group is Group.HISTORY and hours is not None:
            answer = _("%(hours)s hours") % {"hours": hours}
            row = {"question": _("Since their last seizure"), "answer": answer, "is_yes": True}
            rows.append(row)
        if rows:
            shown.append({"label": group.label, "rows": rows})
    told = Answers.from_dict(screen.answers)
    return [*shown, *features_told(told.symptoms, told.signs)]


def features_told(symptoms: Symptoms, signs: Iterable[str]) -> list[dict[str, Any]]:
    """Symptoms of withdrawal with their severity, and signs of dependence; as groups likewise."""
    shown: list[dict[str, Any]] = []
    if symptoms:
        rows = [
            {"question": SYMPTOMS[code], "answer": how.label, "is_yes": how.is_present}
            for code, how in symptoms
        ]
        shown.append({"label": _("Withdrawal symptoms"), "rows": rows})
    if signs := tuple(signs):
        rows = [{"question": SIGNS[code], "answer": _("Yes"), "is_yes": True} for code in signs]
        shown.append({"label": _("Signs of dependence"), "rows": rows})
    return shown


def features_of(call: Call) -> list[dict[str, Any]]:
    """The same of a call whose screen was skipped: what was told is not lost with it."""
    symptoms = told_symptoms(call.withdrawal_symptoms)
    return features_told(symptoms, told_signs(call.dependence_signs))


def _answer(given: str) -> str:
    return _("Yes") if given == "yes" else _("No")


def yes_no_unknown(value: bool | None) -> str:
    return _("Unknown") if value is None else _answer("yes" if value else "no")


def substance_told(use: SubstanceUse) -> dict[str, Any]:
    """One substance as terms and values; what nobody told is left out."""
    facts = [
        (_("Brand or street name"), use.brand),
        (_("From"), use.get_source_display() if use.source else ""),
        (_("Taken"), use.get_route_display() if use.route else ""),
        (_("Each time"), f"{mg(use.dose_mg)} mg" if use.dose_mg is not None else ""),
        (_("Times a day"), mg(use.times_a_day) if use.times_a_day is not None else ""),
        (_("Days a week"), use.days_a_week),
        (_("For"), _weeks(use.weeks_of_use)),
        (
            _("Last used"),
            told_time(use.last_used_at, use.last_used_precision) if use.last_used_at else "",
        ),
        (_("Stopped suddenly"), yes_no_unknown(use.stopped_abruptly)),
        (
            _("Cut in two weeks"),
            f"{use.recent_cut_percent} %" if use.recent_cut_percent is not None else "",
        ),
        (_("More than prescribed"), yes_no_unknown(use.above_prescribed)),
    ]
    return {
        "name": find_substance(use.substance).label,
        "facts": [(term, value) for term, value in facts if value not in ("", None)],
    }


def _weeks(weeks: int | None) -> str:
    return "" if weeks is None else _("%(count)s weeks") % {"count": weeks}
