"""How long the reports page takes over a million calls, on SQLite and on PostgreSQL.

    python bench/reports.py [--calls 1000000] [--database sqlite|postgresql]

Fills an empty database by SQL with three years of calls and what hangs on them, then asks for the
page as a supervisor's browser does. Beside it stand a naive loop that loads the calls of the same
days as objects and counts them in Python, for the calls by day, hour and disposition alone; and a
bare COUNT(*) of these calls, the least any page about them can take. Also Django's own TruncDate
and ExtractHour, which reports.clock stands in for.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

DATABASES = ("sqlite", "postgresql")
# Three years back from a fixed day; the periods measured end with it.
FIRST, LAST = "2023-11-01", "2026-10-31"
SECONDS = 1096 * 86400
PERIODS = {"a week": 7, "a month": 31, "a year": 366}
PERSON, CALL, SCREEN, CHECK, REFERRAL, OFFER, CALLBACK, ATTEMPT = range(1, 9)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--calls", type=int, default=1_000_000)
    arguments.add_argument("--database", choices=DATABASES)
    chosen = arguments.parse_args()
    if chosen.database is None:
        # One process a database: the settings are read once.
        for database in DATABASES:
            command = [sys.executable, __file__, f"--calls={chosen.calls}"]
            subprocess.run([*command, f"--database={database}"], check=True)  # noqa: S603
        return
    os.environ["HELPLINE_TEST_DB"] = chosen.database
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    run(chosen.database, chosen.calls)


def run(database: str, number: int) -> None:
    from django.db import connection
    from django.test.utils import setup_test_environment

    setup_test_environment()
    connection.creation.create_test_db(verbosity=0)
    try:
        started = time.perf_counter()
        fill(number)
        print(f"\n{database}: {number:,} calls filled in {time.perf_counter() - started:.0f} s")
        for name, days in PERIODS.items():
            measure(name, days)
    finally:
        connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)


# --- Filling -------------------------------------------------------------------------------------


class Rows:
    """SQL of one database for rows that are functions of a running number ``i``."""

    def __init__(self, number: int) -> None:
        from django.db import connection

        self.connection, self.number = connection, number
        self.is_sqlite = connection.vendor == "sqlite"

    def id(self, kind: int, i: str = "i") -> str:
        if self.is_sqlite:
            return f"printf('%08x%024x', {kind}, {i})"
        return f"(lpad(to_hex({kind}), 8, '0') || lpad(to_hex({i}), 24, '0'))::uuid"

    def moment(self, later: str = "0") -> str:
        """When call ``i`` began, and some seconds later."""
        seconds = f"1698811200 + (i * {SECONDS} / {self.number}) + {later}"
        if self.is_sqlite:
            return f"strftime('%Y-%m-%d %H:%M:%S', {seconds}, 'unixepoch')"
        return f"to_timestamp({seconds})"

    def text(self, value: str) -> str:
        return f"{value} || i"

    def insert(self, model: type, where: str = "1 = 1", **given: str) -> None:
        """One statement for all rows: columns not given are empty, false or null."""
        columns, values = [], []
        for field in model._meta.concrete_fields:
            columns.append(f'"{field.column}"')
            values.append(given.pop(field.attname, None) or self.empty(field))
        assert not given, given
        last = self.number - 1
        numbers = (
            f"n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {last})"  # noqa: S608
            if self.is_sqlite
            else f"n(i) AS (SELECT generate_series(0, {last})::bigint)"
        )
        # Numbers, column names and expressions of this file: nothing comes from outside.
        select = f"SELECT {', '.join(values)} FROM n WHERE {where}"  # noqa: S608
        table = f'INSERT INTO "{model._meta.db_table}" ({", ".join(columns)})'
        with self.connection.cursor() as cursor:
            cursor.execute(f"{table} WITH RECURSIVE {numbers} {select}")

    def empty(self, field: object) -> str:
        if field.null:
            return "NULL"
        kind = field.get_internal_type()
        if kind == "BooleanField":
            return "FALSE"
        if "Integer" in kind:
            return "0"
        return "'{}'" if kind == "JSONField" else "''"


def fill(number: int) -> None:
    """Seven in ten are service calls; each tenth of those goes its own way."""
    from django.contrib.auth.models import User
    from django.db import connection

    from intake import models

    if connection.vendor == "postgresql":
        # The page keeps its limit; filling may take longer.
        connection.cursor().execute("SET statement_timeout = 0")
    rows = Rows(number)
    agent = str(User.objects.create_user("agent", is_staff=True).pk)
    consent, policy, facility = one_of_each(User.objects.get(pk=agent))
    # One service call in seven is about somebody who called half a day before.
    person = f"CASE WHEN i % 10 = 3 AND i > 496 THEN {rows.id(PERSON, 'i - 496')}"
    person += f" ELSE {rows.id(PERSON)} END"
    rows.insert(
        models.Person,
        where="i % 10 > 2",
        id=rows.id(PERSON),
        time_zone_source="'unknown'",
        language="'en'",
        voicemail_rule="'none'",
        created_at=rows.moment(),
    )
    rows.insert(
        models.Call,
        id=rows.id(CALL),
        reference=rows.text("'C-'"),
        direction="'inbound'",
        channel="'phone'",
        language="'en'",
        started_at=rows.moment(),
        taken_by_id=agent,
        call_type="CASE i % 10 WHEN 0 THEN 'silent' WHEN 1 THEN 'hang_up'"
        " WHEN 2 THEN 'wrong_number' ELSE 'about_self' END",
        caller_id=f"CASE WHEN i % 10 > 2 THEN {person} END",
        person_in_need_id=f"CASE WHEN i % 10 > 2 THEN {person} END",
        status="'closed'",
        disposition="CASE WHEN i % 10 < 3 THEN 'non_service' WHEN i % 10 = 6 THEN 'referred'"
        " ELSE 'information_given' END",
        closed_at=rows.moment("600"),
        closed_by_id=agent,
    )
    rows.insert(
        models.SafetyScreen,
        where="i % 10 > 2 AND i % 50 <> 3",
        id=rows.id(SCREEN),
        call_id=rows.id(CALL),
        rule_set_version="'bench'",
        level="CASE WHEN i % 20 = 7 THEN 'emergency' ELSE 'moderate' END",
        is_current="TRUE",
        screened_at=rows.moment("60"),
        screened_by_id=agent,
        action_taken="CASE WHEN i % 20 = 7 THEN 'called_911' ELSE '' END",
        acted_at=f"CASE WHEN i % 20 = 7 THEN {rows.moment('90 + i % 300')} END",
        acted_by_id=f"CASE WHEN i % 20 = 7 THEN {agent} END",
    )
    rows.insert(
        models.InsuranceCheck,
        where="i % 10 IN (4, 5)",
        id=rows.id(CHECK),
        reference=rows.text("'V-'"),
        call_id=rows.id(CALL),
        policy_id=policy,
        consent_id=consent,
        method="'manual'",
        status="'cancelled'",
        requested_at=rows.moment("300"),
        requested_by_id=agent,
    )
    rows.insert(
        models.Referral,
        where="i % 10 = 6",
        id=rows.id(REFERRAL),
        reference=rows.text("'R-'"),
        call_id=rows.id(CALL),
        status="'closed'",
        searched_at=rows.moment("400"),
        searched_by_id=agent,
        closed_at=rows.moment("500"),
        closed_by_id=agent,
    )
    rows.insert(
        models.ReferralOffer,
        where="i % 10 = 6",
        id=rows.id(OFFER),
        referral_id=rows.id(REFERRAL),
        facility_id=facility,
        status="CASE WHEN i % 20 = 6 THEN 'arrived' ELSE 'withdrawn' END",
        sent_at=rows.moment("450"),
        sent_by_id=agent,
        decided_at=rows.moment("4000"),
        decided_by_id=agent,
        arrived_at=f"CASE WHEN i % 20 = 6 THEN {rows.moment('86400')} END",
    )
    tried = "i % 30 <> 7"
    rows.insert(
        models.Callback,
        where="i % 10 > 6",
        id=rows.id(CALLBACK),
        reference=rows.text("'B-'"),
        person_id=person,
        source="CASE WHEN i % 20 > 10 THEN 'web' ELSE 'agent' END",
        who_for="'me'",
        urgency="'routine'",
        time_zone="'America/New_York'",
        requested_at=rows.moment(),
        due_at=rows.moment("7200"),
        plan="1",
        status=f"CASE WHEN {tried} THEN 'reached' ELSE 'open' END",
        first_attempt_at=f"CASE WHEN {tried} THEN {rows.moment('i % 9000')} END",
        first_deadline_at=f"CASE WHEN {tried} THEN {rows.moment('7200')} END",
        closed_at=f"CASE WHEN {tried} THEN {rows.moment('9000')} END",
    )
    rows.insert(
        models.Attempt,
        where=f"i % 10 > 6 AND {tried}",
        id=rows.id(ATTEMPT),
        callback_id=rows.id(CALLBACK),
        number="1",
        outcome="'reached'",
        identity_confirmed="TRUE",
        number_shown_at=rows.moment("9000"),
        against_their_wish="FALSE",
        made_at=rows.moment("9000"),
        made_by_id=agent,
    )
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # What autovacuum has done by the time a supervisor comes.
            cursor.execute("VACUUM ANALYZE")
            cursor.execute("RESET statement_timeout")
        else:
            # What was written goes from the log into the file, as between two requests.
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def one_of_each(agent: object) -> tuple[str, str, str]:
    """A consent, a policy and a facility that all rows share, as SQL literals."""
    from django.db import connection

    from tests.report_world import World

    world = World(agent)
    call = world.call("2023-10-01 00:00:00", person_in_need=world.person())
    check = world.check(call, "2023-10-01 00:00:00")
    ids = (check.consent_id, check.policy_id, world.facility().pk)
    made = [f"'{given.hex if connection.vendor == 'sqlite' else given}'" for given in ids]
    return made[0], made[1], made[2]


# --- Measuring -----------------------------------------------------------------------------------


def measure(name: str, days: int) -> None:
    from datetime import date, timedelta

    from intake.reports import calls, period

    last = date.fromisoformat(LAST)
    chosen = period.Period(last - timedelta(days=days - 1), last, period.staff_zone())
    found = calls.begun_in(chosen)
    number, least = timed(found.count)
    _, page = timed(lambda: ask(chosen))
    _, truncated = timed(lambda: by_django(chosen))
    _, own = timed(lambda: calls.read(chosen))
    _, naive = timed(lambda: by_hand(chosen), rounds=1)
    print(
        f"  {name:8} {number:8,} calls   page {page:6.2f} s   of it calls {own:6.2f} s"
        f"   TruncDate {truncated:6.2f} s   objects in Python {naive:6.2f} s"
        f"   COUNT(*) {least:6.3f} s"
    )


def timed(work: object, rounds: int = 3) -> tuple[object, float]:
    """What it gave, and the median of some rounds in seconds."""
    taken = []
    for _round in range(rounds):
        started = time.perf_counter()
        given = work()
        taken.append(time.perf_counter() - started)
    return given, statistics.median(taken)


def ask(period: object) -> None:
    from django.contrib.auth.models import Permission, User
    from django.test import Client

    supervisor, is_new = User.objects.get_or_create(username="supervisor", is_staff=True)
    if is_new:
        supervisor.user_permissions.set(Permission.objects.filter(codename__contains="report"))
    client = Client()
    client.force_login(supervisor)
    days = {"from": period.first, "to": period.last}
    response = client.get("/admin/reports/", days)
    assert response.status_code == 200, response.status_code


def by_django(period: object) -> None:
    """Calls by day and hour with the functions that come with Django."""
    from django.db.models import Count
    from django.db.models.functions import ExtractHour, TruncDate

    from intake.reports import calls

    zone = {"tzinfo": period.zone}
    clock = {"day": TruncDate("started_at", **zone), "hour": ExtractHour("started_at", **zone)}
    found = calls.begun_in(period).order_by().annotate(**clock).values("day", "hour")
    list(found.annotate(number=Count("pk")))


def by_hand(period: object) -> None:
    """The loop one writes first: load every call, look at each."""
    from intake.reports import calls

    days, hours, endings = Counter(), Counter(), Counter()
    for call in calls.begun_in(period):
        local = call.started_at.astimezone(period.zone)
        days[local.date()] += 1
        hours[local.hour] += 1
        endings[call.disposition] += 1


if __name__ == "__main__":
    main()
