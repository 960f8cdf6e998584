"""The gate: an outage uses up no attempts, and one lane at a time finds out that it is over."""

from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from syncqueue.core.gate import GateRules, GateState, Sign, admits, begin_trial, step

NOW = datetime(2026, 11, 21, 3, 12, tzinfo=UTC)
RULES = GateRules()
RNG = Random(1)


def fail(gate: GateState, item: str, *, trial: bool = False) -> tuple[GateState, bool, tuple[str, ...]]:
    """One transport failure: the gate, whether it counts, who gets an attempt back."""
    done = step(gate, Sign.OUT, item=item, now=NOW, rules=RULES, rng=RNG, trial=trial)
    return done.state, done.counts, done.give_back


def test_the_fifth_failure_in_a_row_closes_it_and_gives_the_run_back() -> None:
    """Four failures count until the fifth shows that it was the upstream; then none of the five does."""
    gate = GateState()
    for item in "abca":
        gate, counts, back = fail(gate, item)
        assert (counts, back, gate.closed) == (True, (), False)
    gate, counts, back = fail(gate, "d")
    assert (counts, back, gate.closed) == (False, ("a", "b", "c", "a"), True)
    assert gate.next_try_at is not None
    assert gate.next_try_at > NOW


def test_a_success_in_between_ends_the_run() -> None:
    """Failures of single items never add up to an outage while others succeed."""
    gate = GateState()
    for _ in range(20):
        for item in "abcd":
            gate = fail(gate, item)[0]
        gate = step(gate, Sign.ALIVE, item="e", now=NOW, rules=RULES, rng=RNG).state
    assert not gate.closed
    assert gate.run == ()


def test_a_closed_gate_lets_one_lane_try_at_a_time() -> None:
    """Nobody before the time, one at the time, nobody beside that one."""
    gate = GateState(closed_since=NOW, closings=1, next_try_at=NOW + timedelta(seconds=2))
    assert admits(gate, 8, NOW).lanes == 0
    assert admits(gate, 8, NOW).wake == NOW + timedelta(seconds=2)
    later = NOW + timedelta(seconds=2)
    assert admits(gate, 8, later).lanes == 1
    assert admits(gate, 8, later).trial
    assert admits(begin_trial(gate, later, RULES), 8, later).lanes == 0


def test_the_pause_grows_with_each_failed_try_and_late_answers_change_nothing() -> None:
    """Only the trial's own failure counts for the pace; what was in flight when it closed does not."""
    gate = GateState(closed_since=NOW, closings=1, next_try_at=NOW)
    assert fail(gate, "x")[0] == gate
    pauses = []
    for _ in range(8):
        gate = fail(gate, "x", trial=True)[0]
        assert gate.next_try_at is not None
        pauses.append((gate.next_try_at - NOW).total_seconds())
    assert pauses[0] < pauses[2] < pauses[4]
    assert max(pauses) <= RULES.backoff.maximum


def test_a_throttle_delays_the_upstream_and_opens_a_closed_gate() -> None:
    """429 shows that it lives; it costs no attempt and is obeyed."""
    gate = GateState(closed_since=NOW, closings=3, next_try_at=NOW)
    done = step(gate, Sign.THROTTLED, item="a", now=NOW, rules=RULES, rng=RNG, retry_after=7.0)
    assert done.opened
    assert not done.counts
    assert admits(done.state, 8, NOW + timedelta(seconds=6.9)).lanes == 0
    assert admits(done.state, 8, NOW + timedelta(seconds=7.1)).lanes == 8


def test_a_pause_asked_for_beside_a_success_is_kept() -> None:
    """Backoff: the upstream took the change and wants to be left alone for a while."""
    done = step(GateState(), Sign.ALIVE, item="a", now=NOW, rules=RULES, rng=RNG, retry_after=30.0)
    assert admits(done.state, 8, NOW + timedelta(seconds=29)).lanes == 0
    assert admits(done.state, 8, NOW + timedelta(seconds=31)).lanes == 8
    again = step(done.state, Sign.ALIVE, item="b", now=NOW, rules=RULES, rng=RNG)
    assert again.state.delay_until == done.state.delay_until


@given(st.lists(st.tuples(st.sampled_from(list(Sign)), st.sampled_from("abcdef"), st.booleans())))
def test_no_outage_ever_costs_an_attempt(answers: list[tuple[Sign, str, bool]]) -> None:
    """Whatever happens: what counts minus what is given back is never negative, and a closed gate owes nobody anything."""
    gate, owed = GateState(), dict.fromkeys("abcdef", 0)
    for sign, item, trial in answers:
        done = step(gate, sign, item=item, now=NOW, rules=RULES, rng=RNG, trial=trial and gate.closed)
        owed[item] += done.counts and sign is Sign.OUT
        for other in done.give_back:
            owed[other] -= 1
        assert min(owed.values()) >= 0
        assert len(done.state.run) < RULES.failures
        if done.closed:
            assert done.state.run == ()
        gate = done.state
