"""The words of answer cards: plain, short, sourced, without a dose; and how they are loaded."""

import re
from dataclasses import replace

import pytest
from django.core.management import call_command
from django.template.loader import render_to_string

from intake.actions import answer_files, answers, events
from intake.admin.answer_forms import names_of, signs, substance_groups
from intake.models import AnswerCard, Event
from intake.rules.card_text import Block, blocks, dose_words
from tests.english import english_words
from tests.reading import FAIRLY_EASY, HIGHEST_GRADE, ease, school_grade

pytestmark = pytest.mark.django_db

# --- The text ------------------------------------------------------------------------------------


def test_blank_lines_part_paragraphs_and_dashes_make_a_list():
    given = "One\nline.\n\nBefore:\n- first\n- second\n  goes on\n\n\nAfter."
    assert blocks(given) == (
        Block(is_list=False, lines=("One line.",)),
        Block(is_list=False, lines=("Before:",)),
        Block(is_list=True, lines=("first", "second goes on")),
        Block(is_list=False, lines=("After.",)),
    )
    assert blocks(" \n ") == ()


def test_no_card_brings_markup_a_script_or_a_link_into_a_page():
    hostile = (
        "<script>alert(1)</script>\n\n- <a href='javascript:x'>press</a>\n"
        "- [press](javascript:alert(1)) https://example.org"
    )
    page = render_to_string("admin/intake/_answer_text.html", {"blocks": blocks(hostile)})
    assert "&lt;script&gt;" in page
    assert set(re.findall(r"<(\w+)", page)) == {"div", "p", "ul", "li"}


@pytest.mark.parametrize(
    "words",
    [
        "Take 2 mg at night.",
        "0.5mg is little",
        "milligrams",
        "half a tablet",
        "two more pills",
        "an extra dose",
        "Taper by 10",
        "cut it down by half",
        "reduce the amount by a quarter",
        "go down 10 % every two weeks",
        "5 percent a week",
        "the diazepam equivalent",
        "dose conversion",
        "skip a dose",
        "take the missed dose",
    ],
)
def test_a_dose_a_pace_or_a_conversion_is_found(words):
    assert dose_words(f"Before. {words} After.")


def test_ordinary_words_are_no_dose():
    allowed = (
        "Call 911. Poison Help is 1-800-222-1222, open 24 hours. Step by step. You missed it. A"
        " detox unit. Ask about the dose. 42 CFR part 2. You pay 20 percent. One in three people."
    )
    assert dose_words(allowed) == ()


# --- The cards that come with the software -------------------------------------------------------

EVERY = list(answer_files.shipped())
SHIPPED = [card for card in EVERY if card.language == "en"]
SPANISH = [card for card in EVERY if card.language == "es"]
EACH = pytest.mark.parametrize("shipped", SHIPPED, ids=lambda card: card.key)
EACH_SPANISH = pytest.mark.parametrize("shipped", SPANISH, ids=lambda card: card.key)


def lines_of(card):
    return [line for block in blocks(card.text) for line in block.lines] + [card.say]


def test_the_questions_callers_ask_are_answered():
    assert len(SHIPPED) >= 20
    topics = {card.given.topic for card in SHIPPED}
    assert topics == set(AnswerCard.Topic.values)
    keys = {card.key for card in SHIPPED}
    assert len(keys) == len(SHIPPED)


@EACH
def test_a_shipped_card_has_sources_and_no_dose(shipped):
    given = shipped.given
    assert given.sources
    assert dose_words("\n".join((given.title, given.say, given.text))) == ()
    for word in ("mg", "taper by", "equivalent", "http"):
        assert word not in f"{given.title} {given.say} {given.text}".lower().split()
        assert f" {word} " not in given.text.lower()


@EACH
def test_a_shipped_card_is_short_and_easily_read(shipped):
    given = shipped.given
    assert school_grade(lines_of(given)) <= HIGHEST_GRADE
    assert len(given.say) <= 160
    assert len(given.text.split()) <= 260


