"""What dependence and withdrawal look like, as features that somebody told: never as a label.

"Severe withdrawal" has no operational definition in the guideline, so the line records what it
hears, symptom by symptom, and the rules read that. Features: ASAM/Joint Clinical Practice Guideline
on Benzodiazepine Tapering 2025, Table 3 and patient guide; the words are our own. Seizure,
hallucinations, confusion, chest pain and suicide are questions of the screen, not listed here.
"""

from enum import StrEnum


class Severity(StrEnum):
    """Declared from the mildest to the gravest; unknown counts like none, and is not the same."""

    UNKNOWN = "unknown"
    NONE = "none"
    MILD = "mild"
    MODERATE = "moderate"
    SEVERE = "severe"

    @property
    def rank(self) -> int:
        return max(0, list(type(self)).index(self) - 1)

    @property
    def label(self) -> str:
        return self.value.capitalize()

    @property
    def is_present(self) -> bool:
        return self.rank > 0


# In the order they are asked: what keeps somebody up at night first.
SYMPTOMS: dict[str, str] = {
    "anxiety": "Anxiety",
    "panic": "Panic",
    "insomnia": "Poor sleep",
    "irritability": "Irritability",
    "tremor": "Shaking",
    "sweating": "Sweating",
    "nausea": "Nausea or cramps",
    "fast_heartbeat": "Fast heartbeat",
    "dizziness": "Dizziness",
    "muscle_pain": "Muscle pain",
    "headache": "Headache",
    "light_and_sound": "Light or sound hurts",
    "memory_loss": "Memory gaps",
    "low_mood": "Low mood",
}

SIGNS: dict[str, str] = {
    "tolerance": "Needs more for the same effect",
    "cannot_do_without": "Cannot sleep or function without it",
    "ill_between_doses": "Feels ill when a dose is late",
    "more_than_prescribed": "Takes more, or more often, than prescribed",
    "runs_out_early": "Runs out early",
    "craving": "Craves it",
    "failed_attempts": "Tried to stop or cut down and could not",
    "takes_up_the_day": "Much of the day goes into getting it or getting over it",
    "gave_things_up": "Has given up work, people or interests for it",
    "despite_harm": "Goes on although it does harm",
}
# These say of the person what R12 asks about each substance.
BEYOND_PRESCRIPTION = frozenset({"more_than_prescribed", "runs_out_early"})

Symptoms = tuple[tuple[str, Severity], ...]


def told_symptoms(given: dict[str, str]) -> Symptoms:
    """The symptoms somebody answered, in the order they are asked; unknown ones are left out.

    Codes of another rule set are left out. Raises ``ValueError`` for a severity that is none.
    """
    read = {code: Severity(value or "unknown") for code, value in given.items()}
    return tuple(
        (code, read[code])
        for code in SYMPTOMS
        if read.get(code, Severity.UNKNOWN) is not Severity.UNKNOWN
    )


def told_signs(given: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    """The signs among ``given`` in the order they are asked; others are left out."""
    return tuple(code for code in SIGNS if code in given)
