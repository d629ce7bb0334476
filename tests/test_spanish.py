"""The Spanish pages: every word of them Spanish, at every turn a visitor may take."""

import gettext as plain_gettext
import re
from datetime import UTC, datetime
from pathlib import Path

import django
import pytest
from django.conf import settings
from django.template.loader import render_to_string
from django.test import Client
from django.utils import timezone, translation

from intake.actions import answer_files, answers, events
from intake.models import AnswerCard, Callback
from intake.views.private_links import callback_of, token_of
from intake.views.promises import local_spans
from tests import callers, catalog
from tests.english import NAMES, english_words
from tests.page_text import lines_of
from tests.reading import FAIRLY_EASY, HIGHEST_GRADE, ease, school_grade

pytestmark = pytest.mark.django_db

# --- What a Spanish page may say ------------------------------------------------------------------

# None says what this is about.
TITLES = {
    "Contacto",
    "Llamada",
    "Información",
    "No encontramos la página",
    "Este formulario ya venció",
    "Esta dirección o este formulario no se puede leer",
    "Esto es demasiado largo",
}
# A card tells how to talk to one's own people: “yo”, not “tú”.
FAMILIAR = re.compile(r"(?<!“)\b(?:tú|tus?|te|ti|contigo|vos|vosotros)\b", re.IGNORECASE)
WORD = re.compile(r"[^\W\d_]+")
DJANGO = Path(django.__file__).parent / "conf/locale/es/LC_MESSAGES/django.mo"


def words_in(text):
    return {word.lower() for word in WORD.findall(re.sub(r"<[^>]+>|%\(\w+\)s", " ", text))}


def spoken_words():
    """Every word of our catalog, of the cards and of Django's own Spanish; and names."""
    ours = (message.string for message in catalog.translated("es") if message.id)
    with DJANGO.open("rb") as file:
        djangos = plain_gettext.GNUTranslations(file)._catalog.values()
    cards = [card.given for card in answer_files.shipped() if card.language == "es"]
    said = [text for string in ours for text in ([string] if isinstance(string, str) else string)]
    said += [text for card in cards for text in (card.title, card.say, card.text)]
    names = [*NAMES, "Español", "Shift", settings.HELPLINE_NAME]
    return set().union(*map(words_in, [*said, *djangos, *names]))


@pytest.fixture(scope="module")
def lexicon():
    return spoken_words()


def foreign(page, lexicon):
    """What a page says that is not Spanish, outside of what it marks as another language."""
    said = " \n ".join(lines_of(page, language="es"))
    # A reference means nothing, and an address is no text.
    said = re.sub(r"\bB-[0-9A-Z]+\b|https?://\S+", " ", said)
    return sorted(words_in(said) - lexicon) + english_words(said)


# --- The turns a visitor may take -----------------------------------------------------------------


class Visitor:
    """Goes through the Spanish pages and keeps each of them under a name."""

    def __init__(self, clock, settings):
        self.client = Client()
        self.clock = clock
        self.settings = settings
        self.pages = {}

    def keep(self, name, response, status):
        assert response.status_code == status, (name, response.status_code)
        self.pages[name] = response.content.decode()
        return response

    def get(self, name, path, status=200):
        return self.keep(name, self.client.get(path), status)

    def send(self, name, status=302, **changes):
        given = {"language": "es", **changes}
        if "ticket" not in given:
            given["ticket"] = callers.ticket_in(self.client.get("/es/callback/"))
        self.clock.shift(5)
        response = self.client.post("/es/callback/", callers.answers(**given))
        if status != 302:
            return self.keep(name, response, status)
        assert response.status_code == 302, response.context["form"].errors
        assert response["Location"].startswith("/es/")
        return self.get(name, response["Location"])

    def manage(self, name, where, token, status=200, **given):
        posted = {"token": token, **given}
        return self.keep(name, self.client.post(f"/es/manage/{where}", posted), status)


def token_on(response):
    return token_of(response.context["callback"])


