"""The people, what they watch, and how they ask: by browser and by REST."""

from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client

from portal.accounts.models import User
from portal.kit.viewer import Role
from portal.tenancy.models import Membership, Organization
from resilience.health.models import Component, Probe
from tests.rest.conftest import Caller, _fresh_limits  # noqa: F401 - a fixture
from tests.support.people import People, make_people, make_token, make_upstream
from tests.web.conftest import browser_type_launch_args, visit, world  # noqa: F401 - fixtures


@dataclass
class Watch:
    """alice's upstream and store, with everybody's way to reach them."""

    people: People
    upstream: Component
    store: Component

    def browser(self, name: str) -> Client:
        """Somebody's browser."""
        client = Client()
        client.force_login(User.objects.get(username=name))
        return client

    def caller(self, name: str) -> Caller:
        """Somebody with a token of their organization."""
        user = User.objects.get(username=name)
        organization = Membership.objects.unscoped().get(user=user).organization
        return Caller(make_token(user, organization), Client())

    @property
    def answers(self) -> Probe:
        """The probe that the upstream has from the start."""
        return self.upstream.probes.get(name="answers")

    def component(self, slug: str, organization: Organization | None = None, **fields: Any) -> Component:
        """Another component."""
        named = {"name": slug.title(), **fields}
        return Component.objects.create(organization=organization or self.people.tidewater, slug=slug, **named)


@pytest.fixture
def people(db: None) -> People:
    """alice, bob and charlie with their organizations, and ivan, who operates Tidewater."""
    people = make_people()
    ivan = User.objects.create(username="ivan")
    Membership.objects.create(organization=people.tidewater, user=ivan, role=Role.OPERATOR.value)
    return people


@pytest.fixture
def watch(people: People) -> Watch:
    """Tidewater watches an upstream and a store."""
    upstream = make_upstream(people.tidewater)
    store = Component.objects.create(organization=people.tidewater, slug="store", name="User store")
    return Watch(people, upstream.component, store)


def said(response: HttpResponse) -> str:
    """The messages that the next page shows."""
    return " ".join(str(message) for message in get_messages(response.wsgi_request))  # type: ignore[attr-defined]


class _Fine(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b'{"status": "ok"}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_said: Any) -> None:
        """Nothing is printed."""


@pytest.fixture
def server() -> Iterator[str]:
    """The address of a server on this machine that is well."""
    made = ThreadingHTTPServer(("127.0.0.1", 0), _Fine)
    thread = Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{made.server_port}"
    made.shutdown()
    thread.join()
    made.server_close()
