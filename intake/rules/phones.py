"""Which numbers may be dialed, and how they are shown.

Only geographic numbers of the United States and its territories. What costs money, reaches an
emergency or service line, or lies abroad behind +1 is refused with the reason. The numbering plan
is read from ``phonenumbers``; the list of foreign +1 codes is kept beside it, so that neither
alone can open one.
"""

from collections.abc import Iterable

import phonenumbers
from phonenumbers import PhoneNumberType

from intake.rules.decisions import Decision
from intake.rules.zones import AREA_CODE_ZONES, number_zones, parsed

US_REGIONS = frozenset({"US", "PR", "VI", "GU", "MP", "AS"})
TOLL_FREE = frozenset({"800", "822", "833", "844", "855", "866", "877", "888"}) | {
    str(code) for code in range(880, 890)
}
_ABROAD = "242 246 264 268 284 345 441 473 649 658 664 721 758 767 784 809 829 849 868 869 876"
CARIBBEAN_AND_ATLANTIC = frozenset(_ABROAD.split())
SATELLITE = ("870", "878", "881", "882", "883")
SERVICE_NUMBERS = frozenset({"988", *(f"{digit}11" for digit in range(2, 10))})
# 500 and its kin follow a person, 700 a carrier, 710 the government: none of them is a place.
_PERSONAL = (
    "500 521 522 523 524 525 526 527 528 529 532 533 535 538 542 543 544 545 546 547 549 550 552"
    " 553 554 556 558 566 569 577 578 588 589 600 622 700 710"
)
NO_PLACE = frozenset(_PERSONAL.split())
_ORDINARY = frozenset(
    {
        PhoneNumberType.FIXED_LINE,
        PhoneNumberType.MOBILE,
        PhoneNumberType.FIXED_LINE_OR_MOBILE,
    }
)
# Longer than any number with its extension; ends the work on a pasted novel at once.
_LONGEST = 40


class NotANumber(ValueError):
    """What was typed is no phone number that can be kept; the message says why, not what."""


def parse(raw: str) -> str:
    """The number in E.164. Raises ``NotANumber`` with a sentence fit to show.

    Ten digits are read as a US number. An extension is refused rather than dropped: without it
    we would ring somebody else.
    """
    text = raw.strip()
    if not text or len(text) > _LONGEST:
        raise NotANumber("Type a phone number with its area code.")
    if _digits(text) in SERVICE_NUMBERS:
        raise NotANumber("Emergency and service numbers cannot be called back.")
    try:
        number = phonenumbers.parse(text, "US")
    except phonenumbers.NumberParseException as error:
        raise NotANumber("Type a phone number with its area code.") from error
    if number.extension:
        raise NotANumber("A number with an extension cannot be called back; ask for a direct one.")
    if not phonenumbers.is_possible_number(number):
        raise NotANumber("That number has too few or too many digits.")
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if number.country_code == 1 and len(e164) != 12:
        raise NotANumber("Type the number with its area code.")
    return e164


def normalise(raw: str) -> str:
    """The number in E.164, or "" when it is none: for look-ups, where a miss is no mistake."""
    try:
        return parse(raw)
    except NotANumber:
        return ""


def dialable(
    e164: str,
    *,
    allow_fictional: bool = False,
    allow_toll_free: bool = False,
    own: Iterable[str] = (),
) -> Decision:
    """May this number (E.164) be rung at all?

    ``own``: our own lines, E.164. ``allow_fictional`` lets 555-0100 to 555-0199 through,
    the range kept free for invented people: demonstrations and tests set it, a live site does not.
    """
    refusal = _refusal(e164, allow_fictional=allow_fictional, allow_toll_free=allow_toll_free)
    if refusal:
        return Decision(False, refusal)
    if e164 in set(own):
        return Decision(False, "That is one of our own lines.")
    return Decision(True, "A number in the United States.")


