"""Whatever is done to a breaker in whatever order, it is where a naive model of it is, which keeps plain lists and counts them anew."""

from dataclasses import dataclass, field
from math import floor, inf

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from resilience.patterns.breaker import BreakerConfig, CircuitBreaker, Permit
from resilience.patterns.errors import CircuitOpenError
from resilience.patterns.typing import State, Verdict
from tests.patterns.clock import Clock

pytestmark = pytest.mark.plain

CLOSED, OPEN, HALF_OPEN = State.CLOSED, State.OPEN, State.HALF_OPEN
SUCCESS, FAILURE, IGNORED = Verdict.SUCCESS, Verdict.FAILURE, Verdict.IGNORED


@dataclass(eq=False)
class Trial:
    """A call under way, as the model sees it."""

    era: int
    counts: bool
    deadline: float | None
    permit: Permit | None = None


@dataclass
class Model:
    """A breaker that forgets nothing and is in no hurry."""

    config: BreakerConfig
    now: float = 1000.0
    state: State = CLOSED
    era: int = 0
    forced: str | None = None
    forced_until: float = inf
    until: float = -inf
    reopenings: int = 0
    calls: list[tuple[float, bool, bool]] = field(default_factory=list)
    """When, failed, slow: of this closed phase."""
    trials: list[Trial] = field(default_factory=list)
    good: int = 0
    openings: int = 0
    rejected: int = 0
    ended: list[Verdict] = field(default_factory=list)

    def window(self) -> list[tuple[float, bool, bool]]:
        """The calls that count now."""
        if self.config.window == "count":
            return self.calls[-self.config.window_size :]
        width = self.config.window_seconds / 10
        return [call for call in self.calls if floor(call[0] / width) > floor(self.now / width) - 10]

    def in_a_row(self) -> int:
        """Failures since the last success."""
        count = 0
        for _, failed, _ in reversed(self.calls):
            if not failed:
                break
            count += 1
        return count

    def lately(self) -> int:
        """Failures within window_seconds."""
        return sum(failed and self.now - at < self.config.window_seconds for at, failed, _ in self.calls)

    def trips(self, failed: bool) -> bool:
        """Whether the figures open it."""
        config, window = self.config, self.window()
        if config.failure_threshold is not None and self.in_a_row() >= config.failure_threshold:
            return True
        if failed and config.failures_in_window is not None and self.lately() >= config.failures_in_window:
            return True
        if len(window) < config.volume_threshold:
            return False
        failures, slow = sum(f for _, f, _ in window), sum(s for _, _, s in window)
        return (
            config.failure_rate_threshold is not None and failures / len(window) >= config.failure_rate_threshold
        ) or (config.slow_call_rate_threshold is not None and slow / len(window) >= config.slow_call_rate_threshold)

    def become(
        self, state: State, *, until: float = -inf, forced: str | None = None, forced_until: float = inf
    ) -> None:
        """Another state, and another era."""
        if state is CLOSED and self.state is not CLOSED:
            self.calls, self.reopenings = [], 0
        if state is OPEN and self.state is not OPEN:
            self.openings += 1
        self.state, self.until, self.forced, self.forced_until = state, until, forced, forced_until
        self.trials, self.good = [], 0
        self.era += 1

    def open_again(self) -> None:
        """OPEN by the figures."""
        self.reopenings += self.state is HALF_OPEN
        seconds = min(
            self.config.reset_timeout * self.config.reset_timeout_factor**self.reopenings, self.config.reset_timeout_max
        )
        self.become(OPEN, until=self.now + seconds)

    def begin(self) -> Trial | None:
        """A call that may run, or None."""
        if self.state is CLOSED:
            return Trial(self.era, self.forced != "disabled", None)
        if self.state is OPEN:
            if self.now < self.until:
                self.rejected += 1
                return None
            self.become(HALF_OPEN)
        if len(self.trials) >= self.config.half_open_max_calls:
            oldest = min(self.trials, key=lambda one: one.deadline or 0)
            if (oldest.deadline or 0) > self.now:
                self.rejected += 1
                return None
            self.trials.remove(oldest)
        trial = Trial(self.era, True, self.now + self.config.half_open_lease)
        self.trials.append(trial)
        return trial

    def end(self, trial: Trial, verdict: Verdict, slow: bool) -> None:
        """How a call ended."""
        self.ended.append(verdict)
        if trial.deadline is not None:
            if trial.era != self.era:
                return
            if trial in self.trials:
                self.trials.remove(trial)
            if verdict is FAILURE or (verdict is SUCCESS and slow and self.config.slow_call_rate_threshold is not None):
                self.open_again()
            elif verdict is SUCCESS:
                self.good += 1
                if self.good >= self.config.success_threshold:
                    self.become(CLOSED)
        elif trial.era == self.era and trial.counts and verdict is not IGNORED:
            self.calls.append((self.now, verdict is FAILURE, slow))
            held = self.forced is not None and self.now < self.forced_until
            if not held and self.trips(verdict is FAILURE):
                self.open_again()


