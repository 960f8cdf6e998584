"""The prober against real servers: what it asks, when, and what comes of it."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import F

from portal.duties.models import ProcessingLock
from portal.events.models import Event
from portal.kit import clock
from resilience.breakers.models import Breaker
from resilience.health.core.status import stale_after
from resilience.health.models import Component, Flip, Maintenance, Outage, Probe, Result
from resilience.health.store import Fence
from tests.health.prober.running import QUICK, probing, watched
from tests.health.prober.servers import Peer, peers
from tests.support.breakers import stop
from tests.support.people import People
from tests.support.ports import free_port

pytestmark = pytest.mark.django_db(transaction=True)


def state(slug: str = "plans-api") -> str:
    """How a component stands."""
    return Component.objects.get(slug=slug).state


def runs(at_least: int, **said: object) -> Callable[[], bool]:
    """Whether there are so many results."""
    return lambda: Result.objects.filter(**said).count() >= at_least


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

    asyncio.run(scenario())
    flips = list(Flip.objects.of_components().order_by("pk").values_list("before", "after"))
    assert flips == [("none", "up"), ("up", "down"), ("down", "up")]
    outage = Outage.objects.get()
    failed = Result.objects.filter(ok=False).order_by("at").values_list("at", flat=True)
    assert outage.began_at == failed[0]
    assert outage.ended_at is not None
    verbs = list(Event.objects.filter(verb__startswith="health.").order_by("pk").values_list("verb", flat=True))
    assert verbs == ["health.up", "health.down", "health.up"]
    assert Event.objects.filter(verb="outage.opened").count() == Event.objects.filter(verb="outage.closed").count() == 1


def test_credentials_go_out_with_the_upstreams_own_address_only(people: People) -> None:
    """The probe without an address has the upstream's headers and password; one with an address of its own has neither."""
    own, other = Peer(status=404), Peer()
    probe = watched(people, own.url, upstream_headers={"X-Client": "breakwater"})
    upstream = probe.component.upstream
    assert upstream is not None
    upstream.keep_credentials({"type": "bearer", "token": "hush-hush"})
    upstream.save()
    Probe.objects.create(component=probe.component, name="status", kind="http", address=other.url, interval=QUICK)

    async def scenario() -> None:
        async with peers(own, other), probing() as world:
            await world.until(lambda: not Probe.objects.filter(runs=0).exists())

    asyncio.run(scenario())
    assert own.headers["Authorization"] == "Bearer hush-hush"
    assert own.headers["X-Client"] == "breakwater"
    assert other.asked
    assert not {"Authorization", "X-Client"} & set(other.headers)
    assert state() == "up"  # what refuses is alive


def skipped() -> int:
    """How many runs were left out."""
    return sum(Probe.objects.values_list("skipped", flat=True))


def test_a_run_is_skipped_rather_than_queued(people: People) -> None:
    """Where the last run still waits for its turn, the next is left out and counted, and does not come later."""
    peer = Peer(never=True)
    probe = watched(people, peer.url)
    for number in range(5):
        Probe.objects.create(
            component=probe.component, name=f"p{number}", kind="http", address=peer.url, interval=QUICK
        )

    async def scenario() -> None:
        async with peers(peer), probing(per_host=1) as world:
            began = time.monotonic()
            await world.until(lambda: skipped() >= 80)
            assert peer.most == 1
            peer.never = False
            before = peer.asked
            await world.saw(lambda: peer.asked >= before + 30)
            asked, due = peer.asked, 6 * (time.monotonic() - began) / QUICK
            assert asked + await world.read(skipped) <= due + 12

    asyncio.run(scenario())


def test_a_host_is_asked_a_few_times_at_once(people: People) -> None:
    """No more than `per_host`, however many of its probes are due."""
    peer = Peer(delay=0.05)
    probe = watched(people, peer.url)
    for number in range(12):
        Probe.objects.create(component=probe.component, name=f"p{number}", kind="http", address=peer.url, interval=0.2)

    async def scenario() -> None:
        async with peers(peer), probing(per_host=3) as world:
            await world.until(runs(60))

    asyncio.run(scenario())
    assert peer.most == 3


