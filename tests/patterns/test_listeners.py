"""Listeners hear everything in the order of joining, and none can hurt another."""

import logging
import os
import threading

import pytest

from resilience.patterns import forks
from resilience.patterns.errors import ConfigError
from resilience.patterns.listeners import QUIET, Listeners
from tests.patterns.clock import Clock

pytestmark = pytest.mark.plain


def test_all_hear_in_the_order_of_joining_until_they_leave() -> None:
    """Leaving ends it for the one who left, even when the same callable joined twice; leaving twice does no harm."""
    heard: list[str] = []
    listeners: Listeners[str] = Listeners()
    assert not listeners
    leave = listeners.subscribe(heard.append)
    listeners.subscribe(lambda event: heard.append(event.upper()))
    listeners.subscribe(heard.append)
    listeners("a")
    leave()
    leave()
    listeners("b")
    assert heard == ["a", "A", "a", "B", "b"]
    assert listeners
    assert len(listeners) == 2


def test_what_cannot_be_called_does_not_join() -> None:
    """It would be logged at each event, far from whoever wrote it."""
    listeners: Listeners[str] = Listeners()
    with pytest.raises(ConfigError, match="listener must be callable, not 3"):
        listeners.subscribe(3)  # type: ignore[arg-type]
    assert not listeners


def test_one_that_raises_hurts_neither_the_caller_nor_the_next_and_is_logged_now_and_then(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The first error of each listener is logged with its traceback, then one in QUIET seconds with the number between."""
    clock, heard = Clock(), []
    listeners: Listeners[int] = Listeners("the pump", clock=clock)

    def broken(event: int) -> None:
        raise ValueError(event)

    listeners.subscribe(broken)
    listeners.subscribe(heard.append)
    for number in range(3):
        listeners(number)
    clock.advance(QUIET - 0.1)
    listeners(3)
    assert heard == [0, 1, 2, 3]
    assert [record.getMessage() for record in caplog.records] == [
        "A listener of the pump raised at a int (unlogged before: 0)."
    ]
    assert caplog.records[0].exc_info is not None
    clock.advance(0.1)
    listeners(4)
    assert caplog.records[-1].getMessage() == "A listener of the pump raised at a int (unlogged before: 3)."
    clock.advance(-1000)
    listeners(5)
    assert caplog.records[-1].getMessage() == "A listener of the pump raised at a int (unlogged before: 0)."
    assert len(caplog.records) == 3


def test_a_nameless_list_is_logged_as_the_patterns_own(caplog: pytest.LogCaptureFixture) -> None:
    """The log line always says whose listener it was."""
    listeners: Listeners[int] = Listeners()
    listeners.subscribe(lambda event: 1 // 0)
    with caplog.at_level(logging.ERROR):
        listeners(1)
    assert caplog.messages == ["A listener of the resilience patterns raised at a int (unlogged before: 0)."]


def test_what_is_no_exception_goes_through() -> None:
    """Whoever stops the process from within a listener is obeyed."""
    listeners: Listeners[int] = Listeners()

    def stop(event: int) -> None:
        raise KeyboardInterrupt

    listeners.subscribe(stop)
    with pytest.raises(KeyboardInterrupt):
        listeners(1)


def test_one_who_leaves_while_an_event_is_told_harms_nothing() -> None:
    """An event goes to those who were there when it was told."""
    heard: list[int] = []
    listeners: Listeners[int] = Listeners()
    leave = listeners.subscribe(lambda event: leave())
    listeners.subscribe(heard.append)
    listeners(1)
    listeners(2)
    assert heard == [1, 2]
    assert len(listeners) == 1


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_lock_that_another_thread_held_at_a_fork_is_made_anew_in_the_child() -> None:
    """A forked child can subscribe, though the thread which held the lock exists in the parent only."""
    listeners: Listeners[int] = Listeners()
    held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with listeners._lock:
            held.set()
            let_go.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(10)
    child = os.fork()
    if child == 0:  # pragma: no cover - runs where coverage cannot see it
        listeners.subscribe(print)
        os._exit(0 if len(listeners) == 1 else 1)
    let_go.set()
    holder.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_in_a_child_every_living_thing_is_told() -> None:
    """What no longer lives is not kept alive for it."""
    told: list[int] = []

    class Thing:
        def _after_fork(self) -> None:
            told.append(1)

    thing = Thing()
    forks.renew_after_fork(thing)
    forks.after_fork_in_child()
    del thing
    forks.after_fork_in_child()
    assert told == [1]
