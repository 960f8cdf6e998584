"""A reader misses nothing, in whatever order ids become visible; a subscriber never keeps more than a few messages."""

import asyncio
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from portal.kit import clock
from portal.kit.viewer import Viewer
from portal.live.channel import Channel
from portal.live.core.entries import Entry, Message
from portal.live.core.position import FORGET_SECONDS, MOST_GAPS, Position
from portal.live.hub import Hub
from portal.live.subscriber import MOST_WAITING, Subscriber
from portal.live.topics import Topic


@given(st.permutations(range(1, 30)), st.lists(st.integers(1, 5), min_size=30))
def test_every_id_is_seen_once(order: list[int], steps: list[int]) -> None:
    """Ids that show up in any order, a few at a time, are each read exactly once; the settled id never passes a gap."""
    position, seen, visible = Position(), [], set[int]()
    waiting = list(order)
    for step in steps:
        visible |= set(waiting[:step])
        waiting = waiting[step:]
        page = sorted(number for number in visible if number > position.last)
        page += [number for number in position.gaps if number in visible]
        position.take(page, now=0.0)
        seen += page
        assert set(range(1, position.settled + 1)) <= set(seen)
    assert sorted(seen) == list(range(1, 30))
    assert position.gaps == []
    assert position.settled == 29


def test_a_rolled_back_id_is_forgotten() -> None:
    """An id that never shows up is asked for during half a minute, then no more."""
    position = Position(10)
    position.take([12], now=0.0)
    assert (position.gaps, position.settled) == ([11], 10)
    position.take([13], now=FORGET_SECONDS - 1)
    assert position.gaps == [11]
    position.take([14], now=FORGET_SECONDS)
    assert (position.gaps, position.settled) == ([], 14)


def test_gaps_have_a_bound() -> None:
    """A leap over millions of ids costs no memory."""
    position = Position()
    position.take([10_000_000], now=0.0)
    assert len(position.gaps) <= MOST_GAPS


async def test_a_full_subscriber_gets_the_present() -> None:
    """Messages beyond a few are dropped for one snapshot, and what comes after it is told again."""
    hub = Hub()
    readings = iter(range(100))
    topic = Topic("queue", snapshot=lambda ids: {"reading": next(readings)}, digest=lambda entries: {})
    channel = Channel(hub, topic, frozenset({1}))
    subscriber = Subscriber([channel], Viewer(user_id=1, name="bob"), lambda left: None)
    later = asyncio.get_running_loop().time() + 5
    for number in range(MOST_WAITING * 10):
        subscriber.give(Message.of("queue", number, {}))
    messages = await subscriber.next(until=later)
    assert [message.text for message in messages] == ['{"snapshot":true,"skipped":false,"reading":0}']
    subscriber.give(Message.of("queue", 99, {}))
    assert [message.id for message in await subscriber.next(until=later)] == [99]
    assert await subscriber.next(until=asyncio.get_running_loop().time()) == []


async def test_what_hurries_does_not_wait_for_the_interval() -> None:
    """A topic that is told once an hour tells at once that something went down, and with it what waited to be told."""
    hub = Hub()
    topic = Topic(
        "health",
        snapshot=lambda ids: {},
        digest=lambda entries: {"moves": [entry.verb for entry in entries]},
        interval=3_600.0,
        prompt=("health.",),
    )
    channel = Channel(hub, topic, frozenset({1}))
    subscriber = Subscriber([channel], Viewer(user_id=1, name="bob"), lambda left: None)
    channel.subscribers.add(subscriber)
    later = asyncio.get_running_loop().time() + 20
    for number, verb in enumerate(("item.queued", "item.synced", "health.down"), 1):
        channel.gather([Entry(number, clock.now(), 1, "alice", verb, "component:1", "")], skipped=False)
        if number == 1:
            assert await moves(subscriber, later) == [["item.queued"]]
        for _turn in range(5):  # it begins to wait
            await asyncio.sleep(0)
    assert await moves(subscriber, later) == [["item.synced", "health.down"]]


async def moves(subscriber: Subscriber, until: float) -> list[Any]:
    """What the next messages tell of."""
    return [json.loads(message.text)["moves"] for message in await subscriber.next(until=until)]
