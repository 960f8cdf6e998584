"""`manage.py up` starts everything, restarts what dies, and leaves nothing behind, however it ends."""

import os
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import Popen

import pytest

from portal.kit.processes import children
from tests.duties.running import Home, own_home, until
from tests.support import processes
from tests.support.ports import free_port


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home for the tests of this file."""
    with own_home(tmp_path_factory.mktemp("home")) as made:
        yield made


def status(port: int, path: str = "/readyz") -> int:
    """The status of an address; 0 when nobody listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            code: int = answer.status
            return code
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


@contextmanager
def running_up(home: Home) -> Iterator[tuple[Popen[str], int]]:
    """A portal that can be used, and its port."""
    port = free_port()
    process = home.start("up", f"--port={port}", "--no-demo", name=f"up-{port}")
    everyone: list[int] = []
    try:
        until(lambda: status(port) == 200, 60, lambda: home.log(f"up-{port}"))
        everyone = processes.tree(process.pid)
        yield process, port
    finally:
        everyone += processes.tree(process.pid) if process.poll() is None else []
        processes.stop(process)
        assert processes.wait_until_gone(everyone, seconds=5), "processes were left behind"


@pytest.mark.crash
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_it_leaves_nothing_behind(home: Home, how: signal.Signals) -> None:
    """Each way to end takes web, worker and all of django-q2's processes with it within seconds."""
    with running_up(home) as (process, port):
        everyone = processes.tree(process.pid)
        assert len(everyone) >= 9
        process.send_signal(how)
        process.wait(15)
        assert processes.wait_until_gone(everyone, seconds=3)
        assert status(port) == 0


@pytest.mark.crash
def test_what_dies_is_started_again(home: Home) -> None:
    """Killed web and worker processes are back within seconds, and what was accepted goes on being delivered."""
    with running_up(home) as (process, port):
        before = set(children(process.pid))
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        until(lambda: status(port) == 200 and len(set(children(process.pid)) - before) == 2, 20)


def test_livez_answers_without_a_worker(home: Home) -> None:
    """A web process alone lives, and says what it lacks to be ready."""
    port = free_port()
    process = home.start("web", f"--port={port}", name="web")
    try:
        until(lambda: status(port, "/livez") == 200, 30, lambda: home.log("web"))
        assert status(port) == 503
    finally:
        processes.stop(process)
