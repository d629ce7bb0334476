"""What a safety screen found, ready to be shown: beside every page of a call, and in full.

Nothing here reassures. With nothing found it says that no urgent sign is recorded, and with
nothing asked that nothing is known.
"""

from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from typing import Any

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from intake.actions import safety
from intake.admin.times import staff_time
from intake.models import Call, SafetyScreen
from intake.rules.answers import Exposure
from intake.rules.findings import Assessment, Placement, Route
from intake.rules.questions import QUESTION, SCRIPTS, Script
from intake.rules.substances import Band, diazepam_equivalents, dose_band, onset_note

EMERGENCY_ROUTES = (Route.CALL_911, Route.ED_NOW, Route.TRANSFER_988, Route.POISON_HELP)


def sheet_url(call: Call) -> str:
    return reverse("admin:intake_call_change", args=[call.pk])


def safety_panel(call: Call) -> dict[str, Any]:
    """What ``admin/intake/_safety_panel.html`` shows of this call, as ``safety``."""
    panel = screen_panel(safety.current(call=call))
    if call.is_open:
        panel |= {"screen_url": f"{sheet_url(call)}#danger"}
    return panel


def screen_panel(screen: SafetyScreen | None) -> dict[str, Any]:
    """The same of one screen, which may be none or skipped."""
    if screen is None:
        return {"level": "unknown", "headline": _("Not screened yet")}
    if screen.result is None:
        return {
            "level": tone(screen.effective_level),
            "headline": _("Screen skipped, with a reason"),
            "screened_text": when(screen),
        }
    panel = result_panel(screen.result) | {
        "level": tone(screen.effective_level),
        "screened_text": when(screen),
    }
    if screen.action_taken and screen.effective_level == SafetyScreen.Level.EMERGENCY:
        panel["headline"] = _("Done: %(action)s") % {"action": screen.get_action_taken_display()}
    return panel


def result_panel(result: Assessment) -> dict[str, Any]:
    """The same of a result that may not be stored yet."""
    return {
        "level": tone(result.level.value),
        "headline": headline(result),
        "script": result.findings[0].say,
        "findings": [
            {
                "rule": finding.rule_id,
                "title": finding.title,
                "advice": finding.advice,
                "say": finding.say,
                "source": finding.source,
                "level": tone(finding.level.value),
            }
            for finding in result.findings
        ],
        "unknown_count": len(result.unknowns),
    }


def panel_in_full(
    screen: SafetyScreen | None, found: Assessment | None, exposures: Iterable[Exposure]
) -> dict[str, Any]:
    """The panel of the call sheet: with advice and sources, and what is unknown by its name.

    ``screen`` is the stored one where ``found`` is its result, else None: not saved yet.
    """
    if found is None:
        return screen_panel(screen) | {"is_full": True, "screen": screen}
    if screen is None:
        panel = result_panel(found) | {"screened_text": _("Not saved yet.")}
    else:
        panel = screen_panel(screen)
    return {
        **panel,
        **result_details(found, exposures),
        # A stored one only: what is being typed is saved first, and looked at again.
        "may_override": screen is not None and not screen.waits_for_action,
        "is_full": True,
        "screen": screen,
    }


def tone(level: str) -> str:
    """The level as the stylesheet calls it."""
    return "low" if level == SafetyScreen.Level.LOW_BUT_POSSIBLE else level


def level_badge(level: str) -> SafeString:
    """Shape and word of a level, for a cell of a list."""
    return _level_badge(level, get_language())


@cache
def _level_badge(level: str, _language: str | None) -> SafeString:
    # A list shows a few levels many times.
    return render_to_string("admin/intake/_level_badge.html", {"level": level})


def headline(result: Assessment) -> str:
    """What to do now, in one line: the emergency, else where detox may take place, else next."""
    if result.is_emergency:
        return result.route.label
    if result.inpatient_only:
        return Placement.INPATIENT_ONLY.label
    if result.placement is not Placement.UNDECIDED:
        return result.placement.label
    return result.route.label


