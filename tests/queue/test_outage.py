"""The queue behind breakers: whose attempts an outage gives back, what counts, and how an upstream that comes back is spared."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import OperationalError, connection

from portal.kit import clock
from resilience.breakers.actions.force import force_open
from resilience.breakers.actions.reset import reset
from resilience.breakers.models import Breaker, Lease
from resilience.patterns.typing import State
from syncqueue.actions.cancel import cancel
from syncqueue.actions.deliver import Desk, Share
from syncqueue.actions.verify import verify
from syncqueue.core.jobs import Assignment
from syncqueue.facts import gather
from syncqueue.models import Item, Lane
from syncqueue.reasons import reason
from syncqueue.story import story
from tests.queue.conftest import BROKEN, DELIVERED, RESET, THROTTLED, Bench, state_of
from tests.support.breakers import stop


@pytest.fixture(autouse=True)
def travel(bench: Bench) -> Iterator[time_machine.Traveller]:
    """A clock that stands still; what was derived fits what it was derived from afterwards."""
    with time_machine.travel(clock.now(), tick=False) as moved:
        yield moved
        assert verify(repair=False) == []


def attempts(items: list[Item]) -> list[int]:
    """The failures charged to each."""
    found = dict(Item.objects.values_list("pk", "attempts"))
    return [found[item.pk] for item in items]


def fail(bench: Bench, desk: Desk, work: list[Assignment]) -> None:
    """Each of these fails in transport, one turn after the other."""
    for job in work:
        bench.settle(desk, [job], RESET)


def row(bench: Bench) -> Breaker:
    """The breaker as the database has it."""
    return Breaker.objects.unscoped().get(upstream=bench.upstream)


def told(bench: Bench, item: Item) -> tuple[str, str]:
    """What a row of the list and the item's own page say."""
    fresh = Item.objects.unscoped().select_related("lane", "upstream").get(pk=item.pk)
    (known,) = gather(bench.viewer, [fresh])
    said = story(known, clock.now())
    why = reason(known, clock.now())
    return f"{why.text} {why.then}", f"{said.lead} {said.then}"


# -- whose attempts ---------------------------------------------------------------------------------------------------


def test_the_process_that_opens_the_breaker_gives_the_attempts_back(bench: Bench) -> None:
    """Four were charged while nobody knew; the fifth failure shows that it was the upstream."""
    items, desk = bench.put("p-1", "p-2", "p-3", "p-4", "p-5"), bench.desk()
    work = desk.turn([]).assignments
    fail(bench, desk, work[:4])
    assert attempts(items) == [1, 1, 1, 1, 0]
    fail(bench, desk, work[4:])
    assert attempts(items) == [0, 0, 0, 0, 0]
    assert row(bench).state == "open"


def test_another_process_that_learns_of_it_gives_them_back_too(bench: Bench) -> None:
    """Whichever pump works next: the streak is everybody's."""
    items, here, there = bench.put("p-1", "p-2"), bench.desk("pump-0#1"), bench.desk("pump-1#1")
    there.turn([], claim=False)
    fail(bench, here, here.turn([]).assignments)
    assert attempts(items) == [1, 1]
    stop(bench.upstream)
    there.breakers.round()
    there.turn([])
    assert attempts(items) == [0, 0]


def test_an_upstream_that_answers_in_between_lets_the_charges_stand(bench: Bench) -> None:
    """Then it was the items: an outage later gives back only what it took."""
    items, desk = bench.put(*(f"p-{number}" for number in range(8))), bench.desk()
    work = desk.turn([]).assignments
    fail(bench, desk, work[:2])
    bench.settle(desk, [work[2]], DELIVERED)
    fail(bench, desk, work[3:8])
    assert row(bench).state == "open"
    assert attempts(items) == [1, 1, 0, 0, 0, 0, 0, 0]


def test_an_item_at_its_last_attempt_survives_the_begin_of_an_outage_with_two_pumps(
    bench: Bench, travel: time_machine.Traveller
) -> None:
    """One pump sees its fifth failure, the other one opens the breaker: it is not given up before, in between or after."""
    first, *others = bench.put(*(f"p-{number}" for number in range(6)))
    Item.objects.filter(pk=first.pk).update(attempts=4)
    one, two = bench.desk("pump-0#1", Share(0, 2)), bench.desk("pump-1#1", Share(1, 2))
    work = [*one.turn([]).assignments, *two.turn([]).assignments]
    mine = [job for job in work if job.item_id == first.pk]
    fail(bench, one, mine)
    assert (state_of(first), first.attempts) == ("retrying", 5)
    travel.shift(40)
    ours = [job for job in one.turn([]).assignments if job.item_id == first.pk]
    assert state_of(first) != "failed"
    rest = [job for job in work if job.item_id != first.pk]
    for job in rest:
        bench.settle(two if job in work[4:] else one, [job], RESET)
    fail(bench, one, ours)
    for desk in (one, two):
        desk.breakers.round()
        desk.turn([])
    assert row(bench).state == "open"
    first.refresh_from_db()
    assert (state_of(first), first.attempts) == ("retrying", 4)
    assert attempts(others) == [0] * 5


