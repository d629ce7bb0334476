"""What a text to a caller says, in either language, and that it is one text on every phone."""

import itertools
import re
from datetime import UTC, datetime

import pytest

from intake.rules import text_wordings
from intake.rules.zones import STATE_ZONES


@pytest.mark.parametrize(
    ("zone", "language", "said"),
    [
        ("America/New_York", "en", "10:00 PM (Eastern time)"),
        ("America/Detroit", "en", "10:00 PM (Eastern time)"),
        ("America/Chicago", "es", "a las 9:00 p. m. (hora del Centro)"),
        ("America/Denver", "en", "8:00 PM (Mountain time)"),
        ("America/Phoenix", "en", "7:00 PM (Mountain time)"),
        ("America/Los_Angeles", "es", "a las 7:00 p. m. (hora del Pacifico)"),
        ("America/Anchorage", "en", "6:00 PM (Alaska time)"),
        ("Pacific/Honolulu", "en", "4:00 PM (Hawaii time)"),
        ("America/Puerto_Rico", "es", "a las 10:00 p. m. (hora del Atlantico)"),
        ("Pacific/Guam", "en", "12:00 PM (ChST time)"),
        ("Asia/Shanghai", "en", "10:00 AM (CST time)"),
        ("America/New_York", "vi", "10:00 PM (Eastern time)"),
    ],
)
def test_the_hour_is_theirs_and_its_zone_is_named(zone, language, said):
    due = datetime(2026, 7, 5, 2, 0, tzinfo=UTC)
    wording = text_wordings.before_a_call(due_at=due, zone=zone, language=language)
    assert said in wording.body


def test_every_text_is_one_text_of_neutral_words():
    zones = {zone for found in STATE_ZONES.values() for zone in found}
    forbidden = {"help", "line", "recovery", "treatment", "detox", "rehab", "drug", "ayuda"}
    for zone in zones:
        for language in ("en", "es"):
            for month, hour in itertools.product((1, 7), range(24)):
                due = datetime(2026, month, 5, hour, 59, tzinfo=UTC)
                body = text_wordings.before_a_call(due_at=due, zone=zone, language=language).body
                assert len(body) <= text_wordings.LONGEST
                assert set(body) <= text_wordings.GSM
                assert "STOP" in body
                assert not any(word in body.lower() for word in forbidden)


@pytest.mark.parametrize(
    ("hour", "english", "spanish"),
    [
        (0, "12:30 AM", "a las 12:30 a. m."),
        (1, "1:30 AM", "a la 1:30 a. m."),
        (11, "11:30 AM", "a las 11:30 a. m."),
        (12, "12:30 PM", "a las 12:30 p. m."),
        (13, "1:30 PM", "a la 1:30 p. m."),
        (21, "9:30 PM", "a las 9:30 p. m."),
    ],
)
def test_each_language_writes_the_hour_its_own_way(hour, english, spanish):
    due = datetime(2026, 3, 10, hour, 30, tzinfo=UTC)
    in_english, in_spanish = (
        text_wordings.before_a_call(due_at=due, zone="UTC", language=language)
        for language in ("en", "es")
    )
    assert in_english.body == (
        f"Reminder: your call is at {english} (UTC time). Reply STOP to end texts."
    )
    assert in_spanish.body == (
        f"Recordatorio: su llamada es {spanish} (hora UTC). Responda STOP para no recibir mensajes."
    )
    assert not re.search(r"\b[AP]M\b", in_spanish.body)


def test_new_words_have_a_new_version_and_the_others_keep_theirs():
    due = datetime(2026, 3, 10, 14, 0, tzinfo=UTC)
    versions = {
        language: text_wordings.before_a_call(due_at=due, zone="UTC", language=language).version
        for language in ("en", "es", "es-MX", "vi")
    }
    assert versions == {
        "en": "2026.1.en",
        "es": "2026.2.es",
        "es-MX": "2026.2.es",
        "vi": "2026.1.en",
    }
