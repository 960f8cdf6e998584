"""A process's breakers beside those of others: what costs a query, who learns what when, and what holds when the two disagree."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from itertools import pairwise
from queue import Queue
from threading import Event as Signal
from typing import Any

import pytest
from django.db import DataError, connection
from django.test.utils import CaptureQueriesContext

from portal.kit import clock
from resilience.breakers.core import shared as moves
from resilience.breakers.core.shared import Shared
from resilience.breakers.models import Breaker, Lease, Transition, Window
from resilience.breakers.runtime import BEAT, Runtime
from resilience.breakers.store import Store
from resilience.patterns.errors import CircuitOpenError
from resilience.patterns.events import StateChange
from resilience.patterns.typing import State, Verdict
from resilience.upstreams.models import Upstream
from tests.breakers.shared_world import PERSON, Flaky, World, down, figures, in_threads, up
from tests.support.people import make_people, make_upstream


@pytest.fixture
def world(db: None) -> World:
    """Tidewater's plans-api; processes write in the test's own connection, at once."""
    return World(make_upstream(make_people().tidewater))


@pytest.fixture
def busy(transactional_db: None) -> Upstream:
    """The same for runtimes with threads."""
    return make_upstream(make_people().tidewater)


Start = Callable[..., Runtime]


@pytest.fixture
def start(transactional_db: None) -> Iterator[Start]:
    """Starts runtimes that end with the test."""
    running: list[Runtime] = []

    def started(owner: str, store: Store | None = None) -> Runtime:
        runtime = Runtime(owner=owner, store=store)
        running.append(runtime)
        runtime.start()
        return runtime

    yield started
    for runtime in running:
        runtime.stop()


def written(runtime: Runtime) -> None:
    """Waits until everything that was submitted before is done."""
    done = Signal()
    runtime.submit(done.set, done.set)
    assert done.wait(20)


def until(holds: Callable[[], bool]) -> None:
    """Waits until something holds that a thread brings about."""
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def refused(work: Callable[[], object]) -> CircuitOpenError:
    """How the breaker refused it."""
    with pytest.raises(CircuitOpenError) as refusal:
        work()
    return refusal.value


# -- the paths without a query ----------------------------------------------------------------------------------------


def test_a_thousand_calls_and_a_thousand_rejections_cost_no_query(world: World) -> None:
    """Without a thread every query would be on this connection: there is none."""
    here = world.process("host-a")
    with CaptureQueriesContext(connection) as seen:
        for _ in range(1_000):
            here.breaker.call(up)
            here.breaker.admit().done(Verdict.SUCCESS)
    assert len(seen) == 0
    here.fail()
    with CaptureQueriesContext(connection) as seen:
        for _ in range(1_000):
            refused(lambda: here.breaker.call(up))
            assert here.breaker.pass_closed() is None
    assert len(seen) == 0


def test_a_started_runtime_does_no_more_for_more_calls(busy: Upstream, start: Start) -> None:
    """Neither the caller nor the thread asks the database anything on account of a call that is let through or refused."""
    store = Flaky(Store().now)
    runtime = start("host-a", store)
    breaker = runtime.of(busy.pk, busy.slug, figures())
    submitted: list[object] = []
    runtime.submit, plain = lambda *job: submitted.append(job), runtime.submit  # type: ignore[method-assign]
    with CaptureQueriesContext(connection) as seen:
        for _ in range(1_000):
            breaker.call(up)
    runtime.submit = plain  # type: ignore[method-assign]
    for _ in range(3):
        with pytest.raises(ConnectionError):
            breaker.call(down)
    written(runtime)
    assert breaker.known.state is State.OPEN
    runtime.submit = lambda *job: submitted.append(job)  # type: ignore[method-assign]
    with CaptureQueriesContext(connection) as also_seen:
        for _ in range(1_000):
            refused(lambda: breaker.call(up))
    runtime.submit = plain  # type: ignore[method-assign]
    assert (len(seen), len(also_seen), submitted) == (0, 0, [])


# -- from one process to the others -----------------------------------------------------------------------------------


def test_a_trip_is_known_elsewhere_after_one_round(world: World) -> None:
    """The other refuses with the reason and the wait of the one that saw it; its own window was clean."""
    here, there = world.process("host-a"), world.process("host-b")
    here.fail()
    assert there.breaker.state is State.CLOSED
    there.runtime.round()
    refusal = refused(lambda: there.breaker.call(up))
    assert refusal.retry_after == pytest.approx(60.0)
    assert "3 failures in a row, the last: connection refused" in str(refusal.reason)


def test_a_trip_is_known_in_another_started_process_within_moments(busy: Upstream, start: Start) -> None:
    """By its own thread, without anybody asking."""
    here, there = (start(name).of(busy.pk, busy.slug, figures()) for name in ("host-a", "host-b"))
    known: Queue[float] = Queue()
    there.on_state_change(lambda _: known.put(time.monotonic()))
    began = time.monotonic()
    for _ in range(3):
        with pytest.raises(ConnectionError):
            here.call(down)
    print(f"known in another runtime after {known.get(timeout=20) - began:.3f} s")
    refused(lambda: there.call(up))


def test_enough_good_answers_anywhere_close_it_everywhere(world: World) -> None:
    """Two here and one there are three; each waits for no one, and the window begins empty."""
    here, there = world.process("host-a", success_threshold=3), world.process("host-b", success_threshold=3)
    here.fail()
    there.runtime.round()
    world.hand.pass_(60)
    here.breaker.call(up)
    there.runtime.round()
    assert (world.row.state, world.row.successes) == ("half_open", 1)
    there.breaker.call(up)
    here.breaker.call(up)
    assert world.row.state == "closed"
    there.runtime.round()
    assert (here.breaker.state, there.breaker.state) == (State.CLOSED, State.CLOSED)
    assert here.breaker.snapshot().consecutive_failures == 0
    assert there.breaker.closed_for == 0.0


def test_a_failed_test_opens_it_for_everybody_and_for_longer(world: World) -> None:
    """The wait of the second time is told with each refusal, here and there."""
    here, there = (world.process(name, reset_timeout_factor=2.0) for name in ("host-a", "host-b"))
    here.fail()
    world.hand.pass_(60)
    here.fail(1)
    there.runtime.round()
    assert refused(lambda: here.breaker.call(up)).retry_after == pytest.approx(120.0)
    assert refused(lambda: there.breaker.call(up)).retry_after == pytest.approx(120.0)
    assert world.row.openings == 2


def test_an_answer_of_an_earlier_generation_changes_nothing(world: World) -> None:
    """One from before it opened, and one of an earlier test, whatever they say."""
    here = world.process("host-a", half_open_max_calls=2)
    early = here.breaker.admit()
    here.fail()
    early.done(Verdict.SUCCESS)
    assert world.row.state == "open"
    world.hand.pass_(60)
    tests = [here.breaker.admit(), here.breaker.admit()]
    tests[0].done(Verdict.FAILURE)
    version = world.row.version
    world.hand.pass_(60)
    again = here.breaker.admit()
    tests[1].done(Verdict.SUCCESS)
    early.done(Verdict.FAILURE)
    assert (world.row.state, world.row.successes, world.row.version) == ("half_open", 0, version + 1)
    again.done(Verdict.SUCCESS)
    assert world.row.successes == 1
    last = here.breaker.admit()
    here.breaker.admit().done(Verdict.FAILURE)
    world.person(lambda known, now: moves.test_now(known, now, reason="by hand"))
    last.done(Verdict.SUCCESS)
    assert (world.row.state, world.row.successes) == ("half_open", 0)


@pytest.mark.parametrize(("verdict", "after"), [(Verdict.FAILURE, "open"), (Verdict.SUCCESS, "half_open")])
def test_an_answer_after_its_lease_still_counts(world: World, verdict: Verdict, after: str) -> None:
    """Its place was another's by then, who keeps it; what it found out matters as long as the breaker has not moved on."""
    here = world.process("host-a", half_open_max_calls=1, half_open_lease=30.0, success_threshold=2)
    here.fail()
    world.hand.pass_(60)
    late = here.breaker.admit()
    refused(here.breaker.admit)
    world.hand.pass_(30)
    ours = here.breaker.admit()
    late.done(verdict)
    assert (world.row.state, Lease.objects.count()) == (after, 1)
    if verdict is Verdict.SUCCESS:
        assert world.row.successes == 1
        ours.done(Verdict.SUCCESS)
        assert (world.row.state, Lease.objects.count()) == ("closed", 0)


