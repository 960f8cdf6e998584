"""Which part of a page is asked for: one view, one template, named fragments."""

from typing import Any

from django.http import HttpRequest


def part_of(request: HttpRequest) -> str:
    """The id of the fragment that htmx or the live script asks for; "" for the whole page."""
    htmx: Any = getattr(request, "htmx", None)
    if not htmx or htmx.history_restore_request:
        return ""
    return htmx.target or ""
