"""`manage.py demo-load`."""

from typing import Any

from django.core.management.base import BaseCommand

from portal.demo.load import load


class Command(BaseCommand):
    """Puts the demo's organizations, people, tokens and upstreams into the database. What is there stays."""

    help = __doc__ or ""

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Loads."""
        load()
