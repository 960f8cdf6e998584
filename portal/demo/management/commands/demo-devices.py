"""`manage.py demo-devices`."""

from random import Random
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import connections

from portal.demo import devices


class Command(BaseCommand):
    """Runs the demo's devices and integrations, which send changes by REST, until SIGTERM."""

    help = __doc__ or ""
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """Where the portal is."""
        parser.add_argument("--address", default="http://127.0.0.1:8000")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Sends."""
        connections.close_all()
        devices.run(options["address"], self.say, Random())

    def say(self, line: str) -> None:
        """Prints one line at once."""
        self.stdout.write(line)
        self.stdout.flush()
