"""Who asks: a person or a token, with a role in each organization. Every read and every action takes a Viewer."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum

from portal.kit.errors import Forbidden, NotFound


class Role(IntEnum):
    """What a member may do in an organization; a higher role may do all that a lower one may."""

    VIEWER = 10
    OPERATOR = 20
    ADMIN = 30


class Permission(StrEnum):
    """What an action needs. Each is also the name of a token scope."""

    READ = "read"
    ENQUEUE = "enqueue"
    OPERATE = "operate"
    ADMINISTER = "administer"


LEAST_ROLE: Mapping[Permission, Role] = {
    Permission.READ: Role.VIEWER,
    Permission.ENQUEUE: Role.OPERATOR,
    Permission.OPERATE: Role.OPERATOR,
    Permission.ADMINISTER: Role.ADMIN,
}


@dataclass(frozen=True, slots=True)
class Viewer:
    """One who asks. `roles` maps organization ids to roles; `scopes` is None for a session and the token's scopes otherwise."""

    user_id: int | None
    name: str
    roles: Mapping[int, Role] = field(default_factory=dict)
    scopes: frozenset[str] | None = None
    token_id: int | None = None
    request_id: str = ""

    @property
    def organization_ids(self) -> frozenset[int]:
        """The organizations that this viewer may read."""
        return self.organizations_with(Permission.READ)

    def organizations_with(self, permission: Permission) -> frozenset[int]:
        """The organizations in which this viewer holds `permission`."""
        return frozenset(organization_id for organization_id in self.roles if self.can(permission, organization_id))

    def narrowed(self, organization_id: int) -> "Viewer":
        """The same one, seeing one of its organizations only."""
        return replace(self, roles={organization_id: self.roles[organization_id]})

    def by_role(self) -> "Viewer":
        """The same one without a token's limits: to read what a change itself names, so that a token may only hand in."""
        return replace(self, scopes=None)

    def can(self, permission: Permission, organization_id: int) -> bool:
        """Whether role and token scope both allow `permission` in this organization."""
        role = self.roles.get(organization_id)
        if role is None or role < LEAST_ROLE[permission]:
            return False
        return self.scopes is None or permission in self.scopes

    def require(self, permission: Permission, organization_id: int) -> None:
        """Raises NotFound for a stranger (who must not learn that it exists) and Forbidden for a member without the right."""
        if organization_id not in self.roles:
            raise NotFound
        if not self.can(permission, organization_id):
            raise Forbidden(_needs(permission))

    def require_anywhere(self, permission: Permission) -> frozenset[int]:
        """The organizations in which this viewer holds `permission`; raises Forbidden when there is none."""
        found = self.organizations_with(permission)
        if not found:
            raise Forbidden(_needs(permission))
        return found


def _needs(permission: Permission) -> str:
    least = LEAST_ROLE[permission].name.lower()
    return f"This needs the role {least} and, with a token, the scope {permission}."


ANONYMOUS = Viewer(user_id=None, name="")
SYSTEM = "breakwater"
