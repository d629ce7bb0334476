"""The safety screen: evaluate, skip with a reason, act, override with a reason."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.contrib.auth.models import User
from django.db import transaction

from intake.actions import events
from intake.actions.base import Refused, move, save_changes
from intake.models import Call, SafetyScreen, SubstanceUse
from intake.rules import safety as rules


class ScreenMissing(Refused):
    default_message = "Safety first: do the safety screen, or skip it with a reason."


class EmergencyFirst(Refused):
    default_message = "There is a red flag. Record what was done about it first."


class ReasonMissing(Refused):
    default_message = "Give a reason: a supervisor will read it."


class ScreenOutdated(Refused):
    default_message = "The screen has changed meanwhile. Look at it again."


class AlreadyScreened(Refused):
    default_message = "The safety screen is already done. Change its answers instead."


class CallIsClosed(Refused):
    default_message = "This call is closed; its screen stays as it was."


def exposure(use: SubstanceUse, *, now: datetime) -> rules.Exposure:
    """What the rules need to know of one substance; hours are counted back from ``now``."""
    hours = None
    if use.last_used_at is not None:
        hours = Decimal(max(0, round((now - use.last_used_at).total_seconds() / 3600)))
    return rules.Exposure(
        substance=use.substance,
        dose_mg=use.dose_mg,
        times_per_day=use.times_a_day,
        days_per_week=use.days_a_week,
        weeks_of_use=None if use.weeks_of_use is None else Decimal(use.weeks_of_use),
        last_used_hours_ago=hours,
        stopped_abruptly=_answer(use.stopped_abruptly),
        recent_cut_percent=(
            None if use.recent_cut_percent is None else Decimal(use.recent_cut_percent)
        ),
        source=rules.Source(use.source or "unknown"),
        above_prescribed=_answer(use.above_prescribed),
    )


def _answer(value: bool | None) -> rules.Answer:
    if value is None:
        return rules.Answer.UNKNOWN
    return rules.Answer.YES if value else rules.Answer.NO


def exposures(uses: Sequence[SubstanceUse], *, now: datetime) -> tuple[rules.Exposure, ...]:
    return tuple(exposure(use, now=now) for use in uses)


@transaction.atomic
def evaluate(*, call: Call, answers: rules.Answers, by: User, now: datetime) -> SafetyScreen:
    """Run the rules over the answers and the call's substances; store what they found.

    Adds a row with the rule-set version; the newest is the current one. The action recorded for
    an emergency stays recorded while the emergency is the same. A level that staff raised stays
    raised; one they lowered was a judgment of the old answers and ends. Raises ``CallIsClosed``.
    """
    _lock_open(call)
    told = exposures(list(call.substances.order_by("position")), now=now)
    assessment = rules.assess(answers, told)
    screen = SafetyScreen(
        call=call,
        answers=answers.to_dict(),
        exposures=[item.to_dict() for item in told],
        assessment=assessment.to_dict(),
        rule_set_version=assessment.rule_set,
        level=str(assessment.level),
        screened_at=now,
        screened_by=by,
    )
    _replace_current(call, screen)
    events.write("screen.evaluated", by=by, now=now, subject=screen, detail={"level": screen.level})
    return screen


@transaction.atomic
def skip(*, call: Call, reason: str, by: User, now: datetime) -> SafetyScreen:
    """Go on without the screen, and say why.

    Raises ``ReasonMissing``, ``CallIsClosed``, and ``AlreadyScreened``: a skip must not cover up
    what a screen has found.
    """
    if not reason.strip():
        raise ReasonMissing
    _lock_open(call)
    previous = current(call=call)
    if previous is not None and not previous.is_skipped:
        raise AlreadyScreened
    screen = SafetyScreen(
        call=call,
        is_skipped=True,
        skipped_reason=reason,
        rule_set_version=rules.RULE_SET_VERSION,
        level=SafetyScreen.Level.UNKNOWN,
        screened_at=now,
        screened_by=by,
    )
    _replace_current(call, screen)
    events.write("screen.skipped", by=by, now=now, subject=screen)
    return screen


def _lock_open(call: Call) -> None:
    """One evaluation of a call at a time, and none after it is closed."""
    if not Call.objects.select_for_update().filter(pk=call.pk, status="open").exists():
        raise CallIsClosed


def _replace_current(call: Call, screen: SafetyScreen) -> None:
    previous = current(call=call)
    if previous is not None:
        SafetyScreen.objects.filter(pk=previous.pk).update(is_current=False)
        found = screen.result
        if found is None or is_acted_on(found, after=previous):
            screen.action_taken = previous.action_taken
            screen.acted_at, screen.acted_by = previous.acted_at, previous.acted_by
        if found is not None and raised_level(previous, over=found):
            screen.override_level = previous.override_level
            screen.override_reason = previous.override_reason
            screen.overridden_at = previous.overridden_at
            screen.overridden_by = previous.overridden_by
    screen.save(force_insert=True)


def is_acted_on(found: rules.Assessment, *, after: SafetyScreen) -> bool:
    """Whether what was done ``after`` an earlier screen answers what is found now.

    It does while nothing is graver than it was then and no red flag is of another kind.
    """
    if not after.action_taken or found.level.rank > _rank(after.effective_level):
        return False
    return _red_flags(found) <= _red_flags(after.result)


def _rank(level: str) -> int:
    return rules.Level(level).rank


def raised_level(screen: SafetyScreen, *, over: rules.Assessment) -> str:
    """The level staff had set on ``screen`` where it is graver than what is found now, else ""."""
    level = screen.override_level
    return level if level and _rank(level) > over.level.rank else ""


def _red_flags(found: rules.Assessment | None) -> set[str]:
    return {finding.rule_id for finding in found.red_flags} if found else set()


def current(*, call: Call) -> SafetyScreen | None:
    """The screen that holds now, or None before the first."""
    return call.screens.select_related("screened_by").filter(is_current=True).first()


def require_screen(*, call: Call) -> SafetyScreen:
    """Safety before money: raises ``ScreenMissing``, or ``EmergencyFirst`` while one waits."""
    screen = current(call=call)
    if screen is None:
        raise ScreenMissing
    if screen.waits_for_action:
        raise EmergencyFirst
    return screen


@transaction.atomic
def record_action(*, screen: SafetyScreen, action: str, by: User, now: datetime) -> SafetyScreen:
    """What was done about it: 911, a warm transfer, advice read. Raises ``ScreenOutdated``."""
    if action not in SafetyScreen.Action.values:
        raise ReasonMissing("Choose what was done.")
    move(
        screen,
        refusal=ScreenOutdated,
        expected={"is_current": True},
        action_taken=action,
        acted_at=now,
        acted_by=by,
    )
    events.write("screen.acted", by=by, now=now, subject=screen, detail={"action": action})
    return screen


@transaction.atomic
def override(
    *,
    screen: SafetyScreen,
    level: str,
    reason: str,
    by: User,
    now: datetime,
) -> SafetyScreen:
    """Staff judgment over the rules, with its reason, on the supervisor's list.

    Raises ``ReasonMissing``, ``ScreenOutdated``, and ``EmergencyFirst``: what was done about an
    emergency is recorded before anyone judges it away.
    """
    if not reason.strip() or level not in SafetyScreen.Level.values:
        raise ReasonMissing
    if screen.waits_for_action:
        raise EmergencyFirst
    move(
        screen,
        refusal=ScreenOutdated,
        expected={"is_current": True},
        override_level=level,
        overridden_at=now,
        overridden_by=by,
    )
    save_changes(screen, override_reason=reason)
    events.write(
        "screen.overridden",
        by=by,
        now=now,
        subject=screen,
        detail={"from": screen.level, "to": level},
    )
    return screen
