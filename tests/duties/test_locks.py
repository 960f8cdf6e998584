"""The rules of a lock, and its moves on the database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from portal.duties import registry
from portal.duties.actions.hold_back import StillRunning, held, hold_back
from portal.duties.context import Context
from portal.duties.core.locks import Hold, is_free, is_held, is_stopped, owner_name
from portal.duties.core.supervision import Enqueued, Seen, Step, next_step, pause_after, restart_pause
from portal.duties.health import faults
from portal.duties.models import ProcessingLock
from portal.duties.registry import Duty
from portal.duties.tasks import beat, run_duty
from portal.kit import processes
from portal.kit.processes import Process

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ME = Process("here", 7, "70")
HELD = Hold("pump-0", fence=3, owner="pump-0#3@here:7", holder=ME, heartbeat_at=NOW)


def alive(_process: Process) -> bool:
    return False


def dead(_process: Process) -> bool:
    return True


@pytest.mark.parametrize(("age", "held"), [(0, True), (9.9, True), (10, False), (3600, False)])
def test_a_lock_is_stale_after_ten_seconds(age: float, held: bool) -> None:
    """A holder that nobody knows to be dead keeps its lock for ten seconds after its last beat."""
    assert is_held(HELD, NOW + timedelta(seconds=age), alive) is held


def test_a_dead_holder_holds_nothing() -> None:
    """A holder whose process is gone is taken over at once."""
    assert is_free(HELD, NOW, dead)
    assert not is_free(HELD, NOW, alive)


def test_a_request_to_stop_ends_with_its_time_and_with_its_process() -> None:
    """Nobody can stop a duty for ever by being killed."""
    stopped = replace(HELD, stopper=ME, stop_until=NOW + timedelta(seconds=5))
    assert is_stopped(stopped, NOW, alive)
    assert not is_stopped(stopped, NOW + timedelta(seconds=5), alive)
    assert not is_stopped(stopped, NOW, dead)


def test_an_owner_is_named_for_ever_and_fits() -> None:
    """The name starts with the duty, tells the fence and the process, and fits its column."""
    assert owner_name("pump-0", 17, Process("box/boot/ns", 4711, "9")) == "pump-0#17@box:4711"
    assert len(owner_name("d" * 40, 2**31, Process("h" * 200, 4194304, "9"))) <= 80


FREE = Seen(held=False, stopped=False, fence=3)


@pytest.mark.parametrize(
    ("seen", "enqueued", "not_before", "now", "step"),
    [
        (FREE, None, 0, 100, Step.ENQUEUE),
        (FREE, None, 101, 100, Step.WAIT),
        (FREE, Enqueued(91, 3), 0, 100, Step.WAIT),
        (FREE, Enqueued(90, 3), 0, 100, Step.RESTART),
        (FREE, Enqueued(50, 2), 0, 100, Step.ENQUEUE),
        (replace(FREE, held=True), None, 0, 100, Step.WAIT),
        (replace(FREE, stopped=True), Enqueued(50, 3), 0, 100, Step.WAIT),
    ],
)
def test_the_supervisor_knows_what_to_do(
    seen: Seen, enqueued: Enqueued | None, not_before: float, now: float, step: Step
) -> None:
    """Free duties are handed over once; a cluster that leaves one untouched for ten seconds is broken."""
    assert next_step(seen, enqueued, not_before, now) is step


def test_restarts_are_bounded() -> None:
    """Six starts a minute are free; after that each waits longer, at most half a minute."""
    starts = [100.0 + number for number in range(20)]
    pauses = [restart_pause(starts[:count], 121) for count in (1, 5, 6, 7, 8, 20)]
    assert pauses == [0, 0, 1, 2, 4, 30]
    assert restart_pause(starts, 500) == 0
    assert [pause_after(count) for count in (0, 1, 2, 9)] == [0, 1, 2, 30]


def test_start_times_tell_processes_apart() -> None:
    """A process that lives is not dead; the same id with another start time is another process, which is gone."""
    me = processes.myself()
    assert not processes.known_dead(me)
    assert processes.known_dead(replace(me, start="1"))
    assert not processes.known_dead(replace(me, start="1", host="elsewhere"))
    assert Process.parse(str(me)) == me


pytestmark_db = pytest.mark.django_db(transaction=True)


@pytestmark_db
def test_a_lock_is_taken_once() -> None:
    """Who comes second gets nothing, and each taking raises the fence."""
    locks = ProcessingLock.objects
    first = locks.take("x", processes.myself())
    assert first is not None
    assert first.fence == 1
    assert locks.take("x", processes.myself()) is None
    assert locks.release(first)
    again = locks.take("x", processes.myself())
    assert again is not None
    assert again.fence == 2


@pytestmark_db
def test_a_late_holder_is_fenced_out() -> None:
    """After a take-over the old holder can neither beat nor give back what is no longer its own."""
    locks = ProcessingLock.objects
    gone = replace(processes.myself(), start="1")
    old = locks.take("x", gone)
    assert old is not None
    new = locks.take("x", processes.myself())
    assert new is not None
    context = Context(old)
    beat(old, context)
    assert not context.alive()
    assert context.reason == "it was taken over"
    assert not locks.release(old)
    assert [hold.owner for hold in held()] == [new.owner]


@pytestmark_db
def test_a_duty_runs_under_its_lock_and_gives_it_back() -> None:
    """While it runs it is held by the name in its context; afterwards nobody holds it. A failure changes nothing about that."""
    seen = []

    def work(context: Context) -> None:
        seen.append((context.owner, [hold.owner for hold in held()], context.alive()))
        raise ValueError("broken")

    registry.register(Duty("test-duty", work))
    assert run_duty("test-duty") == "it failed"
    [(owner, holders, lives)] = seen
    assert holders == [owner]
    assert lives
    assert held() == []


@pytestmark_db
def test_a_bounded_run_ends() -> None:
    """A duty hears that its ten minutes are over."""
    hold = ProcessingLock.objects.take("x", processes.myself())
    assert hold is not None
    context = Context(hold, run_seconds=0.01)
    while context.wait(1):
        pass
    assert context.reason == "its bounded run is over"


@pytestmark_db
def test_what_is_held_back_neither_goes_on_nor_starts() -> None:
    """A running duty hears the request at its next beat, none starts meanwhile, and all may run afterwards."""
    hold = ProcessingLock.objects.take("x", processes.myself())
    assert hold is not None
    with pytest.raises(StillRunning), hold_back(duties=["x"], tell=lambda _line: None, patience=0):
        pass
    context = Context(hold)
    ProcessingLock.objects.ask_to_stop(["x"], processes.myself(), timedelta(seconds=60))
    beat(hold, context)
    assert context.reason == "it was asked to stop"
    ProcessingLock.objects.release(hold)
    with hold_back(duties=["x"], tell=lambda _line: None):
        assert ProcessingLock.objects.take("x", processes.myself()) is None
    assert ProcessingLock.objects.take("x", processes.myself()) is not None


@pytestmark_db
def test_readiness_names_what_is_missing() -> None:
    """A duty that nobody runs is named; one that is held is fine."""
    assert faults(["x"]) == {"x": "nobody runs it"}
    ProcessingLock.objects.take("x", processes.myself())
    assert faults(["x"]) == {}
