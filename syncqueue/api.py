"""The REST API of the queue. It parses, calls one action or one read, and answers."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.api.openapi import OptionalReasonSerializer, ReasonSerializer, example, problems
from portal.api.reading import object_of, reason_in, texts_of, viewer_of
from portal.kit import clock
from portal.kit.errors import Error, Fault, Invalid, NotFound
from portal.kit.viewer import Viewer
from resilience.breakers.models import Breaker
from resilience.upstreams.models import Upstream
from syncqueue import api_examples as shown
from syncqueue import figures, serializers
from syncqueue.actions.cancel import cancel
from syncqueue.actions.delete import delete
from syncqueue.actions.enqueue import Enqueued, enqueue
from syncqueue.actions.retry import retry
from syncqueue.actions.retry_failed import retry_failed
from syncqueue.actions.step_over import step_over
from syncqueue.core.change import NewChange
from syncqueue.core.incoming import read_change, read_changes
from syncqueue.core.states import ItemState
from syncqueue.listing import RELATED, about
from syncqueue.models import Item, ItemQuerySet
from syncqueue.representation import represent_all, represent_new, represent_whole

STATES = {state.slug: state for state in ItemState}
FILTERS = {
    "kind": "kind",
    "upstream": "upstream__slug",
    "project": "project__slug",
    "organization": "organization__slug",
    "entity_type": "lane__entity_type",
    "entity_id": "lane__entity_id",
    "client_id": "client_id",
}
KEY = OpenApiParameter(
    "Idempotency-Key",
    location=OpenApiParameter.HEADER,
    description="For one change; the same as its idempotency_key. The same key with the same change gives the same item.",
)
REASON = OpenApiParameter("reason", description="Why; kept in the audit log.", required=True)
ONE_OR_MANY = PolymorphicProxySerializer(
    "NewChanges",
    [serializers.NewChangeSerializer, serializers.NewChangeSerializer(many=True)],
    resource_type_field_name=None,
    many=False,
)
ENQUEUED = PolymorphicProxySerializer(
    "EnqueuedItems",
    [serializers.EnqueuedSerializer, serializers.EnqueuedSerializer(many=True)],
    resource_type_field_name=None,
    many=False,
)


class ItemsView(GenericAPIView[Item]):
    """All items."""

    serializer_class = serializers.ItemSerializer
    filters = (*FILTERS, "state", "q")

    def get_queryset(self) -> ItemQuerySet:
        """Those of the viewer's organizations that fit the filter."""
        if getattr(self, "swagger_fake_view", False):
            return Item.objects.none()
        return _filtered(viewer_of(self.request), self.request.query_params.dict())

    @extend_schema(
        operation_id="items_list",
        summary="List items",
        parameters=[
            OpenApiParameter("state", enum=[*STATES, "open"], description="One state, or all that are not done with."),
            *(OpenApiParameter(name) for name in FILTERS),
            OpenApiParameter("q", description="Part of an entity's id or title, or the beginning of an item's id."),
        ],
        responses={200: serializers.ItemSerializer(many=True), **problems(400)},
        examples=[example("One item", shown.ITEM, status=200)],
        tags=["queue"],
    )
    def get(self, request: Request) -> Response:
        """The items of your organizations, newest first, in cursor pages. Payloads are left out; read one item for its own."""
        page = self.paginate_queryset(self.get_queryset()) or []
        return self.get_paginated_response(represent_all(viewer_of(request), page, clock.now()))

    @extend_schema(
        operation_id="items_create",
        summary="Enqueue changes",
        parameters=[KEY],
        request={"application/json": ONE_OR_MANY},
        responses={200: ENQUEUED, 201: ENQUEUED, **problems(400, 403, 404, 409, 413, 415, 503)},
        examples=[
            example("One change", shown.CHANGE),
            example("Several changes, all or none", [shown.CHANGE, shown.DELETE]),
            example("Taken in", {**shown.ITEM, "created": True}, status=201),
            example("Taken in before under this key", {**shown.ITEM, "created": False}, status=200),
        ],
        tags=["queue"],
    )
    def post(self, request: Request) -> Response:
        """Takes in one change, or a list of up to 1,000 (all or none), durably, before it answers.

        Answers 201, or 200 when every change was taken in before under its key; `created` tells it for each.
        A fault of a list points at its place: /17/payload/title.
        """
        body: Any = request.data
        many = isinstance(body, list)
        changes = read_changes(body) if many else [_keyed(read_change(object_of(request)), request)]
        if many and "Idempotency-Key" in request.headers:
            raise Invalid.at("", _("The header Idempotency-Key is for one change. Give each its idempotency_key."))
        viewer = viewer_of(request)
        taken = _enqueue(viewer, changes, listed=many)
        rows = [
            {**row, "created": one.created} for row, one in zip(_shown(viewer.by_role(), taken), taken, strict=True)
        ]
        status = 201 if any(one.created for one in taken) else 200
        return Response(rows if many else rows[0], status=status)


