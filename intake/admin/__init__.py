"""What staff see: one file a concept, in the order a call travels."""

from intake.admin import (
    callbacks,
    calls,
    consents,
    events,
    facilities,
    insurance,
    keys,
    people,
    referrals,
    reminders,
    safety,
    users,
)

__all__ = [
    "callbacks",
    "calls",
    "consents",
    "events",
    "facilities",
    "insurance",
    "keys",
    "people",
    "referrals",
    "reminders",
    "safety",
    "users",
]
