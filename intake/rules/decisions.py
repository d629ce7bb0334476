"""Yes or no, with the reason in words."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Decision:
    """``reason`` is fit to show staff; it never holds a phone number or a name.

    ``is_capped``: refused because enough was tried, whatever the hour.
    """

    ok: bool
    reason: str
    is_capped: bool = False
