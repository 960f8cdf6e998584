"""The plan as it will be once what waits in its lane is delivered, and what each waiting change does to it.

The portal is one client of the queue: all edits that are made on its pages are made one after the other on one document, which is
the copy with the portal's own waiting edits in it. What devices and integrations have waiting is listed, and not guessed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from conflicts.core import MISSING, merge
from conflicts.ruling import ruling
from portal.kit.viewer import Viewer
from portal.projects.core.reading import read_plan
from portal.projects.core.telling import Difference, differences
from portal.projects.models import Plan
from syncqueue.adapters.documents import apply_patch, same
from syncqueue.core import outgoing
from syncqueue.core.states import ItemState
from syncqueue.facts import gather
from syncqueue.models import Item, Lane
from syncqueue.rows import Row

CLIENT = "portal"
KIND = "plan_edit"
SHOWN = 20
MOST_TOLD = 8
_UNDER_WAY = (ItemState.QUEUED, ItemState.IN_FLIGHT, ItemState.RETRYING)


@dataclass(frozen=True, slots=True)
class Waiting:
    """One change that waits, as the plan's page lists it. `told` is what it does, place by place; `more` what is left out."""

    row: Row
    told: Sequence[Difference]
    more: int = 0

    @property
    def item(self) -> Item:
        """The item."""
        return self.row.item


def own(viewer: Viewer, plan: Plan) -> list[Item]:
    """The edits from the portal's pages that are on their way, in order. One in conflict or failed is not: its fate is open."""
    if plan.lane_id is None:
        return []
    items = Item.objects.for_org(viewer).open().filter(lane=plan.lane_id, client_id=CLIENT, stepped_over=False)
    return list(items.filter(state__in=_UNDER_WAY).select_related("lane").order_by("seq"))


def expected(viewer: Viewer, plan: Plan, items: Sequence[Item]) -> Any:
    """The document as it will be when these items are delivered; MISSING where there is none yet or none any more."""
    document = MISSING if plan.gone or not plan.known else plan.read()
    rules: Mapping[str, Any] | None = None
    for item in items:
        if rules is None:
            rules = ruling(viewer, plan.organization_id, KIND).rules
        document = _after(document, item, rules)
    return document


def _after(document: Any, item: Item, rules: Mapping[str, Any]) -> Any:
    going = outgoing.load(item.outgoing)
    if going.merged:
        return MISSING if going.merged.operation == "delete" else going.merged.payload
    part = going.joined
    operation, form = (part.operation, part.form) if part else (item.operation, item.form)
    payload = part.payload if part else item.read_payload()
    if operation == "delete":
        return MISSING
    if operation == "create":
        return payload if document is MISSING else document
    base = item.read_base() if item.base else document
    local = payload if form == "document" else apply_patch({} if base is MISSING else base, payload)
    if base is MISSING or document is MISSING or same(base, document):
        return local
    return merge(base, local, document, rules).draft


def made_on(plan: Plan, items: Sequence[Item]) -> str:
    """The version that the next edit is made on.

    While our own edits wait, the next one belongs to the same chain (syncqueue/core/versions.py) unless others wrote in between.
    """
    lane: Lane | None = plan.lane
    if not items or lane is None:
        return plan.version
    last = items[-1].base_version
    ours = lane.chain_client == CLIENT and lane.chain_base == last and lane.version == plan.version
    return last if ours else plan.version


def behind(plan: Plan) -> bool:
    """Whether our own deliveries moved the plan on and the copy does not show it: the upstream answered without the document.

    An edit on such a copy would follow those deliveries and take them back. The plan has to be read first.
    """
    lane: Lane | None = plan.lane
    ours = lane is not None and lane.chain_client == CLIENT and lane.chain_base == plan.version
    return lane is not None and ours and lane.version not in ("", plan.version)


def waiting(viewer: Viewer, plan: Plan, now: datetime) -> list[Waiting]:
    """What waits in the plan's lane, first to be sent first; at most 20."""
    if plan.lane_id is None:
        return []
    items = Item.objects.for_org(viewer).open().filter(lane=plan.lane_id, stepped_over=False)
    shown = list(items.select_related("lane", "upstream", "organization", "project").order_by("seq")[:SHOWN])
    return [_told(plan, Row.of(known, now)) for known in gather(viewer, shown)]


def _told(plan: Plan, row: Row) -> Waiting:
    item = row.item
    if item.operation != "update" or not item.payload:
        return Waiting(row, ())
    base = item.read_base() if item.base else plan.read() or {}
    after = item.read_payload() if item.form == "document" else apply_patch(base, item.read_payload())
    found = differences(read_plan(base), read_plan(after))
    return Waiting(row, found[:MOST_TOLD], max(len(found) - MOST_TOLD, 0))
