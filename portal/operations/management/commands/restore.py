"""`manage.py restore FILE`."""

from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.kit.errors import Error
from portal.operations.actions.restore import restore
from syncqueue.actions.forget_versions import forget_versions


class Command(BaseCommand):
    """Puts a backup in the place of database, keys and files, and keeps the old ones aside. Breakwater must be stopped."""

    help = __doc__ or ""
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """From where."""
        parser.add_argument("file", type=Path)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Restores, brings an older backup's tables up to date, and lets lanes ask for their entities' present versions."""
        try:
            aside = restore(source=options["file"])
        except Error as error:
            raise CommandError(f"{error.title()} {error.detail}") from error
        call_command("migrate", verbosity=0, interactive=False)
        forget_versions()
        self.stdout.write(f"Restored {options['file']}. What was here before lies in {aside}.")
