"""What staff see: one file a concept, in the order a call travels."""

from intake.admin import (
    answer_records,
    callbacks,
    calls,
    consents,
    debriefs,
    events,
    facilities,
    handovers,
    insurance,
    keys,
    people,
    referrals,
    reminders,
    safety,
    users,
)

__all__ = [
    "answer_records",
    "callbacks",
    "calls",
    "consents",
    "debriefs",
    "events",
    "facilities",
    "handovers",
    "insurance",
    "keys",
    "people",
    "referrals",
    "reminders",
    "safety",
    "users",
]
