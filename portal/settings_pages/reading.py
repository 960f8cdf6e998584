"""What the settings pages read from a request."""

from django.http import HttpRequest

from portal.kit.viewer import Permission, Viewer
from portal.tenancy.models import Organization


def viewer_of(request: HttpRequest) -> Viewer:
    """Who asks: actions take this one."""
    viewer: Viewer = request.viewer  # type: ignore[attr-defined]
    return viewer


def chosen_of(request: HttpRequest) -> Viewer:
    """Who asks, narrowed to the organization of the page's switcher: lists take this one."""
    viewer: Viewer = request.chosen  # type: ignore[attr-defined]
    return viewer


def administered(viewer: Viewer) -> list[Organization]:
    """The organizations that the viewer administers, by name."""
    mine = viewer.organizations_with(Permission.ADMINISTER)
    return list(Organization.objects.for_org(viewer).filter(pk__in=mine).order_by("name"))
