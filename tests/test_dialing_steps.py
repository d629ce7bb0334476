"""Ringing back: claimed, number shown, identity confirmed, outcome; and no way round."""

from contextlib import suppress

import pytest
from django.db import IntegrityError, transaction

from intake.actions import attempts, blocks, callbacks, dialing
from intake.models import Attempt, Callback
from intake.rules.dialing import NEEDS_IDENTITY, OUTCOMES, Step, may_end
from tests.casting import JOHN, open_callback
from tests.ringing import (
    HALF_AN_HOUR,
    TWO_HOURS,
    Stage,
    blocked,
    cancelled,
    everything_stored,
    given_back,
    handed_over,
    moved,
    reached,
    taken_after_the_claim_lapsed,
)

pytestmark = pytest.mark.django_db


EVERY_OUTCOME = Attempt.Outcome.values

# --- Every action in every state -----------------------------------------------------------------


def _open(stage):
    pass


def _lapsed_claim(stage):
    stage.claim()
    stage.later(HALF_AN_HOUR)


def _lapsed_shown(stage):
    stage.show()
    stage.later(HALF_AN_HOUR)


def _lapsed_confirmed(stage):
    stage.confirm()
    stage.later(TWO_HOURS)


def _colleagues(stage):
    stage.confirm(stage.colleague)


def _tried_without_success(stage):
    stage.show()
    attempts.record(callback=stage.callback, outcome="busy", by=stage.agent, now=stage.now)


NOT_YOURS, CLOSED = callbacks.CallbackNotYours, callbacks.CallbackAlreadyClosed
LAPSED, NOT_SHOWN = dialing.ClaimLapsed, dialing.NumberNotShown
STEPS = ("show", "confirm", "withdraw")


def everything(refusal):
    return dict.fromkeys((*STEPS, *EVERY_OUTCOME), refusal)


def outcomes_at(step):
    """What `record` answers at this step: None for done."""
    answers = {}
    for outcome in EVERY_OUTCOME:
        if may_end(outcome, step):
            answers[outcome] = None
        elif step is Step.BRIEFING:
            answers[outcome] = NOT_SHOWN
        elif outcome in NEEDS_IDENTITY:
            answers[outcome] = callbacks.IdentityNotConfirmed
        elif outcome == "not_recorded":
            answers[outcome] = attempts.NotAnOutcome
        else:
            answers[outcome] = attempts.IdentityWasConfirmed
    return answers


TAKEN = dict.fromkeys(STEPS)
RAN_OUT = dict.fromkeys(STEPS, LAPSED)
BEFORE = {"show": None, "confirm": NOT_SHOWN, "withdraw": NOT_SHOWN}
# State -> (how to get there, what each action answers: None for done, else the refusal).
TABLE = {
    "open": (_open, everything(NOT_YOURS)),
    "claimed": (Stage.claim, BEFORE | outcomes_at(Step.BRIEFING)),
    "number shown": (Stage.show, TAKEN | outcomes_at(Step.RINGING)),
    "identity confirmed": (Stage.confirm, TAKEN | outcomes_at(Step.TALKING)),
    # A claim that ran out shows nothing more; what happened may still be told.
    "claim ran out": (_lapsed_claim, RAN_OUT | outcomes_at(Step.BRIEFING)),
    "ran out, shown": (_lapsed_shown, RAN_OUT | outcomes_at(Step.RINGING)),
    "ran out, confirmed": (_lapsed_confirmed, RAN_OUT | outcomes_at(Step.TALKING)),
    "a colleague's": (_colleagues, everything(NOT_YOURS)),
    "taken after it ran out": (taken_after_the_claim_lapsed, everything(NOT_YOURS)),
    "given back": (given_back, everything(NOT_YOURS)),
    "handed over": (handed_over, everything(NOT_YOURS)),
    "moved": (moved, everything(NOT_YOURS)),
    "tried": (_tried_without_success, everything(NOT_YOURS)),
    "cancelled": (cancelled, everything(CLOSED)),
    "number blocked": (blocked, everything(CLOSED)),
    "reached": (reached, everything(CLOSED)),
}


def act(stage, action):
    whose = {"callback": stage.callback, "by": stage.agent, "now": stage.now}
    if action in EVERY_OUTCOME:
        return attempts.record(**whose, outcome=action)
    step = {
        "show": dialing.show_number,
        "confirm": dialing.confirm_identity,
        "withdraw": dialing.withdraw_identity,
    }[action]
    return step(**whose)


