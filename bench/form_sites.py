"""The two sites of bench/public_form.py, each served by a gunicorn of its own."""

import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from form_client import Client
from form_disk import rows
from form_visitors import Visitor, get, post

ROOT = Path(__file__).resolve().parent.parent
THREADS = 8
STARTED_WITHIN_SECONDS = 60
# The form's own least time, and a little more.
LIES_OPEN_SECONDS = 3.2
STANDS_STILL_SECONDS = 60
REFERENCE = re.compile(r"\bB-[0-9A-Z]{8}\b")


@dataclass
class Figures:
    """Of one run: pages and requests a second, the web server's CPU seconds for a request, and the
    seconds each request took at full and at half load."""

    page_rate: float
    rate: float
    cpu: float
    full: list
    half: list


class Site:
    """A gunicorn that serves it."""

    def __init__(self, folder, database_url):
        from tests import servers

        self.folder, self.url = folder, database_url
        self.port, self.processes, self.accepted = servers.free_port(), [], []
        self.client = Client(self.port)
        path = os.pathsep.join([str(ROOT), str(ROOT / "bench")])
        self.environment = servers.child_environment(
            PYTHONPATH=path,
            DATABASE_URL=database_url,
            HELPLINE_DATA=folder,
            STATIC_ROOT=folder / "static",
            PORT=self.port,
            **self.settings,
        )

    settings = {}

    def start(self):
        self.prepare()
        self.spawn("gunicorn", "--config", "python:helpline.webserver", self.application)
        deadline = time.monotonic() + STARTED_WITHIN_SECONDS
        while not (answer := self.client.at_once([get("/callback/", Visitor(0))], 1)[0]):
            assert self.processes[0].poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.1)
        assert answer.status == 200, (answer, self.log())

    def manage(self, *arguments):
        self.run_once(sys.executable, str(ROOT / "manage.py"), *arguments)

    def run_once(self, *command):
        subprocess.run(  # noqa: S603 - our own commands
            command, cwd=ROOT, env=self.environment, check=True, stdout=subprocess.DEVNULL
        )

    def spawn(self, *module):
        with (self.folder / f"{self.name}.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - our own programs
                [sys.executable, "-m", *module],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)
        return process

    def log(self):
        return (self.folder / f"{self.name}.log").read_text()[-3000:]

    def stop(self):
        for process in self.processes:
            process.terminate()
            process.wait()

    # --- asking it

    def figures(self, visitors, number):
        full = self.full(visitors.many(number))
        return Figures(*full, self.half(visitors.many(number), full[1] / 2))

    def full(self, visitors):
        """Pages and requests a second, CPU seconds for a request, and each request's seconds."""
        page_rate, posts = self.forms(visitors)
        worked, started = self.worked(), time.perf_counter()
        answers = self.client.at_once(posts, THREADS)
        seconds = time.perf_counter() - started
        worked = self.worked() - worked
        return page_rate, len(posts) / seconds, worked / len(posts), self.times(answers, posts)

    def worked(self):
        """CPU seconds of the web process; on a busy machine they tell more than the clock."""
        paths = [Path(f"/proc/{worker}/stat") for worker in self.workers()]
        stats = [path.read_text().rpartition(")")[2] for path in paths]
        ticks = [int(tick) for stat in stats for tick in stat.split()[11:13]]
        return sum(ticks) / os.sysconf("SC_CLK_TCK")

    def half(self, visitors, rate):
        """Each request's seconds when they come at random, so many a second."""
        _page_rate, posts = self.forms(visitors)
        chance, at, moments = random.Random(1971), 0.0, []
        for _post in posts:
            at += chance.expovariate(rate)
            moments.append(at)
        return self.times(self.client.at_rate(posts, moments), posts)

    def killed(self, visitors):
        """How many got no answer because the web process was killed; they press Send again."""
        _page_rate, posts = self.forms(visitors)
        killer = threading.Timer(0.5, self.kill)
        killer.start()
        answers = self.client.at_once(posts, THREADS)
        killer.join()
        answered = [pair for pair in zip(answers, posts, strict=True) if pair[0]]
        self.times(*zip(*answered, strict=True))
        again = [post for post, answer in zip(posts, answers, strict=True) if not answer]
        self.times(self.client.at_once(again, THREADS), again)
        return len(again)

    def kill(self):
        """Gunicorn's master starts another."""
        for worker in self.workers():
            os.kill(int(worker), signal.SIGKILL)

    def workers(self):
        master = self.processes[0].pid
        return Path(f"/proc/{master}/task/{master}/children").read_text().split()

    def forms(self, visitors):
        """Pages a second, and what each visitor sends when they have filled in theirs."""
        pages = [get("/callback/", visitor) for visitor in visitors]
        started = time.perf_counter()
        answers = self.client.at_once(pages, THREADS)
        rate = len(pages) / (time.perf_counter() - started)
        for answer in answers:
            assert answer, self.log()
            assert answer.status == 200, self.log()
        time.sleep(LIES_OPEN_SECONDS)
        pairs = zip(visitors, answers, strict=True)
        return rate, [post("/callback/", visitor, page) for visitor, page in pairs]

    def times(self, answers, posts):
        """Each request's seconds; every one must have been taken."""
        for answer, sent in zip(answers, posts, strict=True):
            assert answer, f"no answer\n{self.log()}"
            assert answer.status == 302, (answer.status, errors_on(answer), self.log())
            self.accepted.append((answer.header("Location"), cookie_of(sent)))
        return [answer.seconds for answer in answers]


