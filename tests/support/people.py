"""The fixed people: alice owns Tidewater, bob is a team mate who may only look, charlie is a stranger from Northlight."""

from dataclasses import dataclass, replace

from portal.accounts.models import User
from portal.kit.ids import uuid7
from portal.kit.viewer import Permission, Role, Viewer
from portal.tenancy.models import Membership, Organization, Project, Token
from portal.tenancy.viewers import token_digest
from resilience.upstreams.models import Upstream

PLANS = {"plan": {"path": "/plans/{id}"}, "comment": {"path": "/comments/{id}"}}


@dataclass(frozen=True)
class People:
    """Two organizations and who belongs to them."""

    tidewater: Organization
    northlight: Organization
    alice: User
    bob: User
    charlie: User

    def viewer(self, user: User, *scopes: Permission) -> Viewer:
        """The viewer that this person is, with a token of these scopes if any are named."""
        roles = {row.organization_id: Role(row.role) for row in Membership.objects.filter(user=user)}
        viewer = Viewer(user_id=user.pk, name=user.username, roles=roles)
        return replace(viewer, scopes=frozenset(scopes)) if scopes else viewer


def make_people() -> People:
    """The people, fresh in the database (without passwords: hashing them would take most of a test)."""
    tidewater = Organization.objects.create(slug="tidewater", name="Tidewater")
    northlight = Organization.objects.create(slug="northlight", name="Northlight")
    Project.objects.create(organization=tidewater, slug="web", name="Web")
    people = [User.objects.create(username=name) for name in ("alice", "bob", "charlie")]
    places = zip(people, (tidewater, tidewater, northlight), (Role.ADMIN, Role.VIEWER, Role.ADMIN), strict=True)
    for user, organization, role in places:
        Membership.objects.create(user=user, organization=organization, role=role.value)
    return People(tidewater, northlight, *people)


def make_upstream(organization: Organization, slug: str = "plans-api", **fields: object) -> Upstream:
    """An upstream that takes plans and comments."""
    values = {"name": "Plans API", "address": "http://127.0.0.1:9/v1", "routes": PLANS, **fields}
    return Upstream.objects.create(organization=organization, slug=slug, **values)


def make_token(user: User, organization: Organization, *scopes: Permission) -> str:
    """The secret of a new token of this person, with these scopes (all of them when none is named)."""
    secret = f"bw_{uuid7().hex}"
    Token.objects.create(
        user=user,
        organization=organization,
        name="test",
        prefix=secret[:8],
        digest=token_digest(secret),
        scopes=[str(scope) for scope in scopes or Permission],
    )
    return secret
