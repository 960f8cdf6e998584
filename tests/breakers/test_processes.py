"""Real processes that share a breaker through a real database: how soon they know, how many test, and what a killed one leaves behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import TextIO
from urllib.parse import quote

import pytest
from django.db import connections

from portal.kit import clock
from resilience.breakers.models import Breaker, Lease
from resilience.breakers.store import Store, database_now
from resilience.patterns.typing import State
from tests.breakers.shared_world import World
from tests.support.people import make_people, make_upstream
from tests.support.portal import ROOT


@dataclass
class Child:
    """One process, and the lines that it says."""

    wire: socket.socket
    file: TextIO

    def heard(self) -> str:
        """Its next line."""
        line = self.file.readline().strip()
        assert line, "it ended without a word"
        return line

    def tell(self) -> None:
        """Has it go on."""
        print(file=self.file, flush=True)


Run = Callable[..., Child]


@pytest.fixture
def world(transactional_db: None) -> World:
    """Tidewater's plans-api in the database that the processes open, too."""
    made = World(make_upstream(make_people().tidewater))
    Store().ensure([made.upstream.pk])
    return made


@pytest.fixture(scope="module")
def nest(
    django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[object], socket.socket]]:
    """Makes processes: one has loaded everything once, and forks. All of them end with the tests."""
    said = connections["default"].settings_dict
    url = f"sqlite:///{said['NAME']}"
    if connections["default"].vendor == "postgresql":
        url = f"postgresql://{quote(said['USER'])}@{said['HOST']}:{said['PORT']}/{said['NAME']}"
    path = str(tmp_path_factory.mktemp("nest") / "wire")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        server.settimeout(60)
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.breakers.process", path],
            env={**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "portal.settings"},
            cwd=ROOT,
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

        def made(order: object) -> socket.socket:
            assert process.stdin is not None
            print(json.dumps(order), file=process.stdin, flush=True)
            return server.accept()[0]

        yield made
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture
def run(world: World, nest: Callable[[object], socket.socket]) -> Iterator[Run]:
    """Starts a process that shares the breaker."""
    running: list[Child] = []

    def started(what: str, **figures: object) -> Child:
        wire = nest([what, world.upstream.pk, figures])
        wire.settimeout(60)
        running.append(Child(wire, wire.makefile("rw")))
        return running[-1]

    yield started
    for child in running:
        child.file.close()
        child.wire.close()


def half_open(world: World) -> None:
    """The breaker is to be tested."""
    Breaker.objects.unscoped().filter(pk=world.upstream.pk).update(
        state=State.HALF_OPEN.value, generation=2, version=2, openings=1, opened_at=clock.now(), touched=database_now()
    )


def test_a_trip_in_one_process_rejects_in_another(world: World, run: Run) -> None:
    """Two processes with nothing in common but the database; how long it took is printed."""
    watcher, tripper = run("watch"), run("trip")
    assert (watcher.heard(), tripper.heard()) == ("ready", "ready")
    tripper.tell()
    opened, known = float(tripper.heard()), float(watcher.heard())
    print(f"\na trip was known in the other process after {known - opened:.3f} s")
    assert Breaker.objects.unscoped().get(pk=world.upstream.pk).state == "open"
    assert known - opened < 20


def test_four_processes_never_make_more_half_open_calls_than_allowed(world: World, run: Run, tmp_path: Path) -> None:
    """Twelve threads in four processes want to; three are under way at a time, and each good answer counts once."""
    half_open(world)
    file = tmp_path / "calls"
    file.touch()
    said = {"half_open_max_calls": 3, "success_threshold": 1_000_000, "file": str(file), "seconds": 3.0}
    four = [run("hammer", **said) for _ in range(4)]
    assert [process.heard() for process in four] == ["ready"] * 4
    for process in four:
        process.tell()
    made = [int(process.heard()) for process in four]
    calls = file.read_text()
    under_way = list(accumulate(1 if mark == "+" else -1 for mark in calls))
    print(f"\n{made} half-open calls in 3 s, at most {max(under_way)} at a time")
    assert max(under_way) <= 3
    assert under_way[-1] == 0
    assert calls.count("+") == sum(made) >= 8
    row = Breaker.objects.unscoped().get(pk=world.upstream.pk)
    assert (row.state, row.successes) == ("half_open", sum(made))
    assert not Lease.objects.exists()


def test_a_killed_process_blocks_its_place_for_its_lease_and_no_longer(world: World, run: Run) -> None:
    """SIGKILL leaves the lease behind; after it is over the place is another's."""
    half_open(world)
    holder = run("hold", half_open_max_calls=1, half_open_lease=2.0)
    os.kill(int(holder.heard()), signal.SIGKILL)
    left = (Lease.objects.get().expires_at - database_now()).total_seconds()
    assert 0 < left <= 2.0
    store = Store()
    deadline = time.monotonic() + 20
    while (lease := store.lease(world.upstream.pk, generation=2, places=1, seconds=60, owner="other")) is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    ours = Lease.objects.get(pk=lease)
    print(f"\na killed process held its place for {left:.2f} s more")
    assert ours.owner == "other"


def test_a_forked_child_shares_neither_locks_nor_thread(run: Run) -> None:
    """The child calls, trips and writes, although a thread that it does not have holds the parent's lock."""
    process = run("fork")
    assert process.heard() == "child False True open"
    assert process.heard() == "parent 0 True"
