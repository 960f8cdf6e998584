"""The scores: whatever the components are, what must hold holds; and the figures that docs/reference/health.md names."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilience.health import saying
from resilience.health.core.score import (
    PARTS,
    WEIGHTS,
    Facts,
    Why,
    component_score,
    network_score,
    status,
    system_score,
)
from resilience.health.core.states import Importance, State

pytestmark = pytest.mark.plain
KNOWN = [State.UP, State.SLOW, State.DOWN]
AGES = st.one_of(st.none(), st.floats(0, 1e6))

FACTS = st.builds(
    Facts,
    id=st.integers(1, 1_000),
    state=st.sampled_from(State),
    importance=st.sampled_from(Importance),
    queue=st.booleans(),
    breaker=st.sampled_from(["", "closed", "half_open", "open"]),
    waiting=st.integers(0, 10_000_000),
    age=AGES,
    conflicts=st.integers(0, 100_000),
    conflict_age=AGES,
)
MANY = st.lists(FACTS, max_size=12)


def well(number: int = 1, **said: object) -> Facts:
    """A component that is up, and sends what it gets."""
    return replace(Facts(id=number, state=State.UP, queue=True, breaker="closed"), **said)  # type: ignore[arg-type]


@given(FACTS)
def test_a_component_is_between_0_and_100(facts: Facts) -> None:
    """A known state has a score in bounds, and an unknown one has none."""
    score = component_score(facts)
    assert (score.value is not None) is facts.state.known
    assert score.value is None or 0 <= score.value <= 100


@given(MANY)
def test_the_system_is_between_0_and_100(components: list[Facts]) -> None:
    """It has a score exactly when anything is known of any component, never out of bounds."""
    score = system_score(components)
    assert (score.value is not None) is any(facts.state.known for facts in components)
    assert score.value is None or 0 <= score.value <= 100


@given(MANY)
def test_every_lost_point_is_named(components: list[Facts]) -> None:
    """What is missing from a part is the sum of its losses."""
    for part in system_score(components).parts:
        if part.score.exact is not None:
            lost = sum(one.points for one in part.score.lost)
            assert part.score.exact == pytest.approx(max(100 - lost, 0), abs=1e-6)
            assert all(one.points > 0 for one in part.score.lost)


@given(MANY, st.randoms())
def test_order_does_not_matter(components: list[Facts], random: object) -> None:
    """The same components in another order have the same score."""
    mixed = list(components)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert system_score(mixed).value == system_score(components).value


@given(MANY, st.integers(0, 11))
def test_worse_is_never_better(components: list[Facts], place: int) -> None:
    """When one component that was up goes down, the score does not rise."""
    before = [replace(facts, state=State.UP) if n == place else facts for n, facts in enumerate(components)]
    after = [replace(facts, state=State.DOWN) if n == place else facts for n, facts in enumerate(components)]
    assert (system_score(after).value or 0) <= (system_score(before).value or 0)


@given(MANY, st.integers(0, 11), st.integers(1, 1_000))
def test_more_waiting_is_never_better(components: list[Facts], place: int, more: int) -> None:
    """When more waits, the score does not rise."""
    after = [
        replace(facts, waiting=facts.waiting + more) if n == place else facts for n, facts in enumerate(components)
    ]
    assert (system_score(after).value or 0) <= (system_score(components).value or 0)


@given(MANY)
def test_caps(components: list[Facts]) -> None:
    """A critical component that is down caps the score at 40, a critical breaker that is open at 60."""
    score = system_score(components)
    critical = [one for one in components if one.importance is Importance.CRITICAL]
    if score.value is not None and any(one.state is State.DOWN for one in critical):
        assert score.value <= 40
    if score.value is not None and any(
        one.breaker == "open" and one.state is not State.MAINTENANCE for one in critical
    ):
        assert score.value <= 60


@given(MANY)
def test_100_means_that_nothing_is_wrong(components: list[Facts]) -> None:
    """However little it weighs, with anything down, slow or open nothing is 100."""
    counted = [one for one in components if one.state is not State.MAINTENANCE]
    wrong = any(one.state in (State.DOWN, State.SLOW) or one.breaker in ("open", "half_open") for one in counted)
    assert not (wrong and system_score(components).value == 100)


@given(MANY, st.integers(0, 11))
def test_maintenance_never_costs_anything(components: list[Facts], place: int) -> None:
    """When a component goes into maintenance the score does not fall, whatever waits for it and however the others stand."""
    after = [replace(facts, state=State.MAINTENANCE) if n == place else facts for n, facts in enumerate(components)]
    before, then = system_score(components).value, system_score(after).value
    assert before is None or then is None or then >= before


def test_the_only_upstream_in_maintenance() -> None:
    """Its parts keep their shares: the queue and the breakers lose nothing, and a decision that a person owes is still owed."""
    planned = well(1, state=State.MAINTENANCE, breaker="open", waiting=500, age=9_000.0, conflicts=2)
    score = system_score([planned, replace(well(2), queue=False, breaker="")])
    assert [part.score.value for part in score.parts[:3]] == [100, 100, 100]
    assert score.parts[3].score.lost
    assert system_score([planned]).value is None


def test_what_waits_in_maintenance_is_named() -> None:
    """The queue's page shows more than counts here: the reason says how many are left out."""
    planned = well(1, state=State.MAINTENANCE, waiting=20)
    (lost,) = system_score([planned, well(2, waiting=12)]).parts[1].score.lost
    assert saying.loss(lost, (), 0) == "12 waiting (without 20 in maintenance)"
    (lost,) = system_score([well(1, waiting=20), well(2, waiting=12)]).parts[1].score.lost
    assert saying.loss(lost, (), 0) == "32 waiting"


