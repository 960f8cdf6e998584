"""The page of tokens. Each view parses, calls one action or one read, renders."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from portal.kit import clock
from portal.kit.errors import Invalid, NotFound
from portal.kit.viewer import Permission, Viewer
from portal.settings_pages.forms import ReasonForm, TokenForm, show
from portal.settings_pages.reading import administered, chosen_of, viewer_of
from portal.tenancy.actions.create_token import Created, create_token
from portal.tenancy.actions.revoke_token import revoke_token
from portal.tenancy.models import Token


@never_cache
@require_http_methods(["GET", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """The tokens of the organizations that the viewer administers; a new one shows its secret once."""
    viewer = viewer_of(request)
    viewer.require_anywhere(Permission.ADMINISTER)
    narrowed = chosen_of(request)
    seen = narrowed if narrowed.organizations_with(Permission.ADMINISTER) else viewer
    organizations = administered(viewer if request.method == "POST" else seen)
    form = TokenForm(request.POST if request.method == "POST" else None, organizations=organizations)
    created: Created | None = None
    if form.is_bound and form.is_valid():
        said = form.cleaned_data
        try:
            created = create_token(
                viewer=viewer,
                organization_id=form.organization().pk,
                name=said["name"],
                scopes=said["scopes"],
                expires_at=form.expires_at(),
            )
        except Invalid as error:
            show(form, error)
        else:
            form = TokenForm(organizations=organizations)
    return _page(request, seen, form, created)


def _page(request: HttpRequest, viewer: Viewer, form: TokenForm, created: Created | None) -> HttpResponse:
    mine = viewer.organizations_with(Permission.ADMINISTER)
    rows = Token.objects.for_org(viewer).filter(organization_id__in=mine).select_related("user", "organization")
    now = clock.now()
    context: dict[str, Any] = {
        "rows": [{"token": row, "usable": row.usable(now)} for row in rows.order_by("-pk")],
        "several": len(mine) > 1,
        "form": form,
        "created": created,
    }
    return render(request, "settings_pages/tokens.html", context, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "POST"])
def revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    """Asks why, then revokes a token."""
    viewer = viewer_of(request)
    row = Token.objects.for_org(viewer).filter(pk=token_id).first()
    if row is None:
        raise NotFound
    viewer.require(Permission.ADMINISTER, row.organization_id)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        revoke_token(viewer=viewer, token_id=token_id, reason=form.cleaned_data["reason"])
        messages.success(request, _("%s is revoked.") % row.name)
        return redirect("tokens")
    context = {
        "form": form,
        "title": _("Revoke %s") % row.name,
        "what": _("Whatever uses this token is refused from now on. This cannot be undone."),
        "submit": _("Revoke the token"),
        "back": "tokens",
    }
    return render(request, "settings_pages/confirm.html", context, status=422 if form.errors else 200)