@pytest.mark.parametrize("how", ["never", "endless"])
def test_servers_that_never_end_delay_no_other(people: People, how: str) -> None:
    """Twelve hosts that hang hold their own probes up, while another one keeps its rhythm."""
    bad = [Peer(host=f"127.0.0.{number + 2}", never=how == "never", endless=how == "endless") for number in range(12)]
    good = Peer()
    probe = watched(people, good.url)
    for number, peer in enumerate(bad):
        for twice in range(2):
            name = f"bad {number}.{twice}"
            Probe.objects.create(
                component=probe.component, name=name, kind="http", address=peer.url, interval=2.0, timeout=2.0
            )

    async def scenario() -> None:
        async with peers(good, *bad), probing(concurrency=20, per_host=2) as world:
            await world.saw(lambda: sum(peer.now for peer in bad) >= 8)
            before = await world.read(lambda: Result.objects.filter(probe=probe).count())
            await world.until(lambda: Probe.objects.filter(name__startswith="bad", last_ok=False).count() >= 12)
            after = await world.read(lambda: Result.objects.filter(probe=probe).count())
            assert after - before >= 8  # had it waited for those that hang, it would have come twice

    asyncio.run(scenario())


def silent(people: People, count: int) -> list[Peer]:
    """Hosts that take requests and never answer, each with an upstream."""
    made = [Peer(host=f"127.0.0.{number + 2}", never=True) for number in range(count)]
    for number, peer in enumerate(made):
        watched(
            people, peer.url, f"up-{number}", interval=0.4
        )  # what is older than twice as much is not held against us
    return made


def test_failures_are_ours_when_the_outside_is_out_of_reach(people: People) -> None:
    """Results are kept and marked, nobody goes down; once the outside answers, the same failures count."""
    hosts, port = silent(people, 2), free_port()

    async def scenario() -> None:
        async with peers(*hosts), probing(outside_test=f"127.0.0.1:{port}") as world:
            await world.until(runs(12, blind=True))
            assert await world.read(lambda: not Component.objects.filter(state="down").exists())
            outside = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", port)
            await world.until(lambda: Component.objects.filter(state="down").count() == 2)
            outside.close()

    asyncio.run(scenario())


def test_without_an_outside_test_three_silent_hosts_are_our_fault(people: People) -> None:
    """While every known host is silent nobody goes down; with one that answers, the others are down."""
    hosts, good = silent(people, 3), Peer()

    async def scenario() -> None:
        async with peers(*hosts, good), probing() as world:
            await world.until(runs(15, blind=True))
            assert await world.read(lambda: not Component.objects.filter(state="down").exists())
            await world.read(lambda: bool(watched(people, good.url, "good")))
            await world.until(lambda: Component.objects.filter(state="down").count() == 3)
            assert await world.read(lambda: state("good")) == "up"

    asyncio.run(scenario())


@pytest.mark.parametrize("feeds", [True, False])
def test_a_probe_feeds_the_breaker_only_where_it_may(people: People, feeds: bool) -> None:
    """Failures open the breaker of a component that says so, good answers close it again; of another one they do neither."""
    peer = Peer(status=503)
    figures = {
        "circuit_breaker.failure_threshold": 3,
        "circuit_breaker.cooldown_ms": 300,
        "circuit_breaker.success_threshold": 1,
    }
    watched(people, peer.url, component_feeds_breaker=feeds, upstream_figures=figures)

    async def scenario() -> None:
        async with peers(peer), probing() as world:
            await world.until(lambda: state() == "down")
            if not feeds:
                assert await world.read(lambda: not Breaker.objects.out().exists())
                return
            await world.until(lambda: Breaker.objects.out().exists())
            peer.status = 200
            await world.until(lambda: not Breaker.objects.out().exists())
            await world.until(lambda: state() == "up")

    asyncio.run(scenario())


def test_a_breaker_that_deliveries_open_is_down_within_a_second(people: People) -> None:
    """Though the probe is well, and up again as soon when it closes."""
    peer = Peer()
    probe = watched(people, peer.url)
    upstream = probe.component.upstream
    assert upstream is not None

    async def scenario() -> None:
        async with peers(peer), probing() as world:
            await world.until(lambda: state() == "up")
            await world.read(lambda: bool(stop(upstream, since=timedelta(0))))
            await world.until(lambda: state() == "down", seconds=1.5)
            await world.read(lambda: Breaker.objects.update(state="closed", touched=clock.now(), since=clock.now()))
            await world.until(lambda: state() == "up", seconds=1.5)

    asyncio.run(scenario())


