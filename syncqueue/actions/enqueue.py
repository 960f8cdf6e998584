"""Taking changes in: checked, numbered per entity and stored in one durable transaction, all or none.

1. Find out where each change goes: organization, kind, upstream, entity, operation (`_placed`).
2. Give back what was taken in before under the same idempotency key.
3. Take the next numbers of the lanes, lanes first and in order: their row locks make number order equal commit order.
4. Store items, events and counters.
"""

from collections import Counter as Count
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from portal.accounts.models import User
from portal.events.models import Event
from portal.kit import clock, jsontext
from portal.kit.errors import Conflicting, Fault, Forbidden, Invalid, NotFound, Unavailable
from portal.kit.ids import uuid7
from portal.kit.viewer import Permission, Viewer
from portal.tenancy.models import Organization, Project
from resilience.upstreams.models import Upstream
from syncqueue import kinds, store
from syncqueue.core.change import MISSING, NewChange, form_of, place_faults, text_faults
from syncqueue.core.checksum import checksum
from syncqueue.core.states import ItemState
from syncqueue.core.versions import Chain, version_unsaid
from syncqueue.models import Item


class KeyReused(Conflicting):
    """This idempotency key was used for another change. Use a new key, or send the same change again."""

    code = "idempotency-key-reused"


@dataclass(frozen=True, slots=True)
class Enqueued:
    """An item that stands for a change; `created` is False when it was taken in before under the same key."""

    item: Item
    created: bool


@dataclass(frozen=True, slots=True)
class _Placed:
    """A change that is known to be acceptable, and where it goes."""

    change: NewChange
    organization: Organization
    upstream: Upstream
    project: Project | None
    entity_type: str
    entity_id: str
    operation: str
    form: str
    free: bool
    title: str
    payload: str
    base: str
    assigned_by: str
    item_id: UUID
    key: str
    digest: str


def enqueue(*, viewer: Viewer, changes: Sequence[NewChange]) -> list[Enqueued]:
    """The items that now stand for `changes`, in the same order, durably stored.

    Raises Invalid with a pointer for each fault (prefixed by the index when there are several changes), KeyReused, Forbidden or
    NotFound; nothing is stored then. Raises Unavailable when the database cannot store them now.
    """
    try:
        placed = _Placing(viewer, changes).all()
        try:
            return _store(viewer, placed)
        except IntegrityError:  # the same key was committed by another request meanwhile: now it can be read
            return _store(viewer, placed)
    except IntegrityError:
        raise
    except DatabaseError as error:
        raise Unavailable(_("The database could not store the change: %s") % type(error).__name__) from error


