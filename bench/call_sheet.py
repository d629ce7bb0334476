"""How long the call sheet, its lists and finding a caller take, beside a stock ModelAdmin.

    python bench/call_sheet.py [FOLDER] [--calls 1000 1000000] [--database sqlite|postgresql]

Both admins answer for the same rows of the same database, in the same process, one after the other,
through Django's test client: everything but the network. The stock admin has what its manual
offers: a date hierarchy, three filters, a search, raw ids and the substances as an inline; its
templates are Django's own. Its lists are timed twice: over our indexes, and over those that a stock
project has. It saves the call and its substances, and with a second page the
person; ours saves all three at once, evaluates nothing here, and writes the audit.

The databases are filled once and kept in FOLDER for the next run. SQLite and PostgreSQL write
through to the disk as in use. The physical limits are a bare SELECT by primary key and a bare
INSERT with its commit, by the driver.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

DATABASES = ("sqlite", "postgresql")
SAVE_WITHIN, LIVE_MS, FIND_MS = 1.5, 100, 50
TIMES_FASTER = {"postgresql": 10, "sqlite": 40}


def main():
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("folder", type=Path, nargs="?", default=ROOT / "var" / "bench")
    arguments.add_argument("--calls", type=int, nargs="+", default=[1000, 1_000_000])
    arguments.add_argument("--database", choices=DATABASES)
    arguments.add_argument("--rounds", type=int, default=40)
    arguments.add_argument("--step", choices=("fill", "measure"), help=argparse.SUPPRESS)
    chosen = arguments.parse_args()
    if chosen.step:
        return run_step(chosen)
    from tests import servers

    servers.prepare_environment()
    chosen.folder = chosen.folder.resolve()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    for database in [chosen.database] if chosen.database else DATABASES:
        for number in chosen.calls:
            environment = environment_of(database, number, chosen.folder)
            filled(environment, database, number, chosen)
            report(database, number, step("measure", environment, number, chosen))
    return None


# --- Databases that stay -------------------------------------------------------------------------


def environment_of(database, number, folder):
    from tests import servers

    path = os.pathsep.join([str(ROOT), str(ROOT / "bench"), os.environ.get("PYTHONPATH", "")])
    url = f"sqlite:///{folder}/calls-{number}.sqlite3"
    if database == "postgresql":
        url = kept_postgresql(folder).url(f"calls_{number}")
    return servers.child_environment(
        PYTHONPATH=path,
        HELPLINE_DATA=folder,
        BASE_URL="http://localhost:8000",
        DATABASE_URL=url,
    )


def kept_postgresql(folder):
    """The server of the tests, but over a folder that outlives the run, and writing to the disk."""
    from tests import servers

    class Kept(servers.PostgreSQL):
        name = "postgresql-kept"

        def prepare(self, own):
            command = super().prepare(own)
            data = folder / "postgresql"
            folder.chmod(0o711)
            if not data.exists():
                shutil.move(own / "data", data)
            command[command.index("-D") + 1] = str(data)
            careless = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
            kept = [word for word in command if word not in careless]
            # Each was behind a "-c" of its own.
            return [
                word
                for word, following in zip(kept, [*kept[1:], ""], strict=True)
                if not (word == "-c" and following in {"-c", ""})
            ] + ["-c", "shared_buffers=512MB", "-c", "maintenance_work_mem=256MB"]

    return Kept.start()


def filled(environment, database, number, chosen):
    done = chosen.folder / f"{database}-{number}.filled"
    if done.exists():
        return
    if database == "postgresql":
        kept_postgresql(chosen.folder).create(f"calls_{number}")
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "-v0"], env=environment, cwd=ROOT, check=True
    )
    seconds = step("fill", environment, number, chosen)
    print(f"{database}: {number:,} calls filled in {seconds:.0f} s", flush=True)
    done.touch()


def step(name, environment, number, chosen):
    command = [sys.executable, __file__, str(chosen.folder), "--step", name]
    command += ["--calls", str(number), "--rounds", str(chosen.rounds)]
    done = subprocess.run(  # noqa: S603 - this very file
        command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True
    )
    return json.loads(done.stdout)


def run_step(chosen):
    import django

    django.setup()
    if chosen.step == "fill":
        import call_rows

        result = call_rows.fill(*chosen.calls)
    else:
        result = measure(chosen.rounds)
    sys.stdout.write(json.dumps(result))


# --- Measuring -----------------------------------------------------------------------------------


def measure(rounds):
    """Milliseconds of every round, by what was done."""
    from django.conf import settings
    from django.test.utils import override_settings

    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    common = {
        "ALLOWED_HOSTS": ["testserver"],
        "STORAGES": {**settings.STORAGES, "staticfiles": plain},
        "ROOT_URLCONF": "stock_admin",
        "WHITENOISE_AUTOREFRESH": False,
    }
    own_templates = [{**settings.TEMPLATES[0], "DIRS": []}]
    with override_settings(**common):
        from stock_admin import world

        made = world()
        with override_settings(TEMPLATES=own_templates):
            measured = {"stock": Stock(made, rounds).run()}
            with without_our_indexes():
                measured["stock alone"] = Stock(made, rounds).lists()
        measured |= {"limit": limits(made, rounds), "ours": Ours(made, rounds).run()}
        return measured


@contextmanager
def without_our_indexes():
    """The calls as a stock project has them: the day of its date hierarchy is indexed, no more."""
    from django.db import connection

    from intake.models import Call

    ours = [index for index in Call._meta.indexes if index.name.startswith("call_by_")]
    with connection.schema_editor() as editor:
        for index in ours:
            editor.remove_index(Call, index)
    try:
        yield
    finally:
        with connection.schema_editor() as editor:
            for index in ours:
                editor.add_index(Call, index)


def timed(work, rounds):
    """Milliseconds of each round; one more before, which nobody sees."""
    taken = []
    for _round in range(rounds + 1):
        started = time.perf_counter()
        work()
        taken.append((time.perf_counter() - started) * 1000)
    return taken[1:]


def limits(made, rounds):
    from django.db import connection

    def bare_select():
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM intake_call WHERE id = %s", [made.own_key])
            cursor.fetchone()

    def bare_insert():
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO bench_insert VALUES (%s)", ["x" * 300])

    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS bench_insert (text VARCHAR(300))")
    return {
        "select": timed(bare_select, rounds),
        "insert": timed(bare_insert, rounds),
    }


class Measured:
    def __init__(self, made, rounds):
        self.made, self.rounds = made, rounds
        self.client = made.client()

    def get(self, address):
        response = self.client.get(address)
        assert response.status_code == 200, (address, response.status_code)
        return response

    def post(self, address, data, status=302):
        response = self.client.post(address, data)
        assert response.status_code == status, (address, response.status_code)
        return response

    def form(self, address, having):
        from tests.visitor import Page

        page = Page(address, 200, self.get(address).content.decode())
        return dict(page.form(having=having).values)


class Stock(Measured):
    """What Django's own pages take."""

    def run(self):
        made = self.made
        call, person = f"/stock/intake/call/{made.stock.pk}/change/", made.stock.caller_id
        person = f"/stock/intake/person/{person}/change/"
        told = self.form(call, "narrative")
        of_person = self.form(person, "alias")
        count = iter(range(10_000))

        def save():
            self.post(call, {**told, "narrative": f"Changed {next(count)}"})

        def save_both():
            save()
            self.post(person, {**of_person, "alias": f"M{next(count)}"})

        return {
            "open": timed(lambda: self.get(call), self.rounds),
            "save": timed(save, self.rounds),
            "save with person": timed(save_both, self.rounds),
            **self.lists(),
        }

    def lists(self):
        calls, few = "/stock/intake/call/", max(3, self.rounds // 8)
        return {
            "list": timed(lambda: self.get(calls), few),
            "filter": timed(lambda: self.get(f"{calls}?disposition__exact=referred"), few),
            "three filters": timed(
                lambda: self.get(
                    f"{calls}?status__exact=closed&call_type__exact=information"
                    "&disposition__exact=referred"
                ),
                few,
            ),
            "month": timed(
                lambda: self.get(f"{calls}?started_at__year=2025&started_at__month=6"), few
            ),
            "search": timed(lambda: self.get(f"{calls}?q={self.made.reference}"), few),
        }


class Ours(Measured):
    """The same, and what the stock admin cannot do."""

    def run(self):
        made, rounds = self.made, self.rounds
        sheet = f"/admin/intake/call/{made.own.pk}/change/"
        told = self.form(sheet, "call-narrative")
        calls = "/admin/intake/call/"
        month = "started_at__gte=2025-06-01T00:00:00-04:00&started_at__lt=2025-07-01T00:00:00-04:00"
        return {
            "open": timed(lambda: self.get(sheet), rounds),
            "live": timed(lambda: self.post(f"{calls}live/", told, 200), rounds),
            "known caller": timed(lambda: self.post(f"{calls}known-caller/", told, 200), rounds),
            "save": self.saves(sheet, told),
            "list": timed(lambda: self.get(calls), rounds),
            "filter": timed(lambda: self.get(f"{calls}?disposition__exact=referred"), rounds),
            "three filters": timed(
                lambda: self.get(
                    f"{calls}?status__exact=closed&call_type__exact=information"
                    "&disposition__exact=referred"
                ),
                rounds,
            ),
            "month": timed(lambda: self.get(f"{calls}?{month.replace('+', '%2B')}"), rounds),
            "search": timed(lambda: self.search(calls, made.phone), rounds),
            **{
                f"find by {kind}": timed(lambda text=text: self.find(text), rounds)
                for kind, text in made.terms.items()
            },
        }

    def saves(self, sheet, told):
        from intake.actions import calls

        taken = []
        for number in range(self.rounds + 1):
            version = calls.sheet_version(self.made.own)
            changed = {
                **told,
                "version": str(version),
                "call-narrative": f"Changed {number}",
                "caller-alias": f"M{number}",
                "then": "draft",
            }
            taken.append(self.once(sheet, changed))
        return taken[1:]

    def once(self, sheet, changed):
        started = time.perf_counter()
        self.post(sheet, changed)
        return (time.perf_counter() - started) * 1000

    def search(self, calls, text):
        self.get(self.post(f"{calls}search/", {"q": text})["Location"])

    def find(self, text):
        answer = self.post("/admin/find/", {"q": text})["Location"]
        if answer.startswith("/admin/find/"):
            # A reference is answered by the way to its record.
            self.get(answer)


# --- The report ----------------------------------------------------------------------------------


def p95(taken):
    return sorted(taken)[max(0, round(len(taken) * 0.95) - 1)]


def line(label, taken, more=""):
    print(f"  {label:38}{statistics.median(taken):9.1f}{p95(taken):9.1f}   {more}")


def report(database, number, measured):
    limit, stock, ours = measured["limit"], measured["stock"], measured["ours"]
    alone = measured["stock alone"]
    print(f"\n{database}, {number:,} calls{'median':>18}{'p95':>9}   ms", flush=True)
    line("limit: SELECT by primary key", limit["select"])
    line("limit: INSERT and commit", limit["insert"])
    floor = statistics.median(limit["insert"])
    for name, taken in ours.items():
        more = ""
        if name == "save":
            line("stock save, the call's page", stock["save"])
            line("stock save, call's and person's page", stock["save with person"])
            ratios = [p95(taken) / p95(stock[kind]) for kind in ("save with person", "save")]
            more = f"p95 {ratios[0]:.2f} x the same rows, {ratios[1]:.2f} x the call's page alone;"
            more += f" {statistics.median(taken) / floor:.1f} x the limit"
            more += verdict(ratios[0] <= SAVE_WITHIN)
        elif name == "live":
            more = verdict(p95(taken) < LIVE_MS)
        elif name.startswith("find by"):
            more = verdict(statistics.median(taken) < FIND_MS)
        elif name in stock:
            line(f"stock {name}" + (", over our indexes" if name in alone else ""), stock[name])
            least = statistics.median(stock[name]) / statistics.median(taken)
            more = f"{least:.1f} x as fast"
            if name in alone:
                line(f"stock {name}, over its own", alone[name])
                faster = statistics.median(alone[name]) / statistics.median(taken)
                more = f"{faster:.1f} x as fast, {least:.1f} x over the same indexes"
                # A month is what an index of one day does for the stock list as well.
                if number >= 1_000_000 and name != "month":
                    more += verdict(faster >= TIMES_FASTER[database])
        line(name, taken, more)


def verdict(is_met):
    return " (target met)" if is_met else " (TARGET MISSED)"


if __name__ == "__main__":
    main()
