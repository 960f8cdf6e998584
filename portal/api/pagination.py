"""Pages of the REST API."""

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.core.signing import BadSignature, Signer
from django.utils.translation import gettext as _
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from portal.kit.errors import Fault, Invalid

PAGE_SIZE, MOST = 50, 200
BAD_CURSOR = "This cursor was not made by Breakwater for this list. Start again without one, or follow `next` as it is."
BAD_SIZE = "A page has 1 to {most} entries."
OWN = ("cursor", "page_size")


class CursorPages(CursorPagination):
    """Keyset pages: `?cursor=…&page_size=…`; the cursor is signed and belongs to its list.

    Without another order it is newest first. `ordering` must begin with a unique, indexed column. A view names its `filters`; any other
    parameter is refused, since who misspells one would take all rows for those that fit.
    """

    ordering = "-id"
    page_size = PAGE_SIZE
    page_size_query_param = "page_size"
    max_page_size = MOST
    cursor_query_description = "Where to go on: `next_cursor` or `previous_cursor` of an earlier answer."
    _path = ""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any] | None:
        """The rows of the page that the request names."""
        _check(request.query_params, getattr(view, "filters", ()))
        self._path = request.path
        found: list[Any] | None = super().paginate_queryset(queryset, request, view)
        return found

    def get_page_size(self, request: Request) -> int:
        """How many rows a page has."""
        text = request.query_params.get("page_size", str(PAGE_SIZE))
        if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) <= MOST:
            raise Invalid.at("?page_size", BAD_SIZE.format(most=MOST))
        return int(text)

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Where the request wants to go on; raises Invalid when the cursor was tampered with."""
        text = request.query_params.get("cursor")
        if text is None:
            return None
        try:
            offset, reverse, position = self._signer().unsign_object(text)
        except (BadSignature, ValueError):
            raise Invalid.at("?cursor", BAD_CURSOR) from None
        return Cursor(offset=offset, reverse=reverse, position=position)

    def encode_cursor(self, cursor: Cursor) -> str:
        """The cursor as signed text. The framework wants the whole address here."""
        text = self._signer().sign_object([cursor.offset, cursor.reverse, cursor.position])
        return replace_query_param(self.base_url or "", self.cursor_query_param, text)

    def get_paginated_response(self, data: Any) -> Response:
        """The page with addresses and cursors of its neighbours."""
        following, before = self.get_next_link(), self.get_previous_link()
        return Response(
            {
                "results": data,
                "next": following,
                "previous": before,
                "next_cursor": _cursor_in(following),
                "previous_cursor": _cursor_in(before),
            }
        )

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The same for OpenAPI."""
        link = {"type": "string", "format": "uri", "nullable": True, "example": None}
        text = {"type": "string", "nullable": True, "example": None}
        return {
            "type": "object",
            "required": ["results", "next", "previous", "next_cursor", "previous_cursor"],
            "properties": {
                "results": schema,
                "next": link,
                "previous": link,
                "next_cursor": text,
                "previous_cursor": text,
            },
        }

    def _signer(self) -> Signer:
        return Signer(salt=f"portal.api.cursor {self._path}")


def _cursor_in(address: str | None) -> str | None:
    return parse_qs(urlsplit(address).query)["cursor"][0] if address else None


def _check(query: Mapping[str, str], filters: Collection[str]) -> None:
    faults = [Fault(f"?{name}", _("There is no such filter.")) for name in query if name not in {*filters, *OWN}]
    faults += [Fault(f"?{name}", _("NUL is no part of any text.")) for name, text in query.items() if "\x00" in text]
    if faults:
        raise Invalid(faults[0].detail, faults=faults)
