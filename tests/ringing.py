"""A callback that is being rung: how it came to where it stands, and all that is stored of it."""

from datetime import timedelta

from django.urls import reverse

from intake.actions import attempts, blocks, callbacks, dialing
from intake.models import Attempt, BlockedNumber, Callback, Event
from tests.casting import MARIA, open_callback

HALF_AN_HOUR = timedelta(minutes=31)
TWO_HOURS = timedelta(hours=2, minutes=1)
ABOUT = "Stopping clonazepam"


class Stage:
    """A callback brought into one state, and the moment at which it is acted upon."""

    def __init__(self, agent, colleague, now):
        self.agent, self.colleague, self.now = agent, colleague, now
        self.callback = open_callback(due_at=now, now=now, owner=agent)

    def claim(self, by=None):
        callbacks.claim(callback=self.callback, by=by or self.agent, now=self.now)

    def show(self, by=None):
        self.claim(by)
        dialing.show_number(callback=self.callback, by=by or self.agent, now=self.now)

    def confirm(self, by=None):
        self.show(by)
        dialing.confirm_identity(callback=self.callback, by=by or self.agent, now=self.now)

    def later(self, span):
        self.now += span


def taken_after_the_claim_lapsed(stage):
    stage.confirm()
    stage.later(TWO_HOURS)
    stage.show(stage.colleague)


def given_back(stage):
    stage.confirm()
    callbacks.release(callback=stage.callback, by=stage.agent, now=stage.now)


def handed_over(stage):
    stage.confirm()
    callbacks.hand_over(
        callback=stage.callback, to=stage.colleague, reason="busy", by=stage.agent, now=stage.now
    )


def moved(stage):
    stage.confirm()
    due = stage.now + timedelta(hours=3)
    callbacks.reschedule(callback=stage.callback, due_at=due, by=stage.agent, now=stage.now)


def cancelled(stage):
    stage.confirm()
    callbacks.cancel(callback=stage.callback, by=stage.colleague, now=stage.now)


def blocked(stage):
    stage.confirm()
    blocks.block(number=MARIA, reason="asked_by_text", by=stage.colleague, now=stage.now)


def reached(stage):
    stage.confirm()
    attempts.record(callback=stage.callback, outcome="reached", by=stage.agent, now=stage.now)


def everything_stored(callback):
    return (
        Callback.objects.filter(pk=callback.pk).values().get(),
        sorted(Attempt.objects.values_list("number", "outcome", "identity_confirmed")),
        Event.objects.count(),
        BlockedNumber.objects.count(),
    )


def claimed(agent, now):
    """One of the agent's own, due now and claimed by them."""
    callback = open_callback(due_at=now, now=now, owner=agent, reason=ABOUT)
    return callbacks.claim(callback=callback, by=agent, now=now)


def show(callback, by, now):
    return dialing.show_number(callback=callback, by=by, now=now)


def page(callback, name="dial"):
    return reverse(f"admin:intake_callback_{name}", args=[callback.pk])