def test_an_ignored_test_gives_its_place_back_and_counts_for_nothing(world: World) -> None:
    """As one that was never sent."""
    here = world.process("host-a", half_open_max_calls=1)
    here.fail()
    world.hand.pass_(60)
    here.breaker.admit().done(Verdict.IGNORED)
    assert (world.row.state, world.row.successes) == ("half_open", 0)
    here.breaker.admit()


def test_whoever_finds_no_place_asks_again_only_after_a_moment(world: World) -> None:
    """So a flood of callers asks the database four times a second, not a thousand times."""
    here, there = (world.process(name, half_open_max_calls=1) for name in ("host-a", "host-b"))
    here.fail()
    world.hand.pass_(60)
    here.breaker.admit()
    there.runtime.round()
    refused(there.breaker.admit)
    asked = there.store.asked
    for _ in range(100):
        assert refused(there.breaker.admit).retry_after == pytest.approx(0.25)
    assert there.store.asked == asked
    world.hand.pass_(0.25)
    refused(there.breaker.admit)
    assert there.store.asked > asked


def test_rests_that_an_upstream_asks_for_are_kept_by_all(world: World) -> None:
    """For what is left of them; a shorter one changes nothing."""
    here, there = world.process("host-a"), world.process("host-b")
    here.breaker.spare(30.0, "It asks to send less (429)")
    world.hand.pass_(10)
    there.runtime.round()
    assert (here.breaker.rests, there.breaker.rests) == (20.0, 20.0)
    there.breaker.spare(5.0, "shorter")
    assert (there.breaker.rests, world.row.spared_reason) == (20.0, "It asks to send less (429)")
    assert here.breaker.call(up) == "fine"


