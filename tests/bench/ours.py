"""Breakwater's own part of the bench: an empty portal with one upstream, filled as the REST API fills it."""

import time

from django.core.management import call_command

from portal.accounts.models import User
from portal.kit.viewer import Role, Viewer
from portal.tenancy.models import Membership, Organization
from resilience.upstreams.models import Upstream
from syncqueue.actions.enqueue import enqueue
from syncqueue.core.change import NewChange
from tests.bench.items import Change
from tests.bench.order import ROUTES, Order


def prepare(address: str, *, in_flight_limit: int = 50) -> Viewer:
    """Make the tables, an organization with one operator, and an upstream at `address`; return who enqueues."""
    call_command("migrate", verbosity=0)
    organization = Organization.objects.create(slug="bench", name="Bench")
    user = User.objects.create_user(username="bench")
    Membership.objects.create(organization=organization, user=user, role=Role.ADMIN)
    Upstream.objects.create(
        organization=organization,
        slug="sink",
        name="Sink",
        address=address.rpartition("/")[0],
        in_flight_limit=in_flight_limit,
        routes=ROUTES,
    )
    return Viewer(user_id=user.pk, name=user.username, roles={organization.pk: Role.ADMIN})


def wanted(change: Change) -> NewChange:
    """Return a change as a client hands it in: the first of an entity creates it, the others replace its document."""
    return NewChange(
        upstream="sink",
        kind="plan_edit",
        entity_type="plan",
        entity_id=change.entity,
        operation="create" if change.n == 1 else "update",
        form="document",
        payload=change.payload,
    )


def fill(order: Order) -> float:
    """Put the changes in by lists of 500, each a durable transaction, and return the seconds of that."""
    viewer = prepare(order.address)
    begun = time.perf_counter()
    for batch in order.batches():
        enqueue(viewer=viewer, changes=[wanted(change) for change in batch])
    return time.perf_counter() - begun
