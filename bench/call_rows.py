"""A database full of invented calls: their people, substances, screens, callbacks and events.

Names, numbers, doses and narratives are really sealed, each at its row, and the blind indexes are
those of the values, so that pages can open what they find. Screens carry their level alone, and
events a MAC of zeros: nothing measured here reads them. Indexes are dropped first and built again
at the end, as any bulk load does.
"""

import itertools
import random
import string
import time
from datetime import UTC, datetime, timedelta
from functools import cache
from uuid import UUID

from django.contrib.auth.models import User
from django.db import connection, transaction

from intake.crypto import blind_index
from intake.crypto.cipher import encrypt
from intake.models import (
    Call,
    Callback,
    Event,
    Person,
    PersonNameWord,
    SafetyScreen,
    SubstanceUse,
)
from intake.rules.zones import AREA_CODE_ZONES

FIRST, LAST = datetime(2023, 11, 1, tzinfo=UTC), datetime(2026, 10, 31, tzinfo=UTC)
PERSON, CALL, SUBSTANCE, SCREEN, CALLBACK, EVENT, WORD = range(1, 8)
BATCH = 20_000
NARRATIVE = (
    "Takes clonazepam twice a day, prescribed after a bereavement, and stopped two days ago when"
    " the prescription ran out. Shaky, not sleeping, no seizure. Wants a place with a bed."
)
NON_SERVICE = ("silent", "hang_up", "wrong_number")
ENDINGS = ("information_given", "information_given", "referred", "callback_promised", "no_match")


def fill(number):
    """Make ``number`` calls, seven in ten of them service calls with all that hangs on one."""
    started = time.perf_counter()
    agent = User.objects.create_user("agent", is_staff=True)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET statement_timeout = 0")
        else:
            cursor.execute("PRAGMA synchronous = OFF")
            cursor.execute("PRAGMA journal_mode = OFF")
        indexes = list(_indexes(cursor))
        for name, _statement in indexes:
            cursor.execute(f"DROP INDEX {connection.ops.quote_name(name)}")
        rows = Rows(number, agent.pk)
        for model, made in rows.tables():
            _insert(model, made)
        for _name, statement in indexes:
            cursor.execute(statement)
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA journal_mode = WAL")
    return time.perf_counter() - started


def _indexes(cursor):
    """Name and statement of every index of ours that is no constraint."""
    if connection.vendor == "sqlite":
        cursor.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
            " AND tbl_name LIKE 'intake_%'"
        )
    else:
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename LIKE 'intake_%'"
            " AND NOT EXISTS (SELECT FROM pg_constraint WHERE conname = indexname)"
        )
    return cursor.fetchall()


def _insert(model, rows):
    fields = list(model._meta.concrete_fields)
    first = next(rows)
    given = [field for field in fields if field.attname in first]
    rest = {f.column: _empty(f) for f in fields if f.attname not in first}
    columns = [f.column for f in given] + list(rest)
    fixed = list(rest.values())
    lines = (
        [row[field.attname] for field in given] + fixed for row in itertools.chain([first], rows)
    )
    names = ", ".join(f'"{column}"' for column in columns)
    table = f'"{model._meta.db_table}" ({names})'
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            marks = ", ".join("?" * len(columns))
            statement = f"INSERT INTO {table} VALUES ({marks})"  # noqa: S608 - our own names
            while batch := list(itertools.islice(lines, BATCH)):
                cursor.cursor.connection.executemany(statement, [_for_sqlite(row) for row in batch])
        else:
            with cursor.cursor.copy(f"COPY {table} FROM STDIN") as copy:
                for line in lines:
                    copy.write_row(line)


def _for_sqlite(row):
    return [
        value.strftime("%Y-%m-%d %H:%M:%S")
        if isinstance(value, datetime)
        else value.hex
        if isinstance(value, UUID)
        else value
        for value in row
    ]


def _empty(field):
    """What a column holds that the rows do not name."""
    if field.null:
        return None
    kind = field.get_internal_type()
    if kind == "BooleanField":
        return False
    if "Integer" in kind:
        return 0
    return "{}" if kind == "JSONField" else ""


# --- The rows -------------------------------------------------------------------------------------


def _invented(number, syllables, chance):
    """So many different names that nobody has."""
    names = set()
    while len(names) < number:
        parts = (
            "".join(chance.choices(["b", "d", "f", "k", "l", "m", "n", "r", "s", "t"], k=1))
            + chance.choice("aeiou")
            for _syllable in range(syllables)
        )
        names.add("".join(parts).capitalize() + chance.choice(["", "n", "s", "x"]))
    return sorted(names)