def _keyed(change: NewChange, request: Request) -> NewChange:
    """The change with the key of the header."""
    key = request.headers.get("Idempotency-Key", "").strip()
    if len(key) > 1 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not key:
        return change
    if change.idempotency_key and change.idempotency_key != key:
        raise Invalid.at("/idempotency_key", _("The header Idempotency-Key says another key."))
    return replace(change, idempotency_key=key)


def _enqueue(viewer: Viewer, changes: list[NewChange], *, listed: bool) -> list[Enqueued]:
    try:
        return enqueue(viewer=viewer, changes=changes)
    except Error as error:
        if listed and len(changes) == 1:  # intake leaves the index out when there is one change
            error.faults = tuple(Fault(f"/0{fault.pointer}", fault.detail) for fault in error.faults)
        raise


def _shown(viewer: Viewer, taken: list[Enqueued]) -> list[dict[str, Any]]:
    """The items as they are now, in the order of the changes."""
    now = clock.now()
    made = {one.item.pk: one.item for one in taken if one.created}
    seen = {one.item.pk for one in taken} - made.keys()
    rows = represent_new(viewer, list(made.values()), now) if made else []
    if seen:
        again = Item.objects.for_org(viewer).select_related(*RELATED).light().filter(pk__in=seen)
        rows += represent_all(viewer, list(again), now)
    known = {row["id"]: row for row in rows}
    return [known[str(one.item.pk)] for one in taken]


def _filtered(viewer: Viewer, query: dict[str, str]) -> ItemQuerySet:
    items = Item.objects.for_org(viewer).select_related(*RELATED).light()
    state = query.get("state", "")
    if state and state != "open" and state not in STATES:
        raise Invalid.at("?state", _("There is no such state. Known: open, %s.") % ", ".join(STATES))
    if state:
        items = items.open() if state == "open" else items.filter(state=STATES[state].value)
    items = items.filter(**{path: query[name] for name, path in FILTERS.items() if query.get(name)})
    return items.filter(about(query["q"])) if query.get("q") else items


def _item(viewer: Viewer, item_id: UUID) -> Item:
    item = Item.objects.for_org(viewer).select_related(*RELATED).filter(pk=item_id).first()
    if item is None:
        raise NotFound
    return item


def _answer(viewer: Viewer, item_id: UUID) -> Response:
    return Response(represent_all(viewer, [_item(viewer, item_id)], clock.now())[0])


class ItemView(APIView):
    """One item."""

    @extend_schema(
        operation_id="items_read",
        summary="Read an item",
        responses={200: serializers.ItemWholeSerializer, **problems(404)},
        examples=[example("An item", shown.WHOLE, status=200)],
        tags=["queue"],
    )
    def get(self, request: Request, item_id: UUID) -> Response:
        """The item with its payload, its lane, why it is where it is, and its attempts (secrets masked)."""
        viewer = viewer_of(request)
        return Response(represent_whole(viewer, _item(viewer, item_id), clock.now()))

    @extend_schema(
        operation_id="items_delete",
        summary="Delete an item",
        parameters=[REASON],
        responses={200: serializers.ItemSerializer, **problems(400, 403, 404, 409)},
        examples=[example("Erased", shown.CANCELLED, status=200)],
        tags=["queue"],
    )
    def delete(self, request: Request, item_id: UUID) -> Response:
        """Cancels the item if it still waits and erases what it carried. Its row stays, so that its key is not used twice."""
        viewer = viewer_of(request)
        reason = reason_in(request.query_params.get("reason", ""), needed=True, pointer="?reason")
        delete(viewer=viewer, item_id=item_id, reason=reason)
        return _answer(viewer, item_id)


def _act(action: Callable[..., Item], request: Request, item_id: UUID, *, needed: bool = True) -> Response:
    viewer = viewer_of(request)
    reason = reason_in(texts_of(request, "reason")["reason"], needed=needed)
    action(viewer=viewer, item_id=item_id, reason=reason)
    return _answer(viewer, item_id)


