"""The test of a connection, against real servers on this machine."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pytest_django import Settings

from portal.events.models import Event
from portal.kit.errors import Forbidden, NotFound
from resilience.upstreams.actions import test_connection as action
from resilience.upstreams.models import Upstream
from tests.support.people import People, make_upstream


class Handler(BaseHTTPRequestHandler):
    """Answers with the status that the path names, and remembers what it was sent."""

    def do_GET(self) -> None:
        self.server.seen.append(dict(self.headers))  # type: ignore[attr-defined]
        self.send_response(int(self.path.strip("/")))
        if self.path == "/307":
            self.send_header("Location", "/307")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Keeps quiet."""


@pytest.fixture
def server() -> Iterator[Any]:
    """A server on a port that the system picks."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.seen = []  # type: ignore[attr-defined]
        running.block_on_close = False
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def at(server: Any, status: int) -> str:
    """The address that answers with this status."""
    return f"http://127.0.0.1:{server.server_address[1]}/{status}"


@pytest.mark.parametrize(
    ("status", "ok", "says"),
    [
        (200, True, "answered in"),
        (404, True, "nothing to read"),
        (401, False, "Check the credentials"),
        (403, False, "Check the credentials"),
        (400, False, "refuses the request (400)"),
        (429, False, "too many requests"),
        (503, False, "error of its own (503)"),
        (307, False, "redirects"),
    ],
)
def test_the_result_is_a_sentence(people: People, server: Any, status: int, ok: bool, says: str) -> None:
    """Whatever the upstream answers, a person reads what it means; the credentials are sent and never told."""
    upstream = make_upstream(people.tidewater, address=at(server, status), headers={"X-Client": "breakwater"})
    upstream.keep_credentials({"type": "bearer", "token": "hush-hush"})
    upstream.save()
    tested = action.test_connection(viewer=people.viewer(people.alice), upstream_id=upstream.pk)
    assert (tested.ok, tested.status) == (ok, status)
    assert says in tested.sentence
    assert server.seen[0]["Authorization"] == "Bearer hush-hush"
    assert server.seen[0]["X-Client"] == "breakwater"
    event = Event.objects.get()
    assert (event.verb, json.loads(event.data)["ok"]) == ("upstream.tested", ok)
    assert "hush" not in event.data + tested.sentence


def test_nobody_answers(people: People, server: Any) -> None:
    """A port without a server is told as such."""
    server.shutdown()
    server.server_close()
    upstream = make_upstream(people.tidewater, address=at(server, 200))
    tested = action.test_connection(viewer=people.viewer(people.alice), upstream_id=upstream.pk)
    assert (tested.ok, tested.status) == (False, None)
    assert "did not accept the connection" in tested.sentence


def test_a_private_address_is_refused_unless_allowed(people: People, server: Any, settings: Settings) -> None:
    """The guard holds for the test as well: nobody explores the network with it."""
    settings.BREAKWATER_ALLOWED_NETWORKS = []
    upstream = make_upstream(people.tidewater, address=at(server, 200))
    tested = action.test_connection(viewer=people.viewer(people.alice), upstream_id=upstream.pk)
    assert not tested.ok
    assert "BREAKWATER_ALLOWED_NETWORKS" in tested.sentence
    assert server.seen == []


def test_a_lost_key_is_told(people: People, server: Any) -> None:
    """Credentials that no key opens any more are not sent, and the sentence says what to do."""
    upstream = make_upstream(people.tidewater, address=at(server, 200))
    Upstream.objects.update(credentials="broken", credentials_type="basic")
    tested = action.test_connection(viewer=people.viewer(people.alice), upstream_id=upstream.pk)
    assert not tested.ok
    assert "Enter it again" in tested.sentence
    assert server.seen == []


def test_who_may_not_test(people: People) -> None:
    """It sends credentials, so it needs the right to operate."""
    upstream = make_upstream(people.tidewater)
    with pytest.raises(Forbidden):
        action.test_connection(viewer=people.viewer(people.bob), upstream_id=upstream.pk)
    with pytest.raises(NotFound):
        action.test_connection(viewer=people.viewer(people.charlie), upstream_id=upstream.pk)
