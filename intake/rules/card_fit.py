"""Which answer cards fit the call at hand: codes of the call against codes of the card."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from intake.rules.answers import Answers, Exposure
from intake.rules.exposures import stopped_or_cut_fast
from intake.rules.questions import QUESTION, QUESTIONS
from intake.rules.rule_texts import TEXTS
from intake.rules.substances import HalfLife
from intake.rules.withdrawal import SIGNS, SYMPTOMS

# A sign is what was asked about or found on this very call; a drug alone says less, and a class
# of drugs least.
SIGN_WEIGHT = 4
# A third sign says nothing new: a rule that fired and the answers behind it are all signs.
MOST_SIGNS = 2
SUBSTANCE_WEIGHT = 2
CLASS_WEIGHT = 1
OLDER_ADULT = 65
ADULT = 18

# What is worked out from several answers, or told elsewhere than in a question.
WORKED_OUT: dict[str, str] = {
    "stopped_or_cut_fast": "Stopped suddenly, or cut down fast",
    "withdrawal_symptoms": "Any symptom of withdrawal",
    "long_acting": "A long-acting drug",
    "snorted": "Snorted",
    "smoked": "Smoked or vaped",
    "injected": "Injected",
    "older_adult": "65 or older",
    "under_18": "Under 18",
    "about_other": "The caller worries about someone else",
}
UNUSUAL_ROUTES = frozenset({"snorted", "smoked", "injected"})


def topic_sign(topic: str) -> str:
    """The sign of a call's topic, such as ``topic_cost``."""
    return f"topic_{topic}"


def sign_groups(topics: Mapping[str, str]) -> list[tuple[str, dict[str, str]]]:
    """Every sign a card may name, by group, with its label. ``topics`` are those of a call."""
    rules = {code: text.title for code, text in TEXTS.items() if "." not in code}
    return [
        ("About the call", WORKED_OUT | {topic_sign(code): text for code, text in topics.items()}),
        ("Signs of dependence", dict(SIGNS)),
        ("Symptoms of withdrawal", dict(SYMPTOMS)),
        ("Answered yes", {question.code: question.text for question in QUESTIONS}),
        ("Found by the rules", {code: f"{code}: {title}" for code, title in rules.items()}),
    ]


@dataclass(frozen=True, slots=True)
class Situation:
    """What a call is about, as codes.

    ``substances`` and ``classes`` are those of ``rules.substances``; ``signs`` those of
    ``sign_groups``.
    """

    substances: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()
    signs: frozenset[str] = frozenset()


def situation(
    *,
    answers: Answers | None,
    exposures: Iterable[Exposure],
    rule_ids: Iterable[str] = (),
    routes: Iterable[str] = (),
    topics: Iterable[str] = (),
    about_other: bool = False,
) -> Situation:
    """The codes of a call from what was told so far; unknown answers give none."""
    told = tuple(exposures)
    signs = {*rule_ids, *(topic_sign(topic) for topic in topics)}
    signs |= UNUSUAL_ROUTES & set(routes)
    if about_other:
        signs.add("about_other")
    if any(stopped_or_cut_fast(exposure).is_yes for exposure in told):
        signs.add("stopped_or_cut_fast")
    if any(exposure.known_substance.half_life is HalfLife.LONG for exposure in told):
        signs.add("long_acting")
    return Situation(
        substances=frozenset(exposure.substance for exposure in told),
        classes=frozenset(exposure.substance_class.value for exposure in told),
        signs=frozenset(signs | (_signs_told(answers) if answers else set())),
    )


def _signs_told(answers: Answers) -> set[str]:
    signs = {code for code in QUESTION if answers.get(code).is_yes} | set(answers.signs)
    symptoms = {code for code, severity in answers.symptoms if severity.is_present}
    if symptoms:
        signs |= symptoms | {"withdrawal_symptoms"}
    if answers.age is not None and answers.age >= OLDER_ADULT:
        signs.add("older_adult")
    if answers.age is not None and answers.age < ADULT:
        signs.add("under_18")
    return signs


def fit(for_substances: Iterable[str], for_signs: Iterable[str], at_hand: Situation) -> int:
    """How well a card made for these codes fits the call; 0 means not at all."""
    substances, signs = set(for_substances), set(for_signs)
    return (
        SIGN_WEIGHT * min(MOST_SIGNS, len(signs & at_hand.signs))
        + SUBSTANCE_WEIGHT * len(substances & at_hand.substances)
        + CLASS_WEIGHT * len(substances & at_hand.classes)
    )
