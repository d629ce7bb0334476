"""Requests that wait for a human: which, why, and for how long. Nobody is rung about them yet.

Each list is read off ``callback_held``, an index of such rows alone: among a hundred thousand, a
page costs no more than among ten.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, Min, Q, QuerySet

from intake.models import Callback, Person

# A sweep takes what the form stored within seconds; after this nobody sweeps, and a human may.
LEFT_LYING = timedelta(minutes=1)
WAITING = (Callback.Status.HELD, Callback.Status.RECEIVED)


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many wait for one reason (``Callback.HeldBecause``), since when the first does, and how
    many of them said that they are in danger."""

    because: str
    number: int
    since: datetime
    in_danger: int

    @property
    def others(self) -> int:
        """What may be turned down without a look at each."""
        return self.number - self.in_danger


def parts(now: datetime, *, because: str = "") -> list[QuerySet[Callback]]:
    """What waits, in parts that stand one after the other, each oldest first: in danger, the rest.

    ``because`` leaves those of one reason; without it, what nobody swept is among them.
    """
    kinds = [held(because)] if because else [left_lying(now), held()]
    # Asked for apart, each is a walk along the index to any depth.
    return [
        kind.filter(in_danger=in_danger).order_by("id")
        for in_danger in (True, False)
        for kind in kinds
    ]


def parts_of_all(now: datetime) -> list[QuerySet[Callback]]:
    """As ``parts``, each with those in danger first: for who needs the beginning alone."""
    return [kind.order_by("-in_danger", "id") for kind in (left_lying(now), held())]


def held(because: str = "") -> QuerySet[Callback]:
    found = Callback.objects.filter(status=Callback.Status.HELD)
    return found.filter(held_because=because) if because else found


def left_lying(now: datetime) -> QuerySet[Callback]:
    """Taken by the form, and looked at by nobody since: shown lest they be forgotten."""
    return Callback.objects.filter(
        status=Callback.Status.RECEIVED, requested_at__lte=now - LEFT_LYING
    )


def reasons() -> list[Waiting]:
    """Each reason for which something is held, the most frequent first."""
    counted = (
        held()
        .order_by()
        .values_list("held_because")
        .annotate(
            number=Count("*"),
            since=Min("requested_at"),
            dangers=Count("pk", filter=Q(in_danger=True)),
        )
    )
    return sorted((Waiting(*row) for row in counted), key=lambda one: (-one.number, one.because))


def in_danger(because: str) -> int:
    """How many of those held for this reason said that they are in danger."""
    return held(because).filter(in_danger=True).count()


def others_for_its_number(callback: Callback, *, in_danger: bool) -> int:
    """How many other requests wait for the number of this one, and said that they are in danger or
    did not."""
    number = Person.objects.filter(pk=callback.person_id, phone_index__isnull=False)
    others = Callback.objects.filter(
        status__in=WAITING,
        in_danger=in_danger,
        person__phone_index__in=number.values("phone_index"),
    )
    return others.exclude(pk=callback.pk).count()


def same_number(callbacks: Iterable[Callback]) -> dict[UUID, int]:
    """For each of these (by id): how many requests for its number wait, itself included.

    Numbers are compared by their indexes and read by nobody.
    """
    own = dict(
        Callback.objects.filter(pk__in=[one.pk for one in callbacks]).values_list(
            "pk", "person__phone_index"
        )
    )
    counted = dict(
        Callback.objects.filter(status__in=WAITING, person__phone_index__in=set(own.values()))
        .order_by()
        .values_list("person__phone_index")
        .annotate(number=Count("*"))
    )
    return {pk: counted.get(index, 1) for pk, index in own.items()}


# --- For how long ---------------------------------------------------------------------------------


def received_since() -> datetime | None:
    """When the oldest request came that no sweep has looked at; None: all were.

    The first in each half of the index: ids are made in order of time.
    """
    found = Callback.objects.filter(status=Callback.Status.RECEIVED).order_by("id")
    firsts = [
        found.filter(in_danger=in_danger).values_list("requested_at", flat=True).first()
        for in_danger in (True, False)
    ]
    return min((first for first in firsts if first is not None), default=None)
