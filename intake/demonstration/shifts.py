"""What people at the desk do for each other: hand the shift over, talk a hard call over."""

import itertools
import random
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.contrib.auth.models import User

from intake.actions import debriefs, handovers
from intake.models import Call

BEFORE_THE_END = timedelta(minutes=6)
READ_AFTER = timedelta(minutes=11)
HELD_AFTER = timedelta(hours=20)
# A longer past would say nothing more.
PAST = timedelta(days=2)
SHARE_OF_HARD_CALLS = 0.5
NOTES = (
    "Quiet after midnight. The two from the web form were rung and not reached; both asked for"
    " the morning.",
    "Busy. The printer is out of paper again; the blank sheets lie in the second drawer.",
    "One family rings every evening; be patient, they are doing well.",
)


def handed_over(agents: list[User], *, until: datetime) -> Iterator[datetime]:
    """At each change of shifts one writes, and another reads it soon after."""
    change = handovers.covered(now=until - PAST)[0].ends_at
    for number in itertools.count():
        leaving, coming = agents[number % len(agents)], agents[(number + 1) % len(agents)]
        written_at = change - BEFORE_THE_END
        yield written_at
        note = NOTES[number % len(NOTES)]
        hand_over = handovers.write(note=note, by=leaving, now=written_at)
        yield written_at + READ_AFTER
        handovers.acknowledge(hand_over=hand_over, by=coming, now=written_at + READ_AFTER)
        change = handovers.covered(now=change)[0].ends_at


def talked_over(call: Call, agent: User, chance: random.Random) -> Iterator[datetime]:
    """Some hard calls are asked to be talked over, and are the next day."""
    supervisor = User.objects.filter(groups__name="Supervisor", is_active=True).first()
    if call.closed_at is None or supervisor is None or chance.random() >= SHARE_OF_HARD_CALLS:
        return
    debrief = debriefs.ask(call=call, by=agent, now=call.closed_at)
    held_at = call.closed_at + HELD_AFTER
    yield held_at
    debriefs.hold(debrief=debrief, by=supervisor, now=held_at, note="We talked for a while.")
