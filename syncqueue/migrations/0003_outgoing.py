"""What goes out in an item's place, the documents that upstreams had, and a resolution that can be taken back.

The column is added by hand: Django would rebuild the table on SQLite, which takes the trigger along and reads every row.
"""

import django.db.models.deletion
from django.db import migrations, models

MOVES = {
    10: (50, 60, 80),
    20: (50, 10, 80),
    30: (60, 40, 10, 20, 50),
    40: (30, 20, 50, 10, 70, 80),
    50: (30, 20, 10, 70, 80),
    60: (),
    70: (),
    80: (),
}
LEGAL = " OR ".join(
    f"(OLD.state = {before} AND NEW.state IN ({', '.join(map(str, after))}))" for before, after in MOVES.items() if after
)
MESSAGE = "An item cannot make this move; syncqueue/core/states.py lists those that it can make."
DROP = {
    "sqlite": "DROP TRIGGER item_legal_moves",
    "postgresql": "DROP TRIGGER item_legal_moves ON syncqueue_item",
}
CREATE = {
    "sqlite": f"""
CREATE TRIGGER item_legal_moves BEFORE UPDATE OF state ON syncqueue_item
WHEN NEW.state <> OLD.state AND NOT ({LEGAL})
BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END
""",
    "postgresql": f"""
CREATE TRIGGER item_legal_moves BEFORE UPDATE OF state ON syncqueue_item FOR EACH ROW
WHEN (NEW.state <> OLD.state AND NOT ({LEGAL})) EXECUTE FUNCTION item_refuse_move()
""",
}


def forwards(apps, schema_editor):
    vendor = schema_editor.connection.vendor
    schema_editor.execute(DROP[vendor])
    schema_editor.execute(CREATE[vendor])


class Migration(migrations.Migration):
    dependencies = [("syncqueue", "0002_legal_moves")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE syncqueue_item ADD COLUMN outgoing text NOT NULL DEFAULT ''",
            "ALTER TABLE syncqueue_item DROP COLUMN outgoing",
            state_operations=[
                migrations.AddField("item", "outgoing", models.TextField(blank=True, default="")),
            ],
        ),
        migrations.CreateModel(
            name="Snapshot",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slot", models.PositiveSmallIntegerField()),
                ("version", models.CharField(max_length=200)),
                ("document", models.TextField()),
                ("own", models.TextField(blank=True, default="")),
                ("client", models.CharField(blank=True, default="", max_length=200)),
                ("base_version", models.CharField(blank=True, default="", max_length=200)),
                ("at", models.DateTimeField()),
                (
                    "lane",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="syncqueue.lane"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("lane", "slot"), name="snapshot_slot_once")],
            },
        ),
        migrations.RunPython(forwards, migrations.RunPython.noop, elidable=False),
    ]
