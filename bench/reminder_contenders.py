"""Who delivers in bench/reminders.py, each as processes of its own: started, killed, started again."""

import os
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from uuid import UUID

from reminder_rows import Rows

ROOT = Path(__file__).resolve().parent.parent
# A supervisor starts again after half a second what died (helpline.supervisor).
RESTART_SECONDS = 0.5
CONSUMERS = 2


class Contender:
    name: str
    # Its processes, and what they do for each row.
    promise: str
    uses_broker = False

    def __init__(self, database: str, broker: str, folder: Path) -> None:
        self.database, self.broker, self.folder = database, broker, folder
        self.processes: list[subprocess.Popen] = []

    def lead(self, number: int, one: float) -> float:
        """Seconds it needs to be told of so many rows before they are due.

        ``one``: how long it took for a row of the warm-up.
        """
        return 3 + number / 2000

    def prepare(self) -> None:
        """Before its processes start: its own tables, nothing left of the run before."""

    def hand_over(self, reminders: list[UUID], due_at: datetime) -> None:
        """Tell it of the rows; most need not be told, they look."""

    def commands(self) -> list[list[str]]:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(ROOT), str(ROOT / "bench")])
        return {
            **os.environ,
            "PYTHONPATH": path,
            "BENCH_DATABASE": self.database,
            "BENCH_BROKER": self.broker,
        }

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.processes = [
                subprocess.Popen(  # noqa: S603 - our own commands
                    command,
                    cwd=ROOT,
                    env=self.environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
                for command in self.commands()
            ]

    def kill(self) -> None:
        """SIGKILL to every process of it at once, children too."""
        for process in self.processes:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        for process in self.processes:
            process.wait()
        self.processes = []

    def said(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")[-2000:]

    def in_hand(self, rows: Rows) -> int:
        """How many it had taken and not finished when it was killed."""
        return rows.one(
            "SELECT count(*) FROM intake_reminder"
            " WHERE status = 'planned' AND lease_until > clock_timestamp()"
        )

    def kill_and_restart(self, rows: Rows) -> None:
        self.kill()
        rows.in_hand += self.in_hand(rows)
        time.sleep(RESTART_SECONDS)
        self.start()


class ThisEngine(Contender):
    name = "this engine"
    promise = (
        "worker (2 processes), beat and sweeper of `manage.py up`; a notice and an event a row"
    )
    uses_broker = True

    def commands(self) -> list[list[str]]:
        from intake.management.commands.up import children

        ours = {"worker", "beat", "sweeper"}
        return [list(child.command) for child in children(self.folder, 0) if child.name in ours]

    def environment(self) -> dict[str, str]:
        from tests import servers

        return servers.child_environment(
            PYTHONPATH=ROOT,
            DATABASE_URL=self.database,
            REDIS_URL=self.broker,
            HELPLINE_DATA=self.folder,
            LOG_LEVEL="WARNING",
        )


class CeleryEta(Contender):
    name = "Celery eta"
    promise = "worker (2 processes), late ack, one task with its eta a row; marks it"
    uses_broker = True

    def lead(self, number: int, one: float) -> float:
        # A message a row; the others are told in one go.
        return 5 + 1.5 * number * one

    def hand_over(self, reminders: list[UUID], due_at: datetime) -> None:
        from celery import Celery

        with Celery(broker=self.broker) as app:
            task = app.signature("eta_tasks.mark", ignore_result=True)
            with app.producer_pool.acquire(block=True) as producer:
                for reminder in reminders:
                    task.apply_async((str(reminder),), eta=due_at, producer=producer)

    def in_hand(self, rows: Rows) -> int:
        from redis import Redis

        # A worker takes every message whose eta lies ahead; of those due, one a process.
        return Redis.from_url(self.broker).hlen("unacked")

    def commands(self) -> list[list[str]]:
        celery = [sys.executable, "-m", "celery", "--quiet", "--app", "eta_tasks", "worker"]
        quiet = ["--without-gossip", "--without-mingle", "--loglevel", "ERROR"]
        return [[*celery, "--concurrency", str(CONSUMERS), *quiet]]


class Procrastinate(Contender):
    name = "procrastinate"
    promise = "2 worker processes of 10 jobs at a time, one job a row, scheduled; marks it"

    def prepare(self) -> None:
        self.in_app("app.schema_manager.apply_schema()")

    def in_app(self, statement: str, text: str | None = None) -> None:
        """A statement with its app open, in a process of its own: its settings are its module's."""
        code = f"import sys\nfrom procrastinate_tasks import *\nwith app.open():\n    {statement}"
        command = [sys.executable, "-c", code]
        environment = self.environment()
        subprocess.run(command, cwd=ROOT, env=environment, input=text, text=True, check=True)  # noqa: S603

    def hand_over(self, reminders: list[UUID], due_at: datetime) -> None:
        self.in_app(
            "from datetime import datetime; later ="
            f" mark.configure(schedule_at=datetime.fromisoformat('{due_at.isoformat()}'));"
            " later.batch_defer(*({'reminder': line.strip()} for line in sys.stdin))",
            "\n".join(map(str, reminders)),
        )

    def in_hand(self, rows: Rows) -> int:
        return rows.one("SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'")

    def commands(self) -> list[list[str]]:
        worker = [sys.executable, "-m", "procrastinate", "--app", "procrastinate_tasks.app"]
        return [[*worker, "worker", "--concurrency", "10"]] * CONSUMERS


class BareEach(Contender):
    name = "bare SQL, each"
    promise = "1 process, claims 100, marks each in its own commit"
    way = "each"

    def commands(self) -> list[list[str]]:
        return [[sys.executable, "bench/bare_loop.py", self.way]]


class BareBulk(BareEach):
    name = "bare SQL, in bulk"
    promise = "1 process, claims 100, marks them in one statement"
    way = "bulk"


CONTENDERS = (ThisEngine, CeleryEta, Procrastinate, BareEach, BareBulk)
