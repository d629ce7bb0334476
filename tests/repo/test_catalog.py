"""The words of the public pages, in every language: all there, none guessed, compiled."""

import gettext
import re

import pytest

from tests import catalog
from tests.english import english_words
from tests.reading import FAIRLY_EASY, ease

pytestmark = pytest.mark.once

IN_EACH_LANGUAGE = pytest.mark.parametrize("language", catalog.LANGUAGES)


def pairs(language):
    """(message, translation) of every form of every message."""
    for message in catalog.translated(language):
        if message.id:
            ids = (message.id,) if isinstance(message.id, str) else message.id
            strings = (message.string,) if isinstance(message.string, str) else message.string
            yield from zip(ids, strings, strict=True)


def keys(messages):
    return {(message.context, message.id) for message in messages if message.id}


def test_what_the_pages_say_is_found():
    found = {message.id for message in catalog.said()}
    assert "Ask us to call you" in found  # a template
    assert "Please check these answers" in found  # a piece it includes
    assert "This form has expired" in found  # an error page
    assert "Which day?" in found  # a form
    assert "today, %(day)s" in found  # a view
    assert "Dual diagnosis" in found  # a choice of a model
    assert "Satellite numbers are not called." in found  # a rule
    assert "verbose name" not in found


@IN_EACH_LANGUAGE
def test_the_catalog_holds_what_the_pages_say_and_nothing_else(language):
    assert keys(catalog.translated(language)) == keys(catalog.said()), "make messages"


@IN_EACH_LANGUAGE
def test_everything_is_translated_and_nothing_guessed(language):
    assert catalog.untranslated(catalog.translated(language)) == []
    assert [message.id for message in catalog.translated(language) if message.fuzzy] == [], language


@IN_EACH_LANGUAGE
def test_the_compiled_catalog_is_of_this_text(language):
    with catalog.mo_file(language).open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for message in catalog.translated(language):
        if not message.id:
            continue
        if isinstance(message.id, str):
            assert message.string == (
                compiled.pgettext(message.context, message.id)
                if message.context
                else compiled.gettext(message.id)
            )
            continue
        for number, string in zip((1, 2), message.string, strict=True):
            assert string == (
                compiled.npgettext(message.context, *message.id, number)
                if message.context
                else compiled.ngettext(*message.id, number)
            )


@IN_EACH_LANGUAGE
@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param(r"%\(\w+\)[sd]|%%|{\w*}", id="places for values"),
        pytest.param(r"</?\w[^>]*>", id="markup"),
        pytest.param(r"\d{3,}(?:-\d+)*", id="numbers to call"),
        pytest.param(r"[.:?…]$", id="how it ends"),
    ],
)
def test_a_translation_keeps_what_is_no_word(language, pattern):
    def kept(text):
        return sorted(re.findall(pattern, text))

    assert [text for text, said in pairs(language) if kept(text) != kept(said)] == []


@IN_EACH_LANGUAGE
def test_what_may_not_break_over_two_lines_is_a_number_and_nothing_else(language):
    """Words before it would not fit on a phone, in the language that needs more of them."""
    pages = [path.read_text(encoding="utf-8") for path in catalog.templates()]
    kept_whole = [
        whole
        for text in [*pages, *(said for _text, said in pairs(language))]
        for whole in re.findall(r'class="nowrap"[^>]*>(.*?)</', text)
    ]
    assert kept_whole
    assert [
        whole for whole in kept_whole if not re.fullmatch(r"[\d-]+|%\(number\)s|{{.*}}", whole)
    ] == []


def test_spanish_questions_open_and_close():
    for _text, said in pairs("es"):
        assert said.count("?") == said.count("¿"), said
        assert said.count("!") == said.count("¡"), said


def test_spanish_writes_hours_as_spanish_does():
    hour = r"(?:^|\d )[ap]\.?m\b"
    for text, said in pairs("es"):
        assert not re.search(hour, said, re.IGNORECASE), said
        # What belongs together stays on one line.
        assert not re.search(r"[ap]\. m\.", said), said
        assert len(re.findall(r"[ap]\.\u00a0m\.", said)) == len(
            re.findall(hour, text, re.IGNORECASE)
        )


def test_spanish_says_usted():
    familiar = r"\b(?:tú|tus?|te|ti|contigo|vos|vosotros|quieres|puedes|tienes|eres|estás)\b"
    assert [said for _text, said in pairs("es") if re.search(familiar, said, re.IGNORECASE)] == []


def test_no_english_word_is_left_in_a_spanish_text():
    left = {said: english_words(re.sub(r"<[^>]+>|%\(\w+\)s", " ", said)) for _, said in pairs("es")}
    assert {said: words for said, words in left.items() if words} == {}


def test_spanish_is_easily_read():
    said = [re.sub(r"<[^>]+>|%\(\w+\)s", " ", said) for _text, said in pairs("es")]
    assert ease(said) >= FAIRLY_EASY
