"""What is still under way at the end of a shift, as ids, references, levels and times.

Four lists, each bounded: callers at high risk whose loop is not closed, callbacks due by the end of
the next shift, requests nobody has looked at, referrals that wait for an answer. No name, no number,
no word of a narrative.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from intake.models import Call, Callback, Referral, ReferralOffer, SafetyScreen
from intake.rules.shifts import Shift

# More than this on one list is no hand-over any more but the desk itself.
MOST = 50
AT_RISK = (
    SafetyScreen.Level.EMERGENCY,
    SafetyScreen.Level.URGENT,
    SafetyScreen.Level.HIGH,
)

Entry = dict[str, Any]


def digest(*, shift: Shift, until: datetime) -> dict[str, Any]:
    """The digest at the end of ``shift``, looking ahead to ``until`` (UTC).

    ``more`` says of each list whether it was cut after ``MOST`` entries.
    """
    lists = {
        "high_risk": _high_risk(shift),
        "callbacks": _callbacks(until),
        "requests": _requests(),
        "referrals": _referrals(),
    }
    return {
        "from": shift.starts_at.isoformat(),
        "until": until.isoformat(),
        **{name: entries[:MOST] for name, entries in lists.items()},
        "more": {name: len(entries) > MOST for name, entries in lists.items()},
    }


def _high_risk(shift: Shift) -> list[Entry]:
    """Open calls, and calls of this shift, whose person neither arrived nor was reached again."""
    arrived = Referral.objects.filter(call=OuterRef("pk"), status=Referral.Status.ARRIVED)
    reached = Callback.objects.filter(call=OuterRef("pk"), status=Callback.Status.REACHED)
    risky = (
        Call.objects.with_level()
        .filter(Q(screen_level__in=AT_RISK))
        .exclude(Exists(arrived))
        .exclude(Exists(reached))
    )
    open_ = risky.filter(status=Call.Status.OPEN)
    recent = risky.filter(started_at__gte=shift.starts_at)
    # Two queries, each on an index of its own; an OR of both would read every call there is.
    found = {row["id"]: row for part in (open_, recent) for row in _call_rows(part)}
    promised = dict(
        Callback.objects.filter(call__in=found, status=Callback.Status.OPEN).values_list(
            "call", "due_at"
        )
    )
    entries = [_call_entry(row, promised.get(row["id"])) for row in found.values()]
    return sorted(entries, key=lambda entry: (AT_RISK.index(entry["level"]), entry["at"]))


def _call_rows(calls: QuerySet[Call]) -> Iterable[dict[str, Any]]:
    return calls.order_by(
        "started_at", "id"
    ).values(
        "id",
        "reference",
        "started_at",
        "status",
        "screen_level",  # type: ignore[misc]
        "current_screen__action_taken",
    )[: MOST + 1]


def _call_entry(row: dict[str, Any], promised: datetime | None) -> Entry:
    return {
        "id": str(row["id"]),
        "reference": row["reference"],
        "at": row["started_at"].isoformat(),
        "level": row["screen_level"],
        "open": row["status"] == Call.Status.OPEN,
        "action": row["current_screen__action_taken"],
        "callback_at": promised.isoformat() if promised else "",
    }


def _callbacks(until: datetime) -> list[Entry]:
    due = Callback.objects.filter(status=Callback.Status.OPEN, due_at__lt=until)
    return [
        {
            "id": str(row["id"]),
            "reference": row["reference"],
            "at": row["due_at"].isoformat(),
            "urgency": row["urgency"],
            "owner": row["owner__username"] or "",
        }
        for row in due.order_by("due_at", "id").values(
            "id", "reference", "due_at", "urgency", "owner__username"
        )[: MOST + 1]
    ]


def _requests() -> list[Entry]:
    """Held for a human: those in danger first, then the oldest."""
    held = Callback.objects.filter(status=Callback.Status.HELD).order_by("-in_danger", "id")
    return [
        {
            "id": str(row["id"]),
            "reference": row["reference"],
            "at": row["requested_at"].isoformat(),
            "because": row["held_because"],
            "in_danger": row["in_danger"],
        }
        for row in held.values("id", "reference", "requested_at", "held_because", "in_danger")[
            : MOST + 1
        ]
    ]


def _referrals() -> list[Entry]:
    """The oldest first; ``waiting``: how many facilities have not answered."""
    unanswered = Q(offers__status__in=ReferralOffer.WAITING)
    still_open = Referral.objects.filter(status=Referral.Status.OPEN).order_by("searched_at", "id")
    # Counted for the few that are shown: grouping comes before a limit.
    oldest = list(still_open.values_list("pk", flat=True)[: MOST + 1])
    counted = Referral.objects.filter(pk__in=oldest).annotate(
        waiting=Count("offers", filter=unanswered)
    )
    return [
        {
            "id": str(row["id"]),
            "reference": row["reference"],
            "at": row["searched_at"].isoformat(),
            "waiting": row["waiting"],
        }
        for row in counted.order_by("searched_at", "id").values(
            "id", "reference", "searched_at", "waiting"
        )
    ]


def ids(digest: dict[str, Any]) -> list[str]:
    """Every record the digest names."""
    names = ("high_risk", "callbacks", "requests", "referrals")
    lists = (digest.get(name, ()) for name in names)
    return [entry["id"] for entries in lists for entry in entries]
