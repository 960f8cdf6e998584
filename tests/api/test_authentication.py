"""Who may call: tokens, sessions, and nobody else."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import time_machine
from django.test import Client

from portal.kit import clock
from portal.tenancy.models import Membership, Token
from tests.api.conftest import Caller, make_token
from tests.support.people import People

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def test_a_token_acts_as_its_user_in_its_organization(people: People, caller: Caller) -> None:
    """Also when the user belongs to more organizations."""
    Membership.objects.create(user=people.alice, organization=people.northlight, role=30)
    answer = caller().get("/api/test/echo")
    assert answer.json()["name"] == "alice"
    assert answer.json()["roles"] == [people.tidewater.pk]


@pytest.mark.parametrize(
    "header", ["Bearer bw_wrong_secret", "Bearer", "Basic YWxpY2U6YQ==", "bearer \u00e9\u00e9", "x"]
)
def test_a_bad_token_is_401_with_a_challenge(people: People, header: str) -> None:
    """Whatever is wrong with it."""
    answer = Client().get("/api/test/echo", headers={"authorization": header})
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == "/api/docs/problems#signed-out"


def test_no_token_is_401(people: People) -> None:
    """Nothing is answered to who shows nothing."""
    answer = Client().get("/api/test/echo")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_token_of_one_who_was_removed_opens_nothing(people: People, caller: Caller) -> None:
    """The token stays, the membership is gone."""
    client = caller()
    Membership.objects.filter(user=people.alice).delete()
    assert client.get("/api/test/echo").json()["roles"] == []
    assert client.get("/api/test/projects").json()["results"] == []


def test_a_token_of_one_who_is_switched_off_is_refused(people: People, caller: Caller) -> None:
    """At once."""
    client = caller()
    people.alice.is_active = False
    people.alice.save()
    assert client.get("/api/test/echo").status_code == 401


def test_a_revoked_token_is_refused(people: People, caller: Caller) -> None:
    """At once."""
    client = caller()
    Token.objects.update(revoked_at=clock.now())
    assert client.get("/api/test/echo").status_code == 401


def test_a_token_ends_when_it_says(people: People) -> None:
    """At that very moment."""
    secret = make_token(people.alice, people.tidewater, "read", expires_at=NOON)
    client = Client(headers={"authorization": f"Bearer {secret}"})
    with time_machine.travel(NOON - timedelta(seconds=1), tick=False):
        assert client.get("/api/test/echo").status_code == 200
    with time_machine.travel(NOON, tick=False):
        assert client.get("/api/test/echo").status_code == 401


def test_last_use_is_written_once_a_minute(people: People, caller: Caller) -> None:
    """So that a thousand reads are not a thousand writes."""
    client = caller()
    for seconds, kept in [(0, 0), (59, 0), (60, 60)]:
        with time_machine.travel(NOON + timedelta(seconds=seconds), tick=False):
            client.get("/api/test/echo")
        assert Token.objects.get().last_used_at == NOON + timedelta(seconds=kept)


def test_a_session_reads(people: People) -> None:
    """Our own pages call without a token."""
    client = Client()
    client.force_login(people.bob)
    assert client.get("/api/test/echo").json()["name"] == "bob"


def test_a_session_changes_nothing_without_the_csrf_token(people: People) -> None:
    """A page of another site cannot write in someone's name."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(people.bob)
    answer = client.post("/api/test/echo", {}, content_type="application/json")
    assert answer.status_code == 403
    assert answer.json()["type"].endswith("#forbidden")


def test_a_session_is_never_narrowed_for_the_api(people: People) -> None:
    """What a page chose to show does not change what the API answers."""
    Membership.objects.create(user=people.alice, organization=people.northlight, role=30)
    client = Client()
    client.force_login(people.alice)
    answer = client.get("/api/test/echo?org=tidewater")
    assert answer.json()["roles"] == sorted([people.tidewater.pk, people.northlight.pk])


def test_the_callers_request_id_is_kept_when_it_is_a_uuid(people: People, caller: Caller) -> None:
    """Its log and ours are joined by it."""
    mine = "0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000"
    answer = caller().get("/api/test/echo", headers={"x-request-id": mine})
    assert answer["X-Request-Id"] == answer.json()["request_id"] == mine


def test_any_other_request_id_is_replaced(people: People, caller: Caller) -> None:
    """Nobody writes into our log by a header."""
    answer = caller().get("/api/test/echo", headers={"x-request-id": "<script>"})
    assert str(UUID(answer["X-Request-Id"])) == answer["X-Request-Id"]
