"""When this person may be rung: the decision, with its reason, and the next times.

The rule itself is ``rules.hours``; what counts against its caps is ``tries``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from intake.actions.base import Refused
from intake.actions.tries import Tries, calls_at, tries_at
from intake.models import Callback, Person
from intake.rules import hours, retries
from intake.rules.hours import CallingRule, Decision

# "Now" chosen on a form is a little past by the time it arrives.
LATE_TYPING = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Offer:
    """A stretch in which they may be rung, ``at`` included, ``until`` not (UTC), and why."""

    at: datetime
    until: datetime
    reason: str


class OutsideCallingHours(Refused):
    """``offers``: the next times that are allowed, the first one first."""

    default_message = "That time is outside the hours in which this person may be called."

    def __init__(self, message: str = "", offers: Sequence[Offer] = ()) -> None:
        super().__init__(message)
        self.offers = tuple(offers)


class NoTimeLeft(Refused):
    default_message = (
        "Their own safe hours leave no time inside the calling hours. Enter the time they asked"
        " for."
    )


class DueInThePast(Refused):
    default_message = "A callback can only be promised for a time ahead."


# --- The rule -------------------------------------------------------------------------------------


def rule_for(
    person: Person,
    *,
    asked_outside_hours: bool = False,
    requested: Iterable[tuple[datetime, datetime]] = (),
) -> CallingRule:
    """The hours that hold for this person: place, number and their own safe hours.

    Looks nothing up, so the public form may ask without telling who is known here.
    """
    return hours.calling_rule(
        zip_code=person.zip_code,
        state=person.state,
        number=_number(person),
        stated_zone=person.time_zone if person.time_zone_source == Person.ZoneSource.STATED else "",
        safe_from=person.safe_from,
        safe_until=person.safe_until,
        asked_outside_hours=asked_outside_hours,
        requested=requested,
        site_state=settings.HELPLINE_STATE,
        keeps_holidays=not settings.HELPLINE_CALLS_ON_HOLIDAYS,
    )


def _number(person: Person) -> str:
    return person.number


def _rule_of(callback: Callback) -> CallingRule:
    """The person's hours, and what they asked for this once.

    Whoever asks to be rung at ten at night asked for that hour, not for every night after it.
    """
    wish: list[tuple[datetime, datetime]] = []
    if callback.asked_outside_hours:
        ends = callback.due_at + hours.REQUEST_HOLDS
        wish.append((callback.due_at, max(ends, callback.window_ends_at or ends)))
    return rule_for(callback.person, requested=wish)


# --- The decision ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Case:
    """Everything that decides about one person's number. ``planned``: other promises to it."""

    rule: CallingRule
    tries: Tries
    is_number_confirmed: bool
    is_in_danger: bool = False
    planned: Sequence[datetime] = ()

    @property
    def per_day(self) -> int:
        confirmed = self.is_number_confirmed
        return retries.CONFIRMED_PER_DAY if confirmed else retries.UNCONFIRMED_PER_DAY

    @property
    def has_ceiling(self) -> bool:
        """Suspected danger is never given up by counting."""
        return not self.is_number_confirmed and not self.is_in_danger

    def is_tried_out(self, at: datetime) -> bool:
        return self.has_ceiling and retries.earliest_in_all(self.tries.calls, at) > at

    def decide(self, at: datetime) -> Decision:
        if self.is_tried_out(at):
            return Decision(
                False,
                f"Tried {retries.UNCONFIRMED_IN_ALL} times, and nobody has confirmed that this"
                " number is theirs; that is the most.",
                is_capped=True,
            )
        return hours.allowed(at, self.rule, attempts=self.tries.all, per_day=self.per_day)

    def offers(self, after: datetime, n: int) -> list[Offer]:
        if self.has_ceiling:
            after = retries.earliest_in_all(self.tries.calls, after)
        counted = [*self.tries.all, *self.planned]
        found = hours.next_allowed(after, self.rule, attempts=counted, n=n, per_day=self.per_day)
        return [
            Offer(one.at, one.until, f"{self._why(one.at)}{self._used(one.at, counted)}")
            for one in found
        ]

    def _why(self, at: datetime) -> str:
        return hours.allowed(at, self.rule).reason

    def _used(self, at: datetime, counted: Sequence[datetime]) -> str:
        used = sum(at - retries.DAY < made <= at for made in counted)
        return f" Tries used in 24 hours: {used} of {self.per_day}." if used else ""


def _case_of_person(person: Person, rule: CallingRule, at: datetime) -> _Case:
    """For a promise on a call: whoever is on the line has just given the number."""
    number = _number(person)
    tries = tries_at([number])[number]
    return _Case(rule, tries, True, planned=_planned(number, at))


def _case_of(callback: Callback, at: datetime, rule: CallingRule | None = None) -> _Case:
    number = _number(callback.person)
    tries = tries_at([number])[number]
    return _build(callback, tries, rule, _planned(number, at, but=callback))


def _build(
    callback: Callback, tries: Tries, rule: CallingRule | None, planned: Sequence[datetime] = ()
) -> _Case:
    return _Case(
        rule or _rule_of(callback),
        tries.besides(callback),
        is_number_confirmed=tries.is_confirmed,
        is_in_danger=callback.in_danger or callback.pk in tries.in_danger,
        planned=planned,
    )


