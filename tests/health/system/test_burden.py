"""What the queue and the projects tell health: what waits, since when, whose it is, and which requests nobody answered."""

from datetime import timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from portal.kit import clock
from portal.kit.viewer import Role, Viewer
from portal.projects.models import Plan
from portal.tenancy.models import Membership
from resilience.health.providers import Load, calls, depths, impacts, loads
from syncqueue.core.states import ItemState
from syncqueue.models import Attempt, Counter, Sample
from tests.web.world import World, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None) -> World:
    """Two organizations with an upstream each."""
    made = make_world()
    made.upstream("plans")
    made.upstream("theirs", made.northlight)
    return made


def viewer(world: World, name: str) -> Viewer:
    """One of the people, with all that they may see."""
    user = world.people[name]
    roles = Membership.objects.filter(user=user).values_list("organization_id", "role")
    return Viewer(user_id=user.pk, name=name, roles={owner: Role(role) for owner, role in roles})


def test_load(world: World) -> None:
    """How many wait, are under way, failed and are in conflict, and since when the oldest of those that move waits."""
    world.item("plans", "a", age=60)
    oldest = world.item("plans", "b", ItemState.RETRYING, age=3_600)
    world.item("plans", "c", ItemState.IN_FLIGHT, age=5)
    world.item("plans", "d", ItemState.FAILED, age=90_000)
    world.item("plans", "e", ItemState.SYNCED, age=90_000)
    upstream = world.upstreams["plans"]
    Counter.objects.create(upstream=upstream, name="queued", slot=7, value=10)
    found = loads([upstream.pk, world.upstreams["theirs"].pk])
    assert found[world.upstreams["theirs"].pk] == Load()
    load = found[upstream.pk]
    assert (load.waiting, load.in_flight, load.failed, load.conflicts) == (13, 1, 1, 0)
    assert load.oldest_at == oldest.created_at


def test_load_costs_the_same(world: World, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    """Three queries, however many upstreams there are."""
    for n in range(5):
        world.upstream(f"u{n}")
        world.item(f"u{n}", "a")
        world.item(f"u{n}", "b", ItemState.CONFLICT)
    with django_assert_max_num_queries(3):
        loads([upstream.pk for upstream in world.upstreams.values()])


def test_impact(world: World) -> None:
    """What an outage holds up, for who may see it; a stranger is told nothing."""
    for entity in ("a", "a", "b"):
        world.item("plans", entity)
    upstream = world.upstreams["plans"]
    Plan.objects.create(organization=world.tidewater, upstream=upstream, entity_id="a")
    Plan.objects.create(organization=world.tidewater, upstream=upstream, entity_id="gone", gone=True)
    lines = impacts(viewer(world, "alice"), [upstream.pk])
    assert [(line.label, line.text, line.n, line.href, line.more) for line in lines] == [
        ("Waiting", "3 changes in 2 lanes", 3, "/resilience/queue?upstream=plans", "none lost"),
        ("Plans", "1 plan", 1, "/projects", "shown as last seen, edits wait"),
    ]
    assert impacts(viewer(world, "charlie"), [upstream.pk]) == []


def test_how_long_it_takes_to_send_what_waits(world: World) -> None:
    """By the minutes of the last hour in which something was delivered; nothing is claimed where none was, nor of what is stuck."""
    for n in range(36):
        world.item("plans", f"e{n}")
    now, upstream = clock.now(), world.upstreams["plans"]
    who = viewer(world, "alice")
    Sample.objects.bulk_create(
        Sample(upstream=upstream, at=now - timedelta(minutes=30 - n), waiting=0, delivered=500, refused=0)
        for n in range(20)
    )
    assert "Then drained" not in [line.label for line in impacts(who, [upstream.pk])]
    Sample.objects.bulk_create(
        Sample(
            upstream=upstream, at=now - timedelta(minutes=59 - n), waiting=0, delivered=500 - 12 * (9 - n), refused=0
        )
        for n in range(10)
    )
    drained = next(line for line in impacts(who, [upstream.pk]) if line.label == "Then drained")
    assert drained.text.replace("\u00a0", " ") == "in about 3 min, at 12 items a minute"
    assert drained.n == 3
    world.item("plans", "stuck", ItemState.FAILED)
    for entity in ("stuck", "stuck"):
        world.item("plans", entity)
    waiting, drained = impacts(who, [upstream.pk])[:2]
    assert (waiting.text, drained.n) == ("38 changes in 37 lanes", 3)
    assert drained.more == "as in the last hour; 2 in stuck lanes stay"
    world.item("plans", "another", ItemState.CONFLICT)
    assert impacts(who, [upstream.pk])[0].text == "38 changes in 37 lanes"  # nothing waits behind it


def test_whose_it_is(world: World) -> None:
    """Who belongs to several organizations reads how much is whose, the most first."""
    world.item("plans", "a")
    for entity in ("a", "b"):
        world.item("theirs", entity)
    Membership.objects.create(user=world.people["alice"], organization=world.northlight, role=Role.VIEWER.value)
    lines = impacts(viewer(world, "alice"), [upstream.pk for upstream in world.upstreams.values()])
    assert lines[0].text == "3 changes in 3 lanes"
    assert (lines[1].label, lines[1].text) == ("Organizations", "Northlight 2, Tidewater Labs 1")


def test_depths(world: World) -> None:
    """How much waited, at most 300 steps, each with its highest."""
    now, upstream = clock.now().replace(second=0, microsecond=0), world.upstreams["plans"]
    Sample.objects.bulk_create(
        Sample(upstream=upstream, at=now - timedelta(minutes=n), waiting=n, delivered=0, refused=0) for n in range(700)
    )
    found = depths(upstream.pk, now - timedelta(days=1), now)
    assert len(found) <= 300
    assert found[0][1] == 699
    assert depths(upstream.pk, now - timedelta(minutes=2), now)[-1] == (now, 0)


def test_calls(world: World) -> None:
    """A status is an answer, whatever it says; a request without one was answered by nobody."""
    item = world.item("plans", "a")
    now = clock.now()
    said = [("delivered", 200), ("rejected", 422), ("retry", 503), ("retry", None), ("unknown", None)]
    for number, (outcome, status) in enumerate(said, 10):
        Attempt.objects.create(
            item=item,
            number=number,
            epoch=1,
            worker="w",
            started_at=now,
            finished_at=now,
            outcome=outcome,
            status=status,
        )
    Attempt.objects.create(item=item, number=99, epoch=1, worker="w", started_at=now)
    assert calls(now - timedelta(minutes=1)) == {world.upstreams["plans"].pk: (3, 2)}
    assert calls(now + timedelta(minutes=1)) == {}
