"""The migrated database of a test process: the first of a run migrates, the others take a copy.

After a transactional test it is put back as it was migrated.
"""

import sqlite3
from contextlib import closing, contextmanager
from importlib import import_module

import filelock
from django.conf import settings
from django.db import connection, transaction

from tests import servers

guards = import_module("intake.migrations.0003_append_only_events")
GUARDED = {"intake_event", "intake_eventseal"}


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


class Furniture:
    """The rows that migrating wrote, such as the roles.

    Django's own way of cleaning up after a test empties every table and writes all of these anew:
    half a second of PostgreSQL, nearly all of it for tables that nobody had touched.
    """

    def __init__(self):
        self.tables = connection.introspection.django_table_names(only_existing=True)
        with connection.cursor() as cursor:
            self.rows = {table: rows_of(cursor, table) for table in self.filled(cursor)}

    def filled(self, cursor):
        """The tables that hold a row."""
        cursor.execute(
            " UNION ALL ".join(
                f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {table})"  # noqa: S608 - our own
                for table in self.tables
            )
        )
        return {table for (table,) in cursor.fetchall()}

    def put_back(self):
        """These rows and no other. Waits for whoever still writes, and fails if that never ends."""
        with transaction.atomic(), connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute(f"LOCK TABLE {', '.join(self.tables)} IN EXCLUSIVE MODE")
            moved = [
                table
                for table in self.filled(cursor) | self.rows.keys()
                if table not in self.rows or rows_of(cursor, table) != self.rows[table]
            ]
            with unguarded(cursor, moved):
                for table in moved:
                    cursor.execute(f"DELETE FROM {table}")  # noqa: S608
            for table in moved:
                for row in self.rows.get(table, ()):
                    places = ", ".join(["%s"] * len(row))
                    cursor.execute(f"INSERT INTO {table} VALUES ({places})", row)  # noqa: S608


def rows_of(cursor, table):
    cursor.execute(f"SELECT * FROM {table} ORDER BY 1")  # noqa: S608
    return cursor.fetchall()


@contextmanager
def unguarded(cursor, tables):
    """Events refuse to be deleted."""
    if connection.vendor == "postgresql":
        cursor.execute("SET LOCAL session_replication_role = replica")
        yield
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")
    elif GUARDED.isdisjoint(tables):
        yield
    else:
        for statement in guards.UNGUARD["sqlite"]:
            cursor.execute(statement)
        yield
        for statement in guards.GUARD["sqlite"]:
            cursor.execute(statement)