@EACH
def test_a_shipped_card_comes_up_for_codes_that_exist(shipped):
    given = shipped.given
    assert set(given.for_substances) <= set(names_of(substance_groups()))
    assert set(given.for_signs) <= set(names_of(signs()))
    assert given.for_substances or given.for_signs


def test_the_shipped_cards_say_what_is_true_of_seizures():
    said = {card.key: card.given.text for card in SHIPPED}
    assert "does not only happen after very large amounts" in said["withdrawal-signs"]
    assert "different pill on your own is not a plan" in said["do-not-stop-suddenly"]
    assert "cancel" in next(card for card in SHIPPED if card.key == "mixing-stimulants").given.say


# --- The same in Spanish -------------------------------------------------------------------------


def original_of(shipped):
    return next(card for card in SHIPPED if card.key == shipped.key)


def test_every_card_is_there_in_spanish():
    assert [card.key for card in SPANISH] == [card.key for card in SHIPPED]


@EACH_SPANISH
def test_a_spanish_card_is_the_same_card_in_other_words(shipped):
    english, spanish = original_of(shipped).given.columns(), shipped.given.columns()
    words = answer_files.WORDS
    assert {name for name in english if english[name] != spanish[name]} == words
    assert all("  " not in spanish[name] for name in words)


@EACH_SPANISH
def test_a_spanish_card_has_the_shape_and_the_numbers_of_the_english_one(shipped):
    """As many paragraphs, lists and items, the same numbers to call, nothing said in digits."""
    english, spanish = original_of(shipped).given, shipped.given
    assert [(block.is_list, len(block.lines)) for block in blocks(spanish.text)] == [
        (block.is_list, len(block.lines)) for block in blocks(english.text)
    ]
    for given, own in ((spanish, {"2"}), (english, set())):
        # Spanish speakers press 2 at 988.
        other = english if given is spanish else spanish
        assert set(numbers_in(given)) - own <= set(numbers_in(other))


def numbers_in(given):
    return re.findall(r"[0-9][0-9-]*", f"{given.title} {given.say} {given.text}")


@EACH_SPANISH
def test_a_spanish_card_is_short_easily_read_and_without_a_dose(shipped):
    given = shipped.given
    assert ease(lines_of(given)) >= FAIRLY_EASY
    assert len(given.say) <= 160
    assert len(given.text.split()) <= 260
    assert dose_words("\n".join((given.title, given.say, given.text))) == ()


@EACH_SPANISH
def test_a_spanish_card_says_usted_and_no_word_in_english(shipped):
    said = " ".join((shipped.given.title, shipped.given.say, *lines_of(shipped.given)))
    assert not re.search(r"\b(?:tú|tus?|te|ti|contigo|vos|vosotros)\b", said.replace("“tú”", ""))
    assert english_words(said) == []


def test_the_spanish_cards_say_what_is_true_of_seizures():
    said = {card.key: card.given.text for card in SPANISH}
    assert "no pasa solo después de cantidades muy grandes" in said["withdrawal-signs"]
    assert "a una pastilla distinta no es un plan" in said["do-not-stop-suddenly"]
    assert (
        "no cancela" in next(card for card in SPANISH if card.key == "mixing-stimulants").given.say
    )


@pytest.mark.parametrize(
    "words",
    [
        "Tome 2 mg en la noche.",
        "miligramos",
        "media pastilla",
        "dos pastillas más",
        "una dosis extra",
        "baje de a 10",
        "reduzca la cantidad a la mitad",
        "10 % cada dos semanas",
        "5 por ciento a la semana",
        "el equivalente en diazepam",
        "conversión de dosis",
        "no se salte una dosis",
        "tome la dosis que olvidó",
    ],
)
def test_a_dose_is_found_in_spanish_too(words):
    assert dose_words(f"Antes. {words} Después.")