def cookie_of(sent):
    """A receipt opens in the browser that sent the request."""
    return re.search(rb"Cookie: ([^\r]*)", sent)[1].decode()


def errors_on(answer):
    return re.findall(
        r'errorlist[^>]*>(.*?)</ul>|class="notice"(.*?)</div>', answer.body.decode(), re.S
    )


class Bare(Site):
    name, application = "bare", "bare_site.wsgi"
    settings = {"DJANGO_SETTINGS_MODULE": "bare_site.settings"}

    def prepare(self):
        self.run_once(sys.executable, "-m", "django", "migrate", "--run-syncdb", "-v0")

    def lost(self):
        stored = {str(pk) for (pk,) in rows(self.url, "SELECT id FROM bare_site_request")}
        return len({address.split("/")[2] for address, _cookie in self.accepted} - stored)


class Ours(Site):
    name, application = "ours", "helpline.wsgi"

    @property
    def settings(self):
        from tests import servers

        self.broker = servers.Valkey.start()
        return {
            "BASE_URL": "https://localhost",
            "REDIS_URL": self.broker.url(),
            "TRUSTED_PROXIES": "1",
            "HELPLINE_REQUESTS_PER_HOUR": str(10**6),
        }

    def prepare(self):
        self.manage("prepare", "-v0")
        self.manage("collectstatic", "--noinput", "-v0")

    def sweeping(self):
        """The process that sweeps the desk, beside the web server as in use."""
        return Beside(self)

    def wait_until_admitted(self):
        left, seen_at = None, time.monotonic()
        while (now_left := self.by_status().get("received", 0)) > 0:
            assert self.processes[-1].poll() is None, self.log()
            if now_left != left:
                left, seen_at = now_left, time.monotonic()
            assert time.monotonic() < seen_at + STANDS_STILL_SECONDS, self.log()
            time.sleep(0.2)

    def by_status(self):
        return dict(rows(self.url, "SELECT status, COUNT(*) FROM intake_callback GROUP BY status"))

    def lost(self):
        """Receipts that do not open, or whose reference is not in the database."""
        asked = [get(address, Visitor(0), cookie) for address, cookie in self.accepted]
        pages = self.client.at_once(asked, THREADS)
        shown = [page and REFERENCE.search(page.body.decode()) for page in pages]
        stored = {one for (one,) in rows(self.url, "SELECT reference FROM intake_callback")}
        return sum(not found or found[0] not in stored for found in shown)

    def doubled(self):
        return sum(self.by_status().values()) - len(self.accepted)


class Beside:
    def __init__(self, site):
        self.site = site

    def __enter__(self):
        self.process = self.site.spawn("django", "sweep")

    def __exit__(self, *error):
        self.site.processes.remove(self.process)
        self.process.terminate()
        self.process.wait()