def test_during_an_outage_a_test_that_fails_costs_nobody_anything(bench: Bench, travel: time_machine.Traveller) -> None:
    """However often it is tested."""
    items, desk = bench.put(*(f"p-{number}" for number in range(5))), bench.desk()
    fail(bench, desk, desk.turn([]).assignments)
    for _ in range(6):
        travel.shift(61)
        work = desk.turn([]).assignments
        assert 0 < len(work) <= 3
        assert all(job.permit.half_open for job in work)
        fail(bench, desk, work)
    assert attempts(items) == [0] * 5
    assert row(bench).openings > 1


# -- what counts ------------------------------------------------------------------------------------------------------


def test_an_item_that_the_upstream_chokes_on_counts_once(bench: Bench, travel: time_machine.Traveller) -> None:
    """A 500 again and again for one item is the item's affair: the breaker stays closed, the item fails."""
    item, desk = bench.put("p-1")[0], bench.desk()
    for _ in range(5):
        bench.settle(desk, desk.turn([]).assignments, BROKEN)
        travel.shift(40)
    assert state_of(item) == "failed"
    assert row(bench).state == "closed"
    assert desk.destinations.get(bench.upstream.pk).breaker.snapshot().consecutive_failures == 1


def test_an_upstream_that_fails_everybody_is_out(bench: Bench) -> None:
    """A 500 for five different items opens the breaker."""
    bench.put(*(f"p-{number}" for number in range(5)))
    desk = bench.desk()
    bench.settle(desk, desk.turn([]).assignments, BROKEN)
    assert row(bench).state == "open"
    assert "5 failures in a row, the last: It answered 500" in row(bench).reason


def test_an_item_that_no_upstream_takes_does_not_keep_a_breaker_open_for_ever(
    bench: Bench, travel: time_machine.Traveller
) -> None:
    """It is charged for each test that it fails from its second time on, and gives up its place after five: then others close it."""
    poison, *others = bench.put(*(f"p-{number}" for number in range(6)))
    desk = bench.desk()
    fail(bench, desk, desk.turn([]).assignments)
    assert row(bench).out
    for other in others:
        cancel(viewer=bench.viewer, item_id=other.pk, reason="Not needed any more")
    for tests in range(1, 6):
        travel.shift(61)
        (job,) = desk.turn([]).assignments
        assert bench.settle(desk, [job], BROKEN) == []
        assert row(bench).openings == tests + 1
    assert state_of(poison) == "failed"
    later = bench.put("p-7", "p-8", "p-9")
    travel.shift(61)
    work = desk.turn([]).assignments
    assert len(work) == 3
    bench.settle(desk, work, DELIVERED)
    assert not row(bench).out
    assert {state_of(item) for item in later} == {"synced"}


def test_an_upstream_that_asks_for_a_rest_is_neither_good_nor_bad(bench: Bench, travel: time_machine.Traveller) -> None:
    """A 429 spares it for as long as it asks in all processes, charges nobody, opens nothing, and clears no failure."""
    items = bench.put(*(f"p-{number}" for number in range(6)))
    desk, other = bench.desk(), bench.desk("pump-1#1")
    other.turn([], claim=False)
    work = desk.turn([]).assignments
    fail(bench, desk, work[:4])
    bench.settle(desk, [work[4]], THROTTLED)
    assert attempts([items[4]]) == [0]
    breaker = desk.destinations.get(bench.upstream.pk).breaker
    assert (breaker.state, breaker.snapshot().consecutive_failures, breaker.rests) == (State.CLOSED, 4, 7.0)
    other.breakers.round()
    late = bench.put("p-9")[0]
    turn = other.turn([])
    assert turn.assignments == []
    assert desk.destinations.get(bench.upstream.pk).breaker.rests == 7.0
    assert told(bench, late)[0].startswith("It asks to send less (429)")
    for _ in range(9):
        travel.shift(8)
        bench.settle(desk, desk.turn([]).assignments, THROTTLED)
    assert row(bench).state == "closed"


# -- parked lanes -----------------------------------------------------------------------------------------------------


def test_a_breaker_that_is_forced_open_parks_lanes_and_says_so(bench: Bench, travel: time_machine.Traveller) -> None:
    """Nothing goes out, nobody is charged, the item says who stopped it and when it goes on; and then it goes on."""
    desk = bench.desk()
    desk.turn([])
    until = clock.now() + timedelta(minutes=30)
    force_open(viewer=bench.viewer, upstream_id=bench.upstream.pk, reason="repairs", until=until)
    desk.breakers.round()
    item = bench.put("p-1")[0]
    turn = desk.turn([])
    assert (turn.assignments, state_of(item), item.attempts) == ([], "queued", 0)
    assert turn.wake is not None
    assert abs((turn.wake - until).total_seconds()) < 0.01
    in_list, on_page = told(bench, item)
    assert "stopped by alice" in in_list
    assert "alice" in on_page
    travel.move_to(until)
    (job,) = desk.turn([]).assignments
    assert job.permit.half_open


