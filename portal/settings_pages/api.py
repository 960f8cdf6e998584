"""The REST API of organizations, projects, members and tokens. It parses, calls one action or one read, answers."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.api.openapi import example, problems
from portal.api.reading import object_of, viewer_of
from portal.kit.errors import NotFound
from portal.kit.viewer import Permission
from portal.settings_pages import serializers
from portal.tenancy.actions.add_member import add_member
from portal.tenancy.actions.change_role import change_role
from portal.tenancy.actions.check import organization_named
from portal.tenancy.actions.create_project import create_project
from portal.tenancy.actions.create_token import create_token
from portal.tenancy.actions.remove_member import remove_member
from portal.tenancy.actions.revoke_token import revoke_token
from portal.tenancy.models import Membership, Organization, Project, Token

TAGS = ["organizations"]


def _said(request: Request, serializer: type[Any]) -> dict[str, Any]:
    form = serializer(data=object_of(request))
    form.is_valid(raise_exception=True)
    said: dict[str, Any] = form.validated_data
    return said


class MeView(APIView):
    """Who asks."""

    @extend_schema(operation_id="me", summary="Read who you are", responses=serializers.MeSerializer, tags=TAGS)
    def get(self, request: Request) -> Response:
        """Your name, your organizations, and what this token or session may do in each."""
        viewer = viewer_of(request)
        places = [
            {
                "organization": row.slug,
                "role": viewer.roles[row.pk].name.lower(),
                "permissions": [permission.value for permission in Permission if viewer.can(permission, row.pk)],
            }
            for row in Organization.objects.for_org(viewer).order_by("slug")
        ]
        return Response({"username": viewer.name, "places": places})


class OrganizationsView(ListAPIView[Organization]):
    """Your organizations."""

    serializer_class = serializers.OrganizationSerializer

    def get_queryset(self) -> Any:
        """Those of the viewer."""
        return Organization.objects.for_org(viewer_of(self.request))

    @extend_schema(operation_id="organizations_list", summary="List organizations", tags=TAGS)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Your organizations, newest first, in cursor pages."""
        return super().get(request, *args, **kwargs)


class ProjectsView(ListAPIView[Project]):
    """Projects."""

    serializer_class = serializers.ProjectSerializer

    def get_queryset(self) -> Any:
        """Those of the viewer's organizations."""
        return Project.objects.for_org(viewer_of(self.request)).select_related("organization")

    @extend_schema(operation_id="projects_list", summary="List projects", tags=TAGS)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The projects of your organizations, newest first, in cursor pages."""
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="projects_create",
        summary="Add a project",
        request=serializers.NewProjectSerializer,
        responses={201: serializers.ProjectSerializer, **problems(400, 403, 409)},
        examples=[example("A project", {"slug": "web", "name": "Web"})],
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        """Adds a project. Needs the scope administer and the role admin."""
        viewer, said = viewer_of(request), _said(request, serializers.NewProjectSerializer)
        organization = organization_named(viewer, said.pop("organization"))
        project = create_project(viewer=viewer, organization_id=organization.pk, **said)
        return Response(serializers.ProjectSerializer(project).data, status=201)


class MembersView(ListAPIView[Membership]):
    """Members."""

    serializer_class = serializers.MemberSerializer

    def get_queryset(self) -> Any:
        """Those of the viewer's organizations."""
        return Membership.objects.for_org(viewer_of(self.request)).select_related("organization", "user")

    @extend_schema(operation_id="members_list", summary="List members", tags=TAGS)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The members of your organizations, newest first, in cursor pages."""
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="members_create",
        summary="Add a member",
        request=serializers.NewMemberSerializer,
        responses={201: serializers.AddedMemberSerializer, **problems(400, 403, 409)},
        examples=[example("Somebody new", {"username": "dana", "role": "operator", "new_account": True})],
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        """Adds a member, with a new account when `new_account` is true. Needs the scope administer and the role admin."""
        viewer, said = viewer_of(request), _said(request, serializers.NewMemberSerializer)
        organization = organization_named(viewer, said.pop("organization"))
        added = add_member(
            viewer=viewer,
            organization_id=organization.pk,
            username=said["username"],
            role=serializers.ROLE_NAMES[said["role"]],
            create=said["new_account"],
            email=said["email"],
        )
        shown = serializers.MemberSerializer(added.membership).data
        return Response({**shown, "temporary_password": added.password}, status=201)


class MemberView(APIView):
    """One member."""

    @extend_schema(
        operation_id="members_read",
        summary="Read a member",
        responses={200: serializers.MemberSerializer, **problems(404)},
        tags=TAGS,
    )
    def get(self, request: Request, membership_id: int) -> Response:
        """One membership of your organizations."""
        rows = Membership.objects.for_org(viewer_of(request)).select_related("organization", "user")
        row = rows.filter(pk=membership_id).first()
        if row is None:
            raise NotFound
        return Response(serializers.MemberSerializer(row).data)

    @extend_schema(
        operation_id="members_update",
        summary="Change a member's role",
        request=serializers.RoleSerializer,
        responses={200: serializers.MemberSerializer, **problems(400, 403, 404, 409)},
        examples=[example("To operator", {"role": "operator"})],
        tags=TAGS,
    )
    def patch(self, request: Request, membership_id: int) -> Response:
        """Gives a member another role; the last admin keeps it. Needs the scope administer and the role admin."""
        said = _said(request, serializers.RoleSerializer)
        granted = serializers.ROLE_NAMES[said["role"]]
        row = change_role(viewer=viewer_of(request), membership_id=membership_id, role=granted)
        return Response(serializers.MemberSerializer(row).data)

    @extend_schema(
        operation_id="members_delete",
        summary="Remove a member",
        responses={204: None, **problems(403, 404, 409)},
        tags=TAGS,
    )
    def delete(self, request: Request, membership_id: int) -> Response:
        """Ends a membership and revokes the person's tokens there; the last admin stays. Needs the scope administer and the role admin."""
        remove_member(viewer=viewer_of(request), membership_id=membership_id)
        return Response(status=204)


