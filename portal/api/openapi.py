"""What the descriptions of operations share: the problems that they name, and their examples."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse
from rest_framework import serializers

from portal.api.problems import CONTENT_TYPE, UnsupportedType
from portal.kit import errors

_PROBLEM = {"$ref": "#/components/schemas/Problem"}  # portal.api.schema registers it
_WHY: dict[int, type[errors.Error]] = {
    kind.status: kind
    for kind in (
        errors.Invalid,
        errors.SignedOut,
        errors.Forbidden,
        errors.NotFound,
        errors.Conflicting,
        errors.TooLarge,
        UnsupportedType,
        errors.TooMany,
        errors.Unavailable,
    )
}


def problems(*statuses: int) -> dict[tuple[int, str], OpenApiResponse]:
    """The answers of an operation that goes wrong with these statuses (401 and 429 always may)."""
    return {
        (status, CONTENT_TYPE): OpenApiResponse(_PROBLEM, description=_WHY[status].title())
        for status in sorted({*statuses, 401, 429})
    }


def example(name: str, value: Any, *, status: int | None = None) -> OpenApiExample:
    """An example of a request, or of the answer with this status."""
    codes = [str(status)] if status else None
    return OpenApiExample(name, value=value, request_only=not status, response_only=bool(status), status_codes=codes)


class ReasonSerializer(serializers.Serializer[Any]):
    """Why."""

    reason = serializers.CharField(max_length=300)


class OptionalReasonSerializer(serializers.Serializer[Any]):
    """Why, if that is worth saying."""

    reason = serializers.CharField(max_length=300, required=False, allow_blank=True)
