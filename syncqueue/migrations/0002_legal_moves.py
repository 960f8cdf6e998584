"""The database refuses an illegal move of an item, whichever code asks for it. The moves are those of core/states.py."""

from django.db import migrations

MOVES = {
    10: (50, 60, 80),
    20: (50, 80),
    30: (60, 40, 10, 20, 50),
    40: (30, 20, 50, 70, 80),
    50: (30, 20, 70, 80),
    60: (),
    70: (),
    80: (),
}
LEGAL = " OR ".join(
    f"(OLD.state = {before} AND NEW.state IN ({', '.join(map(str, after))}))" for before, after in MOVES.items() if after
)
MESSAGE = "An item cannot make this move; syncqueue/core/states.py lists those that it can make."
SQLITE = f"""
CREATE TRIGGER item_legal_moves BEFORE UPDATE OF state ON syncqueue_item
WHEN NEW.state <> OLD.state AND NOT ({LEGAL})
BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END
"""
POSTGRES = f"""
CREATE FUNCTION item_refuse_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = 'check_violation'; END $$;
CREATE TRIGGER item_legal_moves BEFORE UPDATE OF state ON syncqueue_item FOR EACH ROW
WHEN (NEW.state <> OLD.state AND NOT ({LEGAL})) EXECUTE FUNCTION item_refuse_move()
"""


def forwards(apps, schema_editor):
    schema_editor.execute(SQLITE if schema_editor.connection.vendor == "sqlite" else POSTGRES)


def backwards(apps, schema_editor):
    schema_editor.execute("DROP TRIGGER item_legal_moves" + ("" if schema_editor.connection.vendor == "sqlite" else " ON syncqueue_item"))
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION item_refuse_move()")


class Migration(migrations.Migration):
    dependencies = [("syncqueue", "0001_initial")]
    operations = [migrations.RunPython(forwards, backwards, elidable=False)]
