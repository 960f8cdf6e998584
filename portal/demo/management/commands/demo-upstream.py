"""`manage.py demo-upstream`."""

from typing import Any

from django.core.management.base import BaseCommand

from portal.demo import upstream


class Command(BaseCommand):
    """Runs the demo's upstream, a real Kinto with plan documents, until SIGTERM."""

    help = __doc__ or ""
    requires_migrations_checks = False

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Serves."""
        upstream.run(self.say)

    def say(self, line: str) -> None:
        """Prints one line at once."""
        self.stdout.write(line)
        self.stdout.flush()
