"""How components stand, when what is kept of them is too old, and when it is us who are cut off."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilience.health.core.blind import Sight, is_suspicious, name_of, reaches_nothing
from resilience.health.core.states import State
from resilience.health.core.status import Facts, answering_state, component_state, is_stale, read_state

pytestmark = pytest.mark.plain

NOW = datetime(2026, 11, 21, 3, 12, tzinfo=UTC)
states = st.lists(st.sampled_from([State.NONE, State.UP, State.SLOW, State.DOWN]), max_size=5)


@given(states, st.none() | st.booleans(), st.booleans())
def test_the_worst_known_state_holds(probes: list[State], out: bool | None, delivers: bool) -> None:
    """Down if any probe is down or the breaker is out, else slow if any is slow, else up if any is up."""
    found = answering_state(Facts(probes, out, delivers))
    if out or State.DOWN in probes:
        assert found is State.DOWN
    elif State.SLOW in probes:
        assert found is State.SLOW
    elif State.UP in probes:
        assert found is State.UP
    else:
        assert found in (State.UP, State.NONE)


def test_a_closed_breaker_alone_says_up_only_where_something_was_delivered() -> None:
    """Without a probe, a closed breaker of an upstream that nothing went to says nothing."""
    assert answering_state(Facts((), breaker_out=False, delivers=True)) is State.UP
    assert answering_state(Facts((), breaker_out=False)) is State.NONE
    assert answering_state(Facts((State.NONE,), breaker_out=False, delivers=True)) is State.NONE
    assert answering_state(Facts(())) is State.NONE


def test_in_an_outage_an_unknown_probe_may_be_the_one_that_failed() -> None:
    """What the others find is no end of it, until that one is heard; that anything is down is known at once."""
    for probes, found in (
        ((State.UP, State.NONE), State.NONE),
        ((State.UP, State.NONE, State.DOWN), State.DOWN),
        ((State.UP, State.SLOW), State.SLOW),
        ((), State.NONE),
    ):
        assert answering_state(Facts(probes, breaker_out=False, outage=True)) is found


@given(states, st.none() | st.booleans())
def test_maintenance_wins_for_showing(probes: list[State], out: bool | None) -> None:
    """While it is planned, it is shown, whatever answers."""
    facts = Facts(probes, out, maintenance=True)
    assert component_state(facts) is State.MAINTENANCE
    assert component_state(Facts(probes, out)) is answering_state(facts)


def test_old_results_say_nothing() -> None:
    """After three intervals and five seconds without a result of any probe nothing is known, since a dead prober writes nothing."""
    fresh, old = NOW - timedelta(seconds=94), NOW - timedelta(seconds=96)
    assert read_state(State.UP, [(30.0, fresh)], NOW) is State.UP
    assert read_state(State.UP, [(30.0, old)], NOW) is State.NONE
    assert read_state(State.DOWN, [(30.0, old), (60.0, old)], NOW) is State.DOWN
    assert read_state(State.UP, [(30.0, None)], NOW) is State.NONE
    assert read_state(State.UP, [], NOW) is State.UP
    assert is_stale(5.0, NOW - timedelta(seconds=21), NOW)


def test_one_host_is_suspicious_when_it_decides_or_another_fails_too() -> None:
    """The outside is asked when a failure would flip the probe, or when another host failed at the same time."""
    other = {"b": Sight(at=98.0, reached=False, interval=10.0)}
    assert not is_suspicious({}, "a", now=100.0, about_to_flip=False)
    assert is_suspicious({}, "a", now=100.0, about_to_flip=True)
    assert is_suspicious(other, "a", now=100.0, about_to_flip=False)
    assert not is_suspicious(other, "b", now=100.0, about_to_flip=False)
    assert not is_suspicious(other, "a", now=104.0, about_to_flip=False)


def test_without_an_outside_all_of_three_hosts_must_fail() -> None:
    """Two hosts are too few, one that answers is enough, and one that was asked long ago says nothing."""
    failing = {name: Sight(at=95.0, reached=False, interval=10.0) for name in "abc"}
    assert reaches_nothing(failing, 100.0)
    assert not reaches_nothing({name: failing[name] for name in "ab"}, 100.0)
    assert not reaches_nothing({**failing, "d": Sight(at=99.0, reached=True, interval=10.0)}, 100.0)
    assert reaches_nothing({**failing, "d": Sight(at=40.0, reached=True, interval=10.0)}, 100.0)
    assert not reaches_nothing(failing, 200.0)


def test_ports_of_one_machine_are_one_name() -> None:
    """Many ports that fail are that machine's fault, not ours."""
    assert name_of("db.example.org:5432") == name_of("db.example.org:443") == "db.example.org"
    assert name_of("db.example.org") == "db.example.org"
