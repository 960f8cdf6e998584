"""Claim, guard, decide, settle: what becomes of items and lanes with each kind of answer."""

from datetime import timedelta

import pytest
import time_machine
from django.db.models import Sum

from portal.events.models import Event
from portal.kit import clock
from resilience.breakers.models import Breaker
from syncqueue.actions.cancel import cancel
from syncqueue.actions.deliver import Share
from syncqueue.actions.forget_versions import forget_versions
from syncqueue.actions.retry import retry
from syncqueue.actions.step_over import step_over
from syncqueue.actions.take_over import take_over
from syncqueue.actions.verify import verify
from syncqueue.core.states import LaneState
from syncqueue.models import Attempt, Counter, Item, Lane
from tests.queue.conftest import BROKEN, DELIVERED, LOST, MOVED, REFUSED, RESET, THROTTLED, Bench, state_of
from tests.support.people import make_upstream


@pytest.fixture(autouse=True)
def _sound(bench: Bench) -> object:
    """After every test, whatever was derived (lanes, depths, counters) fits what it was derived from."""
    yield
    assert verify(repair=False) == []


def test_one_entity_in_order_others_at_once(bench: Bench) -> None:
    """Two entities are under way together; the second change of one follows under the same lease, in order."""
    first, other, second = bench.put("p-1", "p-2", "p-1")
    desk = bench.desk()
    work = desk.turn([]).assignments
    assert [job.item_id for job in work] == [first.pk, other.pk]
    following = bench.settle(desk, work, DELIVERED)
    assert [job.item_id for job in following] == [second.pk]
    assert bench.settle(desk, following, DELIVERED) == []
    assert {state_of(item) for item in (first, other, second)} == {"synced"}
    assert set(Lane.objects.values_list("state", "depth")) == {(LaneState.IDLE, 0)}
    assert Counter.objects.filter(name="delivered").aggregate(total=Sum("value"))["total"] == 3


def test_the_attempt_is_written_down_before_it_is_sent(bench: Bench) -> None:
    """A crash between claim and answer leaves an attempt without an answer."""
    item = bench.put("p-1")[0]
    bench.desk().turn([])
    attempt = Attempt.objects.get(item=item)
    assert (attempt.number, attempt.finished_at, attempt.outcome) == (1, None, "")
    assert state_of(item) == "in_flight"
    assert (
        Event.objects.filter(subject=f"item:{item.pk}").order_by("id").values_list("verb", flat=True)[1]
        == "item.in_flight"
    )


def test_a_failed_head_holds_its_lane_only(bench: Bench) -> None:
    """What no retry can mend fails at once with its reason, holds those behind it and nobody else."""
    bad, behind, other = bench.put("p-1", "p-1", "p-2")
    desk = bench.desk()
    bench.settle(desk, desk.turn([]).assignments, lambda job: REFUSED if job.item_id == bad.pk else DELIVERED)
    assert (state_of(bad), state_of(behind), state_of(other)) == ("failed", "queued", "synced")
    assert bad.reason.startswith("It refused this (422)")
    assert Lane.objects.get(entity_id="p-1").state == LaneState.BLOCKED
    assert desk.turn([]).assignments == []


def test_a_failed_head_is_stepped_over_when_the_upstream_says_so(bench: Bench) -> None:
    """The dead letter stays visible, and the lane goes on at once."""
    bench.upstream.failed_head = "step-over"
    bench.upstream.revision += 1
    bench.upstream.save()
    bad, behind = bench.put("p-1", "p-1")
    desk = bench.desk()
    following = bench.settle(desk, desk.turn([]).assignments, REFUSED)
    assert [job.item_id for job in following] == [behind.pk]
    bench.settle(desk, following, DELIVERED)
    assert (state_of(bad), state_of(behind)) == ("failed", "synced")


def test_own_failures_back_off_and_end_as_a_dead_letter(bench: Bench) -> None:
    """Five failures of its own, each later than the last, then no more."""
    item = bench.put("p-1")[0]
    desk, pauses = bench.desk(), []
    with time_machine.travel(clock.now(), tick=False) as travel:
        for _ in range(5):
            work = desk.turn([]).assignments
            assert len(work) == 1
            bench.settle(desk, work, BROKEN)
            item.refresh_from_db()
            if item.retry_at:
                assert desk.turn([]).assignments == []
                pauses.append((item.retry_at - clock.now()).total_seconds())
                travel.shift(pauses[-1] + 0.001)
    assert state_of(item) == "failed"
    assert item.attempts == 5
    assert pauses == sorted(pauses)
    assert 0.4 < pauses[0] < 0.7 < pauses[-1]


