"""Processes that share a breaker, each forked from one that has loaded everything: `python -m tests.breakers.process <socket>`.

Each line of input, `[what, upstream, figures]` as JSON, makes one. It connects to the socket, says "ready" and does what it is for:

watch   says when it first refuses a call
trip    on a line of input: fails until its breaker opens, and says when that was
hammer  calls as often as it may for some seconds, from three threads; each call leaves "+" and "-" in the file that it is told
hold    takes a half-open place and keeps it, once it has said its process id
fork    forks while another thread holds the breaker's lock; the child trips it, with a thread of its own
"""

import json
import os
import signal
import socket
import sys
import threading
import time
from typing import Any, TextIO

import django

django.setup()

from django.db import connection  # noqa: E402

from resilience.breakers.runtime import Runtime  # noqa: E402
from resilience.breakers.shared import SharedBreaker  # noqa: E402
from resilience.patterns.errors import CircuitOpenError  # noqa: E402
from resilience.patterns.typing import State  # noqa: E402
from tests.breakers.shared_world import down, figures  # noqa: E402


class Wire:
    """Lines to and from the test."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        self._file: TextIO = self._socket.makefile("rw")

    def say(self, *words: object) -> None:
        """One line to the test."""
        print(*words, file=self._file, flush=True)

    def wait(self) -> None:
        """Waits for one of the test's."""
        self._file.readline()


def watch(wire: Wire, breaker: SharedBreaker, **_: Any) -> None:
    """Looks at its own memory as often as it can."""
    wire.say("ready")
    while not breaker.is_open:
        time.sleep(0.001)
    wire.say(time.time())


def trip(wire: Wire, breaker: SharedBreaker, **_: Any) -> None:
    """The outage that it alone sees."""
    wire.say("ready")
    wire.wait()
    fail_until_open(breaker)
    wire.say(time.time())
    wire.wait()


def fail_until_open(breaker: SharedBreaker) -> None:
    """Calls that fail, until one is refused."""
    while True:
        try:
            breaker.call(down)
        except ConnectionError:
            continue
        except CircuitOpenError:
            return


def hammer(wire: Wire, breaker: SharedBreaker, *, runtime: Runtime, file: str, seconds: float) -> None:
    """Three threads; each line is one write to the end of the file, so that the file's order is the order of what happened."""
    handle = os.open(file, os.O_WRONLY | os.O_APPEND)
    end = time.monotonic() + seconds

    def work() -> None:
        os.write(handle, b"+")
        time.sleep(0.004)
        os.write(handle, b"-")

    def run() -> None:
        while time.monotonic() < end:
            try:
                breaker.call(work)
                made.append(1)
            except CircuitOpenError:
                time.sleep(0.002)

    made: list[int] = []
    wire.say("ready")
    wire.wait()
    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    runtime.stop()  # what is not written yet is written now
    wire.say(len(made))


def hold(wire: Wire, breaker: SharedBreaker, **_: Any) -> None:
    """Until it is killed."""
    permit = breaker.admit()
    wire.say(os.getpid() if permit.half_open else "no place")
    time.sleep(600)


def fork(wire: Wire, breaker: SharedBreaker, runtime: Runtime) -> None:
    """What a web server does that loads its program before it forks."""
    held = threading.Event()

    def keep() -> None:
        with breaker._lock:
            held.set()
            time.sleep(600)

    threading.Thread(target=keep, daemon=True).start()
    held.wait()
    connection.close()
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        wire.say("parent", status, runtime.started)
        os._exit(0)
    was_started = runtime.started
    runtime.start()
    fail_until_open(breaker)
    deadline = time.monotonic() + 20
    while breaker.known.state is not State.OPEN and time.monotonic() < deadline:
        time.sleep(0.005)
    wire.say("child", was_started, runtime.owner == f"process-{os.getpid()}", breaker.known.state.value)
    runtime.stop()
    os._exit(0)


def live(path: str, what: str, upstream_id: int, said: dict[str, Any]) -> None:
    """One process from its begin to its end."""
    rest = {name: said.pop(name) for name in ("file", "seconds") if name in said}
    runtime = Runtime()
    breaker = runtime.of(upstream_id, "plans-api", figures(**said))
    runtime.start()
    tasks = {"watch": watch, "trip": trip, "hammer": hammer, "hold": hold, "fork": fork}
    tasks[what](Wire(path), breaker, runtime=runtime, **rest)
    runtime.stop()


def main() -> None:
    """Forks one process for each line, until there are no more."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            try:
                live(sys.argv[1], *json.loads(line))
            finally:
                os._exit(0)


if __name__ == "__main__":
    main()