# Each is refused with its own words.
REFUSED = {
    "nothing": {"phone": "", "consent": ""},
    "no number": {"phone": "abc"},
    "too short": {"phone": "202555"},
    "extension": {"phone": "(202) 555-0101 ext. 5"},
    "emergency": {"phone": "911"},
    "toll-free": {"phone": "800-555-0199"},
    "abroad": {"phone": "+44 20 7946 0958"},
    "Caribbean": {"phone": "(876) 555-0101"},
    "premium": {"phone": "(900) 555-0101"},
    "no place": {"phone": "(500) 555-0101"},
    "no such number": {"phone": "(202) 155-0101"},
    "directory": {"phone": "(202) 555-1212"},
    "satellite": {"phone": "+8816 1234 5678"},
    "control characters": {"alias": "A\x00na"},
    "too long a name": {"alias": "a" * 81},
    "zip": {"zip_code": "123"},
    "no answer": {"day": "", "part": "", "voicemail": "", "in_danger": ""},
    "unknown answer": {"day": "x", "time_zone": "Mars/Olympus", "topic": "x"},
    "no day": {"day": "date"},
    "two days": {"day": "today", "on": "2026-03-12"},
    "no date": {"day": "date", "on": "2026-02-30"},
    "far date": {"day": "date", "on": "2200-01-01"},
    "past date": {"day": "date", "on": "2026-03-01"},
    "now and a part": {"day": "now", "part": "morning"},
    "no zone": {"phone": "(800) 555-0199", "day": "today"},
}
TAKEN = {
    "soon": {},
    "two zones": {"phone": callers.CLEO},
    "two zones, a day": {"phone": "(850) 555-0104", "day": "tomorrow", "part": "afternoon"},
    "too early": {"phone": callers.BEN},
    "two zones, too early": {"phone": "(208) 555-0105"},
    "in danger": {"phone": "(202) 555-0106", "in_danger": "yes", "voicemail": "neutral"},
    "right away": {"phone": callers.DINA, "day": "now", "voicemail": "full", "may_say": "yes"},
    "tomorrow": {"phone": "(202) 555-0107", "day": "tomorrow", "part": "morning"},
    "a date": {"phone": "(202) 555-0108", "day": "date", "on": "2026-03-14", "part": "evening"},
    "a place": {"phone": "(907) 555-0109", "day": "today", "time_zone": "America/Anchorage"},
    "Indiana": {"phone": "(812) 555-0110"},
}


@pytest.fixture
def visitor(frozen, settings):
    # One address asks for more here than anyone would.
    settings.HELPLINE_REQUESTS_PER_ADDRESS = 1000
    return Visitor(frozen, settings)


def see_everything(visitor, supervisor):
    visitor.get("home", "/es/")
    visitor.get("info, empty", "/es/info/")
    answer_files.load(by=events.SYSTEM, now=timezone.now())
    for card in AnswerCard.objects.filter(language="es"):
        answers.review(card=card, version=1, by=supervisor, now=timezone.now())
    visitor.get("info", "/es/info/")
    visitor.get("home with answers", "/es/")
    visitor.get("form", "/es/callback/")
    for name, changes in REFUSED.items():
        visitor.send(f"refused: {name}", 422, **changes)
    for name, changes in TAKEN.items():
        visitor.send(f"taken: {name}", **changes)
    see_notices(visitor)
    see_own_request(visitor)
    see_errors(visitor)