def test_a_reset_forgets_what_every_process_has_counted(world: World) -> None:
    """Also where it was closed all along: two failures more do not open it."""
    here, there = world.process("host-a"), world.process("host-b")
    here.fail(2)
    there.fail(2)
    world.person(lambda known, now: moves.reset(known, now, reason="reset"))
    for process in (here, there):
        process.runtime.round()
        process.fail(2)
        assert process.breaker.state is State.CLOSED
        assert process.breaker.closed_for == 0.0 or process.breaker.known.since == world.hand.there


@pytest.mark.parametrize("disabled", [False, True], ids=["forced-closed", "disabled"])
def test_what_a_person_forced_ends_by_the_databases_clock(world: World, disabled: bool) -> None:
    """Until then nothing opens it; afterwards it counts from nothing, and no slow start holds up what was never out."""
    here = world.process("host-a")
    world.hand.pass_(100)
    until = world.hand.there + timedelta(seconds=90)
    world.person(lambda k, now: moves.force_closed(k, now, by="alice", reason="ours", until=until, disabled=disabled))
    here.runtime.round()
    here.fail(10)
    assert (here.breaker.state, world.row.state) == (State.CLOSED, "closed")
    assert here.breaker.closed_for >= 100
    world.hand.there += timedelta(seconds=90)
    here.runtime.round()
    assert (world.row.forced, here.breaker.forced) == ("", None)
    assert here.breaker.closed_for >= 100
    here.fail(2)
    assert here.breaker.state is State.CLOSED
    here.fail(1)
    assert world.row.state == "open"


def test_a_forced_open_breaker_stays_so_until_the_database_says_otherwise(world: World) -> None:
    """A process whose clock runs ahead asks, is told no, and goes on refusing."""
    here = world.process("host-a")
    until = world.hand.there + timedelta(hours=1)
    world.person(lambda known, now: moves.force_open(known, now, by="alice", reason="repairs", until=until))
    here.runtime.round()
    world.hand.here += 7_200
    refusal = refused(here.breaker.admit)
    assert refusal.retry_after == pytest.approx(3_600)
    assert (world.row.state, world.row.forced) == ("open", "open")
    world.hand.there = until
    world.hand.here += 3_600
    assert here.breaker.admit().half_open
    assert world.row.forced == ""


