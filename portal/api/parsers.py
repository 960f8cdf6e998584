"""Reading a request's body."""

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.parsers import BaseParser

from portal.kit import jsontext
from portal.kit.errors import TooLarge


class StrictJSONParser(BaseParser):
    """JSON without duplicate keys, NaN or endless nesting, and not more than the limit of a request."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The value that the body stands for. Raises Invalid with a pointer, or TooLarge before all of it is read."""
        limit = int(settings.SYNCQUEUE["request_bytes"])
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise TooLarge(f"A request may have {limit:,} bytes. Send it in parts.")
        return jsontext.parse(body, max_depth=int(settings.SYNCQUEUE["depth"]))


class StrictMergePatchParser(StrictJSONParser):
    """The same for JSON Merge Patch (RFC 7396)."""

    media_type = "application/merge-patch+json"
