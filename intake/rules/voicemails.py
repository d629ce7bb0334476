"""What a neutral voicemail may say: nothing from which anybody could learn who rang, or why.

Anyone in the household may hear it. So it holds no word of treatment or of a drug, no name of ours
and no number; what is left sounds like any other message. It is what is said under the rule
"neutral" (42 CFR part 2: that somebody called a program such as ours is itself protected).
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

from intake.rules.substance_names import NAMES

# What is said where the operators gave no words of their own, by language.
DEFAULT: Final = {
    "en": "Hello, this is a message for you. I will try again. Thank you, goodbye.",
    "es": "Hola, este es un mensaje para usted. Llamaré otra vez. Gracias, adiós.",
}
# About fifteen seconds; whoever says more is asked why.
LONGEST: Final = 200

# The beginnings of words that say what we do, English and Spanish, without accents.
_TELLING: Final = (
    # what is treated
    "addict", "adicc", "adict", "alcohol", "aa", "na", "abuse", "abuso", "abstinen", "bebida",
    "borrach", "dependen", "drink", "droga", "drug", "drunk", "medicament", "medicat", "medicin",
    "narcotic", "opioid", "opiaceo", "overdos", "sobredosis", "pastilla", "pharma", "farmac", "pill",
    "prescri", "receta", "sober", "sobri", "substance", "sustancia", "tablet", "withdraw",
    # how
    "clinic", "consejer", "counsel", "desintoxic", "detox", "diagnos", "doctor", "enfermer",
    "hospital", "internamiento", "medic", "mental", "nurse", "patient", "paciente", "psic", "psiq",
    "psych", "rehab", "recover", "recuperac", "salud", "health", "terap", "therap", "tratamient",
    "treat",
    # who
    "confidential", "confidencial", "anonym", "anonim", "crisis", "emergenc", "helpline", "hotline",
    "lifeline", "insur", "aseguran", "aseguradora", "poliza", "program", "referral", "samhsa",
    "suicid",
)  # fmt: skip
_PHRASES: Final = ("help line", "hot line", "life line", "linea de ayuda")
_WORD: Final = re.compile(r"[^\W_]+")
# Names of substances that are everyday words, too, and would refuse a harmless sentence.
_EVERYDAY_NAMES: Final = {
    "bars", "blow", "blues", "coke", "crack", "crystal", "done", "drinks", "g", "h", "ice",
    "ladders", "lean", "molly", "other", "pins", "pot", "sonata", "speed", "snow", "special",
    "strips", "subs", "tina", "unknown", "vals", "versed", "weed", "intermezzo", "intermezo",
}  # fmt: skip
# Words of a helpline's name that say nothing of it.
_EVERYDAY_WORDS: Final = {
    "a", "again", "al", "all", "an", "and", "are", "call", "calling", "can", "center", "centro",
    "day", "de", "del", "el", "en", "for", "free", "friend", "from", "good", "goodbye", "gracias",
    "hello", "here", "hola", "hope", "la", "las", "life", "line", "linea", "llamada", "los",
    "message", "mensaje", "new", "night", "nueva", "nuevo", "of", "on", "one", "open", "our",
    "para", "por", "service", "servicio", "state", "thank", "thanks", "that", "the", "this", "to",
    "try", "una", "uno", "we", "will", "y", "you", "your",
}  # fmt: skip
_SHORTEST_NAME: Final = 3


def gives_away(text: str, *, names: Iterable[str] = ()) -> str:
    """Why ``text`` is no neutral voicemail, in one sentence; "" when nothing was found.

    ``names``: what this helpline is called. It finds what people are likely to write. That nothing
    else slipped in is what the person who publishes it reads for.
    """
    plain = _plain(text)
    if len(text) > LONGEST:
        return f"A voicemail of more than {LONGEST} characters is too long to be said."
    if re.search(r"\d", plain):
        return "A voicemail gives no number: whoever hears it could look it up."
    for found in _telling(plain, text, tuple(names)):
        return found
    return ""


def _telling(plain: str, text: str, names: tuple[str, ...]) -> Iterator[str]:
    words = _words(plain)
    said = f" {' '.join(words)} "
    for word in (*words, *(phrase for phrase in _PHRASES if f" {phrase} " in said)):
        if word in _PHRASES or any(_begins(word, telling) for telling in _TELLING):
            yield f"“{word}” says what the call is about. Whoever hears the message would know."
    if name := next((name for name in _DRUG_NAMES if f" {name} " in said), ""):
        yield f"“{name}” is the name of a drug. Whoever hears the message would know."
    for name in names:
        if is_named(name, words, text):
            yield "It names the helpline. Whoever hears the message would know who rang."


def is_named(name: str, words: list[str], text: str) -> bool:
    """Whether the name of the helpline is in it: whole, a word of its own, or its initials."""
    parts = _words(_plain(name))
    if not parts:
        return False
    own = {part for part in parts if len(part) >= _SHORTEST_NAME} - _EVERYDAY_WORDS
    initials = "".join(part[0] for part in parts).upper()
    has_initials = len(initials) >= _SHORTEST_NAME and re.search(rf"\b{initials}\b", text)
    # Alone, "new" or "line" names nobody; the whole name does, even one of such words.
    is_whole = len(parts) > 1 and f" {' '.join(parts)} " in f" {' '.join(words)} "
    return is_whole or bool(own & set(words)) or bool(has_initials)


def _begins(word: str, telling: str) -> bool:
    # Two letters are a word of their own and begin a thousand others.
    return word == telling if len(telling) < _SHORTEST_NAME else word.startswith(telling)


def _plain(text: str) -> str:
    """Lower case without accents, and without what is not seen."""
    parts = unicodedata.normalize("NFKD", text)
    seen = (part for part in parts if unicodedata.category(part) not in {"Mn", "Cf"})
    return "".join(seen).casefold()


def _words(plain: str) -> list[str]:
    return _WORD.findall(plain)


_DRUG_NAMES: Final = tuple(
    sorted(
        name
        for name in {" ".join(_words(_plain(name.text))) for name in NAMES}
        if name and name not in _EVERYDAY_NAMES and len(name) >= _SHORTEST_NAME
    )
)