def test_an_open_breaker_tells_its_items_when_it_is_tried_again(bench: Bench) -> None:
    """In the list and on the page."""
    desk, item = bench.desk(), bench.put("p-1")[0]
    stop(bench.upstream)
    desk.breakers.round()
    turn = desk.turn([])
    assert turn.assignments == []
    assert turn.wake == clock.now() + timedelta(minutes=1)
    assert told(bench, item)[0] == "plans-api is down: its breaker is open. It is tried again in"


def test_places_that_find_nothing_to_send_are_free_again(bench: Bench) -> None:
    """A half-open breaker with work holds a place for each call; without work it holds none."""
    bench.put("p-1", "p-1")
    stop(bench.upstream, wait=None)
    desk = bench.desk()
    work = desk.turn([]).assignments
    assert [job.permit.half_open for job in work] == [True]
    assert Lease.objects.count() == 1
    (job,) = bench.settle(desk, work, DELIVERED)
    assert (job.permit.half_open, row(bench).successes, Lease.objects.count()) == (True, 1, 1)
    bench.settle(desk, [job], DELIVERED)
    desk.turn([])
    assert not Lease.objects.exists()
    assert set(Lane.objects.values_list("depth", flat=True)) == {0}


# -- slow start -------------------------------------------------------------------------------------------------------


def _closed_again(bench: Bench) -> None:
    """It was out, and was reset at this moment."""
    bench.upstream.in_flight_limit = 1_000
    bench.upstream.revision += 1
    bench.upstream.save()
    stop(bench.upstream)
    reset(viewer=bench.viewer, upstream_id=bench.upstream.pk)


def test_an_upstream_that_is_back_is_not_flooded(bench: Bench, travel: time_machine.Traveller) -> None:
    """One at first, some fourteen in the first second of ten, all after the tenth; the pump wakes in between by itself."""
    bench.put(*(f"p-{number}" for number in range(60)))
    _closed_again(bench)
    desk = bench.desk()
    turn = desk.turn([])
    assert len(turn.assignments) == 1
    assert turn.wake is not None
    assert clock.now() < turn.wake < clock.now() + timedelta(seconds=1)
    travel.shift(1)
    assert 1 + len(desk.turn([]).assignments) == 15
    travel.shift(9)
    assert 15 + len(desk.turn([]).assignments) == 60


def test_a_lane_that_goes_on_under_its_lease_keeps_to_the_slow_start_too(
    bench: Bench, travel: time_machine.Traveller
) -> None:
    """A lane with many items is no way around it."""
    bench.put(*["p-1"] * 30)
    _closed_again(bench)
    desk, sent = bench.desk(), 0
    for _ in range(10):
        work = desk.turn([]).assignments
        while work:
            sent += len(work)
            work = bench.settle(desk, work, DELIVERED)
        travel.shift(0.1)
    assert 10 <= sent <= 15


def test_two_pumps_share_the_slow_start(bench: Bench, travel: time_machine.Traveller) -> None:
    """Together they start what one alone would, give or take one each."""
    bench.put(*(f"p-{number}" for number in range(60)))
    _closed_again(bench)
    pumps = [bench.desk(f"pump-{number}#1", Share(number, 2)) for number in range(2)]
    begun = [len(pump.turn([]).assignments) for pump in pumps]
    travel.shift(1)
    begun = [before + len(pump.turn([]).assignments) for before, pump in zip(begun, pumps, strict=True)]
    assert begun == [8, 8]


def test_a_turn_that_was_rolled_back_is_as_if_it_had_never_been(bench: Bench) -> None:
    """The first turn makes an upstream's rows; when it fails, they are made again, and an outage still gives attempts back."""
    items, desk = bench.put("p-1", "p-2"), bench.desk()

    def break_off(execute: Any, sql: str, *rest: Any) -> Any:
        if "syncqueue_lane" in sql:
            raise OperationalError("the connection was lost")
        return execute(sql, *rest)

    with connection.execute_wrapper(break_off), pytest.raises(OperationalError):
        desk.turn([])
    fail(bench, desk, desk.turn([]).assignments)
    assert attempts(items) == [1, 1]
    stop(bench.upstream)
    desk.breakers.round()
    desk.turn([])
    assert attempts(items) == [0, 0]


def test_places_of_a_turn_that_could_not_be_written_are_free_again(
    bench: Bench, travel: time_machine.Traveller
) -> None:
    """They were handed to items whose start was rolled back; the next turn tests with the same three."""
    desk = bench.desk()
    bench.put(*(f"p-{number}" for number in range(8)))
    fail(bench, desk, desk.turn([]).assignments)
    travel.shift(61)
    broken: list[str] = []

    def break_off(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith("INSERT INTO syncqueue_attempt") or "INTO syncqueue_attempt" in sql:
            broken.append(sql)
            raise OperationalError("disk I/O error")
        return execute(sql, *rest)

    with connection.execute_wrapper(break_off), pytest.raises(OperationalError):
        desk.turn([])
    assert broken
    assert Lease.objects.count() == 0
    assert len(desk.turn([]).assignments) == 3
