"""`manage.py backup FILE`."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.kit.errors import Error
from portal.operations.actions.backup import backup


class Command(BaseCommand):
    """Writes database, keys and files into one file, while Breakwater runs. Keep it secret: it holds the keys."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to."""
        parser.add_argument("file", type=Path)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Backs up."""
        try:
            size = backup(to=options["file"])
        except Error as error:
            raise CommandError(f"{error.title()} {error.detail}") from error
        self.stdout.write(f"Wrote {options['file']} ({size:,} bytes). It holds the keys: keep it secret.")