def see_notices(visitor):
    ticket = callers.ticket_in(visitor.client.get("/es/callback/"))
    sent = callers.answers(ticket=ticket, language="es")
    visitor.keep("too fast", visitor.client.post("/es/callback/", sent), 422)
    visitor.send("trap", 422, website="x")
    visitor.send("unknown ticket", 422, ticket="x")
    ticket = callers.ticket_in(visitor.client.get("/es/callback/"))
    visitor.clock.shift(25 * 3600)
    visitor.send("too old", 422, ticket=ticket)
    guarded = Client(enforce_csrf_checks=True)
    visitor.keep("cookie", guarded.post("/es/callback/", callers.answers()), 403)
    ticket = callers.ticket_in(visitor.client.get("/es/callback/"))
    visitor.settings.HELPLINE_REQUESTS_PER_ADDRESS = 1
    visitor.send("busy", 422, ticket=ticket, phone="(202) 555-0110")
    visitor.send("taken: the last one", phone="(202) 555-0111")
    visitor.send("limit", 429, phone="(202) 555-0112")
    visitor.settings.HELPLINE_REQUESTS_PER_ADDRESS = 1000


def see_own_request(visitor):
    receipt = visitor.send("own", phone="(202) 555-0120", day="tomorrow")
    token = token_on(receipt)
    visitor.get("own: link", f"/es/manage/{token}/")
    visitor.get("own: no token", "/es/manage/", 404)
    visitor.get("own: wrong link", "/es/manage/x/", 404)
    visitor.manage("own: ahead", "", token)
    visitor.manage("own: another time", "time/", token)
    visitor.manage("own: no time", "time/", token, 422, sure="yes")
    visitor.manage("own: moved", "time/", token, sure="yes", day="tomorrow", part="evening")
    visitor.manage("own: sure to stop", "stop/", token)
    guarded = Client(enforce_csrf_checks=True)
    lost = guarded.post("/es/manage/cancel/", {"token": token, "sure": "yes"})
    visitor.keep("own: cookie", lost, 403)
    visitor.manage("own: sure to take back", "cancel/", token)
    visitor.clock.shift(2 * 24 * 3600)
    visitor.manage("own: under way", "", token)
    visitor.manage("own: taken back", "cancel/", token, sure="yes")
    visitor.manage("own: stopped", "stop/", token, sure="yes")
    restless = token_on(visitor.send("restless", phone="(202) 555-0122", day="tomorrow"))
    for part in ("morning", "evening") * 4:
        visitor.manage("own: moved", "time/", restless, sure="yes", day="tomorrow", part=part)
    again = {"sure": "yes", "day": "tomorrow", "part": "morning"}
    visitor.manage("own: too often", "time/", restless, 409, **again)
    Callback.objects.filter(pk=callback_of(restless).pk).update(
        status=Callback.Status.CANCELLED, closed_at=timezone.now()
    )
    visitor.manage("own: closed", "", restless)
    danger = token_on(visitor.send("danger", phone="(202) 555-0121", in_danger="yes"))
    visitor.manage("own: in danger", "time/", danger, 409)
    visitor.get("receipt, over", "/es/callback/thanks/x/", 404)


def see_errors(visitor):
    visitor.clock.shift(8 * 3600)
    visitor.send("refused: over", 422, day="today", part="morning")
    visitor.get("not found", "/es/nothing-here/", 404)
    visitor.keep("unreadable", visitor.client.get("/es/callback/?x=%00"), 400)
    too_long = {"alias": "a" * 1_100_000}
    visitor.keep("too long", visitor.client.post("/es/callback/", too_long), 413)
    guarded = Client(enforce_csrf_checks=True)
    visitor.keep("forged", guarded.post("/es/info/"), 403)


# --- What it says ---------------------------------------------------------------------------------


@pytest.mark.once
def test_no_word_of_the_spanish_site_is_english_and_all_is_easily_read(
    visitor, supervisor, lexicon
):
    see_everything(visitor, supervisor)
    left = {name: foreign(page, lexicon) for name, page in visitor.pages.items()}
    assert {name: words for name, words in left.items() if words} == {}
    for name, page in visitor.pages.items():
        assert re.search(r'<html lang="es"', page), name
        assert ease(lines_of(page, language="es", main=True)) >= FAIRLY_EASY, name
        assert not FAMILIAR.search(" ".join(lines_of(page, language="es"))), name
        assert re.search("<title>(.*?)</title>", page)[1] in TITLES, name


