"""What load balancers, orchestrators and `manage.py up` ask. No sign-in, no session, no figures about tenants."""

import logging

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.duties.health import faults

log = logging.getLogger(__name__)


@never_cache
@require_safe
@login_not_required
def livez(_request: HttpRequest) -> JsonResponse:
    """200 as long as the process answers."""
    return JsonResponse({"status": "alive"})


@never_cache
@require_safe
@login_not_required
def readyz(_request: HttpRequest) -> JsonResponse:
    """200 when database, migrations and duties are fine; 503 with what is not. Where the database is, is told to the log alone."""
    found = faults()
    if "database" in found:
        log.warning("The database cannot be read: %s", found["database"])
        found = {"database": "cannot be read; the log of the web process says why"}
    if found:
        response = JsonResponse({"status": "not ready", "faults": found}, status=503)
        response._has_been_logged = True  # type: ignore[attr-defined]  # an answer, and no error of the portal
        return response
    return JsonResponse({"status": "ready"})
