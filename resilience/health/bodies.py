"""What the REST API of outages and maintenance reads from a request's body, every fault with its pointer."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from rest_framework.request import Request

from portal.api.reading import object_of
from portal.kit.errors import Fault, Invalid
from portal.kit.jsontext import escape
from portal.kit.viewer import Viewer
from resilience.health.models import Component

ABSENT: Mapping[type, Any] = {str: "", datetime: None, int: 0, bool: False}


def said(request: Request, **fields: type) -> dict[str, Any]:
    """The values of these fields, each of its type; what is missing or null is "", None, 0 or False. Raises Invalid with all faults."""
    body = {name: value for name, value in object_of(request).items() if value is not None}
    faults = [Fault(f"/{escape(name)}", _("There is no such field here.")) for name in body if name not in fields]
    found = {}
    for name, kind in fields.items():
        value = body.get(name, ABSENT[kind])
        why = _fault(value, kind) if name in body else ""
        if why:
            faults.append(Fault(f"/{name}", why))
        found[name] = _moment(value) if kind is datetime and not why else value
    if faults:
        raise Invalid(faults[0].detail, faults=faults)
    return found


def _fault(value: Any, kind: type) -> str:
    if kind is datetime:
        right = isinstance(value, str) and _moment(value) is not None
        return "" if right else _("This is no moment. One reads 2026-11-21T04:12:00Z.")
    if kind is int:
        right = isinstance(value, int) and not isinstance(value, bool)
        return "" if right else _("This is a whole number.")
    if kind is bool:
        return "" if isinstance(value, bool) else _("This is true or false.")
    if not isinstance(value, str):
        return _("This must be a text.")
    return _("NUL is no part of any text.") if "\x00" in value else ""


def _moment(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        return parse_datetime(value)
    except ValueError:
        return None


def component_named(viewer: Viewer, slug: str, organization: str, *, pointer: str = "/component") -> Component:
    """The viewer's component of this slug; raises Invalid at `pointer` when there is none, at /organization when there are several."""
    rows = Component.objects.for_org(viewer).select_related("organization", "upstream").filter(slug=slug)
    found = list(rows.filter(organization__slug=organization) if organization else rows)
    if not found:
        raise Invalid.at(pointer, _("You have no component of this name."))
    if len(found) > 1:
        raise Invalid.at("/organization", _("Several of your organizations have this component: say which."))
    return found[0]
