"""Import an edition of the national directory of treatment facilities."""

from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from intake.actions import directory, events
from intake.actions.base import Refused
from intake.directory import editions
from intake.directory.workbook import NotTheDirectory


class Command(BaseCommand):
    help = (
        "Import SAMHSA's National Directory of treatment facilities (.xlsx). The same file again"
        " changes nothing; a newer edition updates, adds, and marks what it dropped as unlisted."
        " Prints every refused row with its line and reason."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the directory's workbook")
        parser.add_argument(
            "--allow-shrink",
            action="store_true",
            help="import even if a shorter edition unlists more than 30 percent of the facilities",
        )

    def handle(self, *args: Any, file: Path, allow_shrink: bool, **options: Any) -> None:
        try:
            with self._bar("Reading") as progress:
                edition = editions.read(file, progress=progress)
            with self._bar("Storing") as progress:
                report = directory.import_edition(
                    edition=edition,
                    by=events.SYSTEM,
                    now=timezone.now(),
                    allow_shrink=allow_shrink,
                    progress=progress,
                )
        except NotTheDirectory as error:
            raise CommandError(f"{error} Nothing was changed.") from error
        except Refused as error:
            raise CommandError(f"{error.message} Nothing was changed.") from error
        self._print(report)

    @contextmanager
    def _bar(self, what: str) -> Iterator[editions.Progress]:
        """A progress bar on a terminal, silence elsewhere."""
        # Not self.stderr: Django ends every write to that with a new line.
        with tqdm(desc=what, unit=" rows", disable=None, leave=False) as bar:

            def progress(done: int, total: int | None) -> None:
                bar.total = total
                bar.update(done - bar.n)

            yield progress

    def _print(self, report: directory.ImportReport) -> None:
        for what, problems in (("refused", report.refused), ("note", report.remarks)):
            for problem in problems:
                self.stdout.write(f"{problem.sheet}, line {problem.line}: {what}: {problem.reason}")
        self.stdout.write(
            f"{report.read:,} rows read: {report.added:,} added, {report.updated:,} updated"
            f" ({report.relisted:,} of them listed again), {report.unchanged:,} unchanged,"
            f" {len(report.refused):,} refused."
        )
        self.stdout.write(
            f"{report.unlisted:,} facilities are no longer listed."
            f" {report.codes_changed:,} service codes are new or changed."
        )