def test_ordinary_spanish_words_are_no_dose():
    allowed = (
        "Llame al 911. Poison Help es 1-800-222-1222, abierto 24 horas. Paso a paso. Una unidad de"
        " desintoxicación. Pregunte por la dosis. 42 CFR parte 2. Usted paga el 20 por ciento. Una"
        " de cada tres personas usa una pastilla que calma."
    )
    assert dose_words(allowed) == ()


def test_a_file_that_translates_nothing_is_refused(tmp_path):
    original = next(answer_files.FOLDER.glob("01-*.es.toml"))
    (tmp_path / original.name).write_bytes(original.read_bytes())
    with pytest.raises(answer_files.NotATranslation):
        list(answer_files.shipped(tmp_path))


def test_a_translation_changes_no_source(tmp_path):
    for path in answer_files.FOLDER.glob("01-*.toml"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (translation,) = tmp_path.glob("*.es.toml")
    with translation.open("a", encoding="utf-8") as file:
        file.write("sources = []\n")
    with pytest.raises(answer_files.NotATranslation):
        list(answer_files.shipped(tmp_path))


# --- Loading -------------------------------------------------------------------------------------


def test_loading_is_repeatable_and_leaves_what_is_ours(supervisor, now, tmp_path):
    first = answer_files.load(by=events.SYSTEM, now=now)
    again = answer_files.load(by=events.SYSTEM, now=now)
    assert (first.added, again.added, again.unchanged) == (len(EVERY), 0, len(EVERY))
    assert [event.verb for event in Event.objects.all()] == ["answers.loaded"]
    assert AnswerCard.objects.unreviewed().count() == len(EVERY)
    in_english = AnswerCard.objects.filter(language="en").order_by("position")
    edited, reviewed, retired, untouched = in_english[:4]
    ours = replace(SHIPPED[0].given, say="In our own words.")
    answers.change(card=edited, given=ours, version=1, by=supervisor, now=now)
    answers.review(card=reviewed, version=1, by=supervisor, now=now)
    answers.retire(card=retired, by=supervisor, now=now)
    for number, stored in enumerate((edited, reviewed, retired, untouched), start=1):
        path = next(answer_files.FOLDER.glob(f"*-{stored.key}.toml"))
        newer = path.read_text(encoding="utf-8").replace('say = "', 'say = "Newer: ')
        (tmp_path / f"0{number}-{stored.key}.toml").write_text(newer, encoding="utf-8")
    newer = answer_files.load(by=events.SYSTEM, now=now, folder=tmp_path)
    assert set(newer.kept) == {edited.key, reviewed.key, retired.key}
    assert (newer.added, newer.updated) == (0, 1)
    newest = AnswerCard.objects.get(pk=untouched.pk)
    assert newest.say.startswith("Newer: ")
    assert newest.version == 2
    assert not AnswerCard.objects.exclude(pk=untouched.pk).filter(say__startswith="Newer").exists()


def test_each_language_is_reviewed_and_kept_for_itself(supervisor, now, tmp_path):
    answer_files.load(by=events.SYSTEM, now=now)
    english = AnswerCard.objects.get(key="tolerance", language="en")
    spanish = AnswerCard.objects.get(key="tolerance", language="es")
    answers.review(card=spanish, version=1, by=supervisor, now=now)
    assert list(AnswerCard.objects.for_the_public()) == [spanish]
    for path in answer_files.FOLDER.glob("01-*.toml"):
        newer = path.read_text(encoding="utf-8").replace('say = "', 'say = "Newer: ')
        (tmp_path / path.name).write_text(newer, encoding="utf-8")
    newer = answer_files.load(by=events.SYSTEM, now=now, folder=tmp_path)
    assert (newer.updated, newer.kept) == (1, ("tolerance (es)",))
    english.refresh_from_db()
    assert english.say.startswith("Newer: ")


def test_the_command_says_what_it_did(capsys):
    call_command("load_answers")
    call_command("load_answers")
    said = capsys.readouterr().out
    assert f"{len(EVERY)} added" in said
    assert f"{len(EVERY)} as they were" in said
