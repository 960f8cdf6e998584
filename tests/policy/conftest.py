"""The fixed people, and a policy file of the test's own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from portal.policy import state
from tests.policy.files import save
from tests.support.people import People, make_people

GOOD = "circuit_breaker:\n  cooldown_ms: 90000\nfailover:\n  fallback_endpoints:\n    db: postgres://reader:geheim@replica/db\n"


@pytest.fixture
def people(db: None) -> People:
    return make_people()


@pytest.fixture
def policy_file(tmp_path: Path, settings: Any) -> Iterator[Path]:
    """The file that BREAKWATER_POLICY names, sound and in force; afterwards the usual one is in force again."""
    path, usual = tmp_path / "policy.yml", settings.BREAKWATER_POLICY
    save(path, GOOD)
    settings.BREAKWATER_POLICY = path
    assert state().faults == ()
    yield path
    settings.BREAKWATER_POLICY = usual
    assert state().faults == ()