def test_a_forced_time_ends_although_nobody_calls(world: World) -> None:
    """An upstream that nothing waits for is half-open from then on, by the next look of any process: nobody is said to force it."""
    here = world.process("host-a")
    until = world.hand.there + timedelta(minutes=5)
    world.person(lambda known, now: moves.force_open(known, now, by="alice", reason="repairs", until=until))
    here.runtime.round()
    world.hand.pass_(299)
    here.runtime.round()
    assert (world.row.state, world.row.forced, world.row.forced_by) == ("open", "open", "alice")
    world.hand.pass_(1)
    here.runtime.round()
    assert (world.row.state, world.row.forced, world.row.forced_by) == ("half_open", "", "")
    assert here.breaker.state is State.HALF_OPEN


def test_a_clock_that_steps_back_opens_nothing_and_stalls_nothing(world: World) -> None:
    """The wait goes on from where it was."""
    here = world.process("host-a")
    here.fail()
    world.hand.pass_(30)
    assert here.breaker.retry_after == pytest.approx(30.0)
    world.hand.here -= 86_400
    assert refused(here.breaker.admit).retry_after == pytest.approx(30.0)
    world.hand.pass_(30)
    assert here.breaker.admit().half_open


def test_other_figures_hold_at_once(world: World) -> None:
    """The same breaker goes on with them."""
    here = world.process("host-a")
    here.fail(2)
    assert here.runtime.of(world.upstream.pk, "plans-api", figures(failure_threshold=9)) is here.breaker
    here.fail(6)
    assert here.breaker.state is State.CLOSED
    here.fail(1)
    assert world.row.state == "open"


def test_what_a_process_counts_is_published_once_a_second_while_it_changes(world: World) -> None:
    """Nothing is written when nothing was called; error texts are masked; refusals are added up."""
    here = world.process("host-a")
    here.runtime.round()
    assert not Window.objects.unscoped().exists()
    here.fail()
    for _ in range(4):
        refused(here.breaker.admit)
    world.hand.pass_(1)
    here.runtime.round()
    assert Window.objects.unscoped().get().process == "host-a"
    assert world.row.rejected == 4
    asked = here.store.asked
    world.hand.pass_(1)
    here.runtime.round()
    assert here.store.asked == asked + 1
    assert world.row.rejected == 4


def test_what_a_living_process_published_never_looks_old(busy: Upstream, start: Start) -> None:
    """It says each half minute that its figures hold still."""
    runtime = start("host-a")
    breaker = runtime.of(busy.pk, busy.slug, figures())
    breaker.record_success()
    until(lambda: Window.objects.unscoped().filter(process="host-a").exists())
    long_ago = clock.now() - timedelta(hours=1)
    Window.objects.unscoped().update(at=long_ago)
    runtime._beaten = -BEAT
    until(lambda: Window.objects.unscoped().get(process="host-a").at > long_ago)


def test_a_process_that_stops_leaves_nothing_behind(busy: Upstream, start: Start) -> None:
    """What waits is written, its places are free, its window is gone."""
    runtime = start("host-a")
    breaker = runtime.of(busy.pk, busy.slug, figures(reset_timeout=0.001))
    for _ in range(3):
        with pytest.raises(ConnectionError):
            breaker.call(down)
    runtime.stop()
    assert not runtime.started
    assert Breaker.objects.unscoped().get(pk=busy.pk).state == "open"
    assert breaker.admit().half_open
    runtime.start()
    runtime.stop()
    assert not Lease.objects.exists()
    assert not Window.objects.unscoped().exists()


# -- listeners --------------------------------------------------------------------------------------------------------


