"""The world of these tests: alice and bob of Tidewater with two upstreams, charlie of Northlight with one."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError, connection
from django.test import Client

from portal.api.throttling import LIMITER
from portal.monitoring.api import LATELY, STATUS
from resilience.upstreams.models import Upstream
from syncqueue.actions.enqueue import enqueue
from syncqueue.core.change import NewChange
from tests.support.people import PLANS, People, make_people, make_upstream

KEY = "a-key-that-only-prometheus-knows"
ROUTES = {**PLANS, "analytics-event": {"path": "/events/{id}"}, "assignment": {"path": "/assignments/{id}"}}
SECRET = 'connection to server at "10.0.0.5", user "breakwater" failed'


@dataclass(frozen=True)
class World:
    """The people, and what they send to."""

    people: People
    plans: Upstream
    ai: Upstream
    north: Upstream

    def browser(self, name: str) -> Client:
        """A browser in which this person is signed in; "nobody" is not."""
        client = Client(raise_request_exception=False)
        if name != "nobody":
            client.force_login(getattr(self.people, name))
        return client

    def enqueue(self, name: str, **said: Any) -> None:
        """A change by this person, to the plans of the own organization."""
        change = {"kind": "plan_edit", "upstream": "plans-api", "entity_type": "plan", "entity_id": "p-1"}
        change |= {"operation": "update", "payload": {"title": "New"}}
        enqueue(viewer=self.people.viewer(getattr(self.people, name)), changes=[NewChange(**{**change, **said})])

    def assign(self, name: str, person: str) -> None:
        """An assignment by this user to that person."""
        payload = {"person": person, "course": "safety"}
        self.enqueue(name, kind="assignment", entity_type="", entity_id="", operation="", payload=payload)

    def track(self, name: str, event: str) -> None:
        """An analytics event by this person."""
        payload = {"id": event, "name": "opened"}
        self.enqueue(name, kind="analytics_event", entity_type="", entity_id="", operation="", payload=payload)


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    """No test gets what another one was told a moment ago, or waits because of it."""
    LATELY.forget()
    STATUS.forget()
    LIMITER.forget()


@pytest.fixture
def world(db: None) -> World:
    """Fresh."""
    people = make_people()
    return World(
        people,
        make_upstream(people.tidewater, "plans-api", critical=True, in_flight_limit=4, routes=ROUTES),
        make_upstream(people.tidewater, "ai-api"),
        make_upstream(people.northlight, "plans-api", routes=ROUTES),
    )


@pytest.fixture
def key(settings: object) -> str:
    """The key of /metrics, set."""
    settings.BREAKWATER_METRICS_KEY = KEY  # type: ignore[attr-defined]
    return KEY


@pytest.fixture(params=[OperationalError, InterfaceError])
def away(request: pytest.FixtureRequest) -> Callable[[], AbstractContextManager[None]]:
    """A time in which the database answers as one that is gone: it cannot be reached, or the connection is broken."""

    def refuse(*_said: object) -> None:
        raise request.param(SECRET)

    @contextmanager
    def gone() -> Iterator[None]:
        with connection.execute_wrapper(refuse):
            yield

    return gone


def scrape(client: Client, *, accept: str = "", key: str = KEY) -> str:
    """What Prometheus gets."""
    response = client.get("/metrics", headers={"Authorization": f"Bearer {key}", "Accept": accept})
    assert response.status_code == 200, response.content
    return response.content.decode()


def figure(text: str, name: str, **labels: str) -> float:
    """The one figure with these labels (among others) of a scrape."""
    found = [
        line
        for line in text.splitlines()
        if line.split("{")[0].split(" ")[0] == name
        and all(f'{label.rstrip("_")}="{value}"' in line for label, value in labels.items())
    ]
    assert len(found) == 1, (name, labels, found)
    return float(found[0].rpartition(" ")[2])
