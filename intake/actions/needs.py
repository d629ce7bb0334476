"""The need of a call: what its screen and its sheet lead to, and how a referral keeps it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from intake.actions import safety
from intake.models import Call, InsurancePolicy
from intake.rules import safety as rules
from intake.rules.matching import Need, need_for
from intake.rules.needs import is_dual_diagnosis
from intake.rules.service_codes import LANGUAGE_OF_CALL, MEDICAL_DETOX_SETTINGS


def assessment_of(call: Call, *, now: datetime) -> rules.Assessment:
    """What the screen found; where it was skipped, what the rules say of the substances alone."""
    found = _screened(call)
    if found is not None:
        return found
    told = safety.exposures(list(call.substances.order_by("position")), now=now)
    return rules.assess(rules.Answers(age=age_of(call)), told)


def _screened(call: Call) -> rules.Assessment | None:
    screen = safety.current(call=call)
    return screen.result if screen is not None else None


def age_of(call: Call) -> int | None:
    """The age in years of the person in need: as recorded, else as told to the screen."""
    if call.person_in_need is not None and call.person_in_need.age is not None:
        return call.person_in_need.age
    screen = safety.current(call=call)
    told = screen.answers.get("age") if screen is not None else None
    return int(told) if told is not None else None


def for_call(call: Call, *, now: datetime) -> Need:
    """The need as far as call, screen and policies tell; the agent adds the rest.

    A call about mental health, or a screen that heard of a mental illness, asks for dual-diagnosis
    care; a call in another language asks for that language, where the directory has a code for it. Where the screen was skipped nothing was
    ruled out, so detox under medical cover stands there until somebody chooses otherwise.
    """
    told = safety.exposures(list(call.substances.order_by("position")), now=now)
    language = LANGUAGE_OF_CALL.get(call.language, "")
    need = need_for(
        assessment_of(call, now=now),
        told,
        payers=payers_of(call),
        languages=(language,) if language else (),
        age=age_of(call),
        dual_diagnosis=Call.Topic.MENTAL_HEALTH in call.topics or _told_mental_illness(call),
        state=call.person_in_need.state if call.person_in_need else "",
    )
    if _screened(call) is None:
        need = replace(need, settings=MEDICAL_DETOX_SETTINGS, medical_cover=True)
    return need


def _told_mental_illness(call: Call) -> bool:
    screen = safety.current(call=call)
    return screen is not None and is_dual_diagnosis(rules.Answers.from_dict(screen.answers))


def payers_of(call: Call) -> tuple[str, ...]:
    """The kinds of coverage the person in need has, as the directory's payment codes."""
    if call.person_in_need is None:
        return ()
    policies: Iterable[InsurancePolicy] = call.person_in_need.policies.order_by("created_at")
    return tuple(dict.fromkeys(policy.payer_kind for policy in policies))


_CODES = ("detox", "settings", "required", "payers", "languages")


def as_stored(need: Need, *, zip_code: str) -> dict[str, Any]:
    """JSON-ready, for ``Referral.need``; the ZIP code stands for the place."""
    return {
        "zip_code": zip_code,
        "state": need.state,
        **{name: list(getattr(need, name)) for name in _CODES},
        "age": need.age,
        "gender": need.gender,
        "medical_cover": need.medical_cover,
        "hospital_first": need.hospital_first,
    }


def from_stored(stored: Mapping[str, Any]) -> Need:
    """Reads ``as_stored``; what is missing there is asked for by nobody."""
    codes: dict[str, Any] = {name: tuple(stored.get(name, ())) for name in _CODES}
    return Need(
        **codes,
        state=stored.get("state", ""),
        age=stored.get("age"),
        gender=stored.get("gender", ""),
        medical_cover=bool(stored.get("medical_cover", False)),
        hospital_first=bool(stored.get("hospital_first", False)),
    )
