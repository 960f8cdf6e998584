"""Every error of the API as one kind of answer: application/problem+json (RFC 9457).

    {"type": "/api/docs/problems#invalid", "title": …, "status": 400, "detail": …, "instance": "/api/v1/…",
     "errors": [{"pointer": "/payload/title", "detail": …}], "request_id": …}

A pointer is a JSON Pointer into the body; one that starts with "?" names a query parameter instead.
"""

import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, JsonResponse, UnreadablePostError
from django.utils.encoding import force_str
from rest_framework import exceptions
from rest_framework.views import set_rollback

from portal.kit.errors import (
    Error,
    Fault,
    Forbidden,
    Invalid,
    NotFound,
    SignedOut,
    TooLarge,
    TooMany,
    Unavailable,
)
from portal.kit.jsontext import escape

CONTENT_TYPE = "application/problem+json"
PAGE = "/api/docs/problems"
LOG = logging.getLogger("portal.api")


class MethodNotAllowed(Error):
    """This address does not take this method. The header Allow names those that it takes."""

    status = 405
    code = "method-not-allowed"


class NotAcceptable(Error):
    """Breakwater answers JSON here; the header Accept rules that out."""

    status = 406
    code = "not-acceptable"


class LengthRequired(Error):
    """Send the length of the body in the header Content-Length."""

    status = 411
    code = "length-required"


class UnsupportedType(Error):
    """The body has to be JSON: send Content-Type: application/json."""

    status = 415
    code = "unsupported-type"


class Unexpected(Error):
    """Something failed that nobody foresaw. Tell the administrator the request id; the log tells more under it."""

    status = 500
    code = "unexpected"


def exception_handler(exception: Exception, context: Mapping[str, Any]) -> JsonResponse:
    """The answer to any exception of an API view; what was begun in the request's transaction is rolled back."""
    request: HttpRequest = context["request"]._request
    set_rollback()
    error = as_error(exception)
    if error.status >= 500:
        LOG.error("%s %s failed (request %s)", request.method, request.path, request_id(request), exc_info=exception)
    answer = problem(request, error)
    if isinstance(exception, exceptions.MethodNotAllowed):
        answer.headers["Allow"] = ", ".join(context["view"].allowed_methods)
    challenge = getattr(exception, "auth_header", None)
    if error.status == 401:
        answer.headers["WWW-Authenticate"] = challenge or 'Bearer realm="Breakwater"'
    return answer


def as_error(exception: Exception) -> Error:
    """The one of our errors that an exception amounts to."""
    if isinstance(exception, Error):
        return exception
    if isinstance(exception, exceptions.ValidationError):
        faults = [*faults_in(exception.detail)]
        return Invalid(faults[0].detail if faults else "", faults=faults)
    for kinds, make in _AMOUNTS_TO:
        if isinstance(exception, kinds):
            return make(exception)
    return Unexpected()


def _said(exception: Exception) -> str:
    return force_str(getattr(exception, "detail", ""))


_AMOUNTS_TO: Sequence[tuple[tuple[type[Exception], ...], Callable[[Any], Error]]] = (
    ((exceptions.NotAuthenticated,), lambda _: SignedOut()),
    ((exceptions.AuthenticationFailed,), lambda exception: SignedOut(_said(exception))),
    ((exceptions.PermissionDenied, PermissionDenied), lambda exception: Forbidden(_said(exception))),
    ((exceptions.NotFound, Http404), lambda _: NotFound()),
    ((exceptions.MethodNotAllowed,), lambda _: MethodNotAllowed()),
    ((exceptions.NotAcceptable,), lambda _: NotAcceptable()),
    ((exceptions.UnsupportedMediaType,), lambda _: UnsupportedType()),
    ((exceptions.Throttled,), lambda exception: TooMany(retry_after=exception.wait)),
    ((RequestDataTooBig,), lambda _: TooLarge()),
    (
        (exceptions.ParseError, SuspiciousOperation, UnreadablePostError),
        lambda exception: Invalid(_said(exception) or "The request cannot be read."),
    ),
    ((OperationalError, InterfaceError), lambda _: Unavailable()),
)


def faults_in(detail: Any, pointer: str = "") -> Iterator[Fault]:
    """The faults of a serializer, each with its JSON Pointer."""
    if isinstance(detail, Mapping):
        for key, inner in detail.items():
            own = key == "non_field_errors"
            yield from faults_in(inner, pointer if own else f"{pointer}/{escape(str(key))}")
    elif isinstance(detail, Sequence) and not isinstance(detail, str):
        for index, inner in enumerate(detail):
            yield from faults_in(inner, pointer if isinstance(inner, str) else f"{pointer}/{index}")
    else:
        yield Fault(pointer, force_str(detail))


def problem(request: HttpRequest, error: Error) -> JsonResponse:
    """The answer that tells of an error."""
    extra = dict(error.extra)
    retry_after = extra.pop("retry_after", None)
    body: dict[str, Any] = {
        **extra,
        "type": f"{PAGE}#{error.code}",
        "title": error.title(),
        "status": error.status,
        "detail": error.detail,
        "instance": request.path,
        "errors": [{"pointer": fault.pointer, "detail": fault.detail} for fault in error.faults],
        "request_id": request_id(request),
    }
    answer = JsonResponse(body, status=error.status, content_type=CONTENT_TYPE, json_dumps_params={"default": str})
    if retry_after is not None:
        answer.headers["Retry-After"] = str(max(math.ceil(retry_after), 1))
    answer.headers["Cache-Control"] = "no-store"
    return answer


def request_id(request: HttpRequest) -> str:
    """The id that the answer carries too."""
    return str(getattr(request, "request_id", ""))


def all_kinds() -> list[type[Error]]:
    """Every kind of problem that the API may answer, by status."""
    found: dict[str, type[Error]] = {}
    pending: list[type[Error]] = [Error]
    while pending:
        kind = pending.pop()
        pending.extend(kind.__subclasses__())
        if kind is not Error:
            found.setdefault(kind.code, kind)
    return sorted(found.values(), key=lambda kind: (kind.status, kind.code))
