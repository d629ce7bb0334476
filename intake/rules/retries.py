"""What follows an attempt, and when a promise is due, late and broken.

The figures are a ladder of policy, not law, and carry a version; the caps are law or stricter:
three attempts in 24 hours (Fla. Stat. 501.616(6)), which ``hours`` enforces, and two in 24 hours
and three in all for a number nobody has confirmed (anyone can type anyone's number into a form).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from intake.rules.findings import Level

LADDER_VERSION = "2026.2"

# A number typed into the public form is a stranger's until the person has been reached on it.
UNCONFIRMED_PER_DAY = 2
UNCONFIRMED_IN_ALL = 3
# "In all" is over every request for that number in this time: a form sent again opens no new
# tries, and who truly asks again a month later is rung again.
UNCONFIRMED_MEMORY = timedelta(days=30)
CONFIRMED_PER_DAY = 3
CONFIRMED_IN_ALL = 6
# "Uncontacted" as the Australian primary mental health intake defines it: an open request with
# fewer than three attempts and no outcome.
UNCONTACTED_BELOW = 3
DAY = timedelta(hours=24)


class Outcome(StrEnum):
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    VOICEMAIL_LEFT = "voicemail_left"
    WRONG_PERSON = "wrong_person"
    WRONG_NUMBER = "wrong_number"
    CALL_LATER = "call_later"
    DECLINED = "declined"
    REACHED = "reached"
    DANGER_SUSPECTED = "danger_suspected"
    # The number was shown and nobody said how it went: it has to count as a try.
    NOT_RECORDED = "not_recorded"


class Closing(StrEnum):
    """How a callback ends."""

    REACHED = "reached"
    EXHAUSTED = "exhausted"
    DECLINED = "declined"
    WRONG_NUMBER = "wrong_number"


@dataclass(frozen=True, slots=True)
class Rung:
    """One outcome's part of the ladder.

    ``delays``: waiting time after the first, second, third attempt; the last one repeats.
    ``ceiling``: attempts in all, this outcome being the latest, after which nobody tries again;
    the overall ceiling holds besides.
    """

    delays: tuple[timedelta, ...] = ()
    ceiling: int | None = None
    closes_as: Closing | None = None
    blocks_number: bool = False
    raises_urgency: bool = False
    tells_supervisor: bool = False
    advice: str = ""


def _hours(*values: float) -> tuple[timedelta, ...]:
    return tuple(timedelta(hours=value) for value in values)


LADDER: dict[Outcome, Rung] = {
    Outcome.NO_ANSWER: Rung(
        _hours(1, 4, 24), ceiling=6, advice="Try again at another time of day."
    ),
    Outcome.BUSY: Rung(_hours(0.25, 0.5, 2), ceiling=6, advice="Busy: try again soon."),
    # A row of voicemails tells the household more than one does.
    Outcome.VOICEMAIL_LEFT: Rung(
        _hours(24),
        ceiling=4,
        advice="Give them a day to call back, and leave no second message.",
    ),
    Outcome.WRONG_PERSON: Rung(
        _hours(4, 24), ceiling=3, advice="Somebody else answered: say nothing, try later."
    ),
    Outcome.WRONG_NUMBER: Rung(
        closes_as=Closing.WRONG_NUMBER,
        blocks_number=True,
        advice="Nobody rings this number again.",
    ),
    Outcome.CALL_LATER: Rung(_hours(4, 24), ceiling=6, advice="Ring at the time they asked for."),
    Outcome.DECLINED: Rung(
        closes_as=Closing.DECLINED,
        blocks_number=True,
        advice="They want no call: nobody rings this number again.",
    ),
    Outcome.REACHED: Rung(closes_as=Closing.REACHED, advice="Kept."),
    Outcome.DANGER_SUSPECTED: Rung(
        _hours(0.25),
        raises_urgency=True,
        tells_supervisor=True,
        advice="Tell the supervisor now, and decide together who tries again and whether to call"
        " 911.",
    ),
    # What somebody forgot to write down must not put a promise off: it stays due.
    Outcome.NOT_RECORDED: Rung(
        _hours(0), advice="The number was shown and nothing recorded; it counts as a try."
    ),
}


@dataclass(frozen=True, slots=True)
class NextStep:
    """What follows an attempt. Either ``closes_as`` or ``delay`` is set, never both.

    ``delay`` counts from the attempt; the calling hours come on top. ``closes_as`` is "" while the
    callback stays open. ``tells_supervisor``: a person has to look at it.
    """

    outcome: Outcome
    closes_as: str
    delay: timedelta | None
    blocks_number: bool
    raises_urgency: bool
    tells_supervisor: bool
    reason: str
    ladder: str = LADDER_VERSION


def next_step(
    outcome: str, number: int, *, number_confirmed: bool = False, at_number: int = 0
) -> NextStep:
    """What follows the ``number``-th attempt (from 1) with this outcome.

    ``number_confirmed``: somebody gave this number on a call with us, or was reached on it; without
    that the stricter ceiling for strangers' numbers holds, against ``at_number`` too: the tries at
    the phone number in ``UNCONFIRMED_MEMORY``, for whatever request. Suspected danger is never
    given up by counting. Raises ``ValueError`` for an unknown outcome or a number below 1.
    """
    if number < 1:
        raise ValueError("Attempts are counted from 1.")
    came_out = Outcome(outcome)
    rung = LADDER[came_out]
    if rung.closes_as is not None:
        return _closing(came_out, rung, rung.closes_as, rung.advice)
    tried, ceiling = _tried_and_ceiling(rung, number, number_confirmed, at_number)
    if tried >= ceiling and not rung.raises_urgency:
        reason = f"Tried {tried} times without reaching them; {ceiling} is the most."
        return _closing(came_out, rung, Closing.EXHAUSTED, reason)
    return NextStep(
        outcome=came_out,
        closes_as="",
        delay=rung.delays[min(number, len(rung.delays)) - 1],
        blocks_number=rung.blocks_number,
        raises_urgency=rung.raises_urgency,
        tells_supervisor=rung.tells_supervisor,
        reason=rung.advice,
    )


def _tried_and_ceiling(
    rung: Rung, number: int, number_confirmed: bool, at_number: int
) -> tuple[int, int]:
    overall = CONFIRMED_IN_ALL if number_confirmed else UNCONFIRMED_IN_ALL
    own = min(overall, rung.ceiling or overall)
    if not number_confirmed and number < own and at_number >= UNCONFIRMED_IN_ALL:
        return at_number, UNCONFIRMED_IN_ALL
    return number, own


def _closing(outcome: Outcome, rung: Rung, closing: Closing, reason: str) -> NextStep:
    return NextStep(
        outcome=outcome,
        closes_as=closing.value,
        delay=None,
        blocks_number=rung.blocks_number,
        raises_urgency=False,
        # Nobody disappears by counting: a supervisor sees who was never reached.
        tells_supervisor=closing is Closing.EXHAUSTED,
        reason=reason,
    )


def earliest_in_all(calls: Sequence[datetime], after: datetime) -> datetime:
    """The first moment at or after ``after`` at which a stranger's number may be tried again.

    ``calls``: those at the number, for whatever request. All UTC.
    """
    latest_first = sorted(calls, reverse=True)
    if len(latest_first) < UNCONFIRMED_IN_ALL:
        return after
    return max(after, latest_first[UNCONFIRMED_IN_ALL - 1] + UNCONFIRMED_MEMORY)


def is_uncontacted(*, is_open: bool, attempts: int) -> bool:
    """An open request with fewer than three attempts and no outcome that ended it."""
    return is_open and attempts < UNCONTACTED_BELOW


class Stage(StrEnum):
    """A promise's course: warned, due, released to the pool, shown to the supervisor."""

    DUE_SOON = "due_soon"
    DUE = "due"
    OVERDUE = "overdue"
    BREACH = "breach"


