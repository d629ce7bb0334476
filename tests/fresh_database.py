"""The migrated database of a test process: the first of a run migrates, the others take a copy."""

import sqlite3
from contextlib import closing

import filelock
from django.conf import settings

from tests import servers


def shared(creation):
    """``creation.create_test_db``, made so that a run migrates once."""
    migrate = creation.create_test_db

    def create_test_db(*args, **options):
        kept = creation.connection.vendor + "-migrated"
        note = servers.run_folder() / f"{kept}.made"
        with filelock.FileLock(servers.run_folder() / f"{kept}.lock"):
            if not note.exists():
                name = migrate(*args, **options)
                creation.connection.close()
                copy(name, kept, creation)
                note.touch()
                return name
        name = creation._get_test_db_name()
        creation.connection.close()
        copy(kept, name, creation)
        settings.DATABASES[creation.connection.alias]["NAME"] = name
        creation.connection.settings_dict["NAME"] = name
        return name

    return create_test_db


def copy(source, target, creation):
    """Nobody may be connected to either."""
    if creation.connection.vendor == "postgresql":
        servers.PostgreSQL.start().create(target, template=source)
        return
    folder = servers.run_folder()
    (folder / target).unlink(missing_ok=True)
    with (
        closing(sqlite3.connect(folder / source)) as old,
        closing(sqlite3.connect(folder / target)) as new,
    ):
        old.backup(new)
