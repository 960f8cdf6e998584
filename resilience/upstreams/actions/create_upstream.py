"""Adding an upstream."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from portal.events.record import record
from portal.kit.errors import Conflicting, Fault, Invalid
from portal.kit.viewer import Permission, Viewer
from portal.tenancy.models import Organization
from resilience.upstreams.actions.check import draft_faults, refuse
from resilience.upstreams.core.draft import FIELDS, Draft, refuse_unknown, reserved_fault
from resilience.upstreams.models import Upstream


def create_upstream(*, viewer: Viewer, fields: Mapping[str, Any]) -> Upstream:
    """The new upstream. `fields` are those of a Draft, and `organization` (a slug) for a viewer of several.

    Raises Invalid with every fault, Forbidden, or Conflicting when the organization has one of this slug.
    """
    organization = _organization(viewer, fields.get("organization", ""))
    viewer.require(Permission.ADMINISTER, organization.pk)
    said = {name: value for name, value in fields.items() if name != "organization"}
    unknown = refuse_unknown(said, FIELDS)
    draft = Draft(**{name: value for name, value in said.items() if name in FIELDS})
    refuse(unknown + reserved_fault(draft) + draft_faults(draft))
    upstream = Upstream(organization=organization, **{name: getattr(draft, name) for name in FIELDS - {"credentials"}})
    upstream.keep_credentials(draft.credentials or {})
    with transaction.atomic():
        try:
            with transaction.atomic():
                upstream.save(force_insert=True)
        except IntegrityError:
            detail = _("%(organization)s has an upstream %(slug)s already. Choose another slug.")
            said = {"organization": organization.name, "slug": upstream.slug}
            raise Conflicting(detail % said, faults=[Fault("/slug", detail % said)]) from None
        record(
            verb="upstream.created",
            subject=f"upstream:{upstream.pk}",
            actor=viewer.name,
            organization_id=organization.pk,
            organization_name=organization.name,
            data={"slug": upstream.slug, "address": upstream.address, "credentials": upstream.credentials_type},
            request_id=viewer.request_id,
        )
    return upstream


def _organization(viewer: Viewer, slug: object) -> Organization:
    organizations = Organization.objects.for_org(viewer)
    if not isinstance(slug, str):
        raise Invalid.at("/organization", _("An organization is named by its slug."))
    if slug:
        found = organizations.filter(slug=slug).first()
        if found is None:
            raise Invalid.at("/organization", _("You belong to no organization of this name."))
        return found
    several = list(organizations[:2])
    if len(several) != 1:
        raise Invalid.at("/organization", _("You belong to several organizations (or none): say which."))
    return several[0]
