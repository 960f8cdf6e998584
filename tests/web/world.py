"""A queue with one of everything, for the pages to show."""

import json
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db.models import F

from portal.accounts.models import User
from portal.kit import clock
from portal.kit.viewer import Role
from portal.tenancy.models import Membership, Organization, Project
from resilience.breakers.models import Breaker
from resilience.upstreams.models import Upstream
from syncqueue.core.checksum import checksum
from syncqueue.core.states import ItemState, LaneState
from syncqueue.models import Attempt, Counter, Item, Lane, Sample
from tests.support.breakers import stop

PASSWORD = "a-long-password"
PATHS = {
    ItemState.QUEUED: (),
    ItemState.IN_FLIGHT: (ItemState.IN_FLIGHT,),
    ItemState.RETRYING: (ItemState.IN_FLIGHT, ItemState.RETRYING),
    ItemState.CONFLICT: (ItemState.IN_FLIGHT, ItemState.CONFLICT),
    ItemState.FAILED: (ItemState.IN_FLIGHT, ItemState.FAILED),
    ItemState.SYNCED: (ItemState.IN_FLIGHT, ItemState.SYNCED),
    ItemState.CANCELLED: (ItemState.CANCELLED,),
}
EXCHANGE = {
    "method": "PATCH",
    "url": "http://plans/records/p-1",
    "request_headers": {"If-Match": '"18"', "Authorization": "••••••••"},
    "request_size": 17,
    "request_digest": "ab" * 32,
    "status": 503,
    "answer_headers": {"Retry-After": "5"},
    "answer_extract": "try later",
    "seconds": 0.31,
    "error": "",
}


@dataclass
class World:
    """alice is an admin of Tidewater, bob a viewer of it, charlie an admin of Northlight."""

    tidewater: Organization
    northlight: Organization
    project: Project
    people: dict[str, User]
    upstreams: dict[str, Upstream] = field(default_factory=dict)

    def upstream(self, slug: str, organization: Organization | None = None) -> Upstream:
        """An upstream with its breaker."""
        owner = organization or self.tidewater
        made = Upstream.objects.create(organization=owner, slug=slug, name=slug, address="http://127.0.0.1:9/v1")
        Breaker.objects.create(upstream=made, touched=clock.now())
        self.upstreams[slug] = made
        return made

    def item(
        self,
        slug: str,
        entity: str,
        state: ItemState = ItemState.QUEUED,
        *,
        age: float = 60,
        title: str = "",
        **fields: Any,
    ) -> Item:
        """An item in `state`, at the end of its entity's lane, with its counters."""
        upstream, now = self.upstreams[slug], clock.now()
        lane, _new = Lane.objects.get_or_create(
            upstream=upstream,
            entity_type="plan",
            entity_id=entity,
            defaults={"organization": upstream.organization, "title": title, "ready_at": now, "state": LaneState.READY},
        )
        lane.tail_seq += 1
        lane.depth += 1 if state.open else 0
        if state in (ItemState.FAILED, ItemState.CONFLICT):
            lane.state = LaneState.BLOCKED
        lane.save()
        made = Item(
            id=_id_at(age),
            organization=upstream.organization,
            upstream=upstream,
            lane=lane,
            seq=lane.tail_seq,
            kind="plan_edit",
            operation="update",
            created_at=now - timedelta(seconds=age),
            **{"payload": '{"title":"New"}', "base": '{"title":"Old"}', "actor": "alice", **fields},
        )
        made.idempotency_key = made.body_digest = made.pk.hex
        made.checksum = checksum(
            item_id=made.pk,
            entity_type="plan",
            entity_id=entity,
            operation="update",
            form=made.form,
            payload=made.payload,
            base=made.base,
            base_version=made.base_version,
        )
        made.save(force_insert=True)
        _count(upstream, made.item_state.slug, 1)
        self.move(made, *PATHS[state])
        return made

    def move(self, item: Item, *path: ItemState) -> None:
        """Moves an item along `path`, with its counters."""
        _count(item.upstream, item.item_state.slug, -1)
        for state in path:
            item.state = state
            item.finished_at = None if state.open else clock.now()
            item.save(update_fields=["state", "finished_at"])
        _count(item.upstream, item.item_state.slug, 1)


