"""The people, an upstream with a plan, browsers, and a pump that delivers for real."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client as Browser

from portal.accounts.models import User
from portal.kit import clock, jsontext
from portal.kit.viewer import Viewer
from portal.projects.core.reading import read_plan
from portal.projects.models import Plan
from portal.tenancy.models import Project
from resilience.outbound.client import Client
from resilience.upstreams.models import Upstream
from syncqueue.actions.deliver import Desk, Rules, Share, send
from syncqueue.adapters.base import Conflicted
from syncqueue.core.coalesce import each_by_itself
from syncqueue.core.jobs import Assignment, Finished
from syncqueue.reconcile import examine, gather
from tests.support.breakers import still_breakers
from tests.support.kinto import Kinto, running_kinto
from tests.support.people import People, make_people, make_upstream

DOCUMENT: dict[str, Any] = {
    "title": "Harbour wall",
    "summary": "It holds.",
    "status": "active",
    "owner": "mira",
    "tags": ["stone"],
    "phases": [
        {
            "id": "ph1",
            "title": "Survey",
            "status": "active",
            "microsteps": [
                {
                    "id": "s1",
                    "title": "Measure the tide",
                    "status": "draft",
                    "notes": "Twice a day.",
                    "acceptance_criteria": [
                        {"id": "c1", "text": "Fourteen days in a row", "met": False},
                        {"id": "c2", "text": "By two people", "met": True},
                    ],
                },
                {"id": "s2", "title": "Draw the profile", "status": "draft", "depth": 3},
            ],
        }
    ],
    "comments": [{"id": "k1", "author": "theo", "text": "Bring boots.", "at": "2026-11-20T10:00:00Z"}],
}


@pytest.fixture
def people(db: None) -> People:
    """alice, bob and charlie with their organizations."""
    return make_people()


@pytest.fixture
def alice(people: People) -> Viewer:
    """The admin of Tidewater."""
    return people.viewer(people.alice)


@pytest.fixture
def upstream(people: People) -> Upstream:
    """Tidewater's plans-api, at which nobody answers."""
    return make_upstream(people.tidewater)


@pytest.fixture
def project(people: People) -> Project:
    """Tidewater's project Web."""
    return Project.objects.unscoped().get(organization=people.tidewater)


@pytest.fixture
def plan(upstream: Upstream, project: Project) -> Plan:
    """A plan whose copy was read just now."""
    return make_plan(upstream, project)


def make_plan(upstream: Upstream, project: Project | None, document: Any = DOCUMENT, entity_id: str = "p-1") -> Plan:
    """A plan with a fresh copy."""
    view, now = read_plan(document), clock.now()
    return Plan.objects.create(
        organization=upstream.organization,
        upstream=upstream,
        project=project,
        entity_id=entity_id,
        title=view.title,
        status=view.status,
        document=jsontext.dump(document),
        version='"7"',
        fetched_at=now,
        asked_at=now,
    )


@pytest.fixture
def browse(people: People) -> Callable[[str], Browser]:
    """The browser of one of the people: browse("bob")."""

    def start(name: str) -> Browser:
        browser = Browser()
        browser.force_login(User.objects.get(username=name))
        return browser

    return start


@pytest.fixture(scope="module")
def kinto() -> Iterator[Kinto]:
    """One Kinto for the tests of a file; each uses its own records."""
    with running_kinto() as running:
        yield running


@pytest.fixture
def plans_api(people: People, kinto: Kinto) -> Upstream:
    """Tidewater's upstream, at which a Kinto answers."""
    return kinto_upstream(people, kinto)


def kinto_upstream(people: People, kinto: Kinto) -> Upstream:
    """An upstream that leads to the Kinto."""
    route = {"path": kinto.path, "document": "data", "create": "PUT", "update": "PATCH"}
    upstream = make_upstream(people.tidewater, address=kinto.server, routes={"plan": route})
    upstream.keep_credentials(kinto.credentials)
    upstream.save()
    return upstream


class Pump:
    """Delivers what waits, as a pump does; each change by itself when `singly`."""

    def __init__(self, *, singly: bool = False) -> None:
        rules = Rules.from_settings()
        chosen = replace(rules, coalesce=each_by_itself) if singly else rules
        self.desk = Desk(owner="pump-0#1", share=Share(), rules=chosen, rng=Random(1), breakers=still_breakers())
        self.work = self.desk.turn([]).assignments

    def run(self, most: int = 1_000) -> int:
        """Sends until nothing is ready, or so many attempts were made; gives how many."""
        sent = 0
        while self.work and sent < most:
            sent += len(self.work)
            self.work = self.desk.turn([_sent(self.desk, job) for job in self.work]).assignments
        return sent


def pump() -> int:
    """Delivers until nothing is ready; gives how many attempts were made."""
    return Pump().run()


@pytest.fixture
def pumped() -> Callable[[], int]:
    """`pump` in a thread of its own: a browser's loop runs in this one."""

    def run() -> int:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(_pump_and_close).result()

    return run


def _pump_and_close() -> int:
    try:
        return pump()
    finally:
        connection.close()


def _sent(desk: Desk, job: Assignment) -> Finished:
    async def go() -> Any:
        async with Client(allowed_networks=[str(net) for net in settings.BREAKWATER_ALLOWED_NETWORKS]) as client:
            return await send(client, desk.destinations.get(job.upstream_id), job)

    outcome = asyncio.run(go())
    met = examine(gather(job, outcome)) if isinstance(outcome, Conflicted) else None
    return Finished(job, outcome, 0.01, met)
