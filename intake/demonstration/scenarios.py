"""What callers tell: substances with their pattern, and the answers to the safety screen."""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from intake.models import Call, SubstanceUse
from intake.rules.safety import QUESTION, Answer, Answers
from intake.rules.withdrawal import told_signs, told_symptoms


@dataclass(frozen=True)
class Told:
    """One substance as told."""

    substance: str
    brand: str = ""
    dose_mg: str = ""
    times_a_day: str = ""
    days_a_week: int = 7
    weeks: int = 52
    last_hours: int = 12
    stopped: bool = False
    cut: int | None = None
    source: str = "own_prescription"
    above: bool = False


@dataclass(frozen=True)
class Scenario:
    """A kind of call: how often, what is taken, what is answered with yes, and what is said.

    ``symptoms`` of withdrawal with their severity, ``signs`` of dependence.
    """

    weight: int
    told: tuple[Told, ...]
    yes: frozenset[str] = field(default_factory=frozenset)
    narrative: str = ""
    symptoms: dict[str, str] = field(default_factory=dict)
    signs: tuple[str, ...] = ()


SCENARIOS = (
    Scenario(
        14,
        (Told("clonazepam", "Klonopin", "2", "2", weeks=104, last_hours=48, stopped=True),),
        frozenset({"withdrawal_seizure"}),
        "Stopped two days ago after two years. Shaky, no sleep. Had a seizure the last time.",
        {"insomnia": "severe", "tremor": "moderate", "anxiety": "moderate", "nausea": "mild"},
        ("tolerance", "cannot_do_without", "failed_attempts"),
    ),
    Scenario(
        16,
        (Told("clonazepam", "Klonopin", "1", "1", weeks=60),),
        narrative="Taking as prescribed, wants to come off it, afraid to. Asked what is possible.",
    ),
    Scenario(
        10,
        (Told("clonazepam", "Klonopin", "0.5", "1", days_a_week=2, weeks=10),),
        narrative="Takes it on flights and bad nights. Wanted to know whether that is a problem.",
    ),
    Scenario(
        12,
        (
            Told("alprazolam", "Xanax", "2", "3", weeks=30, source="street", above=True),
            Told("oxycodone", "", "10", "2", weeks=12, source="street"),
        ),
        frozenset({"opioid_use"}),
        "Buys both. A friend is with him tonight and has naloxone.",
    ),
    Scenario(
        8,
        (Told("lorazepam", "Ativan", "1", "3", weeks=40, cut=50),),
        frozenset({"alcohol_daily"}),
        "Cut by half last week on her own, drinks in the evening to sleep.",
    ),
    Scenario(
        7,
        (Told("diazepam", "Valium", "10", "1", weeks=3),),
        narrative="Three weeks after surgery, wants to stop before it becomes a habit.",
    ),
    Scenario(
        6,
        (Told("zolpidem", "Ambien", "10", "1", weeks=80),),
        narrative="Cannot sleep without it. No other substances.",
    ),
    Scenario(
        5,
        (Told("clonazepam", "Klonopin", "2", "2", weeks=150, last_hours=60, stopped=True),),
        frozenset({"hallucinations", "confusion"}),
        "Mother says he sees people in the room. Told to call 911; stayed on the line.",
    ),
    Scenario(
        5,
        (Told("alcohol", "", "", "", weeks=200),),
        frozenset({"alcohol_daily"}),
        "Drinks every day. Wants a place that also treats depression.",
    ),
    Scenario(
        4,
        (Told("clonazepam", "Klonopin", "1", "2", weeks=30),),
        frozenset({"pregnant"}),
        "Twenty weeks pregnant, prescriber has left. Did not change anything yet.",
    ),
    Scenario(
        3,
        (Told("alprazolam", "Xanax", "1", "2", weeks=26),),
        frozenset({"suicide_thoughts"}),
        "Thoughts of dying, no plan, not alone. Warm transfer to 988, stayed for the handover.",
    ),
)

# Left open now and then: an agent at 3 a.m. does not get an answer to everything.
OFTEN_UNANSWERED = ("sleep_apnea", "liver_disease", "lung_disease", "other_severe_illness")


def pick(chance: random.Random) -> Scenario:
    return chance.choices(SCENARIOS, [scenario.weight for scenario in SCENARIOS])[0]


def answers(scenario: Scenario, *, age: int | None, chance: random.Random) -> Answers:
    """Every question answered, but for a few nobody could answer."""
    given: dict[str, Any] = {}
    for code in QUESTION:
        if code in scenario.yes:
            given[code] = Answer.YES
        elif code in OFTEN_UNANSWERED and chance.random() < 0.3:
            given[code] = Answer.UNKNOWN
        else:
            given[code] = Answer.NO
    return Answers(
        **given,
        age=age,
        symptoms=told_symptoms(scenario.symptoms),
        signs=told_signs(scenario.signs),
    )


def substances(scenario: Scenario, call: Call, *, now: datetime) -> list[SubstanceUse]:
    return [
        SubstanceUse(
            call=call,
            substance=told.substance,
            brand=told.brand,
            source=told.source,
            route="swallowed",
            dose_mg=Decimal(told.dose_mg) if told.dose_mg else None,
            times_a_day=Decimal(told.times_a_day) if told.times_a_day else None,
            days_a_week=told.days_a_week,
            weeks_of_use=told.weeks,
            last_used_at=now - timedelta(hours=told.last_hours),
            stopped_abruptly=told.stopped,
            recent_cut_percent=told.cut if told.cut is not None else 0,
            above_prescribed=told.above,
        )
        for told in scenario.told
    ]