configs = st.builds(
    BreakerConfig,
    failure_threshold=st.sampled_from([None, 2, 3, 5]),
    failures_in_window=st.sampled_from([None, 3, 4]),
    failure_rate_threshold=st.sampled_from([None, 0.5, 0.75, 1.0]),
    slow_call_duration=st.just(2.0),
    slow_call_rate_threshold=st.sampled_from([None, 0.5, 1.0]),
    volume_threshold=st.integers(1, 4),
    window=st.sampled_from(["count", "time"]),
    window_size=st.integers(4, 8),
    window_seconds=st.just(20.0),
    reset_timeout=st.just(8.0),
    reset_timeout_factor=st.sampled_from([1.0, 2.0]),
    reset_timeout_max=st.just(20.0),
    success_threshold=st.integers(1, 3),
    half_open_max_calls=st.integers(1, 3),
    half_open_lease=st.just(16.0),
)
verdicts = st.sampled_from([SUCCESS, SUCCESS, FAILURE, FAILURE, FAILURE, IGNORED])


class BreakerAndModel(RuleBasedStateMachine):
    """The breaker and its model, side by side."""

    @initialize(config=configs)
    def start(self, config: BreakerConfig) -> None:
        """Both begin closed."""
        self.clock = Clock()
        self.model = Model(config)
        self.breaker = CircuitBreaker("maps", config, clock=self.clock)
        self.under_way: list[Trial] = []
        self.changes: list[tuple[State, State]] = []
        self.breaker.on_state_change(lambda change: self.changes.append((change.previous, change.current)))

    @rule()
    def begin(self) -> None:
        """A call asks to be let in."""
        trial = self.model.begin()
        try:
            permit = self.breaker.admit()
        except CircuitOpenError:
            assert trial is None
            return
        assert trial is not None
        trial.permit = permit
        assert permit.half_open is (trial.deadline is not None)
        self.under_way.append(trial)

    @precondition(lambda self: self.under_way)
    @rule(number=st.integers(0, 9), verdict=verdicts, slow=st.booleans(), twice=st.booleans())
    def end(self, number: int, verdict: Verdict, slow: bool, twice: bool) -> None:
        """One of those that run ends, and perhaps says so twice."""
        trial = self.under_way.pop(number % len(self.under_way))
        self.model.end(trial, verdict, slow)
        assert trial.permit is not None
        for _ in range(1 + twice):
            trial.permit.done(verdict, 2.0 if slow else 1.5)

    @rule(verdict=verdicts, slow=st.booleans(), times=st.integers(1, 4))
    def call(self, verdict: Verdict, slow: bool, times: int) -> None:
        """Calls that begin and end at once, through the shortest path there is for each kind."""
        for _ in range(times):
            trial = self.model.begin()
            if trial is not None:
                self.model.end(trial, verdict, slow and verdict is not IGNORED and trial.deadline is not None)
            fast = trial is None or trial.deadline is None
            try:
                if fast:
                    self.breaker.call(self.behave, verdict)
                else:
                    self.breaker.admit().done(verdict, 2.0 if slow else 0.0)
            except CircuitOpenError:
                assert trial is None
            except (ZeroDivisionError, KeyboardInterrupt):
                assert trial is not None

    @staticmethod
    def behave(verdict: Verdict) -> None:
        """Ends in such a way."""
        if verdict is FAILURE:
            raise ZeroDivisionError
        if verdict is IGNORED:
            raise KeyboardInterrupt

    @rule(seconds=st.sampled_from([0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 64.0, 1e6]))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.clock.advance(seconds)
        self.model.now += seconds

    @rule(seconds=st.sampled_from([1.0, 100.0]))
    def step_back(self, seconds: float) -> None:
        """The clock is put back, which nobody notices. It has to be read before it goes on."""
        assert self.breaker.snapshot()
        self.clock.advance(-seconds)
        assert self.breaker.snapshot()

    @rule()
    def reset(self) -> None:
        """Somebody resets it."""
        self.breaker.reset()
        self.model.become(CLOSED)
        self.model.calls = []

    @rule(until=st.sampled_from([None, 0.5, 8.0, 32.0]))
    def force_open(self, until: float | None) -> None:
        """Somebody forces it open."""
        self.breaker.force_open("x", until)
        end = inf if until is None else self.model.now + until
        self.model.become(OPEN, until=end, forced="open", forced_until=end)

    @rule(until=st.sampled_from([None, 0.5, 8.0, 32.0]))
    def force_closed(self, until: float | None) -> None:
        """Somebody forces it closed."""
        self.breaker.force_closed("x", until)
        self.model.become(CLOSED, forced="closed", forced_until=inf if until is None else self.model.now + until)

    @rule()
    def disable(self) -> None:
        """Somebody disables it."""
        self.breaker.disable()
        self.model.become(CLOSED, forced="disabled")

    @invariant()
    def same(self) -> None:
        """All that can be read is the same."""
        model, breaker = self.model, self.breaker
        now, window = breaker.snapshot(), model.window()
        assert now.state is breaker.state is model.state
        if model.state is CLOSED:
            failures, slow = sum(f for _, f, _ in window), sum(s for _, _, s in window)
            assert (now.calls, now.failures, now.slow) == (len(window), failures, slow)
            assert now.consecutive_failures == model.in_a_row()
            if model.config.failures_in_window is not None:
                assert now.failures_lately == min(model.lately(), model.config.failures_in_window)
        assert now.half_open_in_use == sum((trial.deadline or 0) > model.now for trial in model.trials)
        assert (now.successes, now.openings, now.rejected) == (model.good, model.openings, model.rejected)
        assert breaker.forced == (model.forced if model.now < model.forced_until else None)
        totals = breaker.totals()
        assert (totals.successes, totals.failures, totals.ignored) == (
            model.ended.count(SUCCESS),
            model.ended.count(FAILURE),
            model.ended.count(IGNORED),
        )
        assert 0 <= now.health_score <= {CLOSED: 100, HALF_OPEN: 50, OPEN: 25}[model.state]

    @invariant()
    def says_whether_it_would_refuse(self) -> None:
        """`is_open` and `retry_after` foretell what `admit` would do, and when."""
        model = self.model
        if model.state is OPEN:
            wait = max(0.0, model.until - model.now)
        elif model.state is HALF_OPEN and len(model.trials) >= model.config.half_open_max_calls:
            wait = max(0.0, min(trial.deadline or 0 for trial in model.trials) - model.now)
        else:
            wait = 0.0
        assert self.breaker.retry_after == (None if wait == inf else wait)
        assert self.breaker.is_open is (wait > 0)

    @invariant()
    def changes_follow_from_one_another(self) -> None:
        """Each change begins where the one before it ended."""
        states = [CLOSED, *(current for _, current in self.changes)]
        assert [previous for previous, _ in self.changes] == states[:-1]
        assert states[-1] is self.breaker.state


BreakerAndModel.TestCase.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)


class TestBreakerAndModel(BreakerAndModel.TestCase):  # type: ignore[misc]
    """Runs it."""
