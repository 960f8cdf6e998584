"""GET /api/v1/policy."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from portal.accounts.models import User
from portal.kit.viewer import Permission
from portal.policy import Override, register_overrides
from portal.settings_pages.policy_api import EXAMPLE
from portal.tenancy.models import Organization
from tests.policy.files import save
from tests.support.people import People, make_token

ADDRESS = "/api/v1/policy"


def ask(user: User, organization: Organization, scope: Permission = Permission.READ) -> Any:
    """The answer to a token of this one."""
    secret = make_token(user, organization, scope)
    return Client(headers={"authorization": f"Bearer {secret}"}).get(ADDRESS)


def test_everybody_with_a_token_reads_it(people: People, policy_file: Path) -> None:
    """Owner, team mate and stranger read the same; without a token it is 401, and nothing is changed here."""
    answers = [
        ask(people.alice, people.tidewater).json(),
        ask(people.bob, people.tidewater).json(),
        ask(people.charlie, people.northlight).json(),
    ]
    assert answers[0] == answers[1] == answers[2]
    assert Client().get(ADDRESS).status_code == 401
    secret = make_token(people.alice, people.tidewater)
    assert Client(headers={"authorization": f"Bearer {secret}"}).put(ADDRESS).status_code == 405


def test_values_sources_and_units(people: People, policy_file: Path) -> None:
    """The sections as the file writes them, and each key with its source."""
    answer = ask(people.alice, people.tidewater).json()
    assert (answer["in_force"], answer["sound"], answer["faults"], answer["faulty_since"]) == ("file", True, [], None)
    assert (answer["file"], len(answer["version"])) == (str(policy_file), 12)
    assert answer["values"]["circuit_breaker"]["cooldown_ms"] == 90_000
    assert answer["values"]["circuit_breaker"]["slow_call_ms"] is None
    assert answer["values"]["alert_channels"] == ["slack", "email", "webhook"]
    figures = {figure["key"]: figure for figure in answer["figures"]}
    assert figures["circuit_breaker.cooldown_ms"]["source"] == f"{policy_file} line 2"
    assert figures["circuit_breaker.cooldown_ms"]["unit"] == "ms"
    assert (figures["sync_backoff.jitter"]["value"], figures["sync_backoff.jitter"]["source"]) == (True, "built in")
    assert "geheim" not in str(answer)


def test_faults_have_file_line_column_key_and_reason(people: People, policy_file: Path) -> None:
    """While the last good policy goes on."""
    version = ask(people.alice, people.tidewater).json()["version"]
    save(policy_file, "circuit_breaker:\n  cooldown: 5\n")
    answer = ask(people.alice, people.tidewater).json()
    assert (answer["in_force"], answer["sound"], answer["version"]) == ("file", False, version)
    assert answer["values"]["circuit_breaker"]["cooldown_ms"] == 90_000
    assert answer["faulty_since"]
    assert answer["faults"] == [
        {
            "file": str(policy_file),
            "line": 2,
            "column": 3,
            "key": "circuit_breaker.cooldown",
            "reason": "circuit_breaker has no key cooldown: did you mean cooldown_ms?",
        }
    ]


def test_a_file_that_never_was(people: People, policy_file: Path, settings: Any) -> None:
    """What is built in is in force, and has no version."""
    settings.BREAKWATER_POLICY = policy_file.with_name("never.yml")
    answer = ask(people.alice, people.tidewater).json()
    assert (answer["in_force"], answer["sound"], answer["version"]) == ("built-in", False, "")
    assert [fault["reason"] for fault in answer["faults"]] == ["The file is missing."]


def test_overrides_stand_at_their_key(people: People, policy_file: Path) -> None:
    """Name, page and value."""
    take_away = register_overrides(
        lambda viewer: [Override("failover.enabled", "plans-api", "/settings/upstreams/7", "off")]
    )
    try:
        figures = ask(people.alice, people.tidewater).json()["figures"]
    finally:
        take_away()
    told = {figure["key"]: figure["overridden_by"] for figure in figures if figure["overridden_by"]}
    assert told == {"failover.enabled": [{"name": "plans-api", "href": "/settings/upstreams/7", "value": "off"}]}


def test_the_example_has_the_shape_of_the_answer(people: People, policy_file: Path) -> None:
    """The description shows what really comes."""
    answer = ask(people.alice, people.tidewater).json()
    assert answer.keys() == EXAMPLE.keys()
    assert answer["figures"][0].keys() == EXAMPLE["figures"][0].keys()  # type: ignore[index]


@pytest.mark.parametrize("scope", [Permission.ENQUEUE, Permission.READ])
def test_any_scope_will_do(people: People, policy_file: Path, scope: Permission) -> None:
    """These are no data of an organization."""
    assert ask(people.alice, people.tidewater, scope).status_code == 200
