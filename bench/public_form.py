"""How many requests for a call the public form takes, beside a bare Django view and the disk.

    python bench/public_form.py [FOLDER] [--requests 1500] [--runs 3] [--database sqlite|postgresql]

Real gunicorn with the helpline's own configuration (one process, eight threads), keep-alive over
loopback, databases that write through to the disk. Our site runs as behind a proxy that speaks
HTTPS, with every protection on; each request comes from a browser, an address and a number of its
own, and holds a form that was fetched and lay open for the least time to fill it. Two things are
not as in use: the ceiling of an hour is lifted, for otherwise it would be reached after 200, and
PRODUCTION is off, for it refuses the numbers of invented people.

The bare view (bare_site/) is a fresh `startproject` with a ModelForm of the same fields, saved as
one row; it also gets its form from a page, with the token against forgery. It runs under the same
gunicorn, on the same database server, and takes turns with ours. "The disk" is one INSERT and its
commit by the driver, on as many connections as gunicorn has threads.

Half load is a stream of requests at half the rate just measured, at random moments; a request's
time runs from the moment it was to be sent. CPU is the web process's own for one request: on a busy
machine it tells more than the clock. In the last line of a table the process that lets requests in
sweeps beside the web server, as in use, and takes its share of the cores.

Then the web process is killed under full load, and who got no answer sends the same form again. At
the end every request that was answered with a receipt must be in the database, once, and when the
desk has swept, waiting to be rung.
"""

import argparse
import os
import shutil
import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

DATABASES = ("sqlite", "postgresql")
LEAST_SHARE, MOST_MS = 0.6, 100
WARM_UP = 100


def main():
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument(
        "folder", type=Path, nargs="?", default=ROOT / "var" / "bench" / "public-form"
    )
    arguments.add_argument("--requests", type=int, default=1500)
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--database", choices=DATABASES)
    chosen = arguments.parse_args()
    from tests import servers

    servers.prepare_environment()
    os.environ["DJANGO_SETTINGS_MODULE"] = "helpline.settings"
    import django

    django.setup()
    chosen.folder = chosen.folder.resolve()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    print(f"{chosen.requests:,} requests a run, {chosen.runs} runs, {os.cpu_count()} cores")
    for database in [chosen.database] if chosen.database else DATABASES:
        folder = chosen.folder / f"sites-{database}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        world = World(database, folder, chosen.folder)
        try:
            world.start()
            report(database, world.measure(chosen.requests, chosen.runs), world)
        finally:
            world.stop()


# --- One database ---------------------------------------------------------------------------------


class World:
    """Both sites on one database server, each with a database of its own."""

    def __init__(self, database, folder, shared):
        from call_sheet import kept_postgresql
        from form_sites import Bare, Ours

        self.database, self.folder = database, folder
        postgresql = kept_postgresql(shared) if database == "postgresql" else None

        def url(name):
            if postgresql:
                return postgresql.create(f"form_{name}")
            return f"sqlite:///{folder / name}.sqlite3"

        self.url = url
        self.bare, self.ours = self.sites = [kind(folder, url(kind.name)) for kind in (Bare, Ours)]

    def start(self):
        for site in self.sites:
            site.start()

    def measure(self, number, runs):
        """Figures by what was measured, one for each run."""
        from form_disk import disk_rate
        from form_sites import THREADS
        from form_visitors import Visitors

        visitors = Visitors()
        for site in self.sites:
            site.full(visitors.many(WARM_UP))
        found = {"disk": [], "bare": [], "ours": [], "ours, desk sweeping": []}
        for run in range(runs):
            for site in self.sites if run % 2 else self.sites[::-1]:
                found[site.name].append(site.figures(visitors, number))
            found["disk"].append(disk_rate(self.url("disk"), number, THREADS))
        self.unanswered = self.ours.killed(visitors.many(number))
        with self.ours.sweeping():
            found["ours, desk sweeping"].append(self.ours.figures(visitors, number))
            self.ours.wait_until_admitted()
        return found

    def stop(self):
        for site in self.sites:
            site.stop()


# --- The report ----------------------------------------------------------------------------------


def p95(seconds):
    return sorted(seconds)[max(0, round(len(seconds) * 0.95) - 1)] * 1000


def report(database, found, world):
    disk = statistics.median(found.pop("disk"))
    bare = statistics.median(one.rate for one in found["bare"])
    print(
        f"\n{database}{'taken/s':>36}{'p95':>10}{'p95 at half':>14}{'pages/s':>10}{'CPU':>9}",
        flush=True,
    )
    print(f"  {'the disk: INSERT and commit':28}{disk:14,.0f}")
    for name, figures in found.items():
        rate = statistics.median(one.rate for one in figures)
        full = statistics.median(p95(one.full) for one in figures)
        half = statistics.median(p95(one.half) for one in figures)
        pages = statistics.median(one.page_rate for one in figures)
        cpu = statistics.median(one.cpu for one in figures) * 1000
        more = f"   {rate / disk:5.1%} of the disk"
        if name != "bare":
            more += f", {rate / bare:4.0%} of the bare view"
        if name == "ours":
            more += verdict(rate / bare >= LEAST_SHARE and half <= MOST_MS)
        print(
            f"  {name:28}{rate:14,.0f}{full:7.1f} ms{half:11.1f} ms{pages:10,.0f}{cpu:6.1f} ms{more}"
        )
    for site in world.sites:
        print(f"  {site.name}: {len(site.accepted):,} taken, {site.lost():,} lost")
    unanswered = world.unanswered
    print(
        f"  ours, web process killed: {unanswered} unanswered and sent again, {world.ours.doubled()} doubled"
    )
    print(f"  ours, after the desk has swept: {world.ours.by_status()}", flush=True)


def verdict(is_met):
    return " (target met)" if is_met else " (TARGET MISSED)"


if __name__ == "__main__":
    main()
