"""What staff read of a facility: phones, tie, beds, how fresh our knowledge is."""

from collections.abc import Iterable
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from intake.actions.facility_search import Capacity
from intake.admin.times import since
from intake.models import Facility, LevelOfCare
from intake.rules import phones

TIE_TONES = {Facility.Relationship.PAID: "warn", Facility.Relationship.OWNED: "warn"}


def phone(text: str) -> dict[str, str]:
    """A public number for ``_tel.html``; the text as listed where it cannot be rung as it stands."""
    number = phones.normalise(text)
    return {"phone": number, "shown": phones.national(number) if number else text}


def all_phones(facility: Facility) -> list[dict[str, str]]:
    """The number of the house, then its intake lines, each once."""
    listed = [text for text in (facility.phone, *facility.intake_phones) if text]
    return [phone(text) for text in dict.fromkeys(listed)]


def tie(facility: Facility) -> dict[str, str]:
    """The badge of a financial tie; empty where there is none."""
    tone = TIE_TONES.get(Facility.Relationship(facility.relationship))
    return {"label": facility.get_relationship_display(), "tone": tone} if tone else {}


def beds(readings: Iterable[Capacity], now: datetime) -> list[str]:
    """Beds that were told and still count; nothing known is nothing here, never "full"."""
    return [
        _("%(beds)s, %(level)s, told %(ago)s")
        % {
            "beds": bed_count(reading.beds_free),
            "level": LevelOfCare(reading.level_of_care).value,
            "ago": since(reading.read_at, now),
        }
        for reading in readings
    ]


def bed_count(beds_free: int) -> str:
    if not beds_free:
        return _("No bed free")
    return ngettext("%(n)d bed free", "%(n)d beds free", beds_free) % {"n": beds_free}


def verified(facility: Facility, now: datetime) -> str:
    """How fresh our own knowledge is."""
    if facility.verified_at is None:
        return _("Never verified by us")
    return _("Verified %(ago)s") % {"ago": since(facility.verified_at, now)}
