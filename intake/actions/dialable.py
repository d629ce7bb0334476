"""Numbers that may be rung from here: the numbering plan of ``rules.phones``, and not our own."""

from django.conf import settings

from intake.actions import branding
from intake.actions.base import Refused
from intake.rules import phones
from intake.rules.decisions import Decision


class NotDialable(Refused):
    default_message = "That number is not called from here."


def decide(number: str) -> Decision:
    """Whether a caller's number (E.164) may be rung, with the reason.

    Toll-free numbers are nobody's own phone. Those of the range for invented people pass
    everywhere but in production, as they do when they are typed.
    """
    return phones.dialable(
        number,
        allow_fictional=not settings.PRODUCTION,
        own=branding.own_numbers(),
    )


def require(number: str) -> None:
    """Raise ``NotDialable``, with the reason, unless a caller's number (E.164) may be rung."""
    decision = decide(number)
    if not decision.ok:
        raise NotDialable(decision.reason)