def _refusal(e164: str, *, allow_fictional: bool, allow_toll_free: bool) -> str:
    digits = e164.removeprefix("+")
    if not e164.startswith("+") or not (digits.isascii() and digits.isdigit()):
        return "That is not a complete phone number."
    if digits.startswith(SATELLITE):
        return "Satellite numbers are not called."
    if not digits.startswith("1"):
        return "Only numbers in the United States are called."
    area, exchange = digits[1:4], digits[4:7]
    return (
        _shape_refusal(digits, area, exchange)
        or _area_refusal(area, exchange, allow_toll_free=allow_toll_free)
        or _place_refusal(e164, area, exchange, allow_fictional=allow_fictional)
    )


def _shape_refusal(digits: str, area: str, exchange: str) -> str:
    """The numbering plan: NXX-NXX-XXXX, N from 2 to 9, and no N11."""
    if len(digits) != 11:
        return "That number has too few or too many digits."
    if area in SERVICE_NUMBERS - {"988"} or exchange in SERVICE_NUMBERS - {"988"}:
        return "Emergency and service numbers cannot be called."
    if area[0] in "01" or exchange[0] in "01" or area[1] == "9":
        return "No such number exists in the North American plan."
    return ""


def _area_refusal(area: str, exchange: str, *, allow_toll_free: bool) -> str:
    if area in {"900", "976"} or exchange == "976":
        return "Premium-rate numbers are not called."
    if area in TOLL_FREE:
        return "" if allow_toll_free else "Toll-free numbers are not called back."
    if area in CARIBBEAN_AND_ATLANTIC:
        return (
            "That area code is outside the United States and may cost the price of a call abroad."
        )
    if area in NO_PLACE:
        return "That number belongs to no place and is not called."
    return ""


def _place_refusal(e164: str, area: str, exchange: str, *, allow_fictional: bool) -> str:
    if area in TOLL_FREE:
        return ""
    if exchange == "555":
        return _fictional_refusal(e164, area, allow_fictional=allow_fictional)
    number = parsed(e164)
    if area not in AREA_CODE_ZONES and (
        phonenumbers.region_code_for_number(number) not in US_REGIONS
    ):
        return "Only numbers in the United States and its territories are called."
    if not phonenumbers.is_valid_number(number):
        return "No such number is in use."
    if phonenumbers.number_type(number) not in _ORDINARY:
        return "That number belongs to no place and is not called."
    return ""


def _fictional_refusal(e164: str, area: str, *, allow_fictional: bool) -> str:
    """555: 0100 to 0199 is free for fiction, the rest is directory assistance or unassigned.

    The library calls some of these valid and some not, so it is not asked.
    """
    if not is_fictional(e164):
        return "555 numbers reach nobody."
    if area not in AREA_CODE_ZONES:
        return "Only numbers in the United States and its territories are called."
    return "" if allow_fictional else "555-01 numbers are for invented people and reach nobody."


def is_fictional(e164: str) -> bool:
    """In the range 555-0100 to 555-0199, kept free for invented people."""
    return len(e164) == 12 and e164.startswith("+1") and e164[5:10] == "55501"


def candidate_zones(e164: str) -> tuple[str, ...]:
    """Time zones the number may lie in, westernmost first; empty when it says nothing."""
    return number_zones(e164)


def mask(e164: str) -> str:
    """For staff lists: only the last two digits, enough to tell two people apart."""
    digits = _digits(e164)
    return f"•••-•••-••{digits[-2:]}" if len(digits) >= 7 else "•••"


def last_four(e164: str) -> str:
    """For whoever looked for these very digits."""
    digits = _digits(e164)
    return f"•••-•••-{digits[-4:]}" if len(digits) >= 7 else "•••"


def spoken(e164: str) -> str:
    """1-800-555-0199, as people say and dial our number; other countries' as usual there."""
    if e164.startswith("+1") and len(e164) == 12:
        return f"1-{e164[2:5]}-{e164[5:8]}-{e164[8:]}"
    return national(e164)


def national(e164: str) -> str:
    """(202) 555-0123, as it is read out; as stored if it cannot be parsed."""
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return e164
    style = phonenumbers.PhoneNumberFormat.NATIONAL
    if number.country_code != 1:
        style = phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(number, style)


def _digits(text: str) -> str:
    return "".join(character for character in text if character.isdecimal())
