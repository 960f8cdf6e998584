"""The profile and the password."""

import pytest
from django.test import Client

from portal.events.models import Event
from tests.accounts.conftest import PASSWORD
from tests.support.people import People

NEW = "another horse battery"


@pytest.fixture
def client(people: People) -> Client:
    found = Client()
    found.force_login(people.alice)
    return found


def change(client: Client, old: str = PASSWORD, new: str = NEW, again: str = NEW) -> int:
    return client.post("/profile/password", {"old": old, "new": new, "again": again}).status_code


def test_likings_are_kept(people: People, client: Client) -> None:
    """Theme, shortcuts, time zone."""
    answer = client.post("/profile", {"theme": "dark", "timezone": "Europe/Zurich"})
    assert answer.status_code == 302
    people.alice.refresh_from_db()
    assert (people.alice.theme, people.alice.shortcuts, people.alice.timezone) == ("dark", False, "Europe/Zurich")
    page = client.get("/profile").content.decode()
    assert 'data-theme="dark"' in page
    assert 'data-shortcuts="off"' in page


@pytest.mark.parametrize("data", [{"theme": "pink"}, {"theme": "dark", "timezone": "Moon/Base"}])
def test_unknown_likings_are_refused(client: Client, data: dict[str, str]) -> None:
    """With the form as it was typed."""
    assert client.post("/profile", data).status_code == 422


def test_a_new_password_ends_all_other_sessions(people: People, client: Client) -> None:
    """This one goes on."""
    other = Client()
    other.force_login(people.alice)
    assert change(client) == 302
    assert client.get("/profile").status_code == 200
    assert other.get("/profile").status_code == 302
    people.alice.refresh_from_db()
    assert people.alice.check_password(NEW)
    assert Event.objects.unscoped().get(verb="account.password_changed").actor == "alice"


@pytest.mark.parametrize(
    ("old", "new", "again"),
    [
        ("wrong", NEW, NEW),
        (PASSWORD, NEW, "different"),
        (PASSWORD, "12345678", "12345678"),
        (PASSWORD, "short", "short"),
        (PASSWORD, PASSWORD, PASSWORD),
        (PASSWORD, "", ""),
    ],
)
def test_a_bad_change_changes_nothing(people: People, client: Client, old: str, new: str, again: str) -> None:
    """A wrong old one, two new ones, a weak one, the same one."""
    assert change(client, old, new, again) == 422
    people.alice.refresh_from_db()
    assert people.alice.check_password(PASSWORD)


def test_a_temporary_password_has_to_go_first(people: People, client: Client) -> None:
    """Every page leads to the profile until it is changed."""
    people.alice.password_is_temporary = True
    people.alice.save()
    assert client.get("/settings/members").headers["Location"] == "/profile"
    assert client.get("/profile").status_code == 200
    change(client)
    assert client.get("/settings/members").status_code == 200