class _Placing:
    """Step 1: reads what the changes name, once for all of them, and collects every fault."""

    def __init__(self, viewer: Viewer, changes: Sequence[NewChange]) -> None:
        self.viewer = viewer
        self.changes = changes
        self.named = viewer.by_role()
        self.organizations = {row.slug: row for row in Organization.objects.for_org(self.named)}
        self.upstreams = list(Upstream.objects.for_org(self.named).select_related("organization"))
        self.projects = self._projects()
        self.assigners = self._assigners()
        self.faults: list[Fault] = []

    def all(self) -> list[_Placed]:
        """The changes with where they go; raises Invalid with all faults."""
        if not self.changes:
            raise Invalid.at("", _("There is no change in this request."))
        if len(self.changes) > settings.SYNCQUEUE["items_per_request"]:
            raise Invalid.at("", _("At most %d changes in one request.") % settings.SYNCQUEUE["items_per_request"])
        placed = [self._place(index, change) for index, change in enumerate(self.changes)]
        if self.faults:
            raise Invalid(self.faults[0].detail, faults=self.faults)
        return [row for row in placed if row is not None]

    def _place(self, index: int, change: NewChange) -> _Placed | None:
        prefix = f"/{index}" if len(self.changes) > 1 else ""
        try:
            return self._placed(change)
        except Invalid as error:
            self.faults += [replace(fault, pointer=prefix + fault.pointer) for fault in error.faults]
        except (Forbidden, NotFound) as error:
            raise type(error)(
                error.detail, faults=[replace(f, pointer=prefix + f.pointer) for f in error.faults]
            ) from None
        return None

    def _placed(self, change: NewChange) -> _Placed:
        _refuse(text_faults(change))
        kind = kinds.get(change.kind)
        organization = self._organization(change)
        self.viewer.require(Permission.ENQUEUE, organization.pk)
        route = kind.route(change.payload, change)
        item_id = uuid7()
        entity_type = change.entity_type or route.entity_type or ""
        entity_id = change.entity_id or route.entity_id or ("" if kind.ordered else str(item_id))
        operation = change.operation or route.operation or ""
        _refuse(place_faults(entity_type, entity_id, operation))
        form = form_of(change, operation)
        upstream = self._upstream(change.upstream or route.upstream or "", organization, entity_type)
        _refuse(kind.faults(change.payload, operation=operation, form=form))
        payload = "" if operation == "delete" and change.payload is None else jsontext.dump(change.payload)
        base = "" if change.base is MISSING else jsontext.dump(change.base)
        _refuse(_size_faults(payload, base))
        return _Placed(
            change=change,
            organization=organization,
            upstream=upstream,
            project=self._project(change, organization),
            entity_type=entity_type,
            entity_id=entity_id,
            operation=operation,
            form=form,
            free=kind.last_writer_wins or bool(base) or operation == "create",
            title=kind.title_of(change.payload)[:200],
            payload=payload,
            base=base,
            assigned_by=self._assigner(change, organization),
            item_id=item_id,
            key=change.idempotency_key or str(item_id),
            digest=change.digest(),
        )

    def _organization(self, change: NewChange) -> Organization:
        if change.organization:
            found = self.organizations.get(change.organization)
            if found is None:
                raise Invalid.at("/organization", _("You belong to no organization of this name."))
            return found
        if len(self.organizations) == 1:
            return next(iter(self.organizations.values()))
        named = {row.organization_id: row.organization for row in self.upstreams if row.slug == change.upstream}
        if len(named) == 1:
            return next(iter(named.values()))
        raise Invalid.at("/organization", _("You belong to several organizations (or none): say which."))

    def _upstream(self, slug: str, organization: Organization, entity_type: str) -> Upstream:
        own = [row for row in self.upstreams if row.organization_id == organization.pk]
        fitting = [row for row in own if (row.slug == slug if slug else entity_type in row.routes)]
        if slug and not fitting:
            raise Invalid.at("/upstream", _("%s has no upstream of this name.") % organization.name)
        if not own:
            raise Invalid.at("/upstream", _("%s has no upstream yet. An admin adds one.") % organization.name)
        if not fitting and entity_type:
            raise Invalid.at("/entity_type", _("No upstream of %s has a route for this type.") % organization.name)
        if len(fitting) != 1:
            raise Invalid.at("/upstream", _("Say which upstream; %d of them take this type.") % len(fitting))
        if entity_type not in fitting[0].routes:
            known = ", ".join(sorted(fitting[0].routes)) or "–"
            raise Invalid.at(
                "/entity_type",
                _("%(upstream)s has no route for this type. It has: %(known)s.")
                % {"upstream": fitting[0].slug, "known": known},
            )
        return fitting[0]

    def _projects(self) -> dict[tuple[int, str], Project]:
        slugs = {change.project for change in self.changes if change.project}
        if not slugs:
            return {}
        return {(p.organization_id, p.slug): p for p in Project.objects.for_org(self.named).filter(slug__in=slugs)}

    def _project(self, change: NewChange, organization: Organization) -> Project | None:
        if not change.project:
            return None
        found = self.projects.get((organization.pk, change.project))
        if found is None:
            raise Invalid.at("/project", _("%s has no project of this name.") % organization.name)
        return found

    def _assigners(self) -> set[tuple[int, str]]:
        names = {change.assigned_by for change in self.changes if change.assigned_by}
        if not names or not settings.FORCE_ORG_ENFORCEMENT:
            return set()
        members = User.objects.filter(username__in=names, memberships__organization_id__in=self.named.organization_ids)
        return set(members.values_list("memberships__organization_id", "username"))

    def _assigner(self, change: NewChange, organization: Organization) -> str:
        if not change.assigned_by:
            return self.viewer.name
        if settings.FORCE_ORG_ENFORCEMENT and (organization.pk, change.assigned_by) not in self.assigners:
            raise Invalid.at("/assigned_by", _("This person is no member of %s.") % organization.name)
        return change.assigned_by


def _refuse(faults: Iterable[Fault]) -> None:
    found = list(faults)
    if found:
        raise Invalid(found[0].detail, faults=found)


def _size_faults(payload: str, base: str) -> Iterable[Fault]:
    limit = int(settings.SYNCQUEUE["item_bytes"])
    for pointer, text in (("/payload", payload), ("/base", base)):
        size = len(text.encode())
        if size > limit:
            yield Fault(pointer, _("At most %(limit)d bytes; this has %(size)d.") % {"limit": limit, "size": size})


