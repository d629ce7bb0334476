"""Earlier calls from the same number: shown, never taken to be the same person."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Q

from intake.actions import events, people
from intake.models import Call, Person

MOST_CALLS = 10


def earlier_calls(call: Call, *, by: User, now: datetime) -> dict[str, Any] | None:
    """Calls, approach notes and the block of the numbers on this sheet; None if there are none.

    A household shares a number, and so may a stranger after it changed hands. Writes what was
    shown to the audit.
    """
    own = [person for person in (call.caller, call.person_in_need) if person and person.phone]
    if not own:
        return None
    numbers = {str(person.phone) for person in own}
    known = Person.objects.none().union(*(people.known_at(number) for number in numbers))
    others = [person for person in known if person not in own]
    met = Q(caller__in=others) | Q(person_in_need__in=others)
    rows = list(
        Call.objects.filter(met)
        .exclude(pk=call.pk)
        .with_level()
        .select_related("taken_by")
        .order_by("-started_at", "-id")[:MOST_CALLS]
    )
    is_blocked = any(person.do_not_call for person in [*own, *others])
    if not rows and not is_blocked:
        return None
    events.write(
        "list.read",
        by=by,
        now=now,
        subject=call,
        detail={"model": "call", "ids": [str(row.pk) for row in rows]},
    )
    return {
        "calls": rows,
        "notes": [person.approach_note for person in others if person.approach_note],
        "is_blocked": is_blocked,
    }
