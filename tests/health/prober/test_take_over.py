"""Real workers: a prober that is killed or frozen is replaced within seconds, and never are there two."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from subprocess import Popen

import pytest

from tests.duties.running import Home, own_home, running_worker, until

INTERVAL = 0.4
LOST = 5
"""So many runs may have been asked for and not recorded, when their prober was killed and when the worker ended."""
MAKE = """
from portal.tenancy.models import Organization
from resilience.health.models import Probe
from resilience.upstreams.models import Upstream
organization = Organization.objects.create(slug="tidewater", name="Tidewater")
Upstream.objects.create(organization=organization, slug="plans-api", name="Plans API", address="{address}")
Probe.objects.update(interval={interval}, name="mine")
"""
RESULTS = (
    "SELECT r.at FROM health_result r JOIN health_probe p ON p.id = r.probe_id WHERE p.name = 'mine' ORDER BY r.id"
)


@contextmanager
def listening() -> Iterator[tuple[str, list[float]]]:
    """A server that answers at once, with the times at which it was asked."""
    asked: list[float] = []

    class Peer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(time.monotonic())
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_said: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Peer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A home of its own."""
    with own_home(tmp_path) as made:
        yield made


def results(home: Home) -> list[datetime]:
    """When each result was asked for."""
    moments = [row[0] for row in home.query(RESULTS)]
    return [at if isinstance(at, datetime) else datetime.fromisoformat(at) for at in moments]


def prober_of(home: Home) -> tuple[int, int]:
    """The fence and the process of the prober; zeros while there is none."""
    return home.locks().get("prober", (0, 0))


def goes_on(home: Home, worker: Popen[str], fence: int, seconds: float) -> float:
    """Waits until a later holder has recorded results, and gives the seconds that it took."""
    assert worker.poll() is None
    count = len(results(home))
    return until(
        lambda: prober_of(home)[0] > fence and len(results(home)) >= count + 3, seconds, lambda: home.log("worker")
    )


def never_twice(home: Home, asked: list[float]) -> None:
    """No two runs of the one probe within half its interval, and none asked by somebody who may not record any more.

    What the server counts is compared, and not the times at which it saw them: those go by how busy this process is.
    """
    recorded = results(home)
    assert len(recorded) >= 6
    assert min((later - earlier).total_seconds() for earlier, later in pairwise(recorded)) > INTERVAL / 4
    assert len(recorded) <= len(asked) <= len(recorded) + LOST


@pytest.mark.crash
def test_a_killed_prober_is_replaced(home: Home) -> None:
    """After kill -9 another worker probes within seconds, in the same rhythm; the probe and its component stay up."""
    with listening() as (address, asked):
        home.manage("shell", "-v", "0", "-c", MAKE.format(address=address, interval=INTERVAL))
        with running_worker(home) as worker:
            until(lambda: len(results(home)) >= 5, 30, lambda: home.log("worker"))
            fence, pid = prober_of(home)
            os.kill(pid, signal.SIGKILL)
            took = goes_on(home, worker, fence, 20)
            print(f"kill -9 of the prober: results again after {took:.2f} s")
        never_twice(home, asked)
    assert home.query("SELECT count(*) FROM health_flip WHERE after = 'down'") == [(0,)]


@pytest.mark.crash
def test_a_frozen_prober_that_comes_back_does_nothing_more(home: Home) -> None:
    """When its heartbeat is stale another one takes over, and when it thaws it neither asks nor records."""
    with listening() as (address, asked):
        home.manage("shell", "-v", "0", "-c", MAKE.format(address=address, interval=INTERVAL))
        with running_worker(home) as worker:
            until(lambda: len(results(home)) >= 5, 30, lambda: home.log("worker"))
            fence, pid = prober_of(home)
            os.kill(pid, signal.SIGSTOP)
            try:
                took = goes_on(home, worker, fence, 30)
            finally:
                os.kill(pid, signal.SIGCONT)
            print(f"a frozen prober: results of another after {took:.2f} s")
            count = len(results(home))
            until(lambda: len(results(home)) >= count + 10, 20)
            assert prober_of(home)[0] == fence + 1
        never_twice(home, asked)
