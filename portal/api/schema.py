"""What drf-spectacular cannot know by itself: how callers prove who they are, and that every error is a problem."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent

from portal.api.problems import CONTENT_TYPE

FAULT = {
    "type": "object",
    "required": ["pointer", "detail"],
    "properties": {
        "pointer": {"type": "string", "description": 'JSON Pointer into the body; "?name" is a query parameter.'},
        "detail": {"type": "string"},
    },
}
PROBLEM = {
    "type": "object",
    "description": "RFC 9457.",
    "required": ["type", "title", "status", "detail", "instance", "errors", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "example": "/api/docs/problems#invalid"},
        "title": {"type": "string"},
        "status": {"type": "integer", "example": 400},
        "detail": {"type": "string"},
        "instance": {"type": "string", "format": "uri-reference"},
        "errors": {"type": "array", "items": FAULT},
        "request_id": {"type": "string"},
    },
}


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """`Authorization: Bearer bw_…`."""

    target_class = "portal.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """The scheme for OpenAPI."""
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A token from Settings, Tokens, or from `manage.py token create`.",
        }


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The session of our own pages."""

    target_class = "portal.api.authentication.SessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """The scheme for OpenAPI."""
        return {"type": "apiKey", "in": "cookie", "name": "breakwater_session"}


class ProblemSchema(AutoSchema):
    """An operation whose every other answer is a problem."""

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        """The operation, with the problem as its default answer."""
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        component = ResolvedComponent(  # type: ignore[no-untyped-call]
            name="Problem", type=ResolvedComponent.SCHEMA, schema=PROBLEM, object="portal.api.problem"
        )
        self.registry.register_on_missing(component)
        answer = {"description": "A problem.", "content": {CONTENT_TYPE: {"schema": component.ref}}}
        operation["responses"].setdefault("default", answer)
        return operation
