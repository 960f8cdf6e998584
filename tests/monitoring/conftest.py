"""The world of these tests: alice and bob of Tidewater with two upstreams, charlie of Northlight with one."""

from dataclasses import dataclass

import pytest
from django.test import Client

from portal.api.throttling import LIMITER
from portal.monitoring.api import LATELY
from resilience.upstreams.models import Upstream
from tests.support.people import People, make_people, make_upstream

KEY = "a-key-that-only-prometheus-knows"


@dataclass(frozen=True)
class World:
    """The people, and what they send to."""

    people: People
    plans: Upstream
    ai: Upstream
    north: Upstream


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    """No test gets what another one was told a moment ago, or waits because of it."""
    LATELY.forget()
    LIMITER.forget()


@pytest.fixture
def world(db: None) -> World:
    """Fresh."""
    people = make_people()
    return World(
        people,
        make_upstream(people.tidewater, "plans-api", critical=True, in_flight_limit=4),
        make_upstream(people.tidewater, "ai-api"),
        make_upstream(people.northlight, "plans-api"),
    )


@pytest.fixture
def key(settings: object) -> str:
    """The key of /metrics, set."""
    settings.BREAKWATER_METRICS_KEY = KEY  # type: ignore[attr-defined]
    return KEY


def scrape(client: Client, *, accept: str = "", key: str = KEY) -> str:
    """What Prometheus gets."""
    response = client.get("/metrics", headers={"Authorization": f"Bearer {key}", "Accept": accept})
    assert response.status_code == 200, response.content
    return response.content.decode()
