"""What a person who answers a text wants of us: no more texts, texts again, or no more calls.

Any reasonable way of saying it counts (47 CFR 64.1200(a)(10)); the seven words named there always
do, in English and in Spanish. In doubt it is a wish for no texts: a text that does not come costs
nobody anything, a text that comes after all may cost a lot.

STOP ends the texts and leaves a promised call standing. It answers a text; whoever holds the phone
for a moment can send it; and the call was asked for in a conversation of its own. The part of the
rule by which one STOP would revoke everything is waived until 2027-01-31. That somebody writes
"do not call" is told to staff, who decide: only a person blocks a number.
"""

import re
import unicodedata
from enum import StrEnum
from typing import Final

# Words of 47 CFR 64.1200(a)(10), those carriers know besides, and their Spanish counterparts.
_STOP_WORDS: Final = frozenset(
    (
        *("stop", "stopall", "quit", "end", "revoke", "cancel", "unsubscribe", "optout"),
        *("remove", "halt"),
        *("alto", "pare", "paren", "parar", "basta", "cancelar", "cancele", "detener"),
        *("fin", "salir", "terminar", "baja"),
    )
)
_START_WORDS: Final = frozenset({"start", "unstop", "iniciar", "empezar"})
# Said of texts, wherever in a sentence.
_NO_TEXTS: Final = re.compile(
    r"\b(?:"
    r"unsubscribe|opt(?:ing)? ?out|stop ?all"
    r"|(?:stop|quit|end|cease|no more|dont|do not|never|cancel) (?:\w+ ){0,2}"
    r"(?:text|texts|texting|message|messages|messaging|sms|writing|write)"
    r"|(?:take|remove) (?:me|my number)|(?:wrong|not my) number|leave me alone"
    r"|no mas (?:\w+ )?(?:mensajes|textos|sms)"
    r"|(?:no|deje|dejen|dejar|pare|paren)(?: de)? (?:me )?(?:\w+ )?"
    r"(?:manden?|mandar(?:me)?|envien?|enviar(?:me)?|escriban?|escribir(?:me)?|mensajes|textos)"
    r"|dar(?:me)? de baja|numero equivocado|dejeme en paz|dejenme en paz"
    r")\b"
)
_NO_CALLS: Final = re.compile(
    r"\b(?:"
    r"(?:stop|quit|cease|no more|dont|do not|never|cancel) (?:\w+ ){0,2}"
    r"(?:call|calls|calling|ringing|phoning|callback)"
    r"|no (?:me )?(?:llamen?|llamar)|(?:deje|dejen|dejar) de llamar(?:me)?|no mas llamadas"
    r"|cancelar? (?:\w+ )?llamada"
    r")\b"
)
# "Stop please": a stop word and little else; "I cannot stop" is no such message.
_FEW_WORDS: Final = 3
_LONGEST: Final = 2000


class Wish(StrEnum):
    NONE = "none"
    NO_TEXTS = "no_texts"
    # No texts either: whoever wants no calls wants none.
    NO_CALLS = "no_calls"
    TEXTS_AGAIN = "texts_again"


def wish(text: str) -> Wish:
    """What the sender of ``text`` wants; ``Wish.NONE`` when it speaks of something else.

    Case, accents, punctuation and length do not matter; only the first 2,000 characters are read.
    """
    words = _plain(text[:_LONGEST])
    said = words.split()
    if _NO_CALLS.search(words):
        return Wish.NO_CALLS
    if _NO_TEXTS.search(words) or (said and said[0] in _STOP_WORDS and len(said) <= _FEW_WORDS):
        return Wish.NO_TEXTS
    if len(said) <= _FEW_WORDS and (set(said) & {"stop", "alto"}):
        return Wish.NO_TEXTS
    if len(said) == 1 and said[0] in _START_WORDS:
        return Wish.TEXTS_AGAIN
    return Wish.NONE


def _plain(text: str) -> str:
    """Small letters without accents, apostrophes or punctuation, one blank between words."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    letters = (sign for sign in folded if not unicodedata.combining(sign))
    without = "".join(letters).replace("'", "").replace("\u2019", "")
    return " ".join(re.sub(r"[^a-z0-9]+", " ", without).split())
