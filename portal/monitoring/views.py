"""/metrics: all figures of the whole portal, for whoever has the operator's key."""

from hmac import compare_digest

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from portal.api.throttling import note_stranger
from portal.kit.errors import TooMany
from portal.monitoring import collector
from portal.monitoring.core.exposition import OPEN_METRICS, TEXT, text, wants_open_metrics


@never_cache
@require_safe
@login_not_required
@gzip_page
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures as Prometheus reads them. 404 where no key is set, 401 without it, 429 after many wrong ones."""
    key = settings.BREAKWATER_METRICS_KEY.strip()
    if not key:
        return _refusal("Closed: no BREAKWATER_METRICS_KEY is set.", 404)
    if not _holds(request, key):
        try:
            note_stranger(request)
        except TooMany:
            return _refusal("Too many wrong keys from this address.", 429)
        refusal = _refusal("Send the key as: Authorization: Bearer <BREAKWATER_METRICS_KEY>", 401)
        refusal.headers["WWW-Authenticate"] = 'Bearer realm="Breakwater metrics"'
        return refusal
    as_open = wants_open_metrics(request.headers.get("Accept", ""))
    body = text(collector.families(), open_metrics=as_open)
    return HttpResponse(body, content_type=OPEN_METRICS if as_open else TEXT, headers={"Vary": "Accept"})


def _holds(request: HttpRequest, key: str) -> bool:
    kind, _, said = request.headers.get("Authorization", "").partition(" ")
    right = compare_digest(said.strip().encode("utf-8", "surrogateescape"), key.encode())
    return right and kind.lower() == "bearer"


def _refusal(why: str, status: int) -> HttpResponse:
    response = HttpResponse(f"{why}\n", status=status, content_type="text/plain; charset=utf-8")
    response._has_been_logged = True  # type: ignore[attr-defined]  # an answer, and no error of the portal
    return response
