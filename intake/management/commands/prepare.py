"""`manage.py prepare`: what a new version of the software needs before it serves anybody."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Migrates the database and brings in the answer cards. May be run again at any time."

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=options["verbosity"])
        call_command("load_answers", verbosity=options["verbosity"], stdout=self.stdout)
