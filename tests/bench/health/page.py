"""What the page of health costs the server with 500 upstreams and a month of history: milliseconds, queries, bytes; and its parts."""

import time
from collections.abc import Callable
from statistics import median
from typing import Any

from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext

AIM_MS, AIM_QUERIES, AIM_BYTES = 300, 15, 100_000
RUNS = 9
PLAIN_FILES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
"""The checkout need not be built."""


def look() -> dict[str, Any]:
    """Measure the page as alice gets it, and what it is made of, in this process."""
    from portal.accounts.models import User  # noqa: PLC0415  # models need django.setup()
    from resilience.health.figures import Range, details, series  # noqa: PLC0415
    from resilience.health.models import Probe  # noqa: PLC0415
    from resilience.health.system import system_of  # noqa: PLC0415

    browser = Client()
    browser.force_login(User.objects.get(username="alice"))
    everything = system_of(None)
    shown = [one.component for one in everything.components[:24]]
    probe = Probe.objects.unscoped().select_related("component").earliest("pk")
    with override_settings(ALLOWED_HOSTS=["*"], STORAGES=PLAIN_FILES):
        answer = browser.get("/settings/health")
        said = {
            "status": answer.status_code,
            "bytes": len(answer.content),
            "page": _cost(lambda: browser.get("/settings/health")),
        }
    return {
        **said,
        "system": _cost(lambda: system_of(None)),
        "cards": _cost(lambda: details(shown)),
        "month": _cost(lambda: series(probe.component, probe, Range.MONTH)),
        "year": _cost(lambda: series(probe.component, probe, Range.YEAR)),
    }


def told(found: dict[str, Any], database: str) -> str:
    """Return the figures as lines, with the aims."""
    page = found["page"]
    met = page[0] <= AIM_MS and page[1] <= AIM_QUERIES and found["bytes"] <= AIM_BYTES and found["status"] == 200
    figures = f"{page[0]:6.1f} ms  {page[1]:3} queries  {found['bytes'] / 1_000:6.1f} kB"
    aims = f"aims {AIM_MS} ms, {AIM_QUERIES}, {AIM_BYTES // 1_000} kB: {'met' if met else 'NOT MET'}"
    lines = [f"  {database:<11} {'/settings/health, 500 upstreams':<34} {figures}   {aims}"]
    names = {
        "system": "the score and every component",
        "cards": "24 cards",
        "month": "a month's chart",
        "year": "a year's",
    }
    lines += [
        f"  {database:<11} {word:<34} {found[name][0]:6.1f} ms  {found[name][1]:3} queries"
        for name, word in names.items()
    ]
    return "\n".join(lines)


def _cost(call: Callable[[], object]) -> tuple[float, int]:
    """Return the median milliseconds of a call, after the first, and its queries."""
    call()
    took = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        call()
        took.append(1_000 * (time.perf_counter() - begun))
    with CaptureQueriesContext(connection) as queries:
        call()
    return round(median(took), 1), len(queries)
