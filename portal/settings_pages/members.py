"""The page of members. Each view parses, calls one action or one read, renders."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from portal.kit.errors import Conflicting, Invalid, NotFound
from portal.kit.viewer import Permission, Role, Viewer
from portal.settings_pages.forms import MemberForm, ReasonForm, show
from portal.settings_pages.reading import administered, chosen_of, viewer_of
from portal.tenancy.actions.add_member import Added, add_member
from portal.tenancy.actions.change_role import change_role
from portal.tenancy.actions.remove_member import remove_member
from portal.tenancy.models import Membership


@never_cache
@require_http_methods(["GET", "POST"])
def members(request: HttpRequest) -> HttpResponse:
    """Who belongs to the chosen organizations; an admin adds somebody."""
    viewer = chosen_of(request)
    if request.method == "POST":
        viewer_of(request).require_anywhere(Permission.ADMINISTER)
    organizations = administered(viewer_of(request) if request.method == "POST" else viewer)
    form = MemberForm(request.POST if request.method == "POST" else None, organizations=organizations)
    added: Added | None = None
    if form.is_bound and form.is_valid():
        said = form.cleaned_data
        try:
            added = add_member(
                viewer=viewer_of(request),
                organization_id=form.organization().pk,
                username=said["username"],
                role=said["role"],
                create=said["create"],
                email=said["email"],
            )
        except (Invalid, Conflicting) as error:
            show(form, error)
        else:
            if not added.password:
                messages.success(request, _("%s is a member now.") % added.membership.user)
                return redirect("members")
            form = MemberForm(organizations=organizations)
    return _page(request, viewer, form, added)


def _page(request: HttpRequest, viewer: Viewer, form: MemberForm, added: Added | None) -> HttpResponse:
    rows = Membership.objects.for_org(viewer).select_related("user", "organization")
    context: dict[str, Any] = {
        "rows": [
            {
                "member": row,
                "role": Role(row.role).name.lower(),
                "mine": viewer.can(Permission.ADMINISTER, row.organization_id),
            }
            for row in rows.order_by("organization__name", "user__username")
        ],
        "roles": [(Role.VIEWER, _("Viewer")), (Role.OPERATOR, _("Operator")), (Role.ADMIN, _("Admin"))],
        "several": len(viewer.organization_ids) > 1,
        "form": form if form.organizations else None,
        "added": added,
    }
    return render(request, "settings_pages/members.html", context, status=422 if form.errors else 200)


@require_POST
def role(request: HttpRequest, membership_id: int) -> HttpResponse:
    """Gives a member another role."""
    text = request.POST.get("role", "")
    try:
        changed = change_role(
            viewer=viewer_of(request), membership_id=membership_id, role=int(text) if text.isdecimal() else -1
        )
    except (Conflicting, Invalid) as error:
        messages.error(request, error.detail)
    else:
        said = {"name": changed.user, "role": Role(changed.role).name.lower()}
        messages.success(request, _("The role of %(name)s is %(role)s now.") % said)
    return redirect("members")


@never_cache
@require_http_methods(["GET", "POST"])
def remove(request: HttpRequest, membership_id: int) -> HttpResponse:
    """Asks why, then ends a membership."""
    viewer = viewer_of(request)
    row = Membership.objects.for_org(viewer).select_related("user", "organization").filter(pk=membership_id).first()
    if row is None:
        raise NotFound
    viewer.require(Permission.ADMINISTER, row.organization_id)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            remove_member(viewer=viewer, membership_id=membership_id, reason=form.cleaned_data["reason"])
        except (Conflicting, Invalid) as error:
            show(form, error)
        else:
            messages.success(request, _("%s is no member any more.") % row.user)
            return redirect("members")
    said = {"name": row.user, "organization": row.organization}
    context = {
        "form": form,
        "title": _("Remove %(name)s from %(organization)s") % said,
        "what": _(
            "The membership ends, and the tokens of %(name)s for %(organization)s are revoked. The account stays."
        )
        % said,
        "submit": _("Remove %(name)s") % said,
        "back": "members",
    }
    return render(request, "settings_pages/confirm.html", context, status=422 if form.errors else 200)