def _planned(number: str, after: datetime, *, but: Callback | None = None) -> list[datetime]:
    """When other promises to this number fall due after ``after`` (UTC)."""
    if not number:
        return []
    promised = Callback.objects.filter(
        status=Callback.Status.OPEN, person__in=Person.objects.at(number), due_at__gt=after
    )
    if but is not None:
        promised = promised.exclude(pk=but.pk)
    return list(promised.values_list("due_at", flat=True))


def attempts_at(person: Person) -> list[datetime]:
    """Every moment (UTC, oldest first) that counts against the cap at this person's number.

    Over all callbacks and everyone recorded under the number: attempts, texts sent, and a number
    shown on a dial screen whose attempt is not recorded yet.
    """
    return tries_at([_number(person)])[_number(person)].all


def decide(person: Person, at: datetime, *, asked_outside_hours: bool = False) -> Decision:
    """Whether this person, on the line now, may be promised a call at ``at`` (UTC), and why."""
    rule = rule_for(person, asked_outside_hours=asked_outside_hours)
    return _case_of_person(person, rule, at).decide(at)


def offers(person: Person, after: datetime, n: int = 3) -> list[Offer]:
    """The next ``n`` stretches from ``after`` (UTC) on in which they may be rung, each with why.

    What is promised to the same number already counts as made. May be fewer, or none: see
    ``hours.next_allowed``.
    """
    return _case_of_person(person, rule_for(person), after).offers(after, n)


def require(person: Person, at: datetime, *, asked_outside_hours: bool = False) -> None:
    """Raise ``OutsideCallingHours``, with the next allowed times, unless ``at`` (UTC) is one."""
    decision = decide(person, at, asked_outside_hours=asked_outside_hours)
    if not decision.ok:
        raise OutsideCallingHours(decision.reason, offers(person, at))


# --- One callback ---------------------------------------------------------------------------------


def decide_for(callback: Callback, at: datetime) -> Decision:
    """Whether this callback may be rung at ``at`` (UTC), and why: for the desk and the screen.

    A wish for an odd hour holds around the time they asked for. A number nobody confirmed is tried
    twice in 24 hours and three times in all, unless somebody is in danger.
    """
    return _case_of(callback, at).decide(at)


def decide_all(callbacks: Sequence[Callback], at: datetime) -> dict[UUID, Decision]:
    """``decide_for`` of many, by id, in as many queries as for one."""
    numbers = {_number(callback.person) for callback in callbacks}
    tries = tries_at(numbers)
    return {
        callback.pk: _build(callback, tries[_number(callback.person)], None).decide(at)
        for callback in callbacks
    }


def is_tried_out(callback: Callback) -> bool:
    """Whether the number, which nobody has confirmed, was tried too often to be rung when due."""
    return callback.pk in tried_out([callback])


def tried_out(callbacks: Sequence[Callback]) -> set[UUID]:
    """Those of them that ``is_tried_out``, by id, in one query for all."""
    tries = calls_at({_number(callback.person) for callback in callbacks})
    return {
        callback.pk
        for callback in callbacks
        if (tried := tries[_number(callback.person)]).calls
        and _build(callback, tried, None).is_tried_out(callback.due_at)
    }


def offers_for(callback: Callback, after: datetime, n: int = 3) -> list[Offer]:
    """As ``offers``, for an open callback; it does not stand in its own way."""
    return _case_of(callback, after).offers(after, n)


def require_for(callback: Callback, at: datetime, *, asked_outside_hours: bool = False) -> None:
    """As ``require``, for an open callback that is moved to ``at``."""
    asked = rule_for(callback.person, asked_outside_hours=asked_outside_hours)
    decision = _case_of(callback, at, asked).decide(at)
    if not decision.ok:
        usual = _case_of(callback, at, rule_for(callback.person))
        raise OutsideCallingHours(decision.reason, usual.offers(at, 3))


def step_after(callback: Callback, outcome: str, number: int, *, now: datetime) -> retries.NextStep:
    """What follows the ``number``-th attempt at this callback, which is on record already."""
    phone = _number(callback.person)
    tries = tries_at([phone])[phone].besides(callback)
    lately = [made for made in tries.calls if made > now - retries.UNCONFIRMED_MEMORY]
    return retries.next_step(
        outcome, number, number_confirmed=tries.is_confirmed, at_number=len(lately)
    )


def next_try(
    callback: Callback,
    step: retries.NextStep,
    asked: datetime | None = None,
    *,
    now: datetime,
    asked_outside_hours: bool = False,
) -> datetime:
    """When (UTC) to try again: the time they ``asked`` for, else the ladder's, in their hours.

    Raises ``DueInThePast``, ``OutsideCallingHours`` with the next allowed times, ``NoTimeLeft``.
    """
    if asked is not None:
        if asked < now - LATE_TYPING:
            raise DueInThePast
        require_for(callback, asked, asked_outside_hours=asked_outside_hours)
        return asked
    usual = _case_of(callback, now, rule_for(callback.person))
    found = usual.offers(now + (step.delay or timedelta()), 1)
    if not found:
        raise NoTimeLeft
    return found[0].at


def text_decision(callback: Callback, at: datetime) -> Decision:
    """Whether a text about this callback may go out at ``at`` (UTC).

    It counts as a call, so the promised one must still be allowed after it.
    """
    case = _case_of(callback, at)
    decision = case.decide(at)
    if not decision.ok or at > callback.due_at:
        return decision
    with_text = replace(case.tries, texts=[*case.tries.texts, at])
    if replace(case, tries=with_text).decide(callback.due_at).ok:
        return decision
    return Decision(False, "A text would leave no room for the promised call.")