class TokensView(GenericAPIView[Token]):
    """Tokens."""

    serializer_class = serializers.TokenSerializer

    def get_queryset(self) -> Any:
        """Those of the organizations that the viewer administers."""
        viewer = viewer_of(self.request)
        mine = viewer.require_anywhere(Permission.ADMINISTER)
        return Token.objects.for_org(viewer).filter(organization_id__in=mine).select_related("organization", "user")

    @extend_schema(
        operation_id="tokens_list",
        summary="List tokens",
        responses={200: serializers.TokenSerializer(many=True), **problems(400, 403)},
        tags=TAGS,
    )
    def get(self, request: Request) -> Response:
        """The tokens of the organizations that you administer, newest first, in cursor pages."""
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(serializers.TokenSerializer(page, many=True).data)

    @extend_schema(
        operation_id="tokens_create",
        summary="Make a token",
        request=serializers.NewTokenSerializer,
        responses={201: serializers.CreatedTokenSerializer, **problems(400, 403)},
        examples=[example("For an import", {"name": "nightly import", "scopes": ["read", "enqueue"]})],
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        """Makes a token that acts as you; `secret` is answered this once. Needs the scope administer and the role admin."""
        viewer, said = viewer_of(request), _said(request, serializers.NewTokenSerializer)
        organization = organization_named(viewer, said.pop("organization"))
        created = create_token(viewer=viewer, organization_id=organization.pk, **said)
        shown = serializers.TokenSerializer(created.token).data
        return Response({**shown, "secret": created.secret}, status=201, headers={"Cache-Control": "no-store"})


class TokenView(APIView):
    """One token."""

    @extend_schema(
        operation_id="tokens_read",
        summary="Read a token",
        responses={200: serializers.TokenSerializer, **problems(403, 404)},
        tags=TAGS,
    )
    def get(self, request: Request, token_id: int) -> Response:
        """One token of the organizations that you administer, without its secret."""
        viewer = viewer_of(request)
        row = Token.objects.for_org(viewer).select_related("organization", "user").filter(pk=token_id).first()
        if row is None:
            raise NotFound
        viewer.require(Permission.ADMINISTER, row.organization_id)
        return Response(serializers.TokenSerializer(row).data)

    @extend_schema(
        operation_id="tokens_delete",
        summary="Revoke a token",
        responses={204: None, **problems(403, 404)},
        tags=TAGS,
    )
    def delete(self, request: Request, token_id: int) -> Response:
        """Revokes a token for good. Needs the scope administer and the role admin."""
        revoke_token(viewer=viewer_of(request), token_id=token_id)
        return Response(status=204)
