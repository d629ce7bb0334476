"""What a machine watches: are promises being kept, and if not, since when?

Every question is one query over a partial index, cheap enough to be asked all day. ``now`` is the
database's clock (``intake.models.clock``), which is also the one the sweep works by; but of requests
of the public form it is the web server's, which noted when they came.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from intake.models import Attempt, Callback, Event, Heartbeat, Reminder
from intake.reports import review_queue
from intake.rules import retries

# Sweeps follow each other within seconds; a dozen missed in a row is a stop, not a delay.
SWEEP_MAX_AGE = timedelta(minutes=2)
LATE_AFTER = timedelta(minutes=5)
# What was sent longer ago is not counted: see ``sent``.
SENT_WINDOW = timedelta(hours=1)

# A text that could not go out in time is never sent later, so it is never waited for.
AWAITED = tuple(set(Reminder.Channel.values) - {Reminder.Channel.TEXT.value})
Channels = Mapping[str, int]


# --- The dead-man switch -------------------------------------------------------------------------


def swept_at() -> datetime | None:
    """When anybody last looked for due reminders; None: never."""
    return Heartbeat.objects.filter(name="sweep").values_list("seen_at", flat=True).first()


def is_swept(now: datetime) -> bool:
    """Has somebody looked for due reminders in the last two minutes?

    A time still to come is left over from a clock that was put back; it says nothing.
    """
    seen_at = swept_at()
    return seen_at is not None and abs(now - seen_at) < SWEEP_MAX_AGE


def late(now: datetime) -> QuerySet[Reminder]:
    """Due for over five minutes, not sent, and in nobody's hands.

    What waits because its channel is down, or was put back after a failure, is late too.
    """
    return waiting(now - LATE_AFTER).filter(_is_late(now))


def _is_late(now: datetime) -> Q:
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    return free & Q(due_at__lte=now - LATE_AFTER, channel__in=AWAITED)


def late_since(now: datetime) -> datetime | None:
    """When the oldest of the late ones was due; None: nothing is late."""
    return late(now).order_by("due_at").values_list("due_at", flat=True).first()


# --- Reminders -----------------------------------------------------------------------------------


def waiting(before: datetime) -> QuerySet[Reminder]:
    """Planned, and due at ``before`` or earlier."""
    return Reminder.objects.filter(status=Reminder.Status.PLANNED, due_at__lte=before)


def due_and_late(now: datetime) -> tuple[Channels, Channels]:
    """Reminders whose time has come and that nobody has got yet, and the late ones among them."""
    found = (
        waiting(now)
        .order_by()
        .values_list("channel")
        .annotate(due=Count("pk"), late=Count("pk", filter=_is_late(now)))
    )
    rows = list(found)
    return (
        _named(Reminder.Channel.values, ((channel, due) for channel, due, _late in rows)),
        _named(Reminder.Channel.values, ((channel, late) for channel, _due, late in rows)),
    )


def dead() -> Channels:
    """Given up, and waiting for a supervisor: nobody waits for those of a callback that ended."""
    given_up = Reminder.objects.filter(
        status=Reminder.Status.DEAD, callback__status=Callback.Status.OPEN
    )
    counts = given_up.order_by().values_list("channel").annotate(number=Count("*"))
    return _named(Reminder.Channel.values, counts)


def due_since(now: datetime) -> datetime | None:
    """When the oldest was due that nobody has got yet, in whosever hands it is."""
    found = waiting(now).filter(channel__in=AWAITED).order_by("due_at")
    return found.values_list("due_at", flat=True).first()


def sent(now: datetime) -> Mapping[tuple[str, str], int]:
    """Reminders sent in the last hour, by channel and stage.

    A window, not a running total: rows are purged when their time is over, and a total that
    falls reads, to whoever computes rates of it, as a restart followed by a flood.
    """
    found = (
        Reminder.objects.filter(status=Reminder.Status.SENT, sent_at__gt=now - SENT_WINDOW)
        .order_by()
        .values_list("channel", "stage")
        .annotate(number=Count("*"))
    )
    counts = {(channel, stage): number for channel, stage, number in found}
    return {
        key: counts.get(key, 0)
        for key in ((c, s) for c in Reminder.Channel.values for s in Reminder.Stage.values)
    }


def _named(names: Iterable[str], found: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Every name is there, those with nothing too: a series that vanishes raises no alarm."""
    return dict.fromkeys(names, 0) | dict(found)


