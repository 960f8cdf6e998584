"""What the queue's topic says in words."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from portal.live.core.entries import Entry
from syncqueue import live
from tests.support.people import make_people, make_upstream


def entry(number: int, verb: str, subject: str, **data: Any) -> Entry:
    """One event."""
    return Entry(number, datetime(2026, 11, 21, tzinfo=UTC), 1, "alice", verb, subject, json.dumps(data))


@pytest.mark.django_db
def test_notices_are_gathered_and_the_worst_comes_first() -> None:
    """Many of one kind make one notice; a single failure says why and names its item."""
    upstream = make_upstream(make_people().tidewater).pk
    entries = [entry(n, "item.synced", f"item:s{n}", upstream=upstream, lane=n) for n in range(3)]
    entries.append(entry(3, "item.failed", "item:f", upstream=upstream, lane=9, reason="unknown cost centre"))
    entries.append(entry(4, "breaker.opened", f"upstream:{upstream}", reason="It refuses connections"))
    told = live.digest(entries)
    assert [(notice["tone"], notice["text"], notice["item"]) for notice in told["notices"]] == [
        ("bad", "Plans API is down: It refuses connections. Its items wait, none is lost.", ""),
        ("bad", "An item for Plans API failed: unknown cost centre", "f"),
        ("ok", "3 items delivered to Plans API.", ""),
    ]
    assert {notice["about"] for notice in told["notices"]} == {f"upstream:{upstream}"}
    assert told["changed"] == ["f", "s2", "s1", "s0"]
    assert told["lanes"] == [9, 2, 1, 0]


@pytest.mark.django_db
def test_what_is_named_has_a_bound() -> None:
    """Hundreds of changes name the newest hundred and say that there are more."""
    told = live.digest([entry(n, "item.queued", f"item:{n}", lane=n) for n in range(300)])
    assert len(told["changed"]) == len(told["lanes"]) == 100
    assert told["changed"][0] == "299"
    assert told["more"] is True
    assert told["moves"] == {"item.queued": 300}
