import pytest
from django.db import connection

from intake.crypto import inventory, rotation
from intake.crypto.keyring import create_keyring_file, forget_keyring
from intake.models import KeyCheck
from tests.crypto.sheets import TABLES


@pytest.fixture(scope="session")
def _sheet_tables(django_db_setup, django_db_blocker):
    # Outside any transaction: SQLite changes no schema inside one.
    with django_db_blocker.unblock():
        with connection.schema_editor() as editor:
            for model in TABLES:
                editor.create_model(model)
        yield
        with connection.schema_editor() as editor:
            for model in TABLES:
                editor.delete_model(model)


@pytest.fixture
def sheets(_sheet_tables, db, monkeypatch):
    """The tables of `sheets`, and they are all that the project has encrypted."""
    monkeypatch.setattr(inventory, "project_models", lambda: list(TABLES))


@pytest.fixture
def committed_sheets(_sheet_tables, transactional_db, monkeypatch):
    """The same, seen by other threads and connections; emptied afterwards."""
    monkeypatch.setattr(inventory, "project_models", lambda: list(TABLES))
    yield
    for model in TABLES:
        model.objects.all().delete()


@pytest.fixture(autouse=True)
def key_file(tmp_path, settings):
    """A key ring of this test alone, in a file."""
    path = tmp_path / "keys.json"
    create_keyring_file(path)
    settings.HELPLINE_KEYS = ""
    settings.HELPLINE_KEYS_FILE = path
    forget_keyring()
    yield path
    forget_keyring()


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(rotation, "BATCH_ROWS", 2)
    monkeypatch.setattr(rotation, "PAUSE_SECONDS", 0)


@pytest.fixture
def rotating(sheets, small_batches):
    KeyCheck.objects.all().delete()


@pytest.fixture
def raw():
    """What really lies in a column: raw(instance, "note")."""

    def column(instance, name):
        model = type(instance)._meta.concrete_model
        quoted = connection.ops.quote_name
        key = model._meta.pk
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {quoted(model._meta.get_field(name).column)}"  # noqa: S608 - our names
                f" FROM {quoted(model._meta.db_table)} WHERE {quoted(key.column)} = %s",
                [key.get_db_prep_value(instance.pk, connection)],
            )
            (value,) = cursor.fetchone()
        return None if value is None else bytes(value)  # PostgreSQL's driver has its own type

    return column


@pytest.fixture
def write_raw():
    """Put bytes into a column behind the field's back: write_raw(instance, "note", blob)."""

    def column(instance, name, blob):
        model = type(instance)
        quoted = connection.ops.quote_name
        key = model._meta.pk
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {quoted(model._meta.db_table)} SET"  # noqa: S608 - our names
                f" {quoted(model._meta.get_field(name).column)} = %s"
                f" WHERE {quoted(key.column)} = %s",
                [blob, key.get_db_prep_value(instance.pk, connection)],
            )

    return column
