"""The text of an answer card: what its few marks mean, and what it may never say.

A card is plain text: blank lines part paragraphs, lines that begin with "- " make a list. Nothing
else has a meaning, so no card can bring markup, a script or a link into a page: the page makes the
paragraphs and the list itself, and escapes every word.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

BULLET: Final = "- "


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph (one line) or a list (a line for each item)."""

    is_list: bool
    lines: tuple[str, ...]


def blocks(text: str) -> tuple[Block, ...]:
    """The paragraphs and lists of ``text``, in order; a line broken in the middle is joined."""
    return tuple(_blocks(text))


def _blocks(text: str) -> Iterator[Block]:
    for part in re.split(r"\n\s*\n", text.strip()):
        prose: list[str] = []
        items: list[str] = []
        for line in (line.strip() for line in part.splitlines()):
            if line.startswith(BULLET):
                if prose:
                    yield Block(is_list=False, lines=(" ".join(prose),))
                    prose = []
                items.append(line.removeprefix(BULLET).strip())
            elif items:
                items[-1] = f"{items[-1]} {line}".strip()
            elif line:
                prose.append(line)
        if prose:
            yield Block(is_list=False, lines=(" ".join(prose),))
        if items:
            yield Block(is_list=True, lines=tuple(items))


# --- What a card may never say -------------------------------------------------------------------

_NUMBER = r"(?:\d[\d.,/]*|half|one|two|three|four|five|six|ten|another|extra)"
_AMOUNT = (
    r"(?:mg|mcg|µg|ug|ml|cc|grams?|milligrams?|micrograms?|milliliters?|units?|drops?|pills?"
    r"|tablets?|capsules?|tabs?|doses?|strips?)"
)
_NUMBER_ES = r"(?:\d[\d.,/]*|medi[ao]|una?|dos|tres|cuatro|cinco|seis|diez|otr[ao]|un cuarto)"
_AMOUNT_ES = (
    r"(?:gramos?|miligramos?|microgramos?|mililitros?|unidad(?:es)?|gotas?|pastillas?|píldoras?"
    r"|tabletas?|comprimidos?|cápsulas?|dosis|tiras?)"
)
_DOSE_WORDS: Final = re.compile(
    "|".join(
        (
            # "2 mg", "0.5mg", "half a tablet", "two pills", "an extra dose"
            rf"\b{_NUMBER}[\s-]*(?:an? |of an? |more |extra )?{_AMOUNT}\b",
            r"\b(?:mg|mcg|milligrams?|micrograms?)\b",
            # a pace: "taper by half", "cut it down by 10", "10 % every two weeks"
            r"\b(?:taper|cut|reduce|lower|drop|decrease)\w*(?: \w+){0,3} by"
            r" (?:\d|half|a (?:half|third|quarter|fifth|tenth)|five|ten|twenty)",
            r"\b\d+ ?(?:%|percent)(?: \w+){0,3} (?:every|each|per|a) (?:\w+ )?(?:day|week|month)s?\b",
            r"\bequivalen\w+|\b(?:dose|dosage) conversions?\b",
            # how to change a dose: "take the missed dose", "skip a pill"
            r"\b(?:take|skip|split|double|halve) (?:\w+ ){0,2}(?:dose|pill|tablet)s?\b",
            # The same in Spanish. "Una pastilla" is no amount but the thing itself.
            rf"\b(?!una? (?:pastilla|píldora|tableta|cápsula|gota|unidad)\b){_NUMBER_ES}"
            rf" (?:más |de )?{_AMOUNT_ES}\b",
            r"\b(?:mili|micro)gramos?\b",
            r"\b(?:baj|reduzc|reduc|cort|disminu)\w*(?: \w+){0,4} (?:a|en|por|de a)"
            r" (?:\d|la (?:mitad|tercera|cuarta)|un (?:tercio|cuarto)|cinco|diez|veinte)",
            r"\b\d+ ?(?:%|por ciento)(?: \w+){0,3} (?:cada|por|al?) (?:\w+ )?"
            r"(?:día|semana|mes|quincena)(?:s|es)?\b",
            r"\bconversión de (?:la )?dosis\b",
            r"\b(?:tom|salt|part|dobl|duplic)\w*(?: \w+){0,2} (?:dosis|pastilla|píldora|tableta)s?\b",
        )
    ),
    re.IGNORECASE,
)


def dose_words(text: str) -> tuple[str, ...]:
    """Every place where ``text`` names an amount, a pace, a conversion, or how to change a dose.

    Cards are read to callers, and no caller is ever told a dose. It finds what people are likely
    to write; that nothing else slipped in is what the reviewer reads for.
    """
    return tuple(found[0] for found in _DOSE_WORDS.finditer(text))
