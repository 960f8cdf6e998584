"""/metrics: who gets it, what it says, and that Prometheus can read it."""

import subprocess

from django.test import Client

from tests.monitoring.conftest import World, scrape

PROMTOOL = "/usr/bin/promtool"


def test_promtool_finds_nothing_wrong(world: World, key: str, client: Client) -> None:
    """Prometheus' own tool reads a real answer and has no word against a name, a type or a help text."""
    checked = subprocess.run(
        [PROMTOOL, "check", "metrics"], check=False, input=scrape(client), text=True, capture_output=True
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