def when(screen: SafetyScreen) -> str:
    """When and by whose rules, and who judged otherwise, for the foot of the panel."""
    text = _("Screened %(time)s by %(who)s, rules %(version)s.") % {
        "time": staff_time(screen.screened_at),
        "who": screen.screened_by.get_username(),
        "version": screen.rule_set_version,
    }
    if screen.overridden_by is None:
        return text
    judged = _("The level was set by %(who)s; the rules say: %(level)s.") % {
        "who": screen.overridden_by.get_username(),
        "level": screen.get_level_display(),
    }
    return f"{text} {judged}"


# --- In full ------------------------------------------------------------------------------------


def screen_details(screen: SafetyScreen) -> dict[str, Any] | None:
    """What ``admin/intake/_findings.html`` shows of a stored screen; None where it was skipped."""
    if screen.result is None:
        return None
    exposures = [Exposure.from_dict(item) for item in screen.exposures]
    return result_details(screen.result, exposures) | {"screen": screen}


def result_details(result: Assessment, exposures: Iterable[Exposure]) -> dict[str, Any]:
    told = list(exposures)
    # Inpatient comes after the emergency, and must not be forgotten behind it.
    placements = [result.placement]
    if result.inpatient_only and result.placement is not Placement.INPATIENT_ONLY:
        placements.append(Placement.INPATIENT_ONLY)
    unknowns = [unknown_label(code, told) for code in result.unknowns]
    return {
        "result": result,
        "placements": [placement.label for placement in placements],
        "routes": [route.label for route in result.steps],
        "unknowns": unknowns,
        "unknowns_text": ngettext(
            "%(count)d thing is still unknown", "%(count)d things are still unknown", len(unknowns)
        )
        % {"count": len(unknowns)},
        "conversions": [row for item in told if (row := conversion(item))],
    }


def scripts(result: Assessment) -> list[Script]:
    """The words for each emergency step the result asks for, gravest first."""
    return [SCRIPTS[route] for route in result.routes if route in EMERGENCY_ROUTES]


_EXPOSURE_ITEMS = {
    "dose_mg": "dose each time",
    "times_per_day": "times a day",
    "days_per_week": "days a week",
    "weeks_of_use": "how long it was taken",
    "last_used_hours_ago": "when it was last used",
    "stopped_abruptly": "whether it was stopped suddenly",
    "recent_cut_percent": "how far it was cut in the last two weeks",
    "source": "where it comes from",
    "above_prescribed": "whether more than prescribed",
}


_WHOLE_ITEMS = {
    "age": _lazy("How old is the person?"),
    "substances": _lazy("Which substances are taken?"),
    "symptoms": _lazy("Which signs of withdrawal are there?"),
}


def unknown_label(code: str, exposures: list[Exposure]) -> str:
    """An unanswered item in words; the code itself for one that a later rule set brought."""
    if code in QUESTION:
        return QUESTION[code].text
    kind, _dot, place = code.partition(".")
    number, _dot, item = place.partition(".")
    if kind == "exposure" and number.isdigit() and int(number) <= len(exposures):
        name = exposures[int(number) - 1].known_substance.name
        return f"{name}: {_EXPOSURE_ITEMS.get(item, item)}"
    return str(_WHOLE_ITEMS.get(code, code))


def conversion(exposure: Exposure) -> dict[str, Any] | None:
    """One substance's daily dose in both published conversions. Staff only, never read out."""
    daily = exposure.daily_mg
    if daily is None:
        return None
    code, equivalents = exposure.substance, diazepam_equivalents(exposure.substance, daily)
    if equivalents is None:
        return None
    return {
        "name": exposure.known_substance.name,
        "daily": mg(daily),
        "va_dod": mg_range(equivalents.va_dod),
        "ashton": mg_range(equivalents.ashton),
        "nhs_scotland": mg_range(equivalents.nhs_scotland),
        "band": _BANDS[dose_band(code, daily)],
        "onset": onset_note(code),
    }


_BANDS = {Band.LOW: "low", Band.MODERATE: "moderate", Band.HIGH: "high"}


def mg_range(pair: tuple[Decimal, Decimal] | None) -> str:
    if pair is None:
        return ""
    low, high = mg(pair[0]), mg(pair[1])
    return low if low == high else f"{low} to {high}"


def mg(amount: Decimal) -> str:
    """Milligrams without needless zeros: 4, 0.25, 66.7."""
    text = f"{amount:.2f}".rstrip("0").rstrip(".")
    return text or "0"
