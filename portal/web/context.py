"""What every template can read."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from portal.kit.viewer import ANONYMOUS, Viewer
from portal.kit.who import who
from portal.tenancy.models import Organization
from portal.web import navigation
from portal.web.words import WORDS

THEMES = {"light", "dark"}


def _kept_theme(user: Any) -> str:
    kept = getattr(user, "theme", "")
    return kept if kept in THEMES else ""


def _organizations(request: HttpRequest, viewer: Viewer) -> list[Organization]:
    """Those of the viewer, by name. A view that has read them all anyway says so in `request.known_organizations`."""
    known: dict[int, Organization] = getattr(request, "known_organizations", {})
    if viewer.organization_ids and set(known) >= set(viewer.organization_ids):
        return sorted((known[pk] for pk in viewer.organization_ids), key=lambda one: one.name)
    return list(Organization.objects.for_org(viewer).order_by("name"))


def web(request: HttpRequest) -> dict[str, Any]:
    """The frame of a page: navigation, organizations, banner, theme. Nothing is read before the template asks for it."""
    chosen: Viewer = getattr(request, "chosen", ANONYMOUS)
    viewer: Viewer = getattr(request, "viewer", ANONYMOUS)
    theme = request.COOKIES.get("breakwater_theme", "")
    user = getattr(request, "user", None)
    groups = SimpleLazyObject(lambda: navigation.groups(request, chosen))
    return {
        "nav_groups": groups,
        "organizations": SimpleLazyObject(lambda: _organizations(request, viewer)),
        "chosen_organization_id": SimpleLazyObject(
            lambda: next(iter(chosen.roles), 0) if len(chosen.roles) == 1 else 0
        ),
        "page_banner": SimpleLazyObject(lambda: navigation.banner(chosen, request.path)),
        "theme": SimpleLazyObject(lambda: theme if theme in THEMES else _kept_theme(user)),
        "request_id": getattr(request, "request_id", ""),
        "go_keys": navigation.keys(),
        "words": WORDS,
        "who": SimpleLazyObject(lambda: who(viewer.user_id)),
    }