class Rows:
    """Every row is a function of the running number of its call."""

    def __init__(self, number, agent):
        self.number, self.agent = number, agent
        chance = random.Random(1971)
        self.first_names = _invented(300, 2, chance)
        self.surnames = _invented(3000, 3, chance)
        # The only numbers that are nobody's: 555-0100 to 555-0199 of each area code.
        self.phones = [
            f"+1{area}55501{last:02d}" for area in sorted(AREA_CODE_ZONES) for last in range(100)
        ]
        self.span = (LAST - FIRST) / number

    def at(self, i, later=0):
        return FIRST + self.span * i + timedelta(seconds=later)

    def id(self, kind, i):
        """Like a UUIDv7: ordered by time."""
        milliseconds = int(self.at(i).timestamp() * 1000)
        return UUID(f"{milliseconds:012x}7{kind:03x}8{i:015x}")

    def tables(self):
        """Each model with its rows, in an order in which they refer to what is there."""
        numbers = range(self.number)
        served = [i for i in numbers if i % 10 > 2]
        yield Person, (self.person(i) for i in served if self.is_first_call(i))
        first = (i for i in served if self.is_first_call(i))
        yield PersonNameWord, (row for i in first for row in self.words(i))
        yield Call, (self.call(i) for i in numbers)
        yield SubstanceUse, (self.substance(i) for i in served)
        yield SafetyScreen, (self.screen(i) for i in served)
        yield Callback, (self.callback(i) for i in served if i % 10 > 6)
        yield Event, (self.event(i) for i in numbers)

    def is_first_call(self, i):
        """One service call in seven is made by somebody who called half a day before."""
        return i % 10 != 3 or i < 500

    def caller(self, i):
        return self.id(PERSON, i if self.is_first_call(i) else i - 496)

    def names(self, i):
        """Some are common: one in fifty has the commonest first name, one in 200 the surname."""
        chance = random.Random(i)
        first = self.first_names[int(300 * chance.random() ** 1.5)]
        return first, self.surnames[int(3000 * chance.random() ** 1.5)]

    def person(self, i):
        pk, (first, surname) = self.id(PERSON, i), self.names(i)
        phone = self.phones[i * 7919 % len(self.phones)]
        return {
            "id": pk,
            "alias": sealed(Person, "alias", pk, first),
            "name": sealed(Person, "name", pk, f"{first} {surname}"),
            "phone": sealed(Person, "phone", pk, phone),
            "phone_index": digest("person.phone", phone),
            "phone_last_four": digest("person.phone_last_four", phone),
            "zip_code": sealed(Person, "zip_code", pk, "20001"),
            "state": "DC",
            "time_zone": "America/New_York",
            "time_zone_source": "zip",
            "language": "en",
            "voicemail_rule": "none",
            "created_at": self.at(i),
        }

    def words(self, i):
        for place, word in enumerate(dict.fromkeys(self.names(i))):
            pk = self.id(WORD + place * 16, i)
            yield {
                "id": pk,
                "person_id": self.id(PERSON, i),
                "word": sealed(PersonNameWord, "word", pk, word.lower()),
                "word_index": digest("person.name_word", word),
            }

    def call(self, i):
        pk, is_served = self.id(CALL, i), i % 10 > 2
        return {
            "id": pk,
            "reference": reference("C", i),
            "direction": "inbound",
            "channel": "phone",
            "started_at": self.at(i),
            "ended_at": self.at(i, 540),
            "taken_by_id": self.agent,
            "call_type": ("about_self" if i % 20 > 3 else "information")
            if is_served
            else NON_SERVICE[i % 10],
            "language": "en",
            "caller_id": self.caller(i) if is_served else None,
            "person_in_need_id": self.caller(i) if is_served else None,
            "narrative": sealed(Call, "narrative", pk, NARRATIVE) if is_served else None,
            "topics": sealed(Call, "topics", pk, '["withdrawal"]') if is_served else None,
            "status": "closed",
            "disposition": ENDINGS[i % 7 % 5] if is_served else "non_service",
            "closed_at": self.at(i, 600),
            "closed_by_id": self.agent,
        }

    def substance(self, i):
        pk = self.id(SUBSTANCE, i)
        told = {
            "substance": "clonazepam",
            "source": "own_prescription",
            "dose_mg": "2",
            "times_a_day": "2",
            "days_a_week": "7",
            "weeks_of_use": "104",
        }
        values = {name: sealed(SubstanceUse, name, pk, value) for name, value in told.items()}
        return {"id": pk, "call_id": self.id(CALL, i), "position": 0, **values}

    def screen(self, i):
        return {
            "id": self.id(SCREEN, i),
            "call_id": self.id(CALL, i),
            "rule_set_version": "bench",
            "level": "urgent" if i % 20 == 7 else "moderate",
            "is_current": True,
            "screened_at": self.at(i, 60),
            "screened_by_id": self.agent,
        }

    def callback(self, i):
        is_open = i > self.number - 2000 and i % 3 == 0
        return {
            "id": self.id(CALLBACK, i),
            "reference": reference("B", i),
            "person_id": self.caller(i),
            "call_id": self.id(CALL, i),
            "source": "web" if i % 20 > 10 else "agent",
            "who_for": "me",
            "urgency": "high" if i % 50 == 9 else "routine",
            "time_zone": "America/New_York",
            "requested_at": self.at(i),
            "due_at": self.at(i, 7200),
            "plan": 1,
            "status": "open" if is_open else "reached",
            "first_attempt_at": None if is_open else self.at(i, 7000),
            "first_deadline_at": None if is_open else self.at(i, 7200),
            "closed_at": None if is_open else self.at(i, 7000),
            # Unique where there is one.
            "request_token": None,
        }

    def event(self, i):
        return {
            "id": self.id(EVENT, i),
            "at": self.at(i),
            "actor_kind": "user",
            "actor_id": self.agent,
            "verb": "call.opened" if i % 10 > 2 else "call.logged_non_service",
            "subject_type": "call",
            "subject_id": str(self.id(CALL, i)),
            "mac": "0" * 64,
            "position": i + 1,
            "detail": "{}",
        }


SIGNS = string.digits + "ABCDEFGHJKMNPQRSTVWXYZ"


def reference(prefix, i):
    """A different one for each number, in the alphabet of references."""
    code, left = "", i * 2_654_435_761 % 32**8
    for _sign in range(8):
        left, sign = divmod(left, 32)
        code += SIGNS[sign]
    return f"{prefix}-{code}"


def sealed(model, column, pk, text):
    return encrypt(text.encode(), at=f"{model._meta.db_table}.{column}:{pk}".encode()).blob


@cache
def digest(purpose, value):
    return blind_index(purpose, value)
