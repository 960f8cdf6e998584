"""The people, an upstream, and callers of the REST API with their tokens."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from portal.api.throttling import LIMITER
from portal.kit.viewer import Permission
from resilience.upstreams.models import Upstream
from tests.support.people import People, make_people, make_token, make_upstream


@dataclass
class Caller:
    """One who calls the API with a token."""

    secret: str
    client: Client

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        """The answer; `body` is sent as JSON, or as it is when it is bytes."""
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.secret:
            sent["Authorization"] = f"Bearer {self.secret}"
        kind = "application/json" if content else "application/octet-stream"
        answer: HttpResponse = self.client.generic(method, f"/api/v1{path}", content, content_type=kind, headers=sent)
        return answer

    def get(self, path: str) -> HttpResponse:
        """The answer to GET."""
        return self.call("GET", path)

    def post(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        """The answer to POST."""
        return self.call("POST", path, body, **headers)


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    """No test is slowed by the calls of another."""
    LIMITER.forget()


@pytest.fixture
def people(db: None) -> People:
    """alice, bob and charlie with their organizations."""
    return make_people()


@pytest.fixture
def upstream(people: People) -> Upstream:
    """Tidewater's plans-api."""
    return make_upstream(people.tidewater)


@pytest.fixture
def alice(people: People) -> Caller:
    """The admin of Tidewater, with every scope."""
    return Caller(make_token(people.alice, people.tidewater), Client())


@pytest.fixture
def reader(people: People) -> Caller:
    """The admin of Tidewater, with a token that may only read."""
    return Caller(make_token(people.alice, people.tidewater, Permission.READ), Client())


@pytest.fixture
def bob(people: People) -> Caller:
    """A viewer of Tidewater, with every scope."""
    return Caller(make_token(people.bob, people.tidewater), Client())


@pytest.fixture
def charlie(people: People) -> Caller:
    """The admin of Northlight."""
    return Caller(make_token(people.charlie, people.northlight), Client())


@pytest.fixture
def nobody(db: None) -> Caller:
    """One without a token."""
    return Caller("", Client())
