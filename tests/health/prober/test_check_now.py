"""Checks by hand: who may, what they find, and that they never undo what the prober counts."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
from django.db import connection

from portal.events.models import Event
from portal.kit import clock
from portal.kit.errors import Conflicting, Forbidden, Invalid, NotFound
from portal.kit.viewer import Role
from portal.tenancy.models import Membership
from resilience import health
from resilience.breakers.models import Breaker
from resilience.health.actions.check_now import check_all_now, check_now
from resilience.health.actions.settle import settle
from resilience.health.models import Component, Outage, Probe, Result
from resilience.health.once import only_one
from resilience.health.own import ensure
from resilience.health.store import Ran
from tests.health.prober.running import watched
from tests.support.breakers import stop
from tests.support.people import People
from tests.support.ports import free_port

pytestmark = pytest.mark.django_db(transaction=True)


class Peer(BaseHTTPRequestHandler):
    """Answers with a status, after it was let go."""

    status: ClassVar[int] = 200
    asked: ClassVar[threading.Event] = threading.Event()
    go: ClassVar[threading.Event] = threading.Event()

    def do_GET(self) -> None:
        """Answers."""
        self.asked.set()
        self.go.wait(10)
        self.send_response(self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_said: object) -> None:
        """Says nothing."""


@contextmanager
def listening(status: int = 200, *, at_once: bool = True) -> Iterator[str]:
    """The address of a server."""
    Peer.status = status
    Peer.asked.clear()
    (Peer.go.set if at_once else Peer.go.clear)()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Peer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        Peer.go.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def probe(people: People) -> Probe:
    """The probe of an upstream at which nobody listens; bob may operate."""
    Membership.objects.filter(user=people.bob).update(role=Role.VIEWER.value)
    return watched(people, f"http://127.0.0.1:{free_port()}/", interval=30.0)


def test_a_check_is_recorded_and_judged(people: People, probe: Probe) -> None:
    """It is a result like any other, marked as by hand, and an event names who asked."""
    found = check_now(viewer=people.viewer(people.alice), probe_id=probe.pk)
    assert (found.ok, found.state, found.counted) == (False, "none", True)
    assert "refused" in found.error
    result = Result.objects.get()
    assert (result.by_hand, result.ok, result.error) == (True, False, found.error)
    event = Event.objects.get(verb="probe.checked")
    assert (event.actor, event.subject, event.organization_id) == ("alice", f"probe:{probe.pk}", people.tidewater.pk)


def test_who_may_check(people: People, probe: Probe) -> None:
    """A member without the right is refused, a stranger learns nothing."""
    with pytest.raises(Forbidden):
        check_now(viewer=people.viewer(people.bob), probe_id=probe.pk)
    with pytest.raises(NotFound):
        check_now(viewer=people.viewer(people.charlie), probe_id=probe.pk)
    with pytest.raises(Forbidden):
        check_all_now(viewer=people.viewer(people.bob), component_id=probe.component_id)
    assert not Result.objects.exists()


def test_checks_end_an_outage(people: People, probe: Probe) -> None:
    """Who repaired it need not wait: two good checks make it up."""
    for seconds in (40, 30, 20):
        at = clock.now() - timedelta(seconds=seconds)
        settle([Ran(probe.pk, probe.revision, at, ok=False, ms=1.0, error="refused")])
    assert Outage.objects.active().exists()
    with listening() as address:
        Probe.objects.update(address=address)
        states = [check_now(viewer=people.viewer(people.alice), probe_id=probe.pk).state for _ in range(2)]
    assert states == ["down", "up"]
    assert not Outage.objects.active().exists()


def test_a_check_counts_on_from_what_the_prober_wrote_meanwhile(people: People, probe: Probe) -> None:
    """While a check is under way the prober finds two failures; the check's own is the third, not the first."""
    with listening(503, at_once=False) as address:
        Probe.objects.update(address=address)
        thread = threading.Thread(target=_check, args=(people, probe))
        thread.start()
        assert Peer.asked.wait(10)
        for _ in range(2):
            settle([Ran(probe.pk, probe.revision, clock.now(), ok=False, ms=1.0, error="refused")])
        Peer.go.set()
        thread.join()
    probe.refresh_from_db()
    assert (probe.state, probe.failures, probe.runs) == ("down", 3, 3)


def test_never_two_at_once(people: People, probe: Probe) -> None:
    """A second check of the same probe is refused while the first goes on, and let through afterwards."""
    with listening(at_once=False) as address:
        Probe.objects.update(address=address)
        thread = threading.Thread(target=_check, args=(people, probe))
        thread.start()
        assert Peer.asked.wait(10)
        with pytest.raises(Conflicting):
            check_now(viewer=people.viewer(people.alice), probe_id=probe.pk)
        Peer.go.set()
        thread.join()
        assert check_now(viewer=people.viewer(people.alice), probe_id=probe.pk).ok
    assert Result.objects.count() == 2


