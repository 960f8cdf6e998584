"""Whether the database has the tables that this code needs."""

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder


def _needed() -> frozenset[tuple[str, str]]:
    """The newest migrations of all apps, as the code has them."""
    return frozenset(MigrationLoader(None).graph.leaf_nodes())


class Missing:
    """Tells which migrations the database still lacks. Reads the files once."""

    def __init__(self) -> None:
        self._needed: frozenset[tuple[str, str]] | None = None

    def __call__(self) -> list[str]:
        """Names of the newest migrations that were not applied, such as `syncqueue.0002`; empty when all are there."""
        if self._needed is None:
            self._needed = _needed()
        applied = MigrationRecorder(connection).applied_migrations()
        return sorted(f"{app}.{name}" for app, name in self._needed if (app, name) not in applied)


missing = Missing()


def is_current() -> bool:
    """Whether nothing is left to migrate. False also when the database cannot be asked."""
    try:
        return not missing()
    except DatabaseError:
        return False


def plan_is_empty() -> bool:
    """Whether `migrate` would do nothing at all."""
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())
