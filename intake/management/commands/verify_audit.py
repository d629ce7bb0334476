"""Walk the whole audit and name the first broken link."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from intake.actions import events


class Command(BaseCommand):
    help = (
        "Verify every event, its place in the chain, and the chain against its seals and the"
        " published heads. Ends with status 1 and the first broken link when something is wrong."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--heads",
            type=Path,
            default=None,
            help="A copy of audit-heads.log kept elsewhere; by default the one in HELPLINE_DATA.",
        )

    def handle(self, *args: Any, heads: Path | None, **options: Any) -> None:
        path = heads or settings.HELPLINE_DATA / "audit-heads.log"
        try:
            published = events.read_published_heads(path) if heads or path.exists() else {}
        except (OSError, ValueError) as error:
            raise CommandError(f"Cannot read the published heads in {path}.") from error
        result = events.verify(published_heads=published)
        events.write(
            "audit.verified",
            by=events.SYSTEM,
            now=timezone.now(),
            detail={"sealed": result.sealed, "broken": result.broken is not None},
        )
        if result.broken is not None:
            where = f"position {result.broken.position}" if result.broken.position else "unsealed"
            raise CommandError(
                f"Broken at {where}, event {result.broken.event_id or '?'}:"
                f" {result.broken.problem}."
            )
        self.stdout.write(
            f"{result.sealed} events sealed and intact, {result.unsealed} waiting to be sealed,"
            f" {len(published)} published heads agree."
        )