class Urgency(StrEnum):
    """An emergency is none of them: it is handed to 911, not promised a call."""

    URGENT = "urgent"
    HIGH = "high"
    ROUTINE = "routine"


def _stages(before: int, overdue: int, breach: int) -> tuple[tuple[Stage, timedelta], ...]:
    return (
        (Stage.DUE_SOON, -timedelta(minutes=before)),
        (Stage.DUE, timedelta()),
        (Stage.OVERDUE, timedelta(minutes=overdue)),
        (Stage.BREACH, timedelta(minutes=breach)),
    )


# Minutes before due, and after it until overdue and breach. Part of the ladder and its version.
STAGES: dict[Urgency, tuple[tuple[Stage, timedelta], ...]] = {
    Urgency.URGENT: _stages(5, 5, 15),
    Urgency.HIGH: _stages(10, 10, 30),
    Urgency.ROUTINE: _stages(15, 15, 60),
}

LONGEST_OVERDUE = max(dict(course)[Stage.OVERDUE] for course in STAGES.values())


def stages(
    due_at: datetime, urgency: str, ends_at: datetime | None = None
) -> list[tuple[str, datetime]]:
    """Each stage of a promise due at ``due_at`` with its moment (UTC in, UTC out), in order.

    A promise with a window (``ends_at``) may be kept until it ends: it is overdue at the latest
    moment that leaves the pool as long as the warning gave its owner, and broken at its end.
    Raises ``ValueError`` for an unknown urgency.
    """
    offsets = dict(STAGES[Urgency(urgency)])
    moments = {stage: due_at + offset for stage, offset in offsets.items()}
    if ends_at is not None:
        last_chance = ends_at + offsets[Stage.DUE_SOON]
        moments[Stage.OVERDUE] = max(moments[Stage.OVERDUE], last_chance)
        moments[Stage.BREACH] = max(moments[Stage.BREACH], ends_at)
    return [(stage.value, moment) for stage, moment in moments.items()]


def urgency_after(level: str) -> str:
    """The urgency a promise is given unless staff choose another, by the level of the screen.

    An emergency is handed to 911 first; what is promised after it is urgent.
    """
    if level in (Level.EMERGENCY, Level.URGENT):
        return Urgency.URGENT
    return Urgency.HIGH if level == Level.HIGH else Urgency.ROUTINE


# Waiting times after the first and the second failed sending; the third failure is the last.
REMINDER_BACKOFF = (timedelta(seconds=30), timedelta(minutes=2))
REMINDER_TRIES = len(REMINDER_BACKOFF) + 1


def reminder_backoff(failures: int) -> timedelta | None:
    """How long to wait after that many failures; ``None`` when the reminder is dead.

    Three tries, then a supervisor sees it. Raises ``ValueError`` below 1.
    """
    if failures < 1:
        raise ValueError("Failures are counted from 1.")
    return REMINDER_BACKOFF[failures - 1] if failures < REMINDER_TRIES else None
