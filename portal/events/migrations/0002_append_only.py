"""The log defends itself: triggers that no code path gets around, on both databases.

A later migration that remakes the table on SQLite (AlterField, AddConstraint) drops its triggers and has to make them again.
"""

from datetime import UTC, datetime

from django.db import migrations

CHANGED = "An event is never changed. Write a new one that says what is true now."
DELETED = "Events are removed by age only, and only through the retention action."
TRUNCATED = "The log of events cannot be emptied. Events are removed by age only, through the retention action."

SQLITE = [
    f"""
    CREATE TRIGGER events_no_update BEFORE UPDATE ON events_event
    BEGIN SELECT RAISE(ABORT, '{CHANGED}'); END
    """,
    # REPLACE deletes without asking the DELETE trigger.
    f"""
    CREATE TRIGGER events_no_replace BEFORE INSERT ON events_event
    WHEN EXISTS (SELECT 1 FROM events_event WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, '{CHANGED}'); END
    """,
    f"""
    CREATE TRIGGER events_no_delete BEFORE DELETE ON events_event
    WHEN coalesce(OLD.at >= (SELECT delete_before FROM events_eventretention WHERE id = 1), 1)
    BEGIN SELECT RAISE(ABORT, '{DELETED}'); END
    """,
]
POSTGRESQL = [
    f"""
    CREATE FUNCTION events_no_update() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION '{CHANGED}' USING ERRCODE = 'restrict_violation'; END $$
    """,
    f"""
    CREATE FUNCTION events_no_delete() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF coalesce(OLD.at >= (SELECT delete_before FROM events_eventretention WHERE id = 1), true) THEN
            RAISE EXCEPTION '{DELETED}' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN OLD;
    END $$
    """,
    # Retention never moves the moment beyond the present; only the tests' flush does.
    f"""
    CREATE FUNCTION events_no_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF coalesce((SELECT delete_before FROM events_eventretention WHERE id = 1) <= now(), true) THEN
            RAISE EXCEPTION '{TRUNCATED}' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NULL;
    END $$
    """,
    # One transaction at a time rings: NOTIFY takes a lock over the whole cluster until the commit is on disk, which would
    # make all writers wait for each other. Who does not ring is found by the listeners' next look, half a second later.
    """
    CREATE FUNCTION events_ring() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF pg_try_advisory_xact_lock(hashtext('breakwater'), 1) THEN PERFORM pg_notify('breakwater', ''); END IF;
        RETURN NULL;
    END $$
    """,
    "CREATE TRIGGER events_no_update BEFORE UPDATE ON events_event FOR EACH ROW EXECUTE FUNCTION events_no_update()",
    "CREATE TRIGGER events_no_delete BEFORE DELETE ON events_event FOR EACH ROW EXECUTE FUNCTION events_no_delete()",
    "CREATE TRIGGER events_no_truncate BEFORE TRUNCATE ON events_event"
    " FOR EACH STATEMENT EXECUTE FUNCTION events_no_truncate()",
    "CREATE TRIGGER events_ring AFTER INSERT ON events_event FOR EACH STATEMENT EXECUTE FUNCTION events_ring()",
]


def make(apps, schema_editor):
    """Makes the row that names the moment, then the triggers."""
    apps.get_model("events", "EventRetention").objects.create(id=1, delete_before=datetime(1970, 1, 1, tzinfo=UTC))
    for statement in SQLITE if schema_editor.connection.vendor == "sqlite" else POSTGRESQL:
        schema_editor.execute(statement, params=None)


def drop(apps, schema_editor):
    """Takes the triggers and the row away."""
    if schema_editor.connection.vendor == "sqlite":
        for name in ("events_no_update", "events_no_replace", "events_no_delete"):
            schema_editor.execute(f"DROP TRIGGER {name}")
    else:
        for name in ("events_no_update", "events_no_delete", "events_no_truncate", "events_ring"):
            schema_editor.execute(f"DROP FUNCTION {name}() CASCADE")
    apps.get_model("events", "EventRetention").objects.all().delete()


class Migration(migrations.Migration):

    dependencies = [("events", "0001_initial")]

    operations = [migrations.RunPython(make, drop)]
