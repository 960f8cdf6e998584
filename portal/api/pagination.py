"""Pages of the REST API."""

from rest_framework.pagination import CursorPagination


class CursorPages(CursorPagination):
    """Keyset pages; the cursor is opaque."""

    ordering = "-id"
