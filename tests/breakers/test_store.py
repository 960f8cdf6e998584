"""The breakers' rows under real concurrency: compare-and-set, places with leases, and whose clock it is."""

import json
from datetime import timedelta

import pytest
import time_machine
from django.db.models import F

from portal.events.models import Event
from portal.kit import clock
from resilience.breakers.core import shared as moves
from resilience.breakers.core.shared import Shared
from resilience.breakers.models import Breaker, Lease, Transition, Window
from resilience.breakers.store import OVERLAP, TRIES, Store, TooBusy, Why, database_now
from resilience.patterns.config import BreakerConfig
from resilience.patterns.errors import CircuitOpenError
from resilience.patterns.typing import State
from resilience.upstreams.models import Upstream
from tests.breakers.shared_world import PERSON, START, World, in_threads
from tests.support.people import make_people, make_upstream

CONFIG = BreakerConfig(reset_timeout=60, success_threshold=1_000)
TRIP = Why("trip", process="host-a", window={"calls": 5, "failures": 5})


def trip(known: Shared, now: object) -> Shared | None:
    """The step of a process that saw too many failures."""
    return moves.trip(known, now, CONFIG, "5 failures in a row")  # type: ignore[arg-type]


def half_open(pk: int) -> int:
    """Makes this breaker half-open, and gives its generation."""
    Breaker.objects.unscoped().filter(pk=pk).update(
        state=State.HALF_OPEN.value, generation=2, version=2, opened_at=START, openings=1
    )
    return 2


@pytest.fixture
def world(db: None) -> World:
    """Tidewater's plans-api with its row, in a transaction of the test's own."""
    made = World(make_upstream(make_people().tidewater))
    Store(made.hand.database).ensure([made.upstream.pk])
    return made


@pytest.fixture
def busy(transactional_db: None) -> Upstream:
    """The same for tests whose threads meet in the database."""
    upstream = make_upstream(make_people().tidewater)
    Store().ensure([upstream.pk])
    return upstream


# -- compare-and-set --------------------------------------------------------------------------------------------------


def test_trips_at_the_same_time_make_one_transition(busy: Upstream) -> None:
    """Eight processes see the outage at once: it opens once, is told once, and the others find it open."""
    done = in_threads(8, lambda _: Store().move(busy.pk, trip, TRIP))
    assert [after is not None for after in done].count(True) == 1
    row = Breaker.objects.unscoped().get(pk=busy.pk)
    assert (row.state, row.version, row.generation) == ("open", 1, 1)
    assert Transition.objects.unscoped().count() == 1
    assert [event.verb for event in Event.objects.filter(subject=f"upstream:{busy.pk}")] == ["breaker.opened"]


def test_no_good_answer_is_lost_between_processes(busy: Upstream) -> None:
    """Ten that end at once are ten: each compare-and-set that loses decides anew."""
    half_open(busy.pk)
    in_threads(10, lambda _: Store().move(busy.pk, lambda k, now: moves.passed(k, now, CONFIG), PERSON))
    row = Breaker.objects.unscoped().get(pk=busy.pk)
    assert (row.successes, row.version, row.state) == (10, 12, "half_open")


def test_a_move_that_lost_is_decided_anew_on_what_is_there_now(world: World) -> None:
    """The step sees the row of whoever was faster, and may want nothing any more."""
    seen: list[int] = []

    def step(known: Shared, now: object) -> Shared | None:
        seen.append(known.version)
        if len(seen) == 1:
            Breaker.objects.unscoped().filter(pk=world.upstream.pk).update(version=F("version") + 5)
        return trip(known, now)

    after = Store(world.hand.database).move(world.upstream.pk, step, TRIP)
    assert seen == [0, 5]
    assert after is not None
    assert (after.version, world.row.version) == (6, 6)


def test_a_row_that_never_holds_still_is_given_up(world: World) -> None:
    """After a fair number of tries, instead of for ever; nothing is written."""
    tries: list[int] = []

    def step(known: Shared, now: object) -> Shared | None:
        tries.append(known.version)
        Breaker.objects.unscoped().filter(pk=world.upstream.pk).update(version=F("version") + 1)
        return trip(known, now)

    with pytest.raises(TooBusy):
        Store(world.hand.database).move(world.upstream.pk, step, TRIP)
    assert len(tries) == TRIES
    assert world.row.state == "closed"
    assert not Transition.objects.unscoped().exists()


