"""What the views of the REST API read from a request."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from rest_framework.request import Request

from portal.kit.errors import Fault, Invalid
from portal.kit.jsontext import escape
from portal.kit.viewer import Viewer

LONGEST_REASON = 300


def viewer_of(request: Request) -> Viewer:
    """Who asks."""
    viewer: Viewer = request.viewer  # type: ignore[attr-defined]
    return viewer


def object_of(request: Request) -> dict[str, Any]:
    """The request's body, which is an object; an absent one is empty. Raises Invalid for anything else."""
    data = request.data
    if isinstance(data, Mapping):
        return dict(data)
    if data is None:
        return {}
    raise Invalid.at("", _("The body is an object."))


def texts_of(request: Request, *names: str) -> dict[str, str]:
    """The texts of these names in the body, "" where one is missing or null; raises Invalid for others and for what is no text."""
    body = {name: "" if value is None else value for name, value in object_of(request).items()}
    faults = [Fault(f"/{escape(name)}", _("There is no such field here.")) for name in body if name not in names]
    faults += [
        Fault(f"/{name}", _("This must be a text.")) for name in names if not isinstance(body.get(name, ""), str)
    ]
    if faults:
        raise Invalid(faults[0].detail, faults=faults)
    return {name: body.get(name, "") for name in names}


def reason_in(text: str, *, needed: bool, pointer: str = "/reason") -> str:
    """The reason on one line; raises Invalid when it is missing or too long."""
    reason = " ".join(text.split())
    if needed and not reason:
        raise Invalid.at(pointer, _("Say why, so that the next person knows."))
    if len(reason) > LONGEST_REASON or not reason.isprintable():
        raise Invalid.at(
            pointer, _("A reason has at most %d characters, none of them control characters.") % LONGEST_REASON
        )
    return reason
