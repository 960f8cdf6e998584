"""The page of members."""

import pytest
from django.test import Client

from portal.accounts.models import User
from portal.kit.viewer import Role
from portal.tenancy.models import Membership
from tests.support.people import People


@pytest.fixture
def alice(people: People) -> Client:
    client = Client()
    client.force_login(people.alice)
    return client


def bob_s(people: People) -> Membership:
    return Membership.objects.unscoped().get(user=people.bob)


def test_a_team_mate_reads_and_changes_nothing(people: People) -> None:
    """The list without a form; a post is refused."""
    client = Client()
    client.force_login(people.bob)
    page = client.get("/settings/members").content.decode()
    assert "alice" in page
    assert "charlie" not in page
    assert "Add the member" not in page
    assert client.post("/settings/members", {"username": "charlie", "role": 10}).status_code == 403


def test_somebody_new_gets_a_password_that_is_shown_once(people: People, alice: Client) -> None:
    """On the page that answers, and on no other."""
    said = {"username": "dana", "role": "20", "create": "on", "email": "dana@example.org"}
    page = alice.post("/settings/members", said).content.decode()
    password = page.split('id="secret">')[1].split("<")[0]
    dana = User.objects.get(username="dana")
    assert dana.check_password(password)
    assert password not in alice.get("/settings/members").content.decode()


def test_what_was_typed_stays_in_a_refused_form(people: People, alice: Client) -> None:
    """With the reason beside its field."""
    answer = alice.post("/settings/members", {"username": "nobody", "role": "10"})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert 'value="nobody"' in page
    assert "Nobody signs in under this name" in page


def test_a_role_is_changed(people: People, alice: Client) -> None:
    """And a role that there is not changes nothing."""
    address = f"/settings/members/{bob_s(people).pk}/role"
    alice.post(address, {"role": "20"})
    assert bob_s(people).role == Role.OPERATOR
    alice.post(address, {"role": "99"})
    alice.post(address, {"role": "\u0662"})
    assert bob_s(people).role == Role.OPERATOR


def test_removing_asks_why(people: People, alice: Client) -> None:
    """Without a reason nobody is removed."""
    address = f"/settings/members/{bob_s(people).pk}/remove"
    assert "Remove bob" in alice.get(address).content.decode()
    assert alice.post(address, {"reason": " "}).status_code == 422
    assert alice.post(address, {"reason": "left"}).status_code == 302
    assert not Membership.objects.unscoped().filter(user=people.bob).exists()


def test_the_only_admin_is_told_why_not(people: People, alice: Client) -> None:
    """On the page that asked."""
    own = Membership.objects.unscoped().get(user=people.alice)
    answer = alice.post(f"/settings/members/{own.pk}/remove", {"reason": "left"})
    assert answer.status_code == 422
    assert "only admin" in answer.content.decode()


def test_the_switcher_narrows_the_list_and_names_the_organization(people: People, alice: Client) -> None:
    """With two organizations, the form asks for which."""
    Membership.objects.create(organization=people.northlight, user=people.alice, role=Role.ADMIN)
    both = alice.get("/settings/members").content.decode()
    assert "charlie" in both
    assert 'name="organization"' in both
    one = alice.get("/settings/members?org=tidewater").content.decode()
    assert "charlie" not in one
    assert 'name="organization"' not in one
    assert "charlie" not in alice.get("/settings/members").content.decode()
