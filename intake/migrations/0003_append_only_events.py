"""Events are append-only in the database itself, for every client and every code path.

The one update allowed is the sealer's: position and link, once, from empty to set. A database
superuser can drop a trigger; what they then change, ``verify_audit`` finds.
"""

from django.db import migrations

CONTENT = [
    "id",
    "at",
    "actor_kind",
    "actor_id",
    "verb",
    "subject_type",
    "subject_id",
    "detail",
    "mac",
]
SEAL_CONTENT = ["id", "position", "head", "sealed_at"]


def _sqlite_same(columns):
    return " AND ".join(f"OLD.{column} IS NEW.{column}" for column in columns)


def _postgresql_same(columns):
    return " AND ".join(f"OLD.{column} IS NOT DISTINCT FROM NEW.{column}" for column in columns)


def _rule(same):
    return {
        "intake_event": f"OLD.position IS NULL AND NEW.position IS NOT NULL AND {same(CONTENT)}",
        "intake_eventseal": f"OLD.published_at IS NULL AND {same(SEAL_CONTENT)}",
    }


SQLITE_GUARD = [
    statement
    for table, allowed in _rule(_sqlite_same).items()
    for statement in (
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table}"
        " BEGIN SELECT RAISE(ABORT, 'events are append-only'); END",
        f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} WHEN NOT ({allowed})"
        " BEGIN SELECT RAISE(ABORT, 'events are append-only'); END",
    )
]
SQLITE_UNGUARD = [
    f"DROP TRIGGER IF EXISTS {table}_{kind}"
    for table in ("intake_event", "intake_eventseal")
    for kind in ("no_delete", "no_update")
]

POSTGRESQL_GUARD = [
    "CREATE OR REPLACE FUNCTION intake_append_only() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE EXCEPTION 'events are append-only'; END $$",
    *(
        statement
        for table, allowed in _rule(_postgresql_same).items()
        for statement in (
            f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION intake_append_only()",
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION intake_append_only()",
            f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} FOR EACH ROW"
            f" WHEN (NOT ({allowed})) EXECUTE FUNCTION intake_append_only()",
        )
    ),
]
POSTGRESQL_UNGUARD = [
    f"DROP TRIGGER IF EXISTS {table}_{kind} ON {table}"
    for table in ("intake_event", "intake_eventseal")
    for kind in ("no_delete", "no_truncate", "no_update")
]

GUARD = {"sqlite": SQLITE_GUARD, "postgresql": POSTGRESQL_GUARD}
UNGUARD = {"sqlite": SQLITE_UNGUARD, "postgresql": POSTGRESQL_UNGUARD}


def guard(apps, schema_editor):
    for statement in GUARD[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def unguard(apps, schema_editor):
    for statement in UNGUARD[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("intake", "0002_roles")]

    operations = [migrations.RunPython(guard, unguard)]
