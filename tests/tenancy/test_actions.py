"""Members, roles, tokens and projects: who may, what changes, what the log tells."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from portal.accounts.models import User
from portal.events.models import Event
from portal.kit import clock
from portal.kit.errors import Conflicting, Forbidden, Invalid, NotFound
from portal.kit.viewer import Permission, Role, Viewer
from portal.tenancy.actions.add_member import add_member
from portal.tenancy.actions.change_role import change_role
from portal.tenancy.actions.create_organization import create_organization
from portal.tenancy.actions.create_project import create_project
from portal.tenancy.actions.create_token import Created, create_token
from portal.tenancy.actions.remove_member import remove_member
from portal.tenancy.actions.revoke_token import revoke_token
from portal.tenancy.models import Membership, Organization, Project, Token
from portal.tenancy.viewers import usable_token, viewer_of_token
from tests.support.people import People


def membership(user: User) -> Membership:
    return Membership.objects.unscoped().get(user=user)


def told(verb: str) -> dict[str, Any]:
    """The data of the one event of this verb."""
    return dict(json.loads(Event.objects.unscoped().get(verb=verb).data))


def token_for(people: People, user: User, *scopes: str) -> Created:
    return create_token(
        viewer=people.viewer(user), organization_id=people.tidewater.pk, name="test", scopes=scopes or ("read",)
    )


ACTIONS: dict[str, Callable[[Viewer, People, Token], object]] = {
    "add_member": lambda viewer, people, _: add_member(
        viewer=viewer, organization_id=people.tidewater.pk, username="charlie", role=Role.VIEWER
    ),
    "change_role": lambda viewer, people, _: change_role(
        viewer=viewer, membership_id=membership(people.bob).pk, role=Role.ADMIN
    ),
    "remove_member": lambda viewer, people, _: remove_member(viewer=viewer, membership_id=membership(people.bob).pk),
    "create_token": lambda viewer, people, _: create_token(
        viewer=viewer, organization_id=people.tidewater.pk, name="x", scopes=["read"]
    ),
    "revoke_token": lambda viewer, _, token: revoke_token(viewer=viewer, token_id=token.pk),
    "create_project": lambda viewer, people, _: create_project(
        viewer=viewer, organization_id=people.tidewater.pk, slug="new", name="New"
    ),
}


@pytest.mark.parametrize("name", ACTIONS)
def test_only_an_admin_may(people: People, name: str) -> None:
    """A team mate is refused, a stranger learns nothing, and nothing changes for either."""
    token = token_for(people, people.alice).token
    before = Event.objects.unscoped().count()
    with pytest.raises(Forbidden):
        ACTIONS[name](people.viewer(people.bob), people, token)
    with pytest.raises(NotFound):
        ACTIONS[name](people.viewer(people.charlie), people, token)
    with pytest.raises(Forbidden):
        ACTIONS[name](people.viewer(people.alice, Permission.READ, Permission.OPERATE), people, token)
    assert Event.objects.unscoped().count() == before
    ACTIONS[name](people.viewer(people.alice), people, token)
    event = Event.objects.unscoped().latest("id")
    assert (event.actor, event.organization_id, event.organization_name) == ("alice", people.tidewater.pk, "Tidewater")
    assert Event.objects.unscoped().count() == before + 1


def test_an_organization_begins_with_its_admin(people: People) -> None:
    """A slug is used once."""
    made = create_organization(actor="createadmin", slug="harbour", name=" Harbour ", admin=people.bob)
    assert made.name == "Harbour"
    assert people.viewer(people.bob).roles[made.pk] is Role.ADMIN
    with pytest.raises(Conflicting):
        create_organization(actor="createadmin", slug="harbour", name="Again", admin=people.bob)
    with pytest.raises(Invalid):
        create_organization(actor="createadmin", slug="a b", name="Again", admin=people.bob)
    assert Organization.objects.unscoped().count() == 3


def test_a_new_person_gets_a_temporary_password(people: People) -> None:
    """It is told once, works, and stands in no event."""
    added = add_member(
        viewer=people.viewer(people.alice),
        organization_id=people.tidewater.pk,
        username="dana",
        role=Role.OPERATOR,
        create=True,
    )
    dana = User.objects.get(username="dana")
    assert dana.check_password(added.password)
    assert dana.password_is_temporary
    assert added.password not in Event.objects.unscoped().get(verb="member.added").data
    assert people.viewer(dana).roles == {people.tidewater.pk: Role.OPERATOR}


@pytest.mark.parametrize("name", ["alice", "ALICE"])
def test_a_name_is_taken_once(people: People, name: str) -> None:
    """Whatever the capitals."""
    with pytest.raises(Conflicting):
        add_member(
            viewer=people.viewer(people.alice),
            organization_id=people.tidewater.pk,
            username=name,
            role=Role.VIEWER,
            create=True,
        )


@pytest.mark.parametrize(
    ("username", "role", "create", "pointer"),
    [
        ("nobody", Role.VIEWER, False, "/username"),
        ("", Role.VIEWER, True, "/username"),
        ("a b", Role.VIEWER, True, "/username"),
        ("charlie", 99, False, "/role"),
    ],
)
def test_bad_members_are_refused_with_the_place(
    people: People, username: str, role: int, create: bool, pointer: str
) -> None:
    """And no account is left behind."""
    before = User.objects.count()
    with pytest.raises(Invalid) as caught:
        add_member(
            viewer=people.viewer(people.alice),
            organization_id=people.tidewater.pk,
            username=username,
            role=role,
            create=create,
        )
    assert caught.value.faults[0].pointer == pointer
    assert User.objects.count() == before


def test_the_last_admin_stays(people: People) -> None:
    """Until somebody else is one too, and only who can sign in counts."""
    viewer, alice, bob = people.viewer(people.alice), membership(people.alice), membership(people.bob)
    with pytest.raises(Conflicting):
        remove_member(viewer=viewer, membership_id=alice.pk)
    with pytest.raises(Conflicting):
        change_role(viewer=viewer, membership_id=alice.pk, role=Role.VIEWER)
    change_role(viewer=viewer, membership_id=bob.pk, role=Role.ADMIN)
    User.objects.filter(pk=people.bob.pk).update(is_active=False)
    with pytest.raises(Conflicting):
        remove_member(viewer=viewer, membership_id=alice.pk)
    User.objects.filter(pk=people.bob.pk).update(is_active=True)
    remove_member(viewer=viewer, membership_id=alice.pk)
    assert not Membership.objects.unscoped().filter(user=people.alice).exists()


def test_the_same_role_again_is_no_event(people: People) -> None:
    """Nothing happened."""
    change_role(viewer=people.viewer(people.alice), membership_id=membership(people.bob).pk, role=Role.VIEWER)
    assert not Event.objects.unscoped().exists()


def test_who_is_removed_loses_the_tokens(people: People) -> None:
    """Also after coming back."""
    viewer = people.viewer(people.alice)
    change_role(viewer=viewer, membership_id=membership(people.bob).pk, role=Role.ADMIN)
    made = token_for(people, people.bob)
    remove_member(viewer=viewer, membership_id=membership(people.bob).pk, reason="left")
    add_member(viewer=viewer, organization_id=people.tidewater.pk, username="bob", role=Role.VIEWER)
    assert usable_token(made.secret, clock.now()) is None
    assert told("member.removed") == {"user": "bob", "tokens_revoked": 1, "reason": "left"}


def test_a_token_is_kept_as_a_digest_only(people: People) -> None:
    """The secret opens, and is found neither in the row nor in the log."""
    made = token_for(people, people.alice, "read", "enqueue")
    found = usable_token(made.secret, clock.now())
    assert found == made.token
    assert made.secret.startswith(f"{made.token.prefix}_")
    assert len(made.secret) > 50
    row = Token.objects.unscoped().values().get()
    assert made.secret not in str(row)
    assert made.secret not in str(told("token.created"))
    assert viewer_of_token(made.token).scopes == {"read", "enqueue"}


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"scopes": []}, "/scopes"),
        ({"scopes": ["read", "rule"]}, "/scopes"),
        ({"name": " "}, "/name"),
        ({"name": "x" * 101}, "/name"),
        ({"expires_at": clock.now() - timedelta(days=1)}, "/expires_at"),
    ],
)
def test_bad_tokens_are_refused_with_the_place(people: People, changes: dict[str, Any], pointer: str) -> None:
    """And nothing is stored."""
    said = {"name": "x", "scopes": ["read"], **changes}
    with pytest.raises(Invalid) as caught:
        create_token(viewer=people.viewer(people.alice), organization_id=people.tidewater.pk, **said)
    assert caught.value.faults[0].pointer == pointer
    assert not Token.objects.unscoped().exists()


def test_a_token_makes_none_that_may_more_or_lives_longer(people: People) -> None:
    """Nobody rises by it."""
    soon = clock.now() + timedelta(days=1)
    organization_id = people.tidewater.pk
    parent = create_token(
        viewer=people.viewer(people.alice),
        organization_id=organization_id,
        name="parent",
        scopes=["read", "administer"],
        expires_at=soon,
    )
    viewer = viewer_of_token(parent.token)
    for scopes, expires_at in [(["operate"], soon), (["read"], None), (["read"], soon + timedelta(seconds=1))]:
        with pytest.raises(Forbidden):
            create_token(viewer=viewer, organization_id=organization_id, name="x", scopes=scopes, expires_at=expires_at)
    create_token(viewer=viewer, organization_id=organization_id, name="x", scopes=["read"], expires_at=soon)


def test_revoking_twice_is_one_event(people: People) -> None:
    """And keeps the first moment."""
    token = token_for(people, people.alice).token
    first = revoke_token(viewer=people.viewer(people.alice), token_id=token.pk).revoked_at
    assert revoke_token(viewer=people.viewer(people.alice), token_id=token.pk).revoked_at == first
    assert told("token.revoked")["prefix"] == token.prefix


def test_a_projects_slug_is_used_once_in_an_organization(people: People) -> None:
    """Another organization may have the same."""
    for viewer, organization in [(people.alice, people.tidewater), (people.charlie, people.northlight)]:
        create_project(viewer=people.viewer(viewer), organization_id=organization.pk, slug="docs", name="Docs")
    with pytest.raises(Conflicting):
        create_project(
            viewer=people.viewer(people.alice), organization_id=people.tidewater.pk, slug="docs", name="Again"
        )
    assert Project.objects.unscoped().filter(slug="docs").count() == 2
