"""What a text to a caller says: the hour of their call, and how to end the texts. Nothing else.

Anyone may hold that phone. So it says neither who writes nor what about, names nobody, and reads
like the reminder of any dentist. The wording is our own and has a version, which is all that is
kept of a text; a lawyer signs it off before live use (a sender that relies on the health-care
exemption of 47 CFR 64.1200(a)(9)(iv) has to name itself: this one relies on consent instead).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from intake.rules.clocks import aware, zone_of

# Each language by itself: a word changed in one says nothing new in the other. The first Spanish one
# wrote the hour as English does, "a las 1:00 PM".
_VERSIONS: Final = {"en": "2026.1", "es": "2026.2"}
# One text, in the alphabet every phone has; more would arrive in pieces.
LONGEST: Final = 160
# GSM 03.38, the basic table, without the signs that need an escape.
GSM: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)

_WORDINGS: Final = {
    "en": "Reminder: your call is at {time} ({zone} time). Reply STOP to end texts.",
    "es": "Recordatorio: su llamada es {time} (hora {zone}). Responda STOP para no recibir"
    " mensajes.",
}
# By what the zone calls itself at that moment; another zone is shown by that name.
_ZONES: Final = {
    "en": {
        "E": "Eastern",
        "C": "Central",
        "M": "Mountain",
        "P": "Pacific",
        "AK": "Alaska",
        "H": "Hawaii",
        "A": "Atlantic",
    },
    "es": {
        "E": "del Este",
        "C": "del Centro",
        "M": "de la Montaña",
        "P": "del Pacifico",
        "AK": "de Alaska",
        "H": "de Hawaii",
        "A": "del Atlantico",
    },
}


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of one text, and the version they are kept under."""

    body: str
    version: str


def before_a_call(*, due_at: datetime, zone: str, language: str) -> Wording:
    """The text shortly before a promised call; ``due_at`` in UTC, said in ``zone`` (IANA).

    English for every language but Spanish. The zone is named: where it is a guess, the hour is
    still true. Raises ``UnknownZone``, and ``ValueError`` for a moment without a zone.
    """
    local = aware(due_at).astimezone(zone_of(zone))
    tongue = "es" if language.lower().startswith("es") else "en"
    clock = _in_spanish(local) if tongue == "es" else _in_english(local)
    body = _WORDINGS[tongue].format(time=clock, zone=_zone(local, tongue))
    return Wording(body=body, version=f"{_VERSIONS[tongue]}.{tongue}")


def _in_english(local: datetime) -> str:
    return f"{local.hour % 12 or 12}:{local:%M} {'AM' if local.hour < 12 else 'PM'}"


def _in_spanish(local: datetime) -> str:
    """With its article: one o'clock is the only one. The blanks are plain ones, because no phone's
    alphabet has one that keeps a line together."""
    hour = local.hour % 12 or 12
    article = "a la" if hour == 1 else "a las"
    return f"{article} {hour}:{local:%M} {'a. m.' if local.hour < 12 else 'p. m.'}"


def _zone(local: datetime, tongue: str) -> str:
    name = local.tzname() or "UTC"
    # China and the Philippines write CST and PST too.
    is_american = str(local.tzinfo).startswith(("America/", "Pacific/", "US/"))
    if is_american and name.endswith(("ST", "DT")):
        return _ZONES[tongue].get(name[:-2], name)
    return name
