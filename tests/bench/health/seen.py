"""How soon a card is red in an open browser, from the death of its server on.

Everything is real: `manage.py up`, a worker with the prober, a web process, a Chromium with the page open. Servers die at random moments;
the page itself notes when it first shows each of them as down.
"""

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from random import Random
from statistics import median

from playwright.sync_api import Page, sync_playwright

from tests.bench.health.probes import talking_peers
from tests.support.chromium import CHROMIUM
from tests.support.portal import Portal
from tests.support.postgres import running_postgres

DEATHS, INTERVAL, THRESHOLD, AIM = 10, 5, 3, 1.0
PASSWORD = "a pass phrase of the bench"
NOTE = """() => {
  window.red = {};
  const look = () => {
    for (const card of document.querySelectorAll('.card[data-state="down"]')) window.red[card.querySelector("h3").innerText] ??= Date.now();
  };
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true });
}"""


def run() -> None:
    """Measure on both databases, and print."""
    print("A server dies, and its card is red in an open browser", flush=True)
    with tempfile.TemporaryDirectory(prefix="breakwater-bench-") as directory:
        homes = [Path(directory, name) for name in ("sqlite", "postgres")]
        for home in homes:
            home.mkdir()
        print(told("SQLite", measure(homes[0])), flush=True)
        with running_postgres(fsync=True) as server:
            print(told("PostgreSQL", measure(homes[1], server.create_database("seen"))), "\n", flush=True)


def told(database: str, took: list[float]) -> str:
    """Return a line."""
    bound = INTERVAL * THRESHOLD + AIM
    return (
        f"  {database:<11} {INTERVAL} s x {THRESHOLD}, {len(took)} deaths: median {median(took):.2f} s, at most {max(took):.2f} s"
        f" (aim {bound:g})"
    )


def measure(home: Path, database: str = "") -> list[float]:
    """Return the seconds from each death to the red card."""
    portal = Portal(home, database, {"BREAKWATER_ADMIN_PASSWORD": PASSWORD})
    try:
        portal.first_steps()
        portal.start_up()
        with talking_peers(DEATHS) as (ask, ports):
            for number, port in enumerate(ports):
                watch(portal, number, f"http://127.0.1.{number + 1}:{port}/")
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
                page = browser.new_page()
                page.goto(f"http://127.0.0.1:{portal.port}/login")
                page.fill("input[name=username]", "alice")
                page.fill("input[name=password]", PASSWORD)
                with page.expect_navigation():
                    page.keyboard.press("Enter")
                page.goto(f"http://127.0.0.1:{portal.port}/settings/health")
                page.locator(".card[data-state=up]").nth(DEATHS).wait_for(timeout=60_000)
                page.evaluate(NOTE)
                died = {}
                rng = Random(1)
                for number in range(DEATHS):
                    time.sleep(rng.random() * INTERVAL / 2)
                    died[f"Peer {number}"] = time.time()
                    ask(f"die {number}")
                return list(red(page, died).values())
    finally:
        portal.close()


def watch(portal: Portal, number: int, address: str) -> None:
    """Make a service with its probe, as people do."""
    component = portal.call("POST", "/health/components", {"name": f"Peer {number}", "slug": f"peer-{number}"})
    probe = {"component": component["slug"], "name": "answers", "kind": "http", "address": address}
    portal.call("POST", "/health/probes", probe | {"interval": INTERVAL, "failures_to_down": THRESHOLD})


def red(page: Page, died: Mapping[str, float]) -> dict[str, float]:
    """Return the seconds from each death to the moment that the page noted, once it has noted all."""
    page.locator(".card[data-state=down]").nth(DEATHS - 1).wait_for(timeout=60_000)
    noted: dict[str, int] = page.evaluate("window.red")
    return {name: noted[name] / 1_000 - at for name, at in died.items()}


if __name__ == "__main__":
    run()
