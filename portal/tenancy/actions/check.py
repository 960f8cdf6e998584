"""What the actions on organizations share: their event, the lock that serialises them, the rows that a viewer may reach."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from portal.events.record import record
from portal.kit.errors import Invalid, NotFound
from portal.kit.viewer import Permission, Role, Viewer
from portal.tenancy.models import Membership, Organization

LONGEST_NAME = 100
LONGEST_REASON = 300
LONGEST_LINE = 300
LONGEST_TEXT = 200_000


def administered(viewer: Viewer, organization_id: int) -> Organization:
    """The organization, locked until the transaction ends; NotFound for a stranger, Forbidden for who is no admin."""
    organization = Organization.objects.for_org(viewer).select_for_update().filter(pk=organization_id).first()
    viewer.require(Permission.ADMINISTER, organization_id)
    if organization is None:
        raise NotFound
    return organization


def organization_named(viewer: Viewer, slug: str) -> Organization:
    """The viewer's organization of this slug, or the only one without a slug; raises Invalid at /organization."""
    mine = Organization.objects.for_org(viewer)
    found = list(mine.filter(slug=slug) if slug else mine[:2])
    if len(found) == 1:
        return found[0]
    if slug:
        raise Invalid.at("/organization", _("You belong to no organization of this name."))
    raise Invalid.at("/organization", _("You belong to several organizations (or none): say which."))


def membership_of(viewer: Viewer, membership_id: int) -> Membership:
    """A membership that the viewer may change; NotFound for a stranger, Forbidden for who is no admin."""
    rows = Membership.objects.for_org(viewer).select_related("user", "organization").filter(pk=membership_id)
    found = rows.first()
    if found is None:
        raise NotFound
    administered(viewer, found.organization_id)
    again = rows.first()  # now that nobody else can change it
    if again is None:
        raise NotFound
    return again


def is_last_admin(membership: Membership) -> bool:
    """Whether nobody else could administer the organization."""
    admins = Membership.objects.unscoped().filter(
        organization_id=membership.organization_id, role=Role.ADMIN, user__is_active=True
    )
    return membership.role == Role.ADMIN and not admins.exclude(pk=membership.pk).exists()


def checked_name(text: str, pointer: str = "/name") -> str:
    """The name on one line; raises Invalid when it is missing or too long."""
    name = " ".join(text.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise Invalid.at(pointer, _("A name has 1 to %d characters, none of them control characters.") % LONGEST_NAME)
    return name


def checked_line(text: str, pointer: str) -> str:
    """The text on one line, which may be empty; raises Invalid when it is too long."""
    line = " ".join(text.split())
    if len(line) > LONGEST_LINE or not line.isprintable():
        raise Invalid.at(pointer, _("At most %d characters, none of them control characters.") % LONGEST_LINE)
    return line


def checked_text(text: str, pointer: str) -> str:
    """The text with plain line ends, which may be empty; raises Invalid when it is too long or cannot be kept."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").rstrip()
    if len(text) > LONGEST_TEXT:
        raise Invalid.at(
            pointer, _("At most %(most)d characters; this has %(n)d.") % {"most": LONGEST_TEXT, "n": len(text)}
        )
    if "\x00" in text:
        raise Invalid.at(pointer, _("NUL is no part of any text."))
    return text


def checked_reason(text: str) -> str:
    """The reason on one line, which may be empty; raises Invalid when it is too long."""
    reason = " ".join(text.split())
    if len(reason) > LONGEST_REASON or not reason.isprintable():
        raise Invalid.at("/reason", _("A reason has at most %d characters, none control characters.") % LONGEST_REASON)
    return reason


def checked_role(role: int, pointer: str = "/role") -> Role:
    """The role; raises Invalid when there is none such."""
    try:
        return Role(role)
    except ValueError:
        raise Invalid.at(pointer, _("A role is viewer, operator or admin.")) from None


def tell(
    verb: str, subject: str, organization: Organization, viewer: Viewer, data: Mapping[str, Any] | None = None
) -> None:
    """Writes the event of an action in this organization."""
    record(
        verb=verb,
        subject=subject,
        actor=viewer.name,
        organization_id=organization.pk,
        organization_name=organization.name,
        data=data,
        request_id=viewer.request_id,
    )