def test_a_transition_keeps_what_caused_it(world: World) -> None:
    """The window, how long the state before lasted, how many calls were refused, who or what did it."""
    store = Store(world.hand.database)
    world.hand.pass_(30)
    store.move(world.upstream.pk, trip, TRIP)
    store.publish("host-a", [], {world.upstream.pk: 7})
    store.publish("host-b", [], {world.upstream.pk: 4})
    world.hand.pass_(60)
    store.move(world.upstream.pk, moves.half_open, Why("cool-down", process="host-b"))
    opened, tested = Transition.objects.unscoped().order_by("id")
    assert json.loads(opened.window) == {"calls": 5, "failures": 5}
    assert (opened.before, opened.after, opened.cause, opened.process) == ("closed", "open", "trip", "host-a")
    assert (opened.lasted, opened.rejected) == (30.0, 0)
    assert (tested.before, tested.after, tested.lasted, tested.rejected) == ("open", "half_open", 60.0, 11)
    assert tested.window == ""


def test_calls_refused_in_an_earlier_outage_are_not_counted_in_the_next(world: World) -> None:
    """Also those that a process tells when the breaker has just closed."""
    store, pk = Store(world.hand.database), world.upstream.pk
    store.move(pk, trip, TRIP)
    store.publish("host-a", [], {pk: 7})
    world.person(lambda known, now: moves.reset(known, now, reason="reset"))
    assert world.row.rejected == 0
    store.publish("host-b", [], {pk: 3})
    store.move(pk, trip, TRIP)
    assert world.row.rejected == 0


def test_rests_and_single_good_answers_are_no_transitions(world: World) -> None:
    """Only what begins a generation is told."""
    until = world.hand.there + timedelta(seconds=9)
    Store(world.hand.database).move(world.upstream.pk, lambda k, _: moves.spare(k, until=until, reason="429"), PERSON)
    assert world.row.spared_until == until
    assert not Transition.objects.unscoped().exists()


# -- places -----------------------------------------------------------------------------------------------------------


def test_exactly_as_many_places_as_there_are_among_twenty_threads(busy: Upstream) -> None:
    """Three, each of them once, whoever asks."""
    generation = half_open(busy.pk)
    leases = in_threads(
        20,
        lambda n: Store().lease(busy.pk, generation=generation, places=3, seconds=60, owner=f"host-{n % 2}"),
    )
    assert len([lease for lease in leases if lease is not None]) == 3
    assert sorted(Lease.objects.values_list("place", flat=True)) == [0, 1, 2]


def test_exactly_as_many_permits_in_two_processes_of_ten_threads_each(busy: Upstream) -> None:
    """The same, asked for as callers do: three are let in, all others are refused at once."""
    world = World(busy)
    half_open(busy.pk)
    processes = [world.process(name, half_open_max_calls=3) for name in ("host-a", "host-b")]

    def admitted(index: int) -> bool:
        try:
            return processes[index % 2].breaker.admit().half_open
        except CircuitOpenError:
            return False

    assert in_threads(20, admitted).count(True) == 3
    assert Lease.objects.count() == 3


def test_a_place_comes_back_when_its_lease_is_over_and_not_before(world: World) -> None:
    """Whoever held it may be dead: the lease is all that it blocks."""
    store, pk, generation = Store(world.hand.database), world.upstream.pk, half_open(world.upstream.pk)

    def lease(owner: str) -> int | None:
        return store.lease(pk, generation=generation, places=2, seconds=60, owner=owner)

    assert None not in (lease("killed"), lease("killed"))
    world.hand.pass_(59.999)
    assert lease("other") is None
    world.hand.pass_(0.001)
    assert None not in (lease("other"), lease("other"))
    assert lease("other") is None
    assert set(Lease.objects.values_list("owner", flat=True)) == {"other"}


def test_who_comes_back_after_his_lease_does_not_free_the_place_of_another(world: World) -> None:
    """Even when the other call is of the same process and the same generation."""
    store, pk, generation = Store(world.hand.database), world.upstream.pk, half_open(world.upstream.pk)
    late = store.lease(pk, generation=generation, places=1, seconds=60, owner="host-a")
    world.hand.pass_(60)
    ours = store.lease(pk, generation=generation, places=1, seconds=60, owner="host-a")
    assert late is not None
    assert ours is not None
    store.give_back(late)
    assert store.lease(pk, generation=generation, places=1, seconds=60, owner="host-b") is None
    store.give_back(ours)
    assert store.lease(pk, generation=generation, places=1, seconds=60, owner="host-b") is not None


