"""How long the whole directory takes to import, and how much memory, next to what is possible.

    python bench/import_facilities.py [WORKBOOK]

Each step runs in a process of its own, on SQLite and on a real PostgreSQL, so that its peak memory
is its own. CPU seconds are those of the process, without the PostgreSQL server; on a busy machine
they tell more than the clock. "Bare" steps are the floor: openpyxl reading the file and doing nothing with it, and
the driver inserting the finished rows and doing nothing else. Targets: the import within 60 s and
300 MB; a search among 20,000 facilities well under 100 ms.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORKBOOK = "samhsa/national-directory-su-facilities-2023.xlsx"
TARGET_SECONDS, TARGET_MEGABYTES, TARGET_SEARCH_MS = 60, 300, 100
FACILITIES_SEARCHED = 20_000
# Many near, few near, none near, far from everything, and nowhere.
ZIP_CODES = ("10001", "33101", "59718", "96910", "")


# --- Steps, each in its own process --------------------------------------------------------------


def bare_read(path):
    import openpyxl

    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    return {"rows": sum(1 for sheet in book for _ in sheet.iter_rows(values_only=True))}


def bare_insert(path):
    """The driver alone, given the finished values; making them is not timed."""
    from django.db import connection, transaction
    from django.utils import timezone

    from intake.actions import directory
    from intake.directory import editions, identity
    from intake.models import Facility

    listings = editions.read(path).listings
    pairs = identity.pair(listings, [], likeness=lambda *_: 0.0)
    fields = Facility._meta.concrete_fields
    values = [
        [field.get_db_prep_save(getattr(one, field.attname), connection) for field in fields]
        for pair in pairs
        for one in [directory._facility(pair, now=timezone.now())]
    ]
    columns = ", ".join(f'"{field.column}"' for field in fields)
    marks = ", ".join(["%s"] * len(fields))
    started, worked = time.perf_counter(), time.process_time()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO intake_facility ({columns}) VALUES ({marks})", values)  # noqa: S608
    seconds, cpu = time.perf_counter() - started, time.process_time() - worked
    Facility.objects.all().delete()
    return {"rows": len(values), "seconds": seconds, "cpu": cpu}


def command(path):
    from django.core.management import call_command

    call_command("import_facilities", str(path), stdout=open(os.devnull, "w"))  # noqa: SIM115
    from intake.models import Facility

    return {"rows": Facility.objects.count()}


def all_changed(path):
    """The worst newer edition: every single row differs."""
    from django.utils import timezone

    from intake.actions import directory, events
    from intake.directory import editions

    edition = editions.read(path)
    listings = tuple(replace(one, intake_phones=("202-555-0100",)) for one in edition.listings)
    changed = replace(edition, file_digest="0" * 64, listings=listings)
    report = directory.import_edition(edition=changed, by=events.SYSTEM, now=timezone.now())
    return {"rows": report.updated}


def search(path):
    """Median of the slower need for each ZIP; the directory copied until it has 20,000."""
    from django.utils import timezone

    from intake.actions.facility_search import search
    from intake.models import Facility
    from intake.models.base import new_id
    from intake.rules.matching import Need

    short = FACILITIES_SEARCHED - Facility.objects.count()
    copies = list(Facility.objects.order_by("pk")[:short])
    for copy in copies:
        copy.pk = new_id()
        copy.source_key = f"copy-{copy.pk}"
    Facility.objects.bulk_create(copies, batch_size=500)
    needs = (Need(age=40), Need(age=40, payers=("PI",), required=("CO", "PW"), languages=("SP",)))

    def milliseconds(need, zip_code, clock):
        started = clock()
        search(need=need, zip_code=zip_code, now=timezone.now())
        return (clock() - started) * 1000

    def median(zip_code, clock):
        return max(
            statistics.median(milliseconds(need, zip_code, clock) for _ in range(9))
            for need in needs
        )

    medians = {
        zip_code or "no ZIP": [
            median(zip_code, time.perf_counter),
            median(zip_code, time.process_time),
        ]
        for zip_code in ZIP_CODES
    }
    return {"rows": Facility.objects.count(), "milliseconds": medians}


STEPS = {step.__name__: step for step in (bare_read, bare_insert, command, all_changed, search)}


def run_step(name, path):
    import django

    django.setup()
    started, worked = time.perf_counter(), time.process_time()
    result = STEPS[name](Path(path))
    result.setdefault("seconds", time.perf_counter() - started)
    result.setdefault("cpu", time.process_time() - worked)
    result["megabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps(result))


# --- The run -------------------------------------------------------------------------------------


def measured(name, path, environment):
    done = subprocess.run(  # noqa: S603 - this very file
        [sys.executable, __file__, "--step", name, str(path)],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return json.loads(done.stdout)


def environments(folder):
    from tests import servers

    def of(**changes):
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        return servers.child_environment(
            PYTHONPATH=path, HELPLINE_DATA=folder, BASE_URL="http://localhost:8000", **changes
        )

    yield "SQLite", of(DATABASE_URL=None)
    yield "PostgreSQL", of(DATABASE_URL=servers.PostgreSQL.start().create("bench"))


def report(database, path, environment):
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "-v0"], env=environment, cwd=ROOT, check=True
    )
    print(f"\n{database}")
    floor = {name: measured(name, path, environment) for name in ("bare_read", "bare_insert")}
    least = sum(step["seconds"] for step in floor.values())
    runs = {
        "bare read of the file": floor["bare_read"],
        "bare insert of the rows": floor["bare_insert"],
        "first import": measured("command", path, environment),
        "the same file again": measured("command", path, environment),
        "every row changed": measured("all_changed", path, environment),
    }
    for label, run in runs.items():
        print(
            f"  {label:24}{run['seconds']:7.1f} s {run['cpu']:6.1f} s CPU {run['megabytes']:6.0f} MB"
            f" {run['rows']:7,} rows  {run['seconds'] / least:5.1f} x the floor"
        )
    searches = measured("search", path, environment)
    print(f"  search among {searches['rows']:,} facilities, median:")
    for zip_code, milliseconds in searches["milliseconds"].items():
        print("    {:8}{:6.0f} ms {:6.0f} ms CPU".format(zip_code, *milliseconds))
    imports = [run for label, run in runs.items() if not label.startswith("bare")]
    return (
        max(run["seconds"] for run in imports) <= TARGET_SECONDS
        and max(run["megabytes"] for run in imports) <= TARGET_MEGABYTES
        and max(wall for wall, _cpu in searches["milliseconds"].values()) < TARGET_SEARCH_MS
    )


def main(arguments):
    if arguments[:1] == ["--step"]:
        return run_step(*arguments[1:])
    sys.path.insert(0, str(ROOT))
    from tests import servers

    servers.prepare_environment()
    data = Path(os.environ.get("HELPLINE_TEST_DATA") or ROOT.parent / "shared" / "data")
    path = Path(arguments[0]) if arguments else data / WORKBOOK
    if not path.is_file():
        sys.exit(f"No workbook at {path}: name one, or set HELPLINE_TEST_DATA to its folder.")
    with tempfile.TemporaryDirectory() as folder:
        met = [report(name, path, environment) for name, environment in environments(folder)]
    print(f"\nTargets {'met' if all(met) else 'MISSED'}: ", end="")
    print(f"{TARGET_SECONDS} s, {TARGET_MEGABYTES} MB, {TARGET_SEARCH_MS} ms a search.")
    return None if all(met) else sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