def test_when_all_fails_it_is_said_in_spanish_too():
    page = render_to_string("500.html")
    assert english_words(" ".join(lines_of(page, language="es"))) == []
    for number in ("911", "988"):
        assert any(number in line for line in lines_of(page, language="es"))


@pytest.mark.once
def test_the_english_pages_are_as_easily_read(client, supervisor, frozen, now):
    answer_files.load(by=events.SYSTEM, now=now)
    for card in AnswerCard.objects.filter(language="en"):
        answers.review(card=card, version=1, by=supervisor, now=now)
    page = callers.Page(client, frozen)
    receipt = client.get(page.send()["Location"])
    token = token_on(receipt)
    shown = {path: client.get(path) for path in ("/", "/info/", "/callback/", f"/manage/{token}/")}
    shown["thanks"] = receipt
    grades = {
        name: school_grade(lines_of(response.content.decode(), language="en", main=True))
        for name, response in shown.items()
    }
    assert {name: grade for name, grade in grades.items() if grade > HIGHEST_GRADE} == {}


def test_a_page_without_its_language_would_be_noticed(client, lexicon):
    english = client.get("/").content.decode().replace('lang="en"', 'lang="es"', 1)
    assert {"talk", "someone", "worried"} <= set(foreign(english, lexicon))


# Tuesday 10 March 2026, 14:00 UTC.
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"day": "asap"}, "desde ahora hasta las 8 p. m., su hora local"),
        (
            {"day": "tomorrow", "part": "morning"},
            "mañana, miércoles 11 de marzo, entre las 8 a. m. y el mediodía, su hora local",
        ),
        (
            {"day": "date", "on": "2026-03-14", "part": "afternoon"},
            "el sábado 14 de marzo, entre el mediodía y las 5 p. m., su hora local",
        ),
        ({"phone": callers.BEN}, "hoy, martes 10 de marzo, desde las 8 a. m., su hora local"),
        ({"phone": callers.BEN}, "la hora es 7 a. m. (hora del Pacífico)"),
        ({"phone": callers.CLEO, "day": "today", "part": "evening"}, "hora del Este"),
    ],
)
def test_times_are_said_as_spanish_says_them(visitor, changes, said):
    receipt = visitor.send("receipt", **changes)
    text = " ".join(lines_of(receipt.content.decode(), language="es", main=True))
    assert said in text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("hour", "minute", "said"),
    [
        (8, 0, "las 8 a. m."),
        (13, 0, "la 1 p. m."),
        (13, 30, "la 1:30 p. m."),
        (12, 0, "el mediodía"),
        (12, 30, "las 12:30 p. m."),
        (0, 0, "la medianoche"),
        (0, 15, "las 12:15 a. m."),
    ],
)
def test_every_hour_has_its_article(hour, minute, said):
    at = datetime(2026, 3, 10, hour, minute, tzinfo=UTC)
    with translation.override("es"):
        (span,) = local_spans(["UTC"], at, at, at)
    assert span.begins.replace("\u00a0", " ") == said
    with translation.override("en"):
        (span,) = local_spans(["UTC"], at, at, at)
    assert span.begins in {
        "8 a.m.",
        "1 p.m.",
        "1:30 p.m.",
        "noon",
        "12:30 p.m.",
        "midnight",
        "12:15 a.m.",
    }


@pytest.mark.parametrize(
    ("phone", "said"),
    [
        ("abc", "Escriba un número de teléfono con su código de área."),
        ("(202) 555-0101 ext. 5", "No podemos llamar a un número con extensión"),
        ("800-555-0199", "No llamamos a números gratuitos. Por favor, dé otro número"),
        ("+44 20 7946 0958", "Solo llamamos a números de Estados Unidos. Por favor"),
    ],
)
def test_a_refused_number_is_refused_in_spanish(visitor, phone, said):
    visitor.send("refused", 422, phone=phone)
    assert said in visitor.pages["refused"]
