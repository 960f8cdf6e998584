"""The same calls, the same moments, the same states as interlock-cb, wherever both mean the same.

They are meant to differ, and the test keeps away from it, in this: we also open after failures in a row and after so many
failures in a time (off here); we close after `success_threshold` successes and open at the first half-open failure, where
interlock takes a share of a fixed number (one of one here); a half-open call that never comes back keeps its place for
ever there (our lease is made endless here); our windows of time have ten buckets, theirs one a second (ten seconds here).
"""

from dataclasses import dataclass, field

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from interlock import Config
from interlock import State as TheirState
from interlock._state_machine import StateMachine
from interlock.outcome import Outcome
from interlock.window import WindowType

from resilience.patterns.breaker import BreakerConfig, CircuitBreaker, Permit
from resilience.patterns.errors import CircuitOpenError
from resilience.patterns.typing import Verdict
from tests.patterns.clock import Clock

pytestmark = pytest.mark.plain

SLOW = 2.0
OUTCOMES = {
    (Verdict.SUCCESS, False): Outcome.SUCCESS,
    (Verdict.FAILURE, False): Outcome.FAILURE,
    (Verdict.SUCCESS, True): Outcome.SLOW_SUCCESS,
    (Verdict.FAILURE, True): Outcome.SLOW_FAILURE,
}
ORDINARY = {TheirState.CLOSED: "closed", TheirState.OPEN: "open", TheirState.HALF_OPEN: "half_open"}
STATES = {**ORDINARY, TheirState.FORCED_OPEN: "open", TheirState.DISABLED: "closed"}

verdicts = st.sampled_from([Verdict.SUCCESS, Verdict.FAILURE, Verdict.FAILURE, Verdict.IGNORED])
moves = st.one_of(
    st.tuples(st.just("call"), verdicts, st.booleans()),
    st.tuples(st.just("call"), verdicts, st.booleans()),
    st.tuples(st.just("begin")),
    st.tuples(st.just("end"), st.integers(0, 5), verdicts, st.booleans()),
    st.tuples(st.just("wait"), st.sampled_from([0.25, 1.0, 4.0, 10.0, 20.0])),
    st.tuples(st.sampled_from(["reset", "force_open", "disable"])),
)


class TheirClock:
    """Our clock, as they read it."""

    def __init__(self, clock: Clock) -> None:
        self.monotonic = clock


@dataclass
class Both:
    """One of each, on one clock."""

    ours: CircuitBreaker
    theirs: StateMachine
    clock: Clock
    under_way: list[tuple[Permit, int]] = field(default_factory=list)

    def begin(self) -> tuple[Permit, int] | None:
        """Asks both for a call; they agree on whether it may run."""
        try:
            permit = self.ours.admit()
        except CircuitOpenError:
            permit = None
        assert self.theirs.acquire() is (permit is not None)
        return None if permit is None else (permit, self.theirs.generation)

    def end(self, call: tuple[Permit, int], verdict: Verdict, slow: bool) -> None:
        """Tells both how it ended."""
        permit, generation = call
        permit.done(verdict, SLOW if slow else 0.0)
        if verdict is Verdict.IGNORED:
            self.theirs.release_probe(generation=generation)
        else:
            self.theirs.record(OUTCOMES[verdict, slow], generation=generation)

    def make(self, move: tuple) -> None:  # type: ignore[type-arg]
        """Makes one move with both."""
        match move:
            case ("call", verdict, slow):
                if (call := self.begin()) is not None:
                    self.end(call, verdict, slow)
            case ("begin",):
                if (call := self.begin()) is not None:
                    self.under_way.append(call)
            case ("end", number, verdict, slow):
                if self.under_way:
                    self.end(self.under_way.pop(number % len(self.under_way)), verdict, slow)
            case ("wait", seconds):
                self.clock.advance(seconds)
            case (word,):
                getattr(self.ours, word)()
                getattr(self.theirs, word)()

    def agree(self) -> None:
        """They are in the same state, for the same time, with the same figures."""
        assert self.ours.state == STATES[self.theirs.state]
        if self.theirs.state is TheirState.OPEN:
            assert self.ours.retry_after == self.theirs.retry_after()
        if self.theirs.state is TheirState.CLOSED:
            ours, theirs = self.ours.snapshot(), self.theirs.snapshot()
            assert (ours.calls, ours.failures, ours.slow) == (
                theirs.total_calls,
                theirs.failed_calls,
                theirs.slow_calls,
            )


@settings(max_examples=300, deadline=None)
@given(
    window=st.sampled_from(["count", "time"]),
    size=st.integers(3, 12),
    volume=st.integers(1, 3),
    rate=st.sampled_from([0.2, 0.5, 1.0]),
    slow_rate=st.sampled_from([0.3, 1.0]),
    growth=st.sampled_from([1.0, 2.0]),
    steps=st.lists(moves, max_size=60),
)
def test_both_come_to_the_same_state(
    window: str, size: int, volume: int, rate: float, slow_rate: float, growth: float, steps: list
) -> None:  # type: ignore[type-arg]
    """After each of up to sixty moves: calls one after another and overlapping, waits, resets and forces."""
    clock = Clock()
    ours = BreakerConfig(
        failure_threshold=None,
        failure_rate_threshold=rate,
        slow_call_duration=SLOW,
        slow_call_rate_threshold=slow_rate,
        volume_threshold=volume,
        window=window,  # type: ignore[arg-type]
        window_size=size,
        window_seconds=10.0,
        reset_timeout=8.0,
        reset_timeout_factor=growth,
        reset_timeout_max=30.0,
        success_threshold=1,
        half_open_max_calls=1,
        half_open_lease=1e9,
    )
    theirs = Config(
        failure_rate_threshold=rate,
        minimum_number_of_calls=volume,
        slow_call_duration_threshold=SLOW,
        slow_call_rate_threshold=slow_rate,
        permitted_calls_in_half_open=1,
        max_concurrent_probes=1,
        wait_duration_in_open=8.0,
        wait_duration_backoff_multiplier=growth,
        wait_duration_in_open_max=30.0,
        window_type=WindowType.COUNT_BASED if window == "count" else WindowType.TIME_BASED,
        window_size=size if window == "count" else 10,
    )
    both = Both(CircuitBreaker("maps", ours, clock=clock), StateMachine(config=theirs, clock=TheirClock(clock)), clock)
    for step in steps:
        both.make(step)
        both.agree()
    event(f"openings: {min(both.ours.snapshot().openings, 5)}")