def test_of_breakwater_alone_there_is_no_score() -> None:
    """A portal without an upstream is not healthy: nobody knows."""
    own = Facts(1, State.UP, own=True)
    assert system_score([own]).value is None
    assert [part.score.value for part in system_score([own]).parts] == [None] * 4
    assert system_score([own, well(2)]).value == 100
    planned = system_score([own, well(2, state=State.MAINTENANCE, waiting=500)])
    assert (planned.value, [part.score.value for part in planned.parts]) == (None, [None, 100, 100, 100])


def test_one_small_flaw_among_many() -> None:
    """One of a thousand that is slow makes 99 of what would be rounded to 100."""
    everything = [*(well(n) for n in range(1_000)), well(1_000, state=State.SLOW)]
    assert system_score(everything).value == 99
    assert system_score(everything[:-1]).value == 100


def test_nothing_known_is_no_score() -> None:
    """Without any data there is no score, though nothing waits and no breaker is open."""
    score = system_score([well(state=State.NONE)])
    assert score.value is None
    assert score.parts[0].unknown == 1
    assert [part.score.value for part in score.parts] == [None, 100, 100, 100]


def test_importance_weighs() -> None:
    """A critical one counts five times, a high one three times."""
    down = well(1, state=State.DOWN, importance=Importance.HIGH)
    others = [well(n) for n in range(2, 5)]
    score = system_score([down, *others])
    assert score.parts[0].score.exact == pytest.approx(50)
    assert WEIGHTS[Importance.CRITICAL] == 5


def test_the_published_example() -> None:
    """The example of docs/reference/health.md."""
    plans = well(1, state=State.DOWN, breaker="open", waiting=125, age=24 * 60, importance=Importance.HIGH)
    openai = well(2, state=State.SLOW, waiting=6)
    others = [well(3, waiting=2), well(4, waiting=14, conflicts=3, conflict_age=41 * 60), well(5, waiting=1)]
    score = system_score([plans, openai, *others])
    assert [part.score.value for part in score.parts] == [51, 67, 80, 76]
    assert score.value == 64
    assert [round(part.score.exact or 0, 1) for part in score.parts] == [51.4, 67.0, 80.0, 75.8]
    assert component_score(plans).value == 0
    assert component_score(openai).value == 60


def test_parts_add_up() -> None:
    """The published shares are the whole."""
    assert sum(PARTS.values()) == pytest.approx(1)


def test_what_is_lost_most_comes_first() -> None:
    """Losses are in order of their points."""
    score = component_score(well(state=State.SLOW, breaker="half_open", waiting=1_000, age=1e6))
    assert [one.why for one in score.lost] == [Why.SLOW, Why.BREAKER_HALF_OPEN, Why.AGE, Why.BACKLOG]
    assert score.value == 20


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "unknown"), (100, "healthy"), (90, "healthy"), (89, "degraded"), (50, "degraded"), (49, "unhealthy")],
)
def test_thresholds(value: int | None, said: str) -> None:
    """A score that reaches a threshold is on its better side."""
    assert status(value, 90, 50) == said


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_the_network(answered: int, unanswered: int) -> None:
    """It is 100 only when everything was answered, and nothing when nothing was asked."""
    score = network_score(answered, unanswered)
    assert (score is None) is (answered + unanswered == 0)
    assert (score == 100) is (unanswered == 0 and answered > 0)
