"""`manage.py web`."""

from typing import Any

import uvicorn
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import connections

STREAMS_END_WITHIN = 3


class Command(BaseCommand):
    """Serves pages, REST and live streams until SIGTERM or Ctrl-C."""

    help = __doc__ or ""
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to listen."""
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--host", default="127.0.0.1")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Serves. Open streams would hold a stopping server for ever, hence the limit."""
        connections.close_all()
        proxies = ",".join(str(network) for network in settings.BREAKWATER_TRUSTED_PROXIES)
        uvicorn.run(
            "portal.asgi:application",
            host=options["host"],
            port=options["port"],
            loop="uvloop",
            http="httptools",
            access_log=False,
            log_level="warning",
            server_header=False,
            proxy_headers=bool(proxies),
            forwarded_allow_ips=proxies,
            timeout_graceful_shutdown=STREAMS_END_WITHIN,
        )
