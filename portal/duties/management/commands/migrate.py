"""`manage.py migrate`, which lets no duty run while tables change."""

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands.migrate import Command as Migrate
from django.db import DatabaseError

from portal.duties import registry
from portal.duties.actions.hold_back import StillRunning, hold_back, locks_exist
from portal.duties.migrations_state import plan_is_empty
from portal.duties.models import ProcessingLock


class Command(Migrate):
    """Django's migrate. If there is something to do, running duties are asked to end first, on all machines."""

    def handle(self, *args: Any, **options: Any) -> str | None:
        """Migrates."""
        if plan_is_empty() or not _locks_work():
            return super().handle(*args, **options)
        try:
            with hold_back(duties=registry.names(), tell=self.stdout.write):
                return super().handle(*args, **options)
        except StillRunning as error:
            raise CommandError(f"{error.title()} {error.detail}") from error


def _locks_work() -> bool:
    """Whether the table of locks is there in a form that this code can use."""
    try:
        ready = locks_exist()
        if ready:
            ProcessingLock.objects.values_list("stop_until").first()
        return ready
    except DatabaseError:
        return False
