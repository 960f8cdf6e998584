"""The REST API of the log of events. It only reads."""

import json
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.openapi import example, problems
from portal.api.reading import viewer_of
from portal.events.models import Event, EventQuerySet
from portal.kit.errors import Invalid
from portal.tenancy.models import Organization

SHOWN = {
    "id": 4711,
    "at": "2026-11-21T02:31:00Z",
    "organization": "tidewater",
    "actor": "alice",
    "verb": "upstream.paused",
    "subject": "upstream:7",
    "data": {"reason": "It moves to another host until 03:00."},
    "request_id": "0199d2c8-5b7e-7cc1-a7a8-1d6f6a0c2f11",
}
FILTERS = [
    OpenApiParameter("verb", description='What happened: "item.failed"; "item." is all that begin so.'),
    OpenApiParameter("subject", description='About what: "item:<id>", "upstream:<id>".'),
    OpenApiParameter("actor", description="By whom."),
]


class EventSerializer(serializers.Serializer[Any]):
    """One thing that happened."""

    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    organization = serializers.CharField()
    actor = serializers.CharField()
    verb = serializers.CharField()
    subject = serializers.CharField()
    data = serializers.DictField()  # type: ignore[assignment]  # a field, not the property
    request_id = serializers.CharField()


class EventsView(GenericAPIView[Event]):
    """The log."""

    serializer_class = EventSerializer
    filters = ("verb", "subject", "actor")

    def get_queryset(self) -> EventQuerySet:
        """The events of the viewer's organizations that fit the filter."""
        if getattr(self, "swagger_fake_view", False):
            return Event.objects.none()
        asked = {name: self.request.query_params.get(name, "") for name in self.filters}
        for name, text in asked.items():
            if not text.isprintable() or len(text) > 150:
                raise Invalid.at(f"?{name}", "This has at most 150 characters, none of them control characters.")
        return Event.objects.for_org(viewer_of(self.request)).matching(**asked)

    @extend_schema(
        operation_id="events_list",
        summary="List events",
        parameters=FILTERS,
        responses={200: EventSerializer(many=True), **problems(400)},
        examples=[example("One event", SHOWN, status=200)],
        tags=["events"],
    )
    def get(self, request: Request) -> Response:
        """What happened in your organizations, newest first, in cursor pages."""
        page = self.paginate_queryset(self.get_queryset()) or []
        slugs = dict(Organization.objects.for_org(viewer_of(request)).values_list("pk", "slug"))
        return self.get_paginated_response([_represent(event, slugs) for event in page])


def _represent(event: Event, slugs: dict[int, str]) -> dict[str, Any]:
    return {
        "id": event.pk,
        "at": event.at.isoformat().replace("+00:00", "Z"),
        "organization": slugs.get(event.organization_id or 0, event.organization_name),
        "actor": event.actor,
        "verb": event.verb,
        "subject": event.subject,
        "data": json.loads(event.data) if event.data else {},
        "request_id": event.request_id,
    }
