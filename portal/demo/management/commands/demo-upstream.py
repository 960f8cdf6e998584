"""`manage.py demo-upstream`."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db import connections

from portal.demo import upstream
from portal.demo.load import load


class Command(BaseCommand):
    """Runs the demo's upstream, a real Kinto with plan documents, until SIGTERM."""

    help = __doc__ or ""
    requires_migrations_checks = False

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Serves, on another port when somebody took ours meanwhile: the portal's upstreams follow."""
        load()
        connections.close_all()
        upstream.run(self.say)

    def say(self, line: str) -> None:
        """Prints one line at once."""
        self.stdout.write(line)
        self.stdout.flush()
