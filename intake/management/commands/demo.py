"""Fill an empty database with an invented fortnight."""

import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from intake.actions import directory, events
from intake.demonstration import (
    answer_cards,
    facilities,
    fortnight,
    held_requests,
    staff,
    unsaved,
)
from intake.directory import editions
from intake.models import Call, Facility


class Command(BaseCommand):
    help = (
        "Fill an empty database with invented calls, people and facilities, and print one log-in"
        " for each role. The same seed gives the same fortnight; passwords are always new."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=14, help="length, up to now (default 14)")
        parser.add_argument("--calls", type=int, default=400, help="number of calls (default 400)")
        parser.add_argument("--seed", type=int, default=1, help="which fortnight (default 1)")

    @transaction.atomic
    def handle(self, *args: Any, days: int, calls: int, seed: int, **options: Any) -> None:
        if Call.objects.exists() or User.objects.exists():
            raise CommandError("Only an empty database is filled; this one has calls or users.")
        if not (1 <= days <= 366 and 0 <= calls <= 100_000):
            raise CommandError("--days goes from 1 to 366, --calls from 0 to 100000.")
        now = timezone.now()
        made = staff.log_ins()
        if not Facility.objects.exists():
            self._directory(seed)
        supervisor = User.objects.filter(groups__name="Supervisor").earliest("pk")
        answer_cards.review(by=supervisor, now=now)
        fortnight.live(days=days, count=calls, seed=seed, until=now, agents=staff.agents())
        unsaved.leave_one(by=staff.agents()[0], now=now)
        if calls:
            held_requests.leave_some(seed=seed, now=now)
        events.write("demo.filled", by=events.SYSTEM, now=now, detail={"calls": calls})
        for log_in in made:
            self.stdout.write(f"{log_in.role}: {log_in.username} {log_in.password}")

    def _directory(self, seed: int) -> None:
        """Invented facilities, imported the way a real edition is."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "invented-directory.xlsx"
            facilities.write_directory(path, seed=seed)
            directory.import_edition(
                edition=editions.read(path), by=events.SYSTEM, now=timezone.now()
            )
