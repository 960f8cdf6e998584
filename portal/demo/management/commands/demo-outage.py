"""`manage.py demo-outage`."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Sum

from portal.demo import state
from syncqueue.figures import WAITING
from syncqueue.models import Counter

LONGEST = 3600.0


class Command(BaseCommand):
    """Makes the demo's upstream unreachable for a while, and tells what to look at meanwhile."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """How long."""
        parser.add_argument("--seconds", type=float, default=30.0)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Starts the outage and follows it to the last change that waited."""
        seconds = options["seconds"]
        if not 0 < seconds <= LONGEST:
            raise CommandError("An outage lasts between 1 and 3600 seconds.")
        if "port" not in state.read():
            raise CommandError("There is no demo here. Start it with `make run`.")
        before = waiting_now()
        state.start_outage(seconds)
        self.stdout.write(
            f"The demo's upstream is unreachable for {seconds:.0f} s.\n"
            "Look at /resilience/queue: changes pile up in their lanes, none of them fails for it,\n"
            "and each says why it waits and when it is tried next. Open one to read its attempts.\n"
        )
        while (left := state.outage_left()) > 0:
            self.tell(f"{left:4.0f} s left")
            time.sleep(min(5.0, left))
        self.stdout.write("The upstream is back: watch the backlog drain, in order.")
        for _ in range(60):
            if self.tell("back     ") <= before:
                break
            time.sleep(1)

    def tell(self, when: str) -> int:
        """Prints how many changes wait."""
        waiting = waiting_now()
        self.stdout.write(f"  {when}   {waiting} waiting")
        self.stdout.flush()
        return waiting


def waiting_now() -> int:
    """How many changes wait, over all organizations."""
    counters = Counter.objects.unscoped().filter(name__in=WAITING)
    return max(counters.aggregate(sum=Sum("value"))["sum"] or 0, 0)
