"""What administrators type."""

import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from portal.accounts.models import SignInTry, User
from portal.events.models import Event
from portal.kit import clock, secrets
from portal.kit.viewer import Role
from portal.tenancy import sealed
from portal.tenancy.models import Membership, Organization, Token
from portal.tenancy.viewers import usable_token
from resilience.upstreams.models import Upstream
from tests.support.people import People, make_upstream

GOOD = "correct horse battery"


def run(*words: str) -> str:
    """What a command writes on stdout."""
    out = io.StringIO()
    call_command(*words, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def test_token_create_prints_the_token_alone(people: People) -> None:
    """So that a shell can keep it in a variable."""
    printed = run("token", "create", "--user", "bob", "--scope", "read", "enqueue", "--expires", "7")
    token = usable_token(printed.strip(), clock.now())
    assert printed == printed.strip() + "\n"
    assert token is not None
    assert (token.user, token.organization, token.scopes) == (people.bob, people.tidewater, ["enqueue", "read"])
    assert token.expires_at is not None
    assert timedelta(days=6) < token.expires_at - clock.now() <= timedelta(days=7)
    assert run("token", "create", "--user", "bob", "--scope", "read,operate", "--scope", "enqueue")
    assert Token.objects.unscoped().latest("pk").scopes == ["enqueue", "operate", "read"]


@pytest.mark.parametrize(
    "words",
    [
        ["--user", "nobody", "--scope", "read"],
        ["--user", "bob", "--scope", "rule"],
        ["--user", "bob", "--scope", ","],
        ["--user", "bob"],
        ["--user", "bob", "--scope", "read", "--organization", "northlight"],
        ["--user", "bob", "--scope", "read", "--expires", "0"],
    ],
)
def test_token_create_refuses_what_cannot_be(people: People, words: list[str]) -> None:
    """And makes none."""
    with pytest.raises(CommandError):
        run("token", "create", *words)
    assert not Token.objects.unscoped().exists()


def test_token_create_asks_for_one_of_several(people: People) -> None:
    """A token belongs to one organization."""
    Membership.objects.create(user=people.bob, organization=people.northlight, role=10)
    with pytest.raises(CommandError, match="northlight, tidewater"):
        run("token", "create", "--user", "bob", "--scope", "read")
    run("token", "create", "--user", "bob", "--scope", "read", "--organization", "northlight")
    assert Token.objects.unscoped().get().organization == people.northlight


@pytest.mark.django_db
def test_createadmin_makes_the_first_admin() -> None:
    """Who can sign in with what was printed."""
    password = run("createadmin", "--organization", "harbour").strip()
    organization = Organization.objects.unscoped().get(slug="harbour")
    assert Membership.objects.unscoped().get(organization=organization).role == Role.ADMIN
    answer = Client().post("/login", {"username": "admin", "password": password})
    assert answer.status_code == 302


@pytest.mark.django_db
def test_createadmin_takes_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the environment or from stdin; then it prints nothing."""
    monkeypatch.setenv("BREAKWATER_ADMIN_PASSWORD", GOOD)
    assert run("createadmin", "erin", "--organization", "one") == ""
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{GOOD} two\n"))
    assert run("createadmin", "frank", "--organization", "two", "--stdin") == ""
    assert User.objects.get(username="erin").check_password(GOOD)
    assert User.objects.get(username="frank").check_password(f"{GOOD} two")


@pytest.mark.parametrize("words", [["alice"], ["ALICE"], ["a b"], ["dana", "--organization", "tidewater"]])
def test_createadmin_makes_both_or_neither(people: People, words: list[str]) -> None:
    """A name or an organization that is there already, a name that cannot be."""
    before = User.objects.count(), Organization.objects.unscoped().count()
    with pytest.raises(CommandError):
        run("createadmin", *words)
    assert (User.objects.count(), Organization.objects.unscoped().count()) == before


@pytest.mark.django_db
def test_createadmin_refuses_a_weak_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the profile does."""
    monkeypatch.setenv("BREAKWATER_ADMIN_PASSWORD", "12345678")
    with pytest.raises(CommandError):
        run("createadmin")
    assert not User.objects.exists()


def test_resetpassword_lets_somebody_in_again(people: People) -> None:
    """Also through the lockout; old sessions end; the password has to be changed."""
    client = Client()
    client.force_login(people.bob)
    for _number in range(10):
        SignInTry.objects.create(at=clock.now(), account="bob", address="192.0.2.1")
    password = run("resetpassword", "bob").strip()
    assert client.get("/profile").status_code == 302
    answer = client.post("/login", {"username": "bob", "password": password})
    assert answer.status_code == 302
    assert client.get("/settings/members").headers["Location"] == "/profile"
    with pytest.raises(CommandError):
        run("resetpassword", "nobody")


@pytest.fixture
def upstream(people: People, settings: Any, tmp_path: Path) -> Upstream:
    """With credentials under a key ring of its own."""
    settings.BREAKWATER_HOME = tmp_path
    found = make_upstream(people.tidewater)
    found.keep_credentials({"type": "bearer", "token": "s3cret"})
    found.save()
    make_upstream(people.northlight)
    return found


def test_rotation_encrypts_every_secret_again(upstream: Upstream) -> None:
    """After it the old keys can go."""
    before = upstream.credentials
    run("rotatekeys")
    upstream.refresh_from_db()
    assert upstream.credentials != before
    assert upstream.read_credentials()["token"] == "s3cret"
    run("rotatekeys", "--drop-old")
    assert len(secrets.key_file().read_text().split()) == 1
    assert secrets.key_file().stat().st_mode & 0o777 == 0o600
    assert upstream.read_credentials()["token"] == "s3cret"
    assert Event.objects.unscoped().filter(verb="keys.rotated", actor="breakwater").count() == 1


def test_a_rotation_that_is_interrupted_loses_nothing(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new key is there, the rows are as before, and running it again finishes it."""
    monkeypatch.setitem(sealed._PLACES, "zzz.Missing", "secret")
    with pytest.raises(LookupError):
        run("rotatekeys")
    monkeypatch.delitem(sealed._PLACES, "zzz.Missing")
    before = upstream.credentials
    upstream.refresh_from_db()
    assert upstream.credentials == before
    assert upstream.read_credentials()["token"] == "s3cret"
    with pytest.raises(CommandError, match=f"upstreams.upstream {upstream.pk}"):
        run("rotatekeys", "--drop-old")
    run("rotatekeys")
    run("rotatekeys", "--drop-old")
    upstream.refresh_from_db()
    assert upstream.read_credentials()["token"] == "s3cret"


def test_a_secret_that_no_key_opens_is_named_and_kept(upstream: Upstream) -> None:
    """The others are rotated."""
    broken = Upstream.objects.unscoped().exclude(pk=upstream.pk).get()
    broken.credentials = "gAAAA-broken"
    broken.save()
    with pytest.raises(CommandError, match=f"upstreams.upstream {broken.pk}"):
        run("rotatekeys")
    upstream.refresh_from_db()
    broken.refresh_from_db()
    assert secrets.is_newest(upstream.credentials)
    assert broken.credentials == "gAAAA-broken"