class RetryView(APIView):
    """Sending one item again."""

    @extend_schema(
        operation_id="items_retry",
        summary="Retry an item",
        request=OptionalReasonSerializer,
        responses={200: serializers.ItemSerializer, **problems(400, 403, 404, 409, 413, 415)},
        examples=[
            example("A reason", {"reason": "The cost centre exists now."}),
            example("Queued again", shown.ITEM, status=200),
        ],
        tags=["queue"],
    )
    def post(self, request: Request, item_id: UUID) -> Response:
        """Queues a failed, conflicting or retrying item again with its attempts given back. Needs the scope operate."""
        return _act(retry, request, item_id, needed=False)


class CancelView(APIView):
    """Taking one item out of its lane."""

    @extend_schema(
        operation_id="items_cancel",
        summary="Cancel an item",
        request=ReasonSerializer,
        responses={200: serializers.ItemSerializer, **problems(400, 403, 404, 409, 413, 415)},
        examples=[
            example("A reason", {"reason": "Made by mistake."}),
            example("Cancelled", shown.CANCELLED, status=200),
        ],
        tags=["queue"],
    )
    def post(self, request: Request, item_id: UUID) -> Response:
        """The item will not be sent; its payload is kept. One in flight cannot be cancelled. Needs the scope operate."""
        return _act(cancel, request, item_id)


class StepOverView(APIView):
    """Letting a lane go on without its failed head."""

    @extend_schema(
        operation_id="items_step_over",
        summary="Step over an item",
        request=ReasonSerializer,
        responses={200: serializers.ItemSerializer, **problems(400, 403, 404, 409, 413, 415)},
        examples=[
            example("A reason", {"reason": "The later changes do not need it."}),
            example("Still a dead letter", shown.FAILED, status=200),
        ],
        tags=["queue"],
    )
    def post(self, request: Request, item_id: UUID) -> Response:
        """The failed item stays a dead letter, and those behind it go on. Needs the scope operate."""
        return _act(step_over, request, item_id)


class RetryFailedView(APIView):
    """Sending all failed items again."""

    @extend_schema(
        operation_id="queue_retry_failed",
        summary="Retry failed items",
        request=serializers.FailedFilterSerializer,
        responses={200: serializers.RetriedAllSerializer, **problems(400, 403, 413, 415)},
        examples=[
            example("Those of one upstream", {"upstream": "plans-api", "reason": "It is repaired."}),
            example("Done", {"retried": 12, "skipped": 0, "more": False}, status=200),
        ],
        tags=["queue"],
    )
    def post(self, request: Request) -> Response:
        """Queues up to 1,000 failed items again, the oldest first; `more` tells whether to call again."""
        said = texts_of(request, "upstream", "kind", "entity_type", "reason")
        said["reason"] = reason_in(said["reason"], needed=False)
        done = retry_failed(viewer=viewer_of(request), **said)
        return Response({"retried": done.retried, "skipped": done.skipped, "more": done.more})


class StatsView(APIView):
    """The queue in figures."""

    @extend_schema(
        operation_id="queue_stats",
        summary="Read the queue's figures",
        responses={200: serializers.StatsSerializer, **problems()},
        examples=[example("Figures", shown.STATS, status=200)],
        tags=["queue"],
    )
    def get(self, request: Request) -> Response:
        """Counts by state and since ever, over all your organizations and for each upstream. Nothing is counted anew for it."""
        viewer = viewer_of(request)
        counted = figures.by_upstream(viewer)
        sums = figures.totals(counted)
        upstreams = (
            Upstream.objects.for_org(viewer).select_related("organization").order_by("organization__slug", "slug")
        )
        out = set(Breaker.objects.for_org(viewer).out().values_list("upstream_id", flat=True))
        names = ("open", "waiting", "enqueued", "delivered", "refused", "retried", "merged", "coalesced")
        return Response(
            {
                "states": {slug: sums[slug] for slug in STATES},
                **{name: sums[name] for name in names},
                "upstreams": [
                    {
                        "organization": upstream.organization.slug,
                        "upstream": upstream.slug,
                        **_own(figures.totals({0: counted.get(upstream.pk, {})})),
                        "paused": upstream.paused_at is not None,
                        "out": upstream.pk in out,
                    }
                    for upstream in upstreams
                ],
            }
        )


def _own(sums: dict[str, int]) -> dict[str, int]:
    return {name: sums[name] for name in ("waiting", "failed", "conflict", "delivered")}
