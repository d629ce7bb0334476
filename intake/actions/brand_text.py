"""What an operator writes about the helpline, and what may not stand in it."""

from dataclasses import dataclass, fields

from django.conf import settings

from intake.actions.base import Refused
from intake.models import Branding
from intake.rules import branding as colors
from intake.rules import phones, voicemails


class NotReadable(Refused):
    default_message = "These colors cannot be read by everybody."


class TellsTooMuch(Refused):
    default_message = "This voicemail would tell a stranger who rang."


class NotOurNumber(Refused):
    default_message = "That is no number people could call us on."


@dataclass(frozen=True)
class BrandText:
    """What an operator writes; "" leaves it to the settings or to the page."""

    name: str = ""
    number: str = ""
    accent: str = ""
    accent_dark: str = ""
    promise_en: str = ""
    promise_es: str = ""
    voicemail_en: str = ""
    voicemail_es: str = ""

    @classmethod
    def of(cls, version: Branding) -> "BrandText":
        return cls(**{item.name: getattr(version, item.name) for item in fields(cls)})

    def columns(self) -> dict[str, str]:
        return {item.name: getattr(self, item.name) for item in fields(self)}

    def check(self) -> None:
        """Raises ``NotReadable``, ``TellsTooMuch`` or ``NotOurNumber``, the first that is wrong."""
        for kind, problems in (
            (NotReadable, dict(colors.refusals(self.accent, self.accent_dark))),
            (TellsTooMuch, self.told()),
            (NotOurNumber, {"number": number_refusal(self.number)}),
        ):
            for problem in problems.values():
                if problem:
                    raise kind(problem)

    def told(self) -> dict[str, str]:
        """Field -> why that voicemail is not neutral."""
        names = (self.name, settings.HELPLINE_NAME)
        told = {
            field: voicemails.gives_away(getattr(self, field), names=names)
            for field in ("voicemail_en", "voicemail_es")
        }
        return {field: why for field, why in told.items() if why}


def number_refusal(number: str) -> str:
    """Why ``number`` (E.164) cannot be the one people call; "" where it can, or none is given."""
    if not number:
        return ""
    decision = phones.dialable(
        number, allow_fictional=not settings.PRODUCTION, allow_toll_free=True
    )
    return "" if decision.ok else decision.reason
