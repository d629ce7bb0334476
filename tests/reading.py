"""How easily a text is read: the school grade in English, INFLESZ in Spanish.

A line (a paragraph, an item of a list, a label) ends a sentence, with or without a full stop.
"""

import itertools
import re
from collections.abc import Iterable

# The grade of the US school year; what has to be explained keeps its long name.
HIGHEST_GRADE = 6
# "Bastante fácil" on the INFLESZ scale, which is what Spanish readers of about 12 years manage.
FAIRLY_EASY = 65


def sentences_of(lines: Iterable[str], ends: str) -> list[list[str]]:
    """The words of each sentence."""
    parts = [part for line in lines for part in re.split(rf"[{ends}]+(?:\s|$)", line)]
    return [words for part in parts if (words := re.findall(r"[^\W_]+", part))]


def school_grade(lines: Iterable[str]) -> float:
    """Flesch-Kincaid: the grade of the US school year a reader of English needs."""
    sentences = sentences_of(lines, ".?!")
    words = [word for sentence in sentences for word in sentence]
    per_word = sum(map(_english_syllables, words)) / len(words)
    return 0.39 * len(words) / len(sentences) + 11.8 * per_word - 15.59


def _english_syllables(word: str) -> int:
    word = word.lower()
    groups = len(re.findall(r"[aeiouy]+", word))
    is_silent = word.endswith("e") and not word.endswith("le") and groups > 1
    return max(1, groups - is_silent)


def ease(lines: Iterable[str]) -> float:
    """Szigriszt-Pazos on the INFLESZ scale: above 80 very easy, above 65 fairly easy, above 55
    like a newspaper for everybody. A colon and a semicolon end a phrase there."""
    sentences = sentences_of(lines, ".?!:;")
    words = [word for sentence in sentences for word in sentence]
    per_word = sum(map(spanish_syllables, words)) / len(words)
    return 206.835 - 62.3 * per_word - len(words) / len(sentences)


def spanish_syllables(word: str) -> int:
    """``sueño`` has two, ``día`` too: two open vowels or an accented closed one part the voice."""
    word = re.sub(r"(?:q|g)u(?=[eéií])", "k", word.lower())
    word = re.sub(r"y$", "i", word)
    count = 0
    for group in re.findall(r"[aeiouáéíóúü]+", word):
        count += 1 + sum(
            (first in "aeoáéó" and second in "aeoáéó") or first in "íú" or second in "íú"
            for first, second in itertools.pairwise(group)
        )
    return max(1, count)