class Undone(Exception):
    """So that each action finds the same state."""


def test_the_table_speaks_of_every_action_in_every_state():
    for _reach, answers in TABLE.values():
        assert set(answers) == {*STEPS, *EVERY_OUTCOME}


@pytest.mark.parametrize("state", TABLE)
def test_each_action_in_each_state_is_done_or_refused_and_then_changes_nothing(
    agent, other_agent, now, state
):
    stage = Stage(agent, other_agent, now)
    reach, answers = TABLE[state]
    reach(stage)
    callback = Callback.objects.get(pk=stage.callback.pk)
    before = everything_stored(callback)
    for action, refusal in answers.items():
        stage.callback = Callback.objects.get(pk=callback.pk)
        with suppress(Undone), transaction.atomic():
            if refusal is None:
                made = act(stage, action)
                # Only the row says whether somebody is known, and "reached" needs that it does.
                if action in EVERY_OUTCOME:
                    assert made.identity_confirmed is (callback.step is Step.TALKING), action
                    assert made.identity_confirmed or action not in NEEDS_IDENTITY, action
                raise Undone
            with pytest.raises(refusal) as refused:
                act(stage, action)
            assert type(refused.value) is refusal, action
            assert everything_stored(callback) == before, action


def test_only_suspected_danger_is_said_without_having_rung():
    assert OUTCOMES[Step.BRIEFING] == ("danger_suspected",)
    assert all("danger_suspected" in outcomes for outcomes in OUTCOMES.values())
    assert {"reached", "call_later"} == NEEDS_IDENTITY


# --- The database holds it too -------------------------------------------------------------------

BARE = {
    "shown without a claim": ("open", {"number_shown_at": 1}),
    "confirmed without a claim": ("open", {"identity_confirmed_at": 1}),
    "confirmed without a number": ("claimed", {"identity_confirmed_at": 1}),
    "a claim that goes and leaves its steps": (
        "identity confirmed",
        {"claimed_at": None, "claimed_by": None},
    ),
    "a number that goes and leaves the identity": ("identity confirmed", {"number_shown_at": None}),
    "closed under a claim": ("identity confirmed", {"status": "reached", "closed_at": 1}),
    "ended by a block and open": ("open", {"closed_by_block": "a block"}),
}


@pytest.mark.parametrize(("state", "changes"), BARE.values(), ids=BARE)
def test_no_update_past_the_actions_takes_a_step_out_of_order(
    agent, other_agent, now, state, changes
):
    stage = Stage(agent, other_agent, now)
    TABLE[state][0](stage)
    values = {
        "a block": lambda: blocks.block(number=JOHN, reason="asked", by=agent, now=now),
        1: lambda: now,
    }
    changes = {name: values.get(value, lambda: None)() for name, value in changes.items()} | {
        name: value for name, value in changes.items() if value not in (1, "a block")
    }
    with pytest.raises(IntegrityError), transaction.atomic():
        Callback.objects.filter(pk=stage.callback.pk).update(**changes)


ROWS = {
    "reached, identity unknown": {"outcome": "reached"},
    "later, identity unknown": {"outcome": "call_later"},
    "no answer from somebody known": {"outcome": "no_answer", "identity_confirmed": True},
    "without a number": {"outcome": "no_answer", "number_shown_at": None},
    "known without a number": {
        "outcome": "danger_suspected",
        "identity_confirmed": True,
        "number_shown_at": None,
    },
    "a wish broken without a message": {"outcome": "busy", "against_their_wish": True},
}


@pytest.mark.parametrize("fields", ROWS.values(), ids=ROWS)
def test_no_attempt_is_stored_that_no_screen_could_have_made(agent, now, fields):
    callback = open_callback(due_at=now, now=now)
    given = {"number": 1, "number_shown_at": now, "made_at": now, "made_by": agent, **fields}
    with pytest.raises(IntegrityError), transaction.atomic():
        Attempt(callback=callback, **given).save(force_insert=True)


def test_one_number_shown_has_one_outcome(agent, now):
    callback = open_callback(due_at=now, now=now)
    given = {"callback": callback, "outcome": "busy", "made_at": now, "made_by": agent}
    Attempt(number=1, number_shown_at=now, **given).save(force_insert=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        Attempt(number=2, number_shown_at=now, **given).save(force_insert=True)
