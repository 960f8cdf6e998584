"""`manage.py demo-upstream`."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db import connections

from portal.demo import upstream
from portal.demo.load import load, watch


class Command(BaseCommand):
    """Runs the demo's upstream, a real Kinto with plan documents, until SIGTERM."""

    help = __doc__ or ""
    requires_migrations_checks = False

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Serves, on another port when somebody took ours meanwhile: the portal's upstreams follow."""
        load()
        connections.close_all()
        upstream.run(self.say, self.ready)

    def ready(self) -> None:
        """Has it asked often from now on: before, each probe of an upstream that is still starting would be a failure."""
        watch()
        connections.close_all()

    def say(self, line: str) -> None:
        """Prints one line at once."""
        self.stdout.write(line)
        self.stdout.flush()
