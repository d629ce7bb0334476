"""The steps of a promised call, and how a try may end at each of them.

Nothing is told before we know whom we are talking to: what a person asked for, who we are and why
we ring come after they have said who they are. So a try can end as "reached", or with a time they
asked for, only after that; and how a try ended can be said only after the number was shown. The one
exception is suspected danger, which may be said at any step.
"""

from enum import StrEnum

from intake.rules.retries import Outcome


class Step(StrEnum):
    """Where somebody who claimed a callback stands. Each step needs the one before."""

    BRIEFING = "briefing"  # claimed; the number is not shown yet
    RINGING = "ringing"  # the number is shown
    TALKING = "talking"  # they said who they are


# In the order of the screen.
OUTCOMES: dict[Step, tuple[Outcome, ...]] = {
    Step.BRIEFING: (Outcome.DANGER_SUSPECTED,),
    Step.RINGING: (
        Outcome.NO_ANSWER,
        Outcome.BUSY,
        Outcome.VOICEMAIL_LEFT,
        Outcome.WRONG_PERSON,
        Outcome.WRONG_NUMBER,
        Outcome.DECLINED,
        Outcome.DANGER_SUSPECTED,
    ),
    Step.TALKING: (
        Outcome.REACHED,
        Outcome.CALL_LATER,
        Outcome.DECLINED,
        Outcome.DANGER_SUSPECTED,
    ),
}

# What can only be known from the person themselves.
NEEDS_IDENTITY = frozenset(OUTCOMES[Step.TALKING]) - frozenset(OUTCOMES[Step.RINGING])
# What can be true although nobody rang: the record or a colleague says so.
NEEDS_NO_NUMBER = frozenset(OUTCOMES[Step.BRIEFING])


def may_end(outcome: str, step: Step) -> bool:
    """Whether a try may end like this at this step."""
    return outcome in OUTCOMES[step]
