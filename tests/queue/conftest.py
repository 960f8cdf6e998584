"""A desk with an upstream, and answers as values: what a pump does, step by step, without a network."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random

import pytest

from portal.kit.viewer import Viewer
from resilience.upstreams.models import Upstream
from syncqueue.actions.deliver import Desk, Rules, Share
from syncqueue.actions.enqueue import enqueue
from syncqueue.adapters.base import Conflicted, Delivered, Outcome, Rejected, RetryAt, Unknown
from syncqueue.core.change import NewChange
from syncqueue.core.coalesce import each_by_itself
from syncqueue.core.jobs import Assignment, Finished
from syncqueue.models import Item
from tests.support.breakers import still_breakers
from tests.support.people import People, make_people, make_upstream

DELIVERED = Delivered('"2"', None, "sent")
RESET = RetryAt("The connection was reset", "reset", transport=True)
LOST = Unknown("The answer was lost", "reset")
BROKEN = RetryAt("It answered 500", "server-error")
THROTTLED = RetryAt("It asks to send less (429)", "throttled", retry_after=7.0, upstream_wide=True)
REFUSED = Rejected("It refused this (422): unknown cost centre", "refused", 422)
MOVED = Conflicted({"title": "Theirs"}, '"9"', "Somebody else changed it")


@dataclass
class Bench:
    """One upstream, one who enqueues, and desks that work on it."""

    people: People
    upstream: Upstream
    viewer: Viewer
    sent: list[str] = field(default_factory=list)

    def desk(self, name: str = "pump-0#1", share: Share | None = None, *, coalesce: bool = False) -> Desk:
        """A desk of its own, as a pump has one; each change goes out by itself unless the test is about joining them."""
        rules = Rules.from_settings()
        return Desk(
            owner=name,
            share=share or Share(),
            rules=rules if coalesce else replace(rules, coalesce=each_by_itself),
            rng=Random(1),
            breakers=still_breakers(name),
        )

    def put(self, *entities: str, **said: object) -> list[Item]:
        """Enqueues one update for each of these entities, in this order."""
        changes = [
            NewChange(
                kind="plan_edit",
                entity_type="plan",
                entity_id=entity,
                operation="update",
                payload={"title": f"{entity} {number}"},
                **said,
            )
            for number, entity in enumerate(entities)
        ]
        return [done.item for done in enqueue(viewer=self.viewer, changes=changes)]

    def settle(
        self, desk: Desk, work: Sequence[Assignment], outcome: Outcome | Callable[[Assignment], Outcome]
    ) -> list[Assignment]:
        """Settles these assignments with one answer (or one each) and gives what is to be sent next."""
        answer = outcome if callable(outcome) else lambda _: outcome
        return desk.turn([Finished(job, answer(job), 0.01) for job in work]).assignments


def state_of(item: Item) -> str:
    """The slug of an item's state as it is stored now."""
    item.refresh_from_db()
    return item.item_state.slug


@pytest.fixture
def bench(db: None) -> Bench:
    """Tidewater's plans-api, with alice enqueueing."""
    people = make_people()
    return Bench(people, make_upstream(people.tidewater), people.viewer(people.alice))


@pytest.fixture
def transactional_bench(transactional_db: None) -> Bench:
    """The same, for tests whose threads need to see each other's commits."""
    people = make_people()
    return Bench(people, make_upstream(people.tidewater), people.viewer(people.alice))
