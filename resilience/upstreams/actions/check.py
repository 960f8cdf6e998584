"""What every action on an upstream needs first: the right one, under lock, and a draft that holds."""

from django.conf import settings

from portal.kit.errors import Fault, Invalid, NotFound
from portal.kit.viewer import Permission, Viewer
from resilience.upstreams import adapters
from resilience.upstreams.core.address import address_fault
from resilience.upstreams.core.draft import Draft, faults
from resilience.upstreams.figures import figure_faults
from resilience.upstreams.models import Upstream

LONGEST_REASON = 300


def locked(*, viewer: Viewer, upstream_id: int, permission: Permission) -> Upstream:
    """The upstream, locked until the transaction ends; raises NotFound for a stranger, Forbidden without the right."""
    upstream = (
        Upstream.objects.for_org(viewer)
        .select_for_update(of=("self",))
        .select_related("organization")
        .filter(pk=upstream_id)
        .first()
    )
    if upstream is None:
        raise NotFound
    viewer.require(permission, upstream.organization_id)
    return upstream


def draft_faults(draft: Draft) -> list[Fault]:
    """Everything that is wrong with a draft, under the portal's settings."""
    plain = faults(
        draft,
        address_fault=lambda address: address_fault(
            address, plain_everywhere=not settings.PRODUCTION, allowed=settings.BREAKWATER_ALLOWED_NETWORKS
        ),
        validate_adapter=adapters.validate,
    )
    return [*plain, *figure_faults(draft.policy, draft.figures)]


def refuse(found: list[Fault]) -> None:
    """Raises Invalid with these faults, if there are any."""
    if found:
        raise Invalid(found[0].detail, faults=found)


def checked_reason(reason: object, *, needed: bool) -> str:
    """The reason, cleaned; raises Invalid at /reason when it is missing, too long or no text."""
    if not isinstance(reason, str):
        raise Invalid.at("/reason", "A reason is a text.")
    clean = " ".join(reason.split())
    if needed and not clean:
        raise Invalid.at("/reason", "Say why, so that the next person knows.")
    if len(clean) > LONGEST_REASON or not clean.isprintable():
        raise Invalid.at("/reason", f"A reason has at most {LONGEST_REASON} characters, without control characters.")
    return clean
