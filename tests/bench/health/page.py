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
    from portal.monitoring import collector, figures, report  # noqa: PLC0415
    from portal.monitoring.core.exposition import text  # noqa: PLC0415
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
    operator = figures.operator()
    return {
        **said,
        "scrape": _cost(lambda: text(collector.families())),
        "api": _cost(lambda: report.health(operator)),
        "system": _cost(lambda: system_of(None)),
        "cards": _cost(lambda: details(shown)),
        "month": _cost(lambda: series(probe.component, probe, Range.MONTH)),
        "year": _cost(lambda: series(probe.component, probe, Range.YEAR)),
    }


def told(found: dict[str, Any], database: str) -> str:
    """Return the figures as lines, with the aims."""
    took, _worked, queries = found["page"]
    met = took <= AIM_MS and queries <= AIM_QUERIES and found["bytes"] <= AIM_BYTES and found["status"] == 200
    aims = f"aims {AIM_MS} ms, {AIM_QUERIES}, {AIM_BYTES // 1_000} kB: {'met' if met else 'NOT MET'}"
    names = {
        "page": "/settings/health, 500 upstreams",
        "system": "the score and every component",
        "cards": "24 cards",
        "scrape": "/metrics, a whole scrape",
        "api": "/api/health, all organizations",
        "month": "a month's chart",
        "year": "a year's chart",
    }
    lines = []
    for name, word in names.items():
        took, worked, queries = found[name]
        lines.append(f"  {database:<11} {word:<32} {took:6.1f} ms ({worked:5.1f} of ours) {queries:3} queries")
    lines[0] += f"  {found['bytes'] / 1_000:.1f} kB   {aims}"
    return "\n".join(lines)


def _cost(call: Callable[[], object]) -> tuple[float, float, int]:
    """Return the median milliseconds of a call, after the first, those of the processor in this process, and its queries."""
    call()
    took, worked = [], []
    for _ in range(RUNS):
        begun, busy = time.perf_counter(), time.process_time()
        call()
        took.append(1_000 * (time.perf_counter() - begun))
        worked.append(1_000 * (time.process_time() - busy))
    with CaptureQueriesContext(connection) as queries:
        call()
    return round(median(took), 1), round(median(worked), 1), len(queries)
