"""Invented callers: names that belong to nobody, numbers in the range kept free for fiction."""

import random

from intake.models import Person

FIRST = (
    "Maria", "James", "Aisha", "Daniel", "Grace", "Luis", "Hannah", "Marcus", "Elena", "Tyrone",
    "Sofia", "Kevin", "Naomi", "Patrick", "Lucia", "Andre", "Ruth", "Miguel", "Tessa", "Owen",
    "Yara", "Calvin", "Irene", "Dwight", "Carmen", "Felix", "Joyce", "Rafael", "Wanda", "Silas",
)  # fmt: skip
LAST = (
    "Alderwick", "Brontee", "Castellar", "Dunmoor", "Eversby", "Fenwright", "Garrowby",
    "Hollenbeck", "Iverlane", "Jessamore", "Kettering", "Lorrimond", "Mansilver", "Norcross",
    "Ottendale", "Pemberwick", "Quillfeather", "Rosenmere", "Stillbrook", "Thornaby",
)  # fmt: skip
# ZIP code and area code that belong together.
PLACES = (
    ("33301", "954"), ("32801", "407"), ("33602", "813"), ("43215", "614"), ("44113", "216"),
    ("45202", "513"), ("19103", "215"), ("15222", "412"), ("17101", "717"), ("10001", "212"),
    ("14202", "716"), ("35203", "205"), ("36104", "334"), ("90012", "213"), ("94102", "415"),
    ("92101", "619"), ("75201", "214"), ("77002", "713"), ("78205", "210"), ("20001", "202"),
    ("80202", "303"), ("85003", "602"), ("98101", "206"), ("30303", "404"), ("60602", "312"),
)  # fmt: skip
NOTES = ("", "", "", "Speaks softly; give time.", "Prefers evenings, works days.", "Ask for Mom.")


def someone(chance: random.Random, *, speaks_spanish: bool = False) -> Person:
    """A person who has not been stored yet; the same seed gives the same person."""
    first, last = chance.choice(FIRST), chance.choice(LAST)
    zip_code, area = chance.choice(PLACES)
    return Person(
        alias=first,
        name=f"{first} {last}",
        phone=f"+1{area}55501{chance.randrange(100):02d}",
        zip_code=zip_code,
        age=chance.choices((17, 24, 33, 41, 52, 68), (2, 18, 30, 25, 18, 7))[0],
        language="es" if speaks_spanish else "en",
        safe_to_call=chance.random() < 0.8,
        voicemail_rule=chance.choices(Person.VoicemailRule.values, (5, 4, 1))[0],
        may_say_who_is_calling=chance.random() < 0.3,
        text_ok=chance.random() < 0.4,
        approach_note=chance.choice(NOTES),
    )
