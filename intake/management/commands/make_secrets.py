"""Secrets for production, each in a file of its own."""

import secrets
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from helpline.embedded import create_secret_key
from helpline.signatures import new_secret
from intake.crypto.keyring import KeyringError, create_keyring_file

# To be replaced by the address of a mail server; see .env.example.
MAIL_TO_FILES = "filemail://"
DATABASE = "postgres://helpline:{password}@db:5432/helpline"
# Made once and together: data written with them needs these very ones.
FIRST = ("secret_key", "keys.json", "db_password", "database_url")


class Command(BaseCommand):
    help = (
        "Writes secret_key, keys.json, db_password, database_url, email_url, metrics_token, "
        "text_gateway_secret and phone_webhook_secret, as docker-compose.yml expects them, into "
        "FOLDER. A file that is there is never changed; in the folder of an older version, what "
        "that did not need yet is added."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        there = [name for name in FIRST if (folder / name).exists()]
        if there and len(there) < len(FIRST):
            raise CommandError(f"{folder} lacks some secrets of its data: put them back.")
        try:
            if not there:
                write_first(folder)
            written = write_missing(folder)
        except (FileExistsError, KeyringError):
            raise CommandError(f"{folder} is being filled by somebody else.") from None
        if not written:
            raise CommandError(f"{folder} holds secrets already; they are kept.")
        self.stdout.write(
            f"Wrote the secrets into {folder}. Back up keys.json, apart from the data."
        )
        if "email_url" in written:
            self.stdout.write("Put the address of your mail server into email_url.")


def write_first(folder: Path) -> None:
    """Raises FileExistsError or KeyringError when one is there."""
    password = secrets.token_urlsafe(32)
    create_secret_key(folder / "secret_key")
    create_keyring_file(folder / "keys.json")
    write_secret(folder / "db_password", password)
    write_secret(folder / "database_url", DATABASE.format(password=password))


def write_missing(folder: Path) -> list[str]:
    """Those nothing was written with; returns the names of those that were not there."""
    values = {
        "email_url": MAIL_TO_FILES,
        "metrics_token": secrets.token_urlsafe(32),
        "text_gateway_secret": new_secret(),
        "phone_webhook_secret": new_secret(),
    }
    missing = [name for name in values if not (folder / name).exists()]
    for name in missing:
        write_secret(folder / name, values[name])
    return missing


def write_secret(path: Path, value: str) -> None:
    with path.open("x", encoding="ascii") as file:
        path.chmod(0o600)
        file.write(value)
