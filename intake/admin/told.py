"""What may be told to a plan and to a facility: each field the accounting names, with its value."""

from collections.abc import Mapping
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from intake.actions import needs, offers, safety
from intake.admin.safety_panel import mg
from intake.admin.times import told_time
from intake.insurers import INSURERS
from intake.models import InsuranceCheck, LevelOfCare, Referral, SubstanceUse
from intake.rules.service_codes import DUAL_DIAGNOSIS, PREGNANT, label_of
from intake.rules.substances import find_substance

Fact = tuple[str, str]


def to_plan(check: InsuranceCheck) -> list[Fact]:
    """What the check's way of asking tells the plan, and nothing beside it."""
    policy, person = check.policy, check.call.person_in_need
    born = policy.policyholder_birth_date
    known = {
        "person_name": (_("Person who needs help"), person.name if person else ""),
        "member_id": (_("Member ID"), policy.member_id),
        "group_number": (_("Group number"), policy.group_number),
        "policyholder_name": (_("Policyholder"), policy.policyholder_name),
        "policyholder_birth_date": (
            _("Policyholder's birth date"),
            date_format(born, "F j, Y") if born else "",
        ),
        "levels_wanted": (_("Levels of care"), "; ".join(level_names(check.levels_wanted))),
    }
    return _listed(known, INSURERS[check.method].fields_told)


def level_names(levels: list[str]) -> list[str]:
    return [str(LevelOfCare(level).label) for level in levels if level in LevelOfCare.values]


def to_facility(referral: Referral) -> list[Fact]:
    """What a facility needs to decide. The alias, never the name."""
    call, need = referral.call, referral.need
    person = call.person_in_need
    uses = list(call.substances.order_by("position"))
    age = needs.age_of(call)
    known = {
        "alias": (_("Name to use"), person.alias if person else ""),
        "age": (_("Age"), str(age) if age is not None else ""),
        "substances": (_("Substances"), "; ".join(_use(use) for use in uses)),
        "last_use": (_("Last use"), "; ".join(filter(None, map(_last_use, uses)))),
        "withdrawal_history": (_("Past withdrawal"), _withdrawal(referral)),
        "pregnancy": (
            _("Pregnant or postpartum"),
            _("Yes") if PREGNANT in need.get("required", ()) else _answer(referral, "pregnant"),
        ),
        "dual_diagnosis": (
            _("Mental illness beside substance use"),
            _("Yes") if DUAL_DIAGNOSIS in need.get("required", ()) else "",
        ),
        "payer_kind": (
            _("Who pays"),
            "; ".join(_first_upper(label_of(code)) for code in need.get("payers", ())),
        ),
    }
    return _listed(known, offers.FIELDS_TOLD)


def _listed(known: Mapping[str, Fact], fields: tuple[str, ...]) -> list[Fact]:
    """In the order of the accounting; what nobody told us stands there as such."""
    return [(label, value or _("Not known")) for label, value in map(known.__getitem__, fields)]


def _use(use: SubstanceUse) -> str:
    name = substance_name(use)
    parts = [f"{name} ({use.brand})" if use.brand else name]
    if use.dose_mg is not None:
        parts.append(_("%(dose)s mg each time") % {"dose": mg(use.dose_mg)})
    if use.times_a_day is not None:
        parts.append(_("%(times)s times a day") % {"times": mg(use.times_a_day)})
    if use.days_a_week is not None:
        parts.append(_("%(days)s days a week") % {"days": use.days_a_week})
    if use.weeks_of_use is not None:
        parts.append(_("for %(weeks)s weeks") % {"weeks": use.weeks_of_use})
    return ", ".join(parts)


def substance_name(use: SubstanceUse) -> str:
    return find_substance(use.substance).name


def _last_use(use: SubstanceUse) -> str:
    if use.last_used_at is None:
        return ""
    said = f"{substance_name(use)} {told_time(use.last_used_at, use.last_used_precision)}"
    return _("%(use)s, stopped suddenly") % {"use": said} if use.stopped_abruptly else said


def _withdrawal(referral: Referral) -> str:
    seizure, delirium = (
        _answer(referral, code) for code in ("withdrawal_seizure", "withdrawal_delirium")
    )
    told = [(_("seizure"), seizure), (_("delirium"), delirium)]
    return "; ".join(f"{name}: {answer.lower()}" for name, answer in told if answer)


def _answer(referral: Referral, code: str) -> str:
    """Yes or no as told to the screen; "" where it is not known."""
    screen = safety.current(call=referral.call)
    answers: Mapping[str, Any] = screen.answers if screen is not None else {}
    return {"yes": _("Yes"), "no": _("No")}.get(answers.get(code, ""), "")


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]
