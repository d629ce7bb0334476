"""Yes or no, with the reason in words."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Decision:
    """``reason`` is one sentence fit to show staff; it never holds a number or a name."""

    ok: bool
    reason: str