def test_a_listener_that_raises_stops_nothing(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the trip, nor the others that listen, nor what the row says."""
    here, heard = world.process("host-a"), []

    def broken(_: StateChange) -> None:
        raise RuntimeError("I am broken")

    here.breaker.on_state_change(broken)
    here.breaker.on_state_change(lambda change: heard.append(change.current))
    here.fail()
    world.person(lambda known, now: moves.reset(known, now, reason="reset"))
    here.runtime.round()
    assert heard == [State.OPEN, State.CLOSED]
    assert world.row.state == "closed"
    assert "I am broken" in caplog.text


def test_a_look_at_the_database_in_the_moment_of_a_trip_does_not_undo_it(world: World) -> None:
    """The row still says closed while the trip is on its way there: the poller must not believe it."""
    here = world.process("host-a")
    here.breaker.on_state_change(lambda _: here.runtime.round())
    here.fail()
    assert (here.breaker.state, world.row.state) == (State.OPEN, "open")
    assert Transition.objects.unscoped().count() == 1


def test_an_older_reading_never_replaces_a_newer_one(world: World) -> None:
    """Two threads that read may be done in either order."""
    here = world.process("host-a")
    old = world.row.shared()
    here.fail()
    here.breaker.take_over(old, world.hand.there)
    assert here.breaker.state is State.OPEN


# -- the database goes away and comes back ----------------------------------------------------------------------------


def test_without_the_database_it_is_an_ordinary_breaker(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """It opens by its own window, tests by its own clock with its own places, closes again; and says that it is on its own."""
    here = world.process("host-a", half_open_max_calls=2, success_threshold=2)
    here.store.away()
    here.fail()
    assert here.runtime.storage_degraded
    assert caplog.text.count("cannot reach the database") == 1
    refused(here.breaker.admit)
    world.hand.pass_(60)
    places = [here.breaker.admit(), here.breaker.admit()]
    refused(here.breaker.admit)
    for place in places:
        place.done(Verdict.SUCCESS)
    assert here.breaker.state is State.CLOSED
    here.runtime.round()
    assert caplog.text.count("cannot reach the database") == 1
    assert world.row.state == "closed"


def test_a_breaker_that_is_first_needed_without_the_database_works(world: World) -> None:
    """And takes part when it is back."""
    store = Flaky(world.hand.database)
    store.away()
    runtime = Runtime(owner="host-a", store=store, clock=world.hand.process)
    breaker = runtime.of(world.upstream.pk, "plans-api", figures())
    for _ in range(3):
        with pytest.raises(ConnectionError):
            breaker.call(down)
    assert breaker.state is State.OPEN
    store.back()
    runtime.round()
    assert (world.row.state, breaker.state, runtime.storage_degraded) == ("open", State.OPEN, False)


def test_a_trip_that_waited_is_written_when_the_database_is_back_as_it_was(world: World) -> None:
    """Once, with the window of that time; and everybody knows."""
    here, there = world.process("host-a"), world.process("host-b")
    here.store.away()
    here.fail()
    world.hand.pass_(20)
    here.store.back()
    here.runtime.round()
    there.runtime.round()
    assert not here.runtime.storage_degraded
    assert (world.row.state, there.breaker.state) == ("open", State.OPEN)
    (told,) = Transition.objects.unscoped()
    assert '"consecutive": 3' in told.window


def _reset(known: Shared, now: object) -> Shared | None:
    return moves.reset(known, now, reason="reset")  # type: ignore[arg-type]


def _forced_open(known: Shared, now: object) -> Shared | None:
    later = now + timedelta(hours=1)  # type: ignore[operator]
    return moves.force_open(known, now, by="alice", reason="repairs", until=later)  # type: ignore[arg-type]


def _opened_and_tested(known: Shared, now: object) -> Shared | None:
    opened = moves.trip(known, now, figures().config, "elsewhere")  # type: ignore[arg-type]
    return moves.test_now(opened or known, now, reason="by hand")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("meanwhile", "state", "forced"),
    [(_reset, "closed", ""), (_forced_open, "open", "open"), (_opened_and_tested, "half_open", "")],
)
def test_what_the_others_decided_meanwhile_holds(
    world: World, meanwhile: Callable[[Shared, object], Shared | None], state: str, forced: str
) -> None:
    """The trip that waited was about a state that is over: it is dropped, and the row's word is taken over."""
    here = world.process("host-a")
    here.store.away()
    here.fail()
    world.hand.pass_(5)
    world.person(meanwhile)
    version = world.row.version
    here.store.back()
    here.runtime.round()
    assert (world.row.version, world.row.state, world.row.forced) == (version, state, forced)
    assert (here.breaker.state.value, here.breaker.forced or "") == (state, forced)
    assert not here.runtime.storage_degraded


def test_a_trip_that_waited_until_it_was_over_here_is_dropped(world: World) -> None:
    """It opened and closed again while nobody could be told: there is nothing to tell."""
    here = world.process("host-a", success_threshold=1)
    here.store.away()
    here.fail()
    world.hand.pass_(60)
    here.breaker.call(up)
    here.store.back()
    here.runtime.round()
    assert (here.breaker.state, world.row.state) == (State.CLOSED, "closed")
    assert not Transition.objects.unscoped().exists()


def test_after_an_outage_of_the_database_every_row_is_looked_at(world: World) -> None:
    """This process closed its breaker by itself meanwhile; the row, which nobody touched for long, says open."""
    here = world.process("host-a", success_threshold=1)
    here.fail()
    world.hand.pass_(30)
    here.runtime.round()
    here.store.away()
    world.hand.pass_(40)
    here.breaker.call(up)
    assert here.breaker.state is State.CLOSED
    here.store.back()
    here.runtime.round()
    assert (world.row.state, here.breaker.state) == ("open", State.OPEN)


def test_a_rest_that_waited_is_not_longer_for_it(world: World) -> None:
    """Everybody leaves the upstream alone until the moment that it asked for, not from when it could be written."""
    here = world.process("host-a")
    here.store.away()
    here.breaker.spare(30.0, "429")
    world.hand.pass_(20)
    here.store.back()
    here.runtime.round()
    assert world.row.spared_until == world.hand.there + timedelta(seconds=10)
    here.store.away()
    here.breaker.spare(15.0, "429")
    world.hand.pass_(20)
    here.store.back()
    here.runtime.round()
    assert world.row.spared_until is not None
    assert world.row.spared_until < world.hand.there


def test_a_page_comes_back_to_the_database_without_writing_anything_new(world: World) -> None:
    """A process without a thread writes what waits when its breaker is asked for again."""
    here = world.process("host-a")
    here.store.away()
    here.fail()
    here.store.back()
    here.runtime.of(world.upstream.pk, "plans-api", figures())
    assert world.row.state == "open"


def test_so_many_writes_wait_and_no_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest are dropped and say so; a breaker whose write was dropped still goes by the database afterwards."""
    monkeypatch.setattr("resilience.breakers.runtime.MOST_JOBS", 10)
    dropped: list[int] = []
    here = world.process("host-a")
    here.store.away()
    here.fail()
    for number in range(25):
        here.runtime.submit(here.store._pass, partial(dropped.append, number))
    assert dropped == list(range(15))
    here.store.back()
    here.runtime.round()
    assert here.breaker.state is State.CLOSED
    world.person(_forced_open)
    here.runtime.round()
    assert here.breaker.forced == "open"


def test_a_write_that_the_database_will_never_take_stops_no_other(world: World) -> None:
    """It is dropped with a word in the log: the trip of another upstream behind it is written."""
    here = world.process("host-a")
    here.store.error = DataError("a string cannot contain NUL")
    here.breaker.spare(5.0, "nul")
    here.store.back()
    here.fail()
    assert world.row.state == "open"
    assert not here.runtime.storage_degraded
    world.person(_reset)
    here.runtime.round()
    assert here.breaker.state is State.CLOSED


def test_a_row_that_went_with_a_rolled_back_transaction_is_made_again(world: World) -> None:
    """A process that has made it in a transaction that failed does not go on alone for ever."""
    here = world.process("host-a")
    Breaker.objects.unscoped().filter(pk=world.upstream.pk).delete()
    here.fail()
    assert world.row.state == "open"


def test_an_upstream_that_is_removed_troubles_nobody(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Its breaker may still be counting; the others go on."""
    here = world.process("host-a")
    until = world.hand.there + timedelta(seconds=10)
    world.person(lambda k, now: moves.force_closed(k, now, by="alice", reason="x", until=until))
    here.runtime.round()
    here.breaker.call(up)
    Breaker.objects.unscoped().filter(pk=world.upstream.pk).delete()
    world.hand.pass_(20)
    here.runtime.round()
    here.runtime.round()
    assert not here.runtime.storage_degraded
    assert "Traceback" not in caplog.text


def test_what_could_not_be_published_is_published_later(world: World) -> None:
    """No refused call and no window is lost to an outage of the database."""
    here = world.process("host-a")
    here.fail()
    for _ in range(3):
        refused(here.breaker.admit)
    here.store.away()
    world.hand.pass_(1)
    here.runtime.round()
    here.store.back()
    world.hand.pass_(1)
    here.runtime.round()
    assert (world.row.rejected, Window.objects.unscoped().count()) == (3, 1)


# -- the thread -------------------------------------------------------------------------------------------------------


class Sabotaged(Flaky):
    """The tables, of which one reading fails in a way that nobody foresaw."""

    def __init__(self) -> None:
        super().__init__(Store().now)
        self.broken, self.over = True, Signal()

    def changed(self, since: object) -> object:  # type: ignore[override]
        if self.broken:
            self.broken = False
            self.over.set()
            raise ValueError("nobody foresaw this")
        return super().changed(since)  # type: ignore[arg-type]


def test_the_thread_survives_what_nobody_foresaw(busy: Upstream, start: Start) -> None:
    """A round that fails is logged, and the next one goes on."""
    store = Sabotaged()
    runtime = start("host-a", store)
    breaker = runtime.of(busy.pk, busy.slug, figures())
    moved = Signal()
    breaker.on_state_change(lambda _: moved.set())
    assert store.over.wait(20)
    Store().move(busy.pk, lambda k, now: moves.trip(k, now, figures().config, "elsewhere"), PERSON)
    assert moved.wait(20)


def test_a_degraded_process_does_not_wait_for_the_database(
    busy: Upstream, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its half-open calls are let in by its own clock, at once."""
    monkeypatch.setattr("resilience.breakers.runtime.PATIENCE", 600.0)
    store = Flaky(Store().now)
    runtime = start("host-a", store)
    breaker = runtime.of(busy.pk, busy.slug, figures(reset_timeout=0.001))
    store.away()
    for _ in range(3):
        with pytest.raises(ConnectionError):
            breaker.call(down)
    until(lambda: runtime.storage_degraded)
    assert breaker.admit().half_open


class Slow(Flaky):
    """The tables, where a place takes until the test lets it be given."""

    def __init__(self) -> None:
        super().__init__(Store().now)
        self.asked_for, self.go_on = Signal(), Signal()

    def lease(self, *args: Any, **named: Any) -> int | None:
        self.asked_for.set()
        assert self.go_on.wait(20)
        return super().lease(*args, **named)


def test_a_place_that_comes_too_late_is_given_back(
    busy: Upstream, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for it any more; it must not be taken for a minute all the same."""
    monkeypatch.setattr("resilience.breakers.runtime.PATIENCE", 0.05)
    store = Slow()
    runtime = start("host-a", store)
    breaker = runtime.of(busy.pk, busy.slug, figures())
    Store().move(busy.pk, _opened_and_tested, PERSON)
    until(lambda: breaker.state is State.HALF_OPEN)
    refused(breaker.admit)
    assert store.asked_for.is_set()
    store.go_on.set()
    written(runtime)
    written(runtime)
    assert not Lease.objects.exists()


def test_twenty_threads_and_the_poller_together_never_leave_a_breaker_behind(busy: Upstream, start: Start) -> None:
    """Failures, good answers, resets and readings all at once: at the end memory says what the row says."""
    runtime = start("host-a")
    config = figures(reset_timeout=0.002, success_threshold=1, half_open_max_calls=3)
    breaker = runtime.of(busy.pk, busy.slug, config)

    def work(index: int) -> None:
        for number in range(30):
            try:
                breaker.call(up if (index + number) % 3 else down)
            except (ConnectionError, CircuitOpenError):
                continue

    in_threads(8, work)
    written(runtime)
    written(runtime)
    row = Breaker.objects.unscoped().get(pk=busy.pk)
    assert (breaker.known.version, breaker.state.value) == (row.version, row.state)
    assert not Lease.objects.exists()
    changes = list(Transition.objects.unscoped().order_by("id").values_list("before", "after"))
    assert all(one[1] == other[0] for one, other in pairwise(changes))
