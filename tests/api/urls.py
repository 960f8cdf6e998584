"""Addresses that only the tests of the API's frame have, beside the portal's own."""

from typing import Any

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.urls import path
from rest_framework.generics import ListAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import CharField, ModelSerializer, Serializer
from rest_framework.views import APIView

from portal.kit.errors import Conflicting, Fault
from portal.tenancy.models import Project
from portal.urls import urlpatterns as real


class Names(Serializer[Any]):
    name = CharField(max_length=5)


class Echo(APIView):
    """Answers what it was told and who told it."""

    def get(self, request: Request) -> Response:
        viewer = request.viewer
        return Response({"name": viewer.name, "roles": sorted(viewer.roles), "request_id": viewer.request_id})

    def post(self, request: Request) -> Response:
        match request.query_params.get("fail"):
            case "bug":
                raise RuntimeError("a secret that no caller may read")
            case "locked":
                raise OperationalError("database is locked")
            case "ours":
                raise Conflicting("It is so.", faults=[Fault("/a/b", "Not this.")], present=7)
            case "fields":
                Names(data=request.data, many=isinstance(request.data, list)).is_valid(raise_exception=True)
        return Response(request.data)


class Open(APIView):
    permission_classes = [AllowAny]

    def get(self, request: Request) -> Response:
        return Response({"name": request.viewer.name})


class ProjectRow(ModelSerializer[Project]):
    class Meta:
        model = Project
        fields = ["slug"]


class Projects(ListAPIView[Project]):
    serializer_class = ProjectRow

    def get_queryset(self) -> Any:
        return Project.objects.for_org(self.request.viewer)


def plain(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("outside of the REST framework")


urlpatterns = [
    *real,
    path("api/test/echo", Echo.as_view()),
    path("api/test/open", Open.as_view()),
    path("api/test/projects", Projects.as_view()),
    path("api/test/plain", plain),
]
