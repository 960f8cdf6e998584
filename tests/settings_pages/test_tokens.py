"""The page of tokens."""

from datetime import timedelta

import pytest
from django.test import Client

from portal.kit import clock
from portal.tenancy.models import Membership, Token
from portal.tenancy.viewers import usable_token
from tests.support.people import People


@pytest.fixture
def alice(people: People) -> Client:
    client = Client()
    client.force_login(people.alice)
    return client


def make(client: Client, **said: object) -> str:
    """The page that answers."""
    return client.post(
        "/settings/tokens", {"name": "import", "scopes": ["read", "enqueue"], "lives": "30", **said}
    ).content.decode()


def test_the_secret_is_shown_once_and_works(people: People, alice: Client) -> None:
    """The list shows how it begins."""
    secret = make(alice).split('id="secret">')[1].split("<")[0]
    token = usable_token(secret, clock.now())
    assert token is not None
    assert token.expires_at is not None
    assert timedelta(days=29) < token.expires_at - clock.now() <= timedelta(days=30)
    page = alice.get("/settings/tokens").content.decode()
    assert secret not in page
    assert token.prefix in page


def test_a_token_may_live_until_it_is_revoked(people: People, alice: Client) -> None:
    """If that is chosen."""
    make(alice, lives="")
    assert Token.objects.unscoped().get().expires_at is None


@pytest.mark.parametrize("said", [{"scopes": []}, {"scopes": ["rule"]}, {"name": ""}, {"lives": "5"}])
def test_bad_input_makes_none(people: People, alice: Client, said: dict[str, object]) -> None:
    """The form says what is wrong."""
    assert "needs another look" in make(alice, **said)
    assert not Token.objects.unscoped().exists()


def test_revoking_asks_why_and_is_shown(people: People, alice: Client) -> None:
    """The row stays."""
    make(alice)
    token = Token.objects.unscoped().get()
    assert alice.post(f"/settings/tokens/{token.pk}/revoke", {"reason": ""}).status_code == 422
    assert alice.post(f"/settings/tokens/{token.pk}/revoke", {"reason": "leaked"}).status_code == 302
    token.refresh_from_db()
    assert token.revoked_at is not None
    assert "Revoked" in alice.get("/settings/tokens").content.decode()


def test_who_administers_nothing_is_refused(people: People) -> None:
    """Bob reads the queue, not the tokens."""
    client = Client()
    client.force_login(people.bob)
    assert client.get("/settings/tokens").status_code == 403


def test_an_admin_here_and_viewer_there_sees_the_tokens_of_here(people: People, alice: Client) -> None:
    """Also when the switcher shows there."""
    Membership.objects.create(organization=people.northlight, user=people.alice, role=10)
    charlie = Client()
    charlie.force_login(people.charlie)
    make(charlie, name="of northlight")
    make(alice, name="of tidewater")
    for address in ("/settings/tokens", "/settings/tokens?org=northlight"):
        page = alice.get(address).content.decode()
        assert "of tidewater" in page
        assert "of northlight" not in page
