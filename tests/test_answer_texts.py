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

SHIPPED = list(answer_files.shipped())
EACH = pytest.mark.parametrize("shipped", SHIPPED, ids=lambda card: card.key)
# The grade of the US school year a reader needs; what has to be explained keeps its long name.
HIGHEST_GRADE = 6


def syllables(word):
    word = "".join(letter for letter in word.lower() if letter.isalpha())
    vowels = "aeiouy"
    count = sum(
        letter in vowels and (place == 0 or word[place - 1] not in vowels)
        for place, letter in enumerate(word)
    )
    return max(1, count - (word.endswith("e") and not word.endswith("le") and count > 1))


def school_grade(card):
    """Flesch-Kincaid; an item of a list counts as a sentence."""
    lines = [line for block in blocks(card.text) for line in block.lines] + [card.say]
    sentences = [
        part for line in lines for part in line.replace("?", ".").split(". ") if part.strip(" .")
    ]
    words = [word for sentence in sentences for word in sentence.split()]
    per_word = sum(syllables(word) for word in words) / len(words)
    return 0.39 * len(words) / len(sentences) + 11.8 * per_word - 15.59


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
    assert school_grade(given) <= HIGHEST_GRADE
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


# --- Loading -------------------------------------------------------------------------------------


def test_loading_is_repeatable_and_leaves_what_is_ours(supervisor, now, tmp_path):
    first = answer_files.load(by=events.SYSTEM, now=now)
    again = answer_files.load(by=events.SYSTEM, now=now)
    assert (first.added, again.added, again.unchanged) == (len(SHIPPED), 0, len(SHIPPED))
    assert [event.verb for event in Event.objects.all()] == ["answers.loaded"]
    assert AnswerCard.objects.unreviewed().count() == len(SHIPPED)
    edited, reviewed, retired, untouched = AnswerCard.objects.order_by("position")[:4]
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


def test_the_command_says_what_it_did(capsys):
    call_command("load_answers")
    call_command("load_answers")
    said = capsys.readouterr().out
    assert f"{len(SHIPPED)} added" in said
    assert f"{len(SHIPPED)} as they were" in said
