"""A neutral voicemail tells a stranger nothing."""

import pytest

from intake.rules import voicemails
from intake.rules.voicemails import gives_away

pytestmark = pytest.mark.once

NAMES = ("Northern Lights Helpline",)


@pytest.mark.parametrize("words", voicemails.DEFAULT.values())
def test_what_is_said_unless_told_otherwise_is_neutral(words):
    assert not gives_away(words, names=(*NAMES, "The Helpline"))


@pytest.mark.parametrize(
    "words",
    [
        "Hello, this is Sam. I will ring again tomorrow. Goodbye.",
        "Hi, I have a message for you. Talk to you soon.",
        "Hola, le habla Ana. Llamaré mañana. Adiós.",
        "Sorry I missed you. I will try you later today.",
        "Your table is ready. Snow or not, we are open.",
        "Thank you for waiting. Nothing is done yet.",
        "",
    ],
)
def test_what_anybody_might_say_passes(words):
    assert not gives_away(words, names=NAMES)


@pytest.mark.parametrize(
    "words",
    [
        "Hello, this is about your treatment.",
        "The detox has a bed for you.",
        "Hello from the clinic.",
        "The nurse will call you.",
        "Your counselor called.",
        "It is about your drinking.",
        "This is a confidential call.",
        "Call the help-line back.",
        "Call the help line back.",
        "We have news of your insurance.",
        "Hola, es por su tratamiento.",
        "Hola, llama la clínica.",
        "Es la línea de ayuda.",
        "Es por su adicción.",
        "Le llama su consejera.",
        "Es por el ALCOHOL.",
        "TREATMENT",
        "tre\u00adatment",
        "t\u200breatment",
        "tréatment",
        "ｔｒｅａｔｍｅｎｔ",  # noqa: RUF001
    ],
)
def test_a_word_of_treatment_is_refused(words):
    assert gives_away(words, names=NAMES)


@pytest.mark.parametrize(
    "words",
    [
        "About the Klonopin.",
        "about your xanax",
        "Your Suboxone is here.",
        "the benzos",
        "k-pin",
        "liquid g",
        "fentanyl",
        "heroin",
        "It is about the OxyContin!",
    ],
)
def test_the_name_of_a_drug_is_refused(words):
    assert "drug" in gives_away(words, names=NAMES)


@pytest.mark.parametrize(
    "words",
    [
        "This is Northern Lights Helpline.",
        "Hello from northern lights",
        "It's the Lights!",
        "NLH here, call back.",
        "NÓRTHERN calling",
    ],
)
def test_the_name_of_the_helpline_is_refused(words):
    assert gives_away(words, names=NAMES)


def test_everyday_words_in_a_name_forbid_nothing_but_the_name_itself():
    assert not gives_away("Hello, I will call you again.", names=("Hello Again",))
    assert "names the helpline" in gives_away("Hello again, it is me.", names=("Hello Again",))


@pytest.mark.parametrize(
    "words",
    [
        "Ring 1-800-555-0142.",
        "Call 555 0142",
        "\u0665\u0665\u0665 \u0660\u0661\u0664\u0662",
        "in 2 hours",
    ],
)
def test_a_number_is_refused(words):
    assert "number" in gives_away(words, names=NAMES)


def test_what_takes_too_long_to_say_is_refused():
    assert "too long" in gives_away("la " * 70, names=NAMES)


def test_an_empty_name_is_no_name():
    assert not gives_away("Hello, goodbye.", names=("", " ", "..."))
