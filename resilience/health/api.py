"""The REST API of components and probes. It parses, calls one action or one read, and answers; the pages call the same actions."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import Prefetch
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.api.openapi import example, problems
from portal.api.reading import object_of, viewer_of
from portal.kit import clock
from portal.kit.errors import Invalid, NotFound
from portal.kit.viewer import Viewer
from portal.tenancy.models import Organization
from resilience.health import api_examples as shown
from resilience.health import serializers
from resilience.health.actions.add_component import add_component
from resilience.health.actions.add_probe import add_probe
from resilience.health.actions.check_now import check_now
from resilience.health.actions.filling import ANSWERS, described
from resilience.health.actions.remove_component import remove_component
from resilience.health.actions.remove_probe import remove_probe
from resilience.health.actions.update_component import update_component
from resilience.health.actions.update_probe import update_probe
from resilience.health.models import Component, ComponentQuerySet, Probe, ProbeQuerySet
from resilience.health.targets.templates import templates

TAGS = ["health"]
OF = [
    OpenApiParameter("organization", description="Only those of the organization of this slug."),
    OpenApiParameter("component", description="Only those of the component of this slug."),
]
_NEVER_READ = ("options", "last_metadata", "secret")


def _components(viewer: Viewer) -> ComponentQuerySet:
    """The components that the viewer may read, with what an answer says of them."""
    probes = Probe.objects.for_org(viewer).defer(*_NEVER_READ)
    rows = Component.objects.for_org(viewer).select_related("organization", "upstream", "parent", "blamed_on")
    return rows.prefetch_related(Prefetch("probes", queryset=probes))


def _probes(viewer: Viewer) -> ProbeQuerySet:
    return Probe.objects.for_org(viewer).select_related("component__organization", "component__upstream")


def _narrowed(request: Request, rows: Any, filters: Mapping[str, str]) -> Any:
    """The rows of the organization and the component that the query names."""
    return rows.filter(**{path: said for name, path in filters.items() if (said := request.query_params.get(name))})


def _component(request: Request, component_id: int) -> Response:
    component = _components(viewer_of(request)).filter(pk=component_id).first()
    if component is None:
        raise NotFound
    return Response(serializers.represent_component(component, list(component.probes.all()), clock.now()))


def _probe(request: Request, probe_id: int, *, status: int = 200, notice: str = "") -> Response:
    probe = _probes(viewer_of(request)).filter(pk=probe_id).first()
    if probe is None:
        raise NotFound
    return Response(serializers.represent_probe(probe, clock.now(), notice=notice), status=status)


class ComponentsView(GenericAPIView[Component]):
    """All components."""

    serializer_class = serializers.ComponentSerializer
    filters: ClassVar = {"organization": "organization__slug"}

    def get_queryset(self) -> ComponentQuerySet:
        """Those of the viewer's organizations, and Breakwater itself."""
        if getattr(self, "swagger_fake_view", False):
            return Component.objects.none()
        return _components(viewer_of(self.request))

    @extend_schema(
        operation_id="health_components_list",
        summary="List components",
        parameters=OF[:1],
        responses={200: serializers.ComponentSerializer(many=True), **problems(400)},
        examples=[example("One component", shown.COMPONENT, status=200)],
        tags=TAGS,
    )
    def get(self, request: Request) -> Response:
        """What is watched: your upstreams, services that nothing is sent to, and Breakwater itself; newest first, in cursor pages."""
        rows = _narrowed(request, self.get_queryset(), self.filters)
        now = clock.now()
        page: list[Component] = self.paginate_queryset(rows) or []
        found = [serializers.represent_component(row, list(row.probes.all()), now) for row in page]
        return self.get_paginated_response(found)

    @extend_schema(
        operation_id="health_components_create",
        summary="Add a service to watch",
        request=serializers.NewComponentSerializer,
        responses={201: serializers.ComponentSerializer, **problems(400, 403, 409, 413, 415)},
        examples=[
            example("A database", shown.NEW_COMPONENT),
            example("Added", shown.FRESH_COMPONENT, status=201),
        ],
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        """Adds a component that nothing is sent to (an upstream has its own). Needs the scope administer and the role admin."""
        component = add_component(viewer=viewer_of(request), fields=object_of(request))
        answer = _component(request, component.pk)
        answer.status_code = 201
        return answer


class ComponentView(APIView):
    """One component."""

    @extend_schema(
        operation_id="health_components_read",
        summary="Read a component",
        responses={200: serializers.ComponentSerializer, **problems(404)},
        examples=[example("A component", shown.COMPONENT, status=200)],
        tags=TAGS,
    )
    def get(self, request: Request, component_id: int) -> Response:
        """The component with its state as it can be read now: none when its probes did not run for a while."""
        return _component(request, component_id)

    @extend_schema(
        operation_id="health_components_update",
        summary="Change a component",
        request=serializers.ComponentChangesSerializer,
        responses={200: serializers.ComponentSerializer, **problems(400, 403, 404, 409, 413, 415)},
        examples=[
            example("It weighs less", {"importance": "normal", "parent": None, "revision": 1}),
            example("Changed", {**shown.COMPONENT, "importance": "normal", "parent": None, "revision": 2}, status=200),
        ],
        tags=TAGS,
    )
    def patch(self, request: Request, component_id: int) -> Response:
        """Changes what is named. Needs the scope administer and the role admin."""
        update_component(viewer=viewer_of(request), component_id=component_id, changes=object_of(request))
        return _component(request, component_id)

    @extend_schema(
        operation_id="health_components_delete",
        summary="Remove a component",
        responses={204: None, **problems(403, 404, 409)},
        tags=TAGS,
    )
    def delete(self, request: Request, component_id: int) -> Response:
        """Removes it with its probes, history and outages. An upstream's component stays (409)."""
        remove_component(viewer=viewer_of(request), component_id=component_id)
        return Response(status=204)


class ProbesView(GenericAPIView[Probe]):
    """All probes."""

    serializer_class = serializers.ProbeSerializer
    filters: ClassVar = {"organization": "component__organization__slug", "component": "component__slug"}

    def get_queryset(self) -> ProbeQuerySet:
        """Those of the viewer's organizations, and of Breakwater itself."""
        if getattr(self, "swagger_fake_view", False):
            return Probe.objects.none()
        return _probes(viewer_of(self.request))

    @extend_schema(
        operation_id="health_probes_list",
        summary="List probes",
        parameters=OF,
        responses={200: serializers.ProbeSerializer(many=True), **problems(400)},
        examples=[example("One probe", shown.PROBE, status=200)],
        tags=TAGS,
    )
    def get(self, request: Request) -> Response:
        """How components are asked whether they are well, newest first, in cursor pages. Secrets are never shown."""
        rows = _narrowed(request, self.get_queryset(), self.filters)
        now = clock.now()
        page: list[Probe] = self.paginate_queryset(rows) or []
        return self.get_paginated_response([serializers.represent_probe(row, now) for row in page])

    @extend_schema(
        operation_id="health_probes_create",
        summary="Add a probe",
        request=serializers.NewProbeSerializer,
        responses={201: serializers.ProbeSerializer, **problems(400, 403, 404, 409, 413, 415)},
        examples=[
            example("A database is asked each minute", shown.NEW_PROBE),
            example("Of a template", shown.OF_TEMPLATE),
            example("Added", shown.FRESH_PROBE, status=201),
        ],
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        """Adds a probe to a component; it runs within its interval. Needs the scope administer and the role admin."""
        said = object_of(request)
        viewer = viewer_of(request)
        component = _named(viewer, said.pop("component", None), said.pop("organization", ""))
        probe = add_probe(viewer=viewer, component_id=component.pk, fields=said)
        return _probe(request, probe.pk, status=201)


def _named(viewer: Viewer, slug: object, organization: object) -> Component:
    """The component that a body names; raises Invalid at /component or /organization."""
    for pointer, said in (("/component", slug), ("/organization", organization)):
        if not isinstance(said, str):
            raise Invalid.at(pointer, _("This is the slug of one that you may read."))
    mine = Component.objects.for_org(viewer).filter(organization__isnull=False)
    if organization:
        mine = mine.filter(organization__slug=organization)
        if not mine.exists() and organization not in _slugs(viewer):
            raise Invalid.at("/organization", _("You belong to no organization of this name."))
    found = list(mine.filter(slug=slug)[:2])
    if not found:
        raise Invalid.at("/component", _("You have no component of this name."))
    if len(found) > 1:
        raise Invalid.at("/organization", _("Several of your organizations have this component: say which."))
    return found[0]


def _slugs(viewer: Viewer) -> set[str]:
    return set(Organization.objects.for_org(viewer).values_list("slug", flat=True))


class ProbeView(APIView):
    """One probe."""

    @extend_schema(
        operation_id="health_probes_read",
        summary="Read a probe",
        responses={200: serializers.ProbeSerializer, **problems(404)},
        examples=[example("A probe", shown.PROBE, status=200)],
        tags=TAGS,
    )
    def get(self, request: Request, probe_id: int) -> Response:
        """The probe with what it found last. Secrets are never shown."""
        return _probe(request, probe_id)

    @extend_schema(
        operation_id="health_probes_update",
        summary="Change a probe",
        request=serializers.ProbeChangesSerializer,
        responses={200: serializers.ProbeSerializer, **problems(400, 403, 404, 409, 413, 415)},
        examples=[
            example("Pause it", {"enabled": False, "revision": 1}),
            example("Paused", shown.PAUSED_PROBE, status=200),
        ],
        tags=TAGS,
    )
    def patch(self, request: Request, probe_id: int) -> Response:
        """Changes what is named. Another kind, host or port clears the secrets; `notice` says so."""
        updated = update_probe(viewer=viewer_of(request), probe_id=probe_id, changes=object_of(request))
        return _probe(request, probe_id, notice=updated.notice)

    @extend_schema(
        operation_id="health_probes_delete",
        summary="Remove a probe",
        responses={204: None, **problems(403, 404)},
        tags=TAGS,
    )
    def delete(self, request: Request, probe_id: int) -> Response:
        """Removes it with its results; the history of its component stays. Needs the scope administer and the role admin."""
        remove_probe(viewer=viewer_of(request), probe_id=probe_id)
        return Response(status=204)


class CheckView(APIView):
    """One probe, asked at once."""

    @extend_schema(
        operation_id="health_probes_check",
        summary="Check now",
        request=None,
        responses={200: serializers.CheckedSerializer, **problems(400, 403, 404, 409, 413, 415)},
        examples=[example("It is well", shown.CHECKED, status=200)],
        tags=TAGS,
    )
    def post(self, request: Request, probe_id: int) -> Response:
        """Asks now and says what was found, which is recorded and judged as any other result. Needs the role operator."""
        return Response(serializers.represent_checked(check_now(viewer=viewer_of(request), probe_id=probe_id)))


class TemplatesView(APIView):
    """What probes can be made of."""

    @extend_schema(
        operation_id="health_probe_templates",
        summary="List templates",
        responses={200: serializers.TemplatesSerializer, **problems()},
        examples=[example("One template", shown.TEMPLATES, status=200)],
        tags=TAGS,
    )
    def get(self, request: Request) -> Response:
        """What a probe can be made of: each template with the values that it asks for, in the order in which pages offer them."""
        return Response({"results": [described(one) for one in [ANSWERS, *templates()]]})
