"""A component with a probe, results and flips at chosen moments, and a clock that stands still."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from resilience.health.core.states import State
from resilience.health.models import Component, Flip, Probe, Result
from tests.support.people import People, make_upstream

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@dataclass
class Watched:
    """One upstream's component, and what was found of it."""

    component: Component
    probe: Probe

    def ran(
        self, start: datetime, end: datetime, *, every: float = 30, ms: float = 100, ok: bool = True, **said: object
    ) -> None:
        """A result each so many seconds from `start` on and before `end`."""
        step = timedelta(seconds=every)
        moments = [start + n * step for n in range(int((end - start) / step))]
        Result.objects.bulk_create(Result(probe=self.probe, at=at, ok=ok, ms=ms, state="up", **said) for at in moments)
        Probe.objects.filter(pk=self.probe.pk).update(last_at=moments[-1])

    def flipped(self, *turns: tuple[datetime, State]) -> None:
        """Changes of the component's state, one after the other; the last one is what it is now."""
        before = State(self.component.state)
        for at, after in turns:
            Flip.objects.create(component=self.component, at=at, noticed_at=at, before=before, after=after)
            before = after
        at, after = turns[-1]
        self.component.state, self.component.since = after.value, at
        self.component.save()


@pytest.fixture
def watched(people: People) -> Watched:
    """A component that was made at noon and is probed each 30 seconds; its upstream's own probe is the only one."""
    upstream = make_upstream(people.tidewater)
    component = upstream.component
    Component.objects.filter(pk=component.pk).update(created_at=NOON)
    component.refresh_from_db()
    return Watched(component, Probe.objects.get(component=component))


@pytest.fixture
def clock_at() -> Iterator[Sequence[object]]:
    """Sets the clock: `clock_at(moment)`; it stands still until it is set again."""
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller.move_to  # type: ignore[misc]