def _store(viewer: Viewer, placed: Sequence[_Placed]) -> list[Enqueued]:
    with transaction.atomic():
        known = _known(placed)
        fresh: dict[tuple[int, str], _Placed] = {}
        for index, row in enumerate(placed):
            twin = fresh.setdefault((row.organization.pk, row.key), row)
            seen = known.get((row.organization.pk, row.key))
            if (seen.body_digest if seen else twin.digest) != row.digest:
                pointer = f"/{index}/idempotency_key" if len(placed) > 1 else "/idempotency_key"
                raise KeyReused(faults=[Fault(pointer, _("Used before for another change."))])
        items = _insert(viewer, [row for key, row in fresh.items() if key not in known])
    made = {(item.organization_id, item.idempotency_key): item for item in items}
    answers = []
    for row in placed:
        key = (row.organization.pk, row.key)
        answers.append(Enqueued(made.get(key) or known[key], created=key in made and made[key].pk == row.item_id))
    return answers


def _known(placed: Sequence[_Placed]) -> dict[tuple[int, str], Item]:
    """Step 2."""
    said = [row for row in placed if row.change.idempotency_key]
    if not said:
        return {}
    items = (
        Item.objects.unscoped()
        .filter(organization__in={row.organization.pk for row in said}, idempotency_key__in={row.key for row in said})
        .select_related("lane", "upstream", "organization", "project")
    )
    return {(item.organization_id, item.idempotency_key): item for item in items}


def _insert(viewer: Viewer, placed: Sequence[_Placed]) -> list[Item]:
    """Steps 3 and 4."""
    if not placed:
        return []
    now = clock.now()
    rows = store.Rows()
    needed = Count((row.upstream.pk, row.entity_type, row.entity_id) for row in placed)
    titles = {(row.upstream.pk, row.entity_type, row.entity_id): row.title for row in placed if row.title}
    owners = {row.upstream.pk: row.organization.pk for row in placed}
    needs = [store.LaneNeed(owners[key[0]], *key, titles.get(key, ""), count) for key, count in needed.items()]
    tally = store.Tally()
    with connection.cursor() as cursor:
        numbers = store.take_numbers(cursor, rows, needs, now)
        used: Count[tuple[int, str, str]] = Count()
        items, events = [], []
        for row in placed:
            key = (row.upstream.pk, row.entity_type, row.entity_id)
            lane_id, tail, chain = numbers[key]
            used[key] += 1
            item = _item(row, viewer, (lane_id, chain), tail - needed[key] + used[key], now)
            items.append(item)
            events.append(_event(item, row, viewer, now))
            tally.move(row.upstream.pk, None, ItemState.QUEUED)
            tally.add(row.upstream.pk, "enqueued")
        Item.objects.bulk_create(items, batch_size=500)
        Event.objects.bulk_create(events, batch_size=500)
        tally.write(cursor, items[0].pk.int)
    return items


def _item(row: _Placed, viewer: Viewer, lane: tuple[int, Chain], seq: int, now: Any) -> Item:
    """The row. A change that does not say what it was made on was made on what the lane has delivered by now."""
    change = row.change
    lane_id, chain = lane
    known = change.base_version or ("" if row.free else version_unsaid(chain, client=change.client_id or viewer.name))
    return Item(
        id=row.item_id,
        organization=row.organization,
        upstream=row.upstream,
        lane_id=lane_id,
        project=row.project,
        seq=seq,
        kind=change.kind,
        operation=row.operation,
        form=row.form,
        payload=row.payload,
        base=row.base,
        base_version=known,
        actor=viewer.name,
        assigned_by=row.assigned_by,
        client_id=change.client_id,
        client_seq=change.client_seq,
        txn=change.txn,
        occurred_at=change.occurred_at,
        idempotency_key=row.key,
        body_digest=row.digest,
        checksum=checksum(
            item_id=row.item_id,
            entity_type=row.entity_type,
            entity_id=row.entity_id,
            operation=row.operation,
            form=row.form,
            payload=row.payload,
            base=row.base,
            base_version=known,
        ),
        created_at=now,
    )


def _event(item: Item, row: _Placed, viewer: Viewer, now: Any) -> Event:
    return Event(
        at=now,
        organization_id=row.organization.pk,
        organization_name=row.organization.name,
        actor=viewer.name,
        verb="item.queued",
        subject=f"item:{item.pk}",
        data=jsontext.dump({"lane": item.lane_id, "upstream": item.upstream_id, "kind": item.kind, "seq": item.seq}),
        request_id=viewer.request_id,
    )
