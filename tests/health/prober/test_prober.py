"""The prober against real servers: what it asks, when, and what comes of it."""

import asyncio

import pytest

from portal.events.models import Event
from resilience.health.models import Component, Flip, Outage, Probe, Result
from tests.health.prober.running import probing, watched
from tests.health.prober.servers import Peer, peers
from tests.support.people import People

pytestmark = pytest.mark.django_db(transaction=True)


def state() -> str:
    """How the one component stands."""
    return Component.objects.get().state


def test_a_server_that_dies_is_down_and_comes_back_by_itself(people: People) -> None:
    """Three failures in a row make it down, with an outage from the first of them; two good answers make it up and end it."""
    peer = Peer()
    watched(people, peer.url)

    async def scenario() -> None:
        async with peers(peer), probing() as world:
            await world.until(lambda: state() == "up")
            await peer.stop()
            await world.until(lambda: state() == "down")
            await peer.start()
            await world.until(lambda: state() == "up")
            assert await world.read(lambda: Probe.objects.get().state) == "up"

    asyncio.run(scenario())
    flips = list(Flip.objects.of_components().order_by("pk").values_list("before", "after"))
    assert flips == [("none", "up"), ("up", "down"), ("down", "up")]
    outage = Outage.objects.get()
    failed = Result.objects.filter(ok=False).order_by("at").first()
    assert failed is not None and outage.began_at == failed.at
    assert outage.ended_at is not None and not outage.by_hand
    verbs = list(Event.objects.filter(verb__startswith="health.").order_by("pk").values_list("verb", flat=True))
    assert verbs == ["health.up", "health.down", "health.up"]
    assert Event.objects.filter(verb="outage.opened").count() == Event.objects.filter(verb="outage.closed").count() == 1
