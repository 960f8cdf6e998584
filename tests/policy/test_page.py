"""/settings/policy: what is in force, from where, what is wrong with the file, and who overrides it."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core import checks
from django.test import Client

from portal.accounts.models import User
from portal.kit.viewer import Viewer
from portal.policy import Override, register_overrides
from tests.policy.conftest import GOOD
from tests.policy.files import save
from tests.support.people import People

ADDRESS = "/settings/policy"
WRONG = "circuit_breaker:\n  cooldown: 5\n  failure_threshold: 0\nweather: <b>\n"


def page(user: User) -> str:
    """The page as this one sees it, on one line."""
    client = Client()
    client.force_login(user)
    answer = client.get(ADDRESS)
    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]
    return " ".join(answer.content.decode().replace("\xa0", " ").split())


@pytest.fixture
def overrides(people: People) -> Iterator[None]:
    """Two upstreams of Tidewater have a cooldown of their own."""

    def told(viewer: Viewer) -> Iterable[Override]:
        if people.tidewater.pk in viewer.organization_ids:
            yield Override("circuit_breaker.cooldown_ms", "plans-api", "/settings/upstreams/7", "30 s")
            yield Override("circuit_breaker.cooldown_ms", "billing", "/settings/upstreams/8", "5 min")

    take_away = register_overrides(told)
    yield
    take_away()


def test_everybody_who_is_signed_in_reads_it(people: People, policy_file: Path) -> None:
    """It is the same for all organizations: admin, team mate and stranger; who is nobody signs in first."""
    for user in (people.alice, people.bob, people.charlie):
        assert "In force without a fault" in page(user)
    assert Client().get(ADDRESS).headers["Location"].startswith("/login")
    client = Client()
    client.force_login(people.alice)
    assert client.post(ADDRESS).status_code == 405


def test_each_value_has_unit_meaning_and_source(people: People, policy_file: Path) -> None:
    """What the file says with its line, what it leaves out as built in."""
    text = page(people.bob)
    said = text[text.index(">cooldown_ms<") :]
    assert said.index("90,000 ms") < said.index("1 min") < said.index("lets nothing through") < said.index("line 2")
    built_in = text[text.index(">failure_rate<") :]
    assert built_in.index("0.5 of calls") < built_in.index("50.0 %") < built_in.index("built in") < 700
    assert f'title="{policy_file} line 2"' in text


def test_what_the_file_no_longer_says_is_shown(people: People, policy_file: Path) -> None:
    """So that a file that was cut off is seen, though it is sound."""
    assert "It no longer says these" not in page(people.bob)
    save(policy_file, "sync_backoff: {max_attempts: 6}\n")
    text = page(people.bob)
    assert text.index("It no longer says these") < text.index("circuit_breaker.cooldown_ms") < text.index("</p>")


def test_no_password_of_an_endpoint_is_shown(people: People, policy_file: Path) -> None:
    """The page is for everybody."""
    text = page(people.alice)
    assert "@replica/db" in text
    assert "geheim" not in text


def test_a_reload_shows_the_new_state(people: People, policy_file: Path) -> None:
    """Each fault with line and reason, the last good policy going on; and the mended file at the next load."""
    save(policy_file, WRONG)
    text = page(people.alice)
    assert "policy.yml has 3 faults and is not taken." in text
    assert "The last good policy goes on, in force since" in text
    assert "90,000 ms" in text
    assert "circuit_breaker has no key cooldown: did you mean cooldown_ms?" in text
    assert "0 calls is too small." in text
    assert ">4<span" in text
    assert "<b>\n" not in text
    save(policy_file, GOOD.replace("90000", "45000"))
    text = page(people.alice)
    assert "In force without a fault" in text
    assert "45,000 ms" in text


def test_a_file_that_never_was(people: People, policy_file: Path, settings: Any) -> None:
    """What is built in goes on, and the page says why."""
    settings.BREAKWATER_POLICY = policy_file.with_name("never.yml")
    text = page(people.alice)
    assert "never.yml has 1 fault and is not taken." in text
    assert "What is built in goes on" in text
    assert "The file is missing." in text


def test_overrides_are_counted_and_linked(people: People, policy_file: Path, overrides: None) -> None:
    """Each with its value, to those who may see the upstream."""
    text = page(people.bob)
    assert "2 upstreams override it" in text
    assert '<a href="/settings/upstreams/8">billing</a> 5 min' in text
    assert text.index("billing") < text.index("plans-api")
    assert text.count("override it") == 1
    strangers = page(people.charlie)
    assert "override it" not in strangers
    assert "billing" not in strangers


@pytest.mark.plain
def test_the_check_warns_of_each_fault(policy_file: Path) -> None:
    """With file and line; Breakwater starts nevertheless."""

    def told() -> list[checks.CheckMessage]:
        return [message for message in checks.run_checks() if message.id == "policy.W001"]

    assert told() == []
    save(policy_file, WRONG)
    assert [message.msg.split(": ")[0] for message in told()] == [
        f"{policy_file}:{place}" for place in ("2:3", "3:22", "4:1")
    ]
    assert all(message.level == checks.WARNING for message in told())
