"""Spans of an equipment do not overlap: an exclusion constraint on PostgreSQL, triggers on SQLite.

On SQLite a later migration that remakes `production_span` drops its triggers and must make them again.
"""

from django.db import migrations

NAME = "spans of an equipment do not overlap"

# A range of one number stands in for `=`, which GiST would need the extension btree_gist for.
POSTGRESQL = [
    f"""
    ALTER TABLE production_span ADD CONSTRAINT "{NAME}" EXCLUDE USING gist (
        int8range(equipment_id, equipment_id, '[]') WITH &&,
        tstzrange(started_at, ended_at, '[)') WITH &&
    )
    """
]
POSTGRESQL_BACK = [f'ALTER TABLE production_span DROP CONSTRAINT "{NAME}"']


def _sqlite_trigger(verb, itself):
    # Two lookups by index: the spans that end after the new one begins, and the one that lasts.
    # Times are stored as text of which a shorter one (no fraction) sorts first, so they compare as times.
    begins_before_its_end = "(NEW.ended_at IS NULL OR other.started_at < NEW.ended_at)"
    other = f"SELECT 1 FROM production_span other WHERE other.equipment_id = NEW.equipment_id {itself}"
    return f"""
    CREATE TRIGGER "{NAME} ({verb.split()[0].lower()})" BEFORE {verb} ON production_span
    WHEN EXISTS ({other} AND other.ended_at > NEW.started_at AND {begins_before_its_end})
      OR EXISTS ({other} AND other.ended_at IS NULL AND {begins_before_its_end})
    BEGIN
        SELECT RAISE(ABORT, '{NAME}');
    END
    """


SQLITE = [
    _sqlite_trigger("INSERT", ""),
    _sqlite_trigger(
        "UPDATE OF equipment_id, started_at, ended_at", "AND other.id <> OLD.id"
    ),
]
SQLITE_BACK = [f'DROP TRIGGER "{NAME} ({verb})"' for verb in ("insert", "update")]

FORWARDS = {"postgresql": POSTGRESQL, "sqlite": SQLITE}
BACKWARDS = {"postgresql": POSTGRESQL_BACK, "sqlite": SQLITE_BACK}


def _run(statements, schema_editor):
    for statement in statements[schema_editor.connection.vendor]:
        schema_editor.execute(statement, params=None)


def forwards(apps, schema_editor):
    _run(FORWARDS, schema_editor)


def backwards(apps, schema_editor):
    _run(BACKWARDS, schema_editor)


class Migration(migrations.Migration):
    dependencies = [("production", "0001_initial")]

    operations = [migrations.RunPython(forwards, backwards, elidable=False)]
