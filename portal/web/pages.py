"""Pages that every part shares: what a person reads when something is wrong."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import loader

from portal.kit.errors import Error

# Only these have a page of their own; the rest are shown by the page of their class (4xx, 5xx).
TEMPLATES = {400: "400.html", 403: "403.html", 404: "404.html"}


def error_page(request: HttpRequest, error: Error) -> HttpResponse:
    """The page for one of our errors: its sentence, its detail, the request's id and a way back."""
    template = TEMPLATES.get(error.status, "400.html" if error.status < 500 else "500.html")
    if getattr(request, "htmx", False):
        template = "partials/error_note.html"
    context = {
        "title": error.title(),
        "detail": error.detail if error.detail != error.title() else "",
        "faults": error.faults,
    }
    return render(request, template, context, status=error.status)


def server_error(request: HttpRequest) -> HttpResponse:
    """The page for what nobody foresaw. It reads nothing from the database, which may be what failed."""
    page = loader.get_template("500.html").render({"request_id": getattr(request, "request_id", "")})
    return HttpResponse(page, status=500)
