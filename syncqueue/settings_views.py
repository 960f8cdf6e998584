"""The queue's pages among the settings."""

import json

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from syncqueue import kinds


@require_GET
def kinds_page(request: HttpRequest) -> HttpResponse:
    """The kinds of changes that are taken in, each with its schema. They are registered in code, so there is nothing to change."""
    rows = [(kind, json.dumps(kind.schema, indent=2, ensure_ascii=False)) for kind in kinds.all_kinds()]
    return render(request, "syncqueue/kinds.html", {"rows": rows})
