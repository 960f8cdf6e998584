"""Conflicts as a delivery makes them: enqueued, claimed, refused by the upstream, merged and noted, without a network."""

from random import Random
from typing import Any

from conflicts.core import MISSING
from conflicts.models import Conflict
from portal.kit.viewer import Viewer
from syncqueue.actions.deliver import Desk, Rules, Share
from syncqueue.actions.enqueue import enqueue
from syncqueue.adapters.base import Conflicted, Delivered, Outcome
from syncqueue.core.change import NewChange
from syncqueue.core.jobs import Assignment, Finished
from syncqueue.reconcile import examine, gather
from tests.support.breakers import still_breakers

BASE: dict[str, Any] = {"title": "Harbour wall", "status": "draft", "owner": "Mira"}
LOCAL: dict[str, Any] = {**BASE, "title": "Harbour wall, phase two"}
REMOTE: dict[str, Any] = {**BASE, "title": "Harbour wall (north)", "status": "active"}


def desk() -> Desk:
    """A pump's desk."""
    return Desk(owner="pump-0#1", share=Share(), rules=Rules.from_settings(), rng=Random(1), breakers=still_breakers())


def meet(
    viewer: Viewer,
    *,
    base: Any = BASE,
    local: Any = LOCAL,
    remote: Any = REMOTE,
    entity_id: str = "p-1",
    version: str = '"9"',
    **said: Any,
) -> Conflict:
    """The conflict of a change that was made on `base` and met `remote`. MISSING as `local` is a delete, as `remote` a deleted entity."""
    gone = local is MISSING
    change = NewChange(
        **{
            "kind": "plan_edit",
            "upstream": "plans-api",
            "entity_type": "plan",
            "entity_id": entity_id,
            "operation": "delete" if gone else "update",
            "form": "document",
            "payload": None if gone else local,
            "base": base,
            "base_version": '"7"',
            "client_id": "laptop-7",
            **said,
        }
    )
    item = enqueue(viewer=viewer, changes=[change])[0].item
    at = desk()
    job = next(one for one in at.turn([]).assignments if one.item_id == item.pk)
    refuse(at, job, remote, version)
    return Conflict.objects.unscoped().get(item_id=item.pk)


def refuse(at: Desk, job: Assignment, remote: Any, version: str) -> list[Assignment]:
    """What is sent next after the upstream refused `job`, because it has `remote`."""
    found = Conflicted(None if remote is MISSING else remote, version, "Somebody else changed it")
    return at.turn([Finished(job, found, 0.01, examine(gather(job, found)))]).assignments


def answer(at: Desk, job: Assignment, outcome: Outcome | None = None) -> None:
    """The upstream answers `job`, well if nothing else is said."""
    at.turn([Finished(job, outcome or Delivered('"10"', None, "sent"), 0.01)])
