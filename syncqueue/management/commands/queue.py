"""`manage.py queue verify [--repair]`: checks the queue against itself."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from syncqueue.actions.verify import verify


class Command(BaseCommand):
    help = "Looks after the queue. `verify` checks lanes, counters and items; `--repair` rebuilds what is derived."

    def add_arguments(self, parser: CommandParser) -> None:
        """The words after `manage.py queue`."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        check = verbs.add_parser("verify", help="Check what is stored against itself.")
        check.add_argument("--repair", action="store_true", help="Rebuild lanes' states and depths, and the counters.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints each finding; ends with status 1 while something is left to mend."""
        findings = verify(repair=options["repair"])
        for finding in findings:
            self.stdout.write(f"{finding.subject} {finding.wrong}{' (repaired)' if finding.repaired else ''}")
        left = [finding for finding in findings if not finding.repaired]
        if left:
            raise CommandError(f"{len(left)} of {len(findings)} findings are left.")
        self.stdout.write(
            f"The queue is sound; {len(findings)} findings were repaired." if findings else "The queue is sound."
        )
