"""What is said back beside a row of substances: how it was understood, dose band, risk, onset.

Staff read it; nothing of it is for the caller's ear, and it has no word that reassures.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from intake.actions import safety
from intake.admin.times import told_since, told_time
from intake.models import Call
from intake.rules.answers import Exposure
from intake.rules.exposures import benzodiazepine_risk, is_benzodiazepine_type
from intake.rules.substance_names import near
from intake.rules.substances import Band, onset_note

if TYPE_CHECKING:
    from intake.admin.substance_forms import SubstanceForm

BAND_TONES = {Band.LOW: "muted", Band.MODERATE: "warn", Band.HIGH: "late"}


@dataclass(frozen=True)
class UseNote:
    """Lines about one row; empty where nothing was told.

    ``problems``: what could not be read, in words. ``band``, ``band_tone``, ``because``, ``risk``
    and ``onset`` are there for what counts as a benzodiazepine.
    """

    name: str = ""
    kind: str = ""
    unknown: str = ""
    last_used: str = ""
    band: str = ""
    band_tone: str = ""
    because: str = ""
    risk: str = ""
    onset: str = ""
    problems: list[str] = field(default_factory=list)


def note_of(form: "SubstanceForm") -> UseNote:
    """The note of a bound form, valid or not."""
    form.is_valid()
    problems = [
        str(error) for name in ("substance", "last_used_at") for error in form.errors.get(name, ())
    ]
    given = form.cleaned_data
    if not form.has_changed() or given.get("DELETE"):
        return UseNote()
    meant, last = given.get("substance"), given.get("last_used_at")
    told: dict[str, Any] = {"problems": problems}
    if last is not None:
        told["last_used"] = _("%(when)s (%(ago)s)") % {
            "when": told_time(last.at, last.precision),
            "ago": told_since(last.at, last.precision, form.now),
        }
    if meant is None:
        return UseNote(**told)
    exposure = safety.exposure(form.use(Call()), now=form.now)
    told["unknown"] = "" if meant.is_known else _unknown(meant.brand)
    return UseNote(
        name=exposure.known_substance.name,
        kind=exposure.substance_class.label,
        **told | _risk(exposure),
    )


def _unknown(words: str) -> str:
    said = _(
        "Not on our list, so it counts as unlabeled pills and a high dose. If you know that it is"
        " no sedative, write “Other:” before it."
    )
    if names := near(words):
        asked = _("Did you mean %(names)s?") % {"names": _(" or ").join(names)}
        return f"{asked} {said}"
    return said


def _risk(exposure: Exposure) -> dict[str, Any]:
    if not is_benzodiazepine_type(exposure):
        return {}
    found = benzodiazepine_risk([exposure])
    if found is None:
        return {}
    return {
        "band": BAND_LABELS[found.band],
        "band_tone": BAND_TONES[found.band],
        "because": ", ".join(found.counted_as_high_because),
        "risk": found.risk.label,
        "onset": onset_note(exposure.substance),
    }


BAND_LABELS = {Band.LOW: "low dose", Band.MODERATE: "moderate dose", Band.HIGH: "high dose"}