def _check(people: People, probe: Probe) -> None:
    try:
        check_now(viewer=people.viewer(people.alice), probe_id=probe.pk)
    finally:
        connection.close()


def test_the_lock_is_given_back(probe: Probe) -> None:
    """Whoever comes next gets it."""
    for _ in range(2):
        with only_one(probe.pk) as ours:
            assert ours


def test_a_probe_that_is_off_is_asked_and_not_counted(people: People, probe: Probe) -> None:
    """One can try it before it is switched on."""
    Probe.objects.update(enabled=False)
    found = check_now(viewer=people.viewer(people.alice), probe_id=probe.pk)
    assert (found.ok, found.counted) == (False, False)
    assert not Result.objects.exists()


def test_we_are_blind_by_hand_too(people: People, probe: Probe, settings: object) -> None:
    """A check that got no answer while the outside is out of reach judges nothing."""
    outside = {**settings.HEALTH, "outside_test": f"127.0.0.1:{free_port()}"}  # type: ignore[attr-defined]
    settings.HEALTH = outside  # type: ignore[attr-defined]
    with listening(at_once=False) as address:
        Probe.objects.update(address=address, timeout=0.3)
        found = check_now(viewer=people.viewer(people.alice), probe_id=probe.pk)
    assert found.blind
    probe.refresh_from_db()
    assert probe.failures == 0


def test_a_check_is_a_test_of_a_half_open_breaker(people: People) -> None:
    """Where the component feeds its breaker, a good check closes one whose cool-down is over."""
    with listening() as address:
        figures = {"circuit_breaker.success_threshold": 1}
        probe = watched(people, address, component_feeds_breaker=True, upstream_figures=figures)
        upstream = probe.component.upstream
        assert upstream is not None
        stop(upstream, wait=None)
        assert check_now(viewer=people.viewer(people.alice), probe_id=probe.pk).ok
    assert not Breaker.objects.out().exists()


def test_all_of_a_component_at_once(people: People, probe: Probe) -> None:
    """Each enabled probe is asked; a component without one says so."""
    Probe.objects.create(component=probe.component, name="name", kind="dns", address="localhost", interval=30.0)
    Probe.objects.create(component=probe.component, name="off", kind="dns", enabled=False)
    found = check_all_now(viewer=people.viewer(people.alice), component_id=probe.component_id)
    assert [one.name for one in found] == ["answers", "name"]
    Probe.objects.all().delete()
    with pytest.raises(Invalid):
        check_all_now(viewer=people.viewer(people.alice), component_id=probe.component_id)


def test_check_health_for_code(people: People, probe: Probe) -> None:
    """It says whether all is well, how long it took and why not, also as a document in JavaScript's names."""
    found = health.check_health("plans-api")
    assert (found.ok, found.target) == (False, "plans-api")
    assert "refused" in found.error
    assert set(found.as_dict()) >= {"ok", "latencyMs", "target", "errorMessage"}
    with listening() as address:
        Probe.objects.update(address=address)
        found = health.check_health("tidewater/plans-api", actor="script")
    assert found.ok
    assert found.metadata["status"] == 200
    assert found.as_dict() == {
        "ok": True,
        "latencyMs": found.latency_ms,
        "target": "tidewater/plans-api",
        "metadata": dict(found.metadata),
    }
    assert Event.objects.filter(verb="probe.checked", actor="script").exists()


def test_check_health_needs_one_component(people: People, probe: Probe) -> None:
    """A slug that nobody has, or two organizations have, is refused with what to do."""
    with pytest.raises(NotFound):
        health.check_health("nobody")
    Component.objects.create(organization=people.northlight, slug="plans-api", name="Plans")
    with pytest.raises(Invalid, match="organization/plans-api"):
        health.check_health("plans-api")


def test_breakwater_itself(people: People, settings: object) -> None:
    """It is made once with its probes, can be checked by operators of any organization, and finds its database and disk well."""
    Component.objects.create(slug="breakwater", name="As it was called once")
    for _ in range(2):
        ensure()
    own = Component.objects.get(organization__isnull=True)
    assert own.name == "Breakwater itself"
    names = list(Probe.objects.filter(component=own).order_by("pk").values_list("name", flat=True))
    assert names == ["database", "disk", "memory", "workers"]
    found = {one.name: one for one in check_all_now(viewer=people.viewer(people.charlie), component_id=own.pk)}
    assert found["database"].ok
    assert found["disk"].ok
    assert "nobody runs it" in found["workers"].error
    with pytest.raises(Forbidden):
        check_all_now(viewer=people.viewer(people.bob), component_id=own.pk)
    settings.HEALTH = {**settings.HEALTH, "outside_test": "127.0.0.1:9"}  # type: ignore[attr-defined]
    ensure()
    assert Probe.objects.get(name="outside").enabled
    settings.HEALTH = {**settings.HEALTH, "outside_test": ""}  # type: ignore[attr-defined]
    ensure()
    assert not Probe.objects.get(name="outside").enabled
