"""How often one caller may ask."""

from typing import Any

from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from portal.api.core.rate import Rate, rule
from tests.api.conftest import Caller
from tests.support.people import People


@given(st.lists(st.floats(0, 2), max_size=200), st.integers(1, 20), st.floats(0.5, 50))
def test_no_stretch_of_time_has_more_than_rate_and_burst(gaps: list[float], burst: int, per_second: float) -> None:
    """From any passed request to any later one."""
    rate, now, due = Rate(per_second, burst), 1000.0, 0.0
    passed: list[float] = []
    for gap in gaps:
        now += gap
        ruling = rule(rate, due, now)
        due = ruling.due
        if not ruling.wait:
            passed.append(now)
    for index, start in enumerate(passed):
        for later, end in enumerate(passed[index:], 1):
            assert later <= burst + (end - start) * per_second + 1e-6


@given(st.integers(1, 20), st.floats(0.5, 50))
def test_waiting_as_told_is_enough(burst: int, per_second: float) -> None:
    """Retry-After tells the truth."""
    rate, due, now = Rate(per_second, burst), 0.0, 1000.0
    while not (ruling := rule(rate, due, now)).wait:
        due = ruling.due
    assert not rule(rate, due, now + ruling.wait).wait


def test_a_token_over_its_rate_gets_429(caller: Caller, people: People, settings: Any) -> None:
    """With the seconds to wait; another token goes on."""
    settings.BREAKWATER_API_RATE, settings.BREAKWATER_API_BURST = 0.01, 2
    alice, bob = caller(), caller(people.bob)
    assert [alice.get("/api/test/echo").status_code for _ in range(3)] == [200, 200, 429]
    answer = alice.get("/api/test/echo")
    assert answer.json()["type"].endswith("#too-many")
    assert 1 <= int(answer["Retry-After"]) <= 100
    assert bob.get("/api/test/echo").status_code == 200


def test_who_tries_tokens_is_slowed_down(people: People, settings: Any) -> None:
    """By address."""
    settings.BREAKWATER_STRANGER_RATE, settings.BREAKWATER_STRANGER_BURST = 0.01, 2
    client = Client(headers={"authorization": "Bearer bw_guess"})
    assert [client.get("/api/test/echo").status_code for _ in range(3)] == [401, 401, 429]
    other = Client(headers={"authorization": "Bearer bw_guess"}, REMOTE_ADDR="192.0.2.7")
    assert other.get("/api/test/echo").status_code == 401


def test_an_open_address_counts_by_address(people: People, settings: Any) -> None:
    """Who shows nothing is known by where it comes from."""
    settings.BREAKWATER_STRANGER_RATE, settings.BREAKWATER_STRANGER_BURST = 0.01, 1
    assert [Client().get("/api/test/open").status_code for _ in range(2)] == [200, 429]