def _count(upstream: Upstream, name: str, by: int) -> None:
    Counter.objects.get_or_create(upstream=upstream, name=name, slot=0)
    Counter.objects.filter(upstream=upstream, name=name, slot=0).update(value=F("value") + by)


def _id_at(age: float) -> uuid.UUID:
    """A UUIDv7 of `age` seconds ago."""
    milliseconds = int((clock.now().timestamp() - age) * 1000)
    rest = uuid.uuid4().int
    return uuid.UUID(
        int=(milliseconds << 80) | (7 << 76) | (rest & (0xFFF << 64)) | (2 << 62) | (rest & ((1 << 62) - 1))
    )


def make_world() -> World:
    """Two organizations and their people, without any item."""
    tidewater = Organization.objects.create(slug="tidewater", name="Tidewater Labs")
    northlight = Organization.objects.create(slug="northlight", name="Northlight")
    people = {name: User.objects.create_user(name, password=PASSWORD) for name in ("alice", "bob", "charlie")}
    for name, organization, role in (
        ("alice", tidewater, Role.ADMIN),
        ("bob", tidewater, Role.VIEWER),
        ("charlie", northlight, Role.ADMIN),
    ):
        Membership.objects.create(organization=organization, user=people[name], role=role)
    project = Project.objects.create(organization=tidewater, slug="web", name="Web")
    return World(tidewater, northlight, project, people)


def fill(world: World) -> dict[str, Item]:
    """One item of each state, an upstream that is out, an item with attempts, and an hour of samples."""
    world.upstream("plans-api")
    world.upstream("billing")
    world.upstream("northern", world.northlight)
    now = clock.now()
    stop(world.upstreams["plans-api"], since=timedelta(minutes=24), wait=timedelta(minutes=5), openings=3)
    items = {
        "conflict": world.item(
            "plans-api",
            "p-9",
            ItemState.CONFLICT,
            age=2460,
            title="Onboarding revamp",
            remote='{"title":"Theirs","owner":"Ines"}',
            remote_version='"9"',
        ),
        "behind": world.item("plans-api", "p-9", age=2000, title="Onboarding revamp"),
        "failed": world.item(
            "billing",
            "INV-2209",
            ItemState.FAILED,
            age=4080,
            attempts=1,
            sends=1,
            reason="Refused (422): no such code.",
        ),
        "retrying": world.item(
            "plans-api",
            "p-1",
            ItemState.RETRYING,
            age=1500,
            title="Wire up webhook retries",
            attempts=1,
            sends=1,
            project=world.project,
            reason="503 Service Unavailable.",
        ),
        "queued": world.item("plans-api", "p-1", age=1200, title="Wire up webhook retries"),
        "synced": world.item("billing", "INV-1", ItemState.SYNCED, age=600, sends=1),
        "cancelled": world.item("billing", "INV-2", ItemState.CANCELLED, age=600),
        "foreign": world.item("northern", "n-1", ItemState.FAILED, age=60, title="Northlight secret"),
    }
    Attempt.objects.create(
        item=items["retrying"],
        number=1,
        epoch=1,
        worker="pump-0",
        started_at=now - timedelta(minutes=20),
        finished_at=now - timedelta(minutes=20),
        outcome="retry",
        counted=True,
        status=503,
        seconds=0.31,
        reason="503 Service Unavailable after 310 ms.",
        exchanges=json.dumps([EXCHANGE]),
    )
    minute = now.replace(second=0, microsecond=0)
    Sample.objects.bulk_create(
        Sample(
            upstream=world.upstreams["billing"],
            at=minute - timedelta(minutes=ago),
            waiting=ago % 5,
            delivered=(60 - ago) * 3,
            refused=(60 - ago) // 10,
        )
        for ago in range(60)
    )
    return items
