"""`manage.py up`."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from argparse import BooleanOptionalAction
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import connections

from portal.operations.crew import Crew, Program

READY_WITHIN = 60.0
LOOPBACK = "127.0.0.0/8,::1/128"
MANAGE = [sys.executable, str(settings.BASE_DIR / "manage.py")]


class Command(BaseCommand):
    """Starts everything on this machine: prepares the database, then web, workers and (with --demo) the demo. Ctrl-C ends it all."""

    help = __doc__ or ""
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to listen, and whether to bring the demo."""
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument(
            "--demo", action=BooleanOptionalAction, default=False, help="with the demo's data and upstream"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Prepares, starts, tells when it can be used, and stays until it is asked to end."""
        port, demo = options["port"], options["demo"]
        self.address = f"http://{options['host']}:{port}"
        self.say("Preparing the database and the static files …")
        call_command("migrate", verbosity=0, interactive=False)
        call_command("collectstatic", verbosity=0, interactive=False)
        os.environ.setdefault("BREAKWATER_BASE_URL", self.address)
        programs = [
            Program(
                "web",
                [*MANAGE, "web", f"--port={port}", f"--host={options['host']}"],
                f"pages and REST on {self.address}",
            ),
            Program("worker", [*MANAGE, "worker"], "delivers what waits"),
        ]
        if demo:
            programs += self.demo_programs()
        self.demo, self.ready = demo, False
        self.give_up_at = time.monotonic() + READY_WITHIN
        connections.close_all()
        self.say("Starting:")
        ended_by = Crew(programs, self.say).run(self.idle)
        self.say(f"Stopped everything ({ended_by.name}).")

    def demo_programs(self) -> list[Program]:
        """The demo's own processes, after its data are there."""
        os.environ.setdefault("BREAKWATER_ALLOWED_NETWORKS", LOOPBACK)
        subprocess.run([*MANAGE, "demo-load"], check=True)  # with the settings that the children get
        return [
            Program("upstream", [*MANAGE, "demo-upstream"], "the demo's real upstream (Kinto)"),
            Program(
                "devices", [*MANAGE, "demo-devices", f"--address={self.address}"], "simulated devices and integrations"
            ),
        ]

    def idle(self) -> float | None:
        """Asks whether the portal is ready until it is; afterwards there is nothing to look at."""
        if self.ready:
            return None
        try:
            with urllib.request.urlopen(f"{self.address}/readyz", timeout=2) as answer:  # noqa: S310  # our own address
                self.ready = answer.status == 200
        except urllib.error.HTTPError as error:
            if time.monotonic() > self.give_up_at:
                self.say(f"Still not ready: {error.read().decode(errors='replace')}")
                self.give_up_at = time.monotonic() + READY_WITHIN
        except OSError:
            pass
        if not self.ready:
            return 0.2
        self.greet()
        return None

    def greet(self) -> None:
        """Says where to go, and how to sign in."""
        self.say(f"\nBreakwater is ready: {self.address}")
        if self.demo:
            call_command("demo-signin", stdout=self.stdout)
        elif not get_user_model().objects.exists():
            self.say(
                "Nobody can sign in yet. Make the first account in another terminal: .venv/bin/python manage.py createadmin"
            )
        connections.close_all()
        self.say("Ctrl-C stops everything.\n")

    def say(self, line: str) -> None:
        """Prints one line at once."""
        self.stdout.write(line)
        self.stdout.flush()
