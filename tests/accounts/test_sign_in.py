"""Signing in, and the lockout."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from portal.accounts.core.lockout import MOST_PER_ACCOUNT, MOST_PER_ADDRESS, WINDOW, locked_until
from portal.accounts.models import SignInTry
from portal.events.models import Event
from tests.accounts.conftest import PASSWORD
from tests.support.people import People

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def sign_in(name: str = "alice", password: str = PASSWORD, address: str = "192.0.2.1", **data: str) -> Any:
    """The answer to one try with a browser of its own."""
    return Client(REMOTE_ADDR=address).post("/login", {"username": name, "password": password, **data})


def test_the_page_is_there_for_everybody(people: People) -> None:
    """Without an account nobody gets further than this."""
    answer = Client().get("/login")
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]


def test_a_good_password_opens_the_page_that_was_asked_for(people: People) -> None:
    """And tells it in the log of each organization."""
    client = Client()
    answer = client.post("/login", {"username": "alice", "password": PASSWORD, "next": "/settings/members"})
    assert answer.headers["Location"] == "/settings/members"
    assert client.get("/settings/members").status_code == 200
    event = Event.objects.unscoped().get(verb="account.signed_in")
    assert (event.actor, event.organization_id) == ("alice", people.tidewater.pk)


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "javascript:alert(1)", "http:///evil"])
def test_nobody_is_led_to_another_site(people: People, target: str) -> None:
    """Whatever the link said."""
    assert sign_in(next=target).headers["Location"] == "/"


@pytest.mark.parametrize(("name", "password"), [("alice", "wrong"), ("nobody", PASSWORD), ("alice", "")])
def test_a_wrong_one_says_nothing_about_which(people: People, name: str, password: str) -> None:
    """The same answer for a wrong name and a wrong password."""
    answer = sign_in(name, password)
    assert answer.status_code == 422
    if password:
        assert "Name and password do not belong together" in answer.content.decode()


def test_one_who_is_switched_off_cannot_sign_in(people: People) -> None:
    """Although the password is right."""
    people.alice.is_active = False
    people.alice.save()
    assert sign_in().status_code == 422


def test_ten_failures_lock_the_account_from_everywhere(people: People) -> None:
    """Also for the right password, until 15 minutes have passed."""
    with time_machine.travel(NOON, tick=False):
        for number in range(10):
            assert sign_in(password="wrong", address=f"192.0.2.{number}").status_code == 422
        answer = sign_in()
        assert answer.status_code == 429
        assert int(answer["Retry-After"]) == 15 * 60
        assert sign_in("bob").status_code == 302
    with time_machine.travel(NOON + timedelta(minutes=15), tick=False):
        assert sign_in().status_code == 302


def test_other_spellings_are_the_same_account(people: People) -> None:
    """The lock counts them together."""
    for name in ("alice", "ALICE", "Alice", "\uff41lice") * 3:
        sign_in(name, "wrong")
    assert sign_in().status_code == 429


def test_an_address_that_tries_many_accounts_is_locked(people: People) -> None:
    """One password tried on everybody."""
    for number in range(30):
        sign_in(f"user{number}", "wrong")
    assert sign_in().status_code == 429
    assert sign_in(address="192.0.2.9").status_code == 302


def test_a_success_forgets_the_failures(people: People) -> None:
    """Nine typing errors a day lock nobody out."""
    for _round in range(2):
        for _number in range(9):
            sign_in(password="wrong")
        assert sign_in().status_code == 302
    assert not SignInTry.objects.exists()


def test_a_refused_try_does_not_lengthen_the_lock(people: People) -> None:
    """Who keeps on trying does not lock out the owner for ever."""
    with time_machine.travel(NOON, tick=False):
        for _number in range(10):
            sign_in(password="wrong")
    with time_machine.travel(NOON + timedelta(minutes=14), tick=False):
        assert sign_in(password="wrong").status_code == 429
    with time_machine.travel(NOON + timedelta(minutes=15), tick=False):
        assert sign_in().status_code == 302


def test_failures_of_strangers_do_not_fill_the_log(people: People) -> None:
    """Only accounts that exist are told of."""
    sign_in("nobody", "wrong")
    sign_in("alice", "wrong")
    assert [event.subject for event in Event.objects.unscoped()] == [f"user:{people.alice.pk}"]


def test_the_session_gets_a_new_key(people: People) -> None:
    """A key that somebody planted before opens nothing."""
    client = Client()
    session = client.session
    session["planted"] = 1
    session.save()
    before = client.session.session_key
    client.post("/login", {"username": "alice", "password": PASSWORD})
    assert client.session.session_key != before


def test_signing_out_ends_the_session(people: People) -> None:
    """By POST only."""
    client = Client()
    client.force_login(people.alice)
    assert client.get("/logout").status_code == 405
    assert client.post("/logout").headers["Location"] == "/login"
    assert client.get("/profile").status_code == 302


@given(st.lists(st.integers(0, 899), max_size=60), st.lists(st.integers(0, 899), max_size=60))
def test_the_lock_ends_when_enough_tries_are_old(account: list[int], address: list[int]) -> None:
    """At the very moment that it names, and not before."""
    mine, others = ([NOON - timedelta(seconds=ago) for ago in each] for each in (account, address))

    def counted(at: datetime) -> tuple[int, int]:
        return tuple(sum(try_ > at - WINDOW for try_ in each) for each in (mine, others))  # type: ignore[return-value]

    until = locked_until(mine, others)
    if until is None:
        assert len(mine) < MOST_PER_ACCOUNT
        assert len(others) < MOST_PER_ADDRESS
    else:
        assert all(n < most for n, most in zip(counted(until), (MOST_PER_ACCOUNT, MOST_PER_ADDRESS), strict=True))
        early = counted(until - timedelta(microseconds=1))
        assert any(n >= most for n, most in zip(early, (MOST_PER_ACCOUNT, MOST_PER_ADDRESS), strict=True))
