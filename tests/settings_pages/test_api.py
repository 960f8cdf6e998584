"""Members, tokens, projects and organizations by REST."""

from typing import Any

import pytest
from django.test import Client

from portal.kit.viewer import Permission
from portal.tenancy.actions.create_token import create_token
from portal.tenancy.models import Membership, Token
from tests.support.people import People


@pytest.fixture
def alice(people: People) -> Client:
    """With a token that may all."""
    made = create_token(
        viewer=people.viewer(people.alice), organization_id=people.tidewater.pk, name="t", scopes=list(Permission)
    )
    return Client(headers={"authorization": f"Bearer {made.secret}"})


def post(client: Client, address: str, **body: Any) -> Any:
    return client.post(address, body, content_type="application/json")


def test_me_says_what_this_token_may(people: People, alice: Client) -> None:
    """The role and the permissions in each organization."""
    assert alice.get("/api/v1/me").json() == {
        "username": "alice",
        "places": [
            {
                "organization": "tidewater",
                "role": "admin",
                "permissions": ["read", "enqueue", "operate", "administer"],
            }
        ],
    }


def test_a_member_comes_changes_and_goes(people: People, alice: Client) -> None:
    """Each step answers the membership."""
    answer = post(alice, "/api/v1/members", username="dana", role="viewer", new_account=True)
    assert answer.status_code == 201
    dana = answer.json()
    assert dana["temporary_password"]
    address = f"/api/v1/members/{dana['id']}"
    assert "temporary_password" not in alice.get(address).json()
    changed = alice.patch(address, {"role": "operator"}, content_type="application/json").json()
    assert (changed["username"], changed["role"], changed["organization"]) == ("dana", "operator", "tidewater")
    assert alice.delete(address).status_code == 204
    assert alice.get(address).status_code == 404


def test_the_last_admin_stays(people: People, alice: Client) -> None:
    """409 with a reason."""
    own = Membership.objects.unscoped().get(user=people.alice)
    answer = alice.delete(f"/api/v1/members/{own.pk}")
    assert answer.status_code == 409
    assert "only admin" in answer.json()["detail"]


def test_a_token_makes_a_token_once(people: People, alice: Client) -> None:
    """The secret works and is never answered again."""
    made = post(alice, "/api/v1/tokens", name="import", scopes=["read"]).json()
    other = Client(headers={"authorization": f"Bearer {made['secret']}"})
    assert other.get("/api/v1/me").json()["places"][0]["permissions"] == ["read"]
    assert made["secret"] not in alice.get("/api/v1/tokens").content.decode()
    assert alice.delete(f"/api/v1/tokens/{made['id']}").status_code == 204
    assert other.get("/api/v1/me").status_code == 401


def test_a_scope_that_is_missing_is_403(people: People) -> None:
    """Although the person is an admin."""
    made = create_token(
        viewer=people.viewer(people.alice), organization_id=people.tidewater.pk, name="t", scopes=["read", "operate"]
    )
    client = Client(headers={"authorization": f"Bearer {made.secret}"})
    assert client.get("/api/v1/tokens").status_code == 403
    assert post(client, "/api/v1/tokens", name="x", scopes=["read"]).status_code == 403
    assert Token.objects.unscoped().count() == 1


@pytest.mark.parametrize(
    ("address", "body", "pointer"),
    [
        ("members", {"username": "bob"}, "/role"),
        ("members", {"username": "bob", "role": "king"}, "/role"),
        ("members", {"username": "nobody", "role": "viewer"}, "/username"),
        ("members", {"username": "bob", "role": "viewer", "organization": "northlight"}, "/organization"),
        ("tokens", {"name": "x", "scopes": ["rule"]}, "/scopes"),
        ("tokens", {"name": "x", "scopes": "read"}, "/scopes"),
        ("tokens", {"name": "x", "scopes": ["read"], "expires_at": "soon"}, "/expires_at"),
        ("projects", {"slug": "a b", "name": "x"}, "/slug"),
        ("projects", {"slug": "x"}, "/name"),
    ],
)
def test_a_refusal_names_the_field(
    people: People, alice: Client, address: str, body: dict[str, Any], pointer: str
) -> None:
    """As a JSON Pointer."""
    answer = post(alice, f"/api/v1/{address}", **body)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_projects_and_organizations_are_the_viewers(people: People, alice: Client) -> None:
    """Nothing of Northlight."""
    assert post(alice, "/api/v1/projects", slug="docs", name="Docs").status_code == 201
    assert [row["slug"] for row in alice.get("/api/v1/projects").json()["results"]] == ["docs", "web"]
    assert [row["slug"] for row in alice.get("/api/v1/organizations").json()["results"]] == ["tidewater"]
