"""Workers that die are replaced within seconds, whichever of their processes it was."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen

import pytest

from tests.duties.running import PROBES, Home, cast_of, own_home, running_worker, until
from tests.support import processes


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home for the tests of this file."""
    with own_home(tmp_path_factory.mktemp("home")) as made:
        yield made


@pytest.fixture(scope="module")
def worker(home: Home) -> Iterator[Popen[str]]:
    """A running worker."""
    with running_worker(home) as process:
        yield process


@pytest.mark.crash
@pytest.mark.parametrize("part", ["parent", "sentinel", "monitor", "pusher", "busy worker", "idle worker"])
def test_any_killed_process_is_replaced(home: Home, worker: Popen[str], part: str) -> None:
    """After kill -9 of one process of the cluster all duties are held again within seconds, by later fences."""
    before = home.locks()
    os.kill(cast_of(worker.pid, before)[part], signal.SIGKILL)

    def held_anew() -> bool:
        now = home.locks()
        return all(name in now and now[name][0] > before[name][0] for name in PROBES)

    took = until(held_anew, 12, lambda: home.log("worker"))
    print(f"kill -9 of the {part}: all duties held again after {took:.2f} s")


def test_a_killed_supervisor_leaves_nothing_behind(tmp_path: Path) -> None:
    """The kernel ends the whole tree of a supervisor that was killed, and the next worker takes the duties at once."""
    with own_home(tmp_path) as home:
        with running_worker(home, name="first") as first:
            everyone = processes.tree(first.pid)
            first.kill()
            first.wait()
            assert processes.wait_until_gone(everyone, seconds=3)
        with running_worker(home, name="second"):
            assert home.locks()["probe-0"][0] == 2


def test_sigterm_gives_the_locks_back(tmp_path: Path) -> None:
    """A worker that is asked to end releases its duties, so that another need not wait for stale locks."""
    with own_home(tmp_path) as home:
        with running_worker(home) as process:
            process.terminate()
            process.wait(7)
        assert process.returncode == 0
        assert home.locks() == {}


def test_a_second_worker_of_the_same_name_is_refused(home: Home, worker: Popen[str]) -> None:
    """Two supervisors of one name would throw away each other's tasks."""
    assert "already runs here" in home.manage("worker", check=False)
    assert worker.poll() is None