def test_an_outage_uses_up_no_attempt_and_fails_nothing(bench: Bench) -> None:
    """However long it lasts: three lanes at a time try, and every item goes out at the end with no attempt used."""
    items = bench.put(*(f"p-{number}" for number in range(12)))
    desk, tries = bench.desk(), 0
    with time_machine.travel(clock.now(), tick=False) as travel:
        for _ in range(60):
            work = desk.turn([]).assignments
            while work:
                tries += len(work)
                assert len(work) <= (8 if tries <= 12 else 3)
                work = bench.settle(desk, work, RESET)
            travel.shift(7)
        assert Breaker.objects.get(upstream=bench.upstream).out
        assert {state_of(item) for item in items} <= {"queued", "retrying"}
        assert {item.attempts for item in Item.objects.all()} == {0}
        for _ in range(8):
            travel.shift(10)
            work = desk.turn([]).assignments
            while work:
                work = bench.settle(desk, work, DELIVERED)
    assert {state_of(item) for item in items} == {"synced"}
    assert not Breaker.objects.get(upstream=bench.upstream).out
    verbs = Event.objects.filter(subject=f"upstream:{bench.upstream.pk}").order_by("id").values_list("verb", flat=True)
    first, *tested, last = verbs
    assert (first, last) == ("breaker.opened", "breaker.closed")
    assert tested == ["breaker.half-opened", "breaker.reopened"] * (len(tested) // 2) + ["breaker.half-opened"]


def test_an_item_at_its_last_attempt_is_not_lost_to_the_start_of_an_outage(bench: Bench) -> None:
    """Its fifth failure may be the outage's first: it is given up only when the upstream is known to live."""
    item, other = bench.put("p-1", "p-2")
    Item.objects.filter(pk=item.pk).update(attempts=4)
    desk = bench.desk()
    with time_machine.travel(clock.now(), tick=False) as travel:
        work = desk.turn([]).assignments
        bench.settle(desk, [job for job in work if job.item_id == item.pk], RESET)
        assert (state_of(item), item.attempts) == ("retrying", 5)
        bench.settle(desk, [job for job in work if job.item_id == other.pk], DELIVERED)
        travel.shift(40)
        assert desk.turn([]).assignments == []
    assert (state_of(item), item.reason) == ("failed", "The connection was reset")


def test_a_throttle_delays_the_upstream_and_costs_nothing(bench: Bench) -> None:
    """429 with Retry-After: all lanes wait as long as asked, no attempt is used."""
    item = bench.put("p-1", "p-1")[0]
    desk = bench.desk()
    with time_machine.travel(clock.now(), tick=False) as travel:
        bench.settle(desk, desk.turn([]).assignments, THROTTLED)
        bench.put("p-9")
        travel.shift(6.9)
        assert desk.turn([]).assignments == []
        travel.shift(0.2)
        assert len(desk.turn([]).assignments) == 2
    item.refresh_from_db()
    assert item.attempts == 0


def test_a_conflict_keeps_base_local_and_remote_and_holds_the_lane(bench: Bench) -> None:
    """Nothing of either side is lost, and nobody overtakes."""
    item, behind = bench.put("p-1", "p-1", base={"title": "Base"}, base_version='"1"')
    desk = bench.desk()
    assert bench.settle(desk, desk.turn([]).assignments, MOVED) == []
    assert (state_of(item), state_of(behind)) == ("conflict", "queued")
    assert (item.read_base(), item.read_payload()) == ({"title": "Base"}, {"title": "p-1 0"})
    assert (item.remote, item.remote_version) == ('{"title":"Theirs"}', '"9"')


def test_a_damaged_item_is_never_sent(bench: Bench) -> None:
    """A payload that does not fit its checksum fails before it leaves."""
    item = bench.put("p-1")[0]
    Item.objects.filter(pk=item.pk).update(payload='{"title":"altered"}')
    assert [finding.subject for finding in verify(repair=True)] == [f"item {item.pk}"]
    assert bench.desk().turn([]).assignments == []
    assert (state_of(item), item.code) == ("failed", "damaged")
    Item.objects.filter(pk=item.pk).update(payload=item.payload.replace("altered", "p-1 0"))


def test_a_lost_lease_is_fenced_off(bench: Bench) -> None:
    """What the old holder brings back after a take-over changes nothing; the new one sends again with the same key."""
    item = bench.put("p-1")[0]
    old, new = bench.desk("pump-0#1"), bench.desk("pump-0#2")
    stale = old.turn([]).assignments
    assert take_over(is_gone=lambda owner: owner == "pump-0#1", by="pump-0#2") == 1
    assert (state_of(item), item.outcome_unknown, item.attempts) == ("retrying", True, 0)
    assert Attempt.objects.get(item=item, number=1).outcome == "unknown"
    fresh = new.turn([]).assignments
    assert fresh[0].idempotency_key == stale[0].idempotency_key
    assert fresh[0].outcome_unknown
    assert bench.settle(old, stale, REFUSED) == []
    assert state_of(item) == "in_flight"
    bench.settle(new, fresh, DELIVERED)
    assert state_of(item) == "synced"


def test_a_lease_that_ran_out_is_freed_but_not_before(bench: Bench) -> None:
    """Two minutes without a heartbeat; a renewed lease stays."""
    bench.put("p-1")
    desk = bench.desk()
    with time_machine.travel(clock.now(), tick=False) as travel:
        desk.turn([])
        travel.shift(100)
        assert desk.renew() == set(Lane.objects.values_list("pk", flat=True))
        travel.shift(100)
        assert take_over(is_gone=lambda _: False, by="keeper#1") == 0
        travel.shift(21)
        assert take_over(is_gone=lambda _: False, by="keeper#1") == 1


def test_what_came_in_while_the_head_was_sent_is_not_forgotten(bench: Bench) -> None:
    """The lane of a delivered item looks again before it goes to sleep."""
    bench.put("p-1")
    desk = bench.desk()
    work = desk.turn([]).assignments
    late = bench.put("p-1")[0]
    assert [job.item_id for job in bench.settle(desk, work, DELIVERED)] == [late.pk]


def test_a_paused_upstream_is_left_alone(bench: Bench) -> None:
    """Nothing new starts; what is under way is settled, and its lane stops there."""
    bench.put("p-1", "p-1")
    desk = bench.desk()
    work = desk.turn([]).assignments
    bench.upstream.paused_at = clock.now()
    bench.upstream.save()
    assert bench.settle(desk, work, DELIVERED) == []
    assert desk.turn([]).assignments == []
    bench.upstream.paused_at = None
    bench.upstream.save()
    assert len(desk.turn([]).assignments) == 1


def test_pumps_share_the_slots_exactly(bench: Bench) -> None:
    """Two pumps together never send more than the upstream's limit at once."""
    bench.upstream.in_flight_limit = 3
    bench.upstream.revision += 1
    bench.upstream.save()
    bench.put(*(f"p-{number}" for number in range(9)))
    taken = [len(bench.desk(f"pump-{n}#1", Share(n, 2)).turn([]).assignments) for n in range(2)]
    assert taken == [2, 1]


def test_one_hanging_upstream_never_delays_another(bench: Bench) -> None:
    """A full upstream takes only its own slots."""
    make_upstream(bench.people.tidewater, slug="other")
    bench.put(*(f"p-{number}" for number in range(30)), upstream="plans-api")
    desk = bench.desk()
    assert len(desk.turn([]).assignments) == 8
    item = bench.put("q-1", upstream="other")[0]
    assert [job.item_id for job in desk.turn([]).assignments] == [item.pk]


def test_a_lost_answer_marks_the_item_until_it_is_delivered(bench: Bench) -> None:
    """The next attempt knows that an earlier one may have arrived."""
    item = bench.put("p-1")[0]
    desk = bench.desk()
    with time_machine.travel(clock.now(), tick=False) as travel:
        bench.settle(desk, desk.turn([]).assignments, LOST)
        assert state_of(item) == "retrying"
        travel.shift(timedelta(seconds=5))
        work = desk.turn([]).assignments
        assert work[0].outcome_unknown
        bench.settle(desk, work, DELIVERED)
    assert state_of(item) == "synced"
    assert not item.outcome_unknown


def test_a_client_that_was_offline_follows_its_own_changes_but_not_those_of_others(bench: Bench) -> None:
    """Both made their changes on version 1: the same laptop's second goes on from its first, another device's does not."""
    bench.put("p-1", "p-1", base_version='"1"', client_id="laptop-7")
    bench.put("p-1", base_version='"1"', client_id="phone-2")
    desk = bench.desk()
    first = desk.turn([]).assignments
    second = bench.settle(desk, first, DELIVERED)
    third = bench.settle(desk, second, DELIVERED)
    assert [job.version for job in (*first, *second, *third)] == ['"1"', '"2"', '"1"']
    bench.settle(desk, third, MOVED)


def test_an_attempt_given_back_while_the_item_is_in_flight_stays_given_back(bench: Bench) -> None:
    """The gate closes on others while the item is being sent a second time: neither of its two failures counts in the end."""
    item, *_ = bench.put(*(f"p-{number}" for number in range(5)))
    desk = bench.desk()
    with time_machine.travel(clock.now(), tick=False) as travel:
        first, *others = desk.turn([]).assignments
        bench.settle(desk, [first], RESET)
        travel.shift(2)
        again = desk.turn([]).assignments
        assert [job.item_id for job in again] == [item.pk]
        bench.settle(desk, others, RESET)
        assert Breaker.objects.get(upstream=bench.upstream).out
        bench.settle(desk, again, RESET)
    assert {row.attempts for row in Item.objects.all()} == {0}


def test_a_test_whose_worker_died_does_not_keep_the_breaker_open(bench: Bench) -> None:
    """The next lanes may test as soon as the dead one's lanes are taken over; before that, the places are taken."""
    bench.put(*(f"p-{number}" for number in range(6)))
    desk = bench.desk()
    with time_machine.travel(clock.now(), tick=False) as travel:
        bench.settle(desk, desk.turn([]).assignments, RESET)
        travel.shift(61)
        assert len(desk.turn([]).assignments) == 3
        other = bench.desk("pump-0#2")
        travel.shift(20)
        assert other.turn([]).assignments == []
        take_over(is_gone=lambda owner: owner == "pump-0#1", by="pump-0#2")
        travel.shift(1)
        assert len(other.turn([]).assignments) == 3


def test_after_a_cancelled_conflict_the_lane_goes_on_from_what_the_upstream_has(bench: Bench) -> None:
    """The upstream's document was accepted: the next change is made on its version, not refused for an older one for ever."""
    item = bench.put("p-1", base_version='"1"')[0]
    desk = bench.desk()
    bench.settle(desk, desk.turn([]).assignments, MOVED)
    cancel(viewer=bench.viewer, item_id=item.pk, reason="Theirs stays")
    bench.put("p-1")
    (job,) = desk.turn([]).assignments
    assert job.version == '"9"'


def test_those_that_waited_behind_a_cancelled_conflict_are_not_sent_over_it(bench: Bench) -> None:
    """They were made before anybody saw what the upstream has."""
    item, behind = bench.put("p-1", "p-1", base_version='"1"')
    desk = bench.desk()
    bench.settle(desk, desk.turn([]).assignments, MOVED)
    cancel(viewer=bench.viewer, item_id=item.pk, reason="Theirs stays")
    (job,) = desk.turn([]).assignments
    assert (job.item_id, job.version) == (behind.pk, '"1"')


def test_a_conflict_can_be_stepped_over(bench: Bench) -> None:
    """It stays in conflict, and those behind it go on; sent again, it goes to the lane's end."""
    item, behind = bench.put("p-1", "p-1", base_version='"1"')
    desk = bench.desk()
    bench.settle(desk, desk.turn([]).assignments, MOVED)
    step_over(viewer=bench.viewer, item_id=item.pk, reason="Later")
    (job,) = desk.turn([]).assignments
    assert (job.item_id, state_of(item)) == (behind.pk, "conflict")
    bench.settle(desk, [job], DELIVERED)
    retry(viewer=bench.viewer, item_id=item.pk)
    assert [job.item_id for job in desk.turn([]).assignments] == [item.pk]
    assert verify(repair=False) == []


def test_after_a_restore_versions_are_asked_for_anew_where_nothing_waits(bench: Bench) -> None:
    """What was delivered after the backup was taken is no conflict for what comes next; what waits in it keeps its version."""
    idle, busy = bench.put("p-1", "p-2")
    desk = bench.desk()
    bench.settle(desk, desk.turn([]).assignments, DELIVERED)
    bench.put("p-2")
    assert forget_versions() == 1
    bench.put("p-1")
    versions = {job.entity_id: job.version for job in desk.turn([]).assignments}
    assert versions == {"p-1": None, "p-2": '"2"'}
    assert (state_of(idle), state_of(busy)) == ("synced", "synced")
