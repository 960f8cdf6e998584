"""`manage.py worker`."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from portal.duties import registry
from portal.duties.migrations_state import is_current
from portal.duties.supervisor import AlreadyRunning, Supervisor


class Command(BaseCommand):
    """Runs the background duties of this machine until SIGTERM or Ctrl-C."""

    help = __doc__ or ""
    requires_migrations_checks = False

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Supervises."""
        if not is_current():
            self.stdout.write("Waiting for `manage.py migrate`: the database is not up to date.")
            while not is_current():
                connections.close_all()
                time.sleep(2)
        try:
            Supervisor(duties=registry.names(), announce=self._say).run()
        except AlreadyRunning as error:
            raise CommandError(f"{error.title()} {error.detail}") from error

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