# --- Promises ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenCallbacks:
    """Open promises of one urgency: all, those past "overdue", and of these those past "breach"."""

    open: int = 0
    overdue: int = 0
    breached: int = 0


def open_callbacks(now: datetime) -> dict[str, OpenCallbacks]:
    """By urgency; the moments are those of the reminders of the same stage."""
    found = (
        Callback.objects.filter(status=Callback.Status.OPEN)
        .order_by()
        .values_list("urgency")
        .annotate(
            number=Count("*"),
            overdue=Count("pk", filter=_past(retries.Stage.OVERDUE, now)),
            breached=Count("pk", filter=_past(retries.Stage.BREACH, now)),
        )
    )
    counts = {urgency: OpenCallbacks(*numbers) for urgency, *numbers in found}
    return {urgency: counts.get(urgency, OpenCallbacks()) for urgency in Callback.Urgency.values}


def _past(stage: str, now: datetime) -> Q:
    """Callbacks past this stage of theirs: ``rules.retries.stages``, asked the other way round."""
    return reduce(or_, (_past_of(urgency, stage, now) for urgency in Callback.Urgency.values))


def _past_of(urgency: str, stage: str, now: datetime) -> Q:
    moments = dict(retries.stages(now, urgency))
    due_before = now - (moments[stage] - now)
    # With a window: overdue while the pool still has time inside it, broken at its end.
    warning = now - moments[retries.Stage.DUE_SOON]
    ends_before = now + warning if stage == retries.Stage.OVERDUE else now
    in_time = Q(window_ends_at__isnull=True) | Q(window_ends_at__lte=ends_before)
    return Q(urgency=urgency, due_at__lte=due_before) & in_time


RECEIVED_LATE_AFTER = timedelta(minutes=2)


def is_admitted(now: datetime) -> bool:
    """Is everything the public form took looked at within two minutes? By the web server's clock.

    A time still to come is left over from a clock that was put back: how long it has waited since
    nobody knows, so it counts for as long as it lies ahead.
    """
    since = received_since()
    return since is None or abs(now - since) < RECEIVED_LATE_AFTER


def received_since() -> datetime | None:
    """When the oldest request came that no sweep has looked at; None: all were."""
    return review_queue.received_since()


def held(now: datetime) -> tuple[dict[str, int], datetime]:
    """Requests that wait for a human, by the reason why, and when the oldest of them came."""
    waiting = review_queue.reasons()
    counts = _named(Callback.HeldBecause.values, ((one.because, one.number) for one in waiting))
    return counts, min((one.since for one in waiting), default=now)


def uncontacted() -> int:
    """Open requests with fewer than three attempts (``retries.is_uncontacted``)."""
    third = Attempt.objects.filter(callback=OuterRef("pk"), number__gte=retries.UNCONTACTED_BELOW)
    return Callback.objects.filter(~Exists(third), status=Callback.Status.OPEN).count()


# --- The rest ------------------------------------------------------------------------------------


PROCESSES = ("worker", "beat", "sweeper")


def signs_of_life() -> dict[str, datetime | None]:
    """The last of each process; None: it never gave one."""
    seen = dict(Heartbeat.objects.values_list("name", "seen_at"))
    return {name: seen.get(name) for name in PROCESSES}


def paused(now: datetime) -> Channels:
    """1 for each channel that rests because it was found out, else 0."""
    resting = Heartbeat.objects.filter(name__in=Reminder.Channel.values, paused_until__gt=now)
    return _named(
        Reminder.Channel.values, ((name, 1) for name in resting.values_list("pk", flat=True))
    )


def unsealed_since() -> datetime | None:
    """When the oldest event was written that is not in the sealed chain yet; None: all are."""
    unsealed = Event.objects.filter(position__isnull=True).order_by("id")
    return unsealed.values_list("at", flat=True).first()
