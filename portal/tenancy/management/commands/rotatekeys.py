"""`manage.py rotatekeys`."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.kit.errors import Error
from portal.kit.viewer import SYSTEM
from portal.tenancy.actions.rotate_keys import drop_old_keys, rotate_keys
from portal.tenancy.management.reading import said


class Command(BaseCommand):
    """Makes a new key for the secrets at rest and encrypts all of them again. It may be interrupted at any moment and run again."""

    help = f"{__doc__} With --drop-old, the keys that are no longer needed leave the ring (older backups need them)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Dropping is a step of its own."""
        parser.add_argument("--drop-old", action="store_true", help="No new key: drop the old ones.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Rotates, or drops."""
        if options["drop_old"]:
            try:
                self.stderr.write(f"{drop_old_keys(actor=SYSTEM)} old keys dropped.")
            except Error as error:
                raise CommandError(said(error)) from None
            return
        rotated = rotate_keys(actor=SYSTEM)
        self.stderr.write(f"{rotated.secrets} secrets are encrypted with a new key. The old keys still open backups.")
        if rotated.unreadable:
            raise CommandError(f"No key opens: {', '.join(rotated.unreadable)}. Enter these credentials again.")