def test_what_people_change_is_noticed(people: People) -> None:
    """A new probe runs, one that is switched off stops and knows nothing, one that is removed takes its trouble with it."""
    peer, dead = Peer(), f"http://127.0.0.1:{free_port()}/"
    probe = watched(people, peer.url)

    def add() -> Probe:
        return Probe.objects.create(
            component=probe.component, name="new", kind="http", address=dead, interval=QUICK, options={"status": 200}
        )

    async def scenario() -> None:
        async with peers(peer), probing() as world:
            await world.until(lambda: state() == "up")
            added = await world.read(add)
            await world.until(lambda: state() == "down")
            await world.read(
                lambda: Probe.objects.filter(pk=added.pk).update(address=peer.url, revision=F("revision") + 1)
            )
            await world.until(lambda: state() == "up")
            off = {"enabled": False, "revision": F("revision") + 1}
            await world.read(lambda: Probe.objects.filter(pk=added.pk).update(**off))
            await world.until(lambda: Probe.objects.get(pk=added.pk).state == "none")
            assert await world.read(state) == "up"
            await world.read(lambda: Probe.objects.all().delete())
            await world.until(lambda: state() == "none")

    asyncio.run(scenario())


def test_maintenance_begins_and_ends_by_the_clock(people: People) -> None:
    """The component shows it while it is planned, its results are marked, and nobody is told of an outage."""
    peer = Peer(status=503)
    watched(people, peer.url)
    now = clock.now()
    Maintenance.objects.create(
        organization=people.tidewater,
        title="Move",
        starts_at=now,
        ends_at=now + timedelta(seconds=6),
        created_by="alice",
    )

    async def scenario() -> None:
        async with peers(peer), probing() as world:
            await world.until(lambda: state() == "maintenance")
            await world.until(runs(8, maintenance=True, ok=False))
            assert await world.read(lambda: not Outage.objects.exists())
            await world.until(lambda: state() == "down")

    asyncio.run(scenario())
    assert Outage.objects.get().began_at >= now + timedelta(seconds=6)


def test_the_time_without_a_prober_is_no_data(people: People) -> None:
    """When it comes back after a gap, the component is none from the first run that is missing, until something answers again."""
    peer = Peer()
    probe = watched(people, peer.url)
    since, last = clock.now() - timedelta(hours=2), clock.now() - timedelta(hours=1)
    Probe.objects.update(state="up", since=since, last_at=last, last_ok=True)
    Component.objects.update(state="up", since=since)

    async def scenario() -> None:
        async with peers(peer), probing() as world:
            await world.until(lambda: Flip.objects.of_components().count() == 2)

    asyncio.run(scenario())
    gap, back = Flip.objects.of_components().order_by("pk")
    assert (gap.before, gap.after, back.before, back.after) == ("up", "none", "none", "up")
    assert gap.at == last + timedelta(seconds=probe.interval)
    assert back.at > last + stale_after(probe.interval)


def test_a_prober_that_lost_its_duty_ends_and_writes_nothing_more(people: People) -> None:
    """As soon as somebody else holds the lock, however it came that nobody told us."""
    peer = Peer()
    watched(people, peer.url)
    ProcessingLock.objects.create(duty="prober", fence=1, owner="prober#1@here:1")

    async def scenario() -> None:
        async with peers(peer), probing(fence=Fence("prober", 1, "prober#1@here:1")) as world:
            await world.until(runs(3))
            await world.read(lambda: ProcessingLock.objects.update(fence=2, owner="prober#2@there:2"))
            written = await world.read(Result.objects.count)
            asked = peer.asked
            await asyncio.wait_for(world.task, 5)
            assert await world.read(Result.objects.count) == written
            assert peer.asked - asked < 40

    asyncio.run(scenario())


def test_a_probe_that_cannot_be_asked_is_down_with_its_reason(people: People) -> None:
    """An unknown kind harms nobody else."""
    peer = Peer()
    probe = watched(people, peer.url)
    Probe.objects.create(component=probe.component, name="odd", kind="smoke", interval=QUICK)

    async def scenario() -> None:
        async with peers(peer), probing() as world:
            await world.until(lambda: state() == "down")

    asyncio.run(scenario())
    assert "no kind of probe called smoke" in Component.objects.get().reason
    assert Probe.objects.get(pk=probe.pk).state == "up"
