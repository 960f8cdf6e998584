"""How much of the time a component answered: up or slow, out of up, slow and down. Maintenance and no data count in neither side."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from resilience.health.core.states import State


@dataclass(frozen=True, slots=True)
class Seconds:
    """So many seconds in each state; what is missing to the whole is no data."""

    up: float = 0.0
    slow: float = 0.0
    down: float = 0.0
    maintenance: float = 0.0

    def __add__(self, other: "Seconds") -> "Seconds":
        return Seconds(
            self.up + other.up,
            self.slow + other.slow,
            self.down + other.down,
            self.maintenance + other.maintenance,
        )

    @property
    def known(self) -> float:
        """The seconds that availability is made of."""
        return self.up + self.slow + self.down

    @property
    def share(self) -> float | None:
        """The availability, 0 to 1; None without data."""
        return (self.up + self.slow) / self.known if self.known else None

    def of(self, state: State, seconds: float) -> "Seconds":
        """The same with so much more in this state."""
        if state is State.NONE or seconds <= 0:
            return self
        return replace(self, **{state.value: getattr(self, state.value) + seconds})


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in one state."""

    start: datetime
    end: datetime
    state: State

    @property
    def seconds(self) -> float:
        """How long it is."""
        return (self.end - self.start).total_seconds()


def floor(at: datetime, size: int) -> datetime:
    """The beginning of the minute, hour or day (UTC; `size` in seconds) that holds `at`."""
    epoch = int(at.timestamp())
    return datetime.fromtimestamp(epoch - epoch % size, UTC)


def stretches(start: datetime, end: datetime, first: State, flips: Sequence[tuple[datetime, State]]) -> list[Stretch]:
    """The states between two moments: `first` at the start, then what each flip (moment, state after it) made of it.

    Flips come in order of when they were written. One that is told to have begun before the one in front of it takes its time from there
    on; one from before the start holds from the start.
    """
    turns: list[tuple[datetime, State]] = [(start, first)]
    for began, after in flips:
        at = max(began, start)
        while len(turns) > 1 and turns[-1][0] >= at:
            turns.pop()
        if at == start:
            turns = [(start, after)]
        elif at < end:
            turns.append((at, after))
    ends = [at for at, _ in turns[1:]] + [end]
    return [Stretch(at, until, state) for (at, state), until in zip(turns, ends, strict=True) if until > at]


def without(stretched: Iterable[Stretch], gaps: Sequence[tuple[datetime, datetime]]) -> list[Stretch]:
    """The same stretches with nothing known in these gaps (which do not overlap). Maintenance stays: it was planned, not seen."""
    found = list(stretched)
    for low, high in gaps:
        cut: list[Stretch] = []
        for one in found:
            if one.state is State.MAINTENANCE or one.end <= low or one.start >= high:
                cut.append(one)
                continue
            if one.start < low:
                cut.append(replace(one, end=low))
            cut.append(Stretch(max(one.start, low), min(one.end, high), State.NONE))
            if one.end > high:
                cut.append(replace(one, start=high))
        found = cut
    return found


def seconds(stretched: Iterable[Stretch]) -> Seconds:
    """How long each state took."""
    total = Seconds()
    for one in stretched:
        total = total.of(one.state, one.seconds)
    return total


def added(parts: Iterable[Seconds]) -> Seconds:
    """All of them together."""
    found = list(parts)
    return Seconds(
        sum(one.up for one in found),
        sum(one.slow for one in found),
        sum(one.down for one in found),
        sum(one.maintenance for one in found),
    )
