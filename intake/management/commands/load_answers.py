"""`manage.py load_answers`: bring in the answer cards that come with the software."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from intake.actions import answer_files, events


class Command(BaseCommand):
    help = (
        "Bring in the answer cards that come with the software. May be run again at any time: a"
        " card that was written, reviewed or retired here is left as it is."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        loaded = answer_files.load(by=events.SYSTEM, now=timezone.now())
        if not options["verbosity"]:
            return
        self.stdout.write(
            f"{loaded.added} added, {loaded.updated} brought up to date,"
            f" {loaded.unchanged} as they were"
        )
        if loaded.kept:
            self.stdout.write(f"Left as this helpline has them: {', '.join(loaded.kept)}")
