"""The way of one call: the steps on top of its pages, and what may be done next and why not."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Model
from django.urls import reverse
from django.utils.translation import gettext as _

from intake.actions import safety
from intake.actions.base import Refused
from intake.admin.safety_panel import sheet_url
from intake.admin.times import staff_time
from intake.models import Call, Consent, Person, SafetyScreen


def record_url(record: Model) -> str:
    """The address of a record's page."""
    return reverse(f"admin:intake_{record._meta.model_name}_change", args=[record.pk])


def steps(call: Call | None, *, here: str) -> list[dict[str, Any]]:
    """What ``admin/intake/_steps.html`` shows; ``here`` names the step of the page it stands on.

    The names are ``call``, ``screen``, ``insurance``, ``referral`` and ``callback``.
    """
    if call is None or call._state.adding:
        return [
            _step(_("Call"), "now"),
            _step(_("Safety screen"), "todo"),
            *(_step(name, "blocked") for name in (_("Insurance check"), _("Referral"))),
            _step(_("Callback"), "todo"),
        ]
    screen, closed = safety.current(call=call), money_is_closed(call)
    rows = [
        ("call", _("Call"), sheet_url(call), "done", staff_time(call.started_at)),
        ("screen", _("Safety screen"), f"{sheet_url(call)}#danger", _state_of(screen), ""),
        ("insurance", _("Insurance check"), *_further(call, "insurance_checks", closed)),
        ("referral", _("Referral"), *_further(call, "referrals", closed)),
        ("callback", _("Callback"), *_further(call, "callbacks", "")),
    ]
    return [
        _step(name, "now" if key == here else state, url, note)
        for key, name, url, state, note in rows
    ]


def _step(name: str, state: str, url: str = "", note: str = "") -> dict[str, Any]:
    return {"name": name, "state": state, "url": url, "note": note}


def _state_of(screen: SafetyScreen | None) -> str:
    if screen is None:
        return "todo"
    return "skipped" if screen.is_skipped else "done"


def _further(call: Call, related: str, closed: str) -> tuple[str, str, str]:
    """(url, state, note) of a step after the screen: the newest record, once there is one."""
    newest = getattr(call, related).order_by("-id").first()
    if newest is not None:
        return record_url(newest), "done", newest.reference
    return "", ("blocked" if closed else "todo"), ""


def money_is_closed(call: Call) -> str:
    """Why insurance check and referral may not begin yet; "" when they may."""
    try:
        safety.require_screen(call=call)
    except Refused as refusal:
        return refusal.message
    return ""


# --- What next ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class NextStep:
    """One button at the end of the sheet: it saves the sheet and goes to ``page``."""

    page: str
    label: str
    hint: str
    closed: str = ""


def next_steps(
    *, closed: str, has_person: bool, has_number: bool, consents: str, is_withheld: bool = False
) -> list[NextStep]:
    """In flow order; ``closed`` says why plan and facility may not be asked yet."""
    nobody = "" if has_person else _no_person()
    return [
        NextStep("consent", _("Record consent"), consents, nobody),
        NextStep(
            "insurance",
            _("Request an insurance check"),
            _("Needs consent to ask the health plan."),
            closed or nobody,
        ),
        NextStep(
            "referral",
            _("Find a facility"),
            _("Needs consent before a facility is told anything."),
            closed or nobody,
        ),
        NextStep(
            "callback",
            _("Promise a callback"),
            _("A time they can count on, inside the hours they may be called."),
            "" if has_number else _no_number(is_withheld=is_withheld),
        ),
    ]


def _no_number(*, is_withheld: bool) -> str:
    if is_withheld:
        return _("They gave no number. To be called back, we need one: ask only if they want that.")
    return _("Write a phone number down first.")


def _no_person() -> str:
    return _("Say who needs help first.")


def consent_hint(person: Person | None, *, now: datetime) -> str:
    """Which consents of this person stand."""
    if person is None:
        return ""
    given = Consent.objects.live(now).filter(person=person).values_list("scope", flat=True)
    names = [Consent.Scope(scope).label for scope in dict.fromkeys(given)]
    if not names:
        return _("Nothing may be told to anyone yet.")
    return _("Recorded: %(scopes)s.") % {"scopes": "; ".join(str(name) for name in names)}