def test_a_place_of_a_generation_that_is_over_is_neither_given_nor_in_the_way(world: World) -> None:
    """After it opened and half-opened again, the earlier calls hold nobody up."""
    store, pk, generation = Store(world.hand.database), world.upstream.pk, half_open(world.upstream.pk)
    assert store.lease(pk, generation=generation, places=1, seconds=60, owner="host-a") is not None
    Breaker.objects.unscoped().filter(pk=pk).update(generation=4)
    assert store.lease(pk, generation=generation, places=1, seconds=60, owner="host-b") is None
    assert store.lease(pk, generation=4, places=1, seconds=60, owner="host-b") is not None
    Breaker.objects.unscoped().filter(pk=pk).update(state="closed")
    assert store.lease(pk, generation=4, places=9, seconds=60, owner="host-b") is None


def test_a_process_that_ends_gives_all_its_places_back(world: World) -> None:
    """And nobody else's."""
    store, pk, generation = Store(world.hand.database), world.upstream.pk, half_open(world.upstream.pk)
    for owner in ("host-a", "host-b", "host-a"):
        store.lease(pk, generation=generation, places=3, seconds=60, owner=owner)
    store.give_back_all("host-a")
    assert list(Lease.objects.values_list("owner", flat=True)) == ["host-b"]


# -- clocks -----------------------------------------------------------------------------------------------------------


def test_times_are_the_databases_whatever_this_process_believes(busy: Upstream) -> None:
    """A host whose clock is ten years ahead neither ends a cool-down nor holds a place for ten years."""
    real = database_now()
    with time_machine.travel(clock.now() + timedelta(days=3_650)):
        assert clock.now() - real > timedelta(days=3_000)
        store = Store()
        opened = store.move(busy.pk, trip, TRIP)
        assert opened is not None
        assert opened.open_until is not None
        assert timedelta(seconds=60) <= opened.open_until - real < timedelta(seconds=90)
        assert store.move(busy.pk, moves.half_open, PERSON) is None
        half_open(busy.pk)
        store.lease(busy.pk, generation=2, places=1, seconds=60, owner="host-a")
        assert timedelta(seconds=60) <= Lease.objects.get().expires_at - real < timedelta(seconds=90)
        assert store.lease(busy.pk, generation=2, places=1, seconds=60, owner="host-a") is None


# -- what is read and published ---------------------------------------------------------------------------------------


def test_changes_are_read_again_for_a_while(world: World) -> None:
    """One whose transaction ended after the last look, with an earlier time, is not missed; what is long known is not read."""
    store = Store(world.hand.database)
    touched = world.hand.there
    world.hand.pass_(100)
    assert [pk for pk, _ in store.changed(None)[1]] == [world.upstream.pk]
    assert [pk for pk, _ in store.changed(touched + OVERLAP)[1]] == [world.upstream.pk]
    now, rows = store.changed(touched + OVERLAP + timedelta(microseconds=1))
    assert (now, rows) == (world.hand.there, [])


def test_a_window_is_written_over_and_that_of_a_removed_upstream_left_out(world: World) -> None:
    """One row for each process; what is no more keeps nothing else from being written."""
    store, pk = Store(world.hand.database), world.upstream.pk
    store.publish("host-a", [(pk, 1, {"calls": 1})], {})
    store.publish("host-a", [(pk, 1, {"calls": 2}), (pk + 999, 1, {"calls": 9})], {pk + 999: 5})
    assert [json.loads(row.figures) for row in Window.objects.unscoped()] == [{"calls": 2}]
    store.forget("host-a")
    assert not Window.objects.unscoped().exists()


def test_a_row_is_made_once(busy: Upstream) -> None:
    """Whoever comes second, or at the same time, changes nothing."""
    Store().move(busy.pk, trip, TRIP)
    in_threads(4, lambda _: Store().ensure([busy.pk]))
    assert Breaker.objects.unscoped().get(pk=busy.pk).state == "open"
