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


class Command(BaseCommand):
    help = (
        "Writes secret_key, keys.json, db_password, database_url, email_url, metrics_token, "
        "text_gateway_secret and phone_webhook_secret, as docker-compose.yml expects them, into "
        "FOLDER. A file that is there is never changed."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        password = secrets.token_urlsafe(32)
        try:
            create_secret_key(folder / "secret_key")
            create_keyring_file(folder / "keys.json")
            write_secret(folder / "db_password", password)
            write_secret(folder / "database_url", DATABASE.format(password=password))
            write_secret(folder / "email_url", MAIL_TO_FILES)
            write_secret(folder / "metrics_token", secrets.token_urlsafe(32))
            write_secret(folder / "text_gateway_secret", new_secret())
            write_secret(folder / "phone_webhook_secret", new_secret())
        except (FileExistsError, KeyringError):
            raise CommandError(f"{folder} holds secrets already; they are kept.") from None
        self.stdout.write(
            f"Wrote the secrets into {folder}. Back up keys.json, apart from the data."
        )
        self.stdout.write("Put the address of your mail server into email_url.")


def write_secret(path: Path, value: str) -> None:
    with path.open("x", encoding="ascii") as file:
        path.chmod(0o600)
        file.write(value)
