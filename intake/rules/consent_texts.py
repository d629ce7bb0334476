"""What is read out before a consent is recorded, with the elements of 42 CFR 2.31(a).

The wording is our own and has a version; a lawyer signs it off before live use. Each passage is
kept with the paragraph it answers to, so that a reviewer can check the list.
"""

from dataclasses import dataclass

WORDING_VERSION = "2026.1"


@dataclass(frozen=True, slots=True)
class Passage:
    """``paragraph`` of 42 CFR 2.31(a), the ``element`` it asks for, the ``text`` to say."""

    paragraph: int
    element: str
    text: str


@dataclass(frozen=True, slots=True)
class _Scope:
    """What only the scope decides. ``covers`` is written on the record, the rest is said."""

    covers: str
    what: str
    to_whom: str
    purpose: str
    refusing: str


_SCOPES = {
    "health_plan": _Scope(
        covers="Name and birth date, insurance numbers, and which treatment is asked about",
        what="We would tell the plan your name and birth date, your insurance numbers, and which"
        " treatment is asked about. Nothing else.",
        to_whom="Only the health plan we name now, and whoever answers for it on the phone.",
        purpose="So that the plan can say which treatment it pays for, and what you would pay"
        " yourself.",
        refusing="If you say no, we still help you. We then look for a place without knowing what"
        " your plan pays.",
    ),
    "facilities": _Scope(
        covers="Preferred name and age, substances and last use, earlier withdrawal, pregnancy and"
        " illness, and the kind of insurance",
        what="We would tell them what you like to be called, your age, what you take and when you"
        " last took it, earlier withdrawal, pregnancy and illness, and the kind of insurance you"
        " have. Nothing else.",
        to_whom="Only the treatment facilities we name now, and those you choose with us from the"
        " list.",
        purpose="So that they can say whether they have a place for you.",
        refusing="If you say no, we still help you. You can then call the facilities yourself; we"
        " give you their numbers.",
    ),
}


def covers(scope: str) -> str:
    """What may be told under this scope, as it is written on the record."""
    return _SCOPES[scope].covers


def read_out(scope: str, *, helpline: str) -> tuple[Passage, ...]:
    """The text for one scope (``health_plan`` or ``facilities``), spoken by ``helpline``.

    Raises ``KeyError`` for another scope.
    """
    own = _SCOPES[scope]
    return (
        Passage(1, "whose record", "Please tell me the name you want on this consent."),
        Passage(2, "who tells", f"{helpline} would pass something on about you."),
        Passage(3, "what", own.what),
        Passage(4, "to whom", own.to_whom),
        Passage(5, "what for", own.purpose),
        Passage(
            6,
            "taking it back",
            "You can take this back at any time, by calling or writing to us. From then on we tell"
            " nobody anything more. What was already told cannot be called back.",
        ),
        Passage(7, "how long", "It ends on the day we write down now, or when you take it back."),
        Passage(
            10,
            "passing on",
            "Whoever we tell may have to follow privacy rules other than ours, and may be allowed"
            " to pass it on. It may not be used against you in court without your consent or a"
            " court order.",
        ),
        Passage(10, "saying no", own.refusing),
        Passage(8, "agreement", "Do you agree? Please say yes or no."),
        Passage(9, "date", "I write down today's date and the time of your answer."),
    )
